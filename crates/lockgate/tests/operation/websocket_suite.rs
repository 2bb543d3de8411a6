//! kosoku's WebSocket cases: the verdicts through the gateway equal those without it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::{Answer, Origin, Step, single_upstream};

use crate::{outside, start};

/// Left out: cases on speed with payloads up to 16 MiB, which measure the debug build of the echo server, not the tunnel.
const EXCLUDED: &[&str] = &[
    "9.1.4", "9.1.5", "9.1.6", "9.2.4", "9.2.5", "9.2.6", "9.3.*", "9.4.*", "9.5.*", "9.6.*", "9.7.*",
    "9.8.*",
];

/// Behaviour and closing behaviour of every case.
fn verdicts(program: &Path, address: &str) -> BTreeMap<String, (String, String)> {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command.args(["-m", "fuzzingclient", "-p", "4", "-o"]).arg(directory.path());
    for case in EXCLUDED {
        command.args(["-x", case]);
    }
    command.arg(format!("ws://{address}")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Its exit code says whether all cases passed, which is not the question here.
    command.status().unwrap();
    let text = std::fs::read(directory.path().join("index.json")).expect("kosoku writes a report");
    let report: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let agent = report.as_object().and_then(|agents| agents.values().next()).expect("one agent was tested");
    let word = |case: &serde_json::Value, key: &str| case[key].as_str().unwrap_or("").to_owned();
    let cases = agent.as_object().expect("cases by name").iter();
    cases.map(|(id, case)| (id.clone(), (word(case, "behavior"), word(case, "behaviorClose")))).collect()
}

#[test]
fn websocket_cases_come_out_the_same_through_the_gateway() {
    let Some(program) = outside::program("kosoku") else { return };
    let origin = Origin::answering(Answer::new().then(Step::WebSocketEcho));
    let gateway = start(&single_upstream(origin.address()).replacen(
        "[[listener]]",
        "[[listener]]\nprotocols = [\"h1\", \"h2c\"]",
        1,
    ));
    // Asks the other on streams of HTTP/2 (RFC 8441).
    let before =
        start(&single_upstream(gateway.address()).replacen("endpoints", "protocol = \"h2\"\nendpoints", 1));
    let direct = verdicts(&program, origin.address());
    let passed = direct.values().filter(|(behavior, _)| behavior == "OK" || behavior == "NON-STRICT").count();
    println!("{} cases, {passed} pass directly", direct.len());
    assert!(direct.len() > 200 && passed > 200, "{} cases, {passed} passed", direct.len());
    for address in [gateway.address(), before.address()] {
        let through = verdicts(&program, address);
        let differences: Vec<_> =
            direct.iter().filter(|(id, verdict)| through.get(*id) != Some(verdict)).collect();
        let first = &differences[..differences.len().min(5)];
        assert!(differences.is_empty(), "{} differ, {} ran: {first:?}", differences.len(), through.len());
        assert_eq!(through.len(), direct.len());
    }
}
