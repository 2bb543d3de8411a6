//! What is loaded, what is refused, and what is kept of compiling.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use functions::{CachePlace, LoadError, Runtime, RuntimeOptions, Settings};

use crate::support::{ask, component, function, runtime};

/// Loads these bytes as a component.
fn load(bytes: &[u8]) -> LoadError {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.wasm");
    fs::write(&file, bytes).expect("a file");
    runtime().load(&file, Settings::named("a")).expect_err("it is refused")
}

/// A component that imports an empty instance of that name, and nothing else.
fn importing(name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).expect("a short name");
    let mut bytes = b"\0asm\x0d\0\x01\0\x07\x03\x01\x42\x00".to_vec();
    bytes.extend([0x0a, length + 5, 1, 0, length]);
    bytes.extend(name.as_bytes());
    bytes.extend([5, 0]);
    bytes
}

#[test]
fn what_is_no_component_is_refused_with_a_hint() {
    let engine = wasmtime::Engine::default();
    let native = engine.precompile_component(b"\0asm\x0d\0\x01\0").expect("native code");
    assert!(matches!(load(&native), LoadError::Precompiled));
    assert!(matches!(load(b"\x7fELF and more"), LoadError::Precompiled));
    for (bytes, hint) in [
        (&b"\0asm\x01\0\0\0"[..], "wasm32-wasip2"),
        (b"(component)", "text"),
        (b"", "does not begin"),
        (b"#!/bin/sh", "does not begin"),
    ] {
        let error = load(bytes).to_string();
        assert!(error.contains(hint), "{error}");
    }
    assert!(matches!(load(b"\0asm\x0d\0\x01\0\xff\xff"), LoadError::Compile(_)));
    assert!(matches!(load(b"\0asm\x0d\0\x01\0"), LoadError::World(_)));
    assert!(matches!(
        runtime().load(Path::new("/nonexistent.wasm"), Settings::named("a")),
        Err(LoadError::Read(_))
    ));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.wasm");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(matches!(runtime().load(&pipe, Settings::named("a")), Err(LoadError::Read(_))));
}

#[test]
fn every_import_that_is_not_provided_is_named() {
    let error = load(&importing("wasi:keyvalue/store@0.2.0-draft"));
    let LoadError::Imports(refused) = &error else { panic!("{error}") };
    assert_eq!(refused.len(), 1);
    assert!(
        error.to_string().contains("`wasi:keyvalue/store@0.2.0-draft` (functions keep nothing"),
        "{error}"
    );
}

#[test]
fn imports_that_count_as_provided_are() {
    for name in ["hello", "hello-p3", "hostile"] {
        let Some(file) = component(name) else { return };
        let checked = runtime().check(&file, Settings::named(name)).expect("a function");
        assert!(!checked.imports.is_empty());
        assert!(checked.imports.iter().all(|import| import.refused.is_none()), "{:?}", checked.imports);
        assert!(
            checked.exports.iter().any(|export| export.starts_with("wasi:http/")),
            "{:?}",
            checked.exports
        );
        assert_eq!(checked.component_bytes as u64, fs::metadata(&file).expect("a file").len());
        assert_eq!(checked.component_hash.len(), 64);
    }
}

struct Cached {
    folder: tempfile::TempDir,
    runtime: Arc<Runtime>,
}

impl Cached {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = Self::runtime(folder.path(), "key");
        Self { folder, runtime }
    }

    fn runtime(folder: &Path, key: &str) -> Arc<Runtime> {
        let cache = CachePlace { folder: folder.join("code"), key_file: folder.join(key) };
        let options = RuntimeOptions { instances: 2, cache: Some(cache), compiler: None };
        Runtime::new(&options).expect("a runtime")
    }

    /// The one file of compiled code.
    fn file(&self) -> std::path::PathBuf {
        let mut files = fs::read_dir(self.folder.path().join("code")).expect("a folder");
        let file = files.next().expect("a file").expect("a file").path();
        assert!(files.next().is_none(), "one file");
        file
    }
}

/// Whether a component had to be compiled.
fn compiles(runtime: &Runtime, component: &Path) -> bool {
    let checked = runtime.check(component, Settings::named("checked"));
    checked.expect("a function").compile_time.is_some()
}

#[test]
fn code_is_compiled_once_and_read_by_us_alone() {
    let Some(hello) = component("hello") else { return };
    let cached = Cached::new();
    assert!(compiles(&cached.runtime, &hello));
    assert!(!compiles(&cached.runtime, &hello));
    let again = Cached::runtime(cached.folder.path(), "key");
    assert!(!compiles(&again, &hello));
    for (path, mode) in [("code", 0o700), ("key", 0o600)] {
        let permissions = fs::metadata(cached.folder.path().join(path)).expect("it is there").permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{path}");
    }
}

#[test]
fn code_that_is_not_ours_is_made_anew() {
    let Some(hello) = component("hello") else { return };
    let cached = Cached::new();
    cached.runtime.check(&hello, Settings::named("hello")).expect("a function");
    let ours = fs::read(cached.file()).expect("code");
    let other_key = Cached::runtime(cached.folder.path(), "other");
    assert!(compiles(&other_key, &hello));
    let mut changed = ours.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    for file in [&changed[..], &ours[..ours.len() / 2], &ours[..10], b"", &ours[32..]] {
        fs::write(cached.file(), file).expect("a file");
        assert!(compiles(&cached.runtime, &hello));
        assert_eq!(fs::read(cached.file()).expect("code").len(), ours.len());
        assert!(!compiles(&cached.runtime, &hello));
    }
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let cached = Cached::new();
    let key = cached.folder.path().join("key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("permissions");
    let place = CachePlace { folder: cached.folder.path().join("code"), key_file: key };
    let made = Runtime::new(&RuntimeOptions { instances: 1, cache: Some(place), compiler: None });
    assert!(made.expect_err("it is refused").to_string().contains("others may read"));
}

#[test]
fn the_same_file_under_two_names_is_two_functions() {
    let Some(first) = function("hello", |settings| settings.name = "first".into()) else { return };
    let Some(second) = function("hello", |settings| settings.name = "second".into()) else { return };
    assert_eq!(first.component_hash(), second.component_hash());
    ask(&first, "/");
    assert_eq!((first.counts().calls, second.counts().calls), (1, 0));
}
