//! `test` and `ci`: everything that must hold, cheapest first.

use std::path::Path;

use crate::functions;
use crate::step::{Steps, TESTS_WITHIN};
use crate::tidy;
use crate::tools::{self, Missing};

/// Everything: about forty minutes and 10 GB from a clean clone on two cores, a few minutes once it is built.
pub(crate) fn all(root: &Path, missing: Missing) -> anyhow::Result<()> {
    let mut steps = Steps::new(root, environment(root, missing));
    steps.step("tidy", || tidy::run(root));
    steps.run("format", &["cargo", "fmt", "--all", "--check"], &[]);
    steps.run(
        "lints",
        &["cargo", "clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"],
        &[],
    );
    for (name, package) in [
        ("lints without the standard library", "lockgate-analytics"),
        ("lints without functions", "lockgate"),
    ] {
        let line =
            ["cargo", "clippy", "--locked", "-p", package, "--no-default-features", "--", "-D", "warnings"];
        steps.run(name, &line, &[]);
    }
    // After clippy: both need the dependencies' metadata, which is then there.
    steps.run(
        "documentation",
        &["cargo", "doc", "--locked", "--workspace", "--no-deps"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    );
    steps.step("outside programs", || tools::install_for_tests(root, missing));
    steps.step("functions", || functions::run(root, &functions::Options::default(), missing));
    steps.step("tests of functions", || functions::test(root));
    tests(&mut steps);
    steps.finish()
}

/// Tests only.
pub(crate) fn fast(root: &Path) -> anyhow::Result<()> {
    let mut steps = Steps::new(root, environment(root, Missing::from_environment()));
    tests(&mut steps);
    steps.finish()
}

fn tests(steps: &mut Steps) {
    let words = ["cargo", "test", "--locked", "--workspace", "--no-fail-fast"];
    steps.run_within(TESTS_WITHIN, "tests", &words, &[]);
}

/// Tests find outside programs in PATH, and fail instead of skipping where CI is set.
fn environment(root: &Path, missing: Missing) -> Vec<(&'static str, String)> {
    let mut environment = vec![("PATH", tools::path_with_venv(root))];
    if missing == Missing::Fails {
        environment.push(("CI", "true".into()));
        // What the compiler keeps for its next run is read by nobody, and is gigabytes.
        environment.push(("CARGO_INCREMENTAL", "0".into()));
    }
    environment
}
