//! Health checks of an upstream: one question, which its protocol can ask.

use crate::config::{HealthCheck, HealthQuestion, UpstreamProtocol};
use crate::diagnostics::{Diagnostic, Span};
use crate::document::{GrpcService, HealthSection};
use crate::form::At;
use crate::reader::Reader;
use crate::resolve::empty;

/// What endpoints are asked; `None`: there are reports why that cannot be said.
pub(super) fn health(
    At { value: section, span }: &At<HealthSection>,
    protocol: &At<UpstreamProtocol>,
    reader: &mut Reader<'_>,
) -> Option<HealthCheck> {
    let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Some(HealthCheck {
        question: question(section, *span, protocol, reader)?,
        host: section.host.as_ref().map(|host| host.value.0.clone()),
        every: section.every.value,
        timeout: section.timeout.value,
        failures: count(section.failures.value),
        successes: count(section.successes.value),
    })
}

fn question(
    section: &HealthSection,
    span: Option<Span>,
    protocol: &At<UpstreamProtocol>,
    reader: &mut Reader<'_>,
) -> Option<HealthQuestion> {
    match (&section.path, &section.grpc) {
        (Some(path), Some(grpc)) => {
            reader.report(
                Diagnostic::error(path.span.max(grpc.span), "`path` and `grpc` exclude each other")
                    .label("second")
                    .also(path.span.min(grpc.span), "first")
                    .hint("take out the one that the endpoints do not answer"),
            );
            None
        }
        (Some(path), None) => {
            Some(HealthQuestion::Path { target: path.value.0.clone(), statuses: statuses(section, reader) })
        }
        (None, Some(grpc)) => by_grpc(section, grpc, protocol, reader),
        (None, None) => {
            if !section.written.meant("path") && !section.written.meant("grpc") {
                reader.report(
                    Diagnostic::error(span, "`health` says neither `path` nor `grpc`")
                        .label("nothing is asked")
                        .hint("write `path = \"/healthz\"`, or `grpc = \"\"` where gRPC is spoken"),
                );
            }
            None
        }
    }
}

fn statuses(section: &HealthSection, reader: &mut Reader<'_>) -> Vec<u16> {
    let Some(written) = &section.status else { return Vec::new() };
    if written.value.0.is_empty() {
        empty(written.span, "status", "name at least one, or leave the key out: any of 200 to 299", reader);
    }
    written.value.0.iter().filter_map(|status| u16::try_from(status.value).ok()).collect()
}

fn by_grpc(
    section: &HealthSection,
    grpc: &At<GrpcService>,
    protocol: &At<UpstreamProtocol>,
    reader: &mut Reader<'_>,
) -> Option<HealthQuestion> {
    if let Some(status) = section.written.key("status") {
        reader.report(
            Diagnostic::error(status, "`status` means nothing with `grpc`")
                .label("a healthy service says SERVING")
                .also(grpc.span, "because of this")
                .hint("take it out"),
        );
    }
    if protocol.value == UpstreamProtocol::H1 {
        reader.report(
            Diagnostic::error(grpc.span, "gRPC is spoken by HTTP/2 only")
                .label("this upstream is spoken to by HTTP/1.1")
                .also(protocol.span, "because of this")
                .hint("write `protocol = \"h2\"` in its `[upstream.NAME]`"),
        );
        return None;
    }
    Some(HealthQuestion::Grpc { service: grpc.value.0.clone() })
}
