//! The table against a map that is obviously right.

use std::collections::HashMap;
use std::sync::Arc;

use policy::{KeyFacts, KeyHash, Scopes};
use proptest::prelude::*;

use super::KeyTable;

/// A hash that many others are close to: `near` says where in the table, `rest` which of those there.
fn hash(near: u8, rest: u8) -> KeyHash {
    let mut bytes = [near; 32];
    bytes[7] = rest;
    bytes[31] = rest / 2;
    KeyHash(bytes)
}

fn facts(key_id: u64) -> KeyFacts {
    KeyFacts { key_id, user_id: key_id + 1, expires_us: None, scopes: Scopes::All }
}

fn check(table: &KeyTable, expected: &HashMap<KeyHash, KeyFacts>) {
    assert_eq!(table.len(), expected.len());
    for near in [0, 1, 127, 128, 255] {
        for rest in 0..=u8::MAX {
            let hash = hash(near, rest);
            assert_eq!(table.find(&hash, KeyFacts::clone), expected.get(&hash).cloned(), "{near} {rest}");
        }
    }
}

/// Keys to set or to take away.
fn changes() -> impl Strategy<Value = Vec<(KeyHash, Option<KeyFacts>)>> {
    let near = prop::sample::select(vec![0, 1, 127, 128, 255]);
    let change = (near, any::<u8>(), prop::option::of(any::<u8>()));
    let change = change.prop_map(|(near, rest, to)| (hash(near, rest), to.map(|to| facts(u64::from(to)))));
    prop::collection::vec(change, 0..300)
}

proptest! {
    #[test]
    fn the_table_holds_what_a_map_holds(first in changes(), then in prop::collection::vec(changes(), 0..4)) {
        let filled: Vec<_> = first.into_iter().filter_map(|(hash, facts)| Some((hash, facts?))).collect();
        let mut map: HashMap<_, _> = filled.iter().cloned().collect();
        let table = KeyTable::new();
        table.replace(filled);
        check(&table, &map);
        for changes in then {
            for (hash, facts) in &changes {
                match facts {
                    Some(facts) => map.insert(*hash, facts.clone()),
                    None => map.remove(hash),
                };
            }
            table.apply(changes);
            check(&table, &map);
        }
    }
}

#[test]
fn a_table_is_loaded_by_its_first_replacement_even_with_nothing() {
    let table = KeyTable::new();
    assert!(!table.is_loaded() && table.is_empty());
    table.apply(vec![(hash(1, 1), Some(facts(1)))]);
    assert!(!table.is_loaded(), "single changes say nothing of the other keys");
    table.replace(Vec::new());
    assert!(table.is_loaded() && table.is_empty());
}

#[test]
fn no_look_misses_a_key_while_others_change() {
    let table = Arc::new(KeyTable::new());
    table.replace((0..=u8::MAX).map(|rest| (hash(9, rest), facts(u64::from(rest)))).collect());
    let looker = {
        let table = table.clone();
        std::thread::spawn(move || {
            let mut looks = 0_u64;
            // Ends when the last change has been seen.
            while table.find(&hash(9, 1), |_| ()).is_some() {
                assert_eq!(table.find(&hash(9, 0), |facts| facts.key_id), Some(0));
                looks += 1;
            }
            looks
        })
    };
    for round in 0..200_u8 {
        let change = if round.is_multiple_of(2) { None } else { Some(facts(7)) };
        table.apply((2..=u8::MAX).map(|rest| (hash(9, rest), change.clone())).collect());
    }
    table.apply(vec![(hash(9, 1), None)]);
    looker.join().expect("no look failed");
    assert_eq!(table.len(), 255);
}
