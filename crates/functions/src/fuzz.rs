//! What a fuzz target does with its bytes where it takes more than the crate shows: it panics when a promise is broken.

use std::sync::Arc;

use futures_util::{FutureExt, stream};
use http::HeaderMap;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use crate::body::{Answer, Length};
use crate::function::Facts;
use crate::meter::Meter;
use crate::{Failure, HttpError, Settings, WasiBody};

/// Longest piece; larger numbers are other things that a guest does.
const PIECE_BYTES_MAX: u8 = 252;
const TRAILERS: u8 = 253;
const GIVES_UP: u8 = 254;
const FAILS: u8 = 255;

/// Takes what a guest writes as the body of its answer: whether its head says how long it is (even) or only the limit does (odd),
/// how long that is, then the lengths of pieces and what else happens. What comes out is as long as the head says, or it ends in an
/// error and the call has failed.
pub fn guest_body(data: &[u8]) {
    let [choice, length, script @ ..] = data else { return };
    let is_exact = choice % 2 == 0;
    let length = u64::from(*length) * 4;
    let meter = Arc::new(Meter::new(Facts::new(Settings::named("fuzzed")), None));
    let limit = if is_exact { Length::Exactly(length) } else { Length::AtMost(length) };
    let mut answer = Answer::new(played(script, meter.clone()), meter.clone(), limit);
    let (mut bytes, mut trailers, mut is_broken) = (0, false, false);
    while let Some(frame) = answer.frame().now_or_never().expect("the guest never waits") {
        assert!(!trailers && !is_broken, "something follows the end");
        match frame.map(Frame::into_data) {
            Ok(Ok(piece)) => bytes += piece.len() as u64,
            Ok(Err(_)) => trailers = true,
            Err(_) => is_broken = true,
        }
    }
    assert!(bytes <= length, "{bytes} bytes where {length} are the most");
    assert!(is_broken || !is_exact || bytes == length, "{bytes} bytes where {length} are promised");
    assert!(!(trailers && is_exact), "trailers where the length is known");
    if is_broken {
        assert!(meter.has_failed(), "a body is broken, and the call is not");
    } else if !is_exact {
        assert!(!meter.has_failed(), "a guest failed, and its body ended well");
        let given = script.iter().take_while(|&&event| event <= PIECE_BYTES_MAX);
        assert_eq!(bytes, given.map(|&piece| u64::from(piece)).sum::<u64>());
    }
}

/// A guest's body, as a script says.
fn played(script: &[u8], meter: Arc<Meter>) -> WasiBody {
    let frames = Vec::from(script).into_iter().filter_map(move |event| match event {
        TRAILERS => Some(Ok(Frame::trailers(HeaderMap::new()))),
        GIVES_UP => Some(Err(HttpError::ConnectionTerminated)),
        FAILS => {
            meter.fail(Failure::CpuTime);
            None
        }
        piece => Some(Ok(Frame::data(vec![0; usize::from(piece)].into()))),
    });
    StreamBody::new(stream::iter(frames)).boxed_unsync()
}
