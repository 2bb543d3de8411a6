//! The three readers behind a real journal: what a worker writes is counted, shown live and logged.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use control::{AccessLogFormat, AccessLogReader, Filter, LiveEvent, LiveEvents, Metrics};
use journal::{DataDir, Journal, JournalOptions};
use lockgate_event::EventRef;
use tokio_stream::StreamExt;

const EXCHANGES: u64 = 100;

/// A log that the test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn every_reader_sees_what_a_worker_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = DataDir::open(dir.path()).unwrap().with_rings_beside_segments();
    let log = Log::default();
    let (metrics_reader, metrics) = Metrics::new();
    let (live_reader, live) = LiveEvents::new();
    let (log_reader, log_handle) = AccessLogReader::new(AccessLogFormat::Json, log.clone()).unwrap();
    let mut subscription = live.subscribe(Filter::default()).unwrap();
    let readers: Vec<Box<dyn journal::EventReader>> =
        vec![Box::new(metrics_reader), Box::new(live_reader), Box::new(log_reader)];
    let (journal, mut writers) = Journal::start(data_dir, JournalOptions::default(), readers).unwrap();
    for number in 0..EXCHANGES {
        let id = writers[0].next_id();
        writers[0].write(&EventRef { id, bytes_out: number, ..event() }).unwrap();
    }
    drop(writers);
    journal.stop().unwrap();

    let summary = metrics.summary();
    assert_eq!(summary.requests_total, EXCHANGES);
    assert_eq!(summary.bytes_out_total, (0..EXCHANGES).sum::<u64>());
    live.close();
    let mut shown = Vec::new();
    while let Some(item) = subscription.next().await {
        let LiveEvent::Event(text) = item else { panic!("{item:?}") };
        shown.push(text.to_string());
    }
    assert_eq!(log_handle.counts().lines, EXCHANGES);
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(shown.len() as u64 == EXCHANGES && logged.lines().eq(&shown), "{logged}");
}

fn event() -> EventRef<'static> {
    EventRef {
        id: lockgate_event::EventId { node: 0, boot: 0, worker: 0, sequence: 0 },
        user_id: None,
        key_id: None,
        ..EventRef::EXAMPLE
    }
}
