//! The log on standard error: lines for people on a terminal, JSON objects otherwise.

use std::io::{IsTerminal, stderr};

use anstream::AutoStream;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::arguments::Global;

/// Says in detail what is logged, as `proxy=debug,info`.
pub(crate) const LOG_VARIABLE: &str = "LOCKGATE_LOG";

/// Starts the log. `level` is what is logged unless `-v` or `$LOCKGATE_LOG` ask for more.
pub(crate) fn start(global: &Global, level: &str) {
    let level = if global.verbose { "debug" } else { level };
    let wanted = std::env::var(LOG_VARIABLE).ok().filter(|text| !text.is_empty());
    let (filter, refused) = match wanted.as_deref().map(str::parse::<EnvFilter>) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(level), Some(error)),
        None => (EnvFilter::new(level), None),
    };
    // What cannot be written cannot be told there either, and to try would be a panic: whoever read the log may be gone.
    let log = fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
    // A log can be started once, which it is.
    let _ = if stderr().is_terminal() {
        let colors = AutoStream::choice(&stderr()) != anstream::ColorChoice::Never;
        tracing::subscriber::set_global_default(log.with_target(false).with_ansi(colors).finish())
    } else {
        tracing::subscriber::set_global_default(log.json().flatten_event(true).finish())
    };
    // A panic is a bug of ours; whoever reads the log must see it there.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    if let Some(error) = refused {
        tracing::warn!(%error, "${LOG_VARIABLE} is not understood and passed over");
    }
}
