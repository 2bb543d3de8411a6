//! A route's name, which keys and limits hang on, is what is written, or made of what the route matches: no other route and no order
//! of the file gives it to another.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use config::{Diagnostics, Loaded, load_text};

fn load(text: &str) -> Result<Loaded, Diagnostics> {
    let environment = BTreeMap::from([("ORIGIN_SECRET".to_owned(), "s3cret".to_owned())]);
    let text = format!("[[listener]]\naddress = \"127.0.0.1:0\"\n{text}");
    load_text("lockgate.toml", Path::new("/etc/lockgate"), &text, &environment)
}

/// The names of the routes with these keys, in their order.
fn names(routes: &[&str]) -> Vec<String> {
    let text: String = routes.iter().map(|keys| format!("[[route]]\n{keys}\nrespond = {{}}\n")).collect();
    load(&text).unwrap().config.routes.into_iter().map(|route| route.name).collect()
}

#[track_caller]
fn check_refused(routes: &[&str], expected: &[&str]) {
    let text: String = routes.iter().map(|keys| format!("[[route]]\n{keys}\nrespond = {{}}\n")).collect();
    let problems = load(&text).unwrap_err();
    let messages: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages, expected, "{problems}");
}

#[test]
fn made_names_are_of_all_that_a_route_matches() {
    for (keys, expected) in [
        ("", "/*"),
        ("path = \"/%6Frders/*\"", "/orders/*"),
        ("host = \"a.example\"\nmethods = [\"GET\", \"HEAD\"]", "GET,HEAD:a.example/*"),
        ("path = \"/x\"\nheaders = { X-Version = \"2\" }", "/x?x-version:2"),
        (
            "path = \"/x\"\nheaders = { b = true, a = \"1\" }\nquery = { d = \"\", c = true }",
            "/x?c=*&d=&a:1&b:*",
        ),
        ("query = { \"a=b\" = \"*\", \"é\" = \"c&d\" }", "/*?a%3Db=%2A&%C3%A9=c%26d"),
        ("headers = { x-requested-with-a-tool = true }", "/*?x-requested-with-a-tool:*"),
        // What is in the environment is in no name.
        ("headers = { a = \"$ORIGIN_SECRET\" }", "/*?a:$ORIGIN_SECRET"),
        ("headers = { a = \"${ORIGIN_SECRET}\" }", "/*?a:$%7BORIGIN_SECRET%7D"),
        ("headers = { a = \"a$ORIGIN_SECRET\" }", "/*?a:a$ORIGIN_SECRET"),
        // What is as long as a token may be one.
        ("headers = { a = \"0123456789abcde\" }", "/*?a:0123456789abcde"),
        ("headers = { a = \"0123456789abcdef\" }", "/*?a:~87bc333d"),
        ("headers = { a = \"Bearer $ORIGIN_SECRET\" }", "/*?a:~51dd63bb"),
    ] {
        assert_eq!(names(&[keys]), [expected], "{keys}");
    }
}

#[test]
fn the_order_of_the_file_says_nothing_of_names() {
    let routes = [
        "path = \"/x\"",
        "path = \"/x\"\nheaders = { x-tenant = \"1\" }",
        "path = \"/x\"\nheaders = { x-tenant = \"2\" }",
        "path = \"/x\"\nheaders = { x-tenant = \"1\", a = \"1\" }",
        "path = \"/x\"\nheaders = { a = \"1\", x-tenant = \"2\" }",
        "path = \"/x\"\nquery = { a = \"1\" }\nheaders = { b = true, c = true }",
        "path = \"/y\"\nmethods = [\"GET\"]\nquery = { v = true }",
        "path = \"/y\"\nmethods = [\"GET\"]",
    ];
    let forth = names(&routes);
    let mut reversed = routes;
    reversed.reverse();
    let mut back = names(&reversed);
    back.reverse();
    assert_eq!(forth, back);
    // Nor does it say anything which others there are.
    for (route, name) in routes.iter().zip(forth) {
        assert_eq!(names(&[route]), [name]);
    }
}

#[test]
fn a_name_has_room_in_the_scopes_of_a_key() {
    let keys: Vec<String> = (0..50).map(|count| format!("x-{count} = \"{count}\"")).collect();
    let route = |first: &str| format!("path = \"/x\"\nheaders = {{ a = \"{first}\", {} }}", keys.join(", "));
    let names = names(&[&route("1"), &route("2")]);
    assert!(names[0] != names[1] && names.iter().all(|name| name.len() < 20), "{names:?}");
}

#[test]
fn a_name_of_two_routes_is_refused() {
    let same = "path = \"/x\"\nheaders = { a = \"1\" }";
    check_refused(&[same, same], &["two routes `/x?a:1` can match the same request"]);
    let [one, other] = ["release-2026-139599", "release-2026-322382"]
        .map(|value| format!("path = \"/x\"\nheaders = {{ a = \"{value}\" }}"));
    check_refused(&[&one, &other], &["two routes are named `/x?a:~e3351802`"]);
    for named in ["name = \"/x?a:1\"\npath = \"/y\"", "name = \"/x?a:1\"\npath = \"/x\""] {
        check_refused(&[same, named], &["two routes are named `/x?a:1`"]);
        check_refused(&[named, same], &["two routes are named `/x?a:1`"]);
    }
}

#[test]
fn what_cannot_be_read_has_no_name_to_be_refused() {
    let named = "name = \"/*\"\npath = \"/y\"";
    for wrong in ["path = \"x\"", "pat = \"/x\"", "name = \"a b\"", "header = { a = \"1\" }"] {
        let problems =
            load(&format!("[[route]]\n{named}\nrespond = {{}}\n[[route]]\n{wrong}\nrespond = {{}}\n"))
                .unwrap_err();
        assert!(!problems.to_string().contains("two routes"), "{problems}");
    }
}
