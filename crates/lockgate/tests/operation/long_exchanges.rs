//! Exchanges longer than ten seconds are recorded as they go on.

use std::time::Duration;

use testkit::{Answer, Origin, Step, single_upstream, websocket};

use crate::start;

/// Everything the journal says of the exchanges, as (kind, bytes in, bytes out), oldest first.
fn records(data: &std::path::Path) -> Vec<(String, u64, u64)> {
    let records = journal::read_dir(data).unwrap().map(|record| record.unwrap());
    let of = |record: journal::StoredRecord| {
        let event = record.event().unwrap();
        (event.kind.as_str().to_owned(), event.bytes_in, event.bytes_out)
    };
    records.map(of).collect()
}

#[test]
fn parts_and_the_end_of_a_long_answer_sum_up() {
    // 110 pieces, 100 ms apart: eleven seconds.
    let slow = Answer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 1100\r\n\r\n").then(Step::Drip(
        vec![b'x'; 1100].into(),
        10,
        Duration::from_millis(100),
    ));
    let origin = Origin::answering(slow);
    let mut gateway = start(&single_upstream(origin.address()));
    assert_eq!(gateway.get("/slow").unwrap().body.len(), 1100);
    gateway.terminate().unwrap();
    let records = records(gateway.data());
    let kinds: Vec<_> = records.iter().map(|r| r.0.as_str()).collect();
    assert_eq!(kinds, ["part", "done"], "{records:?}");
    assert_eq!(records.iter().map(|r| r.2).sum::<u64>(), 1100, "{records:?}");
    assert!(records[0].2 > 500, "the part carries what had been sent by then: {records:?}");
}

#[test]
fn a_tunnel_is_recorded_with_all_its_bytes() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let origin = Origin::answering(Answer::new().send(switch).then(Step::Tunnel));
    let mut gateway = start(&single_upstream(origin.address()));
    let mut client = gateway.connect().unwrap();
    assert_eq!(client.ask(websocket::open_request("/ws", "test")).unwrap().status(), 101);
    for _ in 0..10 {
        client.send([7; 500]).unwrap();
        client.bytes(500).unwrap();
    }
    drop(client);
    origin.wait_until_closed();
    gateway.terminate().unwrap();
    let records = records(gateway.data());
    assert_eq!(records.last().map(|r| r.0.as_str()), Some("done"), "{records:?}");
    let sums = (records.iter().map(|r| r.1).sum::<u64>(), records.iter().map(|r| r.2).sum::<u64>());
    assert_eq!(sums, (5000, 5000), "{records:?}");
}
