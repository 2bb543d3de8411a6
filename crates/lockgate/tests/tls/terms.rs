//! Terms that a reload puts in force hold for connections that are open, too.

use std::io::{Read, Write};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::Request;
use rustls::pki_types::ServerName;
use testkit::websocket::open_request;
use testkit::{Answer, GatewayProcess, Origin, RawClient, Step};
use tls::SelfSigned;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsConnector;

use crate::{Client, Folder, Trust, config, get, listener, write_certificate};

const PARTNER: &str = "client_certificates = { authority = \"partner.pem\" }";
const OTHER: &str = "client_certificates = { authority = \"other.pem\" }";
const MODERN: &str = "tls_policy = \"modern\"";
const HTTP1: &str = "protocols = [\"h1\"]";

/// A connection of HTTP/2. It is looked after only while something is asked.
struct Http2 {
    runtime: Runtime,
    send: SendRequest<Bytes>,
}

impl Http2 {
    fn connect(address: &str, trust: &Trust) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let send = runtime.block_on(async {
            let socket = TcpStream::connect(address).await.unwrap();
            let name = ServerName::try_from("site.example").unwrap();
            let stream = TlsConnector::from(trust.by_http2()).connect(name, socket).await.unwrap();
            let (send, connection) = h2::client::handshake(stream).await.unwrap();
            tokio::spawn(async move {
                // Its end is seen by whoever asks.
                let _ = connection.await;
            });
            send
        });
        Self { runtime, send }
    }

    /// Begins a request.
    fn begin(&mut self, path: &str) -> Result<ResponseFuture, h2::Error> {
        let request = Request::get(format!("https://site.example{path}")).body(()).unwrap();
        let send = self.send.clone();
        self.runtime.block_on(async { Ok(send.ready().await?.send_request(request, true)?.0) })
    }

    /// The status of the answer.
    fn status(&mut self, answer: ResponseFuture) -> Result<u16, h2::Error> {
        let answered = async { tokio::time::timeout(Duration::from_secs(20), answer).await };
        Ok(self.runtime.block_on(answered).expect("an answer comes in time")?.status().as_u16())
    }

    fn ask(&mut self, path: &str) -> Result<u16, h2::Error> {
        let answer = self.begin(path)?;
        self.status(answer)
    }
}

/// A gateway with a partner of its clients, another one, and what a client has that is the partner.
struct Stand {
    gateway: GatewayProcess,
    origin: Origin,
    site: SelfSigned,
    trust: Trust,
}

impl Stand {
    /// With these keys of its listener, and these sections.
    fn start(more: &str, origin: Origin) -> Self {
        let folder = Folder::new();
        let site = folder.certificate("site", &["site.example"]);
        let partner = folder.certificate("partner", &["partner.example"]);
        folder.certificate("other", &["other.example"]);
        let trust = Trust::showing(&site, &partner);
        let gateway = folder.start(&listener(&["site"], more), &origin);
        Self { gateway, origin, site, trust }
    }

    fn client(&self) -> Client {
        Client::connect(self.gateway.address(), "site.example", &self.trust).unwrap()
    }

    fn http2(&self) -> Http2 {
        Http2::connect(self.gateway.address(), &self.trust)
    }

    /// Puts another listener in its place.
    #[track_caller]
    fn reload(&self, listener: &str) {
        self.gateway.rewrite_config(&config(listener, &self.origin)).unwrap();
        let answer = self.gateway.admin("POST", "/reload").unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text());
    }
}

#[test]
fn nothing_is_answered_on_a_connection_that_does_not_meet_new_terms() {
    for (before, after) in [("", PARTNER), (PARTNER, OTHER), (PARTNER, ""), ("", MODERN), ("", HTTP1)] {
        let stand = Stand::start(before, Origin::answering(Answer::ok("ok")));
        let (mut client, mut http2) = (stand.client(), stand.http2());
        assert!(client.ask(&get("site.example", "/")).unwrap().ends_with("ok"));
        assert_eq!(http2.ask("/").unwrap(), 200);
        stand.reload(&listener(&["site"], after));
        let what = format!("from `{before}` to `{after}`");
        let answer = client.ask(&get("site.example", "/"));
        assert!(answer.is_err(), "{what}: {answer:?}");
        let answer = http2.ask("/");
        assert!(answer.is_err(), "{what}: {answer:?}");
        assert_eq!(stand.origin.hits(), 2, "{what}");
    }
}

#[test]
fn an_authority_that_is_replaced_in_its_file_counts_as_another() {
    let stand = Stand::start(PARTNER, Origin::answering(Answer::ok("ok")));
    let (mut client, mut http2) = (stand.client(), stand.http2());
    assert!(client.ask(&get("site.example", "/")).unwrap().ends_with("ok"));
    assert_eq!(http2.ask("/").unwrap(), 200);
    write_certificate(stand.gateway.directory(), "partner", &["partner.example"]);
    assert_eq!(stand.gateway.admin("POST", "/reload").unwrap().status(), 200);
    assert!(client.ask(&get("site.example", "/")).is_err());
    assert!(http2.ask("/").is_err());
    assert_eq!(stand.origin.hits(), 2);
}

#[test]
fn cleartext_ends_where_tls_begins_and_the_other_way_round() {
    let stand = Stand::start("", Origin::answering(Answer::ok("ok")));
    let mut secured = stand.client();
    assert!(secured.ask(&get("site.example", "/")).unwrap().ends_with("ok"));
    stand.reload("[[listener]]\naddress = \"127.0.0.1:0\"");
    assert!(secured.ask(&get("site.example", "/")).is_err());
    let mut plain = RawClient::connect(stand.gateway.address()).unwrap();
    assert_eq!(plain.ask(get("site.example", "/")).unwrap().status(), 200);
    stand.reload(&listener(&["site"], ""));
    assert!(plain.ask(get("site.example", "/")).is_err());
    assert!(stand.client().ask(&get("site.example", "/")).unwrap().ends_with("ok"));
    assert_eq!(stand.origin.hits(), 3);
}

#[test]
fn what_has_been_asked_before_is_answered_and_nothing_behind_it() {
    let (gate, origin) = Origin::slow_and_fast();
    let stand = Stand::start("", origin);
    let (mut client, mut http2) = (stand.client(), stand.http2());
    let two = [get("site.example", "/slow"), get("site.example", "/behind")].concat();
    client.stream().write_all(two.as_bytes()).unwrap();
    let slow = http2.begin("/slow").unwrap();
    // Lets it go out.
    http2.runtime.block_on(async {
        while stand.origin.connections().iter().map(|connection| connection.heads).sum::<usize>() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    stand.reload(&listener(&["site"], OTHER));
    let late = http2.ask("/late");
    assert!(late.is_err(), "{late:?}");
    gate.open();
    assert_eq!(http2.status(slow).unwrap(), 200);
    let answer = client.answer().unwrap();
    assert!(answer.ends_with("slow") && answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(client.stream().read(&mut [0]).unwrap(), 0, "close_notify comes behind it");
    assert_eq!(stand.origin.hits(), 2);
}

#[test]
fn a_head_that_ends_after_the_reload_is_not_answered() {
    let stand = Stand::start("", Origin::answering(Answer::ok("ok")));
    let mut client = stand.client();
    assert!(client.ask(&get("site.example", "/")).unwrap().ends_with("ok"));
    client.stream().write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    stand.reload(&listener(&["site"], PARTNER));
    let answer = client.ask("site.example\r\n\r\n");
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(stand.origin.hits(), 1);
}

#[test]
fn connections_outlive_the_renewal_of_a_certificate_and_terms_that_they_meet() {
    let stand = Stand::start(&format!("{PARTNER}\n{MODERN}"), Origin::answering(Answer::ok("ok")));
    let (mut client, mut http2) = (stand.client(), stand.http2());
    let mut both = || {
        assert!(client.ask(&get("site.example", "/")).unwrap().ends_with("ok"));
        assert_eq!(http2.ask("/").unwrap(), 200);
    };
    both();
    let new = write_certificate(stand.gateway.directory(), "site", &["site.example"]);
    assert_eq!(stand.gateway.admin("POST", "/reload").unwrap().status(), 200);
    let renewed = Trust::in_all(&[&stand.site, &new]);
    let shown = Client::connect(stand.gateway.address(), "site.example", &renewed).unwrap();
    assert!(shown.was_shown(&new));
    both();
    stand.reload(&listener(&["site"], &format!("{PARTNER}\nrequests = 100")));
    both();
}

#[test]
fn what_is_under_way_on_terms_of_before_has_the_time_of_a_drain() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf";
    let origin = Origin::start(move |request| match request.line.target.as_str() {
        "/ws" => Answer::new().send(switch).then(Step::Tunnel),
        _ => Answer::new().send(half).then(Step::Hold),
    });
    let drain = "[limits]\ndrain = \"300ms\"";
    let stand = Stand::start(drain, origin);
    let (mut tunnel, mut client, mut http2) = (stand.client(), stand.client(), stand.http2());
    assert!(tunnel.ask(&open_request("/ws", "site.example")).unwrap().starts_with("HTTP/1.1 101"));
    client.stream().write_all(get("site.example", "/http1").as_bytes()).unwrap();
    let mut began = [0; 12];
    client.stream().read_exact(&mut began).unwrap();
    assert_eq!(http2.ask("/http2").unwrap(), 200);
    stand.reload(&listener(&["site"], &format!("{OTHER}\n{drain}")));
    assert!(!matches!(tunnel.stream().read(&mut [0]), Ok(1..)));
    let mut rest = Vec::new();
    assert!(client.stream().read_to_end(&mut rest).is_err(), "{}", String::from_utf8_lossy(&rest));
    stand.origin.wait_until_closed();
    let output = stand.gateway.command(["tail", "--json"]).unwrap();
    let events = String::from_utf8(output.stdout).unwrap();
    for path in ["/http1", "/http2"] {
        let event = events.lines().find(|line| line.contains(path));
        assert!(event.is_some_and(|event| event.contains("\"terms_changed\"")), "{path}: {events}");
    }
}
