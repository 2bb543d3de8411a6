//! What guests print, and what is said of those that fail.

use std::io;
use std::sync::{Arc, Mutex};

use functions::Settings;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{ID, ask, block_on, call, function, get};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What is logged while `run` runs.
fn logged(run: impl FnOnce()) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(writer).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, run);
    let bytes = lines.0.lock().expect("a lock").clone();
    String::from_utf8(bytes).expect("text")
}

#[test]
fn what_a_guest_prints_is_logged_line_by_line_up_to_its_limit() {
    let limited = |settings: &mut Settings| settings.log_bytes = 1000;
    let Some(function) = function("hostile", limited) else { return };
    let log = logged(|| {
        assert_eq!(ask(&function, "/log?bytes=100000").status, 200);
    });
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 11, "{log}");
    for line in &lines {
        assert!(line.contains("function=\"hostile\" request=0000000000000001-2-3-4"), "{line}");
    }
    assert!(
        lines[0].contains("INFO function: 000") && lines[0].contains("stream=\"stderr\""),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains("stream=\"stdout\""), "{}", lines[1]);
    assert!(log.contains("log cut"), "{log}");
}

#[test]
fn a_panic_is_logged_with_its_message_and_the_guests_backtrace() {
    let Some(function) = function("hostile", |_| ()) else { return };
    let log = logged(|| {
        assert_eq!(ask(&function, "/panic").reason(), "function_trapped");
    });
    assert!(log.contains("this guest panics when it is asked to"), "{log}");
    assert!(log.contains("reason=\"function_trapped\""), "{log}");
    assert!(log.contains("wasm backtrace"), "{log}");
}

#[test]
fn a_refused_request_is_logged_and_cannot_make_up_lines() {
    let Some(function) = function("hostile", |_| ()) else { return };
    let log = logged(|| {
        let asked = get("/call?to=http://evil.example/x");
        block_on(call(&function, asked, Arc::new(crate::support::Nowhere), false));
    });
    assert!(log.contains("outgoing request refused: it is not in the function's `outbound`"), "{log}");
    assert!(log.contains("asked=http://evil.example/x"), "{log}");
    assert_eq!(log.lines().count(), 1, "{log}");
}

#[test]
fn refused_requests_are_told_a_few_times_for_each_call() {
    let Some(function) = function("hostile", |_| ()) else { return };
    let log = logged(|| {
        let asked = get("/call?n=100&to=http://evil.example/x");
        let outcome = block_on(call(&function, asked, Arc::new(crate::support::Nowhere), false));
        assert_eq!(outcome.text().lines().count(), 100);
    });
    let told: Vec<&str> = log.lines().filter(|line| line.contains("outgoing request refused")).collect();
    assert_eq!(told.len(), 8, "{log}");
    assert!(told[7].contains("the call's others are not told"), "{log}");
}

#[test]
fn names_in_a_backtrace_are_cut_and_make_up_no_lines() {
    let Some(function) = function("named", |_| ()) else { return };
    let log = logged(|| {
        assert_eq!(ask(&function, "/").reason(), "function_trapped");
    });
    assert!(log.contains("wasm backtrace") && log.contains("unreachable"), "{log}");
    assert!(log.len() < 6_000, "{} bytes", log.len());
    let mut lines = log.lines();
    assert!(lines.next().is_some_and(|line| line.contains("WARN function: ")), "{log}");
    for line in lines {
        let is_first = line.starts_with("error while executing at wasm backtrace:");
        assert!(is_first || line.starts_with("    ") && line.chars().count() < 220, "{line}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
}

#[test]
fn calls_that_are_turned_away_are_told_with_their_cause_now_and_then() {
    let Some(function) = function("hello", |settings| (settings.instances, settings.queue) = (1, 0)) else {
        return;
    };
    let log = logged(|| {
        block_on(async {
            let held = function.enter(ID).await.expect("a place");
            for _ in 0..100 {
                assert!(function.enter(ID).await.is_err());
            }
            drop(held);
        });
    });
    assert!(log.contains("all `instances` of the function are in use, and its `queue` is full"), "{log}");
    assert!(
        log.contains("reason=\"function_busy\"") && log.contains("request=0000000000000001-2-3-4"),
        "{log}"
    );
    // One a second.
    assert!(log.lines().count() < 50, "{log}");
}
