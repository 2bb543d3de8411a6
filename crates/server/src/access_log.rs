//! The access log on standard output: a reader of the journal that a reload may add, replace and remove.

use config::AccessLog;
use control::{AccessLogCounts, AccessLogFormat, AccessLogHandle, AccessLogReader};
use journal::{JournalHandle, SubscriptionId};

/// The access log in force, if there is one.
#[derive(Default)]
pub(crate) struct AccessLogInForce {
    reader: Option<(SubscriptionId, AccessLogHandle)>,
}

impl AccessLogInForce {
    /// Replaces it by what the configuration says.
    pub(crate) fn replace(&mut self, wanted: AccessLog, journal: &JournalHandle) {
        if let Some((id, _)) = self.reader.take() {
            journal.unsubscribe(id);
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
