//! Functions in JavaScript and Python: an engine with the program in it, which takes a minute and is made only when something has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::{Function, place};
use crate::step::{self, STEP_WITHIN};
use crate::tools;

/// Where the versions of both tools are pinned.
const PINS: &str = "examples/functions";
const JAVASCRIPT_TOOL: &str = "componentize-js";
const PYTHON_TOOL: &str = "componentize-py";
/// Has the interfaces that functions in Python are built with.
const INTERFACES: &str = "wasip2";
const PYTHON_WORLD: &str = "wasi:http/proxy@0.2.12";

pub(super) fn install_javascript(root: &Path) -> anyhow::Result<()> {
    tools::install_node(root, &root.join(PINS), "functions", &format!("node_modules/.bin/{JAVASCRIPT_TOOL}"))
}

pub(super) fn install_python(root: &Path) -> anyhow::Result<()> {
    tools::install_python(root, PYTHON_TOOL, &root.join(PINS).join("requirements.txt"))
}

/// Builds a function in JavaScript.
pub(super) fn javascript(root: &Path, function: &Function) -> anyhow::Result<()> {
    let source = function.folder(root).join(function.language.file());
    let world = root.join(PINS).join("function.wit");
    let pins = root.join(PINS).join("package-lock.json");
    build_changed(root, function, &[&source, &world, &pins], |built| {
        let program = tools::directory(root).join("functions/node_modules/.bin").join(JAVASCRIPT_TOOL);
        let mut command = Command::new(program);
        command.arg(&source).arg("--wit").arg(&world).args(["--world-name", "function", "--out"]).arg(built);
        Ok(command)
    })
}

/// Builds a function in Python.
pub(super) fn python(root: &Path, function: &Function) -> anyhow::Result<()> {
    let folder = function.folder(root);
    let pins = root.join(PINS).join("requirements.txt");
    build_changed(root, function, &[&folder.join(function.language.file()), &pins], |built| {
        let mut command = Command::new(tools::directory(root).join("venv/bin").join(PYTHON_TOOL));
        command.arg("--wit-path").arg(interfaces(root)?).args(["--world", PYTHON_WORLD, "componentize"]);
        command.args(["function", "--python-path"]).arg(&folder).arg("--output").arg(built);
        Ok(command)
    })
}

/// Builds with `command` unless this has been done with the same inputs.
fn build_changed(
    root: &Path,
    function: &Function,
    inputs: &[&Path],
    command: impl FnOnce(&Path) -> anyhow::Result<Command>,
) -> anyhow::Result<()> {
    let folder = super::folder(root).join("build");
    fs::create_dir_all(&folder)?;
    let (component, stamp) = (function.component(root), folder.join(&function.name).with_extension("stamp"));
    let texts =
        inputs.iter().map(|input| fs::read(input).with_context(|| format!("reading {}", input.display())));
    let inputs = texts.collect::<anyhow::Result<Vec<_>>>()?.concat();
    if component.is_file() && fs::read(&stamp).is_ok_and(|old| old == inputs) {
        return Ok(());
    }
    let built = folder.join(&function.name).with_extension("wasm");
    step::run_within(STEP_WITHIN, command(&built)?.current_dir(&folder))?;
    place(&component, &fs::read(&built)?)?;
    Ok(fs::write(stamp, inputs)?)
}

/// The folder of interfaces that a crate brings, which cargo has fetched for the functions in Rust.
fn interfaces(root: &Path) -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--locked", "--format-version", "1"]).current_dir(root.join(PINS));
    let output = cargo.output().context("starting cargo")?;
    anyhow::ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut manifests = packages
        .filter(|package| package["name"] == INTERFACES)
        .filter_map(|package| package["manifest_path"].as_str());
    let manifest = manifests.next().with_context(|| format!("no crate `{INTERFACES}`"))?;
    Ok(Path::new(manifest).with_file_name("wit"))
}
