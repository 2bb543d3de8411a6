//! `lockgate functions check`

use std::fs;
use std::path::Path;

use serde_json::Value;
use testkit::component;

use crate::run;

/// Runs the command; answers exit status, standard output and standard error.
fn check(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(Path::new("."), &[&["functions", "check"], arguments].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn found(files: &[&str], status: i32) -> Vec<Value> {
    let (code, out, err) = check(&[&["--json"], files].concat());
    assert_eq!(code, Some(status), "{out}\n{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn a_component_is_described() {
    let Some(hello) = component("hello") else { return };
    let hello = hello.to_str().unwrap();
    let (code, out, err) = check(&[hello]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with(hello), "{out}");
    for part in [
        "interface  wasi:http/proxy@0.2",
        "size ",
        " KiB, compiled ",
        "start ",
        "hash ",
        "imports    wasi:",
        "exports    wasi:http/incoming-handler@0.2.",
    ] {
        assert!(out.contains(part), "{part:?} is missing in:\n{out}");
    }
    assert!(!out.contains("refused"), "{out}");
}

#[test]
fn a_program_gets_the_same_as_numbers() {
    let Some(hello) = component("hello") else { return };
    let found = &found(&[hello.to_str().unwrap()], 0)[0];
    assert_eq!((&found["ok"], &found["error"]), (&Value::Bool(true), &Value::Null));
    assert_eq!(found["component_bytes"], fs::metadata(&hello).unwrap().len());
    for positive in ["compiled_bytes", "compile_us", "start_us", "start_memory_bytes"] {
        assert!(found[positive].as_u64().is_some_and(|number| number > 0), "{positive}: {found:#}");
    }
    assert_eq!(found["hash"].as_str().map(str::len), Some(64));
    let imports = found["imports"].as_array().unwrap();
    assert!(
        imports.iter().any(|import| import["name"].as_str().unwrap().starts_with("wasi:http/types@0.2."))
    );
    assert!(imports.iter().all(|import| import["provided"] == true && import["reason"].is_null()));
}

#[test]
fn what_imports_something_else_is_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("redis.wasm");
    let text = r#"(component (import "fermyon:spin/redis@2.0.0" (instance (export "ping" (func)))))"#;
    fs::write(&file, wat::parse_str(text).unwrap()).unwrap();
    let file = file.to_str().unwrap();
    let (code, out, _) = check(&[file]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("fermyon:spin/redis@2.0.0  refused: that is Spin's own interface"), "{out}");
    let found = &found(&[file], 1)[0];
    assert_eq!((&found["ok"], &found["interface"]), (&Value::Bool(false), &Value::Null));
    assert_eq!(
        (&found["imports"][0]["provided"], found["imports"].as_array().unwrap().len()),
        (&Value::Bool(false), 1)
    );
}

#[test]
fn one_of_several_that_is_no_component_makes_the_answer_no() {
    let Some(hello) = component("hello") else { return };
    let dir = tempfile::tempdir().unwrap();
    let core = dir.path().join("core.wasm");
    fs::write(&core, b"\0asm\x01\0\0\0").unwrap();
    let found = found(&[core.to_str().unwrap(), hello.to_str().unwrap()], 1);
    assert!(found[0]["error"].as_str().unwrap().contains("wasm32-wasip2"), "{found:#?}");
    assert_eq!((&found[0]["ok"], &found[1]["ok"]), (&Value::Bool(false), &Value::Bool(true)));
}

#[test]
fn a_file_that_is_not_there_is_a_failure() {
    let (code, _, err) = check(&["/nowhere/at-all.wasm"]);
    assert_eq!(code, Some(3));
    assert!(err.contains("/nowhere/at-all.wasm"), "{err}");
    assert_eq!(check(&[]).0, Some(2));
}

#[test]
fn limits_are_those_that_the_configuration_gives() {
    let (Some(hello), Some(vast)) = (component("hello"), component("vast")) else { return };
    let (hello, vast) = (hello.to_str().unwrap(), vast.to_str().unwrap());
    let refused = &found(&[vast], 1)[0];
    assert!(refused["error"].as_str().unwrap().contains("more than its `memory`"), "{refused:#}");
    assert_eq!(found(&["--memory=1GiB", vast], 0)[0]["ok"], Value::Bool(true));
    let refused = &found(&["--memory=1MiB", hello], 1)[0];
    assert!(refused["error"].as_str().unwrap().contains("more than its `memory`"), "{refused:#}");
    let (code, _, err) = check(&["--memory=many", hello]);
    assert_eq!(code, Some(3));
    assert!(err.contains("memory") && err.contains("64KiB"), "{err}");
}
