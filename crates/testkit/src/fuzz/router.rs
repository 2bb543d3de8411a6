//! The router against the sentence that defines it: of all rules that match, the first by rank.
//!
//! A line of the input is a rule, `HOST PATH METHODS CONDITION…` with `-` for any host or method and conditions
//! such as `h:x-tenant=a` or `q:debug`; or, behind `>`, a request: `> METHOD HOST PATH?QUERY NAME:VALUE…`.

use std::cmp::Reverse;

use policy::{HostPattern, Routed, Router, Rule, Subject};

const LINES_MAX: usize = 64;

/// Takes the bytes for rules and requests, and routes each request by all rules.
pub fn router(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines = || text.lines().take(LINES_MAX);
    let rules: Vec<Rule> = lines().filter_map(rule).collect();
    let router = Router::new(&rules);
    let shadowed = Router::shadowed(&rules);
    check_pairs(&rules, &Router::conflicts(&rules));
    for request in lines().filter_map(request) {
        let routed = router.route(&request);
        assert_eq!(routed, naive(&rules, &request), "{request:?}");
        if let Routed::Found(index) = routed {
            assert!(shadowed.iter().all(|(never, _)| *never != index), "{index} is said to be shadowed");
        }
    }
}

fn check_pairs(rules: &[Rule], conflicts: &[(usize, usize)]) {
    for &(earlier, later) in conflicts {
        let (a, b) = (&rules[earlier], &rules[later]);
        assert!(earlier < later && a.host == b.host && a.path == b.path);
    }
}

fn rule(line: &str) -> Option<Rule> {
    let mut words = line.split(' ');
    let (host, path, methods) = (words.next()?, words.next()?, words.next()?);
    let conditions: Vec<(&str, &str)> = words.filter_map(|word| word.split_once(':')).collect();
    let of_kind = |kind: &str| {
        let written = conditions.iter().filter(|(its, _)| *its == kind);
        written.map(|(_, condition)| name_and_value(condition)).collect()
    };
    Some(Rule {
        host: if host == "-" { None } else { Some(host.parse().ok()?) },
        path: path.parse().ok()?,
        methods: (methods != "-").then(|| methods.split(',').map(str::to_owned).collect()),
        headers: of_kind("h"),
        query: of_kind("q"),
    })
}

fn name_and_value(text: &str) -> (String, Option<String>) {
    match text.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (text.to_owned(), None),
    }
}

#[derive(Debug)]
struct Request<'t> {
    method: &'t str,
    host: &'t str,
    path: String,
    query: &'t str,
    headers: Vec<(&'t str, &'t str)>,
}

fn request(line: &str) -> Option<Request<'_>> {
    let mut words = line.strip_prefix("> ")?.split(' ');
    let (method, host, target) = (words.next()?, words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut form = Vec::new();
    policy::normalize_path(path.as_bytes(), &mut form).ok()?;
    let path = String::from_utf8(form).expect("a normal form is ASCII");
    Some(Request {
        method,
        host,
        path,
        query,
        headers: words.filter_map(|word| word.split_once(':')).collect(),
    })
}

impl Subject for Request<'_> {
    fn host(&self) -> &str {
        self.host
    }

    fn path(&self) -> &str {
        &self.path
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

fn naive<'r>(rules: &'r [Rule], request: &Request<'_>) -> Routed<'r> {
    let near = || rules.iter().enumerate().filter(|(_, rule)| matches_but_for_the_method(rule, request));
    let allows =
        |rule: &Rule| rule.methods.as_ref().is_none_or(|all| all.iter().any(|one| one == request.method));
    if let Some((best, _)) =
        near().filter(|(_, rule)| allows(rule)).min_by_key(|(index, rule)| (rank(rule), *index))
    {
        return Routed::Found(best);
    }
    if near().next().is_none() {
        return Routed::NotFound;
    }
    let mut allow: Vec<&str> =
        near().filter_map(|(_, rule)| rule.methods.as_ref()).flatten().map(String::as_str).collect();
    allow.sort_unstable();
    allow.dedup();
    Routed::MethodNotAllowed(allow)
}

fn matches_but_for_the_method(rule: &Rule, request: &Request<'_>) -> bool {
    rule.host.as_ref().is_none_or(|host| host.matches(request.host))
        && rule.path.matches(&request.path)
        && rule.headers.iter().all(|(name, value)| request.has_header(name, value.as_deref()))
        && rule.query.iter().all(|(name, value)| has_parameter(request.query, name, value.as_deref()))
}

fn has_parameter(query: &str, name: &str, value: Option<&str>) -> bool {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    let decoded = parameters.map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        (decode(name), decode(value))
    });
    let mut decoded = decoded;
    decoded.any(|(its, found)| its == name.as_bytes() && value.is_none_or(|value| found == value.as_bytes()))
}

fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let escape = digits.filter(|_| bytes[at] == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        out.push(match escape.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => byte,
            None if bytes[at] == b'+' => b' ',
            None => bytes[at],
        });
        at += if escape.is_some() { 3 } else { 1 };
    }
    out
}

/// Least first: exact before wildcard before any, longer before shorter, more other matches before fewer.
fn rank(rule: &Rule) -> impl Ord + use<> {
    let specific = |text: Option<String>| match text {
        None => (0, 0),
        Some(text) if text.contains('*') => (1, text.len()),
        Some(_) => (2, 0),
    };
    let host = specific(rule.host.as_ref().map(HostPattern::to_string));
    let path = specific(Some(rule.path.to_string()));
    (Reverse(host), Reverse(path), Reverse(distinct(rule)))
}

/// Number of other matches, each once however often it is written or implied.
fn distinct(rule: &Rule) -> usize {
    let headers: Vec<_> =
        rule.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    let count = |all: &[(String, Option<String>)]| {
        let new = |(at, one): &(usize, &(String, Option<String>))| {
            let implied = one.1.is_none() && all.iter().any(|other| other.0 == one.0 && other.1.is_some());
            !implied && !all[..*at].contains(one)
        };
        all.iter().enumerate().filter(new).count()
    };
    count(&headers) + count(&rule.query) + usize::from(rule.methods.is_some())
}
