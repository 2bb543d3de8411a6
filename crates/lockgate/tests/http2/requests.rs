//! Whole requests and answers, between HTTP/2 and an origin of HTTP/1.1.

use testkit::{Answer, GatewayProcess, Origin, Step};

use crate::client::{exchange_words, read, when_tunnels_are_offered};
use crate::origin::Http2Origin;
use crate::{Client, LOCKGATE, request, start};

#[test]
fn an_origin_gets_a_request_like_any_other() {
    let origin = Origin::echo();
    let gateway = start("", &origin);
    let mut client = Client::connect(gateway.address());
    let asked = request("GET", "/a/../b?x=1").header("x-own", "yes").header("te", "trailers");
    let answer = client.ask(asked.body(()).unwrap(), None).unwrap();
    assert_eq!((answer.status, answer.field("content-type")), (200, Some("application/json")));
    let seen = &origin.requests()[0];
    assert_eq!((seen.line.method.as_str(), seen.line.target.as_str()), ("GET", "/b?x=1"));
    let fields = &seen.fields;
    for (name, value) in [
        ("host", "test"),
        ("x-own", "yes"),
        ("via", "2.0 lockgate"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "test"),
        ("x-forwarded-for", "127.0.0.1"),
    ] {
        assert_eq!(fields.all(name), [value], "{name}");
    }
    assert!(fields.all("transfer-encoding").is_empty() && fields.all("content-length").is_empty());
}

#[test]
fn what_goes_no_further_in_http_1_does_not_in_http_2() {
    let origin = Origin::echo();
    let gateway = start("", &origin);
    let asked = request("GET", "/").header("proxy-authorization", "Basic eA==").header("x-own", "yes");
    let asked = asked.header("x_forwarded_for", "192.0.2.1").body(()).unwrap();
    assert_eq!(Client::connect(gateway.address()).ask(asked, None).unwrap().status, 200);
    let fields = &origin.requests()[0].fields;
    assert_eq!((fields.has("proxy-authorization"), fields.has("x_forwarded_for")), (false, false));
    assert!(fields.has("x-own"));
}

#[test]
fn one_port_speaks_both_protocols() {
    let origin = Origin::answering(Answer::ok("ok"));
    let gateway = start("", &origin);
    for _ in 0..3 {
        assert_eq!(gateway.get("/").unwrap().status(), 200);
        assert_eq!(Client::connect(gateway.address()).get("/").text(), "ok");
    }
}

#[test]
fn crumbs_of_a_cookie_are_put_together() {
    let origin = Origin::echo();
    let gateway = start("", &origin);
    let asked = request("GET", "/").header("cookie", "a=1").header("cookie", "b=2; c=3").header("cookie", "");
    Client::connect(gateway.address()).ask(asked.body(()).unwrap(), None).unwrap();
    assert_eq!(origin.requests()[0].fields.all("cookie"), ["a=1; b=2; c=3"]);
}

#[test]
fn bodies_go_both_ways_with_and_without_a_length() {
    let origin = Origin::start(|request| {
        let length = request.fields.all("content-length").first().copied().unwrap_or("none").to_owned();
        let coding = request.fields.all("transfer-encoding").first().copied().unwrap_or("none").to_owned();
        let size: usize = request.line.target[1..].parse().unwrap();
        Answer::ok([format!("{length} {coding} "), "y".repeat(size)].concat())
    });
    let gateway = start("", &origin);
    let mut client = Client::connect(gateway.address());
    for size in [0_usize, 1, 16_384, 65_536, 3_000_000] {
        let body = "x".repeat(size);
        let path = format!("/{size}");
        let with = request("POST", &path).header("content-length", size).body(()).unwrap();
        let told = client.ask(with, Some(body.as_bytes())).unwrap().text();
        assert_eq!(told, format!("{size} none {}", "y".repeat(size)));
        let without = request("POST", &path).body(()).unwrap();
        let told = client.ask(without, Some(body.as_bytes())).unwrap().text();
        assert_eq!(told, format!("none chunked {}", "y".repeat(size)));
    }
    let sent: Vec<usize> = origin.requests().iter().map(|request| request.body.content.len()).collect();
    assert_eq!(sent, [0, 0, 1, 1, 16_384, 16_384, 65_536, 65_536, 3_000_000, 3_000_000]);
}

#[test]
fn trailers_go_both_ways() {
    let trailers = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n";
    let origin = Origin::answering(Answer::bytes(trailers));
    let gateway = start("", &origin);
    let answer = Client::connect(gateway.address()).run(async |send| {
        let mut send = send.ready().await.unwrap();
        let asked = request("POST", "/").body(()).unwrap();
        let (answer, mut sending) = send.send_request(asked, false).unwrap();
        sending.send_data("body".into(), false).unwrap();
        let mut trailers = http::HeaderMap::new();
        trailers.insert("x-check", "9".parse().unwrap());
        trailers.insert("content-length", "4".parse().unwrap());
        sending.send_trailers(trailers).unwrap();
        read(answer.await.unwrap().into_body()).await.unwrap()
    });
    assert_eq!(answer.0, b"ok");
    assert_eq!(answer.1.unwrap().get("x-sum").unwrap(), "7");
    let request = &origin.requests()[0];
    assert_eq!(request.body.content, b"body");
    assert_eq!(request.body.trailers.all("x-check"), ["9"]);
    assert!(request.body.trailers.all("content-length").is_empty(), "it frames, and comes too late");
}

#[test]
fn answers_without_a_body_end_with_their_heads() {
    let origin = Origin::start(|request| match request.line.target.as_str() {
        "/head" => Answer::bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        "/204" => Answer::bytes("HTTP/1.1 204 No Content\r\n\r\n"),
        _ => Answer::bytes("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 9\r\n\r\n"),
    });
    let gateway = start("", &origin);
    let mut client = Client::connect(gateway.address());
    for (method, path, status, length) in
        [("HEAD", "/head", 200, Some("5")), ("GET", "/204", 204, None), ("GET", "/304", 304, Some("9"))]
    {
        let answer = client.ask(request(method, path).body(()).unwrap(), None).unwrap();
        assert_eq!((answer.status, answer.field("content-length")), (status, length), "{path}");
        assert!(answer.body.is_empty());
    }
}

#[test]
fn interim_responses_come_before_the_answer() {
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    let origin =
        Origin::answering(Answer::bytes(early).send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    let gateway = start("", &origin);
    let hints = Client::connect(gateway.address()).run(async |send| {
        let mut send = send.ready().await.unwrap();
        let (mut answer, _) = send.send_request(request("GET", "/").body(()).unwrap(), true).unwrap();
        let hints = std::future::poll_fn(|context| answer.poll_informational(context)).await;
        assert_eq!(answer.await.unwrap().status(), 200);
        hints
    });
    let hints = hints.unwrap().unwrap();
    assert_eq!((hints.status().as_u16(), hints.headers()["link"].to_str().unwrap()), (103, "</a.css>"));
}

#[test]
fn a_success_that_opens_no_websocket_is_not_told_as_one() {
    let Some(hello) = testkit::component("hello") else { return };
    let http1 = Origin::start(|request| match request.line.target.as_str() {
        "/204" => Answer::bytes("HTTP/1.1 204 No Content\r\n\r\n"),
        "/426" => Answer::bytes("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno"),
        _ => Answer::ok("a page"),
    });
    let http2 = Http2Origin::start(100);
    let config = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\nprotocols = [\"h2c\"]\n\
         [upstream.h1]\nendpoints = [\"{}\"]\n[upstream.h2]\nprotocol = \"h2\"\nendpoints = [\"{}\"]\n\
         [[route]]\npath = \"/*\"\nupstream = \"h1\"\n[[route]]\npath = \"/h2\"\nupstream = \"h2\"\n\
         [[route]]\npath = \"/own\"\nrespond = {{ body = \"ours\" }}\n\
         [function.hello]\ncomponent = {hello:?}\n[[route]]\npath = \"/function\"\nfunction = \"hello\"\n",
        http1.address(),
        http2.address
    );
    let gateway = GatewayProcess::start(LOCKGATE, &config).unwrap_or_else(|error| panic!("{error}"));
    Client::connect(gateway.address()).run(async |send| {
        let mut send = when_tunnels_are_offered(send).await;
        for (path, status) in
            [("/200", 502), ("/204", 502), ("/h2", 502), ("/own", 502), ("/function", 502), ("/426", 426)]
        {
            let asked = request("CONNECT", path).extension(h2::ext::Protocol::from_static("websocket"));
            let (answer, _sending) = send.send_request(asked.body(()).unwrap(), false).unwrap();
            let (head, body) = answer.await.unwrap().into_parts();
            let said = String::from_utf8(read(body).await.unwrap().0).unwrap();
            assert_eq!(
                (head.status.as_u16(), said.contains("not_switched")),
                (status, status == 502),
                "{path}"
            );
        }
    });
    assert!(http1.requests().iter().all(|seen| seen.fields.lists("upgrade", "websocket")));
}

#[test]
fn a_refused_tunnel_is_told_as_refused_whatever_it_is_to_carry() {
    let config = "[[listener]]\naddress = \"127.0.0.1:0\"\nprotocols = [\"h2c\"]\n\
         [[route]]\npath = \"/here\"\nrespond = { body = \"ours\" }\n";
    let gateway = GatewayProcess::start(LOCKGATE, config).unwrap_or_else(|error| panic!("{error}"));
    Client::connect(gateway.address()).run(async |send| {
        let mut send = when_tunnels_are_offered(send).await;
        let asked = request("CONNECT", "/nowhere").header("content-type", "application/grpc");
        let asked = asked.extension(h2::ext::Protocol::from_static("websocket")).body(()).unwrap();
        let (answer, _sending) = send.send_request(asked, false).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().contains_key("grpc-status")), (404, false));
    });
}

#[test]
fn a_websocket_is_opened_by_extended_connect() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
    let origin = Origin::answering(Answer::new().send(switch).then(Step::Tunnel));
    let gateway = start("", &origin);
    Client::connect(gateway.address()).run(async |send| {
        let mut send = when_tunnels_are_offered(send).await;
        let asked = request("CONNECT", "/chat?x=1")
            .extension(h2::ext::Protocol::from_static("websocket"))
            .header("sec-websocket-version", "13")
            .header("sec-websocket-protocol", "chat");
        let (answer, mut sending) = send.send_request(asked.body(()).unwrap(), false).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["sec-websocket-protocol"], "chat");
        assert!(!answer.headers().contains_key("sec-websocket-accept"));
        let mut stream = answer.into_body();
        exchange_words(&mut sending, &mut stream).await;
        sending.send_data("".into(), true).unwrap();
        let rest = stream.data().await;
        assert!(rest.as_ref().is_none_or(|rest| rest.as_ref().is_ok_and(|data| data.is_empty())), "{rest:?}");
    });
    origin.wait_until_closed();
    let seen = &origin.requests()[0];
    assert_eq!((seen.line.method.as_str(), seen.line.target.as_str()), ("GET", "/chat?x=1"));
    assert!(seen.fields.lists("connection", "upgrade") && seen.fields.lists("upgrade", "websocket"));
    assert_eq!(seen.fields.all("sec-websocket-key")[0].len(), 24);
}
