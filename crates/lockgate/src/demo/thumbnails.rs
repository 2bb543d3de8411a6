//! The demonstration's function. Its component comes with the program, built from `examples/functions/thumbnails` by
//! `cargo xtask functions`, so that nobody needs a compiler for WebAssembly to see a function at work.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The component.
const COMPONENT: &[u8] = include_bytes!("thumbnails.wasm");

/// Puts the component into a folder; one that is put in its place while the demonstration runs is taken.
///
/// # Errors
/// When it cannot be written, or another one is there.
pub(super) fn place(folder: &Path) -> Result<PathBuf, Failure> {
    let file = folder.join("thumbnails.wasm");
    File::create_new(&file)
        .and_then(|mut made| made.write_all(COMPONENT))
        .map_err(|error| Failure::new(format!("cannot write `{}`", file.display())).caused_by(&error))?;
    Ok(file)
}
