//! Pairs are made whole or not at all, whatever lies in their places.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn names() -> [String; 1] {
    ["a.example".to_owned()]
}

/// What a folder holds: the bytes of files, where links lead, and nothing of folders.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let content = |path: PathBuf| {
        let linked = fs::read_link(&path).map(|to| to.into_os_string().into_encoded_bytes());
        let bytes = linked.or_else(|_| fs::read(&path)).unwrap_or_default();
        (path, bytes)
    };
    fs::read_dir(folder).unwrap().map(|entry| content(entry.unwrap().path())).collect()
}

/// Checks that no pair is made of what `prepare` leaves, and that nothing is changed by it.
#[track_caller]
fn check_refused(existing: Existing, prepare: impl FnOnce(&Pair)) {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::within(folder.path());
    prepare(&pair);
    let before = contents(folder.path());
    assert!(pair.self_signed(&names(), 1, existing).is_err());
    assert_eq!(contents(folder.path()), before);
}

/// Checks that a whole pair takes the places of what `prepare` leaves, and that nothing is left beside it.
#[track_caller]
fn check_replaced(prepare: impl FnOnce(&Pair)) {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::within(folder.path());
    prepare(&pair);
    pair.self_signed(&names(), 1, Existing::Replace).unwrap();
    tls::Identity::load(&pair.certificate, &pair.key).unwrap();
    let metadata = fs::symlink_metadata(&pair.key).unwrap();
    assert!(metadata.is_file());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(contents(folder.path()).len(), 2);
}

#[test]
fn a_pair_is_made_and_none_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::within(folder.path());
    pair.self_signed(&names(), 1, Existing::Keep).unwrap();
    let rights = fs::metadata(&pair.key).unwrap().permissions().mode() & 0o777;
    let before = contents(folder.path());
    assert_eq!(rights, 0o600);
    tls::Identity::load(&pair.certificate, &pair.key).unwrap();
    assert!(pair.self_signed(&names(), 1, Existing::Keep).is_err());
    assert!(pair.self_signed(&["not a name".to_owned()], 1, Existing::Replace).is_err());
    assert_eq!(contents(folder.path()), before);
    pair.self_signed(&names(), 1, Existing::Replace).unwrap();
    assert_ne!(fs::read(&pair.certificate).unwrap(), before[&pair.certificate]);
    tls::Identity::load(&pair.certificate, &pair.key).unwrap();
}

#[test]
fn half_a_pair_is_not_made_whole_by_a_stranger() {
    check_refused(Existing::Keep, |pair| fs::write(&pair.certificate, "MINE").unwrap());
    check_refused(Existing::Keep, |pair| fs::write(&pair.key, "MINE").unwrap());
    check_refused(Existing::Keep, |pair| symlink("nowhere", &pair.key).unwrap());
    check_refused(Existing::Keep, |pair| symlink("nowhere", &pair.certificate).unwrap());
}

#[test]
fn the_key_survives_a_certificate_that_cannot_be_replaced() {
    check_refused(Existing::Replace, |pair| {
        fs::write(&pair.key, "MINE").unwrap();
        fs::create_dir(&pair.certificate).unwrap();
    });
}

#[test]
fn what_is_there_is_replaced_whatever_it_is() {
    check_replaced(|_| {});
    check_replaced(|pair| fs::write(&pair.certificate, "old").unwrap());
    check_replaced(|pair| symlink("nowhere", &pair.key).unwrap());
    check_replaced(|pair| {
        fs::write(&pair.key, "old").unwrap();
        fs::set_permissions(&pair.key, fs::Permissions::from_mode(0o444)).unwrap();
        symlink("/", &pair.certificate).unwrap();
    });
}

#[test]
fn the_first_file_is_taken_back_when_the_second_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let pair =
        Pair { certificate: folder.path().join("missing/certificate.pem"), ..Pair::within(folder.path()) };
    for existing in [Existing::Keep, Existing::Replace] {
        assert!(pair.self_signed(&names(), 1, existing).is_err());
        assert_eq!(contents(folder.path()).len(), 0);
    }
}

#[test]
fn renames_are_all_undone() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b, c, full] = ["a", "b", "c", "full"].map(|name| folder.path().join(name));
    fs::write(&a, "a").unwrap();
    fs::write(&b, "b").unwrap();
    fs::create_dir(&full).unwrap();
    let before = contents(folder.path());
    let mut renames = Renames::default();
    renames.aside(&folder.path().join("missing"), &c).unwrap();
    renames.aside(&a, &c).unwrap();
    renames.rename(&b, &a).unwrap();
    assert_eq!(renames.rename(&c, &full).unwrap_err().0, full);
    renames.undo();
    assert_eq!(contents(folder.path()), before);
}
