//! One client connection, many requests: keep-alive, pipelining, half-close, HTTP/1.0.

use testkit::{Answer, Gate, Origin, RawClient, Step};

use crate::Stand;

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: test\r\n\r\n")
}

#[test]
fn connections_are_kept_on_both_sides() {
    let stand = Stand::new(Origin::echo());
    let mut client = stand.gateway.connect().unwrap();
    for number in 0..50 {
        assert_eq!(client.ask(get("/x")).unwrap().json()["number"], number);
    }
    assert_eq!(stand.origin.connections().len(), 1);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let stand = Stand::new(Origin::start(|received| {
        let body = received.line.target.clone();
        let slow = Answer::new().then(Step::ReadBody).then(Step::Drip(
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes().into(),
            10,
            std::time::Duration::from_millis(2),
        ));
        if body.ends_with('0') { slow } else { Answer::ok(body) }
    }));
    let mut client = stand.gateway.connect().unwrap();
    let targets: Vec<_> = (0..60).map(|n| format!("/{n}")).collect();
    let all: String = targets
        .iter()
        .enumerate()
        .map(|(n, target)| match n % 3 {
            0 => get(target),
            1 => format!("POST {target} HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc"),
            _ => format!(
                "PUT {target} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
            ),
        })
        .collect();
    client.send(all).unwrap();
    for target in &targets {
        assert_eq!(client.response("GET").unwrap().text(), *target);
    }
    assert_eq!(stand.origin.requests().len(), 60);
}

#[test]
fn requests_behind_a_close_are_not_served() {
    let stand = Stand::new(Origin::echo());
    let mut client = stand.gateway.connect().unwrap();
    client
        .send(
            "GET /1 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: test\r\n\r\n",
        )
        .unwrap();
    let response = client.response("GET").unwrap();
    assert!(response.fields.lists("connection", "close"));
    assert!(client.is_closed());
    assert_eq!(stand.origin.hits(), 1);
}

#[test]
fn a_half_closed_client_still_gets_its_answer() {
    let gate = Gate::new();
    let answer = Answer::new()
        .then(Step::ReadBody)
        .then(Step::Wait(gate.clone()))
        .send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
    let stand = Stand::new(Origin::answering(answer));
    let mut client = stand.gateway.connect().unwrap();
    client.send(get("/x")).unwrap();
    client.finish_sending().unwrap();
    stand.origin.wait("the request is whole", |c| c.iter().any(|c| c.complete == 1));
    gate.open();
    assert_eq!(client.response("GET").unwrap().text(), "late");
    assert!(client.is_closed());
}

#[test]
fn pipelined_requests_before_a_half_close_are_all_answered() {
    let stand = Stand::new(Origin::echo());
    let mut client = stand.gateway.connect().unwrap();
    client.send([get("/1"), get("/2"), get("/3")].concat()).unwrap();
    client.finish_sending().unwrap();
    for target in ["/1", "/2", "/3"] {
        assert_eq!(client.response("GET").unwrap().json()["target"], target);
    }
    assert!(client.is_closed());
}

#[test]
fn old_clients_are_closed_unless_they_ask_to_stay() {
    let stand = Stand::new(Origin::echo());
    let mut client = stand.gateway.connect().unwrap();
    client.ask("GET /x HTTP/1.0\r\nHost: test\r\n\r\n").unwrap();
    assert!(client.is_closed());
    let mut client = stand.gateway.connect().unwrap();
    for _ in 0..3 {
        let response = client.ask("GET /x HTTP/1.0\r\nHost: test\r\nConnection: keep-alive\r\n\r\n").unwrap();
        assert!(response.fields.lists("connection", "keep-alive"), "{:?}", response.fields);
        // RFC 9112 section 2.6: the gateway sends its own version on.
        assert_eq!(response.json()["minor"], 1);
    }
}

#[test]
fn an_old_client_needs_no_host() {
    let stand = Stand::new(Origin::echo());
    let response = stand.gateway.ask("GET /x HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(stand.origin.requests()[0].fields.all("host").len(), 1, "the origin is spoken to in HTTP/1.1");
}

#[test]
fn old_origins_are_kept_only_when_they_say_so() {
    for (fields, connections) in [("", 3), ("Connection: keep-alive\r\n", 1), ("Connection: close\r\n", 3)] {
        let head = format!("HTTP/1.0 200 OK\r\n{fields}Content-Length: 2\r\n\r\nok");
        let stand = Stand::new(Origin::answering(Answer::bytes(head)));
        let mut client = stand.gateway.connect().unwrap();
        for _ in 0..3 {
            let response = client.ask(get("/x")).unwrap();
            // RFC 9112 section 2.6: what an intermediary sends is its own version.
            assert_eq!((response.text().as_str(), response.line.minor), ("ok", 1), "{fields}");
        }
        assert_eq!(stand.origin.connections().len(), connections, "{fields}");
    }
}

#[test]
fn an_origin_that_closes_is_not_reused() {
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    let stand = Stand::new(Origin::answering(Answer::bytes(head)));
    let mut client = stand.gateway.connect().unwrap();
    for _ in 0..3 {
        assert!(!client.ask(get("/x")).unwrap().fields.lists("connection", "close"));
    }
    assert_eq!(stand.origin.connections().len(), 3);
}

#[test]
fn one_empty_line_before_a_request_is_forgiven() {
    let stand = Stand::new(Origin::echo());
    let mut client = stand.gateway.connect().unwrap();
    for _ in 0..3 {
        assert_eq!(client.ask(["\r\n", &get("/x")].concat()).map(|r| r.status()).unwrap_or(400), 200);
    }
    assert_eq!(stand.origin.requests().len(), 3);
}

#[test]
fn a_client_that_only_connects_costs_the_origin_nothing() {
    let stand = Stand::new(Origin::echo());
    let idle: Vec<_> = (0..50).map(|_| stand.gateway.connect().unwrap()).collect();
    let mut partial = stand.gateway.connect().unwrap();
    partial.send("GET /x HTTP/1.1\r\nHo").unwrap();
    assert_eq!(stand.gateway.get("/y").unwrap().status(), 200);
    drop(idle);
    partial.send("st: test\r\n\r\n").unwrap();
    assert_eq!(partial.response("GET").unwrap().status(), 200);
    assert_eq!(stand.origin.hits(), 2);
}

#[test]
fn many_clients_at_once_get_their_own_answers() {
    let stand = Stand::new(Origin::echo());
    std::thread::scope(|scope| {
        for client in 0..20 {
            let address = stand.gateway.address();
            scope.spawn(move || {
                let mut connection = RawClient::connect(address).unwrap();
                for number in 0..30 {
                    let target = format!("/{client}/{number}");
                    assert_eq!(connection.ask(get(&target)).unwrap().json()["target"], *target);
                }
            });
        }
    });
    assert_eq!(stand.origin.requests().len(), 600);
}
