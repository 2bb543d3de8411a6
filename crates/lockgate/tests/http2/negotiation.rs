//! Upstreams whose version of HTTP is agreed on by each TLS handshake (`protocol = "auto"`).

use std::time::{Duration, Instant};

use testkit::websocket::open_request;
use testkit::{Answer, GatewayProcess, Origin, Porter, Step};

use crate::front::{BOTH, Front, HTTP1, HTTP2, NOTHING};
use crate::health::wait;
use crate::origin::{Health, Http2Origin};
use crate::upstreams::open_connections;
use crate::{Client, LOCKGATE, request};

/// Longest wait for anything.
const WAIT: Duration = Duration::from_secs(20);

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

/// A gateway before one endpoint that speaks TLS; an origin of each version of HTTP lies behind that.
struct Stand {
    gateway: GatewayProcess,
    front: Front,
    http1: Origin,
    http2: Http2Origin,
}

impl Stand {
    #[track_caller]
    fn start(speaks: &'static [&'static str], more: &str) -> Self {
        Self::with(speaks, more, |front| front.address.to_string())
    }

    #[track_caller]
    fn with(speaks: &'static [&'static str], more: &str, endpoint: impl Fn(&Front) -> String) -> Self {
        let http1 = Origin::start(|request| match request.line.target.as_str() {
            "/ws" => Answer::new().send(SWITCH).then(Step::Tunnel),
            "/close" => {
                Answer::bytes("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nHTTP").close()
            }
            _ => Answer::ok("HTTP"),
        });
        let http2 = Http2Origin::start(100);
        let front = Front::start(speaks, &http1, &http2);
        let config = format!(
            "[workers]\ncount = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\nprotocols = [\"h1\", \"h2c\"]\n\
             [upstream.origin]\nprotocol = \"auto\"\ntls = {{ verify = false }}\nendpoints = [\"{}\"]\n{more}\n\
             [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"origin\"\n",
            endpoint(&front)
        );
        let started = GatewayProcess::start(LOCKGATE, &config);
        let gateway = started.unwrap_or_else(|error| panic!("{error}\n{config}"));
        Self { gateway, front, http1, http2 }
    }

    fn client(&self) -> Client {
        Client::connect(self.gateway.address())
    }

    /// Asks by HTTP/1.1 and says by which version the upstream was asked.
    #[track_caller]
    fn version(&self, method: &str, path: &str) -> u8 {
        let answer = self.gateway.ask(format!("{method} {path} HTTP/1.1\r\nHost: test\r\n\r\n")).unwrap();
        assert_eq!(answer.status(), 200, "{}\n{}", answer.text(), self.gateway.log());
        if answer.fields.lists("x-version", "HTTP/2.0") { 2 } else { 1 }
    }

    /// So many requests at the same time, sent while handshakes wait; how many were answered by HTTP/2.
    #[track_caller]
    fn at_once(&self, count: usize, path: &str) -> usize {
        let already = self.front.accepted();
        self.front.hold(true);
        self.client().run(async |send| {
            let mut send = send.ready().await.unwrap();
            let asked: Vec<_> = (0..count)
                .map(|_| send.send_request(request("GET", path).body(()).unwrap(), true).unwrap().0)
                .collect();
            while self.front.accepted() == already {
                tokio::task::yield_now().await;
            }
            self.front.hold(false);
            let mut by_http2 = 0;
            for answer in asked {
                let answer = answer.await.unwrap();
                assert_eq!(answer.status(), 200);
                by_http2 += usize::from(answer.headers().contains_key("x-version"));
            }
            by_http2
        })
    }

    /// Waits until only so many connections to the endpoint are open.
    #[track_caller]
    fn wait_for_open(&self, count: u64) {
        let end = Instant::now() + WAIT;
        while open_connections(&self.gateway) != count {
            assert!(Instant::now() < end, "{} connections are open", open_connections(&self.gateway));
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn requests_share_a_connection_where_http_2_is_picked() {
    let stand = Stand::start(BOTH, "");
    assert_eq!(stand.at_once(20, "/"), 20);
    for size in [0_usize, 1, 500_000] {
        let body = vec![b'x'; size];
        let answer = stand.client().ask(request("POST", "/a").body(()).unwrap(), Some(&body)).unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, size));
        assert_eq!(stand.version("GET", "/"), 2);
    }
    assert_eq!((stand.front.accepted(), stand.front.agreed()), (1, vec!["h2".to_owned()]));
    assert_eq!(stand.http2.seen()[0].uri().to_string(), "https://test/");
}

#[test]
fn requests_follow_each_other_on_a_connection_where_http_1_is_picked() {
    for (speaks, agreed) in [(HTTP1, "http/1.1"), (NOTHING, "")] {
        let stand = Stand::start(speaks, "");
        for number in 0..20 {
            assert_eq!(stand.version(if number % 2 == 0 { "GET" } else { "POST" }, "/"), 1);
        }
        assert_eq!((stand.front.accepted(), stand.front.agreed()), (1, vec![agreed.to_owned()]));
        assert_eq!((stand.http1.hits(), stand.http2.connections()), (20, 0));
    }
}

#[test]
fn no_connection_is_made_in_vain_to_learn_what_is_picked() {
    let stand = Stand::start(HTTP1, "");
    assert_eq!(stand.at_once(20, "/"), 0);
    let connections = stand.http1.connections();
    assert_eq!(connections.len(), stand.front.accepted());
    assert!(connections.len() <= 20 && connections.iter().all(|connection| connection.heads > 0));
}

#[test]
fn an_endpoint_may_pick_something_else_with_each_connection() {
    let stand = Stand::start(BOTH, "");
    for _ in 0..5 {
        stand.front.speak(BOTH);
        // Said goodbye to behind it, by the one and by the other.
        assert_eq!(stand.version("POST", "/goodbye"), 2);
        stand.front.speak(HTTP1);
        assert_eq!(stand.version("POST", "/close"), 1);
        assert_eq!(stand.version("GET", "/close"), 1);
    }
    assert_eq!(stand.front.agreed().len(), 15);
}

#[test]
fn a_server_that_is_exchanged_for_another_is_spoken_to_by_what_that_one_picks() {
    let stand = Stand::start(HTTP1, "");
    assert_eq!(stand.at_once(20, "/"), 0);
    // All of them find out at the same time, and go on by one connection.
    stand.front.speak(BOTH);
    stand.front.cut();
    stand.wait_for_open(0);
    assert_eq!(stand.at_once(20, "/"), 20);
    stand.wait_for_open(1);
    assert_eq!(stand.version("GET", "/"), 2);
    stand.front.speak(NOTHING);
    stand.front.cut();
    assert_eq!(stand.at_once(20, "/"), 0);
    stand.front.cut();
    stand.front.speak(HTTP2);
    assert_eq!(stand.version("GET", "/"), 2);
}

#[test]
fn a_connection_that_is_open_is_used_for_what_it_is() {
    let stand = Stand::start(BOTH, "connections = 1\nhealth = { path = \"/\", every = \"100ms\" }");
    assert_eq!(stand.version("GET", "/"), 2);
    stand.front.speak(HTTP1);
    // A check has found out, and there is room for one connection only.
    stand.http1.wait("two checks have come", |connections| connections.len() >= 2);
    for _ in 0..20 {
        assert_eq!(stand.version("POST", "/"), 2);
    }
}

#[test]
fn a_websocket_goes_by_http_1_and_leaves_the_others_as_they_are() {
    let stand = Stand::start(BOTH, "");
    assert_eq!(stand.version("GET", "/"), 2);
    for _ in 0..2 {
        let mut client = stand.gateway.connect().unwrap();
        assert_eq!(client.ask(open_request("/ws", "test")).unwrap().status(), 101);
        client.send("hello").unwrap();
        assert_eq!(client.bytes(5).unwrap(), b"hello");
        assert_eq!(stand.version("GET", "/"), 2);
    }
    // What is not switched can be used for the next that asks.
    for _ in 0..2 {
        let answer = stand.gateway.connect().unwrap().ask(open_request("/", "test")).unwrap();
        assert_eq!((answer.status(), answer.text()), (200, "HTTP".to_owned()));
        assert_eq!(stand.version("POST", "/"), 2);
    }
    assert_eq!(stand.front.agreed(), ["h2", "http/1.1", "http/1.1", "http/1.1"]);
}

#[test]
fn an_endpoint_that_takes_no_websockets_is_none_that_fails() {
    let stand = Stand::start(HTTP2, "rest = \"1h\"");
    assert_eq!(stand.version("GET", "/"), 2);
    let answer = stand.gateway.connect().unwrap().ask(open_request("/ws", "test")).unwrap();
    assert_eq!((answer.status(), answer.json()["reason"].as_str()), (502, Some("connect_failed")));
    let upstreams = stand.gateway.admin("GET", "/upstreams").unwrap().json();
    let endpoint = &upstreams[0]["endpoints"][0];
    assert_eq!((endpoint["resting"].as_bool(), endpoint["failures"].as_u64()), (Some(false), Some(0)));
    assert_eq!(stand.version("GET", "/"), 2);
    assert!(
        stand.gateway.log().contains("a TLS handshake with an upstream failed"),
        "{}",
        stand.gateway.log()
    );
}

#[test]
fn connections_that_name_their_client_are_agreed_on_one_by_one() {
    for (speaks, version) in [(BOTH, 2), (HTTP1, 1)] {
        let stand = Stand::with(speaks, "proxy_protocol = \"v1\"", |front| {
            Porter::before(&front.address.to_string()).address().to_owned()
        });
        for method in ["GET", "POST", "GET"] {
            assert_eq!(stand.version(method, "/"), version);
        }
        assert_eq!(stand.front.accepted(), 3);
        stand.wait_for_open(0);
    }
}

#[test]
fn checks_are_made_by_what_is_picked() {
    const GRPC: &str = "health = { grpc = \"\", every = \"100ms\", timeout = \"1s\" }";
    const PATH: &str = "health = { path = \"/healthz\", every = \"100ms\", timeout = \"1s\" }";
    let needs_http2 = "no HTTP/2, which gRPC needs: HTTP/1.1 was agreed on";
    for (speaks, check, state, reason) in [
        (BOTH, PATH, "healthy", "status 200"),
        (HTTP1, PATH, "healthy", "status 200"),
        (NOTHING, PATH, "healthy", "status 200"),
        (BOTH, GRPC, "healthy", "SERVING"),
        (HTTP1, GRPC, "out", needs_http2),
    ] {
        let stand = Stand::start(speaks, check);
        stand.http2.say(Health::Serving(1));
        wait(&stand.gateway, &stand.front.address.to_string(), state, reason);
        let by_http1 = stand.http1.requests();
        assert!(by_http1.iter().all(|asked| asked.fields.lists("connection", "close")));
        assert_eq!(by_http1.is_empty(), speaks == BOTH || check == GRPC);
        assert_eq!(stand.version("GET", "/"), if speaks == BOTH { 2 } else { 1 });
    }
}
