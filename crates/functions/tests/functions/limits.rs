//! Each limit, and a guest that runs into it.

use std::sync::Arc;
use std::time::Duration;

use functions::{FAILURE_REASONS, Failure, LoadError, Settings};

use crate::support::{Nowhere, Outcome, ask, block_on, call, component, function, get, request, runtime};

const MS: Duration = Duration::from_millis(1);

/// Asks `hostile` for a path under changed settings and compares why it failed.
#[track_caller]
fn check(path: &str, reason: &str, change: impl FnOnce(&mut Settings)) -> Option<Outcome> {
    let function = function("hostile", change)?;
    let outcome = ask(&function, path);
    assert_eq!(outcome.reason(), reason, "{path}: {outcome:?}");
    Some(outcome)
}

#[test]
fn processor_time_is_bounded() {
    let Some(outcome) = check("/spin", "function_cpu", |settings| settings.cpu = 50 * MS) else { return };
    assert_eq!(outcome.failure.expect("a failure").status(), 504);
    assert!(outcome.took < 50 * 50 * MS, "{:?}", outcome.took);
    check("/bulk?mib=8&times=100000", "function_cpu", |settings| settings.cpu = 50 * MS);
    check("/busy?ms=5", "", |settings| settings.cpu = 5000 * MS);
}

#[test]
fn waiting_costs_no_processor_time() {
    check("/sleep?ms=100", "", |settings| settings.cpu = 90 * MS);
}

#[test]
fn wall_time_is_bounded() {
    let limited = |settings: &mut Settings| settings.time = 100 * MS;
    let Some(held) = check("/hold", "function_timeout", limited) else { return };
    assert!(held.took >= 100 * MS && held.took < 50 * 100 * MS, "{:?}", held.took);
    assert_eq!(held.failure.expect("a failure").status(), 504);
    let Some(spun) = check("/spin", "function_timeout", limited) else { return };
    assert!(spun.took < 50 * 100 * MS, "{:?}", spun.took);
}

#[test]
fn a_call_that_is_given_up_is_counted() {
    let Some(function) = function("hostile", |_| ()) else { return };
    block_on(async {
        let holds = call(&function, get("/hold"), Arc::new(Nowhere), false);
        tokio::time::timeout(50 * MS, holds).await.expect_err("it never answers");
    });
    let counts = function.counts();
    assert_eq!((counts.calls, counts.running), (1, 0), "{counts:?}");
    assert_eq!(counts.failures, [0; FAILURE_REASONS.len()]);
    assert!(counts.cpu_ns > 0, "{counts:?}");
}

#[test]
fn a_guest_that_computes_lets_others_on_its_thread_go_on() {
    let Some(spinning) = function("hostile", |settings| settings.cpu = 1000 * MS) else { return };
    let Some(hello) = function("hello", |_| ()) else { return };
    block_on(async {
        let spins = call(&spinning, get("/spin"), Arc::new(Nowhere), false);
        let greets = async {
            // The other goes first.
            tokio::task::yield_now().await;
            call(&hello, get("/"), Arc::new(Nowhere), false).await
        };
        let mut spins = std::pin::pin!(spins);
        tokio::select! {
            biased;
            spun = &mut spins => panic!("nobody else ran: {spun:?}"),
            greeted = greets => assert_eq!(greeted.status, 200),
        }
    });
}

#[test]
fn memory_is_bounded_in_total() {
    let limited = |settings: &mut Settings| settings.memory_bytes = 16 << 20;
    check("/allocate", "function_memory", limited);
    check("/allocate?mib=8", "", limited);
    for name in ["memories", "tables", "heap"] {
        let Some(function) = function(name, limited) else { return };
        let outcome = ask(&function, "/");
        assert_eq!(outcome.reason(), "function_memory", "{name}: {outcome:?}");
        assert!(function.counts().memory_bytes_max <= 16 << 20, "{name}: {:?}", function.counts());
    }
}

#[test]
fn a_component_that_starts_too_large_is_not_loaded() {
    let Some(vast) = component("vast") else { return };
    let loaded = runtime().load(&vast, Settings::named("vast"));
    assert!(matches!(loaded, Err(LoadError::Start(Failure::Memory))), "{loaded:?}");
}

#[test]
fn the_stack_is_bounded() {
    check("/recurse", "function_stack", |_| ());
    check("/recurse?depth=1000", "", |_| ());
}

#[test]
fn what_the_host_keeps_for_a_guest_is_bounded() {
    check("/random", "function_trapped", |_| ());
    check("/random?bytes=1000", "", |_| ());
    check("/big-chunk", "function_trapped", |_| ());
    check("/headers?bytes=100", "function_trapped", |_| ());
    check("/headers?count=100&bytes=100", "", |_| ());
    check("/hoard?n=1", "function_trapped", |_| ());
    check("/hoard?bytes=60000", "function_trapped", |_| ());
    check("/hoard?n=300&bytes=60000", "", |_| ());
}

#[test]
fn an_answer_that_goes_on_without_its_guest_is_still_its_call() {
    let limited = |settings: &mut Settings| settings.time = 300 * MS;
    let Some(function) = function("hello-p3", limited) else { return };
    let (sender, upload) = functions::body::channel(1);
    let outcome = block_on(async {
        let echo = call(&function, request("POST", "/echo", upload), Arc::new(Nowhere), false);
        let trickle = async {
            while sender.data(bytes::Bytes::from_static(b"x")).await.is_ok() {
                tokio::time::sleep(20 * MS).await;
            }
        };
        tokio::join!(echo, trickle).0
    });
    assert_eq!((outcome.status, outcome.reason()), (200, "function_timeout"), "{outcome:?}");
    assert!(outcome.body_error.is_some() && !outcome.body.is_empty());
}

#[test]
fn an_endless_answer_is_cut() {
    let limited = |settings: &mut Settings| settings.response_bytes = 1 << 20;
    let Some(outcome) = check("/stream", "function_too_large", limited) else { return };
    assert_eq!(outcome.status, 200);
    assert!(outcome.body.len() <= 1 << 20 && outcome.body.len() > 1 << 19, "{}", outcome.body.len());
    assert!(outcome.body_error.is_some());
    check("/content-length?claims=2000000&sends=1", "function_too_large", limited);
}
