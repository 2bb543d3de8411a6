//! Clients that keep asking until told to stop, and count what they got.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use testkit::RawClient;

/// A request and the route it is meant for.
pub(crate) type Work = (&'static str, &'static str);

/// What clients saw.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Framed ends of answers with status 200, per route.
    pub(crate) received: BTreeMap<&'static str, u64>,
    /// Requests whose answer's end was not seen, per route.
    pub(crate) unseen: BTreeMap<&'static str, u64>,
    /// What went wrong, in words.
    pub(crate) failures: Vec<String>,
    /// The longest wait for one answer.
    pub(crate) slowest: Duration,
}

impl Tally {
    /// Adds another tally.
    pub(crate) fn add(&mut self, other: Self) {
        for (sum, more) in [(&mut self.received, other.received), (&mut self.unseen, other.unseen)] {
            for (route, count) in more {
                *sum.entry(route).or_default() += count;
            }
        }
        self.failures.extend(other.failures);
        self.slowest = self.slowest.max(other.slowest);
    }

    /// All framed ends.
    pub(crate) fn total(&self) -> u64 {
        self.received.values().sum()
    }
}

/// Running clients.
pub(crate) struct Load {
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Tally>>,
}

impl Load {
    /// Starts so many clients, each with a connection of its own.
    pub(crate) fn start(address: &str, clients: usize, work: &'static [Work]) -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        let threads = (0..clients)
            .map(|client| {
                let (address, stopping) = (address.to_owned(), Arc::clone(&stopping));
                std::thread::spawn(move || ask_until(&address, client, work, &stopping))
            })
            .collect();
        Self { stopping, threads }
    }

    /// Lets every client finish its request.
    pub(crate) fn stop(self) -> Tally {
        self.stopping.store(true, Ordering::Relaxed);
        let mut sum = Tally::default();
        for thread in self.threads {
            sum.add(thread.join().expect("a client does not panic"));
        }
        sum
    }
}

fn ask_until(address: &str, first: usize, work: &'static [Work], stopping: &AtomicBool) -> Tally {
    let mut tally = Tally::default();
    let mut next = first;
    while !stopping.load(Ordering::Relaxed) {
        match RawClient::connect(address) {
            Ok(client) => ask_on(client, &mut next, work, stopping, &mut tally),
            Err(error) => {
                tally.failures.push(format!("connect: {error:?}"));
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    tally
}

/// Requests that every second client sends before it reads the first answer.
const PIPELINED: usize = 4;

/// Asks on one connection until it ends.
fn ask_on(
    mut client: RawClient,
    next: &mut usize,
    work: &'static [Work],
    stopping: &AtomicBool,
    tally: &mut Tally,
) {
    let depth = if next.is_multiple_of(2) { 1 } else { PIPELINED };
    while !stopping.load(Ordering::Relaxed) {
        let batch: Vec<Work> = (*next..*next + depth).map(|n| work[n % work.len()]).collect();
        // Odd in number, so that a client takes all kinds of work in turn and stays a pipelining one or not.
        *next += 2 * depth;
        let start = Instant::now();
        let sent = client.send(batch.iter().map(|(_, request)| *request).collect::<String>());
        let mut state = if sent.is_ok() { State::Open } else { State::Over };
        for (route, request) in batch {
            if state == State::Open {
                state = take_answer(&mut client, route, request, tally);
            } else {
                *tally.unseen.entry(route).or_default() += 1;
            }
        }
        tally.slowest = tally.slowest.max(start.elapsed());
        if state == State::Over {
            return;
        }
    }
}

/// Whether a connection goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Over,
}

/// Reads one answer and counts it.
fn take_answer(client: &mut RawClient, route: &'static str, request: &str, tally: &mut Tally) -> State {
    match client.response(request.split(' ').next().unwrap_or("GET")) {
        Ok(response) => {
            if response.status() == 200 {
                *tally.received.entry(route).or_default() += 1;
            } else {
                tally.failures.push(format!("{route}: {} {}", response.status(), response.text()));
            }
            if response.fields.lists("connection", "close") { State::Over } else { State::Open }
        }
        Err(error) => {
            *tally.unseen.entry(route).or_default() += 1;
            tally.failures.push(format!("{route}: {error:?}"));
            State::Over
        }
    }
}
