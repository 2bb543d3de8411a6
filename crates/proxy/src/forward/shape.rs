//! What a request looks like to an upstream.

use message::{Fields, Forwarding, Known, Request, forward_request};

use crate::answer::edit;
use crate::buffers::Output;
use crate::exchange::Exchange;
use crate::hooks::ProxyHttp;
use crate::identify::{Admitted, Identity};
use crate::route::Route;
use crate::upstream::Upstream;

/// Applies the forwarding rules, the route's changes and the hook's, in this order.
pub(super) fn request<P: ProxyHttp>(
    exchange: &mut Exchange<'_, P>,
    admitted: &Admitted,
    upstream: &Upstream,
    request: &mut Request,
) {
    let mut id = Output::take();
    exchange.id().write_text(&mut id.bytes);
    let client = exchange.client;
    forward_request(
        request,
        &Forwarding {
            peer: client.peer,
            peer_is_trusted: client.peer_is_trusted,
            scheme: "http",
            request_id: &id.bytes,
        },
    );
    if let Some(identity) = admitted.identity() {
        say_who_asks(identity, &mut request.fields);
    }
    let route = admitted.route();
    change_path(route, request);
    match &upstream.config().host {
        Some(host) => request.set_authority(host),
        // An HTTP/1.0 client need not name a host, but an HTTP/1.1 upstream has to be told one.
        None if request.authority.is_empty() => request.set_authority(upstream.name()),
        None => {}
    }
    if !request.upgrade.is_empty() && request.body != message::Body::Empty {
        // Where a body ends and a tunnel begins is read differently by different servers, so it is one or the other.
        request.upgrade = message::Span::default();
    }
    edit(&mut request.fields, &route.config.request_headers);
    exchange.worker.hooks.upstream_request_filter(request, exchange.context.get_mut());
}

/// Tells the upstream who asks. What the client itself said under these names is gone by now.
fn say_who_asks(identity: &Identity, fields: &mut Fields) {
    let mut digits = itoa::Buffer::new();
    fields.append_known(Known::XLockgate, "x-lockgate-user", digits.format(identity.user_id()).as_bytes());
    fields.append_known(Known::XLockgate, "x-lockgate-key", digits.format(identity.key_id()).as_bytes());
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
