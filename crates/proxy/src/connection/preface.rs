//! HTTP/2 by prior knowledge (RFC 9113 §3.3): told from HTTP/1 by its first bytes.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::limits::PREFACE_PAUSE_MS;
use crate::listen::Listener;
use crate::timers::Timer;
use http2::PREFACE;

/// As many bytes as tell the preface from any request: no method begins like it (RFC 9113 §11.6).
const TELLING_BYTES: usize = 4;

/// Whether a connection, of which the first bytes are there, begins with HTTP/2. Nothing is taken.
pub(super) async fn is_there(stream: &TcpStream, listener: &Listener, timer: &Timer) -> bool {
    if !listener.settings().http1 {
        return true;
    }
    let mut start = [0; TELLING_BYTES];
    let mut pause = Duration::from_millis(PREFACE_PAUSE_MS);
    while let Ok(count) = stream.peek(&mut start).await {
        let is_like_it = count > 0 && PREFACE.starts_with(&start[..count]);
        if !is_like_it || count == TELLING_BYTES {
            return is_like_it;
        }
        if timer.expired() {
            break;
        }
        // The kernel tells of the same bytes again and again. So few of them are rare, unless somebody means harm: looks get rarer.
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
    false
}
