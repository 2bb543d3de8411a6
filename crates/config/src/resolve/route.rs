//! Routes: one target each, edits that have an effect, names that are theirs alone.

mod access;
mod before;
mod edits;
mod name;
mod target;

use std::collections::BTreeMap;

use policy::PathPattern;

use super::names::AllNames;
use super::overlap;
use super::{empty, repeated};
use crate::config::{EncodedSlashes, Route, Target};
use crate::diagnostics::{Diagnostic, Span};
use crate::document::{AnyText, HeaderName, HeaderText, MatchValue, Method, ParameterName, RouteSection};
use crate::form::{At, Map};
use crate::reader::{Reader, Written};

/// Makes routes of what was written; `None` when one of them could not be made.
pub(super) fn routes(
    written: Vec<At<RouteSection>>,
    names: &mut AllNames,
    reader: &mut Reader<'_>,
) -> Option<Vec<Route>> {
    let count = written.len();
    let route_names = name::names(&written, reader);
    let mut routes = Vec::with_capacity(count);
    let mut places = Vec::with_capacity(count);
    for (At { value: section, span }, name) in written.into_iter().zip(route_names) {
        let place = section.path.as_ref().and_then(|path| path.span).or(span);
        if let Some(route) = route(section, name, span, names, reader) {
            routes.push(route);
            places.push(place);
        }
    }
    overlap::check(&routes, &places, reader);
    (routes.len() == count).then_some(routes)
}

fn route(
    section: RouteSection,
    name: String,
    span: Option<Span>,
    names: &mut AllNames,
    reader: &mut Reader<'_>,
) -> Option<Route> {
    let path = section.path.as_ref().map_or_else(any_path, |path| path.value.clone());
    let target = target::target(&section, span, names, reader);
    let before = before::before(&section, target.as_ref(), &mut names.functions, reader);
    check_edits(&section, &path, target.as_ref(), reader);
    // An unreadable host, path or match would be compared as "any" and collide with others.
    let unreadable = has_unreadable_match(&section.written, reader);
    let methods = methods(section.methods.as_ref(), reader);
    let asked = access::access(&section.access, reader);
    let identity = match is_unreadable(&section.written, "access", reader) {
        true => None,
        false => Some(asked),
    };
    access::check_meter(&section.meter, target.as_ref(), reader);
    let route = Route {
        name,
        path,
        methods,
        headers: header_matches(section.headers.value, reader),
        query: parameters(section.query.value),
        before,
        target: target?,
        strip_prefix: section.strip.map(|strip| strip.value.0),
        rewrite: section.rewrite.map(|rewrite| rewrite.value.0),
        encoded_slashes: section.encoded_slashes.value,
        request_headers: edits::header_edits(section.request_headers.value, reader),
        response_headers: edits::header_edits(section.response_headers.value, reader),
        cors: edits::cors(section.cors, reader),
        allow: section.allow.map(|allow| {
            if allow.value.is_empty() {
                empty(allow.span, "allow", "leave it out to allow all clients", reader);
            }
            allow.value.iter().map(|block| block.value).collect()
        }),
        deny: section.deny.value.iter().map(|block| block.value).collect(),
        body_bytes: section.body.value.0,
        response_timeout: section.timeout.value.response.map(|time| time.value),
        access: asked,
        limits: access::limits(section.limit, identity, reader),
        meter: section.meter.value,
        idle_timeout: section.timeout.value.idle.map(|time| time.value),
        host: section.host.map(|host| host.value),
    };
    (!unreadable).then_some(route)
}

fn check_edits(section: &RouteSection, path: &PathPattern, target: Option<&Target>, reader: &mut Reader<'_>) {
    match target {
        Some(Target::Redirect { .. } | Target::Fixed { .. }) => {
            edits::refuse_without_upstream(section, reader)
        }
        Some(Target::Function(_)) => edits::refuse_upstream_times(section, reader),
        Some(Target::Upstreams(_)) | None => {}
    }
    if !is_unreadable(&section.written, "path", reader) {
        edits::check_path_edits(section, path, reader);
        warn_of_refused_slashes(section, path, reader);
    }
}

fn has_unreadable_match(written: &Written, reader: &Reader<'_>) -> bool {
    ["host", "path", "methods", "headers", "query"].iter().any(|key| is_unreadable(written, key, reader))
}

fn is_unreadable(written: &Written, key: &str, reader: &Reader<'_>) -> bool {
    match written.value(key) {
        Some(span) => reader.has_error_within(span),
        None => written.meant(key),
    }
}

fn any_path() -> PathPattern {
    "/*".parse().expect("`/*` is a path pattern")
}

fn warn_of_refused_slashes(section: &RouteSection, path: &PathPattern, reader: &mut Reader<'_>) {
    if section.encoded_slashes.value == EncodedSlashes::Keep {
        return;
    }
    let literal = path.to_string();
    let encoded = literal.contains("%2F") || literal.contains("%5C");
    if encoded {
        reader.report(
            Diagnostic::warning(section.path.as_ref().and_then(|path| path.span), "this route never answers")
                .label("a path with `%2F` or `%5C` is answered 400")
                .hint("write `encoded-slashes = \"keep\"` to let them pass"),
        );
    }
}

fn methods(written: Option<&At<Vec<At<Method>>>>, reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let written = written?;
    if written.value.is_empty() {
        empty(written.span, "methods", "leave it out to match any method", reader);
    }
    repeated(written.value.iter().map(|method| (method.value.0.as_str(), method.span)), "method", reader);
    Some(written.value.iter().map(|method| method.value.0.clone()).collect())
}

fn header_matches(
    written: Map<HeaderName, MatchValue<HeaderText>>,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, Option<String>> {
    repeated(written.0.iter().map(|(name, _)| (name.value.0.as_str(), name.span)), "header", reader);
    written.0.into_iter().map(|(name, value)| (name.value.0, value.value.value.map(|text| text.0))).collect()
}

fn parameters(written: Map<ParameterName, MatchValue<AnyText>>) -> BTreeMap<String, Option<String>> {
    written.0.into_iter().map(|(name, value)| (name.value.0, value.value.value.map(|text| text.0))).collect()
}
