//! What a request looks like to an upstream.

use message::{Fields, Forwarding, Known, Request, forward_request};
use tls::Session;

use crate::answer::edit;
use crate::buffers::Output;
use crate::exchange::Exchange;
use crate::hooks::ProxyHttp;
use crate::identify::{Admitted, Identity};
use crate::route::Route;
use crate::upstream::Upstream;

/// What upstreams and functions are told of a client's certificate: its subject, and its fingerprint.
const CLIENT_FIELDS: [&str; 2] = ["x-lockgate-client-subject", "x-lockgate-client-fingerprint"];

/// Applies the forwarding rules, the route's changes and the hook's, in this order.
pub(crate) fn request<P: ProxyHttp>(
    exchange: &mut Exchange<'_, P>,
    admitted: &Admitted,
    upstream: &Upstream,
    request: &mut Request,
) {
    say_where_from(exchange, request);
    say_who_asks(admitted.identity(), &mut request.fields);
    say_who_connected(exchange.arrival.session, &mut request.fields);
    for_upstream(exchange, admitted, upstream, request);
    if !request.upgrade.is_empty() && request.body != message::Body::Empty {
        // Where a body ends and a tunnel begins is read differently by different servers, so it is one or the other.
        request.upgrade = message::Span::default();
    }
}

/// The forwarding rules.
fn say_where_from<P: ProxyHttp>(exchange: &Exchange<'_, P>, request: &mut Request) {
    let mut id = Output::take();
    exchange.id().write_text(&mut id.bytes);
    let client = exchange.client;
    forward_request(
        request,
        &Forwarding {
            peer: client.peer,
            scheme: if client.is_secure { "https" } else { "http" },
            request_id: &id.bytes,
        },
    );
}

/// The part that only the route's target sees: the route's changes, and the hook's.
pub(crate) fn for_upstream<P: ProxyHttp>(
    exchange: &mut Exchange<'_, P>,
    admitted: &Admitted,
    upstream: &Upstream,
    request: &mut Request,
) {
    let route = admitted.route();
    change_path(route, request);
    name_host(upstream, request);
    edit(&mut request.fields, &route.config.request_headers);
    exchange.worker.hooks.upstream_request_filter(request, exchange.context.get_mut());
}

fn name_host(upstream: &Upstream, request: &mut Request) {
    match &upstream.config().host {
        Some(host) => request.set_authority(host),
        // An HTTP/1.0 client need not name a host, but an HTTP/1.1 upstream has to be told one.
        None if request.authority.is_empty() => request.set_authority(upstream.name()),
        None => {}
    }
}

/// Tells the upstream who asks. What the client itself said under these names is gone by now.
fn say_who_asks(identity: Option<&Identity>, fields: &mut Fields) {
    let Some(identity) = identity else { return };
    let mut digits = itoa::Buffer::new();
    fields.append_known(Known::XLockgate, "x-lockgate-user", digits.format(identity.user_id()).as_bytes());
    fields.append_known(Known::XLockgate, "x-lockgate-key", digits.format(identity.key_id()).as_bytes());
}

/// Tells the upstream whose certificate the client has shown.
fn say_who_connected(session: Option<&Session>, fields: &mut Fields) {
    let Some(client) = session.and_then(|session| session.client.as_ref()) else { return };
    for (name, value) in CLIENT_FIELDS.into_iter().zip([&client.subject, &client.fingerprint]) {
        fields.append_known(Known::XLockgate, name, value.as_bytes());
    }
}

/// What a request looks like to the route's function of that number.
#[cfg(feature = "functions")]
pub(crate) fn for_function<P: ProxyHttp>(
    exchange: &mut Exchange<'_, P>,
    admitted: &Admitted,
    step: usize,
    request: &mut Request,
) {
    say_where_from(exchange, request);
    say_who_asks(admitted.identity(), &mut request.fields);
    say_who_connected(exchange.arrival.session, &mut request.fields);
    // A guest has no other protocol to switch to.
    request.upgrade = message::Span::default();
    for_target_function(exchange, admitted, step, request);
}

/// The route's changes, where the function is its target.
#[cfg(feature = "functions")]
fn for_target_function<P: ProxyHttp>(
    exchange: &mut Exchange<'_, P>,
    admitted: &Admitted,
    step: usize,
    request: &mut Request,
) {
    let route = admitted.route();
    if !route.goes_on_after(step) {
        change_path(route, request);
        edit(&mut request.fields, &route.config.request_headers);
        exchange.worker.hooks.upstream_request_filter(request, exchange.context.get_mut());
    }
}

/// What the request of a guest that stands before something looks like to what comes next: where it came from and who asks is as it
/// was, whatever the guest says of it.
#[cfg(feature = "functions")]
pub(crate) fn goes_on<P: ProxyHttp>(
    exchange: &mut Exchange<'_, P>,
    admitted: &Admitted,
    step: usize,
    kept: &Fields,
    request: &mut Request,
) {
    request.fields.remove_where(|known, _| known == Known::XLockgate || is_kept(known));
    for (name, value) in kept.iter() {
        append(&mut request.fields, name, value);
    }
    say_who_asks(admitted.identity(), &mut request.fields);
    if admitted.route().steps.get(step).is_some() {
        for_target_function(exchange, admitted, step, request);
    }
}

/// What a request that a guest makes on its own looks like to an upstream or an origin that it may call. An upstream trusts what the
/// gateway says of where requests came from, so a guest has no say in it.
#[cfg(feature = "functions")]
pub(crate) fn by_guest(upstream: &Upstream, kept: &Fields, request: &mut Request) {
    let is_outside = upstream.config().public_only;
    let is_ours = |known: Known| match known {
        Known::XLockgate | Known::Via => true,
        Known::XRequestId => false,
        known => !is_outside && is_kept(known),
    };
    request.fields.remove_where(|known, _| is_ours(known));
    let asks_for_id = request.fields.get_known(Known::XRequestId).is_none();
    for (name, value) in kept.iter() {
        let known = Known::of(name);
        // What has come through too many gateways goes through no more on a guest's word.
        if known == Known::Via || known == Known::XRequestId && asks_for_id {
            append(&mut request.fields, name, value);
        }
    }
    if is_outside {
        return;
    }
    // `orders.internal` names the upstream to the guest and to nobody else.
    request.authority = message::Span::default();
    name_host(upstream, request);
}

/// The fields that say where a request came from, and whose certificate was shown.
#[cfg(feature = "functions")]
pub(crate) fn kept(request: &Request) -> Fields {
    let mut kept = request.fields.clone();
    let is_clients = |name: &[u8]| CLIENT_FIELDS.iter().any(|field| field.as_bytes() == name);
    kept.remove_where(|known, name| !is_kept(known) && !is_clients(name));
    kept
}

/// Appends a field that has been read, so that its name is ASCII.
#[cfg(feature = "functions")]
fn append(fields: &mut Fields, name: &[u8], value: &[u8]) {
    if let Ok(name) = std::str::from_utf8(name) {
        fields.append(name, value);
    }
}

#[cfg(feature = "functions")]
fn is_kept(known: Known) -> bool {
    matches!(
        known,
        Known::Via
            | Known::Forwarded
            | Known::XForwardedFor
            | Known::XForwardedHost
            | Known::XForwardedPort
            | Known::XForwardedProto
            | Known::XRequestId
    )
}

/// `strip` and `rewrite`.
fn change_path(route: &Route, request: &mut Request) {
    let config = &route.config;
    if request.asterisk {
        return;
    }
    if let Some(template) = &config.rewrite {
        let rest = config.path.rest(request.path()).unwrap_or_default();
        let path = match template.strip_suffix('*') {
            Some(prefix) => format!("{}/{}", prefix.trim_end_matches('/'), rest.trim_start_matches('/')),
            None => template.clone(),
        };
        request.set_path(path.as_bytes());
    } else if let Some(prefix) = &config.strip_prefix
        && let Some(rest) = strip(request.path(), prefix)
    {
        let path = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        request.set_path(path.as_bytes());
    }
}

/// Takes a prefix off a path where a segment ends.
fn strip<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::strip;

    #[test]
    fn a_prefix_comes_off_only_where_a_segment_ends() {
        for (path, prefix, expected) in [
            ("/orders/7", "/orders", Some("/7")),
            ("/orders", "/orders", Some("")),
            ("/orders/", "/orders/", Some("/")),
            ("/ordersx", "/orders", None),
            ("/other", "/orders", None),
        ] {
            assert_eq!(strip(path, prefix), expected, "{path} without {prefix}");
        }
    }
}
