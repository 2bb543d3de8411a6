//! The library as other programs use it: a proxy of one's own, in front of real services, asked by real clients.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use lockgate_event::{Event, EventRef};
use policy::{KeyFacts, KeySecret, Scopes};
use proxy::{Configured, Identity, ProxyHttp, Request, Response, Standalone, StandaloneError, Verdict};
use testkit::{Answer, Origin, RawClient};

const GET: &str = "GET /x HTTP/1.1\r\nHost: shop.example\r\n\r\n";
const WAIT: Duration = Duration::from_secs(20);

/// The records of all workers, to be waited for.
#[derive(Default)]
struct Records {
    list: Mutex<Vec<(Event, Vec<&'static str>)>>,
    changed: Condvar,
}

impl Records {
    /// Waits until there are so many.
    fn wait(&self, count: usize) -> Vec<(Event, Vec<&'static str>)> {
        let list = self.list.lock().unwrap();
        let (list, waited) = self.changed.wait_timeout_while(list, WAIT, |list| list.len() < count).unwrap();
        assert!(!waited.timed_out(), "{} of {count} records", list.len());
        list.clone()
    }
}

/// Takes part in every moment and notes in the context which have been.
#[derive(Clone, Default)]
struct Everywhere(Arc<Records>);

impl ProxyHttp for Everywhere {
    type Context = Vec<&'static str>;

    fn new_context(&self) -> Self::Context {
        vec!["new"]
    }

    fn identified(&self, identity: &Identity, moments: &mut Self::Context) {
        assert_eq!((identity.user_id(), identity.key_id()), (7, 70));
        moments.push("identified");
    }

    async fn request_filter(&self, request: &mut Request, moments: &mut Self::Context) -> Verdict {
        moments.push("request");
        // A hook may wait without stopping the others.
        tokio::task::yield_now().await;
        if request.has_field("x-teapot", None) {
            return Verdict::Answer {
                status: 418,
                content_type: "text/plain",
                body: b"short and stout".to_vec(),
            };
        }
        request.fields.append("x-seen", b"yes");
        Verdict::Continue
    }

    fn upstream_peer(&self, request: &Request, moments: &mut Self::Context) -> Option<&str> {
        moments.push("peer");
        let asked = request.fields.get("x-color").unwrap_or_default();
        ["green", "gray"].into_iter().find(|color| color.as_bytes() == asked)
    }

    fn upstream_request_filter(&self, request: &mut Request, moments: &mut Self::Context) {
        moments.push("upstream request");
        request.set_path(b"/changed");
        request.fields.remove("x-color");
    }

    fn response_filter(&self, response: &mut Response, moments: &mut Self::Context) {
        moments.push("response");
        response.fields.set("x-moments", moments.join(" ").as_bytes());
    }

    fn logging(&self, event: &EventRef<'_>, moments: &Self::Context) {
        self.0.list.lock().unwrap().push((event.to_event(), moments.clone()));
        self.0.changed.notify_all();
    }
}

/// A proxy with two services, `blue` by default and `green`.
fn start(workers: usize, blue: &Origin, green: &Origin, hooks: &Everywhere) -> Standalone {
    let text = format!(
        "workers = {{ count = {workers} }}\nlistener = [{{ address = \"127.0.0.1:0\" }}]\n\
         upstream.blue = {{ endpoints = [\"{}\"] }}\nupstream.green = {{ endpoints = [\"{}\"] }}\n\
         route = [{{ name = \"all\", path = \"/*\", upstream = \"blue\" }}]\n",
        blue.address(),
        green.address()
    );
    Standalone::start(&text, hooks).unwrap()
}

fn connect(proxy: &Standalone) -> RawClient {
    RawClient::connect(&proxy.addresses()[0].to_string()).unwrap()
}

#[test]
fn every_moment_can_be_taken_part_in() {
    let (blue, green) = (Origin::echo(), Origin::answering(Answer::status(202, "green")));
    let hooks = Everywhere::default();
    let proxy = start(1, &blue, &green, &hooks);
    let mut client = connect(&proxy);

    let response = client.ask(GET).unwrap();
    assert_eq!(response.field("x-moments"), "new request peer upstream request response");
    let got = &blue.requests()[0];
    assert_eq!((got.line.target.as_str(), got.fields.first("x-seen")), ("/changed", Some("yes")));

    let response = client.ask("GET /x HTTP/1.1\r\nHost: h\r\nX-Color: green\r\n\r\n").unwrap();
    assert_eq!((response.status(), response.text().as_str()), (202, "green"));
    assert_eq!(green.requests()[0].fields.first("x-color"), None);

    let response = client.ask("GET /x HTTP/1.1\r\nHost: h\r\nX-Color: gray\r\n\r\n").unwrap();
    assert_eq!((response.status(), response.json()["reason"].as_str()), (503, Some("no_endpoint")));

    let response = client.ask("GET /x HTTP/1.1\r\nHost: h\r\nX-Teapot: 1\r\n\r\n").unwrap();
    assert_eq!((response.status(), response.text().as_str()), (418, "short and stout"));

    let records = hooks.0.wait(4);
    let statuses: Vec<_> = records.iter().map(|(event, _)| event.status).collect();
    assert_eq!(statuses, [200, 202, 503, 418]);
    let last: Vec<_> = records.iter().map(|(_, moments)| *moments.last().unwrap()).collect();
    assert_eq!(last, ["response", "response", "peer", "request"], "the context goes through all moments");
    // The record shows what was asked, not what became of it.
    assert!(records.iter().all(|(event, _)| &*event.path == "/x" && &*event.route == "all"));
    assert!(proxy.drain(WAIT));
}

/// A proxy that asks for a key, and the one key there is.
fn start_guarded(origin: &Origin, hooks: &Everywhere) -> (Standalone, KeySecret) {
    let text = format!(
        "workers = {{ count = 1 }}\nlistener = [{{ address = \"127.0.0.1:0\" }}]\n\
         upstream.blue = {{ endpoints = [\"{}\"] }}\n\
         route = [{{ name = \"all\", path = \"/*\", upstream = \"blue\", access = \"key\" }}]\n",
        origin.address()
    );
    let proxy = Standalone::start(&text, hooks).unwrap();
    let secret = KeySecret::make("test", [7; 32]).unwrap();
    let facts = KeyFacts { key_id: 70, user_id: 7, expires_us: None, scopes: Scopes::All };
    proxy.plane().keys().replace(vec![(secret.hash(), facts)]);
    (proxy, secret)
}

#[test]
fn a_hook_learns_who_asks() {
    let origin = Origin::echo();
    let hooks = Everywhere::default();
    let (proxy, secret) = start_guarded(&origin, &hooks);
    let ask = format!("GET /x HTTP/1.1\r\nHost: h\r\nX-API-Key: {}\r\n\r\n", secret.expose());
    let response = connect(&proxy).ask(&ask).unwrap();
    assert_eq!(response.field("x-moments"), "new identified request peer upstream request response");
    assert_eq!((hooks.0.wait(1)[0].0.user_id, hooks.0.wait(1)[0].0.key_id), (Some(7), Some(70)));
    assert!(proxy.drain(WAIT));
}

#[test]
fn a_silent_tunnel_ends_when_its_key_is_revoked() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    let origin = Origin::answering(Answer::bytes(switch).then(testkit::Step::Tunnel));
    let hooks = Everywhere::default();
    let (proxy, secret) = start_guarded(&origin, &hooks);
    let mut client = connect(&proxy);
    let ask = format!(
        "GET /x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        secret.expose()
    );
    client.send(&ask).unwrap();
    assert_eq!(client.response("GET").unwrap().status(), 101);
    let revoked = std::time::Instant::now();
    proxy.plane().keys().apply(vec![(secret.hash(), None)]);
    assert!(client.is_closed());
    let records = hooks.0.wait(1);
    assert_eq!(records[0].0.reason.as_deref(), Some("key_revoked"));
    // It is looked at every second; the rest is for a machine with other things to do.
    assert!(revoked.elapsed() < Duration::from_secs(5), "{:?}", revoked.elapsed());
    assert!(proxy.drain(WAIT));
}

#[test]
fn ids_are_unique_across_workers() {
    let (blue, green) = (Origin::answering(Answer::ok("b")), Origin::answering(Answer::ok("g")));
    let hooks = Everywhere::default();
    let proxy = start(3, &blue, &green, &hooks);
    // The kernel spreads connections over the workers' sockets by their ports.
    let mut clients: Vec<_> = (0..24).map(|_| connect(&proxy)).collect();
    for client in &mut clients {
        for _ in 0..3 {
            assert_eq!(client.ask(GET).unwrap().text(), "b");
        }
    }
    let records = hooks.0.wait(72);
    let ids: HashSet<_> = records.iter().map(|(event, _)| event.id).collect();
    let nodes: HashSet<_> = records.iter().map(|(event, _)| event.id.node).collect();
    assert_eq!((ids.len(), records.len()), (72, 72));
    assert!(nodes.len() > 1, "more than one worker has served");
    drop(clients);
    assert!(proxy.drain(WAIT));
}

#[test]
fn a_drain_lets_the_running_exchange_end() {
    let (entered, gate) = (testkit::Gate::new(), testkit::Gate::new());
    let slow = Answer::new()
        .then(testkit::Step::Open(entered.clone()))
        .then(testkit::Step::Wait(gate.clone()))
        .send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
    let (blue, green) = (Origin::answering(slow), Origin::echo());
    let proxy = start(1, &blue, &green, &Everywhere::default());
    let (mut busy, mut idle) = (connect(&proxy), connect(&proxy));
    busy.send(GET).unwrap();
    assert!(entered.wait(WAIT));
    let draining = std::thread::spawn(move || proxy.drain(WAIT));
    assert!(idle.is_closed(), "an idle connection ends at once");
    gate.open();
    let response = busy.response("GET").unwrap();
    assert_eq!((response.text().as_str(), response.field("connection")), ("late", "close"));
    assert!(draining.join().unwrap(), "all exchanges have ended");
}

#[test]
fn a_drain_whose_time_is_up_says_so() {
    let entered = testkit::Gate::new();
    let never = Answer::new().then(testkit::Step::Open(entered.clone())).then(testkit::Step::Hold);
    let (blue, green) = (Origin::answering(never), Origin::echo());
    let proxy = start(1, &blue, &green, &Everywhere::default());
    let mut client = connect(&proxy);
    client.send(GET).unwrap();
    assert!(entered.wait(WAIT));
    assert!(!proxy.drain(Duration::from_millis(50)));
    assert!(client.is_closed());
}

#[test]
fn an_invalid_configuration_is_an_error_that_shows_the_place() {
    let text =
        "listener = [{ address = \"127.0.0.1:0\" }]\nroute = [{ path = \"/*\", upstraem = \"blue\" }]\n";
    let error = Standalone::start(text, &Configured).expect_err("the key is misspelt");
    assert_eq!(error.to_string(), "the configuration is not valid");
    let StandaloneError::Config(problems) = error else { panic!("{error}") };
    assert!(problems.errors() > 0);
    let shown = problems.render(false);
    for part in ["configuration:2:", "`upstraem`", "`upstream`"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn a_taken_address_is_an_error_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let text = format!(
        "workers = {{ count = 1 }}\nlistener = [{{ address = \"{address}\" }}]\nroute = [{{ path = \"/*\", respond = {{ status = 200 }} }}]\n"
    );
    let error = Standalone::start(&text, &Configured).expect_err("somebody else listens there");
    assert_eq!(error.to_string(), format!("cannot listen on `{address}`"));
    assert!(error.source().is_some());
}
