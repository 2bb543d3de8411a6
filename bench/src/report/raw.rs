//! A run's figures as a file, from which its report can be written again.

use std::path::Path;

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

const FILE: &str = "raw.json";

/// Writes raw.json, and makes its directory if there is none.
pub(crate) fn write(run: &impl Serialize, directory: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    let path = directory.join(FILE);
    let text = serde_json::to_string_pretty(run)? + "\n";
    std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}

/// Reads raw.json.
pub(crate) fn read<T: DeserializeOwned>(directory: &Path) -> anyhow::Result<T> {
    let path = directory.join(FILE);
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("understanding {}", path.display()))
}
