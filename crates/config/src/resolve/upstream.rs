//! Upstreams: at least one endpoint, none twice.

use std::collections::HashMap;
use std::path::Path;

use super::{empty, weight, whole};
use crate::config::{Endpoint, EndpointAddress, Upstream, UpstreamTimeout};
use crate::diagnostics::{Diagnostic, Span};
use crate::document::{Document, EndpointForm, Name, UpstreamSection};
use crate::form::{At, Map};
use crate::reader::Reader;

/// The upstreams' names as written, and their places in the order of the configuration.
pub(super) struct Names {
    pub(super) indices: HashMap<String, usize>,
    pub(super) order: Vec<(String, Option<Span>)>,
    /// Whether all that was written could be read.
    pub(super) complete: bool,
}

pub(super) fn names(document: &Document) -> Names {
    let written = &document.upstream.value;
    let readable = document.upstream.span.is_some() || !document.written.meant("upstream");
    let order: Vec<_> = written.0.iter().map(|(name, _)| (name.value.0.clone(), name.span)).collect();
    let indices = order.iter().enumerate().map(|(index, (name, _))| (name.clone(), index)).collect();
    Names { indices, order, complete: readable && written.1 }
}

pub(super) fn upstreams(
    written: Map<Name, UpstreamSection>,
    base_dir: &Path,
    reader: &mut Reader<'_>,
) -> Option<Vec<Upstream>> {
    let count = written.0.len();
    let entries = written.0.into_iter();
    let read: Vec<Upstream> = entries
        .filter_map(|(name, section)| upstream(name.value.0, section.value, base_dir, reader))
        .collect();
    // Routes name upstreams by their index, so one unreadable upstream makes the list useless.
    (read.len() == count).then_some(read)
}

fn upstream(
    name: String,
    section: UpstreamSection,
    base_dir: &Path,
    reader: &mut Reader<'_>,
) -> Option<Upstream> {
    let written = section.endpoints?;
    if written.value.is_empty() {
        empty(written.span, "endpoints", "name at least one, such as \"127.0.0.1:9001\"", reader);
    }
    let timeout = section.timeout.value;
    Some(Upstream {
        name,
        endpoints: endpoints(written.value, base_dir, reader),
        balance: section.balance.value,
        timeout: UpstreamTimeout {
            connect: timeout.connect.value,
            response: timeout.response.value,
            idle: timeout.idle.value,
            keep_alive: timeout.keep_alive.value,
        },
        idle_connections: whole(section.idle_connections.value),
        connections: whole(section.connections.value),
        rest: section.rest.value,
        resolve: section.resolve.value,
        host: section.host.map(|host| host.value.0),
    })
}

fn endpoints(written: Vec<At<EndpointForm>>, base_dir: &Path, reader: &mut Reader<'_>) -> Vec<Endpoint> {
    let mut first_seen: HashMap<EndpointAddress, Option<Span>> = HashMap::new();
    let mut endpoints = Vec::with_capacity(written.len());
    for At { value, span } in written {
        let address = match value.address {
            EndpointAddress::Unix(path) => EndpointAddress::Unix(base_dir.join(path)),
            other => other,
        };
        if let Some(first) = first_seen.insert(address.clone(), span) {
            reader.report(
                Diagnostic::error(span, "this endpoint is listed twice")
                    .label("again")
                    .also(first, "first here")
                    .hint("give it a larger `weight` if it is to have a larger share"),
            );
        }
        endpoints.push(Endpoint { address, weight: weight(value.weight) });
    }
    endpoints
}
