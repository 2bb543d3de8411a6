//! Moment 3: which route answers a request.

use std::sync::Arc;

use config::{Config, EncodedSlashes, WhenFull};
use http1::HeadLimits;
use message::{Known, Method, Request};
use policy::{Routed, Subject};

use crate::answer::METHODS;
use crate::limiter::RouteLimits;
use crate::refusal::Refusal;
use crate::snapshot::{LoadedFunction, Snapshot};
use crate::timers::Ticks;
use crate::upstream::Upstream;

/// A compiled route.
#[derive(Debug)]
pub struct Route {
    /// Its place in the configuration.
    pub(crate) index: usize,
    pub(crate) name: Arc<str>,
    pub(crate) config: config::Route,
    /// Its upstreams with their weights; empty when the gateway answers itself.
    pub(crate) upstreams: Vec<(Arc<Upstream>, u16)>,
    /// The functions that stand before its target, in order, and then its target where that is one.
    #[cfg_attr(not(feature = "functions"), allow(dead_code, reason = "this build calls none"))]
    pub(crate) steps: Vec<Step>,
    pub(crate) response_timeout: Option<Ticks>,
    pub(crate) idle_timeout: Option<Ticks>,
    pub(crate) response_limits: HeadLimits,
    pub(crate) limits: RouteLimits,
    /// Whether a request whose record might not fit is refused.
    pub(crate) refuse_when_full: bool,
}

impl Route {
    pub(crate) fn compile(
        index: usize,
        config: &config::Route,
        whole: &Config,
        upstreams: &[Arc<Upstream>],
        functions: &[LoadedFunction],
    ) -> Self {
        let chosen = match &config.target {
            config::Target::Upstreams(list) => list.as_slice(),
            config::Target::Function(_) | config::Target::Redirect { .. } | config::Target::Fixed { .. } => {
                &[]
            }
        };
        let target = match config.target {
            config::Target::Function(at) => Some(at),
            _ => None,
        };
        let steps = config.before.iter().copied().chain(target);
        let step =
            |at: usize| Some(Step::new(whole.functions.get(at)?, functions.get(at).cloned()?, upstreams));
        let chosen = chosen.iter().filter_map(|&(at, weight)| Some((upstreams.get(at)?.clone(), weight)));
        Self {
            index,
            name: config.name.as_str().into(),
            upstreams: chosen.collect(),
            steps: steps.filter_map(step).collect(),
            response_timeout: config.response_timeout.map(Ticks::from),
            idle_timeout: config.idle_timeout.map(Ticks::from),
            response_limits: HeadLimits {
                head_bytes: whole.limits.response_head_bytes,
                fields: HeadLimits::FIELDS_MAX,
                target_bytes: 0,
            },
            limits: RouteLimits::compile(&config.name, &config.limits),
            refuse_when_full: whole.data.when_full == WhenFull::Refuse,
            config: config.clone(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether something comes after its function of that number: another, or an upstream.
    #[cfg(feature = "functions")]
    pub(crate) fn goes_on_after(&self, step: usize) -> bool {
        step + 1 < self.steps.len() || !self.upstreams.is_empty()
    }

    /// What the configuration says of it.
    pub fn config(&self) -> &config::Route {
        &self.config
    }
}

/// A function of a route.
#[derive(Debug)]
#[cfg_attr(not(feature = "functions"), allow(dead_code, reason = "this build calls none"))]
pub(crate) struct Step {
    pub(crate) function: LoadedFunction,
    /// What stands for it in events, in the place of an endpoint.
    pub(crate) label: Arc<str>,
    /// Largest request body, bytes; 0: no limit.
    pub(crate) request_bytes: u64,
    /// What it may call, in the order of its settings.
    pub(crate) outbound: Vec<Arc<Upstream>>,
}

impl Step {
    fn new(config: &config::Function, function: LoadedFunction, upstreams: &[Arc<Upstream>]) -> Self {
        Self {
            function,
            label: format!("function:{}", config.name).into(),
            request_bytes: config.request_bytes,
            outbound: config.outbound.iter().filter_map(|to| upstreams.get(to.upstream).cloned()).collect(),
        }
    }
}

/// Finds the route of a request, or the refusal it gets.
pub(crate) fn find(snapshot: &Snapshot, request: &Request) -> Result<Arc<Route>, Refusal> {
    let route = match preflight_route(snapshot, request) {
        Some(route) => route.clone(),
        None => match snapshot.router.route(&Asked::new(request, request.method_text())) {
            Routed::Found(at) => snapshot.routes.get(at).ok_or(Refusal::NO_ROUTE)?.clone(),
            Routed::MethodNotAllowed(allow) => return Err(Refusal::method_not_allowed(allow.join(", "))),
            Routed::NotFound => return Err(Refusal::NO_ROUTE),
        },
    };
    // Its answer shows the request as it arrived, with all that the gateway has added to it (RFC 9110 §9.3.8).
    if request.method == Method::Trace && route.config.methods.is_none() {
        return Err(Refusal::method_not_allowed(METHODS.to_owned()));
    }
    if request.encoded_slash && route.config.encoded_slashes == EncodedSlashes::Refuse {
        return Err(Refusal::ENCODED_SLASH);
    }
    Ok(route)
}

/// The route of the request that a preflight asks about (Fetch §3.2.2), if that one has `cors`. Any other answers no preflights, and what
/// looks like one is a request as its own method says.
fn preflight_route<'s>(snapshot: &'s Snapshot, request: &Request) -> Option<&'s Arc<Route>> {
    let asked = Asked::new(request, preflight_method(request)?);
    let Routed::Found(at) = snapshot.router.route(&asked) else { return None };
    snapshot.routes.get(at).filter(|route| route.config.cors.is_some())
}

/// A request as the router sees it, by one method or another.
struct Asked<'a> {
    request: &'a Request,
    method: &'a str,
    host: &'a str,
    path: &'a str,
}

impl<'a> Asked<'a> {
    fn new(request: &'a Request, method: &'a str) -> Self {
        Self { request, method, host: request.host(), path: request.path() }
    }
}

impl Subject for Asked<'_> {
    fn host(&self) -> &str {
        self.host
    }

    fn path(&self) -> &str {
        self.path
    }

    fn method(&self) -> &str {
        self.method
    }

    fn has_header(&self, name: &str, value: Option<&str>) -> bool {
        match name {
            "host" => value.is_none_or(|value| value.eq_ignore_ascii_case(self.request.authority())),
            _ => self.request.has_field(name, value),
        }
    }

    fn query(&self) -> &str {
        self.request.query()
    }
}

/// Whether a request is a preflight that the gateway answers itself.
pub(crate) fn is_own_preflight(route: &Route, request: &Request) -> bool {
    route.config.cors.is_some() && preflight_method(request).is_some()
}

/// The method a CORS preflight asks for.
pub(crate) fn preflight_method(request: &Request) -> Option<&str> {
    if request.method != Method::Options || request.fields.get_known(Known::Origin).is_none() {
        return None;
    }
    std::str::from_utf8(request.fields.get("access-control-request-method")?).ok()
}
