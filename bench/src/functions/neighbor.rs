//! A function that spins to its limit at every request, and what proxied requests beside it notice.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::contender::component;
use super::driver::{Code, Driver};
use super::record::{NeighborSample, Spot};
use super::setup::Gateway;
use crate::load::{LoadReport, Work};
use crate::measure::generator::{Load, Origin};
use crate::measure::process::Process;
use crate::measure::usage::threads_named;
use crate::measure::{LOAD_CORE, PROXY_CORE};
use crate::os::{pin, pin_thread};
use crate::users::client::Client;

/// Spins for ever at `/spin`.
const HOSTILE: &str = "hostile.wasm";
/// CPU time after which a call is ended.
const LIMIT: &str = "cpu = \"50ms\"";
/// Clients that call it: while one call is ended, the next one waits.
const CALLERS: usize = 2;
/// How the gateway calls the threads that run guests, before their number.
const THREADS: &str = "function-";
/// How long it may take until they have that name.
const NAMING: Duration = Duration::from_secs(5);
const WORKERS: usize = 2;
/// Connections of the proxied requests.
const CONNECTIONS: usize = 64;
const WARM_UP_SECONDS: f64 = 1.0;

impl Spot {
    /// The core of the threads that run guests, and that of origin and load. The gateway's other threads have [`PROXY_CORE`].
    ///
    /// With only two cores, a guest that is to be alone on one leaves the other to everything else.
    fn cores(self) -> (usize, usize) {
        match self {
            Self::OtherCore => (LOAD_CORE, PROXY_CORE),
            Self::SameCore => (PROXY_CORE, LOAD_CORE),
        }
    }
}

/// Proxied requests at `rate`, without the function and with it, in an order that changes from round to round.
pub(crate) fn measure(
    driver: &Driver,
    spot: Spot,
    rate: f64,
    round: usize,
) -> anyhow::Result<Vec<NeighborSample>> {
    let mut samples = Vec::new();
    for turn in 0..2 {
        let is_called = (turn + round) % 2 == 1;
        let (load, ended_calls) = one(driver, spot, rate, is_called)?;
        samples.push(NeighborSample {
            round,
            spot,
            ended_calls: is_called.then_some(ended_calls),
            rate,
            load,
        });
    }
    Ok(samples)
}

fn one(driver: &Driver, spot: Spot, rate: f64, is_called: bool) -> anyhow::Result<(LoadReport, u64)> {
    let (guest_core, load_core) = spot.cores();
    let origin = Origin::start(driver.tools.this(), load_core)?;
    let gateway = Gateway { workers: WORKERS, ..Gateway::new() }
        .fixed("/hello")
        .proxied("/small", origin.address)
        .function("hostile", "/spin", &component(&driver.functions, HOSTILE)?, LIMIT);
    let place = driver.place(Code::Kept)?;
    let process = driver.start_gateway(&gateway, &place)?;
    pin_guests(&process, guest_core)?;
    let is_over = AtomicBool::new(!is_called);
    thread::scope(|scope| {
        let caller = || {
            pin(load_core)?;
            call_until(place.listen, &is_over)
        };
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        let load = load(driver, &process, place.listen, load_core, rate);
        is_over.store(true, Ordering::Relaxed);
        let mut ended_calls = 0;
        for caller in callers {
            ended_calls += caller.join().map_err(|_| anyhow::anyhow!("a caller panicked"))??;
        }
        Ok((load?, ended_calls))
    })
}

fn load(
    driver: &Driver,
    process: &Process,
    target: SocketAddr,
    core: usize,
    rate: f64,
) -> anyhow::Result<LoadReport> {
    let arguments = [
        ("--connections", CONNECTIONS.to_string()),
        ("--warm-up", WARM_UP_SECONDS.to_string()),
        ("--rate", rate.to_string()),
    ];
    let (this, seconds) = (driver.tools.this(), driver.seconds);
    let load = Load { this, core, target, work: Work::Small, seconds, arguments: &arguments };
    Ok(load.run(process)?.1)
}

fn pin_guests(process: &Process, core: usize) -> anyhow::Result<()> {
    let end = Instant::now() + NAMING;
    let threads = loop {
        let threads: Vec<u32> = process.pids.iter().flat_map(|pid| threads_named(*pid, THREADS)).collect();
        if !threads.is_empty() {
            break threads;
        }
        anyhow::ensure!(Instant::now() < end, "the gateway has no thread `{THREADS}0`");
        thread::sleep(Duration::from_millis(1));
    };
    threads.into_iter().try_for_each(|thread| pin_thread(thread, core)).context("moving a function's thread")
}

/// Has the function spin, again and again, and returns how often it was ended.
fn call_until(address: SocketAddr, is_over: &AtomicBool) -> anyhow::Result<u64> {
    let mut ended = 0;
    let mut client = Client::open(address, "none")?;
    while !is_over.load(Ordering::Relaxed) {
        let (status, _) = client.get("/spin")?;
        anyhow::ensure!(status == 504, "a function that spins is answered by {status}");
        ended += 1;
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_alone_on_the_other_core_and_the_worker_is_never_beside_the_load_then() {
        assert_eq!(Spot::OtherCore.cores(), (LOAD_CORE, PROXY_CORE));
        assert_eq!(Spot::SameCore.cores(), (PROXY_CORE, LOAD_CORE));
    }

    #[test]
    fn an_answer_that_is_no_limit_is_found_out() {
        let error = call_until(crate::origin::spawn_for_tests(), &AtomicBool::new(false)).unwrap_err();
        assert_eq!(error.to_string(), "a function that spins is answered by 404");
    }
}
