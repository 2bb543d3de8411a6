//! Sums over records, by user, key, route and hour, without an allocation per record.

use lockgate_event::{EventRef, Kind};
use rustc_hash::FxHashMap;
use store::{KeyId, KeyUse, UsageDelta, UserId};

const HOUR_US: u64 = 3_600_000_000;

/// What usage is kept by. 0 stands for no user and no key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Group {
    user: u64,
    key: u64,
    hour: u64,
    /// Place in [`Groups::routes`].
    route: usize,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    /// Millionths of a unit.
    total: i128,
    count: i64,
    last_us: u64,
}

/// The sums.
#[derive(Default)]
pub(crate) struct Groups {
    sums: FxHashMap<Group, Sum>,
    /// Last uses of keys that no sum tells of.
    uses: FxHashMap<u64, u64>,
    routes: Vec<Box<str>>,
    route_places: FxHashMap<Box<str>, usize>,
    last_route: usize,
}

impl Groups {
    /// Number of groups.
    pub(crate) fn len(&self) -> usize {
        self.sums.len() + self.uses.len()
    }

    /// Adds a record. One without a value is not counted, but its key was used.
    pub(crate) fn add(&mut self, event: &EventRef<'_>) {
        let key = event.key_id.unwrap_or(0);
        let Some(value) = event.value else {
            if key != 0 {
                let last_us = self.uses.entry(key).or_default();
                *last_us = event.ts_us.max(*last_us);
            }
            return;
        };
        let user = event.user_id.unwrap_or(0);
        let group = Group { user, key, hour: event.ts_us / HOUR_US, route: self.place_of(event.route) };
        let sum = self.sums.entry(group).or_default();
        sum.total += i128::from(value.0);
        sum.count += match event.kind {
            Kind::Done => 1,
            Kind::Part => 0,
            Kind::Cut => -1,
        };
        sum.last_us = event.ts_us.max(sum.last_us);
    }

    /// Neighbors often share their route.
    fn place_of(&mut self, route: &str) -> usize {
        if self.routes.get(self.last_route).is_some_and(|last| **last == *route) {
            return self.last_route;
        }
        self.last_route = self.route_places.get(route).copied().unwrap_or_else(|| {
            let place = self.routes.len();
            self.routes.push(route.into());
            self.route_places.insert(route.into(), place);
            place
        });
        self.last_route
    }

    /// Takes the sums out, in one order for every node: two that commit the same groups in different orders would wait for each other.
    pub(crate) fn take(&mut self) -> (Vec<UsageDelta>, Vec<KeyUse>) {
        let mut sums: Vec<_> = self.sums.drain().collect();
        let routes = &self.routes;
        sums.sort_unstable_by(|(one, _), (other, _)| {
            (one.user, one.key, &routes[one.route], one.hour).cmp(&(
                other.user,
                other.key,
                &routes[other.route],
                other.hour,
            ))
        });
        for (group, sum) in sums.iter().filter(|(group, _)| group.key != 0) {
            let last_us = self.uses.entry(group.key).or_default();
            *last_us = sum.last_us.max(*last_us);
        }
        let mut uses: Vec<_> =
            self.uses.drain().map(|(key, used_us)| KeyUse { key_id: KeyId(key), used_us }).collect();
        uses.sort_unstable_by_key(|used| used.key_id);
        let usage = sums.into_iter().map(|(group, sum)| UsageDelta {
            user_id: (group.user != 0).then_some(UserId(group.user)),
            key_id: (group.key != 0).then_some(KeyId(group.key)),
            route: routes[group.route].clone(),
            hour: group.hour,
            count: sum.count,
            total: sum.total,
        });
        let usage = usage.collect();
        self.routes.clear();
        self.route_places.clear();
        (usage, uses)
    }
}

#[cfg(test)]
mod tests {
    use lockgate_event::Value;

    use super::*;
    use crate::testing::event;

    #[test]
    fn what_functions_ask_is_neither_usage_nor_a_use_of_a_key() {
        let client = EventRef { user_id: Some(1), key_id: Some(2), value: Some(Value(5)), ..event() };
        // As the data plane records it: nobody's, and worth nothing.
        let child = EventRef {
            parent: Some(client.id),
            user_id: None,
            key_id: None,
            value: None,
            ts_us: client.ts_us + 1,
            ..client
        };
        let mut groups = Groups::default();
        groups.add(&child);
        assert_eq!(groups.len(), 0);
        groups.add(&client);
        groups.add(&child);
        let (usage, uses) = groups.take();
        assert_eq!(usage.iter().map(|delta| (delta.count, delta.total)).collect::<Vec<_>>(), [(1, 5)]);
        assert_eq!(uses, [KeyUse { key_id: KeyId(2), used_us: client.ts_us }]);
    }
}
