//! How far the changes of keys are known, and whether an answer of the database goes on from there.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use store::KeyState;

/// Changes remembered to know the database by. Of those, some may have been overtaken by later changes of the same keys.
const RECENT: usize = 64;

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    number: u64,
    /// The last changes, by growing number.
    recent: VecDeque<KeyState>,
}

/// What the database says beyond what is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// These changes follow.
    Changes(Vec<KeyState>),
    /// This is not the database it was.
    OtherDatabase,
}

impl Known {
    pub(super) fn new(recent: VecDeque<KeyState>) -> Self {
        Self { number: recent.back().map_or(0, |state| state.number), recent }
    }

    /// Number of the last change known.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Number of the oldest change that is remembered.
    pub(super) fn oldest(&self) -> u64 {
        self.recent.front().map_or(self.number, |state| state.number)
    }

    /// The number behind which to ask for changes: the answer should begin with what is known.
    pub(super) fn anchor(&self, doubt: bool) -> u64 {
        let first = if doubt { self.oldest() } else { self.number };
        first.saturating_sub(1)
    }

    /// Tells what is new in an answer to a question behind [`Known::anchor`].
    pub(super) fn news(&self, mut states: Vec<KeyState>, doubt: bool) -> News {
        let known = states.iter().take_while(|state| state.number <= self.number).count();
        let is_as_known = |state: &KeyState| self.recent.iter().rev().any(|recent| recent == state);
        // Numbers never go back, and no key goes away: what is not there as it was must have been overtaken.
        let went_back = states.last().map_or(0, |state| state.number) < self.number;
        let anchor = self.anchor(doubt);
        let numbers: FxHashMap<_, _> = states.iter().map(|state| (state.hash, state.number)).collect();
        let is_there =
            |recent: &KeyState| numbers.get(&recent.hash).is_some_and(|number| *number >= recent.number);
        let mut asked_for = self.recent.iter().filter(|recent| recent.number > anchor);
        if went_back || !states[..known].iter().all(is_as_known) || !asked_for.all(is_there) {
            News::OtherDatabase
        } else {
            News::Changes(states.split_off(known))
        }
    }

    /// Adds changes, by growing number.
    pub(super) fn add(&mut self, changes: &[KeyState]) {
        for state in changes {
            self.number = state.number;
            remember(&mut self.recent, state);
        }
    }
}

/// Adds a change to the last ones.
pub(super) fn remember(recent: &mut VecDeque<KeyState>, state: &KeyState) {
    if recent.len() == RECENT {
        recent.pop_front();
    }
    recent.push_back(state.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::{KeyFacts, KeyHash, Scopes};

    fn state(number: u64, key: u8) -> KeyState {
        let facts = KeyFacts { key_id: key.into(), user_id: 1, expires_us: None, scopes: Scopes::All };
        KeyState { number, hash: KeyHash([key; 32]), facts: Some(facts) }
    }

    fn known() -> Known {
        let mut known = Known::default();
        known.add(&[state(1, 1), state(4, 4), state(5, 5)]);
        known
    }

    #[track_caller]
    fn check(states: &[KeyState], doubt: bool, expected: Option<&[KeyState]>) {
        let expected = expected.map_or(News::OtherDatabase, |changes| News::Changes(changes.to_vec()));
        assert_eq!(known().news(states.to_vec(), doubt), expected);
    }

    #[test]
    fn what_follows_what_is_known_is_new() {
        assert_eq!((known().anchor(false), known().anchor(true)), (4, 0));
        check(&[state(5, 5)], false, Some(&[]));
        check(&[state(5, 5), state(6, 6)], false, Some(&[state(6, 6)]));
        check(&[state(1, 1), state(5, 5), state(6, 4)], true, Some(&[state(6, 4)]));
    }

    #[test]
    fn the_last_change_may_have_been_overtaken() {
        check(&[state(6, 5)], false, Some(&[state(6, 5)]));
        check(&[state(1, 1), state(4, 4), state(6, 5)], true, Some(&[state(6, 5)]));
        check(&[state(6, 9), state(8, 5)], false, Some(&[state(6, 9), state(8, 5)]));
    }

    #[test]
    fn a_database_without_the_last_change_is_another_one() {
        check(&[], false, None);
        check(&[state(1, 1), state(4, 4)], true, None);
        check(&[], true, None);
    }

    #[test]
    fn a_database_with_another_change_of_that_number_is_another_one() {
        check(&[state(5, 7)], false, None);
        check(&[state(1, 1), state(4, 9), state(5, 5), state(9, 9)], true, None);
        let revoked = KeyState { facts: None, ..state(5, 5) };
        check(&[revoked], false, None);
    }

    #[test]
    fn a_database_that_does_not_know_a_key_any_more_is_another_one() {
        check(&[state(8, 8), state(9, 9)], false, None);
        check(&[state(1, 1), state(4, 4), state(6, 9)], true, None);
        check(&[state(4, 4), state(6, 5)], true, None);
        check(&[state(4, 4), state(6, 5)], false, Some(&[state(6, 5)]));
    }

    #[test]
    fn nothing_known_is_followed_by_anything() {
        let nothing = Known::default();
        assert_eq!(nothing.anchor(true), 0);
        assert_eq!(nothing.news(vec![state(3, 3)], true), News::Changes(vec![state(3, 3)]));
        assert_eq!(nothing.news(Vec::new(), true), News::Changes(Vec::new()));
    }
}
