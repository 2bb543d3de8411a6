//! Identity, count of starts, and lock.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn starts_are_counted_and_the_node_stays() {
    let dir = tempfile::tempdir().unwrap();
    let seen: Vec<_> =
        (0..3).map(|_| DataDir::open(dir.path()).map(|d| (d.node(), d.boot())).unwrap()).collect();
    assert_eq!(seen, [1, 2, 3].map(|boot| (seen[0].0, boot)));
}

#[test]
fn a_new_directory_is_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b");
    drop(DataDir::open(&path).unwrap());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    for file in ["lock", "node", "boot"] {
        assert_eq!(std::fs::metadata(path.join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
}

#[test]
fn a_lost_count_goes_on_behind_the_newest_segment() {
    let dir = tempfile::tempdir().unwrap();
    drop(DataDir::open(dir.path()).unwrap());
    std::fs::write(journal_dir(dir.path()).join(segment::name_of(1, 41)), "").unwrap();
    for damaged in ["", "not a number", "0000000007\n"] {
        std::fs::write(dir.path().join("boot"), damaged).unwrap();
        assert_eq!(DataDir::open(dir.path()).unwrap().boot(), 42, "{damaged}");
    }
}

#[test]
fn a_damaged_node_number_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("node"), "what").unwrap();
    let error = DataDir::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("node` is damaged"), "{error}");
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().join("data");
    let error = DataDir::open(&path).unwrap_err().to_string();
    assert_eq!(error, format!("cannot create directory `{}`", path.display()));
}

#[test]
fn a_ring_falls_back_to_the_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = DataDir::open(dir.path()).unwrap();
    let mut first = true;
    let (path, ()) = data_dir
        .create_ring(0, |_| {
            if std::mem::take(&mut first) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        })
        .unwrap();
    assert_eq!(path, journal_dir(dir.path()).join(file_name(RingId { boot: 1, worker: 0 })));
    let names = RingNames::of(dir.path(), data_dir.node()).unwrap();
    assert_eq!(
        names.list().unwrap(),
        [(RingId { boot: 1, worker: 0 }, path)],
        "nothing is left in shared memory"
    );
}

#[test]
fn names_of_rings_round_trip() {
    let ring = RingId { boot: 0x12ab, worker: 7 };
    assert_eq!(ring_of_name(&file_name(ring)), Some(ring));
    for name in ["", ".ring", "1-2.ring", "000012ab-0007.segment", "000012ab-00+7.ring"] {
        assert_eq!(ring_of_name(name), None, "{name}");
    }
}
