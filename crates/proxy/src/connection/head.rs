//! Moment 2: the bytes of a head become a request.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;

use http1::{HeadError, HeadLimits, HeadScan};
use message::Request;

use crate::h1::ClientConversation;
use crate::refusal::Refusal;
use crate::stream::ClientStream;

/// Empty lines passed over before a head.
const EMPTY_LINES_MAX: u32 = 2;

/// What came of waiting for a head.
pub(super) enum Head {
    /// A request.
    Complete,
    /// No byte was there after all.
    Idle,
    /// The client is gone, or was silent for too long.
    Closed,
    /// Something that is no acceptable request, or not all of one in time.
    Refused(Refusal),
}

/// Reads one head.
pub(super) async fn read<S: ClientStream>(
    conversation: &mut ClientConversation<'_, S>,
    limits: &HeadLimits,
    request: &mut Request,
) -> Head {
    let mut scan = HeadScan::default();
    let mut empty_lines = 0;
    // One byte more than a head may have, so that one that is too large is seen to be.
    let bytes_max = limits.head_bytes + 1;
    loop {
        // Some clients send an empty line behind a body; it is not the beginning of a head (RFC 9112 §2.2).
        while empty_lines < EMPTY_LINES_MAX && conversation.input.buffer.unread().starts_with(b"\r\n") {
            conversation.input.buffer.consume(2);
            empty_lines += 1;
        }
        let unread = conversation.input.buffer.unread();
        if !unread.is_empty() && scan.is_worth_parsing(unread) {
            match http1::parse_request(unread, limits, request) {
                Ok(Some(length)) => {
                    conversation.input.buffer.consume(length);
                    return Head::Complete;
                }
                Ok(None) => {}
                Err(error) => return Head::Refused(Refusal::head(error)),
            }
        }
        if conversation.input.buffer.unread().len() >= bytes_max {
            return Head::Refused(Refusal::head(HeadError::TooLarge));
        }
        let silent = conversation.input.buffer.is_empty();
        match fill(conversation, bytes_max, silent).await {
            Ok(0) if silent => return Head::Closed,
            Ok(0) => return Head::Refused(Refusal::CLIENT_GONE),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut && !silent => {
                return Head::Refused(Refusal::HEAD_TIMEOUT);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Head::Idle,
            Err(_) => return Head::Closed,
        }
    }
}

/// Receives more. Before the first byte of a head nothing is waited for here: an idle connection waits without buffers.
async fn fill<S: ClientStream>(
    conversation: &mut ClientConversation<'_, S>,
    bytes_max: usize,
    silent: bool,
) -> io::Result<usize> {
    let mut reader = conversation.reader();
    if !silent {
        return reader.fill(bytes_max).await;
    }
    let mut filling = pin!(reader.fill_now(bytes_max));
    poll_fn(|context| match filling.as_mut().poll(context) {
        Poll::Pending => Poll::Ready(Err(io::ErrorKind::WouldBlock.into())),
        polled => polled,
    })
    .await
}
