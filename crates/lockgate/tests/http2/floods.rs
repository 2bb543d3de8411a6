//! Clients that ask for work and give none: each is told to calm down, and others are served meanwhile.

use testkit::{Answer, GatewayProcess, Origin, Step};

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, block, frame, pseudo,
};
use crate::{Client, Frames, start};

/// RFC 9113 §7
const ENHANCE_YOUR_CALM: u32 = 11;

/// Sends until the gateway has had enough; the code it says so by, if it gets to say it.
fn flood(gateway: &GatewayProcess, begin: &[u8], mut part: impl FnMut(u32) -> Vec<u8>) -> Option<u32> {
    let mut client = Frames::connect(gateway.address());
    client.send(begin).unwrap();
    let mut ended = false;
    for at in 0..200_000_u32 {
        if client.send(&part(at)).is_err() {
            ended = true;
            break;
        }
    }
    let code = client.next_of(GOAWAY).map(|goaway| goaway.code());
    assert!(ended || code.is_some(), "all of it was taken");
    code
}

fn metric(gateway: &GatewayProcess, name: &str) -> u64 {
    let metrics = gateway.admin("GET", "/metrics").unwrap();
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[test]
fn floods_are_ended_and_counted() {
    let origin = Origin::start(|request| match request.line.target.as_str() {
        "/hold" => Answer::new().then(Step::Hold),
        _ => Answer::ok("ok"),
    });
    let gateway = start("", &origin);
    let head = block(&pseudo("GET", "/hold"));
    let open = frame(HEADERS, END_HEADERS, 1, &head);
    let cancel = |at: u32| {
        let stream = 2 * at + 1;
        [frame(HEADERS, END_HEADERS | END_STREAM, stream, &head), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])]
            .concat()
    };
    // A window that is opened too far is an error of the stream, for which the gateway resets it.
    let made = |at: u32| {
        let stream = 2 * at + 1;
        [
            frame(HEADERS, END_HEADERS | END_STREAM, stream, &head),
            frame(WINDOW_UPDATE, 0, stream, &[0x7f, 0xff, 0xff, 0xff]),
        ]
        .concat()
    };
    type Part<'a> = &'a dyn Fn(u32) -> Vec<u8>;
    let floods: [(&str, &[u8], Part<'_>); 9] = [
        ("rapid reset", &[], &cancel),
        ("resets made by the gateway", &[], &made),
        ("pings", &[], &|_| frame(PING, 0, 0, &[0; 8])),
        ("settings", &[], &|_| frame(SETTINGS, 0, 0, &[])),
        ("priorities", &[], &|at| frame(PRIORITY, 0, 2 * at + 1, &[0, 0, 0, 0, 1])),
        ("empty data", &open, &|_| frame(DATA, 0, 1, &[])),
        ("windows", &[], &|_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ("unknown frames", &[], &|_| frame(0x77, 0, 0, &[0; 16])),
        ("a head without an end", &frame(HEADERS, 0, 1, &head), &|_| {
            frame(CONTINUATION, 0, 1, &block(&[("x-a", "1")]))
        }),
    ];
    let mut client = Client::connect(gateway.address());
    assert_eq!(client.get("/").text(), "ok");
    for (what, begin, part) in floods {
        let code = flood(&gateway, begin, part);
        // The end may come as a reset of the connection before the reason is read.
        assert!(matches!(code, None | Some(ENHANCE_YOUR_CALM)), "{what}: {code:?}");
        assert_eq!(client.get("/").text(), "ok", "beside {what}");
    }
    let counted = metric(&gateway, "lockgate_listener_floods_total");
    // Those that are faults as well are ended as such.
    assert!(counted >= 6, "{counted}");
    assert!(origin.hits() < 5_000, "{}", origin.hits());
}

#[test]
fn a_small_block_that_becomes_a_large_head_is_refused() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start("", &origin);
    let mut client = Frames::connect(gateway.address());
    // A field of 4,000 bytes goes into the table (RFC 7541 §6.2.1), and is then named by one byte again and again.
    let value = "x".repeat(4_000);
    let mut head = block(&pseudo("GET", "/"));
    let mut stored = block(&[("x-bomb", &value)]);
    stored[0] = 0x40;
    head.extend(stored);
    head.extend([0x80 | 62; 12_000]);
    client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &head)).unwrap();
    // Who sends one would send others.
    assert_eq!(client.outcome(1), crate::frames::Outcome::Ended(ENHANCE_YOUR_CALM));
    assert_eq!(origin.hits(), 0);
    assert!(gateway.figures().unwrap().anonymous_bytes < 200 << 20);
}
