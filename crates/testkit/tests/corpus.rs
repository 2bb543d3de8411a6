//! Replays the fuzzers' seeds, and what they once found, without a fuzzer.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use testkit::fuzz::TARGETS;

fn fuzz_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let listing = std::fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    listing.map(|entry| entry.expect("a readable folder").path()).collect()
}

#[test]
fn every_seed_keeps_the_promises_of_its_target() {
    for (name, target) in TARGETS {
        let seeds = entries(&fuzz_dir().join("corpus").join(name));
        assert!(!seeds.is_empty(), "{name} has seeds");
        for seed in seeds {
            // Shown before it runs, so that a failure names the seed.
            eprintln!("{}", seed.display());
            target(&std::fs::read(&seed).expect("a readable seed"));
        }
    }
}

#[test]
fn every_target_is_replayed() {
    let names = |dir: &str| -> BTreeSet<String> {
        let stem = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
        let all = entries(&fuzz_dir().join(dir)).into_iter().filter_map(stem);
        // Those of guests come with the engine, those of connections with the data plane.
        let is_here = |name: &String| match name.split_once('_') {
            Some(("guest", _)) => cfg!(feature = "functions"),
            Some(("h2" | "proxy", _)) => cfg!(feature = "proxy"),
            _ => true,
        };
        all.filter(is_here).collect()
    };
    let replayed: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), replayed);
    assert_eq!(names("corpus"), replayed);
}
