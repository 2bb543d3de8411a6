//! The client that behaves: small requests at a fixed rate, on one connection of HTTP/2.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::clients::hold::{Held, Opener};
use crate::clients::task::Kind;

/// What became of its requests.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Service {
    /// Requests that were due, and those of them that had no right answer, or were not even sent when the flood was over.
    pub(crate) due: u64,
    pub(crate) failed: u64,
    /// Percentiles of the time from when a request was due until its answer was whole, µs; a failure takes its time, too.
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) max_us: u64,
}

/// Asks `rate` times a second for `seconds`; one that comes late counts from when it was due, one that never comes until the end.
pub(crate) fn ask(
    target: SocketAddr,
    identity: Option<&Path>,
    rate: f64,
    seconds: f64,
) -> anyhow::Result<Service> {
    let kind = if identity.is_some() { Kind::H2 } else { Kind::H2c };
    let opener = Opener::new(kind, target, identity)?;
    let mut latencies: Histogram<u32> =
        Histogram::new_with_bounds(1, 60_000_000, 3).expect("1 µs to 1 min is a valid range");
    let mut service = Service::default();
    let mut held: Option<Held> = None;
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(seconds);
    service.due = (rate * seconds) as u64;
    for number in 0..service.due {
        let due = start + Duration::from_secs_f64(number as f64 / rate);
        if Instant::now() > end {
            service.failed += 1;
            latencies.saturating_record(microseconds(end - due));
            continue;
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // A connection that failed is given up.
        let outcome = match held.take() {
            Some(mut one) => one.ask().map(|()| one),
            None => opener.open(),
        };
        match outcome {
            Ok(one) => held = Some(one),
            Err(_) => service.failed += 1,
        }
        latencies.saturating_record(microseconds(due.elapsed()));
    }
    let at = |quantile| latencies.value_at_quantile(quantile);
    (service.p50_us, service.p99_us, service.max_us) = (at(0.5), at(0.99), latencies.max());
    Ok(service)
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
