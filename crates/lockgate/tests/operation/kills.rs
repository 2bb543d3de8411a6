//! Kill -9 at any instant: every user is counted for what was received, and for no more than could have been.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

use lockgate_event::Kind;
use testkit::random::Random;
use testkit::{Answer, Origin, RawClient};

use crate::load::{Load, Tally, Work};
use crate::start;

/// Kills of one run: `LOCKGATE_KILLS`.
fn kills() -> usize {
    std::env::var("LOCKGATE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200)
}

const WORK: &[Work] = &[
    ("get", "GET /get HTTP/1.1\r\nHost: test\r\n\r\n"),
    ("chunked", "GET /chunked HTTP/1.1\r\nHost: test\r\n\r\n"),
    ("fixed", "GET /fixed HTTP/1.1\r\nHost: test\r\n\r\n"),
    ("post", "POST /post HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello"),
    ("large", "GET /large HTTP/1.1\r\nHost: test\r\n\r\n"),
];

fn config(origin: &Origin) -> String {
    let routes: String = ["get", "chunked", "post", "large"]
        .iter()
        .map(|name| format!("[[route]]\nname = \"{name}\"\npath = \"/{name}\"\nupstream = \"origin\"\n"))
        .collect();
    format!(
        "[data]\ndir = \"data\"\nwhen_full = \"refuse\"\nsegment = \"1MiB\"\nring = \"64KiB\"\n\
         [[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nendpoints = [\"{}\"]\n{routes}\
         [[route]]\nname = \"fixed\"\npath = \"/fixed\"\nrespond = {{ body = \"fixed\" }}\n",
        origin.address()
    )
}

fn origin() -> Origin {
    Origin::start(|received| match received.line.target.as_str() {
        "/chunked" => Answer::bytes(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
        ),
        "/large" => Answer::generated(200_000),
        _ => Answer::ok("ok"),
    })
}

/// Metered exchanges per route, read from the files alone.
pub(crate) fn counted(data: &Path) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::<String, i64>::new();
    let mut seen = HashSet::new();
    for record in journal::read_dir(data).expect("the data directory is readable") {
        let record = record.expect("the journal is whole");
        let event = record.event().expect("every record is of this version");
        assert!(
            event.kind == Kind::Part || seen.insert((event.id, event.kind)),
            "twice in the journal: {event:?}"
        );
        let one = match event.kind {
            Kind::Done => 1,
            Kind::Part => 0,
            Kind::Cut => -1,
        };
        if event.value.is_some() {
            *counts.entry(event.route.to_owned()).or_default() += one;
        }
    }
    counts
}

#[track_caller]
fn check_inequality(data: &Path, tally: &Tally) {
    let counted = counted(data);
    for (route, _) in WORK {
        let of = |counts: &BTreeMap<&str, u64>| counts.get(route).copied().unwrap_or(0) as i64;
        let (received, unseen) = (of(&tally.received), of(&tally.unseen));
        let counted = counted.get(*route).copied().unwrap_or(0);
        assert!(
            received <= counted && counted <= received + unseen,
            "{route}: {received} received, {counted} counted, {unseen} unseen"
        );
    }
}

#[test]
fn what_was_received_is_counted_over_many_kills() {
    let origin = origin();
    let mut gateway = start(&config(&origin));
    let mut random = Random::new(std::process::id().into());
    let mut tally = Tally::default();
    for kill in 1..=kills() {
        let load = Load::start(gateway.address(), 4, WORK);
        std::thread::sleep(Duration::from_micros(1000 + random.below(40_000) as u64));
        gateway.kill9();
        tally.add(load.stop());
        if kill % 20 == 0 {
            check_inequality(gateway.data(), &tally);
        }
        gateway.restart().unwrap();
    }
    gateway.terminate().unwrap();
    check_inequality(gateway.data(), &tally);
    println!("{} received over {} kills, unseen {:?}", tally.total(), kills(), tally.unseen);
    assert!(tally.total() > kills() as u64, "too little load to mean anything: {}", tally.total());
}

#[test]
fn without_a_kill_the_count_is_exact() {
    let origin = origin();
    let mut gateway = start(&config(&origin));
    let load = Load::start(gateway.address(), 4, WORK);
    std::thread::sleep(Duration::from_millis(500));
    let tally = load.stop();
    gateway.terminate().unwrap();
    assert_eq!(tally.failures, [] as [String; 0]);
    let counted = counted(gateway.data());
    let received: BTreeMap<String, i64> =
        tally.received.iter().map(|(r, n)| ((*r).to_owned(), *n as i64)).collect();
    assert_eq!(counted, received);
}

/// One client that may leave at any byte of the answer.
fn visit(address: &str, random: &mut Random, tally: &mut Tally) {
    let (route, request) = random.pick(WORK);
    let mut client = RawClient::connect(address).unwrap();
    client.send(request).unwrap();
    if random.once_in(2) && client.response("GET").is_ok() {
        *tally.received.entry(route).or_default() += 1;
        return;
    }
    *tally.unseen.entry(route).or_default() += 1;
    client.set_timeout(Duration::from_millis(20));
    // Fewer bytes may come than it waits for; it leaves all the same.
    let _ = client.bytes(random.below(if route == "large" { 200_000 } else { 50 }));
    client.reset();
}

#[test]
fn clients_that_leave_are_counted_for_no_more_than_they_asked() {
    let origin = origin();
    let mut gateway = start(&config(&origin));
    let mut random = Random::new(3);
    let mut tally = Tally::default();
    for _ in 0..600 {
        visit(gateway.address(), &mut random, &mut tally);
    }
    gateway.terminate().unwrap();
    check_inequality(gateway.data(), &tally);
    assert!(tally.total() > 200 && tally.unseen.values().sum::<u64>() > 200, "{tally:?}");
}
