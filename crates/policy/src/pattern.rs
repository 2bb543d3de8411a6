//! What a route writes for the hosts and paths it answers.

mod host;
mod path;

pub(crate) use host::HostKind;
pub use host::{HostPattern, HostPatternError};
pub(crate) use path::PathKind;
pub use path::{PathPattern, PathPatternError};
