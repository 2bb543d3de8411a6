//! nghttp2's load generator: run for a time, its answers checked by what it counts of them.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::load::{Work, fields};
use crate::measure::LOAD_CORE;
use crate::measure::generator::{finish, piped};
use crate::measure::process::Process;
use crate::measure::usage::Cpu;

/// Before anything is counted; connections are opened meanwhile.
const WARM_UP: &str = "500ms";
const BEGUN: &str = "Main benchmark duration is started";
const OVER: &str = "Main benchmark duration is over";

/// What it is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) work: Work,
    pub(crate) connections: u32,
    /// Requests under way on each.
    pub(crate) streams: u32,
    /// As ALPN calls it; `h2c`: cleartext.
    pub(crate) protocol: &'static str,
}

/// What it found within the measured time.
#[derive(Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) requests: u64,
    pub(crate) body_bytes: u64,
    /// Version and cipher of TLS, and what keys were agreed on by.
    pub(crate) session: Option<String>,
}

/// Runs it for `seconds`; the CPU time of `process` is that of the measured time alone.
pub(crate) fn run(
    plan: &Plan,
    target: SocketAddr,
    seconds: f64,
    process: &Process,
) -> anyhow::Result<(Cpu, Found)> {
    let mut command = command(plan, target, seconds);
    crate::os::confine(&mut command, LOAD_CORE);
    let mut child = command.spawn().context("starting h2load: `cargo xtask bench h2` installs it")?;
    let mut lines = BufReader::new(piped(&mut child));
    let mut said = String::new();
    until(&mut lines, BEGUN, &mut said)?;
    let before = Cpu::of(&process.pids);
    until(&mut lines, OVER, &mut said)?;
    let used = Cpu::of(&process.pids) - before;
    for line in (&mut lines).lines() {
        said += &(line? + "\n");
    }
    finish(child, lines)?;
    let found = understand(&said, plan).with_context(|| format!("h2load said: {said}"))?;
    Ok((used, found))
}

fn command(plan: &Plan, target: SocketAddr, seconds: f64) -> Command {
    let mut command = Command::new("h2load");
    command.args(["-t", "1", "-c", &plan.connections.to_string(), "-m", &plan.streams.to_string()]);
    command.args(["--warm-up-time", WARM_UP, "-D", &format!("{}ms", (seconds * 1000.0).round())]);
    // As browsers have them: 8 MiB for an answer, 16 MiB for a connection.
    command.args(["-w", "23", "-W", "24"]);
    if plan.protocol == "http/1.1" {
        command.arg("--h1");
    }
    for (name, value) in fields() {
        command.args(["-H", &format!("{name}: {value}")]);
    }
    let scheme = if plan.protocol == "h2c" { "http" } else { "https" };
    command.arg(format!("{scheme}://{target}{}", plan.work.path()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn until(lines: &mut impl BufRead, begins: &str, said: &mut String) -> anyhow::Result<()> {
    loop {
        let start = said.len();
        anyhow::ensure!(lines.read_line(said)? > 0, "h2load ended early: {said}");
        if said[start..].starts_with(begins) {
            return Ok(());
        }
    }
}

/// Every answer a 2xx, none failed, and as many bytes as they have. Bytes are counted from the warm-up on, and at the end of the time
/// answers are under way; that each is as long as its head says is what nghttp2 itself makes sure of.
fn understand(said: &str, plan: &Plan) -> anyhow::Result<Found> {
    let after = |mark: &str| said.lines().find_map(|line| line.strip_prefix(mark)).map(str::trim);
    let counts = numbers(after("requests:").context("no count of requests")?);
    let &[_, _, done, succeeded, failed, errored, timeout] = counts.as_slice() else {
        anyhow::bail!("requests are counted otherwise: {counts:?}");
    };
    anyhow::ensure!(done > 0 && succeeded == done, "{succeeded} of {done} requests succeeded");
    anyhow::ensure!(failed + errored + timeout == 0, "{failed} failed, {errored} errors, {timeout} late");
    let statuses = numbers(after("status codes:").context("no count of status codes")?);
    // Heads and bodies of one answer may come on either side of the begin and the end.
    let (streams, all_right) =
        (u64::from(plan.connections * plan.streams), statuses.iter().skip(1).all(|count| *count == 0));
    let is_right = all_right && statuses.first().is_some_and(|right| right + streams >= done);
    anyhow::ensure!(is_right, "not all of {done} answers were 2xx: {statuses:?}");
    let traffic = after("traffic:").context("no count of bytes")?;
    let data = traffic.rsplit_once('(').and_then(|(_, rest)| rest.split(')').next());
    let body_bytes: u64 = data.and_then(|text| text.parse().ok()).context("no count of bytes of bodies")?;
    let each = plan.work.answer_bytes().context("work whose answers have no length")? as u64;
    let (wanted, under_way) = (done * each, streams * each);
    anyhow::ensure!(body_bytes + under_way >= wanted, "{body_bytes} bytes of bodies, not {wanted}");
    // Small answers are never taken in part.
    let is_whole = plan.work != Work::Small || body_bytes.is_multiple_of(each);
    anyhow::ensure!(is_whole, "{body_bytes} bytes of bodies are no whole number of {each}");
    let protocol = after("Application protocol:").unwrap_or_default();
    anyhow::ensure!(protocol == plan.protocol, "spoken was `{protocol}`, not `{}`", plan.protocol);
    let session = ["TLS Protocol:", "Cipher:", "Server Temp Key:"].into_iter().filter_map(after);
    let session = session.collect::<Vec<_>>().join(", ");
    Ok(Found { requests: done, body_bytes, session: Some(session).filter(|text| !text.is_empty()) })
}

/// `214738 total, 214738 started, …`
fn numbers(text: &str) -> Vec<u64> {
    text.split(',').filter_map(|part| part.split_ascii_whitespace().next()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan { work: Work::Small, connections: 4, streams: 25, protocol: "h2" };

    fn said(succeeded: u64, statuses: u64, bytes: u64) -> String {
        format!(
            "TLS Protocol: TLSv1.3\nCipher: TLS_AES_128_GCM_SHA256\nServer Temp Key: X25519 253 bits\nApplication protocol: h2\n\n\
             finished in 3.00s, 500.00 req/s, 1KB/s\n\
             requests: 1000 total, 1000 started, 1000 done, {succeeded} succeeded, {} failed, 0 errored, 0 timeout\n\
             status codes: {statuses} 2xx, {} 3xx, 0 4xx, 0 5xx\n\
             traffic: 62.87MB (65924566) total, 41.62MB (43640088) headers (space savings 0.00%), 39.17MB ({bytes}) data\n",
            1000 - succeeded,
            1000 - statuses
        )
    }

    #[test]
    fn right_answers_are_counted() {
        let found = understand(&said(1000, 1000, 128_000), &PLAN).unwrap();
        let session = "TLSv1.3, TLS_AES_128_GCM_SHA256, X25519 253 bits";
        assert_eq!(found, Found { requests: 1000, body_bytes: 128_000, session: Some(session.into()) });
    }

    #[test]
    fn a_wrong_answer_of_any_kind_ends_the_run() {
        for (succeeded, statuses, bytes) in [
            (999, 1000, 128_000),
            (1000, 999, 128_000),
            (1000, 1000, 100_000),
            (1000, 1000, 128_001),
            (0, 0, 0),
        ] {
            let outcome = understand(&said(succeeded, statuses, bytes), &PLAN);
            assert!(outcome.is_err(), "{succeeded} {statuses} {bytes}: {outcome:?}");
        }
        let plan = Plan { protocol: "http/1.1", ..PLAN };
        understand(&said(1000, 1000, 128_000), &plan).unwrap_err();
    }
}
