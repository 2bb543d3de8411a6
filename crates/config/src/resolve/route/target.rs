//! What answers a route: exactly one of upstream, redirect, respond.

use super::super::upstream::Names;
use super::super::{empty, weight};
use crate::config::Target;
use crate::diagnostics::{Diagnostic, Span};
use crate::document::{FixedSection, Name, RedirectSection, RouteSection, RouteUpstream};
use crate::form::At;
use crate::reader::Reader;
use crate::suggest;

const TARGETS: [&str; 3] = ["upstream", "redirect", "respond"];

/// The target; `None` when there is none that could be read.
pub(super) fn target(
    section: &RouteSection,
    span: Option<Span>,
    names: &Names,
    used: &mut [bool],
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
                "write `upstream = \"NAME\"`, `redirect = { to = \"…\" }` or `respond = { status = 200 }`",
            ),
        );
    }
    let upstream = section.upstream.as_ref().and_then(|upstream| upstreams(upstream, names, used, reader));
    let redirect = section.redirect.as_ref().and_then(|redirect| redirect_to(&redirect.value));
    upstream.or(redirect).or_else(|| section.respond.as_ref().map(|fixed| respond(&fixed.value, reader)))
}

fn upstreams(
    written: &At<RouteUpstream>,
    names: &Names,
    used: &mut [bool],
    reader: &mut Reader<'_>,
) -> Option<Target> {
    let shares: Vec<(usize, u16)> = match &written.value {
        RouteUpstream::One(name) => {
            find(name, written.span, names, reader).map(|index| (index, 1)).into_iter().collect()
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
                found.map(|(name, share)| (find(&name.value, name.span, names, reader), weight(share.value)));
            found.filter_map(|(index, share)| Some((index?, share))).collect()
        }
    };
    for (index, _) in &shares {
        used[*index] = true;
    }
    (!shares.is_empty()).then_some(Target::Upstreams(shares))
}

fn find(name: &Name, span: Option<Span>, names: &Names, reader: &mut Reader<'_>) -> Option<usize> {
    if let Some(index) = names.indices.get(&name.0) {
        return Some(*index);
    }
    if reader.is_broken() || !names.complete {
        return None;
    }
    let mut problem =
        Diagnostic::error(span, format!("there is no upstream `{}`", name.0)).label("not defined");
    if reader.is_listing() {
        let near = suggest::nearest(&name.0, names.order.iter().map(|(name, _)| name.as_str()));
        problem = problem.hint(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("define it with `[upstream.{}]` and its `endpoints`", name.0),
        });
    }
    reader.report(problem);
    None
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
