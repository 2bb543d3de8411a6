//! `bench h2` and `bench tls`: peers and load generator installed, everything built for release, measured by the `bench` program.

use std::path::Path;

use super::{Options, built};
use crate::step::run;
use crate::tools;

/// Installs, builds, measures HTTP/2.
pub(crate) fn http2(root: &Path, options: &Options) -> anyhow::Result<()> {
    measure(root, "h2", options)
}

/// Installs, builds, measures TLS.
pub(crate) fn tls(root: &Path, options: &Options) -> anyhow::Result<()> {
    measure(root, "tls", options)
}

fn measure(root: &Path, what: &str, options: &Options) -> anyhow::Result<()> {
    tools::install_for_clients(root)?;
    let mut measure = built(root, what)?;
    options.hand_on(&mut measure);
    run(measure.env("PATH", tools::path_with_venv(root)).current_dir(root))
}
