//! A client in memory: what it sends is a list of pieces, what it is sent is kept. With it the pipeline runs without a protocol.

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use http1::BodyError;
use message::{Fields, Piece, Response};
use testkit::Gate;
use tokio::sync::Notify;

use crate::adapter::{Downstream, ResponseSink, Sink, SinkError, Source, SourceError};

/// How the body of a request ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// With its last piece.
    #[default]
    Whole,
    /// Behind its last piece, without a byte, as a last chunk does.
    Apart,
    /// The client closes before.
    Truncated,
    /// The client breaks the framing.
    Malformed,
    /// The connection fails.
    Reset,
    /// Nothing more comes in time.
    TimedOut,
    /// Nothing more comes, and the time is never up.
    Never,
}

/// What is wrong with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteFault {
    /// The connection fails.
    Reset,
    /// Nothing is taken in time.
    TimedOut,
}

/// What the client sends behind the head of its request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upload {
    pub(crate) pieces: VecDeque<Vec<u8>>,
    pub(crate) end: BodyEnd,
    pub(crate) trailers: Option<Fields>,
    /// How often others get their turn before each piece.
    pub(crate) turns: usize,
    /// What is waited for behind the last piece.
    pub(crate) awaits: Option<Rc<Notify>>,
    /// The piece given last.
    lent: Vec<u8>,
    ended: bool,
}

impl Upload {
    fn piece(&mut self, data: Vec<u8>, end: bool) -> Piece<'_> {
        self.lent = data;
        self.ended = end;
        Piece { data: &self.lent, end, trailers: self.trailers.as_ref().filter(|_| end) }
    }
}

impl Source for &mut Upload {
    async fn next(&mut self) -> Result<Piece<'_>, SourceError> {
        give_turns(self.turns).await;
        if let Some(data) = self.pieces.pop_front() {
            let end = self.pieces.is_empty() && self.end == BodyEnd::Whole;
            return Ok(self.piece(data, end));
        }
        if let Some(signal) = &self.awaits {
            signal.notified().await;
        }
        match self.end {
            BodyEnd::Whole | BodyEnd::Apart => Ok(self.piece(Vec::new(), true)),
            BodyEnd::Truncated => Err(BodyError::Truncated.into()),
            BodyEnd::Malformed => Err(BodyError::ChunkSize.into()),
            BodyEnd::Reset => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
            BodyEnd::TimedOut => Err(SourceError::TimedOut),
            BodyEnd::Never => std::future::pending().await,
        }
    }

    fn has_buffered(&self) -> bool {
        !self.pieces.is_empty()
    }

    fn has_ended(&self) -> bool {
        self.ended
    }
}

/// A moment of an answer that others can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The first body byte has been taken.
    BodyBegun,
    /// The last write is about to be taken.
    LastWrite,
}

/// What the client has been sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    /// Statuses of interim responses.
    pub(crate) interim: Vec<u16>,
    /// The head, once it has gone out.
    pub(crate) head: Option<Response>,
    /// Body bytes.
    pub(crate) body: Vec<u8>,
    /// Trailer fields.
    pub(crate) trailers: Option<Fields>,
    /// Whether the last piece was taken.
    pub(crate) ended: bool,
    /// Whether it was told that no further request will be read.
    pub(crate) closes: bool,
    /// The write that fails, counted from 0, and how.
    pub(crate) fault: Option<(usize, WriteFault)>,
    /// How often others get their turn before each write.
    pub(crate) turns: usize,
    /// Tells that a moment has come.
    pub(crate) tells: Option<(Moment, Rc<Notify>)>,
    /// Opened when the first body byte has been taken.
    pub(crate) opens: Option<Gate>,
    /// A head that has been started and not gone out.
    started: Option<Response>,
    writes: usize,
}

impl Taken {
    /// Whether a write has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.fault.is_some_and(|(at, _)| self.writes > at)
    }

    fn tell(&self, moment: Moment) {
        if let Some((at, signal)) = &self.tells
            && *at == moment
        {
            signal.notify_one();
        }
    }

    /// Counts a write and lets it fail when it is its turn. After that no write succeeds.
    async fn write_once(&mut self) -> Result<(), SinkError> {
        assert!(!self.ended, "nothing is written behind the end");
        self.writes += 1;
        give_turns(self.turns).await;
        match self.fault {
            Some((at, WriteFault::Reset)) if self.writes > at => {
                Err(io::Error::from(io::ErrorKind::BrokenPipe).into())
            }
            Some((at, WriteFault::TimedOut)) if self.writes > at => Err(SinkError::TimedOut),
            _ => Ok(()),
        }
    }
}

impl Sink for &mut Taken {
    async fn write(&mut self, piece: Piece<'_>) -> Result<(), SinkError> {
        if piece.end {
            self.tell(Moment::LastWrite);
        }
        self.write_once().await?;
        self.head = self.head.take().or(self.started.take());
        assert!(self.head.is_some(), "a body comes behind a head");
        self.body.extend_from_slice(piece.data);
        if !self.body.is_empty() {
            self.tell(Moment::BodyBegun);
            self.opens.iter().for_each(Gate::open);
        }
        self.trailers = piece.trailers.cloned();
        self.ended = piece.end;
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), SinkError> {
        if self.started.is_some() {
            self.write_once().await?;
            self.head = self.started.take();
        }
        Ok(())
    }
}

impl ResponseSink for &mut Taken {
    fn start(&mut self, response: &Response) {
        assert!(self.started.is_none() && self.head.is_none(), "an exchange has one final response");
        self.started = Some(response.clone());
    }

    async fn interim(&mut self, response: &Response) -> Result<(), SinkError> {
        self.write_once().await?;
        self.interim.push(response.status);
        Ok(())
    }

    fn close_after(&mut self) {
        self.closes = true;
    }
}

/// A client and its connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) upload: Upload,
    pub(crate) taken: Taken,
    /// Whether its side has become a tunnel.
    pub(crate) tunnel: bool,
}

impl Downstream for Memory {
    type Body<'a> = &'a mut Upload;
    type Sink<'a> = &'a mut Taken;

    fn split(&mut self) -> (Self::Body<'_>, Self::Sink<'_>) {
        (&mut self.upload, &mut self.taken)
    }

    fn tunnel(&mut self) {
        self.tunnel = true;
    }
}

async fn give_turns(turns: usize) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}
