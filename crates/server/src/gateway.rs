//! What the admin side asks of the data plane, answered from what both share.

use std::sync::Arc;

use config::{Config, EndpointAddress, Target};
use control::{
    EndpointHealth, EndpointInfo, EndpointState, FunctionInfo, Gateway, Gauges, JournalGauges, LimitGauges,
    ListenerGauges, Readiness, ReloadFuture, RingGauges, RouteInfo, UpstreamInfo,
};
use journal::JournalStatus;
use policy::HealthState;
use proxy::{Endpoint, LimitCounts, Listener, Upstream, WorkerGauges};

use crate::running::{Running, Unloadable};

impl Gateway for Running {
    fn readiness(&self) -> Readiness {
        self.readiness()
    }

    fn routes(&self) -> Vec<RouteInfo> {
        let config = self.config();
        config.routes.iter().map(|route| route_info(route, &config)).collect()
    }

    fn upstreams(&self) -> Vec<UpstreamInfo> {
        self.plane.snapshot().upstreams().iter().map(upstream_info).collect()
    }

    fn functions(&self) -> Vec<FunctionInfo> {
        self.function_infos()
    }

    fn gauges(&self) -> Gauges {
        let sum = |figure: fn(&WorkerGauges) -> u64| self.gauges.iter().map(|gauges| figure(gauges)).sum();
        Gauges {
            listeners: self.listeners().iter().map(|listener| listener_gauges(listener)).collect(),
            exchanges: sum(WorkerGauges::exchanges_in_flight),
            tunnels: sum(WorkerGauges::tunnels_open),
            journal: JournalGauges {
                refused: sum(WorkerGauges::requests_refused_unrecorded),
                ..journal_gauges(self.journal.status())
            },
            generation: self.generation(),
            started_at: self.started_at,
            workers: self.gauges.len() as u64,
            access_log: self.access_log_counts(),
            keys: self.plane.keys().len() as u64,
            key_following: self.books.keys.status(),
            limits: limit_gauges(self.plane.limit_counts()),
            metering: self.books.metering.status(),
            meter_unreadable: sum(WorkerGauges::responses_meter_unreadable),
        }
    }

    fn reload(&self) -> ReloadFuture<'_> {
        Box::pin(async { Ok(self.reload(Unloadable::Refuses).await?) })
    }
}

fn listener_gauges(listener: &Listener) -> ListenerGauges {
    ListenerGauges {
        address: listener.address().to_string(),
        open: listener.connections_open() as u64,
        accepted: listener.connections_accepted(),
        refused: listener.connections_refused(),
        handshakes: listener.handshakes().full,
        handshakes_resumed: listener.handshakes().resumed,
        handshakes_failed: listener.handshakes().failed,
        floods: listener.floods(),
    }
}

fn journal_gauges(status: JournalStatus) -> JournalGauges {
    let ring = |ring: &journal::RingStatus| RingGauges {
        used_bytes: ring.used_bytes,
        size_bytes: ring.capacity_bytes,
    };
    JournalGauges {
        lost: status.lost,
        refused: 0,
        rings: status.rings.iter().map(ring).collect(),
        segments: status.segments,
        disk_bytes: status.bytes_on_disk,
        disk_full: status.disk_full,
        last_error: status.write_error.or(status.sync_error),
    }
}

fn limit_gauges(counts: LimitCounts) -> LimitGauges {
    LimitGauges {
        rate_limited: counts.rate_limited,
        concurrency_limited: counts.concurrency_limited,
        limiter_full: counts.limiter_full,
        memory_bytes: counts.memory_bytes as u64,
    }
}

fn route_info(route: &config::Route, config: &Config) -> RouteInfo {
    let before = route.before.iter().map(|at| format!("function {}, then ", function_name(config, *at)));
    let before: String = before.collect();
    RouteInfo {
        name: route.name.clone(),
        host: route.host.as_ref().map(ToString::to_string),
        path: route.path.to_string(),
        methods: route.methods.clone(),
        target: before + &target(&route.target, config),
    }
}

fn function_name(config: &Config, at: usize) -> &str {
    config.functions.get(at).map_or("?", |function| function.name.as_str())
}

/// What answers, in words.
fn target(target: &Target, config: &Config) -> String {
    let name = |at: usize| config.upstreams.get(at).map_or("?", |upstream| upstream.name.as_str());
    match target {
        Target::Upstreams(shares) => match shares.as_slice() {
            [(only, _)] => format!("upstream {}", name(*only)),
            several => {
                let several: Vec<_> =
                    several.iter().map(|(at, weight)| format!("{} ({weight})", name(*at))).collect();
                format!("upstreams {}", several.join(", "))
            }
        },
        Target::Function(at) => format!("function {}", function_name(config, *at)),
        Target::Redirect { to, status } => format!("redirect {status} {to}"),
        Target::Fixed { status, .. } => format!("respond {status}"),
    }
}

fn upstream_info(upstream: &Arc<Upstream>) -> UpstreamInfo {
    let present = upstream.endpoints();
    let is_checked = upstream.config().health.is_some();
    let info = |configured: &config::Endpoint| endpoint_info(configured, &present, is_checked);
    UpstreamInfo {
        name: upstream.name().to_owned(),
        endpoints: upstream.config().endpoints.iter().map(info).collect(),
    }
}

/// One configured endpoint; a host name stands for several, of which it rests when all do.
fn endpoint_info(configured: &config::Endpoint, present: &[Arc<Endpoint>], is_checked: bool) -> EndpointInfo {
    let address = match &configured.address {
        EndpointAddress::Ip(address) => address.to_string(),
        EndpointAddress::Host { name, port } => format!("{name}:{port}"),
        EndpointAddress::Unix(path) => format!("unix:{}", path.display()),
    };
    let is_host = matches!(configured.address, EndpointAddress::Host { .. });
    let own = |endpoint: &&Arc<Endpoint>| match endpoint.origin() {
        Some(origin) => is_host && origin == address,
        None => !is_host && endpoint.text() == address,
    };
    let own: Vec<_> = present.iter().filter(own).collect();
    EndpointInfo {
        resolved: if is_host { own.iter().map(|e| e.text().to_owned()).collect() } else { Vec::new() },
        weight: configured.weight,
        resting: !own.is_empty() && own.iter().all(|endpoint| endpoint.is_resting()),
        failures: own.iter().map(|endpoint| endpoint.failures_total()).sum(),
        open: own.iter().map(|endpoint| endpoint.connections_open() as u64).sum(),
        idle: own.iter().map(|endpoint| endpoint.connections_idle() as u64).sum(),
        health: if is_checked {
            own.iter().map(|endpoint| endpoint_health(endpoint)).collect()
        } else {
            Vec::new()
        },
        address,
    }
}

fn endpoint_health(endpoint: &Endpoint) -> EndpointHealth {
    let found = endpoint.health_report();
    EndpointHealth {
        address: endpoint.text().to_owned(),
        state: match found.state {
            HealthState::Unchecked => EndpointState::Unchecked,
            HealthState::Healthy => EndpointState::Healthy,
            HealthState::Out => EndpointState::Out,
        },
        reason: found.reason,
        passed: found.passed,
        failed: found.failed,
    }
}
