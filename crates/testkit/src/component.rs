//! Components that `cargo xtask functions` has built.

use std::path::{Path, PathBuf};

use crate::skip;

/// Where the component `name` is, or `None`, said loudly, when it has not been built.
///
/// # Panics
/// Under `CI=true` when it has not been built.
#[must_use]
pub fn component(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join("target/functions").join(name).with_extension("wasm");
    match file.canonicalize() {
        Ok(file) => Some(file),
        Err(_) => {
            skip(&format!("the function `{name}` is not built: `cargo xtask functions`"));
            None
        }
    }
}
