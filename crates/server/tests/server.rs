//! A server in this process: start, reload, refusal, drain, with real sockets and files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use server::{ConfigSource, Options, ReloadError, Server, StartError};
use tempfile::TempDir;
use testkit::{Answer, FreeAddress, Gate, Origin, RawClient, Step};

const GET: &str = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
/// A drain that is not meant to be cut short.
const LONG: Duration = Duration::from_secs(30);

/// A configuration in a directory of its own, and the server that runs it.
struct Stand {
    dir: TempDir,
    server: Server,
}

fn start(config: &str) -> Stand {
    try_start(tempfile::tempdir().unwrap(), config).unwrap()
}

fn try_start(dir: TempDir, config: &str) -> Result<Stand, StartError> {
    write(dir.path(), config);
    let source = ConfigSource::File(dir.path().join("lockgate.toml"));
    let loaded = source.load().unwrap();
    let server = Server::start(loaded.config, source, Options::default())?;
    Ok(Stand { dir, server })
}

fn write(dir: &Path, config: &str) {
    let text = format!("{config}\n[admin]\naddress = \"127.0.0.1:0\"\n[data]\ndir = \"data\"\n");
    fs::write(dir.join("lockgate.toml"), text).unwrap();
}

fn listeners(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| format!("[[listener]]\naddress = \"{address}\"\n")).collect()
}

fn responding(body: &str) -> String {
    format!("[[route]]\npath = \"/*\"\nrespond = {{ body = \"{body}\" }}\n")
}

fn forwarding(origin: &str) -> String {
    format!(
        "[upstream.origin]\nendpoints = [\"{origin}\"]\n[[route]]\npath = \"/*\"\nupstream = \"origin\"\n"
    )
}

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Addresses that are kept free for the gateway, and how they are written.
fn free() -> ([FreeAddress; 2], [SocketAddr; 2]) {
    let kept = [FreeAddress::new(), FreeAddress::new()];
    let addresses = kept.each_ref().map(|free| free.address().parse().unwrap());
    (kept, addresses)
}

fn get(address: SocketAddr) -> String {
    testkit::ask(&address.to_string(), GET).unwrap().text()
}

impl Stand {
    fn rewrite(&self, config: &str) {
        write(self.dir.path(), config);
    }

    fn first(&self) -> SocketAddr {
        self.server.addresses()[0]
    }
}

#[test]
fn a_started_server_answers_everywhere() {
    let stand = start(&(listeners(&[ANY, ANY]) + &responding("hello")));
    for address in stand.server.addresses() {
        assert_eq!(get(address), "hello");
    }
    let ready =
        testkit::ask(&stand.server.admin_address().to_string(), "GET /ready HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(ready.unwrap().status(), 200);
    assert!(stand.server.drain(LONG).is_clean());
}

#[test]
fn a_start_names_every_address_that_is_taken_and_leaves_no_trace() {
    let taken = [TcpListener::bind(ANY).unwrap(), TcpListener::bind(ANY).unwrap()];
    let addresses = taken.each_ref().map(|socket| socket.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let refused = try_start(dir, &(listeners(&addresses) + &responding("hello"))).err();
    let Some(StartError::Bind(errors)) = refused else { panic!("{refused:?}") };
    assert_eq!(errors.iter().map(|error| error.address).collect::<Vec<_>>(), addresses);
    assert!(!path.join("data").exists());
}

#[test]
fn a_reload_adds_and_removes_listeners_and_changes_routes() {
    let (_kept, [one, two]) = free();
    let stand = start(&(listeners(&[one]) + &responding("old")));
    let mut kept = RawClient::connect(&one.to_string()).unwrap();
    assert_eq!(kept.ask(GET).unwrap().text(), "old");
    stand.rewrite(&(listeners(&[two, one]) + &responding("new")));
    let report = stand.server.reload().unwrap();
    assert_eq!(report.generation, 2);
    assert!(report.changes.contains(&format!("+ listener {two}")), "{report:?}");
    assert_eq!(stand.server.addresses(), [two, one]);
    assert_eq!([kept.ask(GET).unwrap().text(), get(two)], ["new", "new"], "the open connection is kept");
    stand.rewrite(&(listeners(&[two]) + &responding("new")));
    stand.server.reload().unwrap();
    assert!(kept.is_closed(), "an idle connection of a removed listener is closed");
    assert_eq!(get(two), "new");
    let end = Instant::now() + LONG;
    let refused = || RawClient::connect(&one.to_string()).is_err();
    assert!(std::iter::repeat_with(refused).take_while(|_| Instant::now() < end).any(|refused| refused));
    stand.rewrite(&(listeners(&[two, one]) + &responding("back")));
    stand.server.reload().unwrap();
    assert_eq!(get(one), "back");
}

#[test]
fn a_reload_that_fails_changes_nothing() {
    let taken = TcpListener::bind(ANY).unwrap();
    let (_kept, [one, two]) = free();
    let stand = start(&(listeners(&[one]) + &responding("old")));
    stand.rewrite(&(listeners(&[two, taken.local_addr().unwrap()]) + &responding("new")));
    let refused = stand.server.reload().unwrap_err();
    let ReloadError::Bind(errors) = refused else { panic!("{refused:?}") };
    assert_eq!(errors.iter().count(), 1);
    assert_eq!(get(one), "old");
    assert!(RawClient::connect(&two.to_string()).is_err(), "the other new address is given up again");
    stand.rewrite("[[listener]]\naddress = \"nowhere\"\n[[route]]\npath = \"x\"\n");
    let refused = stand.server.reload().unwrap_err();
    assert!(matches!(&refused, ReloadError::Refused(problems) if problems.len() >= 2), "{refused:?}");
    assert_eq!(get(one), "old");
    assert_eq!(stand.server.gauges().generation, 1);
}

#[test]
fn what_needs_a_restart_is_said_until_there_is_one() {
    let stand = start(&(listeners(&[ANY]) + &responding("old")));
    let restart = listeners(&[ANY]) + &responding("new") + "[workers]\ncount = 7\n";
    stand.rewrite(&restart);
    let report = stand.server.reload().unwrap();
    let said = "! workers.count takes effect after a restart".to_owned();
    assert!(report.changes.contains(&said), "{report:?}");
    assert_eq!(get(stand.first()), "new", "everything else is in force");
    assert!(stand.server.reload().unwrap().changes.contains(&said));
    assert_ne!(stand.server.gauges().workers, 7);
}

#[test]
fn a_reload_without_a_change_is_none() {
    let stand = start(&(listeners(&[ANY]) + &responding("hello")));
    let report = stand.server.reload().unwrap();
    assert_eq!((report.generation, report.changes.len()), (1, 0));
}

#[test]
fn a_drain_lets_an_exchange_end() {
    let gate = Gate::new();
    let (held, opened) = (gate.clone(), gate);
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate";
    let origin = Origin::start(move |_| Answer::new().then(Step::Wait(held.clone())).send(response));
    let stand = start(&(listeners(&[ANY]) + &forwarding(origin.address())));
    let data = stand.dir.path().join("data");
    let mut client = RawClient::connect(&stand.first().to_string()).unwrap();
    client.send(GET).unwrap();
    origin.wait("the request", |connections| connections.iter().any(|c| c.heads == 1));
    let draining = std::thread::spawn(move || (stand.server.drain(LONG), stand.dir));
    opened.open();
    assert_eq!(client.response("GET").unwrap().text(), "late");
    let (drained, _dir) = draining.join().unwrap();
    assert!(drained.is_clean(), "{drained:?}");
    let recorded: Vec<_> = journal::read_dir(&data).unwrap().map(Result::unwrap).collect();
    assert_eq!(recorded.len(), 1);
    assert!(recorded[0].place.is_some(), "the record is in a segment");
}

#[test]
fn a_removed_listener_s_connections_are_cut_at_the_deadline() {
    let origin = Origin::answering(Answer::new().then(Step::Hold));
    let (_kept, [one, two]) = free();
    let routes = forwarding(origin.address()) + "[limits]\ndrain = \"100ms\"\n";
    let stand = start(&(listeners(&[one, two]) + &routes));
    let mut busy = RawClient::connect(&one.to_string()).unwrap();
    let mut elsewhere = RawClient::connect(&two.to_string()).unwrap();
    busy.send(GET).unwrap();
    elsewhere.send(GET).unwrap();
    origin.wait("the requests", |connections| connections.iter().filter(|c| c.heads == 1).count() == 2);
    stand.rewrite(&(listeners(&[two]) + &routes));
    stand.server.reload().unwrap();
    assert!(busy.is_closed());
    let end = Instant::now() + LONG;
    while stand.server.gauges().exchanges != 1 && Instant::now() < end {
        std::thread::yield_now();
    }
    assert_eq!(stand.server.gauges().exchanges, 1, "the connections of other listeners go on");
}

#[test]
fn a_drain_is_cut_short_at_its_deadline() {
    let origin = Origin::answering(Answer::new().then(Step::Hold));
    let stand = start(&(listeners(&[ANY]) + &forwarding(origin.address())));
    let mut client = RawClient::connect(&stand.first().to_string()).unwrap();
    client.send(GET).unwrap();
    origin.wait("the request", |connections| connections.iter().any(|c| c.heads == 1));
    let drained = stand.server.drain(Duration::from_millis(50));
    assert!(!drained.is_clean());
    assert_eq!(drained.connections_cut(), 1);
}
