//! Customers that keep asking for random amounts until told to stop, and add up what they got.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use testkit::random::Random;
use testkit::{Answer, Origin, RawClient};

use crate::api::Customer;

/// Count, and sum of the values in millionths.
pub(crate) type Sum = (i64, i128);

/// What customers saw, per user.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Answers whose framed end was seen.
    pub(crate) received: BTreeMap<u64, Sum>,
    /// Requests that were sent and whose answer's end was not seen, with what they would have been worth.
    pub(crate) unseen: BTreeMap<u64, Sum>,
}

impl Tally {
    /// Adds another tally.
    pub(crate) fn add(&mut self, other: Self) {
        for (sum, more) in [(&mut self.received, other.received), (&mut self.unseen, other.unseen)] {
            for (user, (count, value)) in more {
                let sum = sum.entry(user).or_default();
                *sum = (sum.0 + count, sum.1 + value);
            }
        }
    }

    /// All answers.
    pub(crate) fn answers(&self) -> i64 {
        self.received.values().map(|(count, _)| count).sum()
    }
}

/// A service that answers what a request says it is worth: `/metered/<millionths>`.
pub(crate) fn metered_origin() -> Origin {
    Origin::start(|received| {
        let millionths: u64 = received.line.target.rsplit('/').next().unwrap().parse().unwrap();
        let (units, rest) = (millionths / 1_000_000, millionths % 1_000_000);
        Answer::bytes(format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Units: {units}.{rest:06}\r\n\r\nok"))
    })
}

/// Running customers.
pub(crate) struct Asking {
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Tally>>,
}

impl Asking {
    /// One connection after the other for each customer.
    pub(crate) fn start(address: &str, customers: &[Customer], seed: u64) -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        let threads = customers
            .iter()
            .map(|customer| {
                let (address, customer, stopping) = (address.to_owned(), customer.clone(), stopping.clone());
                let random = Random::new(seed.wrapping_mul(31).wrapping_add(customer.id));
                std::thread::spawn(move || ask_until(&address, &customer, random, &stopping))
            })
            .collect();
        Self { stopping, threads }
    }

    /// Lets every customer finish its request.
    pub(crate) fn stop(self) -> Tally {
        self.stopping.store(true, Ordering::Relaxed);
        let mut sum = Tally::default();
        for thread in self.threads {
            sum.add(thread.join().expect("a customer does not panic"));
        }
        sum
    }
}

fn ask_until(address: &str, customer: &Customer, mut random: Random, stopping: &AtomicBool) -> Tally {
    let mut tally = Tally::default();
    while !stopping.load(Ordering::Relaxed) {
        match RawClient::connect(address) {
            Ok(mut client) => while ask_once(&mut client, customer, &mut random, &mut tally, stopping) {},
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    tally
}

/// Asks for one amount; answers whether the connection goes on.
fn ask_once(
    client: &mut RawClient,
    customer: &Customer,
    random: &mut Random,
    tally: &mut Tally,
    stopping: &AtomicBool,
) -> bool {
    // Mostly small, with a fraction; sometimes nothing, sometimes a great deal.
    let millionths = match random.below(10) {
        0 => 0,
        1 => 1_000_000_000_000 + random.below(1_000_000) as i128,
        _ => random.below(5_000_000) as i128,
    };
    let sent = client.send(format!(
        "GET /metered/{millionths} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\n\r\n",
        customer.secret
    ));
    let response = sent.and_then(|()| client.response("GET"));
    let sums = match &response {
        Ok(response) if response.status() == 200 => &mut tally.received,
        // While the gateway starts it does not know the keys yet: refused, and worth nothing.
        Ok(response) if response.status() == 503 => {
            return !stopping.load(Ordering::Relaxed) && !response.fields.lists("connection", "close");
        }
        Ok(response) => panic!("{}: {}", response.status(), response.text()),
        Err(_) => &mut tally.unseen,
    };
    let sum = sums.entry(customer.id).or_default();
    *sum = (sum.0 + 1, sum.1 + millionths);
    response.is_ok() && !stopping.load(Ordering::Relaxed)
}
