//! What a rule asks for besides host and path, and whether a request has it.

use super::{Rule, Subject};
use crate::router::query;

/// A rule's other matches, without repetitions.
#[derive(Clone, Debug)]
pub(super) struct Conditions {
    /// Sorted.
    methods: Option<Box<[Box<str>]>>,
    headers: Box<[Condition]>,
    query: Box<[Condition]>,
}

/// One field or parameter asked for, in the order of names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Condition {
    pub(super) name: Box<str>,
    pub(super) value: Option<Box<str>>,
}

impl Conditions {
    pub(super) fn of(rule: &Rule) -> Self {
        // Field names are the same in any case (RFC 9110 §5.1), parameter names are not.
        let headers = rule.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_deref()));
        let query = rule.query.iter().map(|(name, value)| (name.clone(), value.as_deref()));
        let methods = rule.methods.as_ref().map(|methods| {
            let mut methods: Vec<Box<str>> = methods.iter().map(|method| method.as_str().into()).collect();
            methods.sort_unstable();
            methods.dedup();
            methods.into_boxed_slice()
        });
        Self { methods, headers: distinct(headers), query: distinct(query) }
    }

    /// How many there are; a list of methods counts as one.
    pub(super) fn count(&self) -> usize {
        self.headers.len() + self.query.len() + usize::from(self.methods.is_some())
    }

    pub(super) fn methods(&self) -> Option<&[Box<str>]> {
        self.methods.as_deref()
    }

    pub(super) fn headers(&self) -> &[Condition] {
        &self.headers
    }

    pub(super) fn query(&self) -> &[Condition] {
        &self.query
    }

    pub(super) fn allows(&self, method: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.iter().any(|allowed| **allowed == *method))
    }

    /// Whether all but the method is as asked for.
    pub(super) fn others_match(&self, subject: &impl Subject) -> bool {
        self.headers.iter().all(|header| subject.has_header(&header.name, header.value.as_deref()))
            && self.query.iter().all(|asked| query::has(subject.query(), &asked.name, asked.value.as_deref()))
    }
}

/// Sorts by name, and drops what is repeated or implied: a name that must have a value is thereby present.
fn distinct<'r>(written: impl Iterator<Item = (String, Option<&'r str>)>) -> Box<[Condition]> {
    let mut all: Vec<Condition> =
        written.map(|(name, value)| Condition { name: name.into(), value: value.map(Into::into) }).collect();
    // "Present" sorts before every value of its name, so what implies it stands right behind it.
    all.sort_unstable();
    all.dedup();
    let implied: Vec<bool> = all
        .iter()
        .enumerate()
        .map(|(at, this)| this.value.is_none() && all.get(at + 1).is_some_and(|next| next.name == this.name))
        .collect();
    all.into_iter().zip(implied).filter(|(_, implied)| !implied).map(|(condition, _)| condition).collect()
}
