//! The package as a program has it, under Node's own test runner: the shared vectors, every input, errors, types; and how it is built.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The oldest Node that it is for.
const NODE_MIN: u32 = 18;
/// Where `cargo xtask test` puts what `tests/js` needs of others.
const TOOLS: &str = "../../target/tools/node-binding/node_modules";

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Cargo makes the library for these tests, and puts it beside them.
fn library() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let name = format!("{}lockgate_node{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    tests.with_file_name(name)
}

/// Whether there is a Node that is new enough.
fn has_node() -> bool {
    let version = Command::new("node").args(["--print", "process.versions.node.split('.')[0]"]).output();
    let major =
        version.ok().and_then(|output| String::from_utf8(output.stdout).ok()?.trim().parse::<u32>().ok());
    let is_there = major.is_some_and(|major| major >= NODE_MIN);
    if !is_there {
        testkit::skip("Node 18 or newer is not there");
    }
    is_there
}

/// A program's folder that has the package as it is shipped, and its tests.
fn program() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let package = place.path().join("node_modules/lockgate");
    fs::create_dir_all(&package).unwrap();
    fs::copy(library(), package.join("index.node")).unwrap();
    let manifest: Value = serde_json::from_slice(&fs::read(folder().join("package.json")).unwrap()).unwrap();
    for name in manifest["files"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()) {
        // That one is built.
        if name != "index.node" {
            copy(&folder().join(name), &package.join(name));
        }
    }
    copy(&folder().join("package.json"), &package.join("package.json"));
    copy(&folder().join("tests/js"), &place.path().join("tests"));
    copy(&folder().join("../vectors"), &place.path().join("vectors"));
    let files = place.path().join("files");
    fs::create_dir(&files).unwrap();
    fixtures::write(&files);
    place
}

/// Copies a file, or a folder and what is in it.
fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::copy(from, to).unwrap();
        return;
    }
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

#[track_caller]
fn succeeded(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let told = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "{command:?}: {}\n{told}", output.status);
    output
}

/// Runs a file of `tests/js`, whose tests must all pass.
#[track_caller]
fn check(name: &str) {
    if !has_node() {
        return;
    }
    let place = program();
    let mut node = Command::new("node");
    node.args(["--expose-gc", "--test", "--test-reporter=tap"]).arg(format!("tests/{name}.test.mjs"));
    let told = String::from_utf8(succeeded(node.current_dir(place.path())).stdout).unwrap();
    let count =
        |what: &str| told.lines().find_map(|line| line.strip_prefix(what)?.trim().parse::<u32>().ok());
    assert!(count("# pass ").is_some_and(|passed| passed > 0), "{told}");
    assert_eq!((count("# fail "), count("# skipped ")), (Some(0), Some(0)), "{told}");
}

#[test]
fn programs_get_what_the_shared_vectors_say() {
    check("vectors");
}

#[test]
fn everything_that_can_be_read_is_read() {
    check("inputs");
}

#[test]
fn reports_hold_exact_numbers() {
    check("report");
}

#[test]
fn the_event_loop_stays_free() {
    check("beside");
}

#[test]
fn work_ends_when_it_is_to_end() {
    check("ending");
}

#[test]
fn what_is_wrong_is_told() {
    check("errors");
}

#[test]
fn types_are_those_of_the_functions() {
    let compiler = folder().join(TOOLS).join("typescript/bin/tsc");
    if !compiler.is_file() {
        testkit::skip("TypeScript is not there: `cargo xtask test` installs it");
        return;
    }
    if !has_node() {
        return;
    }
    let place = program();
    copy(&folder().join(TOOLS).join("@types"), &place.path().join("node_modules/@types"));
    copy(&folder().join(TOOLS).join("undici-types"), &place.path().join("node_modules/undici-types"));
    let mut tsc = Command::new("node");
    tsc.arg(compiler).args(["--noEmit", "--project", "tests"]).current_dir(place.path());
    succeeded(&mut tsc);
}

#[test]
fn the_build_puts_the_library_where_it_is_loaded() {
    if !has_node() {
        return;
    }
    let place = program();
    let package = place.path().join("node_modules/lockgate");
    fs::remove_file(package.join("index.node")).unwrap();
    copy(&folder().join("build.js"), &package.join("build.js"));
    // In Cargo's place: says what it was asked, and that the library is made.
    let cargo = place.path().join("cargo.js");
    let message = serde_json::json!({
        "reason": "compiler-artifact", "target": { "name": "lockgate_node" },
        "filenames": ["/nowhere/liblockgate_node.rlib", library()],
    });
    let script = format!(
        "#!/usr/bin/env node\nconsole.error(process.argv.slice(2).join(' '))\nconsole.log('{message}')\n"
    );
    fs::write(&cargo, script).unwrap();
    succeeded(Command::new("chmod").arg("+x").arg(&cargo));
    let mut build = Command::new("node");
    build.args(["build.js", "--offline"]).current_dir(&package).env("CARGO", &cargo);
    let words = String::from_utf8(succeeded(&mut build).stderr).unwrap();
    assert_eq!(
        words,
        "build --release -p lockgate-node --message-format=json-render-diagnostics --offline\n"
    );
    let mut ask = Command::new("node");
    ask.args(["--print", "typeof require('lockgate').processLargeDataset"]).current_dir(place.path());
    assert_eq!(succeeded(&mut ask).stdout, b"function\n");
}

#[test]
fn the_example_of_the_readme_answers() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let example = fs::read_to_string(folder().join("tests/js/example.mjs")).unwrap();
    assert!(readme.contains(&format!("```js\n{example}```\n")), "copy tests/js/example.mjs into README.md");
    if !has_node() {
        return;
    }
    let place = program();
    let mut node = Command::new("node");
    node.args(["tests/example.mjs", "files/*.log*"]).current_dir(place.path());
    let told = String::from_utf8(succeeded(&mut node).stdout).unwrap();
    assert!(told.contains("6000 rows, 0 malformed"), "{told}");
    assert!(told.contains("│ 0       │ 200    │ 5400  │"), "{told}");
}
