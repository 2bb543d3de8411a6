//! Clients that ask for work and give none: each is told to calm down, and others are served meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use testkit::{Answer, GatewayProcess, Origin, Step};

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, Outcome, PADDED, PING, PRIORITY,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, block, frame, pseudo,
};
use crate::{Client, Frames, start};

/// How often each flood comes.
const FLOODS: u32 = 3;

/// Connections that ask for large answers and take none.
const GREEDY: usize = 8;

/// Streams of each of them, as many as the gateway allows.
const GREEDY_STREAMS: u32 = 100;

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

/// Asks all the while that something else goes on, each time with success; how often.
#[track_caller]
fn asks_beside(client: &mut Client, what: &str, goes_on: impl FnOnce()) -> u32 {
    /// Ends the asking, however what goes on does.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut asked = 0;
            while asked == 0 || !is_over.load(Ordering::Relaxed) {
                assert_eq!(client.get("/").text(), "ok", "beside {what}");
                asked += 1;
            }
            asked
        });
        let over = Over(&is_over);
        goes_on();
        drop(over);
        asking.join().unwrap_or_else(|_| panic!("a client is not served beside {what}"))
    })
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
    let floods: [(&str, &[u8], Part<'_>); 10] = [
        ("rapid reset", &[], &cancel),
        ("resets made by the gateway", &[], &made),
        ("pings", &[], &|_| frame(PING, 0, 0, &[0; 8])),
        ("settings", &[], &|_| frame(SETTINGS, 0, 0, &[])),
        ("priorities", &[], &|at| frame(PRIORITY, 0, 2 * at + 1, &[0, 0, 0, 0, 1])),
        ("empty data", &open, &|_| frame(DATA, 0, 1, &[])),
        ("padding", &open, &|_| frame(DATA, PADDED, 1, &[0])),
        ("windows", &[], &|_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ("unknown frames", &[], &|_| frame(0x77, 0, 0, &[0; 16])),
        ("a head without an end", &frame(HEADERS, 0, 1, &head), &|_| {
            frame(CONTINUATION, 0, 1, &block(&[("x-a", "1")]))
        }),
    ];
    let mut client = Client::connect(gateway.address());
    assert_eq!(client.get("/").text(), "ok");
    let mut asked = 1;
    for (what, begin, part) in floods {
        asked += asks_beside(&mut client, what, || {
            for _ in 0..FLOODS {
                let code = flood(&gateway, begin, part);
                // The end may come as a reset of the connection before the reason is read.
                assert!(matches!(code, None | Some(ENHANCE_YOUR_CALM)), "{what}: {code:?}");
            }
        });
    }
    let counted = metric(&gateway, "lockgate_listener_floods_total");
    // Those that are faults as well are ended as such.
    assert!(counted >= 7 * u64::from(FLOODS), "{counted}");
    let passed_on = origin.hits() - asked as usize;
    assert!(passed_on < 5_000 * FLOODS as usize, "{passed_on}");
}

#[test]
fn those_who_never_open_their_windows_keep_nobody_waiting_and_hold_little() {
    let origin = Origin::start(|request| match request.line.target.as_str() {
        "/large" => Answer::generated(1 << 20),
        _ => Answer::ok("ok"),
    });
    let gateway = start("", &origin);
    let mut client = Client::connect(gateway.address());
    assert_eq!(client.get("/").text(), "ok");
    let before = gateway.figures().unwrap().anonymous_bytes;
    let head = block(&pseudo("GET", "/large"));
    let mut greedy: Vec<Frames> = Vec::new();
    asks_beside(&mut client, "windows that are never opened", || {
        for _ in 0..GREEDY {
            let mut connection = Frames::connect(gateway.address());
            // SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 §6.5.2)
            connection.send(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])).unwrap();
            for at in 0..GREEDY_STREAMS {
                connection.send(&frame(HEADERS, END_HEADERS | END_STREAM, 2 * at + 1, &head)).unwrap();
            }
            for _ in 0..GREEDY_STREAMS {
                assert!(connection.next_of(HEADERS).is_some(), "each is answered");
            }
            greedy.push(connection);
        }
    });
    let held = gateway.figures().unwrap().anonymous_bytes.saturating_sub(before);
    // What waits is less than the 800 MiB that were asked for: a read buffer for each stream, and some more.
    let streams = GREEDY as u64 * u64::from(GREEDY_STREAMS);
    assert!(held < streams * (64 << 10), "{held} bytes of {streams} streams");
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
    assert_eq!(client.outcome(1), Outcome::Ended(ENHANCE_YOUR_CALM));
    assert_eq!(origin.hits(), 0);
    assert!(gateway.figures().unwrap().anonymous_bytes < 200 << 20);
}
