//! Upstreams of HTTP/2, for clients of both protocols.

use std::time::{Duration, Instant};

use testkit::{GatewayProcess, Porter};

use crate::frames::{RST_STREAM, frame, pseudo};
use crate::origin::Http2Origin;
use crate::{Client, Frames, LOCKGATE, request};

#[track_caller]
pub(crate) fn start(more: &str, origin: &Http2Origin) -> GatewayProcess {
    let config = format!(
        "[workers]\ncount = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\nprotocols = [\"h1\", \"h2c\"]\n\
         [upstream.origin]\nprotocol = \"h2\"\nendpoints = [\"{}\"]\n{more}\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"origin\"\n",
        origin.address
    );
    GatewayProcess::start(LOCKGATE, &config).unwrap_or_else(|error| panic!("{error}\n{config}"))
}

#[test]
fn requests_of_both_protocols_share_a_connection() {
    let origin = Http2Origin::start(100);
    let gateway = start("", &origin);
    let mut client = Client::connect(gateway.address());
    for size in [0_usize, 1, 16_384, 500_000] {
        let body = vec![b'x'; size];
        let answer = client.ask(request("POST", "/a?b=%22").body(()).unwrap(), Some(&body)).unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, size));
        let head =
            format!("POST /a HTTP/1.1\r\nHost: Test:80\r\nTE: trailers\r\nContent-Length: {size}\r\n\r\n");
        let answer = gateway.ask([head.as_bytes(), &body].concat()).unwrap();
        assert_eq!((answer.status(), answer.body.len()), (200, size));
        assert!(answer.fields.lists("x-version", "HTTP/2.0"));
    }
    assert_eq!(origin.connections(), 1);
    let seen = origin.seen();
    let (two, one) = (&seen[2], &seen[3]);
    assert_eq!(two.uri().to_string(), "http://test/a?b=%22");
    assert_eq!(one.uri().to_string(), "http://Test:80/a");
    assert_eq!(
        (one.headers()["te"].as_bytes(), one.headers()["content-length"].as_bytes()),
        (&b"trailers"[..], &b"1"[..])
    );
    assert_eq!(
        (one.headers()["via"].as_bytes(), two.headers()["via"].as_bytes()),
        (&b"1.1 lockgate"[..], &b"2.0 lockgate"[..])
    );
    assert!(!two.headers().contains_key("content-length") && !one.headers().contains_key("host"));
}

#[test]
fn many_requests_at_the_same_time_take_few_connections() {
    let origin = Http2Origin::start(10);
    let gateway = start("", &origin);
    let total = Client::connect(gateway.address()).run(async |send| {
        let mut send = send.ready().await.unwrap();
        let mut answers = Vec::new();
        for _ in 0..40 {
            answers.push(send.send_request(request("GET", "/").body(()).unwrap(), true).unwrap().0);
        }
        let mut total = 0;
        for answer in answers {
            total += usize::from(answer.await.unwrap().status() == 200);
        }
        total
    });
    assert_eq!(total, 40);
    assert!((1..=40 / 10 + 1).contains(&origin.connections()), "{}", origin.connections());
}

#[test]
fn bodies_that_wait_for_streams_and_windows_come_back_whole() {
    let origin = Http2Origin::start(7);
    let gateway = start("connections = 2", &origin);
    Client::connect(gateway.address()).run(async |send| {
        let mut under_way = Vec::new();
        for at in 0..60_usize {
            let mut send = send.clone().ready().await.unwrap();
            under_way.push(tokio::task::spawn(async move {
                let body: Vec<u8> = (0..at * at * 18).map(|byte| (byte * (at + 1) % 251) as u8).collect();
                let (answer, mut sending) =
                    send.send_request(request("POST", "/").body(()).unwrap(), false).unwrap();
                sending.send_data(body.clone().into(), true).unwrap();
                if at % 10 == 9 {
                    // Taken back, wherever it is by now.
                    return sending.send_reset(h2::Reason::CANCEL);
                }
                let answer = answer.await.unwrap();
                assert_eq!(answer.status().as_u16(), 200, "{at}");
                let (echo, trailers) = crate::client::read(answer.into_body()).await.unwrap();
                assert!(echo == body, "{at}: {} bytes of {}", echo.len(), body.len());
                assert_eq!(trailers.unwrap()["grpc-status"], "0");
            }));
        }
        for one in under_way {
            one.await.unwrap();
        }
    });
    assert!(origin.connections() <= 2);
}

#[test]
fn trailers_and_interim_responses_pass() {
    let origin = Http2Origin::start(100);
    let gateway = start("", &origin);
    Client::connect(gateway.address()).run(async |send| {
        let mut send = send.ready().await.unwrap();
        let (mut answer, mut sending) =
            send.send_request(request("POST", "/early").body(()).unwrap(), false).unwrap();
        sending.send_data("body".into(), false).unwrap();
        let mut trailers = http::HeaderMap::new();
        trailers.insert("x-check", "9".parse().unwrap());
        sending.send_trailers(trailers).unwrap();
        let hints =
            std::future::poll_fn(|context| answer.poll_informational(context)).await.unwrap().unwrap();
        assert_eq!(hints.status().as_u16(), 103);
        let answer = answer.await.unwrap();
        assert_eq!(answer.headers()["x-check"], "9");
        let (body, trailers) = crate::client::read(answer.into_body()).await.unwrap();
        assert_eq!((body.as_slice(), trailers.unwrap()["grpc-status"].as_bytes()), (&b"body"[..], &b"0"[..]));
    });
    let chunked = gateway.ask("GET / HTTP/1.1\r\nHost: test\r\nTE: trailers\r\n\r\n").unwrap();
    assert_eq!(chunked.status(), 200);
    assert!(chunked.fields.lists("transfer-encoding", "chunked"));
    let alone = Client::connect(gateway.address()).get("/trailers-only");
    assert_eq!((alone.status, alone.field("grpc-status")), (200, Some("5")));
}

#[test]
fn a_stream_that_fails_is_a_failure_of_its_request_alone() {
    let origin = Http2Origin::start(100);
    let gateway = start("", &origin);
    let mut client = Client::connect(gateway.address());
    for _ in 0..2 {
        assert_eq!(client.get("/reset").status, 502);
        let half = client.ask(request("POST", "/half").body(()).unwrap(), Some(b"half")).unwrap_err();
        assert_eq!(half.reason(), Some(h2::Reason::INTERNAL_ERROR));
        assert_eq!(client.get("/").status, 200);
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn what_an_upstream_has_not_looked_at_is_sent_again() {
    let origin = Http2Origin::start(100);
    let gateway = start("", &origin);
    let mut client = Client::connect(gateway.address());
    assert_eq!(client.get("/").status, 200);
    assert_eq!(client.get("/goodbye").status, 200);
    for _ in 0..3 {
        assert_eq!(client.get("/").status, 200);
    }
    assert_eq!(origin.connections(), 2);
}

#[test]
fn what_an_upstream_refuses_to_look_at_is_sent_again() {
    let origin = Http2Origin::start(100);
    let gateway = start("", &origin);
    let mut client = Client::connect(gateway.address());
    assert_eq!(client.get("/").status, 200);
    let answer = client.ask(request("POST", "/refuse-once").body(()).unwrap(), None).unwrap();
    assert_eq!((answer.status, origin.asked_to_refuse()), (200, 2));
}

#[test]
fn a_head_that_is_too_large_is_a_bad_answer() {
    let origin = Http2Origin::start(100);
    let gateway = start("[limits]\nresponse_head_bytes = \"2KiB\"\n", &origin);
    let mut client = Client::connect(gateway.address());
    for (bytes, status) in [(1_500, 200), (3_000, 502), (40_000, 502), (1_500, 200)] {
        assert_eq!(client.get(&format!("/large-head?{bytes}")).status, status, "{bytes} bytes");
    }
}

#[test]
fn a_request_that_is_taken_back_is_taken_from_its_upstream_too() {
    let origin = Http2Origin::start(100);
    let gateway = start("", &origin);
    let mut client = Frames::connect(gateway.address());
    client.ask(1, &pseudo("GET", "/wait"));
    client.ask(3, &pseudo("GET", "/"));
    assert_eq!(client.outcome(3), crate::frames::Outcome::Answered(200));
    client.send(&frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while origin.cancelled() == 0 {
        assert!(Instant::now() < end, "nothing was taken back");
        std::thread::sleep(Duration::from_millis(10));
    }
    client.ask(5, &pseudo("GET", "/"));
    assert_eq!(client.outcome(5), crate::frames::Outcome::Answered(200));
    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_client_of_grpc_is_told_by_a_status_of_grpc() {
    let origin = Http2Origin::start(100);
    let gateway = start("timeout = { response = \"20s\" }", &origin);
    let mut client = Client::connect(gateway.address());
    for (path, timeout, status) in [("/reset", "10S", "14"), ("/wait", "100m", "4")] {
        let asked =
            request("POST", path).header("content-type", "application/grpc").header("grpc-timeout", timeout);
        let answer = client.ask(asked.body(()).unwrap(), None).unwrap();
        assert_eq!((answer.status, answer.field("grpc-status")), (200, Some(status)), "{path}");
    }
    origin.go_on();
}

#[test]
fn an_upstream_that_speaks_http_1_is_a_failure() {
    let origin = testkit::Origin::answering(testkit::Answer::ok("ok"));
    let config = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.origin]\nprotocol = \"h2\"\nendpoints = [\"{}\"]\n\
         timeout = {{ connect = \"1s\", response = \"1s\" }}\n[[route]]\npath = \"/*\"\nupstream = \"origin\"\n",
        origin.address()
    );
    let gateway = GatewayProcess::start(LOCKGATE, &config).unwrap();
    assert!(matches!(gateway.get("/").unwrap().status(), 502 | 504));
}

#[test]
fn connections_that_name_their_client_are_not_shared() {
    let origin = Http2Origin::start(100);
    let porter = Porter::before(&origin.address.to_string());
    let config = format!(
        "[workers]\ncount = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\nprotocols = [\"h1\", \"h2c\"]\n\
         [upstream.origin]\nprotocol = \"h2\"\nproxy_protocol = \"v1\"\nendpoints = [\"{}\"]\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"origin\"\n",
        porter.address()
    );
    let gateway = GatewayProcess::start(LOCKGATE, &config).unwrap();
    let mut client = Client::connect(gateway.address());
    for size in [0_usize, 1, 500_000] {
        let body = vec![b'x'; size];
        let answer = client.ask(request("POST", "/").body(()).unwrap(), Some(&body)).unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, size));
    }
    assert_eq!(gateway.get("/").unwrap().status(), 200);
    assert_eq!(origin.connections(), 4);
    let headers = porter.headers();
    assert_eq!(headers[0], headers[2], "one client");
    assert_ne!(headers[0], headers[3], "another");
    assert!(headers.iter().all(|header| header.starts_with(b"PROXY TCP4 127.0.0.1 127.0.0.1 ")));
    let end = Instant::now() + Duration::from_secs(20);
    while open_connections(&gateway) > 0 {
        assert!(Instant::now() < end, "connections stay open");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn open_connections(gateway: &GatewayProcess) -> u64 {
    let upstreams = gateway.admin("GET", "/upstreams").unwrap().json();
    upstreams[0]["endpoints"][0]["open"].as_u64().unwrap()
}
