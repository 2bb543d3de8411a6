//! The core of `lockgate process` in a browser: files are read in pieces by a worker, and nothing leaves the machine.
//!
//! The features `analytics` and `image` become WebAssembly files of their own. Logic is plain Rust, which runs everywhere and is tested
//! natively; what JavaScript sees is in `glue`, which only translates.

#[cfg(feature = "analytics")]
mod analysis;
#[cfg(feature = "analytics")]
mod buffer;
mod fibonacci;
mod glue;
#[cfg(feature = "analytics")]
mod inspection;
#[cfg(feature = "analytics")]
mod lines;
#[cfg(feature = "analytics")]
mod parts;
#[cfg(feature = "image")]
mod picture;

#[cfg(feature = "analytics")]
pub use analysis::{Analysis, AnalysisError, analyze};
pub use fibonacci::{FIBONACCI_MAX, fibonacci};
#[cfg(feature = "analytics")]
pub use inspection::{Inspection, inspect};
#[cfg(feature = "analytics")]
pub use parts::{Part, fold, fold_part, join};
#[cfg(feature = "image")]
pub use picture::{PICTURE_EDGE_MAX, PictureError, SOURCE_BYTES_MAX, SOURCE_EDGE_MAX, process_image};
