//! Configurations kept as files: the good ones load, the bad ones are refused as written beside them.
//!
//! `UPDATE=1 cargo test -p config` writes anew what is expected.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use config::{Loaded, load_file, load_text};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The variables the files refer to.
fn environment() -> BTreeMap<String, String> {
    [
        ("LOCKGATE_TOKEN", "s3cret-s3cret-s3cret"),
        ("LISTEN", "127.0.0.1:8080"),
        ("NOT_AN_ADDRESS", "nowhere"),
        ("BAD_SECRET", "a b"),
        ("DATABASE_URL", "postgres://lockgate@db.example.com/lockgate"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// The folder's TOML files in the order of their names.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// Compares with the file, or writes it when asked to.
fn check_against(path: &Path, found: &str) -> Result<(), String> {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, found).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    match expected == found {
        true => Ok(()),
        false => Err(format!(
            "{} differs; `UPDATE=1 cargo test -p config` writes it anew\n{found}",
            path.display()
        )),
    }
}

fn load(path: &Path) -> Loaded {
    load_file(path, &environment()).unwrap_or_else(|problems| panic!("{}\n{problems}", path.display()))
}

#[test]
fn each_bad_file_is_refused_as_written_beside_it() {
    let files = files("testdata/configs/bad");
    assert!(files.len() >= 40, "only {} bad configurations", files.len());
    let mut failures = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap();
        let refused = match String::from_utf8(bytes) {
            Ok(text) => load_text(&name, Path::new("/etc/lockgate"), &text, &environment()),
            Err(_) => load_file(&path, &environment()),
        };
        match refused {
            Ok(_) => failures.push(format!("{name} is accepted")),
            Err(problems) => {
                let rendered = problems.render(false).replace(&path.display().to_string(), &name);
                failures.extend(check_against(&path.with_extension("expected"), &rendered).err());
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn good_files_load_without_warnings() {
    for path in files("testdata/configs/good") {
        let warnings = load(&path).warnings;
        assert!(warnings.is_empty(), "{warnings}");
    }
}

#[test]
fn what_is_hardly_meant_is_warned_of() {
    for path in files("testdata/configs/warned") {
        let loaded = load(&path);
        let rendered = loaded
            .warnings
            .render(false)
            .replace(&path.display().to_string(), &path.file_name().unwrap().to_string_lossy());
        assert!(!loaded.warnings.is_empty(), "{}", path.display());
        check_against(&path.with_extension("expected"), &rendered).unwrap();
    }
}

#[test]
fn examples_load_without_warnings() {
    let files = files("examples");
    assert!(files.len() >= 5);
    for path in files {
        let warnings = load(&path).warnings;
        assert!(warnings.is_empty(), "{warnings}");
    }
}

#[test]
fn the_pieces_of_the_guide_can_stand_in_one_file() {
    let guide = fs::read_to_string(root().join("docs/guide/configuration.md")).unwrap();
    let pieces = guide.split("```toml\n").skip(1).map(|piece| piece.split("```").next().unwrap());
    let text = pieces.collect::<Vec<_>>().concat();
    let loaded = load_text("guide.toml", Path::new(""), &text, &environment()).unwrap();
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    assert!(loaded.config.routes.len() >= 10);
}

#[test]
fn good_files_and_examples_satisfy_the_schema() {
    let schema = jsonschema::draft202012::new(&config::json_schema()).unwrap();
    for path in [files("testdata/configs/good"), files("testdata/configs/warned"), files("examples")].concat()
    {
        let text = fs::read_to_string(&path).unwrap();
        let value: serde_json::Value = toml::from_str(&text).unwrap();
        let problems: Vec<String> =
            schema.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(problems.is_empty(), "{}: {problems:#?}", path.display());
    }
}

#[test]
fn the_schema_is_a_schema_and_refuses_what_it_can_tell() {
    assert!(jsonschema::draft202012::meta::is_valid(&config::json_schema()));
    let schema = jsonschema::draft202012::new(&config::json_schema()).unwrap();
    for (text, valid) in [
        ("[workers]\ncount = 2", true),
        ("[workers]\ncount = 0", false),
        ("[workers]\ncuont = 2", false),
        ("[limits]\ndrain = \"10 s\"", true),
        ("[limits]\ndrain = 10", false),
        ("[limits]\nhead_bytes = 4096", true),
        ("[limits]\nhead_bytes = \"4K\"", false),
        ("[[listener]]\nkeep_alive = \"1s\"", false),
        ("[[route]]\nmethods = \"GET\"", false),
        ("[[route]]\naccess = [\"key\"]\nmeter = \"response-header:x\"", true),
        ("[[route]]\naccess = \"jwt\"", false),
        ("[[route]]\nmeter = \"response-header:\"", false),
        ("[[route]]\nlimit = [{ rate = \"1/s\", per = \"header:x\" }]", true),
        ("[[route]]\nlimit = { rate = \"1/min\", per = \"route\" }", false),
        ("[[route]]\nlimit = { rate = \"1/s\" }", false),
        ("[data]\ndatabase = \"postgres://u@h/d\"\nrings = \"data-dir\"", true),
        ("[data]\ndatabase = \"mysql://u@h/d\"", false),
        ("[[route]]\nredirect = { to = \"/new\", status = 200 }", false),
        ("[functions]\ninstances = 10000\n[function.f]\ncomponent = \"a/f.wasm\"\nqueue = 0", true),
        ("[function.f]\nmemory = \"1MiB\"", false),
        ("[function.f]\ncomponent = \"f.js\"", false),
        (
            "[function.f]\ncomponent = \"f.wasm\"\nsecrets = { a = \"$A\", b = \"${B}\", c = \"file:c\" }",
            true,
        ),
        ("[function.f]\ncomponent = \"f.wasm\"\nsecrets = { a = \"hunter2\" }", false),
        ("[[route]]\nfunction = \"f\"\nbefore = [\"g\"]", true),
        ("[[route]]\nfunction = \"f\"\nbefore = \"g\"", false),
        ("[upstream.u]\nendpoints = [\"h:1\"]\ntls = {}", true),
        ("[upstream.u]\nendpoints = [\"h:1\"]\ntls = { name = \"h\", verify = false }", true),
        ("[upstream.u]\nendpoints = [\"h:1\"]\ntls = true", false),
    ] {
        let value: serde_json::Value = toml::from_str(text).unwrap();
        assert_eq!(schema.is_valid(&value), valid, "{text}");
    }
}

#[test]
fn the_schema_kept_is_that_of_the_definitions() {
    let found = format!("{}\n", serde_json::to_string_pretty(&config::json_schema()).unwrap());
    check_against(&root().join("docs/reference/lockgate.schema.json"), &found).unwrap();
}

#[test]
fn the_reference_kept_is_that_of_the_definitions() {
    check_against(&root().join("docs/reference/configuration.md"), &config::reference_markdown()).unwrap();
}
