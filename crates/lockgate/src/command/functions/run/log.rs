//! The log of a function that is tried: what it prints stands as it is, everything else in short lines.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Compact, Format, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::arguments::Global;
use crate::logging;

/// Starts the log on standard error.
pub(super) fn start(global: &Global) {
    let (filter, refused) = logging::filter(global, "info");
    let lines = Lines(Format::default().compact().without_time().with_target(false));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(logging::writer());
    let log = log.log_internal_errors(false).with_ansi(logging::colors()).event_format(lines);
    // A log can be started once, which it is.
    let _ = tracing::subscriber::set_global_default(log.finish());
    logging::tell(refused);
}

/// One line for each event; what a function prints stands behind the name of its stream.
struct Lines(Format<Compact, ()>);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut printed = Printed::default();
        event.record(&mut printed);
        match printed.stream {
            Some(stream) => writeln!(to, "{stream} | {}", printed.message),
            None => self.0.format_event(context, to, event),
        }
    }
}

/// What a function printed, if an event tells of that.
#[derive(Default)]
struct Printed {
    stream: Option<String>,
    message: String,
}

impl Visit for Printed {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "stream" {
            self.stream = Some(value.to_owned());
        }
    }
}
