//! The journal of a gateway, searched as the lines that `lockgate tail` prints.

use std::path::{Path, PathBuf};

use testkit::GatewayProcess;

use crate::{LOCKGATE, check, run, search};

const CONFIG: &str = "[[listener]]\naddress = \"127.0.0.1:0\"\n\
                      [[route]]\nname = \"orders\"\npath = \"/orders/*\"\nrespond = { status = 503, body = \"no\" }\n\
                      [[route]]\nname = \"rest\"\npath = \"/*\"\nrespond = { body = \"ok\" }\n";

/// A gateway that has answered these, one after the other.
fn gateway(targets: &[&str]) -> GatewayProcess {
    let gateway = GatewayProcess::start(LOCKGATE, CONFIG).unwrap();
    ask(&gateway, targets);
    gateway
}

fn ask(gateway: &GatewayProcess, targets: &[&str]) {
    for target in targets {
        gateway.get(target).unwrap();
    }
}

/// The lines that `lockgate tail` prints of a path.
fn tail(gateway: &GatewayProcess, path: &str) -> String {
    let output = gateway.command(["tail", "--data", "data"]).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| line.contains(path)).map(|line| format!("{line}\n")).collect()
}

fn segments(data: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "segment")).collect();
    paths.sort();
    paths
}

#[test]
fn a_journal_is_searched_as_the_lines_it_prints() {
    let mut gateway = gateway(&["/orders/7", "/a", "/orders/8"]);
    let dir = gateway.directory().to_path_buf();
    let seven = tail(&gateway, "/orders/7");
    assert_eq!(seven.lines().count(), 1);
    for place in ["data", "data/journal"] {
        check(&dir, &["/orders/7", "-p", place], &seven);
    }
    check(&dir, &["orders/[0-9]", "-c", "-p", "data"], "2\n");
    // Without a place it is the journal of the configuration.
    check(&dir, &["-c", "/a\"", "--config", "lockgate.toml"], "1\n");
    gateway.terminate().unwrap();
    check(&dir, &["/orders/7", "-p", "data"], &seven);
    for segment in segments(gateway.data()) {
        check(&dir, &["/orders/7", "-p", segment.to_str().unwrap()], &seven);
    }
    let found = run(&dir, &["-l", "/orders/7", "-p", "."]);
    assert_eq!(
        (found.out.as_str(), found.status),
        ("./data\n", Some(0)),
        "what else lies there is not searched"
    );
}

#[test]
fn a_journal_of_a_gateway_that_was_killed_is_searched_each_event_once() {
    let mut gateway = gateway(&["/orders/7", "/a"]);
    gateway.kill9();
    check(gateway.directory(), &["", "-c", "-p", "data"], "2\n");
    gateway.restart().unwrap();
    ask(&gateway, &["/b"]);
    check(gateway.directory(), &["", "-c", "-p", "data"], "3\n");
}

#[test]
fn events_satisfy_conditions() {
    let gateway = gateway(&["/orders/7", "/a"]);
    let dir = gateway.directory();
    check(
        dir,
        &["", "--where", "status >= 500 and route = orders", "-p", "data"],
        &tail(&gateway, "/orders/7"),
    );
    check(dir, &["", "--where", "status = 404", "-p", "data"], "");
    check(dir, &["", "-c", "--since", "10m", "-p", "data"], "2\n");
    check(dir, &["", "-c", "--until", "10m", "-p", "data"], "");
}

#[test]
fn segments_without_anything_wanted_are_not_read() {
    let mut gateway = gateway(&["/orders/7", "/orders/8"]);
    gateway.terminate().unwrap();
    gateway.restart().unwrap();
    ask(&gateway, &["/a", "/b"]);
    gateway.terminate().unwrap();
    let dir = gateway.directory().to_path_buf();
    let first = segments(gateway.data())[0].clone();
    // Damage in the first segment is told of by whoever reads it.
    let mut bytes = std::fs::read(&first).unwrap();
    let place = bytes.windows(9).position(|window| window == b"/orders/7").unwrap();
    bytes[place] ^= 1;
    std::fs::write(&first, &bytes).unwrap();
    let reads_it = |arguments: &[&str]| {
        let done = run(&dir, &[arguments, &["-p", "data"]].concat());
        (done.err.contains("is damaged"), done.status, done.out.lines().count())
    };
    assert_eq!(reads_it(&[""]), (true, Some(3), 3));
    assert_eq!(reads_it(&["", "--where", "route = rest"]), (false, Some(0), 2));
    assert_eq!(reads_it(&["", "--where", "route = orders"]), (true, Some(3), 1));
    assert_eq!(reads_it(&["", "--where", "user_id = 7"]), (false, Some(1), 0));
    assert_eq!(reads_it(&["", "--until", "1d"]), (false, Some(1), 0));
    assert_eq!(reads_it(&["", "--where", "ts < '2020-01-01T00:00:00Z'"]), (false, Some(1), 0));
    let alone = run(&dir, &["", "--where", "route = rest", "-p", first.to_str().unwrap()]);
    assert_eq!((alone.status, alone.err.as_str()), (Some(1), ""));
}

#[test]
fn a_folder_that_is_no_data_directory_is_refused_where_one_is_meant() {
    let dir = crate::folder(&[("lockgate.toml", CONFIG.as_bytes())]);
    let done = crate::Done::from(search(dir.path(), &["x"]).output().unwrap());
    assert_eq!(done.status, Some(3));
    assert!(done.err.contains("there is no journal to search"), "{}", done.err);
}
