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
const QUICK: [&str; 10] = [
    "/orders/7",
    "/inventory/42",
    "/orders/8",
    "/canary/orders/7",
    "/orders",
    "/inventory",
    "/canary/orders/8",
    "/",
    "/orders/unknown",
    "/nothing-here",
];
const SOMETIMES_SLOW: [&str; 9] = [
    "/orders/1",
    "/inventory/2",
    "/orders/3",
    "/canary/orders/4",
    "/inventory/5",
    "/orders/slow",
    "/old/page",
    "/orders/6",
    "/inventory/8",
];

/// Running clients; dropping it stops them and waits for their last answers.
pub(super) struct Traffic {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

/// Starts the clients. Without an address, or without threads, there is no traffic, and no failure.
pub(super) fn start(addresses: &[SocketAddr]) -> Traffic {
    let stop = Arc::<AtomicBool>::default();
    let client = |targets: &'static [&str]| {
        let (stop, gateway) = (stop.clone(), *addresses.first()?);
        let client = thread::Builder::new().name("sample-client".into());
        client.spawn(move || ask_until(&stop, gateway, targets)).ok()
    };
    let clients = [QUICK.as_slice(), SOMETIMES_SLOW.as_slice()].into_iter().filter_map(client).collect();
    Traffic { stop, clients }
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
fn ask_until(stop: &AtomicBool, gateway: SocketAddr, targets: &[&str]) {
    let mut connection = None;
    for target in targets.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        connection = ask(connection, gateway, target).ok();
        thread::sleep(PAUSE);
    }
}

/// Sends one request, on a new connection if there is none, reads its answer, and returns the connection.
fn ask(
    connection: Option<BufReader<TcpStream>>,
    gateway: SocketAddr,
    target: &str,
) -> io::Result<BufReader<TcpStream>> {
    let mut connection = match connection {
        Some(connection) => connection,
        None => {
            let stream = TcpStream::connect_timeout(&gateway, ANSWER_WITHIN)?;
            stream.set_read_timeout(Some(ANSWER_WITHIN))?;
            BufReader::new(stream)
        }
    };
    write!(
        connection.get_mut(),
        "GET {target} HTTP/1.1\r\nHost: {gateway}\r\nUser-Agent: lockgate-demo\r\n\r\n"
    )?;
    let length = content_length(&mut connection)?;
    let read = io::copy(&mut (&mut connection).take(length), &mut io::sink())?;
    if read == length { Ok(connection) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Reads a response's head; every answer of the sample services and of the gateway says its length.
fn content_length(connection: &mut impl BufRead) -> io::Result<u64> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok();
            }
            None if line.trim().is_empty() => return length.ok_or_else(|| io::ErrorKind::InvalidData.into()),
            _ => {}
        }
    }
}
