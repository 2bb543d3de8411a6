//! What answers a route: exactly one of upstream, function, redirect, respond.

use super::super::names::{AllNames, Names};
use super::super::{empty, weight};
use crate::config::Target;
use crate::diagnostics::{Diagnostic, Span};
use crate::document::{FixedSection, RedirectSection, RouteSection, RouteUpstream};
use crate::form::At;
use crate::reader::Reader;

const TARGETS: [&str; 4] = ["upstream", "function", "redirect", "respond"];

/// The target; `None` when there is none that could be read.
pub(super) fn target(
    section: &RouteSection,
    span: Option<Span>,
    names: &mut AllNames,
    reader: &mut Reader<'_>,
) -> Option<Target> {
    let written: Vec<_> = TARGETS.iter().filter_map(|key| Some((key, section.written.key(key)?))).collect();
    if let [(first, first_span), (second, second_span), ..] = written[..] {
        reader.report(
            Diagnostic::error(
                second_span,
                format!("a route has one target, not both `{first}` and `{second}`"),
            )
            .label("second target")
            .also(Some(first_span), "first target"),
        );
    }
    let meant = section.written.unsupported || TARGETS.iter().any(|key| section.written.meant(key));
    if !meant && !reader.is_broken() {
        reader.report(
            Diagnostic::error(span, "this route has no target").label("nothing says what answers").hint(
                "write `upstream = \"NAME\"`, `function = \"NAME\"`, `redirect = { to = \"…\" }` or `respond = { status = 200 }`",
            ),
        );
    }
    let upstream =
        section.upstream.as_ref().and_then(|written| upstreams(written, &mut names.upstreams, reader));
    let function =
        section.function.as_ref().and_then(|name| names.functions.find(&name.value, name.span, reader));
    let redirect = section.redirect.as_ref().and_then(|redirect| redirect_to(&redirect.value));
    let found = upstream.or(function.map(Target::Function)).or(redirect);
    found.or_else(|| section.respond.as_ref().map(|fixed| respond(&fixed.value, reader)))
}

fn upstreams(written: &At<RouteUpstream>, names: &mut Names, reader: &mut Reader<'_>) -> Option<Target> {
    let shares: Vec<(usize, u16)> = match &written.value {
        RouteUpstream::One(name) => {
            names.find(name, written.span, reader).map(|index| (index, 1)).into_iter().collect()
        }
        RouteUpstream::Weighted(map) => {
            if map.0.is_empty() {
                empty(
                    written.span,
                    "upstream",
                    "name at least one, such as { orders = 95, orders-next = 5 }",
                    reader,
                );
            }
            let found = map.0.iter();
            let found =
                found.map(|(name, share)| (names.find(&name.value, name.span, reader), weight(share.value)));
            found.filter_map(|(index, share)| Some((index?, share))).collect()
        }
    };
    (!shares.is_empty()).then_some(Target::Upstreams(shares))
}

fn redirect_to(section: &RedirectSection) -> Option<Target> {
    let to = section.to.as_ref()?;
    Some(Target::Redirect { to: to.value.0.clone(), status: section.status.value.0 })
}

fn respond(section: &FixedSection, reader: &mut Reader<'_>) -> Target {
    let status = u16::try_from(section.status.value).unwrap_or(u16::MAX);
    let body = section.body.as_ref().map(|body| body.value.0.clone()).unwrap_or_default();
    // RFC 9110, 15.3.5, 15.3.6 and 15.4.5.
    if matches!(status, 204 | 205 | 304) && !body.is_empty() {
        reader.report(
            Diagnostic::error(
                section.body.as_ref().and_then(|body| body.span),
                format!("a {status} response has no body"),
            )
            .label("would never be sent")
            .also(section.status.span, "because of this status"),
        );
    }
    Target::Fixed { status, body, content_type: section.content_type.value.0.clone() }
}
