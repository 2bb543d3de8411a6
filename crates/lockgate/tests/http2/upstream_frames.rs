//! Upstreams of HTTP/2 that send frames as they are given, all of which may come.

use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use testkit::GatewayProcess;

use crate::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, Outcome, PING, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, block, frame, pseudo,
};
use crate::{Client, Frames, LOCKGATE, request};

/// Of settings.
const MAX_CONCURRENT_STREAMS: u16 = 3;
const INITIAL_WINDOW_SIZE: u16 = 4;

const NO_ERROR: u32 = 0;
const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;

/// An upstream that follows a script, on a thread of its own.
pub(crate) struct Scripted {
    address: SocketAddr,
    script: JoinHandle<()>,
}

impl Scripted {
    pub(crate) fn start(script: impl FnOnce(&TcpListener) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        Self { address, script: std::thread::spawn(move || script(&listener)) }
    }

    #[track_caller]
    pub(crate) fn gateway(&self, more: &str) -> GatewayProcess {
        let config = format!(
            "[workers]\ncount = 1\n[[listener]]\naddress = \"127.0.0.1:0\"\nprotocols = [\"h1\", \"h2c\"]\n\
             [upstream.origin]\nprotocol = \"h2\"\nendpoints = [\"{}\"]\n{more}\n\
             [[route]]\npath = \"/*\"\nupstream = \"origin\"\n",
            self.address
        );
        GatewayProcess::start(LOCKGATE, &config).unwrap_or_else(|error| panic!("{error}\n{config}"))
    }

    /// Waits for the end of the script, which fails where the gateway did.
    pub(crate) fn end(self) {
        if let Err(panic) = self.script.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// What the gateway sends to an upstream.
impl Frames {
    /// The next connection, after both sides' settings.
    pub(crate) fn upstream(listener: &TcpListener, settings: &[(u16, u32)]) -> Self {
        let mut frames = Self::accept(listener);
        frames.settle(settings);
        frames
    }

    fn settle(&mut self, settings: &[(u16, u32)]) {
        let entry = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
        let payload: Vec<u8> = settings.iter().flat_map(entry).collect();
        self.send(&frame(SETTINGS, 0, 0, &payload)).unwrap();
    }

    /// The next request's stream.
    pub(crate) fn asked(&mut self) -> u32 {
        self.next_of(HEADERS).expect("a request").stream
    }

    /// What the gateway has sent up to here, and nothing that it has not.
    pub(crate) fn sent(&mut self) -> Vec<Frame> {
        self.send(&frame(PING, 0, 0, b"sent yet")).unwrap();
        let is_answer = |frame: &Frame| frame.kind == PING && frame.payload == *b"sent yet";
        std::iter::from_fn(|| self.next()).take_while(|frame| !is_answer(frame)).collect()
    }

    /// Why the gateway ends the connection.
    pub(crate) fn dismissal(&mut self) -> u32 {
        self.next_of(GOAWAY).expect("a reason").code()
    }
}

pub(crate) fn head(stream: u32, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | flags, stream, &block(fields))
}

pub(crate) fn ok(stream: u32) -> Vec<u8> {
    head(stream, END_STREAM, &[(":status", "200")])
}

pub(crate) fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

fn goaway(last: u32, code: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), code.to_be_bytes()].concat())
}

pub(crate) fn get(client: &mut Frames, stream: u32) -> Outcome {
    client.ask(stream, &pseudo("GET", "/"));
    client.outcome(stream)
}

#[test]
fn a_connection_begins_with_the_preface_and_settings_that_want_nothing_pushed() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::accept(listener);
        let settings = upstream.next().unwrap();
        assert_eq!((settings.kind, settings.flags), (SETTINGS, 0));
        assert!(settings.payload.as_chunks::<6>().0.contains(&[0, 2, 0, 0, 0, 0]), "{settings:?}");
        // The request does not wait for the settings of this side.
        assert_eq!(upstream.asked(), 1);
        upstream.settle(&[]);
        upstream.send(&ok(1)).unwrap();
        assert!(upstream.sent().iter().any(|frame| (frame.kind, frame.flags) == (SETTINGS, ACK)));
    });
    let gateway = upstream.gateway("");
    assert_eq!(get(&mut Frames::connect(gateway.address()), 1), Outcome::Answered(200));
    upstream.end();
}

#[test]
fn streams_that_an_upstream_leaves_out_are_asked_elsewhere_and_the_others_go_on() {
    let upstream = Scripted::start(|listener| {
        let mut first = Frames::upstream(listener, &[]);
        assert_eq!([first.asked(), first.asked()], [1, 3]);
        first.send(&goaway(1, NO_ERROR)).unwrap();
        let mut second = Frames::upstream(listener, &[]);
        assert_eq!(second.asked(), 1);
        second.send(&ok(1)).unwrap();
        first.send(&head(1, END_STREAM, &[(":status", "203")])).unwrap();
        // It is of no use any more.
        assert_eq!(first.dismissal(), NO_ERROR);
        assert!(first.next().is_none());
        assert_eq!(second.asked(), 3);
        second.send(&ok(3)).unwrap();
    });
    let gateway = upstream.gateway("");
    let mut client = Frames::connect(gateway.address());
    client.ask(1, &pseudo("GET", "/"));
    client.ask(3, &pseudo("GET", "/"));
    assert_eq!(client.outcome(3), Outcome::Answered(200));
    assert_eq!(client.outcome(1), Outcome::Answered(203));
    assert_eq!(get(&mut client, 5), Outcome::Answered(200));
    upstream.end();
}

#[test]
fn a_refused_stream_is_asked_again_once() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[]);
        for (stream, answer) in [
            (1, reset(1, REFUSED_STREAM)),
            (3, ok(3)),
            (5, reset(5, REFUSED_STREAM)),
            (7, reset(7, REFUSED_STREAM)),
        ] {
            assert_eq!(upstream.asked(), stream);
            upstream.send(&answer).unwrap();
        }
    });
    let gateway = upstream.gateway("");
    let mut client = Frames::connect(gateway.address());
    assert_eq!(get(&mut client, 1), Outcome::Answered(200));
    assert_eq!(get(&mut client, 3), Outcome::Answered(502));
    upstream.end();
}

#[test]
fn no_more_streams_are_open_than_an_upstream_takes_and_all_have_their_turn() {
    const ASKED: u32 = 20;
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[(MAX_CONCURRENT_STREAMS, 1)]);
        let mut stream = upstream.asked();
        for at in 0..ASKED {
            assert_eq!(stream, 2 * at + 1);
            let others = upstream.sent().iter().filter(|frame| frame.kind == HEADERS).count();
            assert_eq!(others, 0, "beside stream {stream}");
            upstream.send(&ok(stream)).unwrap();
            if at + 1 < ASKED {
                stream = upstream.asked();
            }
        }
    });
    let gateway = upstream.gateway("connections = 1");
    let mut client = Frames::connect(gateway.address());
    for at in 0..ASKED {
        client.ask(2 * at + 1, &pseudo("GET", "/"));
    }
    let answered = std::iter::from_fn(|| client.next_of(HEADERS)).take(ASKED as usize).count();
    assert_eq!(answered, ASKED as usize);
    upstream.end();
}

#[test]
fn a_second_stream_does_not_begin_before_an_upstream_has_said_that_it_takes_two() {
    let (asked, were_asked) = std::sync::mpsc::channel();
    let upstream = Scripted::start(move |listener| {
        let mut first = Frames::accept(listener);
        assert_eq!(first.asked(), 1);
        were_asked.recv().unwrap();
        first.settle(&[(MAX_CONCURRENT_STREAMS, 1)]);
        assert!(first.sent().iter().all(|frame| frame.kind != HEADERS));
        let mut second = Frames::upstream(listener, &[(MAX_CONCURRENT_STREAMS, 1)]);
        assert_eq!(second.asked(), 1);
        for upstream in [&mut first, &mut second] {
            upstream.send(&ok(1)).unwrap();
        }
    });
    let gateway = upstream.gateway("");
    let mut client = Frames::connect(gateway.address());
    client.ask(1, &pseudo("GET", "/"));
    client.ask(3, &pseudo("GET", "/"));
    // Both have been read when this is answered.
    client.send(&frame(PING, 0, 0, &[0; 8])).unwrap();
    client.next_of(PING).unwrap();
    asked.send(()).unwrap();
    let answered = std::iter::from_fn(|| client.next_of(HEADERS)).take(2).count();
    assert_eq!(answered, 2);
    upstream.end();
}

#[test]
fn one_who_waits_for_a_stream_in_vain_leaves_its_turn_to_the_next() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[(MAX_CONCURRENT_STREAMS, 1)]);
        assert_eq!(upstream.asked(), 1);
        upstream.send(&head(1, 0, &[(":status", "200")])).unwrap();
        let canceled = upstream.next_of(RST_STREAM).unwrap();
        assert_eq!((canceled.stream, canceled.code()), (1, CANCEL));
        // The second has given up meanwhile, so that this is the third.
        assert_eq!(upstream.asked(), 3);
        upstream.send(&ok(3)).unwrap();
    });
    let gateway = upstream.gateway("connections = 1");
    let mut client = Frames::connect(gateway.address());
    for stream in [1, 3, 5] {
        client.ask(stream, &pseudo("GET", "/"));
    }
    assert_eq!(client.outcome(1), Outcome::Answered(200));
    for stream in [3, 1] {
        client.send(&reset(stream, CANCEL)).unwrap();
    }
    assert_eq!(client.outcome(5), Outcome::Answered(200));
    upstream.end();
}

#[test]
fn a_request_goes_out_as_its_window_opens() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[(INITIAL_WINDOW_SIZE, 0)]);
        assert_eq!(upstream.asked(), 1);
        upstream.send(&ok(1)).unwrap();
        assert_eq!(upstream.asked(), 3);
        assert!(upstream.sent().iter().all(|frame| frame.kind != DATA));
        upstream.settle(&[(INITIAL_WINDOW_SIZE, 5)]);
        let data = upstream.next_of(DATA).unwrap();
        assert_eq!((data.flags, data.payload.as_slice()), (0, &b"01234"[..]));
        // A window that has become negative has to come back first.
        upstream.settle(&[(INITIAL_WINDOW_SIZE, 2)]);
        upstream.send(&frame(WINDOW_UPDATE, 0, 3, &3_u32.to_be_bytes())).unwrap();
        assert!(upstream.sent().iter().all(|frame| frame.kind != DATA));
        upstream.send(&frame(WINDOW_UPDATE, 0, 3, &100_u32.to_be_bytes())).unwrap();
        let data = upstream.next_of(DATA).unwrap();
        assert_eq!((data.flags, data.payload.as_slice()), (END_STREAM, &b"56789"[..]));
        upstream.send(&ok(3)).unwrap();
    });
    let gateway = upstream.gateway("");
    let mut client = Client::connect(gateway.address());
    assert_eq!(client.get("/").status, 200);
    let answer = client.ask(request("POST", "/").body(()).unwrap(), Some(b"0123456789")).unwrap();
    assert_eq!(answer.status, 200);
    upstream.end();
}

#[test]
fn an_answer_that_needs_no_more_of_its_request_is_whole() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[]);
        assert_eq!(upstream.asked(), 1);
        let body = frame(DATA, END_STREAM, 1, b"early");
        let answer = [head(1, 0, &[(":status", "200")]), body, reset(1, NO_ERROR)].concat();
        upstream.send(&answer).unwrap();
        assert_eq!(upstream.asked(), 3);
        // The same without a reset: then the gateway is who says it.
        upstream.send(&ok(3)).unwrap();
        let given_up = upstream.next_of(RST_STREAM).unwrap();
        assert_eq!((given_up.stream, given_up.code()), (3, CANCEL));
        assert_eq!(upstream.asked(), 5);
        upstream.send(&ok(5)).unwrap();
    });
    let gateway = upstream.gateway("");
    let mut client = Frames::connect(gateway.address());
    for stream in [1, 3] {
        let asked = frame(HEADERS, END_HEADERS, stream, &block(&pseudo("POST", "/")));
        client.send(&[asked, frame(DATA, 0, stream, b"more comes")].concat()).unwrap();
        assert_eq!(client.outcome(stream), Outcome::Answered(200));
        if stream == 1 {
            let data = client.next_of(DATA).unwrap();
            assert_eq!((data.flags, data.payload.as_slice()), (END_STREAM, &b"early"[..]));
        }
    }
    assert_eq!(get(&mut client, 5), Outcome::Answered(200));
    upstream.end();
}

#[test]
fn several_heads_may_come_at_once_and_one_in_pieces() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[]);
        assert_eq!(upstream.asked(), 1);
        let early = head(1, 0, &[(":status", "103"), ("link", "</a.css>")]);
        let trailers = head(1, END_STREAM, &[("grpc-status", "0"), ("grpc-message", "so: ")]);
        let answer = head(1, 0, &[(":status", "200"), ("x-a", "1")]);
        upstream.send(&[early, answer, frame(DATA, 0, 1, b"body"), trailers].concat()).unwrap();
        assert_eq!(upstream.asked(), 3);
        let block = block(&[(":status", "200"), ("x-pieces", "all"), ("content-length", "2")]);
        upstream.send(&frame(HEADERS, 0, 3, &block[..1])).unwrap();
        for piece in block[1..].chunks(3) {
            upstream.send(&frame(CONTINUATION, 0, 3, piece)).unwrap();
        }
        upstream.send(&frame(CONTINUATION, END_HEADERS, 3, &[])).unwrap();
        upstream.send(&frame(DATA, END_STREAM, 3, b"ok")).unwrap();
    });
    let gateway = upstream.gateway("");
    let mut client = Client::connect(gateway.address());
    client.run(async |send| {
        let mut send = send.ready().await.unwrap();
        let (mut answer, _) = send.send_request(request("GET", "/").body(()).unwrap(), true).unwrap();
        let early = std::future::poll_fn(|context| answer.poll_informational(context)).await;
        assert_eq!(early.unwrap().unwrap().status().as_u16(), 103);
        let answer = answer.await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["x-a"].as_bytes()), (200, &b"1"[..]));
        let (body, trailers) = crate::client::read(answer.into_body()).await.unwrap();
        let trailers = trailers.unwrap();
        assert_eq!((body.as_slice(), trailers["grpc-message"].as_bytes()), (&b"body"[..], &b"so:"[..]));
    });
    let answer = client.get("/");
    assert_eq!((answer.field("x-pieces"), answer.text().as_str()), (Some("all"), "ok"));
    upstream.end();
}

#[test]
fn what_comes_late_for_a_stream_that_was_given_up_is_passed_over() {
    let (asked, was_asked) = std::sync::mpsc::channel();
    let upstream = Scripted::start(move |listener| {
        let mut upstream = Frames::upstream(listener, &[]);
        assert_eq!(upstream.asked(), 1);
        asked.send(()).unwrap();
        assert_eq!(upstream.next_of(RST_STREAM).unwrap().code(), CANCEL);
        let late = [head(1, 0, &[(":status", "200")]), frame(DATA, 0, 1, b"late"), ok(1), reset(1, CANCEL)];
        upstream.send(&late.concat()).unwrap();
        assert_eq!(upstream.asked(), 3);
        upstream.send(&ok(3)).unwrap();
    });
    let gateway = upstream.gateway("");
    let mut client = Frames::connect(gateway.address());
    client.ask(1, &pseudo("GET", "/"));
    was_asked.recv().unwrap();
    client.send(&reset(1, CANCEL)).unwrap();
    assert_eq!(get(&mut client, 3), Outcome::Answered(200));
    upstream.end();
}

#[test]
fn an_idle_connection_is_parted_from_with_a_goodbye() {
    let upstream = Scripted::start(|listener| {
        let mut upstream = Frames::upstream(listener, &[]);
        assert_eq!(upstream.asked(), 1);
        upstream.send(&ok(1)).unwrap();
        assert_eq!(upstream.dismissal(), NO_ERROR);
        assert!(upstream.next().is_none());
    });
    let gateway = upstream.gateway("timeout = { keep_alive = \"100ms\" }");
    assert_eq!(get(&mut Frames::connect(gateway.address()), 1), Outcome::Answered(200));
    upstream.end();
}
