//! `wasm`: the two WebAssembly files for browsers and the page that uses them, in `target/browser/site`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::step::{self, STEP_WITHIN};
use crate::tools;

const TARGET: &str = "wasm32-unknown-unknown";
/// Each feature of the crate becomes a file of its own.
const FILES: [(&str, &str); 2] = [("analytics", "lockgate_analytics"), ("image", "lockgate_image")];
/// Vectors of 16 bytes, which every browser of the last years has, are what lines are looked for with.
const FLAGS: &str = "-Ctarget-feature=+simd128";
/// Debian's compiler, for where rustup cannot fetch the target: it brings the standard library's sources, and no linker.
const DEBIAN: [(&str, &str); 4] = [
    ("/usr/bin/rustc", "rustc-web"),
    ("/usr/bin/cargo", "cargo-web"),
    ("/usr/share/doc/rust-web-src/copyright", "rust-web-src"),
    (DEBIAN_LINKER, "lld-19"),
];
pub(crate) const DEBIAN_LINKER: &str = "/usr/bin/wasm-ld-19";
/// Where the page is served.
const PORT: &str = "8000";

/// What to do beside building.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only with what is installed: nothing is installed.
    #[arg(long)]
    installed: bool,
    /// Serves the page on this machine afterwards, with Python.
    #[arg(long)]
    serve: bool,
}

/// What builds for a target of WebAssembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compiler {
    Rustup,
    Debian,
}

/// Builds both files and puts the page beside them.
///
/// # Errors
///
/// When a compiler is missing and cannot be installed, or something does not build.
pub(crate) fn run(root: &Path, options: &Options) -> anyhow::Result<()> {
    if !options.installed {
        install()?;
    }
    let compiler = compiler(TARGET)
        .with_context(|| format!("a compiler for {TARGET} is not installed: `cargo xtask wasm`"))?;
    let folder = target_folder(root).join("browser");
    let site = folder.join("site");
    fs::create_dir_all(&site)?;
    for (feature, name) in FILES {
        build(root, compiler, &folder, feature)?;
        let file = folder.join("build").join(TARGET).join("browser/lockgate_wasm.wasm");
        bind(root, &file, &site, name)?;
    }
    copy_page(&root.join("examples/browser"), &site)?;
    println!("{}", site.display());
    if options.serve { serve(&site) } else { Ok(()) }
}

/// Installs a compiler for [`TARGET`] where none is.
///
/// # Errors
///
/// When none can be installed.
pub(crate) fn install() -> anyhow::Result<()> {
    install_compiler(TARGET).map(drop)
}

/// Installs a compiler for `target` where none is, and says which there is.
///
/// # Errors
///
/// When none can be installed.
pub(crate) fn install_compiler(target: &str) -> anyhow::Result<Compiler> {
    if let Some(compiler) = compiler(target) {
        return Ok(compiler);
    }
    if step::run_within(STEP_WITHIN, Command::new("rustup").args(["target", "add", target])).is_ok() {
        return Ok(Compiler::Rustup);
    }
    tools::install_packages(&DEBIAN)?;
    Ok(Compiler::Debian)
}

fn compiler(target: &str) -> Option<Compiler> {
    if has_target(target) {
        return Some(Compiler::Rustup);
    }
    DEBIAN.iter().all(|(file, _)| Path::new(file).exists()).then_some(Compiler::Debian)
}

/// Whether the compiler that is used for everything else has a standard library for `target`.
fn has_target(target: &str) -> bool {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", target]).stderr(Stdio::null());
    let folder = rustc.output().ok().filter(|output| output.status.success());
    let folder = folder.and_then(|output| String::from_utf8(output.stdout).ok());
    folder.is_some_and(|folder| Path::new(folder.trim_end()).is_dir())
}

/// Cargo with this compiler, free of what was set for the machine's own programs. Debian's needs a linker beside.
pub(crate) fn cargo(compiler: Compiler) -> Command {
    let mut cargo = match compiler {
        Compiler::Rustup => Command::new("cargo"),
        Compiler::Debian => Command::new("/usr/bin/cargo"),
    };
    if compiler == Compiler::Debian {
        cargo.env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
    }
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTC_WRAPPER");
    cargo
}

fn build(root: &Path, compiler: Compiler, folder: &Path, feature: &str) -> anyhow::Result<()> {
    let mut cargo = cargo(compiler);
    cargo.args(["build", "--locked", "--profile", "browser", "--package", "lockgate-wasm", "--lib"]);
    cargo.args(["--no-default-features", "--features", feature, "--target", TARGET, "--target-dir"]);
    cargo.arg(folder.join("build"));
    if compiler == Compiler::Debian {
        cargo.arg("-Zbuild-std=std,panic_abort");
        cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER);
    }
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", FLAGS);
    step::run_within(STEP_WITHIN, cargo.current_dir(root))
}

/// Writes the JavaScript beside a file, with a program of the same package: it is of the version of its `wasm-bindgen`.
fn bind(root: &Path, file: &Path, site: &Path, name: &str) -> anyhow::Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--locked", "--package", "lockgate-wasm", "--example", "bind", "--"]);
    step::run_within(STEP_WITHIN, cargo.arg(file).arg(site).arg(name).current_dir(root))
}

fn copy_page(page: &Path, site: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(page).with_context(|| format!("reading {}", page.display()))? {
        let path = entry?.path();
        let is_page = path.extension().is_some_and(|end| end == "html" || end == "js" || end == "css");
        if let Some(name) = path.file_name().filter(|_| is_page) {
            fs::copy(&path, site.join(name))?;
        }
    }
    Ok(())
}

fn serve(site: &Path) -> anyhow::Result<()> {
    println!("http://127.0.0.1:{PORT}/ until Ctrl-C");
    let mut python = Command::new("python3");
    python.args(["-m", "http.server", "--bind", "127.0.0.1", PORT, "--directory"]);
    step::run(python.arg(site))
}

/// Where cargo puts what it builds.
fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_page_consists_of_is_copied() {
        let [page, site] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        for name in ["index.html", "page.js", "style.css", "README.md"] {
            fs::write(page.path().join(name), name).unwrap();
        }
        copy_page(page.path(), site.path()).unwrap();
        let mut names: Vec<_> =
            fs::read_dir(site.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["index.html", "page.js", "style.css"]);
    }
}
