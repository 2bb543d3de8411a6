//! The access log as a reader of the journal: formats on the drainer's thread, writes on a thread of its own.

mod combined;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

pub use combined::write_combined;
use journal::{Batch, EventReader};
use lockgate_event::{EventRef, Kind, write_ndjson};

use crate::limits::{LOG_CHUNK_BYTES, LOG_CHUNKS, LOG_DRAIN};

/// How a line of the access log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLogFormat {
    /// Apache's combined format; referer and user agent, which events do not carry, are `-`. What functions asked is not in it, as
    /// nothing in a line could tell it from what clients asked.
    Combined,
    /// The event as one JSON object; what functions asked has a `parent`.
    Json,
}

impl AccessLogFormat {
    /// Whether an event has a line of its own.
    fn shows(self, event: &EventRef<'_>) -> bool {
        event.kind == Kind::Done && (self == Self::Json || event.parent.is_none())
    }
}

/// What became of the access log's lines since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessLogCounts {
    /// Lines handed to the writer.
    pub lines: u64,
    /// Lines lost because the writer was behind by [`LOG_CHUNKS`] chunks, or gone.
    pub lost: u64,
    /// Writes that failed; what they carried is lost, in whole or in part.
    pub write_errors: u64,
}

/// Shows the counts while the reader is with the drainer.
#[derive(Clone, Default)]
pub struct AccessLogHandle {
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Counters {
    lines: AtomicU64,
    lost: AtomicU64,
    write_errors: AtomicU64,
}

impl AccessLogHandle {
    /// The counts of this moment.
    pub fn counts(&self) -> AccessLogCounts {
        AccessLogCounts {
            lines: self.counters.lines.load(Ordering::Relaxed),
            lost: self.counters.lost.load(Ordering::Relaxed),
            write_errors: self.counters.write_errors.load(Ordering::Relaxed),
        }
    }
}

/// Prints one line for every exchange that ended and that the format shows.
///
/// Lines go to a writing thread in chunks from a fixed stock, so a slow reader of the log costs lines, which are
/// counted, and never stops the drainer. Dropping it writes what is left, for at most [`LOG_DRAIN`].
pub struct AccessLogReader {
    format: AccessLogFormat,
    handle: AccessLogHandle,
    /// The chunk being filled; `None` while all are with the writer.
    chunk: Option<Chunk>,
    /// `None` once the reader is being dropped.
    full: Option<SyncSender<Chunk>>,
    empty: Receiver<Vec<u8>>,
    /// Disconnected once the writing thread has ended.
    ended: Receiver<()>,
}

/// Lines on their way to the writer.
struct Chunk {
    text: Vec<u8>,
    lines: u64,
}

impl AccessLogReader {
    /// Starts the writing thread.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn new(
        format: AccessLogFormat,
        writer: impl Write + Send + 'static,
    ) -> std::io::Result<(Self, AccessLogHandle)> {
        let handle = AccessLogHandle::default();
        // Either channel has room for every chunk there is, so sending never waits.
        let (full, chunks) = mpsc::sync_channel(LOG_CHUNKS);
        let (give_back, empty) = mpsc::sync_channel(LOG_CHUNKS);
        let (end, ended) = mpsc::sync_channel(0);
        for _ in 0..LOG_CHUNKS {
            // The receiver is above, and there is room.
            let _ = give_back.try_send(Vec::new());
        }
        let counters = Arc::clone(&handle.counters);
        thread::Builder::new().name("access-log".into()).spawn(move || {
            write_chunks(writer, &chunks, &give_back, &counters);
            drop(end);
        })?;
        let reader = Self { format, handle: handle.clone(), chunk: None, full: Some(full), empty, ended };
        Ok((reader, handle))
    }

    /// Formats the exchanges that ended and hands them to the writing thread.
    pub fn log<'a>(&mut self, events: impl Iterator<Item = EventRef<'a>>) {
        let (format, mut lost) = (self.format, 0);
        for event in events.filter(|event| format.shows(event)) {
            match self.open_chunk() {
                Some(chunk) => chunk.push(format, &event),
                None => lost += 1,
            }
            self.hand_over(LOG_CHUNK_BYTES);
        }
        // A quiet gateway's lines appear with their batch.
        self.hand_over(1);
        self.handle.counters.lost.fetch_add(lost, Ordering::Relaxed);
    }

    fn open_chunk(&mut self) -> Option<&mut Chunk> {
        if self.chunk.is_none() {
            self.chunk = self.empty.try_recv().ok().map(|text| Chunk { text, lines: 0 });
        }
        self.chunk.as_mut()
    }

    fn hand_over(&mut self, bytes_min: usize) {
        let Some(chunk) = self.chunk.take_if(|chunk| chunk.text.len() >= bytes_min) else { return };
        let lines = chunk.lines;
        let sent = self.full.as_ref().is_some_and(|full| full.try_send(chunk).is_ok());
        let counters = &self.handle.counters;
        let counter = if sent { &counters.lines } else { &counters.lost };
        counter.fetch_add(lines, Ordering::Relaxed);
    }
}

impl EventReader for AccessLogReader {
    fn read(&mut self, batch: &Batch<'_>) {
        self.log(batch.iter());
    }
}

impl Drop for AccessLogReader {
    fn drop(&mut self) {
        self.full = None;
        // Ends when the thread does; a writer that hangs is left to the end of the process.
        let _ = self.ended.recv_timeout(LOG_DRAIN);
    }
}

impl Chunk {
    fn push(&mut self, format: AccessLogFormat, event: &EventRef<'_>) {
        match format {
            AccessLogFormat::Combined => write_combined(event, &mut self.text),
            AccessLogFormat::Json => write_ndjson(event, &mut self.text),
        }
        self.lines += 1;
    }
}

/// Writes chunk after chunk and gives each back, until the reader is dropped.
fn write_chunks(
    mut writer: impl Write,
    chunks: &Receiver<Chunk>,
    give_back: &SyncSender<Vec<u8>>,
    counters: &Counters,
) {
    while let Ok(Chunk { mut text, .. }) = chunks.recv() {
        let written = writer.write_all(&text).and_then(|()| writer.flush());
        if let Err(error) = written {
            // Said once: the count tells the rest, and the log may go to the same broken pipe.
            if counters.write_errors.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::error!(%error, "access log cannot be written");
            }
        }
        text.clear();
        // Full is impossible; without a receiver nobody needs the chunk.
        let _ = give_back.try_send(text);
    }
}

#[cfg(test)]
mod tests;
