//! Rules that collide with another, and rules that can never answer.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::Rule;
use super::conditions::{Condition, Conditions};
use crate::pattern::{HostPattern, PathPattern};

pub(super) fn conflicts(rules: &[Rule]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for_each_group(rules, |group| {
        for (at, (later, its)) in group.iter().enumerate() {
            let first = group[..at].iter().find(|(_, earlier)| one_request_can_match(earlier, its));
            pairs.extend(first.map(|(earlier, _)| (*earlier, *later)));
        }
    });
    pairs.sort_unstable();
    pairs
}

/// Only a rule of equal rank can hide another. Were it of higher rank, asking for nothing the other does not ask
/// for, it could have more matches only by naming methods where the other names none, and no list covers all.
pub(super) fn shadowed(rules: &[Rule]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for_each_group(rules, |group| {
        for (at, (later, its)) in group.iter().enumerate() {
            if its.methods().is_some_and(<[_]>::is_empty) {
                pairs.push((*later, *later));
            } else if let Some(by) = hidden_by(its, &group[..at]) {
                pairs.push((*later, by));
            }
        }
    });
    pairs.sort_unstable();
    pairs
}

type Member = (usize, Conditions);

/// Calls `visit` with sets of rules of equal rank, in the order written, such that rules in different sets neither
/// collide with nor hide each other.
fn for_each_group(rules: &[Rule], mut visit: impl FnMut(&[Member])) {
    type Rank<'r> = (Option<&'r HostPattern>, &'r PathPattern, usize);
    let mut groups: FxHashMap<Rank<'_>, Vec<Member>> = FxHashMap::default();
    for (index, rule) in rules.iter().enumerate() {
        let conditions = Conditions::of(rule);
        let rank = (rule.host.as_ref(), &rule.path, conditions.count());
        groups.entry(rank).or_default().push((index, conditions));
    }
    let mut waiting: Vec<Vec<Member>> = groups.into_values().collect();
    while let Some(group) = waiting.pop() {
        match split(group) {
            Ok(parts) => waiting.extend(parts),
            Err(group) => visit(&group),
        }
    }
}

/// Splits a group by a method, field or parameter for which every rule in it asks for exactly one value: thousands
/// of routes told apart by a header would otherwise be compared pair by pair. Gives the group back if there is none.
fn split(group: Vec<Member>) -> Result<Vec<Vec<Member>>, Vec<Member>> {
    let Some(key) = splitting_key(&group) else {
        return Err(group);
    };
    let mut parts: BTreeMap<Box<str>, Vec<Member>> = BTreeMap::new();
    for member in group {
        let value = key.value(&member.1).unwrap_or_default().into();
        parts.entry(value).or_default().push(member);
    }
    Ok(parts.into_values().collect())
}

enum Key {
    Method,
    Header(Box<str>),
    Query(Box<str>),
}

impl Key {
    /// The one value asked for.
    fn value<'c>(&self, conditions: &'c Conditions) -> Option<&'c str> {
        let (all, name) = match self {
            Self::Method => match conditions.methods()? {
                [only] => return Some(only),
                _ => return None,
            },
            Self::Header(name) => (conditions.headers(), name),
            Self::Query(name) => (conditions.query(), name),
        };
        match of_name(all, name) {
            [only] => only.value.as_deref(),
            _ => None,
        }
    }
}

fn splitting_key(group: &[Member]) -> Option<Key> {
    let [(_, first), rest @ ..] = group else {
        return None;
    };
    let headers = first.headers().iter().map(|header| Key::Header(header.name.clone()));
    let query = first.query().iter().map(|parameter| Key::Query(parameter.name.clone()));
    std::iter::once(Key::Method).chain(headers).chain(query).find(|key| {
        let its = key.value(first);
        its.is_some()
            && rest.iter().all(|(_, other)| key.value(other).is_some())
            && rest.iter().any(|(_, other)| key.value(other) != its)
    })
}

/// The conditions on one name; they stand together.
fn of_name<'c>(sorted: &'c [Condition], name: &str) -> &'c [Condition] {
    let start = sorted.partition_point(|condition| *condition.name < *name);
    let count = sorted[start..].iter().take_while(|condition| *condition.name == *name).count();
    &sorted[start..start + count]
}

fn one_request_can_match(a: &Conditions, b: &Conditions) -> bool {
    let share_method = match (a.methods(), b.methods()) {
        (Some(a), Some(b)) => a.iter().any(|method| b.contains(method)),
        (Some(only), None) | (None, Some(only)) => !only.is_empty(),
        (None, None) => true,
    };
    share_method && compatible(a.headers(), b.headers()) && compatible(a.query(), b.query())
}

/// Whether for each name on which both ask for values, they ask for one in common.
fn compatible(a: &[Condition], b: &[Condition]) -> bool {
    a.iter().filter(|condition| condition.value.is_some()).all(|condition| {
        let theirs = of_name(b, &condition.name);
        let ours = of_name(a, &condition.name);
        theirs.iter().all(|their| their.value.is_none()) || theirs.iter().any(|their| ours.contains(their))
    })
}

/// The first of the rules `before` that take a request `its` rule could answer, if together they take all.
fn hidden_by(its: &Conditions, before: &[Member]) -> Option<usize> {
    let takers = || before.iter().filter(|(_, taker)| asks_for_no_more(taker, its));
    match its.methods() {
        None => takers().find(|(_, taker)| taker.methods().is_none()).map(|(index, _)| *index),
        Some(methods) => {
            let all = methods.iter().all(|method| takers().any(|(_, taker)| taker.allows(method)));
            let some = |taker: &Conditions| methods.iter().any(|method| taker.allows(method));
            takers().find(|(_, taker)| all && some(taker)).map(|(index, _)| *index)
        }
    }
}

/// Whether whatever has the headers and parameters `its` rule asks for has those the `taker` asks for.
fn asks_for_no_more(taker: &Conditions, its: &Conditions) -> bool {
    implied(taker.headers(), its.headers()) && implied(taker.query(), its.query())
}

fn implied(asked: &[Condition], given: &[Condition]) -> bool {
    asked.iter().all(|condition| {
        let given = of_name(given, &condition.name);
        if condition.value.is_none() { !given.is_empty() } else { given.contains(condition) }
    })
}
