//! Starts a peer, floods it, and looks at what that costs it and its other client.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::attacker::{Tally, attack};
use super::flood::Flood;
use super::record::Sample;
use super::{polite, slow};
use crate::clients::driver::{Driver as Clients, Started};
use crate::clients::hold;
use crate::clients::task::{Key, Kind};
use crate::measure::configure::Back;
use crate::measure::peer::{Peer, Tools};
use crate::measure::usage::{Cpu, Memory};

/// From one look at memory to the next.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// From the first answer to the flood.
const SETTLE_TIME: Duration = Duration::from_millis(500);

/// What every flood needs.
pub(crate) struct Driver {
    clients: Clients,
    seconds: f64,
    rate: f64,
}

impl Driver {
    /// Starts the origin.
    pub(crate) fn start(tools: Tools, seconds: f64, rate: f64) -> anyhow::Result<Self> {
        Ok(Self { clients: Clients::start(tools, seconds)?, seconds, rate })
    }

    /// Floods `peer`, freshly started.
    pub(crate) fn flood(&self, peer: Peer, flood: Flood, round: usize) -> anyhow::Result<Sample> {
        let identity = flood.is_by_tls().then(|| self.clients.identity(Key::P256));
        let identity = identity.as_deref();
        let kind = if identity.is_some() { Kind::H2 } else { Kind::H2c };
        let Started { process, address } = self.clients.start_peer(peer, kind, identity, Back::Http1)?;
        std::thread::sleep(SETTLE_TIME);
        let before = Memory::of(&process.pids).private;
        let cpu = Cpu::of(&process.pids);
        let (start, is_over) = (Instant::now(), AtomicBool::new(false));
        let (tally, service, peak, used, seconds) = std::thread::scope(|scope| {
            let attacker = scope.spawn(|| send(flood, address, identity, &is_over));
            let looker = scope.spawn(|| peak(&process.pids, &is_over));
            let client = scope.spawn(|| polite::ask(address, identity, self.rate, self.seconds));
            std::thread::sleep(Duration::from_secs_f64(self.seconds));
            let (used, seconds) = (Cpu::of(&process.pids) - cpu, start.elapsed().as_secs_f64());
            is_over.store(true, Ordering::Relaxed);
            let service = client.join().expect("clients do not panic");
            let tally = attacker.join().expect("attackers do not panic");
            (tally, service, looker.join().expect("looking does not panic"), used, seconds)
        });
        Ok(Sample {
            round,
            peer,
            flood,
            seconds,
            cpu_seconds: used.total_ns as f64 / 1e9,
            memory_before: before,
            memory_peak: peak.max(before),
            tally: tally?,
            service: service?,
            answers_after: hold::is_up(kind, address, identity),
        })
    }
}

/// Sends until `is_over`, after everybody else on its core.
fn send(
    flood: Flood,
    target: SocketAddr,
    identity: Option<&Path>,
    is_over: &AtomicBool,
) -> anyhow::Result<Tally> {
    crate::os::give_way()?;
    match (flood, flood.script(), identity) {
        (_, Some(script), _) => Ok(attack(target, &script, is_over)),
        (Flood::SlowHandshake, _, Some(identity)) => slow::trickle(target, identity, is_over),
        (Flood::Handshakes, _, Some(identity)) => slow::handshakes(target, identity, is_over),
        _ => Ok(Tally::default()),
    }
}

/// The most private memory that was seen, bytes.
fn peak(pids: &[u32], is_over: &AtomicBool) -> u64 {
    let mut most = 0;
    while !is_over.load(Ordering::Relaxed) {
        most = most.max(Memory::of(pids).private);
        std::thread::sleep(LOOK_INTERVAL);
    }
    most.max(Memory::of(pids).private)
}
