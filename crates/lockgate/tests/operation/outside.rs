//! Programs of others that tests use: found, or the test says loudly that it did not run.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The program, or `None` after saying so; under `CI=true` its absence fails the test.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/venv/bin");
    let mut places: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    places.extend([here, "/usr/sbin".into(), "/sbin".into()]);
    let found = places.into_iter().map(|place| place.join(name)).find(|path| path.is_file());
    if found.is_none() {
        testkit::skip(&format!("`{name}` is not installed; `cargo xtask test` installs it"));
    }
    found
}

/// Runs a command and answers whether it succeeded.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}
