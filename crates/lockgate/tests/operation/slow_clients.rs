//! slowhttptest in all its modes does not touch a client beside it.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testkit::{Answer, Origin, single_upstream};

use crate::load::{Load, Work};
use crate::{outside, start};

/// Connections of each attack.
const CONNECTIONS: &str = "400";
/// How long each attack lasts, seconds.
const SECONDS: &str = "5";
const WORK: &[Work] = &[("all", "GET /x HTTP/1.1\r\nHost: test\r\n\r\n")];
/// Longest wait a client beside the attacks may see. Unhurt it is a millisecond or two; the rest is room for two busy cores.
const SLOWEST: Duration = Duration::from_secs(2);

fn attack(program: &std::path::Path, mode: &str, address: &str) -> Child {
    let url = format!("http://{address}/large");
    let mut command = Command::new(program);
    command.args([mode, "-c", CONNECTIONS, "-r", "200", "-l", SECONDS, "-i", "1", "-p", "3", "-u", &url]);
    if mode == "-X" {
        command.args(["-w", "10", "-y", "20", "-n", "1", "-z", "5", "-k", "3"]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn slow_clients_hurt_nobody_else() {
    let Some(program) = outside::program("slowhttptest") else { return };
    let origin = Origin::start(|received| match received.line.target.as_str() {
        "/large" => Answer::ok(vec![b'x'; 100_000]),
        _ => Answer::ok("quick"),
    });
    let gateway = start(&single_upstream(origin.address()));
    let before = gateway.figures().unwrap();
    let mut attacks: Vec<_> =
        ["-H", "-B", "-R", "-X"].iter().map(|m| attack(&program, m, gateway.address())).collect();
    let start = Instant::now();
    let load = Load::start(gateway.address(), 4, WORK);
    let mut most = before;
    while attacks.iter_mut().any(|a| matches!(a.try_wait(), Ok(None)))
        && start.elapsed() < Duration::from_secs(30)
    {
        let now = gateway.figures().unwrap();
        most.descriptors = most.descriptors.max(now.descriptors);
        most.rss_bytes = most.rss_bytes.max(now.rss_bytes);
        std::thread::sleep(Duration::from_millis(50));
    }
    for attack in &mut attacks {
        let _ = attack.kill();
        let _ = attack.wait();
    }
    let tally = load.stop();
    println!("{} answers, slowest {:?}; at most {most:?}", tally.total(), tally.slowest);
    assert!(most.descriptors > before.descriptors + 400, "the attacks did not take place: {most:?}");
    assert_eq!(tally.failures, [] as [String; 0]);
    assert!(tally.slowest < SLOWEST, "{:?}", tally.slowest);
    assert!(tally.total() > 100, "{}", tally.total());
}
