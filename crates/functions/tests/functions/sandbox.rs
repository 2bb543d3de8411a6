//! What a guest finds around it, and what it leaves behind.

use crate::support::{ask, function};

/// How many fresh instances look for the secret of one before them: looking takes long where it is not optimized.
const LOOKS: usize = if cfg!(debug_assertions) { 300 } else { 10_000 };

#[test]
fn there_are_no_files_sockets_arguments_or_variables() {
    let Some(function) = function("hostile", |_| ()) else { return };
    let text = ask(&function, "/env").text();
    assert_eq!(text, "arguments: []\nvariables: []\n");
    let text = ask(&function, "/files").text();
    assert_eq!(text.lines().count(), 8, "{text}");
    assert!(!text.contains("GOT"), "{text}");
}

#[test]
fn no_error_is_one_of_files() {
    let Some(function) = function("hostile", |_| ()) else { return };
    assert_eq!(ask(&function, "/file-error").text(), "None\n");
}

#[test]
fn there_are_none_by_wasi_0_3_either() {
    let Some(function) = function("hello-p3", |_| ()) else { return };
    let text = ask(&function, "/files").text();
    let denied = text.matches("Err(ErrorCode::AccessDenied)").count();
    assert_eq!((text.starts_with("directories: 0\n"), denied), (true, 3), "{text}");
}

#[test]
fn configuration_is_there_and_nobody_elses() {
    let values = vec![("greeting".to_owned(), "hello".to_owned()), ("token".to_owned(), "s3cret".to_owned())];
    let Some(first) = function("hostile", |settings| settings.values = values) else { return };
    let Some(second) = function("hostile", |_| ()) else { return };
    assert_eq!(ask(&first, "/config").text(), "greeting=hello\ntoken=s3cret\n");
    assert_eq!(ask(&second, "/config").text(), "");
}

#[test]
fn the_request_arrives_as_it_was() {
    let Some(function) = function("hostile", |_| ()) else { return };
    let text = ask(&function, "/whoami?a=b%20c").text();
    assert!(text.starts_with("GET /whoami?a=b%20c\n"), "{text}");
    assert!(text.contains("authority: Some(\"shop.example\")"), "{text}");
}

#[test]
fn a_fresh_instance_sees_nothing_of_those_before_it() {
    let Some(function) = function("hostile", |settings| settings.cpu *= 10) else { return };
    let Some(other) = function_again() else { return };
    for look in 0..LOOKS {
        if look % 10 == 0 {
            assert_eq!(ask(&function, "/secret-write?mib=2").status, 200);
        }
        let looks = if look % 2 == 0 { &function } else { &other };
        let text = ask(looks, "/secret-look?mib=3").text();
        assert!(text.starts_with("clean: 0 secrets, 0 used words"), "look {look}: {text}");
    }
}

fn function_again() -> Option<std::sync::Arc<functions::Function>> {
    function("hostile", |settings| settings.cpu *= 10)
}

#[test]
fn an_instance_serves_as_many_calls_as_it_may() {
    let Some(function) = function("hostile", |settings| {
        settings.reuse = 2;
        settings.cpu *= 10;
    }) else {
        return;
    };
    for _ in 0..2 {
        assert_eq!(ask(&function, "/secret-write?mib=1").status, 200);
        let reused = ask(&function, "/secret-look?mib=1").text();
        assert!(reused.starts_with("FOUND"), "the instance is the same: {reused}");
        let fresh = ask(&function, "/secret-look?mib=1").text();
        assert!(fresh.starts_with("clean"), "after two calls it is another: {fresh}");
        ask(&function, "/whoami");
    }
}

#[test]
fn an_instance_that_holds_something_of_the_hosts_is_not_used_again() {
    let Some(function) = function("hostile", |settings| {
        settings.reuse = 100;
        settings.cpu *= 10;
    }) else {
        return;
    };
    for (last, expected) in [("/whoami", "FOUND"), ("/leak", "clean")] {
        assert_eq!(ask(&function, "/secret-write?mib=1").status, 200);
        assert_eq!(ask(&function, last).status, 200);
        let text = ask(&function, "/secret-look?mib=1").text();
        assert!(text.starts_with(expected), "{last}: {text}");
    }
}

#[test]
fn an_instance_that_failed_is_never_used_again() {
    let Some(function) = function("hostile", |settings| {
        settings.reuse = 100;
        settings.cpu *= 10;
    }) else {
        return;
    };
    for failing in ["/trap-in-body", "/no-answer", "/error-code"] {
        assert_eq!(ask(&function, "/secret-write?mib=1").status, 200);
        assert_ne!(ask(&function, failing).reason(), "", "{failing}");
        let text = ask(&function, "/secret-look?mib=1").text();
        assert!(text.starts_with("clean"), "{failing}: {text}");
        // Its own is dropped, so that the next round begins with a fresh one.
        ask(&function, failing);
    }
}
