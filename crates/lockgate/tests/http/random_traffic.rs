//! Random and damaged messages from both sides: nobody is ever sent what the oracle would not call whole.

use std::sync::{Arc, Mutex};

use testkit::oracle::{self, Rest};
use testkit::random::{self, Random};
use testkit::{Answer, ClientError, Origin};

use crate::{Stand, start};

/// Seed of a run: always the same, so that a failure is one for everybody, or `LOCKGATE_SEED` to look further.
fn seed() -> u64 {
    let given = std::env::var("LOCKGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or(7)
}

/// Random requests sent, each on a connection of its own.
const REQUESTS: usize = 1500;
/// Random answers given.
const ANSWERS: usize = 600;

type Essence = (String, Vec<u8>);

fn essence(requests: &[oracle::Request]) -> Vec<Essence> {
    requests.iter().map(|r| (r.line.method.clone(), r.body.content.clone())).collect()
}

/// Requests as the gateway may read them: it forgives empty lines before a request (RFC 9112 section 2.2).
fn readable(mut bytes: &[u8]) -> Vec<Essence> {
    let mut all = Vec::new();
    loop {
        while let Some(rest) = bytes.strip_prefix(b"\r\n") {
            bytes = rest;
        }
        match oracle::request(bytes) {
            oracle::Parsed::Complete(request, used) => {
                all.extend(essence(&[request]));
                bytes = &bytes[used..];
            }
            _ => return all,
        }
    }
}

/// What reached the origin since the last look; a request that stayed half must end with its connection.
fn news(stand: &Stand, looked: &mut Vec<usize>, sent: &str) -> Vec<Essence> {
    let mut all = Vec::new();
    for number in 0..stand.origin.connections().len() {
        if looked.len() <= number {
            looked.push(0);
        }
        let fresh = |records: &[testkit::ConnectionRecord]| {
            oracle::requests(&records[number].bytes[looked[number]..])
        };
        if fresh(&stand.origin.connections()).rest != Rest::Nothing {
            stand.origin.wait("a connection with half a request has ended", |records| {
                records[number].end.is_some() || fresh(records).rest == Rest::Nothing
            });
        }
        let records = stand.origin.connections();
        let stream = fresh(&records);
        assert!(
            !matches!(stream.rest, Rest::Refused(_)),
            "{sent}\nreached the origin as {:?}",
            records[number]
        );
        looked[number] = records[number].bytes.len();
        all.extend(essence(&stream.requests));
    }
    all
}

/// Whether every item of `part` is in `whole`, as often.
fn is_contained(part: &[Essence], whole: &[Essence]) -> bool {
    let mut left = whole.to_vec();
    part.iter().all(|item| left.iter().position(|other| other == item).map(|at| left.remove(at)).is_some())
}

#[test]
fn random_requests_reach_the_origin_whole_and_as_meant_or_not_at_all() {
    let stand = Stand::new(Origin::echo());
    let seed = seed();
    let mut random = Random::new(seed);
    let (mut looked, mut passed) = (Vec::new(), 0);
    for _ in 0..REQUESTS {
        let mut bytes = random::request(&mut random);
        if random.once_in(2) {
            random::mutate(&mut random, &mut bytes);
        }
        bytes.extend_from_slice(b"GET /next HTTP/1.1\r\nHost: test\r\n\r\n");
        let mut client = stand.gateway.connect().unwrap();
        // Refusals may close before everything has been sent.
        let _ = client.send(&bytes).and_then(|()| client.finish_sending());
        let _ = client.rest();
        let shown = format!("seed {seed}: {}", bytes.escape_ascii());
        let seen = news(&stand, &mut looked, &shown);
        assert!(is_contained(&seen, &readable(&bytes)), "{shown}\nreached the origin as {seen:?}");
        passed += seen.len();
    }
    assert!(passed > REQUESTS / 10, "only {passed} requests passed");
}

const HEADS: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n",
];
const BODIES: &[&str] =
    &["hello", "5\r\nhello\r\n0\r\n\r\n", "", "hello and more", "5\r\nhello\r\n0\r\nT: u\r\n\r\n"];

fn random_answer(random: &mut Random) -> Vec<u8> {
    let mut bytes = format!("{}\r\n{}", random.pick(HEADS), random.pick(BODIES)).into_bytes();
    if random.once_in(2) {
        random::mutate(random, &mut bytes);
    }
    bytes
}

/// Answers `/marker/N` with N, and everything else at random.
fn random_origin(seed: u64, given: Arc<Mutex<Vec<Vec<u8>>>>) -> Origin {
    let random = Mutex::new(Random::new(seed));
    Origin::start(move |received| {
        if let Some(number) = received.line.target.strip_prefix("/marker/") {
            return Answer::ok(number);
        }
        let mut random = random.lock().unwrap();
        let bytes = random_answer(&mut random);
        let answer = Answer::bytes(&bytes);
        given.lock().unwrap().push(bytes);
        if random.once_in(5) { answer } else { answer.close() }
    })
}

#[test]
fn random_answers_reach_the_client_whole_or_visibly_broken_and_never_mix() {
    let seed = seed();
    let given = Arc::new(Mutex::new(Vec::new()));
    let origin = random_origin(seed, Arc::clone(&given));
    let gateway = start(&format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n\
         [upstream.origin]\nendpoints = [\"{}\"]\ntimeout = {{ response = \"100ms\", idle = \"100ms\" }}\n\
         [[route]]\npath = \"/*\"\nupstream = \"origin\"\n",
        origin.address()
    ));
    let mut whole = 0;
    for number in 0..ANSWERS {
        match gateway.get("/random") {
            Ok(response) => whole += usize::from(response.status() == 200),
            Err(ClientError::Ended(_) | ClientError::Io(_)) => {}
            Err(other) => {
                let last = given.lock().unwrap().last().map(|bytes| bytes.escape_ascii().to_string());
                panic!("seed {seed}, answer {number}: {other:?} to {last:?}");
            }
        }
        let marker = gateway.get(&format!("/marker/{number}")).unwrap();
        assert_eq!(marker.text(), number.to_string(), "seed {seed}: an answer to another request came");
    }
    assert!(whole > ANSWERS / 10 && given.lock().unwrap().len() >= ANSWERS, "{whole} whole answers");
}
