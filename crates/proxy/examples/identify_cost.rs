//! What it costs to identify, limit and meter a request while a million keys are known:
//! `cargo run --release -p proxy --example identify_cost`.
//!
//! `--count N` lets that many requests pass and prints no times: for `valgrind --tool=callgrind`, with
//! `--toggle-collect='identify_cost::Gate::identify'` and the like for each part, or `'identify_cost::Gate::all'` for the sum.
//! `--keys busy`, `skewed` or `uniform` says which keys come then. Valgrind's processor has no instructions for SHA-256, so that hashing is
//! counted as a loop.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::collections::HashSet;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use config::{Limit, Meter, Per, Rate};
use lockgate_event::Kind;
use policy::{KeyFacts, KeyHash, KeySecret, Scopes};
use proxy::{
    Asker, FoundKey, Identity, KeyTable, Limiter, Permits, Progress, Request, Response, RouteLimits, Stage,
    Tally, header_value,
};

const KEYS: u64 = 1_000_000;
const BUSY_KEYS: u64 = 1_000;
/// Requests made ready at once, few enough to be in the cache, as a request is that has just been read.
const BATCH: u64 = 64;
const ROUNDS: u64 = 4_000;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let after =
        |name: &str| words.iter().position(|word| word == name).and_then(|at| words.get(at + 1)).cloned();
    if let Some(requests) = after("--count").and_then(|count| count.parse().ok()) {
        let spread = after("--keys").and_then(|word| Spread::ALL.into_iter().find(|one| one.word() == word));
        return count(requests, spread.unwrap_or(Spread::Uniform));
    }
    let gate = Gate::new(|_| true);
    for spread in Spread::ALL {
        println!("{}, nanoseconds in the middle and at best:", spread.description());
        gate.print(spread);
    }
}

/// Lets requests pass, each once in whole and once part by part.
fn count(requests: usize, spread: Spread) {
    let mut random = Random(1);
    let numbers: Vec<u64> = (0..requests).map(|_| spread.draw(&mut random)).collect();
    // Hashing a million keys takes minutes within valgrind; those that nobody presents can have any hash.
    let presented: HashSet<u64> = numbers.iter().copied().collect();
    let gate = Gate::new(|number| presented.contains(&number));
    let mut request = [Request::default()];
    let mut identities = Vec::new();
    for number in numbers {
        ask(&secret(number), &mut request[0]);
        gate.all(&mut request);
        ask(&secret(number), &mut request[0]);
        hash_all(&request);
        identities.clear();
        gate.identify(&mut request, &mut identities);
        gate.limit(&identities, &request);
        gate.meter(1);
    }
    println!("{requests} passed");
}

/// Which keys come.
#[derive(Clone, Copy, Debug)]
enum Spread {
    Busy,
    Skewed,
    Uniform,
}

impl Spread {
    const ALL: [Self; 3] = [Self::Busy, Self::Skewed, Self::Uniform];

    fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Skewed => "skewed",
            Self::Uniform => "uniform",
        }
    }

    fn description(self) -> String {
        match self {
            Self::Busy => format!("{BUSY_KEYS} of {KEYS} keys in use, equally often"),
            Self::Skewed => {
                format!("{KEYS} keys, the n-th most used 1/n as often as the first (Zipf), as traffic is")
            }
            Self::Uniform => format!("{KEYS} keys, equally often, which no cache can hold"),
        }
    }

    /// The number of the key that comes next.
    fn draw(self, random: &mut Random) -> u64 {
        match self {
            Self::Busy => random.next() % BUSY_KEYS,
            Self::Uniform => random.next() % KEYS,
            Self::Skewed => loop {
                // The whole part of (KEYS + 1)^u is `rank` with a chance in proportion to ln(1 + 1/rank); of those, so many are kept
                // that it is 1/rank.
                let rank = ((KEYS + 1) as f64).powf(random.fraction()).floor();
                let kept = std::f64::consts::LN_2 / (rank * (1.0 / rank).ln_1p());
                if random.fraction() < kept {
                    return rank as u64 - 1;
                }
            },
        }
    }
}

/// SplitMix64: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// From 0 to below 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What a worker knows.
struct Gate {
    keys: KeyTable,
    limiter: Limiter,
    limits: RouteLimits,
    meter: Meter,
    response: Response,
}

impl Gate {
    fn new(is_presented: impl Fn(u64) -> bool) -> Self {
        let before = resident_bytes();
        let hash = |number| match is_presented(number) {
            true => secret(number).hash(),
            false => KeyHash(random_bytes(number)),
        };
        let known = (0..KEYS).map(|number| (hash(number), facts(number))).collect();
        let keys = KeyTable::new();
        let started = Instant::now();
        keys.replace(known);
        let loaded = started.elapsed();
        let started = Instant::now();
        keys.apply(vec![(hash(0), Some(facts(0)))]);
        let changed = started.elapsed();
        println!("{} keys in {loaded:.0?}, one changed in {changed:.0?}", keys.len());
        println!("{} bytes of memory for each", resident_bytes().saturating_sub(before) / KEYS);
        let second = Rate { requests: 100, period: Duration::from_secs(1), burst: 1_000_000 };
        let limits = [Limit { rate: Some(second), concurrency: None, per: Per::User }];
        let mut response = Response::default();
        for (name, value) in [
            ("date", "Sat, 21 Nov 2026 12:00:00 GMT"),
            ("content-type", "application/json"),
            ("cache-control", "no-store"),
            ("x-units", "12.5"),
        ] {
            response.fields.append(name, value.as_bytes());
        }
        let gate = Self {
            keys,
            limiter: Limiter::new(KEYS as usize),
            limits: RouteLimits::compile("orders", &limits),
            meter: Meter::ResponseHeader("x-units".to_owned()),
            response,
        };
        gate.meet_everybody();
        gate
    }

    /// Lets every user be here once, so that what is measured is not their first time.
    fn meet_everybody(&self) {
        let (request, now) = (Request::default(), Instant::now());
        for number in (0..KEYS).step_by(2) {
            let facts = facts(number);
            black_box(self.passes(facts.user_id, facts.key_id, &request, now));
        }
    }

    fn print(&self, spread: Spread) {
        let mut times: [Times; 5] = Default::default();
        let [hash, identify, limit, meter, all] = &mut times;
        let mut requests = vec![Request::default(); BATCH as usize];
        let mut identities = Vec::new();
        let mut random = Random(1);
        let mut ask_all = |requests: &mut [Request]| {
            requests.iter_mut().for_each(|request| ask(&secret(spread.draw(&mut random)), request));
        };
        for _ in 0..ROUNDS {
            ask_all(&mut requests);
            identities.clear();
            identify.time(|| self.identify(&mut requests, &mut identities));
            limit.time(|| self.limit(&identities, &requests));
            meter.time(|| self.meter(BATCH));
            ask_all(&mut requests);
            hash.time(|| hash_all(&requests));
            all.time(|| self.all(&mut requests));
        }
        for (what, times) in ["of that hash", "identify", "limit", "meter", "all three"].iter().zip(&times) {
            println!("  {what:>12} {:7.1} {:7.1}", times.median(), times.least());
        }
    }

    #[inline(never)]
    fn identify(&self, requests: &mut [Request], identities: &mut Vec<Identity>) {
        for request in requests {
            let found = FoundKey::of(&request.fields, &self.keys, "orders", 1_000_000);
            identities.extend(found.and_then(|found| found.accept(&mut request.fields)));
        }
    }

    #[inline(never)]
    fn limit(&self, identities: &[Identity], requests: &[Request]) {
        let now = Instant::now();
        for (identity, request) in identities.iter().zip(requests) {
            black_box(self.passes(identity.user_id(), identity.key_id(), request, now));
        }
    }

    fn passes(&self, user: u64, key: u64, request: &Request, now: Instant) -> bool {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let asker = Asker { request, address, user_id: Some(user), key_id: Some(key) };
        let mut permits = Permits::new(&self.limiter);
        permits.ask(&self.limits, Stage::Early, asker, now).is_ok()
            && permits.ask(&self.limits, Stage::Late, asker, now).is_ok()
    }

    #[inline(never)]
    fn meter(&self, count: u64) {
        for at in 0..count {
            black_box(self.count_one(at));
        }
    }

    fn count_one(&self, at: u64) -> i64 {
        let mut tally = Tally::default();
        let progress = Progress { bytes_in: at, bytes_out: 512, elapsed_us: 431 };
        if let Meter::ResponseHeader(name) = &self.meter {
            tally.header = header_value(&self.response.fields, name).unwrap_or(tally.header);
        }
        let value = tally.value(Kind::Done, &self.meter, progress);
        tally.tell(&self.meter, progress);
        value.0
    }

    #[inline(never)]
    fn all(&self, requests: &mut [Request]) {
        let now = Instant::now();
        for request in requests {
            let found = FoundKey::of(&request.fields, &self.keys, "orders", 1_000_000);
            let identity = found.and_then(|found| found.accept(&mut request.fields));
            let passed = identity
                .is_ok_and(|identity| self.passes(identity.user_id(), identity.key_id(), request, now));
            assert!(passed, "every key is known");
            black_box(self.count_one(0));
        }
    }
}

/// The part of identifying that is checksum and SHA-256.
#[inline(never)]
fn hash_all(requests: &[Request]) {
    for request in requests {
        let bearer = request.fields.get("authorization").unwrap_or_default();
        black_box(KeyHash::of_presented(bearer.strip_prefix(b"Bearer ").unwrap_or_default()));
    }
}

/// Makes a request with that key.
fn ask(key: &KeySecret, request: &mut Request) {
    request.clear();
    let bearer = format!("Bearer {}", key.expose());
    for (name, value) in [
        ("user-agent", "curl/8.14.1"),
        ("accept", "*/*"),
        ("accept-encoding", "gzip, br"),
        ("authorization", &bearer),
        ("x-request-id", "7f1c7b2e"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ] {
        request.fields.append(name, value.as_bytes());
    }
}

/// The key of that number.
fn secret(number: u64) -> KeySecret {
    KeySecret::make("live", random_bytes(number)).expect("the environment is a short word")
}

fn random_bytes(number: u64) -> [u8; 32] {
    // Far from the numbers that are drawn.
    let mut random = Random(!number << 32);
    let mut bytes = [0; 32];
    bytes.chunks_mut(8).for_each(|part| part.copy_from_slice(&random.next().to_le_bytes()));
    bytes
}

fn facts(number: u64) -> KeyFacts {
    KeyFacts { key_id: number + 1, user_id: number / 2 + 1, expires_us: Some(u64::MAX), scopes: Scopes::All }
}

/// Memory of this process, where the system tells it.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4_096
}

/// Times of batches.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn time(&mut self, run: impl FnOnce()) {
        let start = Instant::now();
        run();
        self.0.push(start.elapsed());
    }

    fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort();
        nanoseconds(sorted[sorted.len() / 2])
    }

    fn least(&self) -> f64 {
        nanoseconds(self.0.iter().min().copied().unwrap_or_default())
    }
}

fn nanoseconds(batch: Duration) -> f64 {
    batch.as_secs_f64() * 1e9 / BATCH as f64
}
