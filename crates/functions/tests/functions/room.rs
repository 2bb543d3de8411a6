//! Places for instances: each function's own, those that all share, and what the pools have for them.

use std::sync::Arc;
use std::time::Duration;

use functions::{Busy, Call, FAILURE_REASONS, Failure, Function, Settings, body};

use crate::support::{ID, Nowhere, ask, block_on, call, component, function, get, request, runtime_of};

const MS: Duration = Duration::from_millis(1);

#[test]
fn calls_at_once_are_bounded_and_the_rest_waits_in_a_bounded_queue() {
    let limited = |settings: &mut Settings| {
        settings.instances = 1;
        settings.queue = 1;
        settings.queue_time = 50 * MS;
    };
    let Some(function) = function("hello", limited) else { return };
    block_on(async {
        let first = function.enter(ID).await.expect("a place");
        assert_eq!(function.counts().running, 1);
        let (second, third) = tokio::join!(function.enter(ID), function.enter(ID));
        assert_eq!((second.err(), third.err()), (Some(Busy::Late), Some(Busy::Full)));
        let (fourth, ()) = tokio::join!(function.enter(ID), async {
            tokio::task::yield_now().await;
            assert_eq!(function.counts().waiting, 1);
            drop(first);
        });
        assert!(fourth.is_ok());
        assert_eq!(function.counts().waiting, 0);
    });
    assert_eq!(function.counts().running, 0);
    let busy = FAILURE_REASONS.iter().position(|reason| *reason == "function_busy").expect("a reason");
    assert_eq!(function.counts().failures[busy], 2);
}

#[test]
fn a_component_with_many_tables_takes_the_place_of_several() {
    let limited = |settings: &mut Settings| {
        settings.instances = 40;
        settings.queue = 0;
    };
    let Some(crowded) = function("crowded", limited) else { return };
    block_on(async {
        let (first, second) = (crowded.enter(ID).await, crowded.enter(ID).await);
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(crowded.enter(ID).await.err(), Some(Busy::Full), "64 tables are sixteen places");
        assert_eq!(crowded.counts().running, 2);
    });
}

/// Two functions where all functions have one place.
fn small(queue_time: Duration) -> Option<(Arc<Function>, Arc<Function>)> {
    let (hostile, newer) = (component("hostile")?, component("hello-p3")?);
    let runtime = runtime_of(1);
    let load = |file, name| {
        let mut settings = Settings::named(name);
        settings.queue_time = queue_time;
        runtime.load(file, settings).expect("a function")
    };
    // That of WASI 0.3 lies in a pool of its own, and there is still one place for both.
    Some((load(&hostile, "older"), load(&newer, "newer")))
}

#[test]
fn calls_wait_in_turn_for_the_instances_of_all_functions() {
    let Some((older, newer)) = small(60_000 * MS) else { return };
    let ended = std::cell::RefCell::new(Vec::new());
    let asks = |name, function, path| {
        let ended = &ended;
        async move {
            let outcome = call(function, get(path), Arc::new(Nowhere), false).await;
            ended.borrow_mut().push(name);
            (outcome.status, outcome.reason())
        }
    };
    let outcomes = block_on(async {
        tokio::join!(
            asks("first", &older, "/sleep?ms=50"),
            asks("second", &newer, "/"),
            asks("third", &older, "/sleep?ms=1"),
        )
    });
    assert_eq!(outcomes, ((200, ""), (200, ""), (200, "")));
    assert_eq!(*ended.borrow(), ["first", "second", "third"]);
    assert_eq!((older.counts().waiting, newer.counts().waiting, newer.counts().running), (0, 0, 0));
}

#[test]
fn instances_of_all_functions_are_bounded() {
    let Some((older, newer)) = small(20 * MS) else { return };
    block_on(async {
        let held = older.enter(ID).await.expect("a place");
        let refused = newer.enter(ID).await;
        assert_eq!(refused.err(), Some(Busy::NoRoom));
        let refused = call(&older, get("/"), Arc::new(Nowhere), false).await;
        assert_eq!(refused.failure, Some(Failure::Busy(Busy::NoRoom)), "its own places are free");
        assert_eq!(Failure::Busy(Busy::NoRoom).status(), 503);
        drop(held);
    });
    assert_eq!(ask(&newer, "/").status, 200);
}

#[test]
fn a_call_that_may_not_wait_does_not_wait_for_other_functions_either() {
    let Some(hostile) = component("hostile") else { return };
    let mut settings = Settings::named("hostile");
    settings.queue = 0;
    // Only who waits could be late.
    settings.queue_time = 3_600_000 * MS;
    let function = runtime_of(1).load(&hostile, settings).expect("a function");
    block_on(async {
        let held = function.enter(ID).await.expect("a place");
        assert_eq!(function.enter(ID).await.err(), Some(Busy::NoRoom));
        drop(held);
        assert!(function.enter(ID).await.is_ok());
    });
}

#[test]
fn an_instance_is_not_kept_idle_while_calls_wait_for_its_place() {
    let (Some(hostile), Some(hello)) = (component("hostile"), component("hello")) else { return };
    let runtime = runtime_of(2);
    let load = |file, name: &str| {
        let mut settings = Settings::named(name);
        (settings.reuse, settings.queue_time) = (1000, 60_000 * MS);
        runtime.load(file, settings).expect("a function")
    };
    let (first, second) = (load(&hello, "first"), load(&hostile, "second"));
    block_on(async {
        let held = second.enter(ID).await.expect("a place");
        let permit = first.enter(ID).await.expect("a place");
        let (answered, _answer) = tokio::sync::oneshot::channel();
        let call = Call { id: ID, request: request("HEAD", "/", body::empty()), outbound: None, next: false };
        let ends = async {
            // Once the other waits.
            tokio::task::yield_now().await;
            first.call(permit, call, answered).await
        };
        let (waited, ended) = tokio::join!(second.enter(ID), ends);
        assert_eq!((waited.err(), ended), (None, Ok(())));
        drop(held);
    });
}

#[test]
fn a_component_with_many_stacks_takes_the_place_of_several() {
    let (Some(stacks), Some(newer)) = (component("stacks"), component("hello-p3")) else { return };
    let runtime = runtime_of(100);
    let mut settings = Settings::named("stacks");
    settings.instances = 64;
    let stacks = runtime.load(&stacks, settings).expect("a function");
    let newer = runtime.load(&newer, Settings::named("newer")).expect("a function");
    block_on(async {
        let holds = (0..64).map(|_| call(&stacks, get("/"), Arc::new(Nowhere), false));
        let mut all = std::pin::pin!(futures_util::future::select_all(holds.map(Box::pin)));
        let beside = async {
            // The others come to where they wait.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            assert_eq!(stacks.counts().running, 9, "fourteen stacks are seven places");
            call(&newer, get("/"), Arc::new(Nowhere), false).await
        };
        tokio::select! {
            biased;
            (ended, ..) = &mut all => panic!("one of them ended: {ended:?}"),
            beside = beside => assert_eq!((beside.status, beside.reason()), (200, ""), "{beside:?}"),
        }
    });
}

#[test]
fn a_garbage_collected_heap_takes_the_place_of_a_memory() {
    let Some(collected) = component("collected") else { return };
    let mut settings = Settings::named("collected");
    (settings.instances, settings.queue_time) = (20, 60_000 * MS);
    let function = runtime_of(20).load(&collected, settings).expect("a function");
    let outcomes = block_on(async {
        let calls = (0..20).map(|_| call(&function, get("/"), Arc::new(Nowhere), false));
        futures_util::future::join_all(calls).await
    });
    for outcome in outcomes {
        // It has come to its end.
        assert_eq!(outcome.reason(), "function_no_response", "{outcome:?}");
    }
}

#[test]
fn a_function_is_loaded_while_all_instances_are_in_use() {
    let (Some(hostile), Some(hello)) = (component("hostile"), component("hello")) else { return };
    let small = runtime_of(1);
    let function = small.load(&hostile, Settings::named("hostile")).expect("a function");
    block_on(async {
        let held = function.enter(ID).await.expect("a place");
        let loaded = small.load(&hello, Settings::named("hello")).expect("another function");
        drop(held);
        assert_eq!(call(&loaded, get("/"), Arc::new(Nowhere), false).await.status, 200);
    });
}
