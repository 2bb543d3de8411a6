//! Tests of the module this file stands beside.

use std::io;
use std::sync::{Condvar, Mutex};

use super::*;
use crate::testing::event;

/// A writer that waits while its gate is shut, and fails while it is broken.
#[derive(Clone, Default)]
struct Gated {
    state: Arc<(Mutex<GateState>, Condvar)>,
}

#[derive(Default)]
struct GateState {
    shut: bool,
    broken: bool,
    text: Vec<u8>,
}

impl Gated {
    fn change(&self, change: impl FnOnce(&mut GateState)) {
        change(&mut self.state.0.lock().unwrap());
        self.state.1.notify_all();
    }

    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.state.0.lock().unwrap().text.clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Gated {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut state = self.state.1.wait_while(self.state.0.lock().unwrap(), |state| state.shut).unwrap();
        if state.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        state.text.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn started(format: AccessLogFormat) -> (AccessLogReader, AccessLogHandle, Gated) {
    let writer = Gated::default();
    let (reader, handle) = AccessLogReader::new(format, writer.clone()).unwrap();
    (reader, handle, writer)
}

#[test]
fn each_ended_exchange_is_one_line_and_all_are_written_at_the_end() {
    for format in [AccessLogFormat::Combined, AccessLogFormat::Json] {
        let (mut reader, handle, writer) = started(format);
        let part = EventRef { kind: Kind::Part, ..event() };
        let cut = EventRef { kind: Kind::Cut, ..event() };
        reader.log([event(), part, cut, event()].into_iter());
        reader.log([event()].into_iter());
        drop(reader);
        assert_eq!(writer.lines().len(), 3, "{format:?}");
        assert_eq!(handle.counts(), AccessLogCounts { lines: 3, ..AccessLogCounts::default() });
    }
}

#[test]
fn what_functions_asked_is_in_json_alone() {
    for (format, lines) in [(AccessLogFormat::Combined, 1), (AccessLogFormat::Json, 2)] {
        let (mut reader, _, writer) = started(format);
        reader.log([EventRef { parent: Some(event().id), ..event() }, event()].into_iter());
        drop(reader);
        assert_eq!(writer.lines().len(), lines, "{format:?}");
    }
}

#[test]
fn json_lines_are_events() {
    let (mut reader, _, writer) = started(AccessLogFormat::Json);
    reader.log([EventRef { path: "/\"quoted\"", ..event() }].into_iter());
    drop(reader);
    let json: serde_json::Value = serde_json::from_str(&writer.lines()[0]).unwrap();
    assert_eq!(json["path"], "/\"quoted\"");
}

#[test]
fn a_stalled_writer_costs_counted_lines_and_no_waiting() {
    let (mut reader, handle, writer) = started(AccessLogFormat::Combined);
    writer.change(|state| state.shut = true);
    let batches = 3 * LOG_CHUNKS as u64;
    for _ in 0..batches {
        // Returns at once: were it to wait, the test would not end, for the gate opens below.
        reader.log([event()].into_iter());
    }
    let counts = handle.counts();
    assert_eq!((counts.lines, counts.lost), (LOG_CHUNKS as u64, batches - LOG_CHUNKS as u64));
    writer.change(|state| state.shut = false);
    drop(reader);
    assert_eq!(writer.lines().len(), LOG_CHUNKS);
}

#[test]
fn failed_writes_are_counted_and_later_lines_are_tried_again() {
    let (mut reader, handle, writer) = started(AccessLogFormat::Combined);
    writer.change(|state| state.broken = true);
    reader.log([event()].into_iter());
    while handle.counts().write_errors == 0 {
        thread::yield_now();
    }
    writer.change(|state| state.broken = false);
    reader.log([event(), event()].into_iter());
    drop(reader);
    assert_eq!((handle.counts().write_errors, writer.lines().len()), (1, 2));
}

#[test]
fn a_big_batch_is_cut_into_chunks_and_stays_in_order() {
    let (mut reader, handle, writer) = started(AccessLogFormat::Combined);
    let paths: Vec<String> = (0..2000).map(|number| format!("/{number}/{}", "x".repeat(100))).collect();
    reader.log(paths.iter().map(|path| EventRef { path, ..event() }));
    drop(reader);
    let lines = writer.lines();
    assert_eq!((lines.len(), handle.counts().lines), (2000, 2000));
    assert!(lines.iter().zip(&paths).all(|(line, path)| line.contains(&format!("GET {path} "))));
}
