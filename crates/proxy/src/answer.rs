//! Answers the gateway gives itself, and what it does to every head that goes to a client.

use std::net::IpAddr;

use config::{Cors, HeaderEdits, Target};
use message::{Body, Fields, Known, Method, Request, Response};

use crate::adapter::Downstream;
use crate::exchange::Exchange;
use crate::hooks::ProxyHttp;
use crate::pipeline::{self, Afterwards};
use crate::refusal::Refusal;
use crate::route::{Route, preflight_method};

/// What routes take that name no methods.
pub(crate) const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Whether a client of this address may use the route, whoever it is.
pub(crate) fn admit_address(route: &Route, client: IpAddr) -> Result<(), Refusal> {
    let config = &route.config;
    let allowed = config.allow.as_ref().is_none_or(|allow| allow.contains(client));
    if allowed && !config.deny.contains(client) { Ok(()) } else { Err(Refusal::ADDRESS_DENIED) }
}

/// Whether the route takes a body of the announced size.
pub(crate) fn admit_body(route: &Route, request: &Request) -> Result<(), Refusal> {
    let bytes_max = route.config.body_bytes;
    match request.body {
        Body::Length(length) if bytes_max > 0 && length > bytes_max => Err(Refusal::BODY_TOO_LARGE),
        _ => Ok(()),
    }
}

/// Answers what may go no further: OPTIONS and TRACE are told how far (RFC 9110 §7.6.2). Others of them have one hop less from here on.
pub(crate) fn at_last_hop(request: &mut Request) -> Result<Option<OwnAnswer>, Refusal> {
    if !matches!(request.method, Method::Options | Method::Trace) {
        return Ok(None);
    }
    let hops = request.fields.get("max-forwards").filter(|value| value.iter().all(u8::is_ascii_digit));
    let hops = hops.and_then(|value| std::str::from_utf8(value).ok()?.parse::<u64>().ok());
    match hops.map(|hops| hops.checked_sub(1)) {
        None => Ok(None),
        Some(Some(left)) => {
            request.fields.set("max-forwards", itoa::Buffer::new().format(left).as_bytes());
            Ok(None)
        }
        Some(None) if request.method == Method::Trace => Err(Refusal::method_not_allowed(METHODS.to_owned())),
        Some(None) => {
            Ok(Some(OwnAnswer { status: 204, fields: vec![("allow", METHODS.to_owned())], body: Vec::new() }))
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct OwnAnswer {
    status: u16,
    fields: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl OwnAnswer {
    /// An answer made by a hook.
    pub(crate) fn made(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self { status: status.clamp(200, 599), fields: vec![("content-type", content_type.to_owned())], body }
    }

    /// Its status.
    pub(crate) const fn status(&self) -> u16 {
        self.status
    }

    /// The answer of a route that needs no upstream, or to a preflight.
    pub(crate) fn of(route: &Route, request: &Request) -> Option<Self> {
        if let (Some(cors), Some(method)) = (&route.config.cors, preflight_method(request)) {
            return Some(Self { status: 204, fields: preflight(cors, request, method), body: Vec::new() });
        }
        match &route.config.target {
            Target::Upstreams(_) | Target::Function(_) => None,
            Target::Redirect { to, status } => {
                let location = redirect_location(to, request);
                Some(Self { status: *status, fields: vec![("location", location)], body: Vec::new() })
            }
            Target::Fixed { status, body, content_type } => {
                Some(Self::made(*status, content_type, body.clone().into()))
            }
        }
    }

    /// Sends it. It counts as an answer of the route.
    pub(crate) async fn send<P: ProxyHttp, D: Downstream>(
        mut self,
        exchange: &Exchange<'_, P>,
        request: &Request,
        response: &mut Response,
        downstream: &mut D,
    ) -> Afterwards {
        let bodiless = matches!(self.status, 204 | 304);
        let body =
            if self.body.is_empty() || bodiless { Body::Empty } else { Body::Length(self.body.len() as u64) };
        response.start(self.status, body);
        for (name, value) in &self.fields {
            response.fields.append(name, value.as_bytes());
        }
        if request.method == Method::Head {
            response.answers_head = true;
            response.announced_length = (!bodiless).then_some(self.body.len() as u64);
            response.body = Body::Empty;
        }
        if bodiless || request.method == Method::Head {
            self.body.clear();
        }
        exchange.note_answer(self.status);
        dress(exchange, request, response);
        pipeline::send(exchange, request, response, &self.body, downstream).await
    }
}

/// Fills in a redirect's template: `{path}` and `{query}` of the request, in the form they were matched in.
fn redirect_location(template: &str, request: &Request) -> String {
    let query = if request.has_query { format!("?{}", request.query()) } else { String::new() };
    template.replace("{path}", request.path()).replace("{query}", &query)
}

/// Moment 8, the part every response goes through: the route's limits and edits, CORS, and a date (RFC 9110 §6.6.1).
pub(crate) fn dress<P: ProxyHttp>(exchange: &Exchange<'_, P>, request: &Request, response: &mut Response) {
    if let Some(route) = exchange.route() {
        // Before the edits, so that a route may keep its limits to itself.
        exchange.permits.tell(&route.limits, &mut response.fields);
        edit(&mut response.fields, &route.config.response_headers);
        if let Some(cors) = &route.config.cors {
            allow_origin(cors, request, &mut response.fields);
        }
    }
    if let Some(hsts) = exchange.arrival.hsts
        && response.fields.get("strict-transport-security").is_none()
    {
        response.fields.append("strict-transport-security", hsts.as_bytes());
    }
    if response.fields.get_known(Known::Date).is_none() {
        exchange.worker.clock.with_date(|date| response.fields.append_known(Known::Date, "date", date));
    }
}

/// Applies header edits: remove, set, add.
pub(crate) fn edit(fields: &mut Fields, edits: &HeaderEdits) {
    for name in &edits.remove {
        fields.remove(name);
    }
    for (name, value) in &edits.set {
        fields.set(name, value.as_bytes());
    }
    for (name, value) in &edits.add {
        fields.append(name, value.as_bytes());
    }
}

/// Says that the page of this origin may read the response (Fetch §3.2.3).
fn allow_origin(cors: &Cors, request: &Request, fields: &mut Fields) {
    let Some(origin) = request.fields.get_known(Known::Origin) else { return };
    let any = cors.origins.iter().any(|allowed| allowed == "*");
    if !any {
        fields.append("vary", b"origin");
        if !cors.origins.iter().any(|allowed| allowed.as_bytes() == origin) {
            return;
        }
    }
    fields.set("access-control-allow-origin", if any { b"*" } else { origin });
    if cors.credentials {
        fields.set("access-control-allow-credentials", b"true");
    }
    if !cors.expose.is_empty() {
        fields.set("access-control-expose-headers", cors.expose.join(", ").as_bytes());
    }
}

/// The fields of a preflight's answer (Fetch §3.2.3), besides those of [`allow_origin`].
fn preflight(cors: &Cors, request: &Request, method: &str) -> Vec<(&'static str, String)> {
    let asked = request
        .fields
        .get("access-control-request-headers")
        .and_then(|value| std::str::from_utf8(value).ok());
    let methods = if cors.methods.is_empty() { method.to_owned() } else { cors.methods.join(", ") };
    let headers =
        if cors.headers.is_empty() { asked.unwrap_or_default().to_owned() } else { cors.headers.join(", ") };
    let mut fields = vec![
        ("access-control-allow-methods", methods),
        ("access-control-max-age", cors.max_age.as_secs().to_string()),
        ("vary", "access-control-request-method, access-control-request-headers".to_owned()),
    ];
    if !headers.is_empty() {
        fields.push(("access-control-allow-headers", headers));
    }
    fields
}
