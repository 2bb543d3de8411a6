//! Functions in Rust: one run of cargo for each workspace they are in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::{Function, PLACES};
use crate::step::{self, STEP_WITHIN};
use crate::tools;
use crate::wasm::{self, Compiler, DEBIAN_LINKER};

/// What is built for it is a component at once.
const TARGET: &str = "wasm32-wasip2";
/// The C library beneath the standard library of [`TARGET`], for Debian's compiler.
const DEBIAN_LIBRARY: &str = "/usr/lib/wasm32-wasi";

/// Installs a compiler for [`TARGET`] where none is.
pub(super) fn install() -> anyhow::Result<()> {
    match wasm::install_compiler(TARGET)? {
        Compiler::Rustup => Ok(()),
        Compiler::Debian => tools::install_packages(&[(&format!("{DEBIAN_LIBRARY}/libc.a"), "wasi-libc")]),
    }
}

/// Builds what is installed for, in as few runs as there are workspaces.
pub(super) fn build(root: &Path, functions: &[&Function]) -> anyhow::Result<()> {
    let target = super::folder(root).join("build");
    for place in PLACES.map(Path::new) {
        let here = functions.iter().filter(|function| function.place == place);
        let here: Vec<&Function> = here.copied().collect();
        if here.is_empty() {
            continue;
        }
        let mut cargo = cargo()?;
        cargo.args(["--target-dir".as_ref(), target.as_os_str()]);
        cargo.args(here.iter().flat_map(|function| ["--package", &function.name]));
        step::run_within(STEP_WITHIN, cargo.current_dir(root.join(place)))?;
        for function in here {
            let name = function.name.replace('-', "_") + ".wasm";
            let file = target.join(TARGET).join("release").join(name);
            let built = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            super::place(&function.component(root), &built)?;
        }
    }
    Ok(())
}

/// Checks the format of a workspace.
pub(super) fn check_format(workspace: &Path) -> anyhow::Result<()> {
    let mut cargo = Command::new("cargo");
    step::run_within(STEP_WITHIN, cargo.args(["fmt", "--all", "--check"]).current_dir(workspace))
}

/// Runs the tests of a workspace, built for this machine.
pub(super) fn test(root: &Path, workspace: &Path) -> anyhow::Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--locked", "--target-dir"]).arg(super::folder(root).join("build"));
    step::run_within(STEP_WITHIN, cargo.current_dir(workspace))
}

fn cargo() -> anyhow::Result<Command> {
    let compiler = wasm::install_compiler(TARGET)?;
    let mut cargo = wasm::cargo(compiler);
    cargo.args(["build", "--locked", "--release", "--target", TARGET]);
    if compiler == Compiler::Debian {
        cargo.arg("-Zbuild-std=std,panic_abort");
        cargo.env("CARGO_TARGET_WASM32_WASIP2_LINKER", component_linker()?);
        cargo.env("CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS", debian_flags());
    }
    Ok(cargo)
}

/// The compiler that is used for everything else brings the linker of components, even without the target.
fn component_linker() -> anyhow::Result<PathBuf> {
    let output =
        Command::new("rustc").args(["--print", "target-libdir"]).output().context("starting rustc")?;
    let folder = String::from_utf8(output.stdout).context("a path that is not UTF-8")?;
    Ok(Path::new(folder.trim_end()).with_file_name("bin").join("wasm-component-ld"))
}

/// Debian's compiler has neither a linker nor a C library of its own.
fn debian_flags() -> String {
    let start = format!("-Clink-arg={DEBIAN_LIBRARY}/crt1-reactor.o -Clink-arg=-lc");
    let library = format!("-Clink-self-contained=no -Lnative={DEBIAN_LIBRARY} {start}");
    format!("-Clink-arg=--wasm-ld-path={DEBIAN_LINKER} {library}")
}
