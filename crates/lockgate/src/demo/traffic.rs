//! A little traffic through the gateway, so that there is something to see.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Pause between two requests of one client. Two clients make about 20 requests a second.
const PAUSE: Duration = Duration::from_millis(65);
/// Longest wait for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What the two clients ask for, again and again.
const QUICK: [&str; 11] = [
    "/orders/7",
    "/inventory/42",
    "/orders/8",
    "/canary/orders/7",
    "/orders",
    "/inventory",
    "/metered/hello",
    "/canary/orders/8",
    "/",
    "/orders/unknown",
    "/nothing-here",
];
const SOMETIMES_SLOW: [&str; 11] = [
    "/orders/1",
    "/inventory/2",
    "/orders/3",
    "/metered/sesquipedalian",
    "/canary/orders/4",
    "/inventory/5",
    "/orders/slow",
    "/metered/brevity",
    "/old/page",
    "/orders/6",
    "/inventory/8",
];

/// Running clients; dropping it stops them and waits for their last answers.
pub(super) struct Traffic {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

/// Starts a client for each key. Without an address, or without threads, there is no traffic, and no failure.
pub(super) fn start(gateway: Option<SocketAddr>, keys: &[String]) -> Traffic {
    let stop = Arc::<AtomicBool>::default();
    let client = |(key, targets): (&String, &'static [&str])| {
        let (stop, gateway, key) = (stop.clone(), gateway?, key.clone());
        let client = thread::Builder::new().name("sample-client".into());
        client.spawn(move || ask_until(&stop, gateway, &key, targets)).ok()
    };
    let targets = [QUICK.as_slice(), SOMETIMES_SLOW.as_slice()];
    let clients = keys.iter().zip(targets).filter_map(client).collect();
    Traffic { stop, clients }
}

/// Whether the gateway does not let a key pass to a target, or does not answer.
pub(super) fn is_refused(gateway: SocketAddr, target: &str, key: &str) -> bool {
    let asked = connect(gateway).and_then(|mut connection| {
        send(&mut connection, gateway, target, key)?;
        read_head(&mut connection)
    });
    !matches!(asked, Ok(Head { status: 200, .. }))
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            // A client that panicked has nothing more to say.
            let _ = client.join();
        }
    }
}

/// Asks in turn for each target. What goes wrong shows in the summary.
fn ask_until(stop: &AtomicBool, gateway: SocketAddr, key: &str, targets: &[&str]) {
    let mut connection = None;
    for target in targets.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        connection = ask(connection, gateway, target, key).ok();
        thread::sleep(PAUSE);
    }
}

/// Sends one request, on a new connection if there is none, reads its answer, and returns the connection.
fn ask(
    connection: Option<BufReader<TcpStream>>,
    gateway: SocketAddr,
    target: &str,
    key: &str,
) -> io::Result<BufReader<TcpStream>> {
    let mut connection = connection.map_or_else(|| connect(gateway), Ok)?;
    send(&mut connection, gateway, target, key)?;
    let length = read_head(&mut connection)?.content_length;
    let read = io::copy(&mut (&mut connection).take(length), &mut io::sink())?;
    if read == length { Ok(connection) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn connect(gateway: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&gateway, ANSWER_WITHIN)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    Ok(BufReader::new(stream))
}

/// Sends a request, with the key where it is asked for.
fn send(
    connection: &mut BufReader<TcpStream>,
    gateway: SocketAddr,
    target: &str,
    key: &str,
) -> io::Result<()> {
    let key = if target.starts_with("/metered/") { format!("X-API-Key: {key}\r\n") } else { String::new() };
    write!(
        connection.get_mut(),
        "GET {target} HTTP/1.1\r\nHost: {gateway}\r\nUser-Agent: lockgate-demo\r\n{key}\r\n"
    )
}

/// What is read of a response's head.
struct Head {
    status: u16,
    content_length: u64,
}

/// Reads a response's head; every answer of the sample services and of the gateway says its length.
fn read_head(connection: &mut impl BufRead) -> io::Result<Head> {
    let status = read_line(connection)?.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut content_length = None;
    loop {
        let line = read_line(connection)?;
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                content_length = value.trim().parse().ok();
            }
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let head = status.zip(content_length).map(|(status, content_length)| Head { status, content_length });
    head.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn read_line(connection: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match connection.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line),
    }
}
