//! The order of routes by example; `tests/router.rs` compares it with a naive reading.

use super::{Routed, Router, Rule, Subject};

/// A rule in one line: `METHODS host/path header: name=value query: name`, with `-` for any host or method.
fn rule(methods: &str, host: &str, path: &str, headers: &[&str], query: &[&str]) -> Rule {
    let pair = |text: &&str| match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => ((*text).to_owned(), None),
    };
    Rule {
        host: (host != "-").then(|| host.parse().unwrap()),
        path: path.parse().unwrap(),
        methods: (methods != "-").then(|| methods.split(' ').map(str::to_owned).collect()),
        headers: headers.iter().map(pair).collect(),
        query: query.iter().map(pair).collect(),
    }
}

fn by_path(host: &str, path: &str) -> Rule {
    rule("-", host, path, &[], &[])
}

struct Request<'r> {
    method: &'r str,
    host: &'r str,
    path: &'r str,
    query: &'r str,
    headers: &'r [(&'r str, &'r str)],
}

impl Subject for Request<'_> {
    fn host(&self) -> &str {
        self.host
    }

    fn path(&self) -> &str {
        self.path
    }

    fn method(&self) -> &str {
        self.method
    }

    fn has_header(&self, name: &str, value: Option<&str>) -> bool {
        self.headers
            .iter()
            .any(|(its, found)| its.eq_ignore_ascii_case(name) && value.is_none_or(|value| value == *found))
    }

    fn query(&self) -> &str {
        self.query
    }
}

fn get<'r>(host: &'r str, path: &'r str) -> Request<'r> {
    Request { method: "GET", host, path, query: "", headers: &[] }
}

#[track_caller]
fn check(rules: &[Rule], request: &Request<'_>, expected: &Routed<'_>) {
    assert_eq!(Router::new(rules).route(request), *expected);
}

#[test]
fn exact_host_comes_before_wildcard_and_wildcard_before_any() {
    let rules = [
        by_path("-", "/*"),
        by_path("*.b.c", "/*"),
        by_path("*.c", "/*"),
        by_path("a.b.c", "/*"),
        by_path("c", "/*"),
    ];
    for (host, index) in [
        ("a.b.c", 3),
        ("x.b.c", 1),
        ("x.y.b.c", 1),
        ("b.c", 2),
        ("x.c", 2),
        ("c", 4),
        ("d", 0),
        ("", 0),
        (".c", 0),
    ] {
        check(&rules, &get(host, "/"), &Routed::Found(index));
    }
}

#[test]
fn exact_path_comes_before_the_longest_prefix() {
    let rules = [by_path("-", "/*"), by_path("-", "/a/*"), by_path("-", "/a/b/*"), by_path("-", "/a/b")];
    for (path, index) in [
        ("/a/b", 3),
        ("/a/b/", 2),
        ("/a/b/c/d/e", 2),
        ("/a/bc", 1),
        ("/a", 1),
        ("/a/", 1),
        ("/", 0),
        ("/ab", 0),
    ] {
        check(&rules, &get("h", path), &Routed::Found(index));
    }
}

#[test]
fn host_comes_before_path() {
    let rules = [by_path("-", "/a/b"), by_path("h", "/*")];
    check(&rules, &get("h", "/a/b"), &Routed::Found(1));
}

#[test]
fn path_comes_before_other_matches() {
    let rules = [rule("GET", "-", "/*", &["x"], &["y"]), by_path("-", "/a")];
    let request = Request { headers: &[("x", "1")], query: "y=1", ..get("h", "/a") };
    check(&rules, &request, &Routed::Found(1));
}

#[test]
fn more_other_matches_come_first() {
    let rules = [
        by_path("-", "/a"),
        rule("GET", "-", "/a", &[], &[]),
        rule("GET", "-", "/a", &["x=1"], &[]),
        rule("-", "-", "/a", &["x=1", "y"], &["z=2"]),
    ];
    let request = |headers, query| Request { headers, query, ..get("h", "/a") };
    check(&rules, &request(&[("X", "1"), ("Y", "")], "z=2"), &Routed::Found(3));
    check(&rules, &request(&[("X", "1"), ("Y", "")], "z=3"), &Routed::Found(2));
    check(&rules, &request(&[("X", "2")], ""), &Routed::Found(1));
    check(&rules, &Request { method: "PUT", ..request(&[], "") }, &Routed::Found(0));
}

#[test]
fn what_does_not_match_in_everything_falls_back_to_lesser_hosts_and_paths() {
    let rules = [
        rule("-", "a.b", "/x/y", &["k"], &[]),
        rule("POST", "a.b", "/x/*", &[], &[]),
        rule("-", "*.b", "/x/*", &["k"], &[]),
        by_path("-", "/*"),
    ];
    check(&rules, &get("a.b", "/x/y"), &Routed::Found(3));
    check(&rules, &Request { method: "POST", ..get("a.b", "/x/y") }, &Routed::Found(1));
    check(&rules, &Request { headers: &[("k", "")], ..get("a.b", "/x/z") }, &Routed::Found(2));
}

#[test]
fn allow_names_the_methods_that_would_match_anywhere() {
    let rules = [
        rule("PUT GET", "a.b", "/x", &[], &[]),
        rule("POST GET", "-", "/*", &[], &[]),
        rule("PATCH", "-", "/x", &["k"], &[]),
        rule("TRACE", "other", "/x", &[], &[]),
    ];
    let request = Request { method: "DELETE", ..get("a.b", "/x") };
    check(&rules, &request, &Routed::MethodNotAllowed(vec!["GET", "POST", "PUT"]));
    let request = Request { headers: &[("k", "")], ..request };
    check(&rules, &request, &Routed::MethodNotAllowed(vec!["GET", "PATCH", "POST", "PUT"]));
}

#[test]
fn methods_are_case_sensitive_and_head_is_not_implied() {
    let rules = [rule("GET", "-", "/", &[], &[])];
    for method in ["get", "HEAD"] {
        check(&rules, &Request { method, ..get("h", "/") }, &Routed::MethodNotAllowed(vec!["GET"]));
    }
}

#[test]
fn a_request_no_rule_matches_is_not_found() {
    check(&[], &get("h", "/"), &Routed::NotFound);
    let rules = [rule("POST", "-", "/a", &["k"], &[]), by_path("h", "/b"), by_path("*.h", "/*")];
    check(&rules, &get("h", "/a"), &Routed::NotFound);
    check(&rules, &get("i", "/b"), &Routed::NotFound);
    check(&rules, &get("h", "/"), &Routed::NotFound);
}

#[test]
fn a_condition_written_twice_counts_once() {
    let rules = [rule("-", "-", "/", &["x", "X", "x=1"], &[]), rule("-", "-", "/", &["x=1", "y"], &[])];
    let request = Request { headers: &[("x", "1"), ("y", "1")], ..get("h", "/") };
    check(&rules, &request, &Routed::Found(1));
}

#[track_caller]
fn check_conflicts(rules: &[Rule], expected: &[(usize, usize)]) {
    assert_eq!(Router::conflicts(rules), expected);
}

#[test]
fn equal_rank_and_a_common_request_is_a_conflict() {
    check_conflicts(&[by_path("-", "/a"), by_path("-", "/b"), by_path("-", "/%61")], &[(0, 2)]);
    check_conflicts(&[by_path("A.b", "/a"), by_path("a.B", "/a")], &[(0, 1)]);
    check_conflicts(&[rule("GET PUT", "-", "/", &[], &[]), rule("PUT", "-", "/", &[], &[])], &[(0, 1)]);
    check_conflicts(&[rule("-", "-", "/", &["x"], &[]), rule("-", "-", "/", &[], &["y"])], &[(0, 1)]);
    check_conflicts(&[rule("-", "-", "/", &["x"], &[]), rule("-", "-", "/", &["X=1"], &[])], &[(0, 1)]);
    check_conflicts(&[rule("GET", "-", "/", &[], &[]), rule("-", "-", "/", &["x"], &[])], &[(0, 1)]);
    check_conflicts(&[rule("-", "-", "/", &["x=1"], &[]), rule("-", "-", "/", &["y=1"], &[])], &[(0, 1)]);
    check_conflicts(&[rule("-", "-", "/", &[], &["x=1"]), rule("-", "-", "/", &["y=1"], &[])], &[(0, 1)]);
}

#[test]
fn rules_that_differ_in_rank_or_exclude_each_other_do_not_conflict() {
    check_conflicts(
        &[by_path("-", "/a"), by_path("-", "/a/*"), by_path("h", "/a"), by_path("*.h", "/a")],
        &[],
    );
    check_conflicts(&[by_path("-", "/"), rule("GET", "-", "/", &[], &[])], &[]);
    check_conflicts(&[rule("GET", "-", "/", &[], &[]), rule("PUT", "-", "/", &[], &[])], &[]);
    check_conflicts(&[rule("-", "-", "/", &["x=1"], &[]), rule("-", "-", "/", &["x=2"], &[])], &[]);
    check_conflicts(&[rule("-", "-", "/", &[], &["x=1"]), rule("-", "-", "/", &[], &["x=2"])], &[]);
}

#[test]
fn each_rule_is_the_later_of_one_pair_at_most() {
    let same = by_path("-", "/");
    check_conflicts(&[same.clone(), same.clone(), same], &[(0, 1), (0, 2)]);
}

#[track_caller]
fn check_shadowed(rules: &[Rule], expected: &[(usize, usize)]) {
    assert_eq!(Router::shadowed(rules), expected);
}

#[test]
fn a_rule_whose_requests_are_all_taken_is_shadowed() {
    check_shadowed(&[by_path("-", "/a"), by_path("-", "/a")], &[(1, 0)]);
    check_shadowed(&[rule("-", "-", "/", &["x"], &[]), rule("-", "-", "/", &["x=1"], &[])], &[(1, 0)]);
    let methods = |methods| rule(methods, "-", "/", &[], &[]);
    check_shadowed(&[methods("GET PUT"), methods("PUT")], &[(1, 0)]);
    check_shadowed(&[methods("GET"), methods("PUT"), methods("GET PUT")], &[(2, 0)]);
}

#[test]
fn a_rule_without_a_method_is_shadowed_by_itself() {
    let none = Rule { methods: Some(Vec::new()), ..by_path("-", "/") };
    check_shadowed(std::slice::from_ref(&none), &[(0, 0)]);
    check_conflicts(&[none, rule("-", "-", "/", &["x"], &[])], &[]);
}

#[test]
fn a_rule_that_can_still_answer_is_not_shadowed() {
    check_shadowed(&[by_path("-", "/*"), by_path("-", "/a"), by_path("h", "/a")], &[]);
    check_shadowed(&[by_path("-", "/"), rule("GET", "-", "/", &[], &[])], &[]);
    check_shadowed(&[rule("-", "-", "/", &["x=1"], &[]), rule("-", "-", "/", &["x"], &[])], &[]);
    let methods = |methods| rule(methods, "-", "/", &[], &[]);
    check_shadowed(&[methods("GET"), methods("GET PUT")], &[]);
}
