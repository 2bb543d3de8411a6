//! What a stream to an upstream brings before a body: heads of answers, or why there are none.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;

use http1::{BodyError, HeadError, HeadLimits};
use http2::{Code, ResponseReader};
use message::{Method, Response};

use crate::adapter::{NoResponse, SourceError};
use crate::limits::{ARENA_BYTES_KEPT, INTERIM_RESPONSES, RESPONSES_KEPT};

thread_local! {
    #[allow(clippy::vec_box, reason = "a box moves between the table and a stream without its content")]
    static KEPT: RefCell<Vec<Box<Response>>> = const { RefCell::new(Vec::new()) };
}

/// A head to decode into.
pub(in crate::h2) fn take_head() -> Box<Response> {
    KEPT.with_borrow_mut(Vec::pop).unwrap_or_default()
}

/// Takes a head back for the next answer.
pub(in crate::h2) fn put_head(mut head: Box<Response>) {
    head.fields.shrink_to(ARENA_BYTES_KEPT);
    // A thread that is ending keeps none.
    let _ = KEPT.try_with(|kept| {
        if let Ok(mut kept) = kept.try_borrow_mut()
            && kept.len() < RESPONSES_KEPT
        {
            kept.push(head);
        }
    });
}

/// What is known of the answer to a request.
#[derive(Debug)]
pub(in crate::h2) struct Answer {
    method: Method,
    pub(in crate::h2) limits: HeadLimits,
    heads: RefCell<Heads>,
    /// Interim heads that have come.
    interim: Cell<u32>,
    /// Whether the final head has come.
    has_begun: Cell<bool>,
    lost: Cell<Option<Lost>>,
}

/// Heads that nobody has taken yet; most of the time it is one.
#[derive(Debug, Default)]
struct Heads {
    first: Option<Box<Response>>,
    #[allow(clippy::vec_box, reason = "a box moves on without its content")]
    others: VecDeque<Box<Response>>,
}

/// Why no more of an answer comes, besides that the connection is gone.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lost {
    /// The endpoint has not looked at the request (RFC 9113 §8.7).
    Unprocessed,
    /// The endpoint has reset the stream.
    Reset,
    /// A head is malformed.
    Head(HeadError),
    /// What follows it is.
    Body,
}

impl Answer {
    /// To a request with this method.
    pub(super) fn new(method: Method, limits: HeadLimits) -> Self {
        Self {
            method,
            limits,
            heads: RefCell::default(),
            interim: Cell::new(0),
            has_begun: Cell::new(false),
            lost: Cell::new(None),
        }
    }

    /// Whether the final head has come.
    pub(in crate::h2) fn has_begun(&self) -> bool {
        self.has_begun.get()
    }

    /// What reads the next head.
    pub(in crate::h2) fn reader<'r>(&self, head: &'r mut Response) -> ResponseReader<'r> {
        ResponseReader::new(&self.limits, self.method, head)
    }

    /// Takes a head, unless too many have come before the final one.
    ///
    /// # Errors
    /// When they have.
    pub(in crate::h2) fn push(&self, head: Box<Response>) -> Result<(), HeadError> {
        // 101 is the success of a request for a tunnel.
        if head.status >= 200 || head.status == 101 {
            self.has_begun.set(true);
        } else if self.interim.replace(self.interim.get() + 1) == INTERIM_RESPONSES {
            put_head(head);
            return Err(HeadError::Status);
        }
        let mut heads = self.heads.borrow_mut();
        if heads.first.is_none() && heads.others.is_empty() {
            heads.first = Some(head);
        } else {
            heads.others.push_back(head);
        }
        Ok(())
    }

    /// The next head.
    pub(super) fn pop(&self) -> Option<Box<Response>> {
        let mut heads = self.heads.borrow_mut();
        heads.first.take().or_else(|| heads.others.pop_front())
    }

    /// Takes note that a head is malformed.
    pub(in crate::h2) fn lose_head(&self, error: HeadError) {
        self.lose(Lost::Head(error));
    }

    /// Takes note of why no more comes; the first reason counts.
    pub(super) fn lose(&self, why: Lost) {
        if self.lost.get().is_none() {
            self.lost.set(Some(why));
        }
    }

    /// Takes note of what a code says that the endpoint has reset the stream with.
    pub(super) fn lose_by(&self, code: Code) {
        self.lose(if code == Code::REFUSED_STREAM { Lost::Unprocessed } else { Lost::Reset });
    }

    /// Why no head comes.
    pub(super) fn no_response(&self) -> NoResponse {
        match self.lost.get() {
            None => NoResponse::Closed,
            Some(Lost::Unprocessed) => NoResponse::Unprocessed,
            Some(Lost::Reset) => NoResponse::Io(io::ErrorKind::ConnectionReset.into()),
            Some(Lost::Head(error)) => NoResponse::Malformed(error),
            Some(Lost::Body) => NoResponse::Misframed(BodyError::Frame),
        }
    }

    /// Why the body is worth nothing, where it is: what has come of it may not go on.
    pub(super) fn misframed(&self) -> Option<SourceError> {
        matches!(self.lost.get(), Some(Lost::Body)).then_some(SourceError::Framing(BodyError::Frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(status: u16) -> Box<Response> {
        Box::new(Response { status, ..Response::default() })
    }

    fn answer() -> Answer {
        Answer::new(Method::Get, HeadLimits::default())
    }

    #[test]
    fn heads_are_taken_in_the_order_in_which_they_came() {
        let answer = answer();
        for status in [100, 102] {
            answer.push(head(status)).unwrap();
        }
        assert_eq!(answer.pop().unwrap().status, 100);
        for status in [103, 200] {
            assert!(!answer.has_begun());
            answer.push(head(status)).unwrap();
        }
        let rest: Vec<u16> = std::iter::from_fn(|| answer.pop()).map(|head| head.status).collect();
        assert_eq!((rest, answer.has_begun()), (vec![102, 103, 200], true));
    }

    #[test]
    fn interim_heads_have_a_bound() {
        let answer = answer();
        for _ in 0..INTERIM_RESPONSES {
            answer.push(head(103)).unwrap();
        }
        assert_eq!(answer.push(head(103)), Err(HeadError::Status));
        assert_eq!(answer.push(head(200)), Ok(()));
    }

    #[test]
    fn the_first_reason_counts() {
        let answer = answer();
        assert!(matches!(answer.no_response(), NoResponse::Closed));
        answer.lose_by(Code::REFUSED_STREAM);
        answer.lose_by(Code::INTERNAL_ERROR);
        assert!(matches!(answer.no_response(), NoResponse::Unprocessed));
    }
}
