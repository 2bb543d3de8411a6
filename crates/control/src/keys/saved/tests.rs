//! The file gives back what was put into it, or the start of it, or says that it is damaged.

use std::os::unix::fs::PermissionsExt;

use policy::Scopes;
use proptest::prelude::*;

use super::format::{FormatError, HEADER_BYTES};
use super::*;

fn any_state() -> impl Strategy<Value = KeyState> {
    let scopes = prop_oneof![
        Just(Scopes::All),
        proptest::collection::vec(".{0,12}", 0..4)
            .prop_map(|names| Scopes::Routes(names.into_iter().map(Into::into).collect())),
    ];
    let facts = (any::<u64>(), any::<u64>(), any::<Option<u64>>(), scopes)
        .prop_map(|(key_id, user_id, expires_us, scopes)| KeyFacts { key_id, user_id, expires_us, scopes });
    (any::<u64>(), any::<[u8; 32]>(), proptest::option::weighted(0.7, facts))
        .prop_map(|(number, hash, facts)| KeyState { number, hash: KeyHash(hash), facts })
}

fn bytes_of(states: &[KeyState]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_header(&mut bytes);
    states.iter().for_each(|state| put_state(state, &mut bytes));
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_saved_is_read(states in proptest::collection::vec(any_state(), 0..20)) {
        let bytes = bytes_of(&states);
        let whole_bytes = bytes.len();
        prop_assert_eq!(read(&bytes), Ok(ReadSaved { states, whole_bytes }));
    }

    #[test]
    fn a_file_cut_anywhere_is_the_start_of_it(states in proptest::collection::vec(any_state(), 0..8), cut: prop::sample::Index) {
        let bytes = bytes_of(&states);
        let cut = cut.index(bytes.len() + 1);
        match read(&bytes[..cut]) {
            Ok(saved) => {
                prop_assert!(states.starts_with(&saved.states) && saved.whole_bytes <= cut);
                let again = read(&bytes[..saved.whole_bytes]);
                prop_assert_eq!(again, Ok(saved));
            }
            Err(error) => prop_assert!(error == FormatError::Header && cut < HEADER_BYTES),
        }
    }

    #[test]
    fn a_changed_byte_never_gives_another_key(states in proptest::collection::vec(any_state(), 1..8), at: prop::sample::Index, flip in 1..=255_u8) {
        let mut bytes = bytes_of(&states);
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(saved) = read(&bytes) {
            prop_assert!(states.starts_with(&saved.states) && saved.states.len() < states.len());
        }
    }

    #[test]
    fn any_bytes_are_keys_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), with_header: bool) {
        if with_header {
            let mut whole = bytes_of(&[]);
            whole.append(&mut bytes);
            bytes = whole;
        }
        let _ = read(&bytes);
    }
}

fn state(number: u64, key: u64) -> KeyState {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&key.to_le_bytes());
    let facts = KeyFacts { key_id: key, user_id: 1, expires_us: None, scopes: Scopes::All };
    KeyState { number, hash: KeyHash(hash), facts: Some(facts) }
}

fn loaded(path: &Path) -> (Option<u64>, Vec<u64>) {
    let loaded = SavedKeys::at(path.into()).load().unwrap().unwrap();
    let mut ids: Vec<_> = loaded.keys.iter().map(|(_, facts)| facts.key_id).collect();
    ids.sort_unstable();
    (loaded.recent.back().map(|state| state.number), ids)
}

#[test]
fn only_its_owner_may_read_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    SavedKeys::at(path.clone()).replace(&[state(1, 1)]).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_record_that_was_not_written_to_its_end_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    SavedKeys::at(path.clone()).replace(&[state(1, 1), state(2, 2)]).unwrap();
    let mut torn = std::fs::read(&path).unwrap();
    torn.truncate(torn.len() - 3);
    std::fs::write(&path, torn).unwrap();
    let mut saved = SavedKeys::at(path.clone());
    saved.load().unwrap().unwrap();
    saved.append(&[state(5, 5)]).unwrap();
    assert_eq!(loaded(&path), (Some(5), vec![1, 5]));
}

#[test]
fn a_file_damaged_in_the_middle_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    let revoked = KeyState { facts: None, ..state(3, 1) };
    SavedKeys::at(path.clone()).replace(&[state(1, 1), state(2, 2), revoked]).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[HEADER_BYTES + 60] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = SavedKeys::at(path).load().unwrap_err();
    assert_eq!(error.to_string(), format!("it is damaged at byte {HEADER_BYTES}"));
}

#[test]
fn damage_that_hides_where_the_next_record_starts_is_no_end_that_was_not_written() {
    let revoked = KeyState { facts: None, ..state(3, 1) };
    let check = |states: &[KeyState], damage: &dyn Fn(&mut [u8]), offset: usize| {
        let mut bytes = bytes_of(states);
        damage(&mut bytes);
        assert_eq!(read(&bytes), Err(FormatError::Damaged { offset }));
    };
    let three = [state(1, 1), state(2, 2), revoked.clone()];
    check(&three, &|bytes| bytes[HEADER_BYTES] ^= 1, HEADER_BYTES);
    check(&three, &|bytes| bytes[HEADER_BYTES + 2] ^= 0x80, HEADER_BYTES);
    let second = bytes_of(&three[..1]).len();
    check(&three, &|bytes| bytes[second + 1] ^= 0xff, second);
    let third = bytes_of(&three[..2]).len();
    check(&three, &|bytes| bytes[HEADER_BYTES..third].fill(0), HEADER_BYTES);
    let mut many: Vec<_> = (1..12).map(|number| state(number, number)).collect();
    many.push(revoked);
    check(&many, &|bytes| bytes[HEADER_BYTES..HEADER_BYTES + 512].fill(0), HEADER_BYTES);
    check(&many, &|bytes| bytes[HEADER_BYTES..HEADER_BYTES + 512].fill(0xff), HEADER_BYTES);
}

#[test]
fn zeros_at_the_end_were_not_written() {
    let mut bytes = bytes_of(&[state(1, 1)]);
    let whole_bytes = bytes.len();
    bytes.resize(whole_bytes + 512, 0);
    assert_eq!(read(&bytes), Ok(ReadSaved { states: vec![state(1, 1)], whole_bytes }));
}

#[test]
fn history_is_forgotten_and_the_last_changes_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    let mut saved = SavedKeys::at(path.clone());
    saved.replace(&[state(1, 1)]).unwrap();
    let mut largest = 0;
    for number in 2..10_000 {
        let facts = state(number, 2).facts.filter(|_| number % 2 == 0);
        saved.append(&[KeyState { facts, ..state(number, 2) }]).unwrap();
        if number % 100 == 0 {
            let unsynced = saved.unsynced().unwrap();
            saved.synced(&unsynced, unsynced.sync()).unwrap().unwrap();
            if saved.is_mostly_history() {
                saved.tidy();
            }
        }
        largest = largest.max(std::fs::metadata(&path).unwrap().len());
    }
    assert!(largest < 100 * (HISTORY_MIN as u64 + 200), "{largest}");
    assert_eq!(loaded(&path), (Some(9999), vec![1]));
    let recent = SavedKeys::at(path).load().unwrap().unwrap().recent;
    assert_eq!(recent.back().map(|state| (state.number, state.facts.is_none())), Some((9999, true)));
}
