//! Puts all figures into one exposition, in the order of `families::ALL`.

use std::time::{Duration, UNIX_EPOCH};

use super::families as f;
use super::process::Process;
use super::table::{CLASSES, METHODS, RouteSeries, Table};
use super::text::{Micros, Text, flag};
use crate::gateway::{
    EndpointHealth, EndpointInfo, EndpointState, FunctionInfo, Gauges, ListenerGauges, UpstreamInfo,
};
use crate::limits::{METRIC_ENDPOINTS, METRIC_FUNCTIONS};
use crate::live::LiveCounts;

/// Everything one exposition shows.
pub(crate) struct Figures {
    pub(crate) table: Table,
    pub(crate) gauges: Gauges,
    pub(crate) upstreams: Vec<UpstreamInfo>,
    pub(crate) functions: Vec<FunctionInfo>,
    pub(crate) ready: bool,
    pub(crate) live: LiveCounts,
    pub(crate) process: Process,
}

impl Figures {
    /// Renders the exposition.
    pub(crate) fn render(&self) -> String {
        let mut text = Text::default();
        requests(&mut text, &self.table);
        sums(&mut text, &self.table);
        durations(&mut text, &self.table);
        traffic(&mut text, &self.gauges);
        endpoints(&mut text, &self.upstreams);
        functions(&mut text, self);
        journal(&mut text, &self.gauges);
        access_log(&mut text, &self.gauges);
        keys(&mut text, &self.gauges);
        metering(&mut text, &self.gauges);
        limits(&mut text, &self.gauges);
        state(&mut text, self);
        process(&mut text, self);
        text.finish()
    }
}

fn used(table: &Table) -> impl Iterator<Item = &RouteSeries> {
    table.routes.iter().filter(|series| series.is_used())
}

fn requests(text: &mut Text, table: &Table) {
    let mut samples = text.family(f::REQUESTS);
    for series in used(table) {
        for (class, count) in CLASSES.iter().zip(series.requests).filter(|(_, count)| *count > 0) {
            samples.put(&[&series.route, class], count);
        }
    }
    let mut samples = text.family(f::METHODS);
    for (method, count) in METHODS.iter().zip(table.methods).filter(|(_, count)| *count > 0) {
        samples.put(&[method], count);
    }
    let mut samples = text.family(f::REASONS);
    for (reason, count) in table.reasons.iter().filter(|(_, count)| *count > 0) {
        samples.put(&[reason], count);
    }
}

fn sums(text: &mut Text, table: &Table) {
    let mut each = |family, figure: fn(&RouteSeries) -> String| {
        let mut samples = text.family(family);
        used(table).for_each(|series| samples.put(&[&series.route], figure(series)));
    };
    each(f::BYTES_IN, |series| series.sums.bytes_in.to_string());
    each(f::BYTES_OUT, |series| series.sums.bytes_out.to_string());
    each(f::VALUE, |series| Micros(series.sums.value).to_string());
    each(f::CUT_REQUESTS, |series| series.cut_requests.to_string());
    each(f::CUT_BYTES_IN, |series| series.cuts.bytes_in.to_string());
    each(f::CUT_BYTES_OUT, |series| series.cuts.bytes_out.to_string());
    each(f::CUT_VALUE, |series| Micros(series.cuts.value).to_string());
}

fn durations(text: &mut Text, table: &Table) {
    let mut samples = text.family(f::REQUEST_DURATION);
    for series in used(table).filter(|series| series.latency.count() > 0) {
        samples.put_histogram(&[&series.route], &series.latency);
    }
    let mut samples = text.family(f::UPSTREAM_DURATION);
    for series in used(table).filter(|series| series.upstream.count() > 0) {
        samples.put_histogram(&[&series.route], &series.upstream);
    }
    let mut samples = text.family(f::ATTEMPTS);
    used(table).for_each(|series| samples.put(&[&series.route], series.attempts));
}

fn traffic(text: &mut Text, gauges: &Gauges) {
    text.single(f::EXCHANGES, gauges.exchanges);
    text.single(f::TUNNELS, gauges.tunnels);
    let mut each = |family, figure: fn(&ListenerGauges) -> u64| {
        let mut samples = text.family(family);
        gauges.listeners.iter().for_each(|listener| samples.put(&[&listener.address], figure(listener)));
    };
    each(f::LISTENER_OPEN, |listener| listener.open);
    each(f::LISTENER_ACCEPTED, |listener| listener.accepted);
    each(f::LISTENER_REFUSED, |listener| listener.refused);
    each(f::LISTENER_HANDSHAKES, |listener| listener.handshakes);
    each(f::LISTENER_RESUMED, |listener| listener.handshakes_resumed);
    each(f::LISTENER_HANDSHAKES_FAILED, |listener| listener.handshakes_failed);
    each(f::LISTENER_FLOODS, |listener| listener.floods);
}

fn endpoints<'a>(text: &mut Text, upstreams: &'a [UpstreamInfo]) {
    let all = || {
        let own = |upstream: &'a UpstreamInfo| {
            upstream.endpoints.iter().map(|endpoint| (&*upstream.name, endpoint))
        };
        upstreams.iter().flat_map(own).take(METRIC_ENDPOINTS)
    };
    let mut each = |family, figure: fn(&EndpointInfo) -> u64| {
        let mut samples = text.family(family);
        for (upstream, endpoint) in all() {
            samples.put(&[upstream, &endpoint.address], figure(endpoint));
        }
    };
    each(f::ENDPOINT_OPEN, |endpoint| endpoint.open);
    each(f::ENDPOINT_IDLE, |endpoint| endpoint.idle);
    each(f::ENDPOINT_RESTING, |endpoint| u64::from(endpoint.resting));
    each(f::ENDPOINT_FAILURES, |endpoint| endpoint.failures);
    let checked = || all().filter(|(_, endpoint)| !endpoint.health.is_empty());
    let mut samples = text.family(f::ENDPOINT_HEALTHY);
    for (upstream, endpoint) in checked() {
        let is_used = |health: &EndpointHealth| health.state != EndpointState::Out;
        samples.put(&[upstream, &endpoint.address], flag(endpoint.health.iter().any(is_used)));
    }
    let mut samples = text.family(f::ENDPOINT_CHECKS);
    for (upstream, endpoint) in checked() {
        let mut sum = |result, figure: fn(&EndpointHealth) -> u64| {
            let sum: u64 = endpoint.health.iter().map(figure).sum();
            samples.put(&[upstream, &endpoint.address, result], sum);
        };
        sum("passed", |health| health.passed);
        sum("failed", |health| health.failed);
    }
}

fn functions(text: &mut Text, figures: &Figures) {
    let shown = &figures.functions[..figures.functions.len().min(METRIC_FUNCTIONS)];
    let mut each = |family, figure: fn(&FunctionInfo) -> u64| {
        let mut samples = text.family(family);
        shown.iter().for_each(|function| samples.put(&[&function.name], figure(function)));
    };
    each(f::FUNCTION_CALLS, |function| function.calls);
    each(f::FUNCTION_RUNNING, |function| function.running);
    each(f::FUNCTION_WAITING, |function| function.waiting);
    each(f::FUNCTION_MEMORY, |function| function.memory_bytes_max);
    let mut samples = text.family(f::FUNCTION_FAILURES);
    for function in shown {
        for (reason, count) in &function.failures {
            samples.put(&[&function.name, reason], count);
        }
    }
    let mut samples = text.family(f::FUNCTION_CPU);
    shown.iter().for_each(|function| samples.put(&[&function.name], seconds(function.cpu)));
    let mut samples = text.family(f::FUNCTION_REQUESTS);
    for (class, count) in CLASSES.iter().zip(figures.table.asked).filter(|(_, count)| *count > 0) {
        samples.put(&[class], count);
    }
}

fn journal(text: &mut Text, gauges: &Gauges) {
    let journal = &gauges.journal;
    text.single(f::JOURNAL_LOST, journal.lost);
    text.single(f::JOURNAL_REFUSED, journal.refused);
    let mut samples = text.family(f::RING_USED);
    for (worker, ring) in journal.rings.iter().enumerate() {
        samples.put(&[&worker.to_string()], ring.used_bytes);
    }
    let mut samples = text.family(f::RING_SIZE);
    for (worker, ring) in journal.rings.iter().enumerate() {
        samples.put(&[&worker.to_string()], ring.size_bytes);
    }
    text.single(f::SEGMENTS, journal.segments);
    text.single(f::DISK_BYTES, journal.disk_bytes);
    text.single(f::DISK_FULL, flag(journal.disk_full));
    text.single(f::JOURNAL_FAILING, flag(journal.last_error.is_some()));
}

fn access_log(text: &mut Text, gauges: &Gauges) {
    let counts = gauges.access_log.unwrap_or_default();
    text.single(f::LOG_LINES, counts.lines);
    text.single(f::LOG_LOST, counts.lost);
    text.single(f::LOG_ERRORS, counts.write_errors);
}

fn keys(text: &mut Text, gauges: &Gauges) {
    let following = &gauges.key_following;
    text.single(f::DATABASE_UP, flag(following.database_up));
    text.single(f::KEYS, gauges.keys);
    text.single(f::KEYS_AGE, seconds(following.age));
    text.single(f::KEY_CHANGES, following.changes);
    text.single(f::KEY_RELOADS, following.reloads);
    text.single(f::KEY_ERRORS, following.errors);
    text.single(f::KEYS_UNSAVED, flag(following.save_error.is_some()));
}

fn metering(text: &mut Text, gauges: &Gauges) {
    let metering = &gauges.metering;
    text.single(f::METERING_RECORDS, metering.records);
    text.single(f::METERING_ERRORS, metering.errors);
    text.single(f::METERING_LAG, seconds(metering.lag));
    text.single(f::METERING_LAG_BYTES, metering.lag_bytes);
    text.single(f::METERING_SEGMENTS, metering.segments_held);
    text.single(f::METERING_UNREADABLE, metering.segments_unreadable);
    text.single(f::METER_UNREADABLE, gauges.meter_unreadable);
}

fn limits(text: &mut Text, gauges: &Gauges) {
    let limits = gauges.limits;
    let mut samples = text.family(f::LIMIT_REFUSED);
    for (reason, count) in [
        ("rate_limited", limits.rate_limited),
        ("concurrency_limited", limits.concurrency_limited),
        ("limiter_full", limits.limiter_full),
    ] {
        samples.put(&[reason], count);
    }
    text.single(f::LIMIT_MEMORY, limits.memory_bytes);
}

fn state(text: &mut Text, figures: &Figures) {
    text.single(f::LIVE_SUBSCRIBERS, figures.live.subscribers);
    text.single(f::LIVE_LOST, figures.live.lost);
    text.single(f::READY, flag(figures.ready));
    text.single(f::GENERATION, figures.gauges.generation);
    text.single(f::WORKERS, figures.gauges.workers);
    text.family(f::BUILD).put(&[env!("CARGO_PKG_VERSION")], 1);
}

fn process(text: &mut Text, figures: &Figures) {
    let since_epoch = figures.gauges.started_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    text.single(f::START_TIME, seconds(since_epoch));
    let process = figures.process;
    let mut each = |family, figure: Option<String>| {
        let mut samples = text.family(family);
        figure.into_iter().for_each(|figure| samples.put(&[], figure));
    };
    each(f::CPU, process.cpu_us.map(|us| Micros(us).to_string()));
    each(f::RESIDENT, process.resident_bytes.map(|bytes| bytes.to_string()));
    each(f::VIRTUAL, process.virtual_bytes.map(|bytes| bytes.to_string()));
    each(f::OPEN_FDS, process.open_fds.map(|count| count.to_string()));
    each(f::MAX_FDS, process.max_fds.map(|count| count.to_string()));
}

fn seconds(duration: Duration) -> Micros {
    Micros(i128::try_from(duration.as_micros()).unwrap_or(i128::MAX))
}

#[cfg(test)]
mod tests;
