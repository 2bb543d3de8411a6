//! The tests of `tests/python`, run by Python against the library that Cargo has built; and the package that maturin builds of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use lockgate_event::segment::{RingId, SegmentHeader, append_block, append_frame};
use lockgate_event::{EventId, EventRef, write_ndjson};

/// Oldest Python that loads the library.
const VERSION: &str = "import sys; sys.exit(sys.version_info < (3, 11))";

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo makes the library for these tests, and puts it beside them.
fn library() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.with_file_name(format!("{DLL_PREFIX}lockgate_python{DLL_SUFFIX}"))
}

/// A Python that has what `needed` imports: the checkout's own, as `cargo xtask test` makes it, or that in PATH.
fn python(needed: &str) -> Option<PathBuf> {
    let own = folder().join("../../target/tools/venv/bin/python3");
    let found = [own, "python3".into()].into_iter().find(|python| {
        let has = |program: &str| Command::new(python).args(["-c", program]).output();
        let has = |program: &str| has(program).is_ok_and(|output| output.status.success());
        has(VERSION) && (needed.is_empty() || has(&format!("import {needed}")))
    });
    if found.is_none() {
        testkit::skip(&format!("there is no Python from 3.11 on with these packages: [{needed}]"));
    }
    found
}

/// A folder from which Python imports the library, with its stub. It is a copy: maturin builds a library of the same name.
fn importable() -> &'static Path {
    static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lockgate-python");
        fs::create_dir_all(&place).unwrap();
        // A library that is loaded keeps its content when its name is given to another.
        let library_copy = place.join("lockgate.abi3.so");
        let fresh = place.join(format!("fresh-{}", std::process::id()));
        fs::copy(library(), &fresh).unwrap();
        fs::rename(fresh, library_copy).unwrap();
        fs::copy(folder().join("lockgate.pyi"), place.join("lockgate.pyi")).unwrap();
        place
    });
    &PLACE
}

#[track_caller]
fn succeeded(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{told}", output.status);
    output
}

/// Python, which finds the library in `place` and leaves nothing behind in the checkout.
fn with_library(python: &Path, place: &Path) -> Command {
    let mut command = Command::new(python);
    command.current_dir(folder().join("tests/python")).env("PYTHONPATH", place);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONIOENCODING", "utf-8");
    command
}

/// Runs one file of tests, which needs these packages.
#[track_caller]
fn check(file: &str, needed: &str) {
    let Some(python) = python(needed) else { return };
    let output = succeeded(with_library(&python, importable()).args(["-m", "unittest", file]));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("\nOK\n") && !told.contains("Ran 0 tests"), "{told}");
}

#[test]
fn every_shared_vector_is_answered() {
    check("test_vectors", "");
}

#[test]
fn paths_bytes_and_dicts_of_every_format_are_read_and_others_refused() {
    check("test_data", "");
}

/// What Python cannot write of itself: events as a segment of a journal, and as lines of JSON, plain and in zstd's form.
fn write_events(place: &Path) {
    let header = SegmentHeader { node: 7, boot: 3, created_us: 1, positions: Vec::new() };
    let (mut segment, mut lines, mut position) = (header.to_bytes(), Vec::new(), 0);
    for sequence in 0..3000 {
        let id = EventId { sequence, ..EventRef::EXAMPLE.id };
        let event = EventRef { id, user_id: Some(sequence % 7), bytes_out: sequence, ..EventRef::EXAMPLE };
        write_ndjson(&event, &mut lines);
        let mut frame = Vec::new();
        append_frame(&event, &mut frame);
        let ring = RingId { boot: id.boot, worker: id.worker };
        position += append_block(ring, position, &frame, &mut segment) as u64;
    }
    fs::create_dir_all(place.join("data/journal")).unwrap();
    fs::write(place.join("data/journal/events.segment"), segment).unwrap();
    fs::write(place.join("events.ndjson.zst"), zstd::encode_all(&lines[..], 3).unwrap()).unwrap();
    fs::write(place.join("events.ndjson"), lines).unwrap();
}

#[test]
fn journals_say_what_their_lines_say() {
    let Some(python) = python("") else { return };
    let place = tempfile::tempdir().unwrap();
    write_events(place.path());
    let mut command = with_library(&python, importable());
    succeeded(command.env("EVENTS", place.path()).args(["-m", "unittest", "test_journal"]));
}

#[test]
fn values_of_dicts_say_what_they_are() {
    check("test_rows", "");
}

#[test]
fn reports_are_exact_and_shown() {
    check("test_report", "");
}

#[test]
fn calls_leave_the_interpreter_free_and_can_be_interrupted() {
    check("test_calls", "");
}

#[test]
fn tables_go_in_and_come_out() {
    check("test_tables", "pandas, polars, pyarrow");
}

#[test]
fn the_stub_is_what_the_module_is() {
    check("test_types", "mypy");
}

#[test]
fn the_example_of_the_readme_answers() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let example = fs::read_to_string(folder().join("tests/python/example.py")).unwrap();
    assert!(
        readme.contains(&format!("```python\n{example}```\n")),
        "copy tests/python/example.py into README.md"
    );
    let Some(python) = python("") else { return };
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("a.ndjson");
    let line = |route: &str, status: u16| {
        format!("{{\"route\":\"{route}\",\"status\":{status},\"latency_us\":2000}}\n")
    };
    fs::write(&log, [line("a", 200), line("a", 200), line("b", 500), "none\n".into()].concat()).unwrap();
    let output = succeeded(with_library(&python, importable()).arg("example.py").arg(&log));
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(out.lines().last(), Some("a: 2.0 ms"), "{out}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.ends_with("a.ndjson:4: not a JSON object\n"), "{told}");
}

#[test]
fn maturin_builds_a_package_that_is_typed() {
    let Some(python) = python("maturin") else { return };
    let place = tempfile::tempdir().unwrap();
    // The other tests go on with what Cargo has built.
    importable();
    // In the folder of these tests' own build, whose dependencies need not be built again.
    let target = library().ancestors().nth(3).unwrap().to_owned();
    let mut maturin = Command::new(&python);
    maturin.args(["-m", "maturin", "build", "--quiet", "--locked", "--target-dir"]).arg(target);
    succeeded(maturin.args(["--profile", "dev", "--out"]).arg(place.path()).current_dir(folder()));
    let wheels = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().path());
    let wheels: Vec<_> = wheels.filter(|path| path.extension() == Some(OsStr::new("whl"))).collect();
    assert_eq!(wheels.len(), 1, "{wheels:?}");
    let name = wheels[0].file_name().unwrap().to_string_lossy();
    assert!(name.starts_with("lockgate-") && name.contains("-cp311-abi3-"), "{name}");
    let unpacked = place.path().join("unpacked");
    succeeded(Command::new(&python).args(["-m", "zipfile", "-e"]).arg(&wheels[0]).arg(&unpacked));
    assert!(unpacked.join("lockgate/__init__.pyi").is_file() && unpacked.join("lockgate/py.typed").is_file());
    let program =
        "import lockgate; print(lockgate.__version__, lockgate.process_large_dataset([{'user_id': 1}]))";
    let output = succeeded(with_library(&python, &unpacked).args(["-c", program]));
    assert!(output.stdout.starts_with(env!("CARGO_PKG_VERSION").as_bytes()));
}
