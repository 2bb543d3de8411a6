//! Where Lockgate is to land by HTTP/2 and TLS, and where it did.

use std::fmt::Write;

use super::super::record::{Run, Sample};
use super::super::task::Task;
use crate::measure::peer::Peer;
use crate::report::landing::mark;
use crate::report::statistics::Estimate;

/// What Lockgate is to be, beside a peer.
#[derive(Clone, Copy)]
enum Goal {
    /// Its CPU time per request at most so many times the peer's.
    AtMost(f64),
    /// Not more, as far as the interval can tell.
    NotWorse,
    /// Its handshakes per second of CPU time at least so many times the peer's.
    AtLeast(f64),
}

/// Of small requests with 100 streams 0.8 is aimed at.
const SMALL: [(Peer, Goal); 3] =
    [(Peer::Nginx, Goal::AtMost(1.0)), (Peer::Haproxy, Goal::AtMost(1.0)), (Peer::Envoy, Goal::AtMost(0.4))];
const ECDSA: [(Peer, Goal); 2] = [(Peer::Nginx, Goal::AtLeast(1.2)), (Peer::Haproxy, Goal::AtLeast(1.2))];
const RSA: [(Peer, Goal); 2] = [(Peer::Nginx, Goal::AtLeast(1.0)), (Peer::Haproxy, Goal::AtLeast(1.0))];
const KEPT: [(Peer, Goal); 1] = [(Peer::Nginx, Goal::AtMost(0.8))];
const LARGE: [(Peer, Goal); 2] = [(Peer::Nginx, Goal::NotWorse), (Peer::Haproxy, Goal::NotWorse)];

fn goals(task: Task) -> &'static [(Peer, Goal)] {
    match task {
        Task::H2cSmall | Task::H2cOne | Task::H2Small | Task::H2One => &SMALL,
        Task::FullEcdsa => &ECDSA,
        Task::FullRsa => &RSA,
        Task::TlsSmall => &KEPT,
        Task::H2Large | Task::TlsLarge => &LARGE,
        Task::Grpc | Task::FullHybrid | Task::Resumed13 | Task::Resumed12 => &[],
    }
}

/// Appends the table, when there is a Lockgate in the run.
pub(super) fn write(out: &mut String, run: &Run) -> std::fmt::Result {
    if !run.peers().any(|peer| peer == Peer::Lockgate) {
        return Ok(());
    }
    writeln!(out, "## Where it is to land\n")?;
    writeln!(
        out,
        "Lockgate ÷ peer: CPU time per request, or, of handshakes, their number per second of CPU time.\n"
    )?;
    writeln!(out, "| | peer | measured | goal | |\n|---|---|---:|---|---|")?;
    for task in run.suite.tasks() {
        for (peer, goal) in goals(*task) {
            let cpu = |peer| run.by_round(peer, *task, |sample| sample.cpu_us);
            let rate = |peer| run.by_round(peer, *task, Sample::per_cpu_second);
            let measured = match goal {
                Goal::AtLeast(_) => Estimate::of_ratios(&rate(Peer::Lockgate), &rate(*peer)),
                Goal::AtMost(_) | Goal::NotWorse => Estimate::of_ratios(&cpu(Peer::Lockgate), &cpu(*peer)),
            };
            let Some(measured) = measured else { continue };
            let (wanted, met) = goal.judge(&measured);
            writeln!(out, "| {} | {peer} | {measured} | {wanted} | {} |", task.title(), mark(met))?;
        }
    }
    writeln!(out)
}

impl Goal {
    fn judge(self, measured: &Estimate) -> (String, bool) {
        match self {
            Self::AtMost(most) => (format!("at most {most}"), measured.median <= most),
            Self::NotWorse => ("not more".into(), measured.low <= 1.0),
            Self::AtLeast(least) => (format!("at least {least}"), measured.median >= least),
        }
    }
}
