//! What a reload changes, and what of it only a restart can.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use crate::config::{Config, Route, Target};

/// Names of what was added, changed and removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the new configuration only, in its order.
    pub added: Vec<String>,
    /// In both, and not the same, in the new order.
    pub changed: Vec<String>,
    /// In the old configuration only, in its order.
    pub removed: Vec<String>,
}

impl Changes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// The difference of two configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Listeners, by address.
    pub listeners: Changes,
    /// Upstreams, by name.
    pub upstreams: Changes,
    /// Routes, by name.
    pub routes: Changes,
    /// Other keys that take effect at once, as `limits.drain`.
    pub settings: Vec<&'static str>,
    /// Keys that changed and take effect only after a restart, as `workers.count`.
    pub restart: Vec<&'static str>,
}

impl Difference {
    /// Whether both configurations mean the same.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Compares two configurations. The order of upstreams and routes is no difference: a route's rank does not
/// depend
/// on it.
pub fn difference(old: &Config, new: &Config) -> Difference {
    let same_route = |a: &Route, b: &Route| same_route((old, a), (new, b));
    Difference {
        listeners: changes(
            &old.listeners,
            &new.listeners,
            |listener| listener.address.to_string(),
            PartialEq::eq,
        ),
        upstreams: changes(&old.upstreams, &new.upstreams, |upstream| upstream.name.clone(), PartialEq::eq),
        routes: changes(&old.routes, &new.routes, |route| route.name.clone(), same_route),
        settings: settings(old, new),
        restart: restart(old, new),
    }
}

fn changes<T>(old: &[T], new: &[T], name: fn(&T) -> String, same: impl Fn(&T, &T) -> bool) -> Changes {
    // Listeners on port 0 share a name; they are compared in their order.
    let mut before: HashMap<String, VecDeque<&T>> = HashMap::new();
    for item in old {
        before.entry(name(item)).or_default().push_back(item);
    }
    let mut changes = Changes::default();
    for item in new {
        let name = name(item);
        match before.get_mut(&name).and_then(VecDeque::pop_front) {
            None => changes.added.push(name),
            Some(former) if !same(former, item) => changes.changed.push(name),
            Some(_) => {}
        }
    }
    let mut left = |name: &String| before.get_mut(name).and_then(VecDeque::pop_front).is_some();
    changes.removed = old.iter().map(name).filter(|name| left(name)).collect();
    changes
}

/// Routes name upstreams by index, which another order changes and the meaning does not.
fn same_route((old, a): (&Config, &Route), (new, b): (&Config, &Route)) -> bool {
    let named = |config: &Config, target: &Target| match target {
        Target::Upstreams(shares) => {
            let name = |index: usize| config.upstreams.get(index).map(|upstream| upstream.name.clone());
            Some(shares.iter().map(|(index, share)| (name(*index), *share)).collect::<Vec<_>>())
        }
        _ => None,
    };
    match (named(old, &a.target), named(new, &b.target)) {
        (Some(before), Some(after)) => {
            before == after && Route { target: b.target.clone(), ..a.clone() } == *b
        }
        _ => a == b,
    }
}

fn settings(old: &Config, new: &Config) -> Vec<&'static str> {
    let (a, b) = (&old.limits, &new.limits);
    changed(&[
        ("limits.head_bytes", a.head_bytes != b.head_bytes),
        ("limits.header_count", a.header_count != b.header_count),
        ("limits.target_bytes", a.target_bytes != b.target_bytes),
        ("limits.response_head_bytes", a.response_head_bytes != b.response_head_bytes),
        ("limits.connections", a.connections != b.connections),
        ("limits.drain", a.drain != b.drain),
        ("log.access", old.access_log != new.access_log),
    ])
}

fn restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let (a, b) = (&old.data, &new.data);
    changed(&[
        ("admin.address", old.admin.address != new.admin.address),
        ("admin.token", old.admin.token != new.admin.token),
        ("admin.read_token", old.admin.read_token != new.admin.read_token),
        ("data.dir", a.dir != b.dir),
        ("data.database", a.database != b.database),
        ("data.sync", a.sync != b.sync),
        ("data.keep.size", a.keep_bytes != b.keep_bytes),
        ("data.keep.age", a.keep_age != b.keep_age),
        ("data.segment", a.segment_bytes != b.segment_bytes),
        ("data.ring", a.ring_bytes != b.ring_bytes),
        ("data.rings", a.rings != b.rings),
        ("data.when_full", a.when_full != b.when_full),
        ("limits.limited_keys", old.limits.limited_keys != new.limits.limited_keys),
        ("workers.count", old.workers.count != new.workers.count),
    ])
}

fn changed(keys: &[(&'static str, bool)]) -> Vec<&'static str> {
    keys.iter().filter(|(_, changed)| *changed).map(|(key, _)| *key).collect()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        for (noun, changes) in
            [("listener", &self.listeners), ("upstream", &self.upstreams), ("route", &self.routes)]
        {
            for (sign, names) in [('+', &changes.added), ('~', &changes.changed), ('-', &changes.removed)] {
                lines.extend(names.iter().map(|name| format!("{sign} {noun} {name}")));
            }
        }
        lines.extend(self.settings.iter().map(|key| format!("~ {key}")));
        lines.extend(self.restart.iter().map(|key| format!("! {key} takes effect after a restart")));
        f.write_str(&lines.join("\n"))
    }
}
