//! File descriptors: raised at the start, and bearable to run out of.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use testkit::{Answer, GatewayProcess, Origin, single_upstream};

use crate::{LOCKGATE, outside, start};

const GET: &str = "GET /x HTTP/1.1\r\nHost: test\r\n\r\n";

/// Soft and hard limit of open files.
fn limits(pid: u32) -> (String, String) {
    let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = text.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let mut words = line.split_whitespace().skip(3).map(str::to_owned);
    (words.next().unwrap(), words.next().unwrap())
}

#[test]
fn the_soft_limit_is_raised_to_the_hard_one() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("started-low");
    std::fs::write(&script, format!("#!/bin/sh\nulimit -Sn 100\nexec '{LOCKGATE}' \"$@\"\n")).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let origin = Origin::echo();
    let gateway = GatewayProcess::start(&script, &single_upstream(origin.address())).unwrap();
    let (soft, hard) = limits(gateway.pid());
    assert_eq!(soft, hard);
}

#[test]
fn running_out_neither_spins_nor_hurts_those_who_are_in() {
    let Some(prlimit) = outside::program("prlimit") else { return };
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start(&single_upstream(origin.address()));
    let mut inside = gateway.connect().unwrap();
    inside.ask(GET).unwrap();
    let open = gateway.figures().unwrap().descriptors;
    let limit = format!("--nofile={0}:{0}", open + 20);
    let done =
        std::process::Command::new(prlimit).args(["--pid", &gateway.pid().to_string(), &limit]).status();
    assert!(done.is_ok_and(|status| status.success()));
    // Connecting goes on in the kernel's queue when the process can accept no more.
    let waiting: Vec<_> = (0..200).filter_map(|_| gateway.connect().ok()).collect();
    let before = gateway.figures().unwrap().cpu_ticks;
    std::thread::sleep(Duration::from_secs(1));
    let spent = gateway.figures().unwrap().cpu_ticks - before;
    assert!(spent < 30, "{spent} ticks of 10 ms in a second with nothing to do");
    assert_eq!(inside.ask(GET).unwrap().status(), 200, "a connection that is in works on");
    drop(waiting);
    assert_eq!(gateway.get("/x").unwrap().status(), 200, "room again, and it is used");
}
