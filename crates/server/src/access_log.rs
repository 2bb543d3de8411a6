//! The access log on standard output: a reader of the journal that a reload may add, replace and remove.

use std::thread;

use config::AccessLog;
use control::{AccessLogCounts, AccessLogFormat, AccessLogHandle, AccessLogReader};
use journal::{JournalHandle, SubscriptionId};

/// The access log in force, if there is one.
#[derive(Default)]
pub(crate) struct AccessLogInForce {
    reader: Option<(SubscriptionId, AccessLogHandle)>,
}

impl AccessLogInForce {
    /// Ends it, having written what it holds.
    pub(crate) fn close(&mut self, journal: &JournalHandle) {
        if let Some((id, _)) = self.reader.take() {
            drop(journal.unsubscribe(id));
        }
    }

    /// Replaces it by what the configuration says. What it holds is written beside that: whoever reads it may not.
    pub(crate) fn replace(&mut self, wanted: AccessLog, journal: &JournalHandle) {
        if let Some((id, _)) = self.reader.take() {
            let gone = journal.unsubscribe(id);
            // Without a thread, that is waited for.
            let _ = thread::Builder::new().name("access-log-end".into()).spawn(move || drop(gone));
        }
        let format = match wanted {
            AccessLog::Off => return,
            AccessLog::Combined => AccessLogFormat::Combined,
            AccessLog::Json => AccessLogFormat::Json,
        };
        match AccessLogReader::new(format, std::io::stdout()) {
            Ok((reader, handle)) => self.reader = Some((journal.subscribe(Box::new(reader)), handle)),
            Err(error) => tracing::error!(%error, "no access log: the operating system gives no thread"),
        }
    }

    /// What became of its lines.
    pub(crate) fn counts(&self) -> Option<AccessLogCounts> {
        self.reader.as_ref().map(|(_, handle)| handle.counts())
    }
}
