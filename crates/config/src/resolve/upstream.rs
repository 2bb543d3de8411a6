//! Upstreams: at least one endpoint, none twice.

mod health;
mod tls;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ::tls::Offer;

use super::{empty, weight, whole};
use crate::config::{Endpoint, EndpointAddress, Upstream, UpstreamProtocol, UpstreamTimeout};
use crate::diagnostics::{Diagnostic, Span};
use crate::document::{
    EndpointForm, HttpOrigin, Name, UNIX_PATH_BYTES_MAX, UpstreamSection, UpstreamTlsSection,
};
use crate::form::{At, Fallback, Form, Key, Map};
use crate::reader::Reader;

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
    refuse_unkept(&section, reader);
    refuse_unagreed(&section, reader);
    let written = section.endpoints?;
    if written.value.is_empty() {
        empty(written.span, "endpoints", "name at least one, such as \"127.0.0.1:9001\"", reader);
    }
    let timeout = section.timeout.value;
    let protocol = section.protocol.value;
    let offer = match protocol {
        UpstreamProtocol::H1 => Offer::Http1,
        UpstreamProtocol::H2 => Offer::Http2,
        UpstreamProtocol::Auto => Offer::Either,
    };
    let tls = section.tls.and_then(|tls| tls::tls(&name, &tls, offer, &written.value, base_dir, reader));
    let health = section.health.and_then(|health| health::health(&health, &section.protocol, reader));
    Some(Upstream {
        name,
        endpoints: endpoints(written.value, base_dir, reader),
        balance: section.balance.value,
        protocol,
        proxy_protocol: section.proxy_protocol.map(|version| version.value.into()),
        timeout: UpstreamTimeout {
            connect: timeout.connect.value,
            response: timeout.response.value,
            idle: timeout.idle.value,
            keep_alive: timeout.keep_alive.value,
        },
        idle_connections: whole(section.idle_connections.value),
        connections: whole(section.connections.value),
        rest: section.rest.value,
        health,
        resolve: section.resolve.value,
        host: section.host.map(|host| host.value.0),
        tls,
        public_only: false,
    })
}

/// Reports keys about idle connections where there are none.
fn refuse_unkept(section: &UpstreamSection, reader: &mut Reader<'_>) {
    let Some(proxy_protocol) = &section.proxy_protocol else { return };
    let keys = [
        ("idle_connections", section.idle_connections.span),
        ("keep_alive", section.timeout.value.keep_alive.span),
    ];
    // Without a place a key has not been written.
    for (key, span) in keys.into_iter().filter(|(_, span)| span.is_some()) {
        reader.report(
            Diagnostic::error(span, format!("`{key}` has no effect with `proxy_protocol`"))
                .label("connections that name one client are not kept for another")
                .also(proxy_protocol.span, "because of this")
                .hint("take one of the two out"),
        );
    }
}

/// Reports a protocol that is to be agreed on where there is no handshake.
fn refuse_unagreed(section: &UpstreamSection, reader: &mut Reader<'_>) {
    let protocol = &section.protocol;
    if protocol.value == UpstreamProtocol::Auto && !section.written.meant("tls") {
        reader.report(
            Diagnostic::error(protocol.span, "`auto` means nothing without `tls`")
                .label("in cleartext nothing is agreed on")
                .hint("say which of the two it is, `h1` or `h2`, or speak TLS: `tls = {}`"),
        );
    }
}

/// The upstream of an origin that functions may call: one endpoint, with TLS if it is of `https`, and all else as it is by default.
pub(super) fn origin(origin: &HttpOrigin, span: Option<Span>, reader: &mut Reader<'_>) -> Option<Upstream> {
    // Says that it has no endpoints, which nobody need hear.
    let mut unheard = Reader::new(reader.environment, Vec::new());
    let mut section =
        UpstreamSection::fallback(&Key::plain("upstream", "", UpstreamSection::SHAPE), &mut unheard);
    let endpoint = EndpointForm { address: origin.address.clone(), weight: 1 };
    section.endpoints = Some(At { value: vec![At { value: endpoint, span }], span });
    section.tls = origin.is_secure.then(|| {
        let key = Key::plain("tls", "", UpstreamTlsSection::SHAPE);
        At { value: UpstreamTlsSection::fallback(&key, &mut unheard), span }
    });
    let upstream = upstream(origin.url(), section, Path::new(""), reader)?;
    Some(Upstream { public_only: true, ..upstream })
}

fn endpoints(written: Vec<At<EndpointForm>>, base_dir: &Path, reader: &mut Reader<'_>) -> Vec<Endpoint> {
    let mut first_seen: HashMap<EndpointAddress, Option<Span>> = HashMap::new();
    let mut endpoints = Vec::with_capacity(written.len());
    for At { value, span } in written {
        let address = match value.address {
            EndpointAddress::Unix(path) => EndpointAddress::Unix(socket(&path, span, base_dir, reader)),
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

/// Where a socket is that is written relative to a folder; or a report that nothing can connect there.
fn socket(path: &Path, span: Option<Span>, base_dir: &Path, reader: &mut Reader<'_>) -> PathBuf {
    let joined = base_dir.join(path);
    let bytes = joined.as_os_str().len();
    if bytes > UNIX_PATH_BYTES_MAX {
        reader.report(
            Diagnostic::error(span, "invalid endpoint in `endpoints`")
                .label(format!("the path of a socket has at most {UNIX_PATH_BYTES_MAX} bytes"))
                .hint(format!(
                    "behind the configuration's folder it has {bytes}: write a shorter path from `/`"
                )),
        );
    }
    joined
}
