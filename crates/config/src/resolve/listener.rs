//! Listeners: no address twice, and certificates that are what they should be.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tls::{ClientCertificates, Terminator, Terms};

use super::pem::PemFiles;
use super::{empty, whole};
use crate::config::{Hsts, Http2, Listener, Protocol, Tls};
use crate::diagnostics::{Diagnostic, Span};
use crate::document::{Document, Http2Section, ListenerSection};
use crate::form::{At, Bytes};
use crate::reader::Reader;

pub(super) fn listeners(document: &Document, base_dir: &Path, reader: &mut Reader<'_>) -> Vec<Listener> {
    if !document.written.meant("listener") && !reader.is_broken() {
        reader.report(
            Diagnostic::error(None, "there is no `[[listener]]`: the gateway would listen nowhere")
                .hint("add `[[listener]]` with `address = \"127.0.0.1:8080\"`"),
        );
    }
    let written = &document.listener.value;
    if written.is_empty() && document.listener.span.is_some() {
        empty(document.listener.span, "listener", "write `[[listener]]` with an `address`", reader);
    }
    let mut taken: HashMap<SocketAddr, (Option<Span>, &str)> = HashMap::new();
    let admin = &document.admin.value.address;
    let unreadable = admin.span.is_none() && document.admin.value.written.meant("address");
    if admin.value.port() != 0 && !unreadable {
        taken.insert(admin.value, (admin.span, "the admin side listens here"));
    }
    for address in written.iter().filter_map(|listener| listener.value.address.as_ref()) {
        // Port 0 asks for any free port, each time another one.
        if address.value.port() == 0 {
            continue;
        }
        if let Some((first, who)) = taken.get(&address.value) {
            reader.report(
                Diagnostic::error(address.span, format!("two listeners on {}", address.value))
                    .label(if first.is_none() { format!("{who} by default") } else { "taken".to_owned() })
                    .also(*first, *who),
            );
            continue;
        }
        taken.insert(address.value, (address.span, "the first listens here"));
    }
    written.iter().filter_map(|listener| self::listener(&listener.value, base_dir, reader)).collect()
}

fn listener(section: &ListenerSection, base_dir: &Path, reader: &mut Reader<'_>) -> Option<Listener> {
    let protocols = protocols(section, reader);
    let tls = tls(section, &protocols, base_dir, reader);
    if let (Some(redirect), Some(_)) = (&section.redirect_https, &section.tls) {
        reader.report(
            Diagnostic::error(redirect.span, "a listener with `tls` sends nobody to `https`")
                .label("who asks here has come by it")
                .hint("write it in the `[[listener]]` that speaks cleartext"),
        );
    }
    Some(Listener {
        address: section.address.as_ref()?.value,
        protocols,
        http2: http2(&section.http2.value),
        trusted_proxies: section.trusted_proxies.value.iter().map(|block| block.value).collect(),
        proxy_protocol: section.proxy_protocol.value.iter().map(|block| block.value).collect(),
        connections: whole(section.connections.value),
        head_timeout: section.head_timeout.value,
        body_timeout: section.body_timeout.value,
        keep_alive: section.keep_alive.value,
        requests: section.requests.value,
        tls,
        redirect_https: section.redirect_https.as_ref().and_then(|port| u16::try_from(port.value).ok()),
    })
}

/// The protocols of a listener. Which of the two forms of HTTP/2 it can speak, TLS decides.
fn protocols(section: &ListenerSection, reader: &mut Reader<'_>) -> Vec<Protocol> {
    let secure = section.written.meant("tls");
    let Some(written) = &section.protocols else {
        return if secure { vec![Protocol::H2, Protocol::H1] } else { vec![Protocol::H1] };
    };
    if written.value.is_empty() {
        empty(written.span, "protocols", "leave it out for those that fit", reader);
    }
    for protocol in &written.value {
        let (what, hint) = match protocol.value {
            Protocol::H2 if !secure => {
                ("`h2` means nothing without `tls`", "write `h2c` for HTTP/2 in cleartext")
            }
            Protocol::H2c if secure => ("`h2c` means nothing with `tls`", "write `h2` for HTTP/2 by TLS"),
            _ => continue,
        };
        let spoken = if secure { "this listener speaks TLS" } else { "this listener speaks cleartext" };
        reader.report(Diagnostic::error(protocol.span, what).label(spoken).hint(hint));
    }
    written.value.iter().map(|protocol| protocol.value).collect()
}

fn http2(section: &Http2Section) -> Http2 {
    let bytes = |size: &At<Bytes>| u32::try_from(size.value.0).unwrap_or(u32::MAX);
    Http2 {
        streams: u32::try_from(section.streams.value).unwrap_or(u32::MAX),
        stream_window: bytes(&section.stream_window),
        connection_window: bytes(&section.connection_window),
    }
}

/// What a listener answers handshakes by; `None`: it speaks cleartext, or there are reports why that cannot be said.
fn tls(
    section: &ListenerSection,
    protocols: &[Protocol],
    base_dir: &Path,
    reader: &mut Reader<'_>,
) -> Option<Tls> {
    let Some(written) = &section.tls else {
        refuse_without_tls(section, reader);
        return None;
    };
    if written.value.is_empty() {
        empty(written.span, "tls", "leave it out for cleartext", reader);
    }
    let mut files = PemFiles::new(base_dir);
    let mut identities = Vec::new();
    for At { value: pair, .. } in &written.value {
        let (Some(certificate), Some(key)) = (&pair.certificate, &pair.key) else { continue };
        identities.extend(files.identity(certificate, key, reader).map(Arc::new));
    }
    let clients = match &section.client_certificates {
        Some(asked) => {
            let authority = files.authority(asked.value.authority.as_ref()?, reader)?;
            Some(ClientCertificates { authority, required: asked.value.required.value })
        }
        None => None,
    };
    if identities.is_empty() {
        return None;
    }
    let [http1, http2] = [Protocol::H1, Protocol::H2].map(|protocol| protocols.contains(&protocol));
    let terms = Terms { identities, policy: section.tls_policy.value.into(), http1, http2, clients };
    let terminator = Terminator::new(terms)
        .map_err(|error| {
            reader.report(Diagnostic::error(written.span, format!("TLS cannot be spoken: {error}")))
        })
        .ok()?;
    let hsts = section
        .hsts
        .as_ref()
        .map(|hsts| Hsts { max_age: hsts.value.max_age.value, subdomains: hsts.value.subdomains.value });
    Some(Tls {
        terminator,
        files: files.into_read(),
        handshake_timeout: section.handshake_timeout.value,
        hsts,
    })
}

/// Reports keys that mean nothing in cleartext.
fn refuse_without_tls(section: &ListenerSection, reader: &mut Reader<'_>) {
    let keys = [
        ("tls_policy", section.tls_policy.span),
        ("handshake_timeout", section.handshake_timeout.span),
        ("client_certificates", section.client_certificates.as_ref().and_then(|asked| asked.span)),
        ("hsts", section.hsts.as_ref().and_then(|hsts| hsts.span)),
    ];
    // `tls` may have been written, and not been readable.
    if section.written.meant("tls") {
        return;
    }
    for (name, span) in keys {
        if span.is_some() {
            reader.report(
                Diagnostic::error(span, format!("`{name}` means nothing without `tls`"))
                    .label("this listener speaks cleartext")
                    .hint("add `tls = [{ certificate = \"site.pem\", key = \"site.key\" }]`, or take it out"),
            );
        }
    }
}
