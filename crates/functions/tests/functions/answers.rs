//! What a guest answers, and what becomes of answers that are none.

use std::sync::Arc;

use functions::body;
use functions::{Failure, Function};

use crate::support::{ID, Nowhere, Outcome, ask, block_on, call, function, get, pattern, request};

#[test]
fn a_component_of_either_version_answers() {
    for (name, world) in [("hello", "wasi:http/proxy@0.2"), ("hello-p3", "wasi:http/service@0.3")] {
        let Some(function) = function(name, |_| ()) else { return };
        assert_eq!(function.world(), world);
        let outcome = ask(&function, "/a/b?c=d");
        assert_eq!((outcome.status, outcome.reason()), (200, ""), "{name}: {outcome:?}");
        assert!(outcome.text().contains("/a/b?c=d"), "{name}: {}", outcome.text());
        assert_eq!(outcome.fields["content-type"], "text/plain; charset=utf-8");
        let counts = function.counts();
        assert_eq!((counts.calls, counts.running, counts.failures), (1, 0, [0; 10]));
        assert!(counts.cpu_ns > 0 && counts.memory_bytes_max > 0, "{counts:?}");
    }
}

#[test]
fn a_body_streams_through_a_guest_with_its_trailers() {
    let Some(function) = function("hostile", |_| ()) else { return };
    let sent = pattern(1 << 20);
    let outcome = block_on(async {
        let (sender, upload) = body::channel(2);
        let give = async {
            for piece in sent.chunks(10_000) {
                sender.data(sent.slice_ref(piece)).await.expect("it is taken");
            }
            let trailers = [("x-sum", "1")]
                .map(|(name, value)| (name.parse().expect("a name"), http::HeaderValue::from_static(value)));
            sender.end(Some(trailers.into_iter().collect())).await.expect("it is taken");
        };
        let asked = call(&function, request("POST", "/echo", upload), Arc::new(Nowhere), false);
        tokio::join!(give, asked).1
    });
    assert_eq!(outcome.failure, None);
    assert!(outcome.body == sent, "{} bytes came back", outcome.body.len());
    assert_eq!(outcome.trailers.expect("trailers")["x-sum"], "1");
}

#[test]
fn an_upload_that_breaks_off_is_no_whole_one() {
    let Some(function) = function("hostile", |_| ()) else { return };
    let outcome = block_on(async {
        let (sender, upload) = body::channel(2);
        let give = async move {
            sender.data(pattern(100)).await.expect("it is taken");
            drop(sender);
        };
        let asked = call(&function, request("POST", "/echo", upload), Arc::new(Nowhere), false);
        tokio::join!(give, asked).1
    });
    assert_eq!(outcome.body, pattern(100), "the guest echoes what there is, and is told that it is not all");
}

/// Where answers that cannot be sent are counted.
const MALFORMED: usize = 6;

/// Asks for a path and compares status, reason, and whether the body's end was good.
#[track_caller]
fn check(function: &Arc<Function>, path: &str, expected: (u16, &str, bool)) -> Outcome {
    let outcome = ask(function, path);
    let found = (outcome.status, outcome.reason(), outcome.body_error.is_none());
    assert_eq!(found, expected, "{path}: {outcome:?}");
    outcome
}

#[test]
fn a_failure_is_told_with_its_phase_and_its_cause() {
    let Some(function) = function("hostile", |_| ()) else { return };
    check(&function, "/trap-before-head", (0, "function_trapped", true));
    check(&function, "/trap-after-head", (200, "function_trapped", false));
    let partial = check(&function, "/trap-in-body", (200, "function_trapped", false));
    assert_eq!(partial.text(), "so far\n");
    check(&function, "/panic", (0, "function_trapped", true));
    check(&function, "/exit", (0, "function_trapped", true));
    check(&function, "/no-answer", (0, "function_no_response", true));
    let refused = check(&function, "/error-code", (0, "function_failed", true));
    assert!(
        matches!(&refused.failure, Some(Failure::ErrorCode(code)) if code.contains("when it is asked to"))
    );
    check(&function, "/whoami", (200, "", true));
    let counts = function.counts();
    assert_eq!(counts.calls, 8);
    assert_eq!(counts.failures.iter().sum::<u64>(), 7);
}

#[test]
fn a_status_that_is_no_answer_is_malformed() {
    let Some(function) = function("hostile", |_| ()) else { return };
    for code in [100, 101, 103, 199, 600, 999] {
        check(&function, &format!("/status?code={code}"), (0, "function_malformed", true));
    }
    for code in [200, 204, 205, 304, 404, 599] {
        check(&function, &format!("/status?code={code}"), (code, "", true));
    }
}

#[test]
fn a_body_is_as_long_as_it_was_announced() {
    let Some(function) = function("hostile", |_| ()) else { return };
    let whole = check(&function, "/content-length?claims=5&sends=5", (200, "", true));
    assert_eq!(whole.text(), "xxxxx");
    let longer = ask(&function, "/content-length?claims=5&sends=9");
    assert_eq!(
        (longer.text().as_str(), longer.body_error.is_none()),
        ("xxxxx", true),
        "what is too much is cut"
    );
    let shorter = ask(&function, "/content-length?claims=5&sends=3");
    assert!(shorter.body.len() <= 3 && shorter.body_error.is_some(), "{shorter:?}");
    assert_eq!(function.counts().failures[MALFORMED], 1, "though the guest had ended by then");
    check(&function, "/content-length?claims=0&sends=0", (200, "", true));
    for claims in ["claims=x", "claims=-1", "claims=%2B5", "claims=5&claims=5", "claims=99999999999999999999"]
    {
        let outcome = ask(&function, &format!("/content-length?{claims}&sends=5"));
        let length = outcome.fields.get("content-length");
        assert_eq!(length, None, "{claims}: {outcome:?}");
    }
}

#[test]
fn an_answer_to_head_has_a_length_and_no_body() {
    let Some(function) = function("hostile", |_| ()) else { return };
    for path in ["/content-length?claims=1000000&sends=1000000", "/content-length?claims=1000000&sends=0"] {
        let asked = request("HEAD", path, body::empty());
        let outcome = block_on(call(&function, asked, Arc::new(Nowhere), false));
        assert_eq!((outcome.status, outcome.reason()), (200, ""), "{outcome:?}");
        assert!(outcome.body.is_empty() && outcome.body_error.is_none(), "{outcome:?}");
        assert_eq!(outcome.fields["content-length"], "1000000");
    }
}

#[test]
fn what_belongs_to_a_connection_cannot_be_set() {
    let Some(function) = function("hostile", |_| ()) else { return };
    let outcome = ask(&function, "/forbidden-headers");
    let text = outcome.text();
    for name in ["connection", "keep-alive", "transfer-encoding", "upgrade", "host", "x-line"] {
        assert!(!text.contains(&format!("{name}: set")), "{name}: {text}");
    }
    let trailers = ask(&function, "/trailers").trailers.expect("trailers");
    assert_eq!(trailers["x-late"], "good");
    assert!(!trailers.contains_key("transfer-encoding"));
}

#[test]
fn giving_a_call_up_ends_the_guest_and_its_body() {
    use http_body_util::BodyExt;
    let Some(function) = function("hostile", |_| ()) else { return };
    block_on(async {
        let permit = function.enter(ID).await.expect("a place");
        let (answered, answer) = tokio::sync::oneshot::channel::<http::Response<body::Answer>>();
        let call = functions::Call { id: ID, request: get("/stream"), outbound: None, next: false };
        let response = {
            let mut running = std::pin::pin!(function.call(permit, call, answered));
            tokio::select! {
                biased;
                ended = &mut running => panic!("an endless body ended: {ended:?}"),
                response = answer => response.expect("a response"),
            }
        };
        let all = response.into_body().collect().await;
        assert!(all.is_err(), "the rest of an endless body is missing");
    });
}

#[test]
fn an_answer_that_nobody_takes_ends_the_guest() {
    use http_body_util::BodyExt;
    for component in ["hostile", "hello-p3"] {
        let Some(function) = function(component, |settings| settings.reuse = 100) else { return };
        block_on(async {
            let permit = function.enter(ID).await.expect("a place");
            let (answered, answer) = tokio::sync::oneshot::channel::<http::Response<body::Answer>>();
            let call = functions::Call { id: ID, request: get("/stream"), outbound: None, next: false };
            let taken = async {
                let mut answer = answer.await.expect("a response").into_body();
                assert!(answer.frame().await.expect("a piece").is_ok());
            };
            let running = function.call(permit, call, answered);
            let (ended, ()) = tokio::join!(running, taken);
            assert_eq!(ended, Ok(()), "nobody wants to know how it ended");
        });
        let counts = function.counts();
        assert_eq!((counts.calls, counts.failures.iter().sum::<u64>()), (1, 0), "{component}");
        assert_eq!(ask(&function, "/whoami").status, 200, "the instance is not used again");
    }
}

#[test]
fn failures_of_a_component_of_the_newer_version_are_told_the_same() {
    let Some(function) = function("hello-p3", |settings| {
        settings.cpu /= 20;
        settings.time /= 20;
        settings.response_bytes = 100_000;
    }) else {
        return;
    };
    check(&function, "/spin", (0, "function_cpu", true));
    check(&function, "/hold", (0, "function_timeout", true));
    check(&function, "/panic", (0, "function_trapped", true));
    let partial = check(&function, "/trap-in-body", (200, "function_trapped", false));
    assert_eq!(partial.text(), "so far\n");
    check(&function, "/stream", (200, "function_too_large", false));
    let echoed = request("POST", "/echo", body::full(pattern(300_000)));
    let outcome = block_on(call(&function, echoed, Arc::new(Nowhere), false));
    assert!(outcome.body.len() <= 100_000 && outcome.body_error.is_some(), "300,000 bytes are too many");
    let echoed = request("POST", "/echo", body::full(pattern(90_000)));
    let outcome = block_on(call(&function, echoed, Arc::new(Nowhere), false));
    assert_eq!((outcome.failure, outcome.body.len()), (None, 90_000));
}
