//! A browser's file as a reader: piece by piece, within a worker.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use js_sys::{Array, Function, Uint8Array};
use lockgate_analytics::input::Watch;
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, File, FileReaderSync, MessageChannel, MessagePort};

use crate::buffer::Buffered;

/// Bytes that are read at once: what it costs to ask a browser for a piece is then a small part of reading it.
const PIECE_BYTES: usize = 1 << 20;

/// How far the reading has come, told after each piece.
#[derive(Clone)]
pub(super) struct Progress {
    on_progress: Option<Function>,
    stop: Arc<AtomicBool>,
}

/// Stops the reading when the page wants it.
pub(super) struct Stop(Arc<AtomicBool>);

impl Watch for Stop {
    fn is_interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Progress {
    pub(super) fn new(on_progress: Option<Function>) -> Self {
        Self { on_progress, stop: Arc::default() }
    }

    pub(super) fn stop(&self) -> Stop {
        Stop(Arc::clone(&self.stop))
    }

    /// Tells how many bytes have been read; `false`, or an exception, ends the reading.
    fn has_read(&self, bytes: f64) {
        let Some(on_progress) = &self.on_progress else { return };
        let answer = on_progress.call1(&JsValue::NULL, &bytes.into());
        if answer.map_or(true, |answer| answer == JsValue::FALSE) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Where a worker takes pieces of files: one for all files of a call.
#[derive(Clone)]
pub(super) struct Desk {
    reader: FileReaderSync,
    /// A port whose other end is closed. What is handed over to it is freed at once; the browser's collector, which only looks when a worker
    /// rests, would let hundreds of pieces wait.
    nobody: MessagePort,
}

impl Desk {
    /// # Errors
    ///
    /// Outside of a worker: only there files can be read without waiting for an event.
    pub(super) fn new() -> Result<Self, JsValue> {
        let reader = FileReaderSync::new()?;
        let channel = MessageChannel::new()?;
        channel.port2().close();
        Ok(Self { reader, nobody: channel.port1() })
    }
}

/// A file. Nobody but the worker it was made in uses it: there is one thread.
pub(super) struct FileReader(SendWrapper<Pieces>);

struct Pieces {
    file: Blob,
    desk: Desk,
    /// Where the next piece begins, bytes.
    offset: f64,
    /// What to add for the files before this one.
    before: f64,
    progress: Progress,
}

impl FileReader {
    /// A file from `start` on, behind files of `before` bytes. It takes memory from when it is first read, and no more than its bytes need.
    pub(super) fn new(
        file: &File,
        start: u64,
        before: f64,
        desk: &Desk,
        progress: &Progress,
    ) -> Buffered<Self> {
        let offset = start as f64;
        let piece_bytes = (file.size() - offset).clamp(0.0, PIECE_BYTES as f64) as usize;
        let file = file.clone().into();
        let (desk, progress) = (desk.clone(), progress.clone());
        let pieces = Pieces { file, desk, offset, before: before - offset, progress };
        Buffered::new(Self(SendWrapper::new(pieces)), piece_bytes)
    }
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|failure| io::Error::other(text_of(&failure)))
    }
}

impl Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, JsValue> {
        let end = (self.offset + buffer.len() as f64).min(self.file.size());
        if end <= self.offset {
            return Ok(0);
        }
        let slice = self.file.slice_with_f64_and_f64(self.offset, end)?;
        let memory = self.desk.reader.read_as_array_buffer(&slice)?;
        let piece = Uint8Array::new(&memory);
        let read = piece.length() as usize;
        let Some(buffer) = buffer.get_mut(..read) else { return Err("the browser read too much".into()) };
        piece.copy_to(buffer);
        self.desk.nobody.post_message_with_transferable(&JsValue::NULL, &Array::of1(&memory))?;
        self.offset += read as f64;
        self.progress.has_read(self.before + self.offset);
        Ok(read)
    }
}

/// The message of what was thrown.
fn text_of(failure: &JsValue) -> String {
    let message = js_sys::Reflect::get(failure, &"message".into()).ok().and_then(|text| text.as_string());
    message.or_else(|| failure.as_string()).unwrap_or_else(|| "the browser cannot read it".into())
}
