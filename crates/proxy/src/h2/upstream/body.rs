//! Bodies on a stream to an upstream: what comes, and what goes as far as the other side has room.

use std::cell::RefCell;
use std::io;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use h2::{RecvStream, SendStream};
use message::{Fields, Piece, to_header_map, trailers_of};

use crate::adapter::{SinkError, SourceError};
use crate::h1::wait;
use crate::timers::{Ticks, Timer};

/// What comes behind a head.
#[derive(Debug)]
pub(super) struct Incoming {
    stream: RecvStream,
    /// Bytes that have been here before they were asked for.
    ahead: Option<Bytes>,
    /// The piece given last.
    lent: Bytes,
    trailers: Option<Fields>,
    /// Whether the last piece has been given.
    pub(super) ended: bool,
}

impl Incoming {
    /// A tunnel's is not a body, and begins when the tunnel does.
    pub(super) fn new(stream: RecvStream, is_body: bool) -> Self {
        Self {
            ended: !is_body || stream.is_end_stream(),
            stream,
            ahead: None,
            lent: Bytes::new(),
            trailers: None,
        }
    }

    /// Takes what is here already, so that a small body goes on together with its head.
    pub(super) fn look_ahead(&mut self) {
        if !self.ended && self.ahead.is_none() {
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(Some(Ok(data))) = self.stream.poll_data(&mut context) {
                self.ahead = Some(data);
            }
        }
    }

    /// Takes the next bytes, or the trailers when there are no more; answers how many bytes there are.
    pub(super) fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let data = match self.ahead.take() {
            Some(data) => Some(Ok(data)),
            None => ready!(self.stream.poll_data(context)),
        };
        match data {
            Some(data) => self.lent = data.map_err(failed)?,
            None => {
                let trailers = ready!(self.stream.poll_trailers(context)).map_err(failed)?;
                self.trailers = trailers.map(|map| trailers_of(&map));
                self.ended = true;
            }
        }
        Poll::Ready(Ok(self.lent.len()))
    }

    /// Has the other side send more in place of the piece given last.
    pub(super) fn release(&mut self) {
        let lent = std::mem::take(&mut self.lent);
        if !lent.is_empty() {
            // A stream that is gone needs no window.
            let _ = self.stream.flow_control().release_capacity(lent.len());
        }
    }

    /// Waits for the next piece.
    pub(super) async fn next(&mut self, timer: &Timer, idle: Ticks) -> Result<Piece<'_>, SourceError> {
        self.release();
        while !self.ended && self.lent.is_empty() {
            timer.set(idle);
            match wait(timer, |context| self.poll_more(context)).await {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(SourceError::TimedOut),
                polled => polled?,
            };
            self.ended |= self.ahead.is_none() && self.stream.is_end_stream();
        }
        let trailers = self.trailers.as_ref().filter(|_| self.ended);
        Ok(Piece { data: &self.lent, end: self.ended, trailers })
    }

    pub(super) fn has_buffered(&self) -> bool {
        self.ahead.is_some()
    }
}

/// How far what goes has come.
#[derive(Debug)]
pub(super) enum Way {
    /// A head has gone out, and not the end.
    Open(SendStream<Bytes>),
    /// Nothing more can be sent.
    Closed,
}

impl Way {
    fn sending(&mut self) -> Result<&mut SendStream<Bytes>, SinkError> {
        match self {
            Self::Open(sending) => Ok(sending),
            Self::Closed => Err(gone()),
        }
    }

    fn send(&mut self, data: Bytes, end: bool) -> Result<(), SinkError> {
        self.sending()?.send_data(data, end).map_err(sink_failed)?;
        if end {
            *self = Self::Closed;
        }
        Ok(())
    }
}

/// Sends a piece behind a head that has gone out.
pub(super) async fn send(
    way: &RefCell<Way>,
    piece: Piece<'_>,
    timer: &Timer,
    idle: Ticks,
) -> Result<(), SinkError> {
    let trailers = piece.trailers.filter(|trailers| piece.end && !trailers.is_empty());
    let ends_by_data = piece.end && trailers.is_none();
    let mut rest = piece.data;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(room(way, rest.len(), timer, idle).await?);
        way.borrow_mut().send(Bytes::copy_from_slice(now), ends_by_data && later.is_empty())?;
        rest = later;
    }
    if ends_by_data && piece.data.is_empty() {
        way.borrow_mut().send(Bytes::new(), true)?;
    }
    if let Some(trailers) = trailers {
        let mut way = way.borrow_mut();
        way.sending()?.send_trailers(to_header_map(trailers, None)).map_err(sink_failed)?;
        *way = Way::Closed;
    }
    Ok(())
}

/// Waits until the other side has room for some of `count` bytes; as much as it has.
async fn room(way: &RefCell<Way>, count: usize, timer: &Timer, idle: Ticks) -> Result<usize, SinkError> {
    {
        let mut way = way.borrow_mut();
        let sending = way.sending()?;
        sending.reserve_capacity(count);
        let room = sending.capacity();
        if room > 0 {
            return Ok(room.min(count));
        }
    }
    timer.set(idle);
    let room = wait(timer, |context| {
        let mut way = way.borrow_mut();
        let sending = way.sending().map_err(|_| io::ErrorKind::ConnectionReset)?;
        loop {
            match ready!(sending.poll_capacity(context)) {
                None => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                Some(Ok(0)) => {}
                Some(capacity) => return Poll::Ready(capacity.map_err(failed)),
            }
        }
    });
    match room.await {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(SinkError::TimedOut),
        room => Ok(room?.min(count)),
    }
}

/// A stream that was reset, or whose connection is gone.
pub(super) fn failed(error: h2::Error) -> io::Error {
    let io = if error.is_io() { error.into_io() } else { None };
    io.unwrap_or_else(|| io::ErrorKind::ConnectionReset.into())
}

pub(super) fn sink_failed(error: h2::Error) -> SinkError {
    SinkError::Io(failed(error))
}

pub(super) fn gone() -> SinkError {
    SinkError::Io(io::ErrorKind::ConnectionReset.into())
}
