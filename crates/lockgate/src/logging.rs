//! The log on standard error: lines for people on a terminal, JSON objects otherwise.

mod queue;

use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;
use std::time::Duration;

use anstream::AutoStream;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use self::queue::LogQueue;
use crate::arguments::Global;

/// Says in detail what is logged, as `proxy=debug,info`.
pub(crate) const LOG_VARIABLE: &str = "LOCKGATE_LOG";

/// How long the end of the process waits for whoever reads its log.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// The log, once it is started.
static QUEUE: OnceLock<LogQueue> = OnceLock::new();

/// Starts the log. `level` is what is logged unless `-v` or `$LOCKGATE_LOG` ask for more.
pub(crate) fn start(global: &Global, level: &str) {
    let (filter, refused) = filter(global, level);
    // What cannot be written cannot be told there either, and to try would be a panic: whoever read the log may be gone.
    let log = fmt().with_env_filter(filter).with_writer(writer()).log_internal_errors(false);
    // A log can be started once, which it is.
    let _ = if stderr().is_terminal() {
        tracing::subscriber::set_global_default(log.with_target(false).with_ansi(colors()).finish())
    } else {
        tracing::subscriber::set_global_default(log.json().flatten_event(true).finish())
    };
    tell(refused);
}

/// What is to be logged, and why `$LOCKGATE_LOG` does not say it.
pub(crate) fn filter(global: &Global, level: &str) -> (EnvFilter, Option<ParseError>) {
    let level = if global.verbose { "debug" } else { level };
    let wanted = std::env::var(LOG_VARIABLE).ok().filter(|text| !text.is_empty());
    match wanted.as_deref().map(str::parse::<EnvFilter>) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(level), Some(error)),
        None => (EnvFilter::new(level), None),
    }
}

/// Tells the log, which is started by now, what there is to tell at its beginning.
pub(crate) fn tell(refused: Option<ParseError>) {
    // A panic is a bug of ours; whoever reads the log must see it there.
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    if let Some(error) = refused {
        tracing::warn!(%error, "${LOG_VARIABLE} is not understood and passed over");
    }
}

/// Whether lines for people have colors.
pub(crate) fn colors() -> bool {
    stderr().is_terminal() && AutoStream::choice(&stderr()) != anstream::ColorChoice::Never
}

/// Where lines go; to be asked for once.
pub(crate) fn writer() -> BoxMakeWriter {
    let tell = |lines| tracing::warn!(lines, "lines of the log are lost: they were not read in time");
    match LogQueue::start(stderr(), tell) {
        Ok(queue) => {
            let queue = QUEUE.get_or_init(|| queue);
            BoxMakeWriter::new(|| queue.clone())
        }
        // Better by the thread that logs than not at all.
        Err(_) => BoxMakeWriter::new(stderr),
    }
}

/// Waits until the log is written; a second, where nobody reads it.
pub(crate) fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(FLUSH_WITHIN);
    }
}
