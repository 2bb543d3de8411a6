//! The limits of a function that is checked or tried, as one would write them into a configuration.

use std::fmt::Write as _;

use clap::Args;

use crate::toml_text::quoted;

/// What is asked for; for all else it is as in a configuration that does not say.
#[derive(Args, Debug, Default)]
pub(crate) struct Limits {
    /// Memory of an instance, as 64MiB [default: that of the configuration]
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Time of a call, as 500ms [default: that of the configuration]
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    /// CPU time of a call, as 50ms [default: that of the configuration]
    #[arg(long, value_name = "TIME")]
    cpu: Option<String>,
}

impl Limits {
    /// Their lines in the function's section.
    pub(super) fn lines(&self) -> String {
        let mut lines = String::new();
        let limits = [("memory", &self.memory), ("time", &self.time), ("cpu", &self.cpu)];
        for (key, limit) in limits.into_iter().filter_map(|(key, limit)| Some((key, limit.as_ref()?))) {
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{key} = {}", quoted(limit));
        }
        lines
    }
}
