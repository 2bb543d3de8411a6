//! The demonstration's function. Its component comes with the program, built from `examples/functions/thumbnails` by
//! `cargo xtask functions`, so that nobody needs a compiler for WebAssembly to see a function at work.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The component.
const COMPONENT: &[u8] = include_bytes!("thumbnails.wasm");

/// Puts the component into the data directory; one that is put in its place while the demonstration runs is taken.
///
/// # Errors
/// When it cannot be written.
pub(super) fn place(data: &Path) -> Result<PathBuf, Failure> {
    let file = data.join("thumbnails.wasm");
    let failed =
        |error: std::io::Error| Failure::new(format!("cannot write `{}`", file.display())).caused_by(&error);
    std::fs::create_dir_all(data).map_err(failed)?;
    std::fs::write(&file, COMPONENT).map_err(failed)?;
    Ok(file)
}
