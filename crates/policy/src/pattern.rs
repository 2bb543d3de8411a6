//! What a route writes for the hosts and paths it answers.

mod host;
mod path;

pub use host::{HostPattern, HostPatternError};
pub use path::{PathPattern, PathPatternError};
