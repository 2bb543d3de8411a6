//! A connection in memory.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{End, Travel};
use crate::h1::Readiness;
use crate::stream::{ByteStream, ClientStream};

/// How far both directions are, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Read by the gateway.
    pub read: usize,
    /// Written by it.
    pub written: usize,
}

/// Both directions.
#[derive(Debug)]
pub(super) struct Wire {
    sent: Vec<u8>,
    read: usize,
    read_bytes: usize,
    end: Option<End>,
    reader: Option<Waker>,
    written: Vec<u8>,
    /// Bytes that are still taken.
    room: usize,
    write_bytes: usize,
    writer: Option<Waker>,
    moments: Vec<Moment>,
    is_fickle: bool,
    /// Whether the next read finds nothing although there is something.
    misleads: bool,
}

impl Wire {
    pub(super) const fn new(Travel { read_bytes, write_bytes, is_fickle, .. }: Travel) -> Self {
        Self {
            sent: Vec::new(),
            read: 0,
            read_bytes,
            end: None,
            reader: None,
            written: Vec::new(),
            room: usize::MAX,
            write_bytes,
            writer: None,
            moments: Vec::new(),
            is_fickle,
            misleads: false,
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.sent.extend_from_slice(bytes);
        wake(&mut self.reader);
    }

    pub(super) fn allow(&mut self, count: usize) {
        self.room = count;
        wake(&mut self.writer);
    }

    pub(super) const fn takes_all(&self) -> bool {
        self.room == usize::MAX
    }

    pub(super) fn end(&mut self, end: End) {
        self.end = Some(end);
        wake(&mut self.reader);
        if end == End::Fail {
            wake(&mut self.writer);
        }
    }

    pub(super) const fn moment(&self) -> Moment {
        Moment { read: self.read, written: self.written.len() }
    }

    /// What was written so far.
    pub(super) fn written(&self) -> &[u8] {
        &self.written
    }

    /// What was sent and written, and how.
    pub(super) fn take(&mut self) -> (Vec<u8>, Vec<u8>, Vec<Moment>) {
        let Self { sent, written, moments, .. } = self;
        (std::mem::take(sent), std::mem::take(written), std::mem::take(moments))
    }

    fn poll_readable(&mut self, context: &Context<'_>) -> Poll<io::Result<()>> {
        if self.read < self.sent.len() || matches!(self.end, Some(End::Close | End::Fail)) {
            return Poll::Ready(Ok(()));
        }
        self.reader = Some(context.waker().clone());
        Poll::Pending
    }

    fn poll_read(&mut self, context: &Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.poll_readable(context))?;
        self.misleads = self.is_fickle && !self.misleads;
        if self.misleads {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let there = &self.sent[self.read..];
        if there.is_empty() && self.end == Some(End::Fail) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        assert!(into.remaining() > 0, "there is room to read to");
        let count = there.len().min(self.read_bytes).min(into.remaining());
        into.put_slice(&there[..count]);
        self.read += count;
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, context: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.end == Some(End::Fail) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.room == 0 {
            self.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = bytes.len().min(self.write_bytes).min(self.room);
        if !self.takes_all() {
            self.room -= count;
        }
        self.written.extend_from_slice(&bytes[..count]);
        self.moments.push(self.moment());
        Poll::Ready(Ok(count))
    }

    /// As TLS does, it waits for room for what it may hold.
    fn poll_flush(&mut self, context: &Context<'_>) -> Poll<io::Result<()>> {
        if self.room == 0 && self.is_fickle && self.end != Some(End::Fail) {
            self.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// A connection as the gateway holds it, or a half of it.
#[derive(Clone, Debug)]
pub(super) struct InMemory(Rc<RefCell<Wire>>);

impl InMemory {
    pub(super) fn new(wire: Wire) -> Self {
        Self(Rc::new(RefCell::new(wire)))
    }

    pub(super) fn wire<R>(&self, with: impl FnOnce(&mut Wire) -> R) -> R {
        with(&mut self.0.borrow_mut())
    }
}

impl ByteStream for InMemory {
    type Read<'a> = Self;
    type Write<'a> = Self;

    fn split(&mut self) -> (Self, Self) {
        (self.clone(), self.clone())
    }

    fn farewell(&mut self) {}
}

impl ClientStream for InMemory {
    fn has_bytes(&self) -> bool {
        self.wire(|wire| wire.read < wire.sent.len())
    }

    fn reset(&self) {}
}

impl Readiness for InMemory {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire(|wire| wire.poll_readable(context))
    }
}

impl AsyncRead for InMemory {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.wire(|wire| wire.poll_read(context, into))
    }
}

impl AsyncWrite for InMemory {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.wire(|wire| wire.poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire(|wire| wire.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire(|wire| wire.poll_flush(context))
    }
}
