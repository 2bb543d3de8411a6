//! Tests of the module this file stands beside.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream as Client};
use std::thread;

use axum::body::Body;
use axum::routing::get;
use tokio::sync::oneshot;

use super::*;

/// A server of `GET /` on a thread of its own; ends when dropped.
struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<io::Result<()>>>,
}

impl Running {
    fn start(router: Router, timing: Timing) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(router, listener, async { drop(stopped.await) }, timing))
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    fn connect(&self) -> Client {
        let client = Client::connect(self.address).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        client
    }

    /// Opens a connection and sends `bytes`.
    fn send(&self, bytes: &str) -> Client {
        let mut client = self.connect();
        client.write_all(bytes.as_bytes()).unwrap();
        client
    }

    fn stop(mut self) -> io::Result<()> {
        self.stop.take();
        self.thread.take().unwrap().join().unwrap()
    }
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

fn read_all(mut client: Client) -> String {
    let mut text = String::new();
    // A reset ends what was read as well as a close does; a connection that stays open is neither.
    if let Err(error) = client.read_to_string(&mut text) {
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "after {text:?}");
    }
    text
}

const WHOLE: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
const HALF: &str = "GET / HTTP/1.1\r\nhost: ";

fn short_head() -> Timing {
    Timing { head: Duration::from_millis(50), ..Timing::default() }
}

#[test]
fn clients_with_half_a_request_cannot_keep_others_out() {
    let server = Running::start(hello(), Timing::default());
    let slow: Vec<_> = (0..CONNECTIONS + 5).map(|_| server.send(HALF)).collect();
    assert!(read_all(server.send(WHOLE)).ends_with("hello"));
    // The newest slow clients are still there and can finish what they began.
    let mut newest = slow.into_iter().next_back().unwrap();
    newest.write_all(b"a\r\nconnection: close\r\n\r\n").unwrap();
    assert!(read_all(newest).ends_with("hello"));
}

#[test]
fn a_head_that_does_not_end_in_time_ends_its_connection() {
    let server = Running::start(hello(), short_head());
    let text = read_all(server.send(HALF));
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 408"), "{text}");
}

#[test]
fn a_connection_that_is_not_used_again_is_closed_in_time() {
    let server = Running::start(hello(), short_head());
    let text = read_all(server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    assert!(text.ends_with("hello"), "{text}");
}

#[test]
fn a_head_beyond_the_limits_is_refused() {
    let check = |fields: String| {
        let server = Running::start(hello(), Timing::default());
        let text = read_all(server.send(&format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n")));
        assert!(text.starts_with("HTTP/1.1 431"), "{text}");
    };
    check((0..=crate::limits::HEADER_COUNT).map(|number| format!("x{number}: 1\r\n")).collect());
    check(format!("x: {}\r\n", "y".repeat(crate::limits::HEAD_BYTES)));
}

/// Tells when it is dropped.
struct Dropped(std::sync::mpsc::Sender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        // The test may have ended.
        let _ = self.0.send(());
    }
}

#[test]
fn a_client_that_takes_nothing_of_its_answer_is_let_go() {
    let (told, let_go) = std::sync::mpsc::channel();
    let endless = move || {
        let body = Dropped(told.clone());
        let chunks = std::iter::repeat_with(move || {
            let _ = &body;
            Ok::<_, io::Error>(vec![b'x'; 1 << 16])
        });
        async { Body::from_stream(tokio_stream::iter(chunks)) }
    };
    let timing = Timing { write: Duration::from_millis(50), ..Timing::default() };
    let server = Running::start(Router::new().route("/", get(endless)), timing);
    let _client = server.send(WHOLE);
    let_go.recv_timeout(Duration::from_secs(10)).expect("the answer is given up in time");
}

#[test]
fn a_client_that_takes_its_answer_slowly_gets_it_whole_whoever_connects() {
    // More than the sockets of both sides hold.
    const BYTES: usize = 64 << 20;
    let large = get(|| async { vec![b'x'; BYTES] });
    let router = hello().route("/large", large);
    let server = Running::start(router, Timing::default());
    let mut slow = server.send("GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let mut first = [0; 1];
    slow.read_exact(&mut first).unwrap();
    let _strangers: Vec<_> = (0..CONNECTIONS).map(|_| server.send(HALF)).collect();
    // Connections are accepted in turn: all of theirs have been.
    assert!(read_all(server.send(WHOLE)).ends_with("hello"));
    let text = read_all(slow);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("TTP/1.1 200") && body.len() == BYTES, "{head} {}", body.len());
}

#[test]
fn a_connection_whose_answer_has_been_written_is_idle() {
    let server = Running::start(hello(), Timing::default());
    let mut answered: Vec<_> =
        (0..CONNECTIONS).map(|_| server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")).collect();
    for client in &mut answered {
        let mut text = Vec::new();
        while !text.ends_with(b"hello") {
            let mut byte = [0; 1];
            client.read_exact(&mut byte).unwrap();
            text.push(byte[0]);
        }
    }
    assert!(read_all(server.send(WHOLE)).ends_with("hello"), "one of them makes room");
}

#[test]
fn stopping_lets_the_answer_under_way_end_and_closes_idle_connections() {
    let (begun, wait_begun) = std::sync::mpsc::channel();
    let (go_on, wait) = watch::channel(false);
    let slow = move || {
        let mut wait = wait.clone();
        begun.send(()).unwrap();
        async move {
            drop(wait.wait_for(|go_on| *go_on).await);
            "late"
        }
    };
    let mut server = Running::start(Router::new().route("/", get(slow)), Timing::default());
    let idle = server.connect();
    let asking = server.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    wait_begun.recv().unwrap();
    server.stop.take();
    assert_eq!(read_all(idle), "");
    assert!(Client::connect(server.address).is_err());
    go_on.send(true).unwrap();
    assert!(read_all(asking).ends_with("late"));
    server.stop().unwrap();
}

#[test]
fn an_answer_that_does_not_end_is_cut_at_the_deadline_of_the_drain() {
    let forever = get(std::future::pending::<&'static str>);
    let timing = Timing { drain: Duration::from_millis(50), ..Timing::default() };
    let server = Running::start(Router::new().route("/", forever), timing);
    let client = server.send(WHOLE);
    server.stop().unwrap();
    assert_eq!(read_all(client), "");
}

#[tokio::test(start_paused = true)]
async fn failures_of_accept_are_paced() {
    let mut pause = Pause::default();
    let pauses: Vec<u128> = (0..9).map(|_| pause.lengthen().as_millis()).collect();
    assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    let began = Instant::now();
    pause.over().await;
    assert_eq!(began.elapsed().as_millis(), 1000);
    pause.over().await;
    assert_eq!(began.elapsed().as_millis(), 1000);
}

#[test]
fn only_the_failure_of_one_connection_is_passed_over() {
    let check = |error: io::Error, passed| assert_eq!(is_of_one_connection(&error), passed, "{error}");
    check(io::ErrorKind::ConnectionAborted.into(), true);
    let too_many_open_files = 24;
    check(io::Error::from_raw_os_error(too_many_open_files), false);
}

#[tokio::test]
async fn connections_being_answered_are_never_evicted() {
    let mut connections = Connections::default();
    let busy = |answering: Answering| async move {
        let _answer = answering.begin();
        std::future::pending().await
    };
    for _ in 0..CONNECTIONS {
        connections.admit(busy);
    }
    while connections.open.iter().any(|open| open.answering.is_idle()) {
        tokio::task::yield_now().await;
    }
    connections.admit(busy);
    assert_eq!((connections.open.len(), connections.tasks.len()), (CONNECTIONS, CONNECTIONS));
}
