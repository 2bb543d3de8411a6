//! Programs in C, compiled against the static library and run: the contract, the shared vectors, the README's example; once more under
//! valgrind where it is there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// What rustc's standard library needs of the system, on Linux.
const SYSTEM_LIBRARIES: [&str; 3] = ["-lpthread", "-ldl", "-lm"];
/// No error, and nothing lost that was made.
const VALGRIND: [&str; 5] = [
    "valgrind",
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite,indirect",
];

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo makes the library for these tests, and puts it beside them.
fn library() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.with_file_name("liblockgate_c.a")
}

/// Compiles a program of `tests/c` into `place`.
fn compiled(name: &str, place: &Path) -> PathBuf {
    let program = place.join(name);
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-I"]);
    cc.arg(folder().join("include")).arg("-o").arg(&program);
    cc.arg(folder().join(format!("tests/c/{name}.c"))).arg(library()).args(SYSTEM_LIBRARIES);
    succeeded(&mut cc);
    program
}

#[track_caller]
fn succeeded(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{told}", output.status);
    output
}

/// The command that runs a program under valgrind; `None` where that is missing.
fn under_valgrind(program: &Path) -> Option<Command> {
    let [valgrind, options @ ..] = VALGRIND;
    if Command::new(valgrind).arg("--version").output().is_err() {
        testkit::skip("valgrind is not there");
        return None;
    }
    let mut command = Command::new(valgrind);
    command.args(options).arg(program);
    Some(command)
}

#[test]
fn a_program_finds_what_the_header_promises() {
    let place = tempfile::tempdir().unwrap();
    let program = compiled("contract", place.path());
    assert_eq!(succeeded(&mut Command::new(&program)).stdout, b"kept\n");
    if let Some(mut command) = under_valgrind(&program) {
        assert_eq!(succeeded(&mut command).stdout, b"kept\n");
    }
}

#[test]
fn a_program_without_threads_finds_the_same() {
    let place = tempfile::tempdir().unwrap();
    let program = compiled("contract", place.path());
    // Rust's threads get this much stack, which is more than there are addresses: none can be started.
    let mut command = Command::new(&program);
    command.env("RUST_MIN_STACK", (1_u64 << 50).to_string());
    assert_eq!(succeeded(&mut command).stdout, b"kept\n");
}

#[test]
fn a_program_answers_every_shared_vector() {
    let place = tempfile::tempdir().unwrap();
    let program = compiled("vector", place.path());
    let files = fs::read_dir(folder().join("../vectors")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension() == Some(OsStr::new("json"))).collect();
    assert!(files.len() >= 15, "{files:?}");
    for path in files {
        let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let input = place.path().join("input");
        fs::write(&input, vector["input"].as_str().unwrap()).unwrap();
        let mut command = Command::new(&program);
        command.arg(vector["config"].to_string()).arg(number_of(&vector["format"])).arg(&input);
        let answer: Value = serde_json::from_slice(&succeeded(&mut command).stdout).unwrap();
        check(&path, &vector, &answer);
    }
}

/// The number of a LockgateInputFormat.
fn number_of(format: &Value) -> &'static str {
    match format.as_str().unwrap() {
        "detect" => "0",
        "ndjson" => "1",
        "csv" => "2",
        "combined" => "3",
        other => panic!("no format: {other}"),
    }
}

#[track_caller]
fn check(path: &Path, vector: &Value, answer: &Value) {
    let status = match vector.get("fails").and_then(Value::as_str) {
        None => 0,
        Some("configuration") => 3,
        Some("malformed") => 6,
        Some(other) => panic!("no failure: {other}"),
    };
    assert_eq!(answer["status"], status, "{}", path.display());
    if status != 0 {
        return;
    }
    for (key, absent) in
        [("report", Value::Null), ("rows", Value::Null), ("malformed", 0.into()), ("timeless", 0.into())]
    {
        assert_eq!(answer[key], *vector.get(key).unwrap_or(&absent), "{}: {key}", path.display());
    }
    let lines: Vec<&Value> =
        answer["places"].as_array().unwrap().iter().map(|place| &place["line"]).collect();
    let expected = vector.get("malformed_lines").cloned().unwrap_or(json!([]));
    assert_eq!(json!(lines), expected, "{}", path.display());
}

#[test]
fn the_example_of_the_readme_answers() {
    let place = tempfile::tempdir().unwrap();
    let program = compiled("example", place.path());
    let [one, two] = ["one.ndjson", "two.csv"].map(|name| place.path().join(name));
    fs::write(&one, "{\"route\":\"a\",\"n\":1}\n{\"route\":\"b\",\"n\":2}\n").unwrap();
    fs::write(&two, "route,n\na,3.5\n").unwrap();
    let ask = |mut command: Command| {
        command.arg(r#"{"by":["route"],"measure":["sum(n)"]}"#).args([&one, &two]);
        let output = succeeded(&mut command);
        let expected = "{\"route\":\"a\",\"sum(n)\":4.5}\n{\"route\":\"b\",\"sum(n)\":2}\n";
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    };
    ask(Command::new(&program));
    under_valgrind(&program).into_iter().for_each(ask);
}

#[test]
fn the_readme_shows_the_example_that_is_tested() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let example = fs::read_to_string(folder().join("tests/c/example.c")).unwrap();
    assert!(readme.contains(&format!("```c\n{example}```\n")), "copy tests/c/example.c into README.md");
}
