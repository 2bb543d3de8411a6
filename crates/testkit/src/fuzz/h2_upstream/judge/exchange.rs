//! What exchanges were told of their answers.

use proxy::fuzz::h2::upstream::{Ended, Outcome};

use crate::fuzz::h2_upstream::endpoint::{Answer, EndpointSide};

/// What is known of the connection besides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// It may have ended before its streams.
    pub(super) is_lost: bool,
    /// It was ended for a flood, somewhere within it: what is read behind that is read away.
    pub(super) is_calmed: bool,
    /// Every request that has begun was taken.
    pub(super) takes_all: bool,
}

/// Compares what an exchange got with what its endpoint had sent by then.
pub(super) fn check(
    at: usize,
    outcome: &Outcome,
    stream: Option<u32>,
    endpoint: &EndpointSide<'_>,
    Known { is_lost, is_calmed, takes_all }: Known,
) {
    let ended = outcome.ended.unwrap_or_else(|| panic!("exchange {at} ends"));
    if ended == Ended::NoTunnel {
        let takes = endpoint.settings.iter().any(|said| said.takes_tunnels);
        assert!(stream.is_none() && outcome.question.is_tunnel, "exchange {at} is not asked: {outcome:?}");
        assert!(!takes || is_lost, "exchange {at} could have been asked: {outcome:?}");
        return;
    }
    let Some(stream) = stream else {
        let is_unseen = !takes_all || is_lost;
        let is_answered = matches!(ended, Ended::Whole | Ended::Malformed | Ended::Reset);
        assert!(is_unseen || !is_answered, "exchange {at} has no stream: {outcome:?}");
        return;
    };
    let answer = endpoint.answer(stream);
    let body = endpoint.body(stream);
    assert!(body.starts_with(&outcome.body), "exchange {at} gets what was sent on stream {stream}");
    if outcome.status.is_some() && !answer.is_unclear {
        let status = answer.status.map(|status| if answer.is_tunnel() { 101 } else { status });
        assert_eq!((outcome.status, &outcome.mark), (status, &answer.mark), "exchange {at}");
    }
    assert!(outcome.interim <= answer.interim, "exchange {at} gets interim heads that were sent");
    let is_unclear = is_lost || answer.is_unclear || endpoint.is_unclear;
    if ended == Ended::Whole {
        check_whole(at, outcome, answer);
        return;
    }
    // Of a tunnel, the way up may end otherwise.
    assert!(
        ended == Ended::GaveUp
            || !answer.is_whole
            || answer.is_unclear
            || endpoint.is_unclear
            || is_calmed
            || answer.is_tunnel(),
        "exchange {at} gets the whole answer that was sent: {outcome:?}"
    );
    let is_true = match ended {
        Ended::Whole | Ended::GaveUp | Ended::TimedOut | Ended::NoTunnel => true,
        Ended::Closed => is_unclear,
        Ended::Unprocessed => answer.is_refused,
        // What comes behind its end may end the other way.
        Ended::Reset if answer.is_tunnel() && (answer.is_closed || answer.is_suspect) => true,
        Ended::Reset => answer.is_reset || answer.is_refused || is_unclear,
        Ended::Malformed => answer.is_broken || is_unclear || answer.is_suspect,
    };
    assert!(is_true, "exchange {at} is told what was: {outcome:?} {answer:?}");
}

/// What is said to be whole is.
fn check_whole(at: usize, outcome: &Outcome, answer: &Answer) {
    assert!(answer.is_whole, "exchange {at} is said to have its answer: {outcome:?} {answer:?}");
    assert_eq!(outcome.body.len(), answer.body.len(), "exchange {at} has the whole body");
    if !answer.is_unclear {
        assert_eq!(outcome.trailer, answer.trailer, "exchange {at} has the trailers");
        assert_eq!(outcome.interim, answer.interim, "exchange {at} has all heads");
    }
}
