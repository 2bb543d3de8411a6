//! Bodies that end well, and those that do not.

use std::sync::Arc;

use super::*;
use crate::function::Facts;
use crate::meter::Meter;

/// All of a body, and whether its end was good.
async fn take(mut body: impl Body<Data = Bytes, Error = HttpError> + Unpin) -> (String, bool, bool) {
    let (mut text, mut has_trailers) = (String::new(), false);
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(bytes)) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Ok(Err(_)) => has_trailers = true,
            Err(_) => return (text, has_trailers, false),
        }
    }
    (text, has_trailers, true)
}

fn block_on<R>(future: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(future)
}

/// A body that gives these pieces and then ends, perhaps with trailers.
fn pieces(pieces: &[&'static str], trailers: bool) -> WasiBody {
    let (sender, body) = channel(pieces.len() + 1);
    block_on(async {
        for piece in pieces {
            sender.data(Bytes::from_static(piece.as_bytes())).await.expect("room");
        }
        sender.end(trailers.then(HeaderMap::new)).await.expect("room");
    });
    body
}

#[test]
fn a_channel_gives_what_it_was_given() {
    assert_eq!(block_on(take(pieces(&["a", "b"], true))), ("ab".into(), true, true));
    assert_eq!(block_on(take(pieces(&[], false))), (String::new(), false, true));
    assert_eq!(block_on(take(full("abc".into()))), ("abc".into(), false, true));
    assert_eq!(block_on(take(empty())), (String::new(), false, true));
}

#[test]
fn a_channel_that_is_let_go_fails() {
    let (sender, body) = channel(1);
    drop(sender);
    assert_eq!(block_on(take(body)), (String::new(), false, false));
    let (sender, body) = channel(1);
    block_on(sender.fail(HttpError::HttpProtocolError)).expect("room");
    assert_eq!(block_on(take(body)), (String::new(), false, false));
}

#[test]
fn a_channel_holds_its_giver_back() {
    use futures_util::FutureExt;
    let (sender, mut body) = channel(1);
    assert!(sender.data("a".into()).now_or_never().is_some());
    assert!(sender.data("b".into()).now_or_never().is_none());
    assert!(block_on(body.frame()).is_some());
    assert!(sender.data("b".into()).now_or_never().is_some());
    drop(body);
    assert_eq!(block_on(sender.data("c".into())), Err(Closed));
    block_on(sender.closed());
}

fn meter() -> Arc<Meter> {
    Arc::new(Meter::new(Facts::new(crate::Settings::named("a")), None))
}

#[test]
fn an_answer_keeps_to_what_its_head_says() {
    for (given, trailers, length, expected, fails) in [
        (&["abc", "de"][..], false, Length::Exactly(5), ("abcde", false, true), false),
        (&["abc", "def"], false, Length::Exactly(5), ("abcde", false, true), false),
        (&["abc"], false, Length::Exactly(5), ("abc", false, false), true),
        (&["abc"], true, Length::Exactly(5), ("abc", false, false), true),
        (&["abc"], true, Length::Exactly(3), ("abc", false, true), false),
        (&[], false, Length::Exactly(0), ("", false, true), false),
        (&["abc"], true, Length::AtMost(3), ("abc", true, true), false),
        (&["abc", "d"], false, Length::AtMost(3), ("abc", false, false), true),
    ] {
        let meter = meter();
        let body = Answer::new(pieces(given, trailers), meter.clone(), length);
        let (text, has_trailers, is_good) = block_on(take(body));
        assert_eq!((text.as_str(), has_trailers, is_good), expected, "{given:?} as {length:?}");
        assert_eq!(meter.close(|| None).is_some(), fails, "{given:?} as {length:?}");
    }
}

#[test]
fn the_end_of_an_answer_is_believed_only_while_the_guest_lives() {
    for (length, is_good) in [(Length::AtMost(9), false), (Length::Exactly(1), true)] {
        let meter = meter();
        let body = Answer::new(pieces(&["a"], false), meter.clone(), length);
        meter.fail(crate::Failure::StackExhausted);
        assert_eq!(block_on(take(body)).2, is_good, "{length:?}");
    }
}

#[test]
fn a_guests_request_is_as_long_as_it_says() {
    for (given, announced, expected) in [
        (&["abc", "de"][..], Some(5), ("abcde", false, true)),
        (&["abc"], Some(5), ("abc", false, false)),
        (&["abc", "def"], Some(5), ("abc", false, false)),
        (&["abc"], None, ("abc", false, true)),
        (&[], None, ("", false, true)),
        (&[], Some(0), ("", false, true)),
    ] {
        let (text, has_trailers, is_good) = block_on(async {
            let body = Sent::new(pieces_now(given).await, meter(), announced).await;
            assert_eq!(body.is_end_stream(), given.is_empty(), "{given:?}");
            take(body).await
        });
        assert_eq!((text.as_str(), has_trailers, is_good), expected, "{given:?} as {announced:?}");
    }
}

async fn pieces_now(pieces: &[&'static str]) -> WasiBody {
    let (sender, body) = channel(pieces.len() + 1);
    for piece in pieces {
        sender.data(Bytes::from_static(piece.as_bytes())).await.expect("room");
    }
    sender.end(None).await.expect("room");
    body
}

#[test]
fn a_request_of_a_guest_that_failed_is_not_whole() {
    let meter = meter();
    let is_good = block_on(async {
        let body = Sent::new(pieces_now(&["abc"]).await, meter.clone(), None).await;
        meter.fail(crate::Failure::CpuTime);
        take(body).await.2
    });
    assert!(!is_good);
}
