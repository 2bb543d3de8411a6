//! The header is what the functions say.
//!
//! `UPDATE=1 cargo test -p lockgate-c` writes it anew.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use cbindgen::{Config, DocumentationStyle, EnumConfig, Language, RenameRule};

const ABOUT: &str = "/* Questions about events, for C: see the README beside this folder.\n * Generated from bindings/c/src: `cargo xtask generate` writes it again. */";

fn generated() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let config = Config {
        language: Language::C,
        header: Some(ABOUT.into()),
        include_guard: Some("LOCKGATE_H".into()),
        cpp_compat: true,
        usize_is_size_t: true,
        documentation_style: DocumentationStyle::C99,
        enumeration: EnumConfig {
            rename_variants: RenameRule::QualifiedScreamingSnakeCase,
            ..EnumConfig::default()
        },
        ..Config::default()
    };
    let mut header = Vec::new();
    cbindgen::Builder::new()
        .with_config(config)
        .with_src(folder.join("status.rs"))
        .with_src(folder.join("functions.rs"))
        .include_item("LockgateInputFormat")
        .include_item("LockgateOutputFormat")
        .generate()
        .unwrap()
        .write(&mut header);
    String::from_utf8(header).unwrap()
}

#[test]
fn the_header_is_what_the_functions_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/lockgate.h");
    let generated = generated();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == generated,
        "include/lockgate.h differs; `UPDATE=1 cargo test -p lockgate-c` writes it anew"
    );
}
