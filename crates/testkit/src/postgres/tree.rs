//! Signals to a server and the processes it started, each of which has a group of its own.

use std::fs;
use std::process::{Command, Stdio};

use crate::gateway::poll;

/// Sends a signal to one process; one that has gone takes none.
pub(super) fn signal(name: &str, pid: u32) {
    let mut command = Command::new("sh");
    command.args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()]);
    // The signal's effect is what callers look at.
    let _ = command.stdin(Stdio::null()).stderr(Stdio::null()).status();
}

/// Kills the server and its processes, and waits until those have gone.
pub(super) fn kill(server: u32) {
    let children = pause(server);
    signal("KILL", server);
    for child in &children {
        signal("KILL", *child);
    }
    // Those that are left would keep the server from starting again, which then says so.
    let _ = poll(|| children.iter().all(|child| has_ended(*child)).then_some(()));
}

/// Stops the server first, so that it starts no more processes, then those it has.
pub(super) fn pause(server: u32) -> Vec<u32> {
    signal("STOP", server);
    let children = children_of(server);
    for child in &children {
        signal("STOP", *child);
    }
    children
}

pub(super) fn resume(server: u32) {
    for child in children_of(server) {
        signal("CONT", child);
    }
    signal("CONT", server);
}

fn children_of(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Whether it has gone, or only waits to be taken note of.
fn has_ended(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .map_or(true, |stat| stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z')))
}
