//! `Upgrade`: a tunnel after 101, nothing but HTTP before it.

use testkit::websocket::{Frame, open_request};
use testkit::{Answer, Gate, Origin, Step};

use crate::Stand;

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

fn tunnel() -> Answer {
    Answer::new().send(SWITCH).then(Step::Tunnel)
}

#[test]
fn a_tunnel_carries_bytes_both_ways_and_ends_with_either_side() {
    let stand = Stand::new(Origin::answering(tunnel()));
    let mut client = stand.gateway.connect().unwrap();
    let response = client.ask(open_request("/ws", "test")).unwrap();
    assert_eq!(response.status(), 101);
    assert!(response.fields.lists("connection", "upgrade") && response.fields.lists("upgrade", "websocket"));
    for size in [1, 100, 100_000, 3] {
        let bytes = vec![size as u8; size];
        client.send(&bytes).unwrap();
        assert_eq!(client.bytes(size).unwrap(), bytes);
    }
    drop(client);
    stand.origin.wait_until_closed();
}

#[test]
fn the_origin_sees_the_upgrade_asked_for() {
    let stand = Stand::new(Origin::answering(tunnel()));
    stand.gateway.connect().unwrap().ask(open_request("/ws", "test")).unwrap();
    let fields = &stand.origin.requests()[0].fields;
    assert!(fields.lists("connection", "upgrade") && fields.lists("upgrade", "websocket"), "{fields:?}");
    assert_eq!(fields.all("sec-websocket-key").len(), 1);
}

#[test]
fn a_client_may_finish_sending_and_still_listen() {
    let gate = Gate::new();
    let answer = Answer::new().send(SWITCH).then(Step::Wait(gate.clone())).send("after").close();
    let stand = Stand::new(Origin::answering(answer));
    let mut client = stand.gateway.connect().unwrap();
    assert_eq!(client.ask(open_request("/ws", "test")).unwrap().status(), 101);
    client.finish_sending().unwrap();
    gate.open();
    assert_eq!(client.rest().unwrap(), b"after");
}

#[test]
fn early_bytes_are_held_until_the_switch() {
    let gate = Gate::new();
    let answer = Answer::new().then(Step::Wait(gate.clone())).send(SWITCH).then(Step::Tunnel);
    let stand = Stand::new(Origin::answering(answer));
    let mut client = stand.gateway.connect().unwrap();
    client.send([open_request("/ws", "test").as_str(), "early"].concat()).unwrap();
    stand.origin.wait("the request has come", |c| c.iter().any(|c| c.heads == 1));
    let sent = stand.origin.connections()[0].bytes.clone();
    assert!(sent.ends_with(b"\r\n\r\n"), "sent before the switch: {}", sent.escape_ascii());
    gate.open();
    assert_eq!(client.response("GET").unwrap().status(), 101);
    assert_eq!(client.bytes(5).unwrap(), b"early");
}

#[test]
fn without_a_switch_early_bytes_go_nowhere() {
    for status in ["200 OK", "426 Upgrade Required", "400 No"] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno");
        let stand = Stand::new(Origin::answering(Answer::bytes(answer)));
        let mut client = stand.gateway.connect().unwrap();
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";
        client.send([open_request("/ws", "test").as_str(), smuggled].concat()).unwrap();
        assert_eq!(client.response("GET").unwrap().text(), "no", "{status}");
        assert!(client.is_closed(), "{status}: the connection must end");
        let seen = stand.origin.requests();
        assert_eq!(seen.len(), 1, "{status}: {seen:?}");
    }
}

#[test]
fn a_switch_to_something_else_is_refused() {
    let other = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n";
    let stand = Stand::new(Origin::answering(Answer::new().send(other).then(Step::Tunnel)));
    let response = stand.gateway.connect().unwrap().ask(open_request("/ws", "test")).unwrap();
    assert!(response.status() == 502 || response.field("upgrade") == "other", "{response:?}");
}

#[test]
fn an_upgrade_without_its_connection_option_is_no_upgrade() {
    let stand = Stand::new(Origin::echo());
    let request = "GET /x HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n\r\n";
    let echo = stand.gateway.ask(request).unwrap().json();
    assert!(!echo["fields"].to_string().to_lowercase().contains("upgrade"), "{echo}");
}

#[test]
fn an_upgrade_in_http_1_0_is_no_upgrade() {
    let stand = Stand::new(Origin::echo());
    let request = "GET /x HTTP/1.0\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let echo = stand.gateway.ask(request).unwrap().json();
    assert!(!echo["fields"].to_string().to_lowercase().contains("websocket"), "{echo}");
}

#[test]
fn websocket_frames_pass() {
    let stand = Stand::new(Origin::answering(Answer::new().then(Step::WebSocketEcho)));
    let mut client = stand.gateway.connect().unwrap();
    let response = client.ask(open_request("/ws", "test")).unwrap();
    assert_eq!(response.field("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    for payload in [&b""[..], b"hello", &vec![7; 70_000]] {
        let frame = Frame::whole(2, payload);
        client.send(frame.encode(Some([1, 2, 3, 4]))).unwrap();
        let expected = frame.encode(None);
        assert_eq!(client.bytes(expected.len()).unwrap(), expected);
    }
    client.send(Frame::whole(8, 1000_u16.to_be_bytes()).encode(Some([0; 4]))).unwrap();
    assert_eq!(client.rest().unwrap(), Frame::whole(8, 1000_u16.to_be_bytes()).encode(None));
}

#[test]
fn many_tunnels_do_not_mix() {
    let stand = Stand::new(Origin::answering(tunnel()));
    let mut clients: Vec<_> = (0..30)
        .map(|_| {
            let mut client = stand.gateway.connect().unwrap();
            client.ask(open_request("/ws", "test")).unwrap();
            client
        })
        .collect();
    for round in 0..10_u8 {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send([number as u8, round]).unwrap();
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.bytes(2).unwrap(), [number as u8, round]);
        }
    }
}
