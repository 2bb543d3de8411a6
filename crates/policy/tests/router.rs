//! The compiled router against a naive reading of its order: sort the rules by rank, take the first that matches.

use std::cmp::Reverse;
use std::ops::Range;

use policy::{HostPattern, PathPattern, Routed, Router, Rule, Subject};
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Request {
    host: String,
    path: String,
    method: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    query: String,
}

impl Subject for Request {
    fn host(&self) -> &str {
        &self.host
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn method(&self) -> &str {
        self.method
    }

    fn has_header(&self, name: &str, value: Option<&str>) -> bool {
        self.headers.iter().any(|(its, found)| *its == name && value.is_none_or(|value| value == *found))
    }

    fn query(&self) -> &str {
        &self.query
    }
}

/// Highest first: kind and length of host, kind and length of path, other matches, order written.
fn rank(rule: &Rule, index: usize) -> impl Ord + use<> {
    let specific = |text: Option<String>| match text {
        None => (0, 0),
        Some(text) if text.contains('*') => (1, text.len()),
        Some(_) => (2, 0),
    };
    let host = specific(rule.host.as_ref().map(HostPattern::to_string));
    let path = specific(Some(rule.path.to_string()));
    let others = rule.headers.len() + rule.query.len() + usize::from(rule.methods.is_some());
    (Reverse(host), Reverse(path), Reverse(others), index)
}

fn has_parameter(query: &str, name: &str, value: Option<&str>) -> bool {
    query
        .split('&')
        .filter_map(|parameter| parameter.split_once('='))
        .any(|(its, found)| its.replace("%61", "a") == name && value.is_none_or(|value| found == value))
}

fn matches_but_for_the_method(rule: &Rule, request: &Request) -> bool {
    rule.host.as_ref().is_none_or(|host| host.matches(&request.host))
        && rule.path.matches(&request.path)
        && rule.headers.iter().all(|(name, value)| request.has_header(name, value.as_deref()))
        && rule.query.iter().all(|(name, value)| has_parameter(&request.query, name, value.as_deref()))
}

fn naive<'r>(rules: &'r [Rule], request: &Request) -> Routed<'r> {
    let mut order: Vec<usize> = (0..rules.len()).collect();
    order.sort_by_key(|&index| rank(&rules[index], index));
    let near: Vec<usize> =
        order.into_iter().filter(|&index| matches_but_for_the_method(&rules[index], request)).collect();
    let allows =
        |rule: &Rule| rule.methods.as_ref().is_none_or(|all| all.iter().any(|one| one == request.method));
    if let Some(&found) = near.iter().find(|&&index| allows(&rules[index])) {
        return Routed::Found(found);
    }
    let mut allow: Vec<&str> = near
        .iter()
        .filter_map(|&index| rules[index].methods.as_ref())
        .flatten()
        .map(String::as_str)
        .collect();
    allow.sort_unstable();
    allow.dedup();
    if near.is_empty() { Routed::NotFound } else { Routed::MethodNotAllowed(allow) }
}

fn any_host_pattern() -> impl Strategy<Value = Option<HostPattern>> {
    let hosts = vec!["a", "b.a", "c.b.a", "*.a", "*.b.a", "*.c.b.a", "[::1]"];
    prop::option::of(prop::sample::select(hosts).prop_map(|host| host.parse().expect("a host pattern")))
}

fn any_path_pattern() -> impl Strategy<Value = PathPattern> {
    let paths =
        vec!["/", "/*", "/x", "/x/*", "/x/", "/x//*", "/x/y", "/x/y/*", "/xy/*", "/x%2Fy/*", "/x/y/z"];
    prop::sample::select(paths).prop_map(|path| path.parse().expect("a path pattern"))
}

/// Distinct names, so that the naive count of other matches is the right one.
fn any_conditions() -> impl Strategy<Value = Vec<(String, Option<String>)>> {
    let value = || prop::option::of(prop::sample::select(vec!["1".to_owned(), "2".to_owned()]));
    (prop::option::of(value()), prop::option::of(value())).prop_map(|(a, b)| {
        let named = [("a".to_owned(), a), ("b".to_owned(), b)];
        named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    })
}

fn any_methods() -> impl Strategy<Value = Option<Vec<String>>> {
    let methods = vec!["GET".to_owned(), "PUT".to_owned(), "POST".to_owned()];
    prop::option::of(prop::sample::subsequence(methods, 1..=3))
}

prop_compose! {
    fn any_rule()(
        host in any_host_pattern(),
        path in any_path_pattern(),
        methods in any_methods(),
        headers in any_conditions(),
        query in any_conditions(),
    ) -> Rule {
        Rule { host, path, methods, headers, query }
    }
}

prop_compose! {
    fn any_request()(
        host in prop::sample::select(vec!["a", "b.a", "c.b.a", "d.c.b.a", "e.d.c.b.a", ".a", "..a", "z", "", "[::1]"]),
        path in prop::sample::select(vec![
            "/", "/x", "/x/", "/x//", "/x//y", "/x/y", "/x/y/", "/x/y/z", "/x/y/z/w", "/xy", "/xy/z", "/x%2Fy", "//",
        ]),
        method in prop::sample::select(vec!["GET", "PUT", "POST", "get"]),
        headers in prop::collection::vec(prop::sample::select(vec![("a", "1"), ("a", "2"), ("b", "1")]), 0..3),
        query in prop::collection::vec(prop::sample::select(vec!["a=1", "%61=2", "b=1", "b=2", "c=1"]), 0..3),
    ) -> Request {
        Request { host: host.to_owned(), path: path.to_owned(), method, headers, query: query.join("&") }
    }
}

/// Rules of one host and path, so that they do collide and hide each other.
fn rules_of_one_place(count: Range<usize>) -> impl Strategy<Value = Vec<Rule>> {
    (any_rule(), prop::collection::vec(any_rule(), count)).prop_map(|(first, mut rules)| {
        for rule in &mut rules {
            (rule.host, rule.path) = (first.host.clone(), first.path.clone());
        }
        rules
    })
}

fn send_to_the_place_of(rules: &[Rule], request: &mut Request) {
    if let Some(rule) = rules.first() {
        request.host = rule.host.as_ref().map(HostPattern::to_string).unwrap_or_default().replace('*', "q");
        request.path = rule.path.to_string().replace('*', "q");
    }
}

/// Whether values are asked for and sent at most once per name, as [`Router::conflicts`] assumes.
fn repeats_a_name(request: &Request) -> bool {
    let names = |name: &str| {
        let headers = request.headers.iter().filter(|(its, _)| *its == name).count();
        let query = request.query.replace("%61", "a");
        headers.max(query.split('&').filter(|parameter| parameter.starts_with(name)).count())
    };
    names("a") > 1 || names("b") > 1
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_router_answers_as_the_naive_reading_does(
        rules in prop::collection::vec(any_rule(), 0..12),
        requests in prop::collection::vec(any_request(), 1..12),
    ) {
        let router = Router::new(&rules);
        for request in &requests {
            prop_assert_eq!(router.route(request), naive(&rules, request), "{:?}", request);
        }
    }

    #[test]
    fn without_conflicts_the_order_written_does_not_matter(
        rules in rules_of_one_place(0..5),
        mut requests in prop::collection::vec(any_request(), 1..30),
    ) {
        prop_assume!(Router::conflicts(&rules).is_empty());
        let turned: Vec<Rule> = rules.iter().rev().cloned().collect();
        let (straight, reversed) = (Router::new(&rules), Router::new(&turned));
        for request in requests.iter_mut().filter(|request| !repeats_a_name(request)) {
            send_to_the_place_of(&rules, request);
            let there = match reversed.route(request) {
                Routed::Found(index) => Routed::Found(rules.len() - 1 - index),
                other => other,
            };
            prop_assert_eq!(straight.route(request), there, "{:?}", request);
        }
    }

    #[test]
    fn a_shadowed_rule_never_answers(
        rules in rules_of_one_place(0..8),
        mut requests in prop::collection::vec(any_request(), 1..30),
    ) {
        let shadowed = Router::shadowed(&rules);
        let router = Router::new(&rules);
        for request in &mut requests {
            send_to_the_place_of(&rules, request);
            if let Routed::Found(index) = router.route(request) {
                prop_assert!(shadowed.iter().all(|(never, _)| *never != index), "{:?}", request);
            }
        }
    }
}

/// Thousands of rules of one host and path, told apart by a header, or doubled: the checks stay near-linear.
#[test]
fn ten_thousand_rules_are_checked_without_comparing_each_with_each() {
    let rule = |value: usize| Rule {
        host: None,
        path: "/*".parse().unwrap(),
        methods: Some(vec!["GET".to_owned()]),
        headers: vec![("x-tenant".to_owned(), Some(value.to_string()))],
        query: Vec::new(),
    };
    let mut rules: Vec<Rule> = (0..10_000).map(rule).collect();
    assert!(Router::conflicts(&rules).is_empty());
    rules.push(rule(7));
    assert_eq!(Router::conflicts(&rules), [(7, 10_000)]);
    assert_eq!(Router::shadowed(&rules), [(10_000, 7)]);
}
