//! What a reload changes, and what of it only a restart can.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use crate::config::{Config, Function, Outbound, Route, Target};

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
    /// Functions, by name. A component whose file has changed is the loader's to notice.
    pub functions: Changes,
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

/// Compares two configurations. The order of upstreams, functions and routes is no difference: a route's
/// rank does not depend on it.
pub fn difference(old: &Config, new: &Config) -> Difference {
    let places = Places::new(old, new);
    let same_route = |a: &Route, b: &Route| places.route(a).as_ref() == Some(b);
    let same_function = |a: &Function, b: &Function| places.of_function(a).as_ref() == Some(b);
    Difference {
        listeners: changes(
            &old.listeners,
            &new.listeners,
            |listener| listener.address.to_string(),
            PartialEq::eq,
        ),
        upstreams: changes(&old.upstreams, &new.upstreams, |upstream| upstream.name.clone(), PartialEq::eq),
        functions: changes(&old.functions, &new.functions, |function| function.name.clone(), same_function),
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

/// The places of the new configuration's upstreams and functions, by name: routes and functions name them by index, which another
/// order changes and the meaning does not.
struct Places<'c> {
    old: &'c Config,
    upstreams: HashMap<&'c str, usize>,
    functions: HashMap<&'c str, usize>,
}

impl<'c> Places<'c> {
    fn new(old: &'c Config, new: &'c Config) -> Self {
        let upstreams = new.upstreams.iter().map(|upstream| upstream.name.as_str());
        let functions = new.functions.iter().map(|function| function.name.as_str());
        Self {
            old,
            upstreams: upstreams.enumerate().map(|(index, name)| (name, index)).collect(),
            functions: functions.enumerate().map(|(index, name)| (name, index)).collect(),
        }
    }

    fn upstream(&self, old: usize) -> Option<usize> {
        self.upstreams.get(self.old.upstreams.get(old)?.name.as_str()).copied()
    }

    fn function(&self, old: usize) -> Option<usize> {
        self.functions.get(self.old.functions.get(old)?.name.as_str()).copied()
    }

    /// The old route as the new configuration would have it; `None` if it names what is not there any more.
    fn route(&self, old: &Route) -> Option<Route> {
        let target = match &old.target {
            Target::Upstreams(shares) => {
                let shares = shares.iter().map(|(index, share)| Some((self.upstream(*index)?, *share)));
                Target::Upstreams(shares.collect::<Option<_>>()?)
            }
            Target::Function(index) => Target::Function(self.function(*index)?),
            own @ (Target::Redirect { .. } | Target::Fixed { .. }) => own.clone(),
        };
        let before = old.before.iter().map(|index| self.function(*index)).collect::<Option<_>>()?;
        Some(Route { target, before, ..old.clone() })
    }

    /// As `route`, for a function.
    fn of_function(&self, old: &Function) -> Option<Function> {
        let outbound = old.outbound.iter().map(|outbound| {
            Some(Outbound { upstream: self.upstream(outbound.upstream)?, ..outbound.clone() })
        });
        Some(Function { outbound: outbound.collect::<Option<_>>()?, ..old.clone() })
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
        ("functions.threads", old.function_settings.threads != new.function_settings.threads),
        ("functions.instances", old.function_settings.instances != new.function_settings.instances),
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
        for (noun, changes) in [
            ("listener", &self.listeners),
            ("upstream", &self.upstreams),
            ("function", &self.functions),
            ("route", &self.routes),
        ] {
            for (sign, names) in [('+', &changes.added), ('~', &changes.changed), ('-', &changes.removed)] {
                lines.extend(names.iter().map(|name| format!("{sign} {noun} {name}")));
            }
        }
        lines.extend(self.settings.iter().map(|key| format!("~ {key}")));
        lines.extend(self.restart.iter().map(|key| format!("! {key} takes effect after a restart")));
        f.write_str(&lines.join("\n"))
    }
}
