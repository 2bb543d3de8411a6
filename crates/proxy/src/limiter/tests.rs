//! Several limits at once, who is counted together, and what a client is told.

use std::net::IpAddr;
use std::time::Duration;

use config::{Limit, Per, Rate};
use message::{Request, Response};

use super::*;
use crate::refusal::Refusal;

fn rate(requests: u32, period_s: u64, burst: u32, per: Per) -> Limit {
    let period = Duration::from_secs(period_s);
    Limit { rate: Some(Rate { requests, period, burst }), concurrency: None, per }
}

fn under_way(most: u32, per: Per) -> Limit {
    Limit { rate: None, concurrency: Some(most), per }
}

/// A limiter, the limits of a route, and a time that a test moves on.
struct Gate {
    limiter: Limiter,
    limits: RouteLimits,
    now: Instant,
}

/// Who asks: a user's id, which is the key's, too; an address; values of `x-team`.
type Who = (u64, &'static str, &'static [&'static str]);

const ADA: Who = (1, "203.0.113.9", &[]);
const BOB: Who = (2, "203.0.113.10", &[]);

impl Gate {
    fn new(limits: &[Limit]) -> Self {
        let limiter = Limiter::new(1_000);
        let now = limiter.origin;
        Self { limiter, limits: RouteLimits::compile("r", limits), now }
    }

    /// What one exchange may take, or why it may not.
    fn ask(&self, (id, address, teams): Who) -> Result<Permits<'_>, (Permits<'_>, Refusal)> {
        let mut request = Request::default();
        for team in teams {
            request.fields.append("x-team", team.as_bytes());
        }
        let address: IpAddr = address.parse().expect("an address");
        let asker = Asker { request: &request, address, user_id: Some(id), key_id: Some(id) };
        let mut permits = Permits::new(&self.limiter);
        let early = permits.ask(&self.limits, Stage::Early, asker, self.now);
        match early.and_then(|()| permits.ask(&self.limits, Stage::Late, asker, self.now)) {
            Ok(()) => Ok(permits),
            Err(refusal) => Err((permits, refusal)),
        }
    }

    /// How many exchanges in a row may pass, each ending at once.
    fn pass(&self, who: Who) -> usize {
        (0..100).take_while(|_| self.ask(who).is_ok()).count()
    }

    fn told(&self, permits: &Permits<'_>) -> Option<String> {
        let mut response = Response::default();
        permits.tell(&self.limits, &mut response.fields);
        let text = |name| response.fields.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
        assert_eq!(text("ratelimit").is_some(), text("ratelimit-policy").is_some());
        text("ratelimit")
    }
}

#[test]
fn requests_are_counted_together_by_what_the_limit_says() {
    let header = || Per::Header("x-team".to_owned());
    for (per, together, apart) in [
        (Per::User, (1, "::1", &["a"][..]), BOB),
        (Per::Key, (1, "::1", &["a"]), BOB),
        (Per::Route, BOB, BOB),
        (Per::Address, (2, "::ffff:203.0.113.9", &["a"]), BOB),
        (header(), BOB, (1, "203.0.113.9", &["a"])),
    ] {
        let gate = Gate::new(&[rate(1, 60, 3, per.clone())]);
        assert_eq!((gate.pass(ADA), gate.pass(together)), (3, 0), "{per:?}");
        let expected = if per == Per::Route { 0 } else { 3 };
        assert_eq!(gate.pass(apart), expected, "{per:?}");
    }
    let gate = Gate::new(&[rate(1, 60, 3, header()), under_way(9, header())]);
    for teams in [&["a"][..], &["b"], &["ab"], &[], &["a", "b"], &[""]] {
        assert_eq!(gate.pass((1, "::1", teams)), 3, "{teams:?}");
        assert_eq!(gate.pass((2, "::2", teams)), 0, "{teams:?}");
    }
    for teams in [&["a", "c"][..], &["b", "a"], &["a", "a"], &["", ""], &["a", "b", "c"]] {
        assert_eq!(gate.pass((1, "::1", teams)), 0, "one more field makes nobody of {teams:?} somebody else");
    }
}

#[test]
fn an_ipv6_client_is_its_64_first_bits() {
    let gate = Gate::new(&[rate(1, 60, 3, Per::Address)]);
    let from = |address| gate.pass((1, address, &[]));
    assert_eq!((from("2001:db8:0:1::1"), from("2001:db8:0:1:ffff::2"), from("2001:db8:0:2::1")), (3, 0, 3));
}

#[test]
fn limits_of_one_route_do_not_count_for_another() {
    let mut gate = Gate::new(&[rate(1, 60, 3, Per::User)]);
    assert_eq!(gate.pass(ADA), 3);
    gate.limits = RouteLimits::compile("s", &[rate(1, 60, 3, Per::User)]);
    assert_eq!(gate.pass(ADA), 3);
    gate.limits = RouteLimits::compile("r", &[rate(9, 1, 9, Per::Address), rate(1, 60, 3, Per::User)]);
    assert_eq!(gate.pass(ADA), 0, "a reload lets nobody begin afresh");
}

#[test]
fn a_refusal_takes_nothing_from_any_limit() {
    let mut gate = Gate::new(&[
        rate(1, 60, 5, Per::Address),
        under_way(2, Per::User),
        rate(1, 60, 4, Per::Route),
        rate(1, 1, 2, Per::User),
    ]);
    assert_eq!(gate.pass(ADA), 2, "the user's rate is the least");
    for _ in 0..50 {
        assert_eq!(gate.ask(ADA).err().map(|(_, refusal)| refusal.reason), Some("rate_limited"));
    }
    assert_eq!(gate.pass((2, "203.0.113.9", &[])), 2, "the route and the address have two left");
    gate.now += Duration::from_secs(2);
    assert_eq!(gate.pass(ADA), 0, "the route has none left");
    gate.now += Duration::from_secs(58);
    assert_eq!(gate.pass(ADA), 1);
}

#[test]
fn a_place_under_way_is_free_again_when_its_exchange_ends_or_is_refused() {
    let gate = Gate::new(&[under_way(2, Per::User), rate(1, 60, 3, Per::User)]);
    let (first, second) = (gate.ask(ADA).expect("one"), gate.ask(ADA).expect("two"));
    let (permits, refusal) = gate.ask(ADA).expect_err("a third");
    assert_eq!(
        (refusal.status, refusal.reason, refusal.retry_after_s),
        (429, "concurrency_limited", Some(1))
    );
    assert_eq!(gate.told(&permits).as_deref(), Some("\"user-concurrency\";r=0"));
    drop(first);
    let third = gate.ask(ADA).expect("a place is free, and the rate has one left");
    drop((second, third));
    for _ in 0..10 {
        let (_held, refusal) = gate.ask(ADA).expect_err("the rate is used up");
        assert_eq!(refusal.reason, "rate_limited", "the place is given back at once");
        assert!(gate.ask(ADA).is_err_and(|(_, refusal)| refusal.reason == "rate_limited"));
    }
    assert_eq!(gate.limiter.counts().concurrency_limited, 1);
    assert_eq!(gate.limiter.counts().rate_limited, 20);
}

#[test]
fn a_client_is_told_how_its_limits_stand() {
    let limits = [rate(10, 60, 3, Per::User), under_way(7, Per::Route), rate(1_000, 1, 1_000, Per::Address)];
    let mut gate = Gate::new(&limits);
    for (after_ms, expected) in [
        (0, "\"address\";r=999;t=1, \"user\";r=2;t=6, \"route-concurrency\";r=6"),
        (1_500, "\"address\";r=999;t=1, \"user\";r=1;t=5, \"route-concurrency\";r=6"),
        (6_000, "\"address\";r=999;t=1, \"user\";r=1;t=5, \"route-concurrency\";r=6"),
    ] {
        gate.now += Duration::from_millis(after_ms);
        let permits = gate.ask(ADA).expect("it may pass");
        assert_eq!(gate.told(&permits).as_deref(), Some(expected), "{after_ms}");
    }
    assert_eq!(gate.pass(ADA), 1);
    let (permits, refusal) = gate.ask(ADA).expect_err("the burst is used up");
    assert_eq!(gate.told(&permits).as_deref(), Some("\"user\";r=0;t=5"));
    assert_eq!((refusal.status, refusal.reason, refusal.retry_after_s), (429, "rate_limited", Some(5)));
    assert_eq!(refusal.message, "This route takes 10 requests in a minute per user, and no more for now.");
    drop(permits);
    gate.now += Duration::from_secs(5);
    assert_eq!(gate.pass(ADA), 1, "the promise is kept");
}

#[test]
fn nothing_is_told_of_no_limits() {
    let gate = Gate::new(&[]);
    let permits = gate.ask(ADA).expect("it may pass");
    assert_eq!(gate.told(&permits), None);
    assert_eq!(gate.limiter.counts(), LimitCounts::default(), "an unused limiter has no tables");
}

#[test]
fn a_full_table_refuses_and_counts() {
    let limiter = Limiter::new(1);
    let gate = Gate {
        now: limiter.origin,
        limiter,
        limits: RouteLimits::compile("r", &[rate(1, 60, 1, Per::User)]),
    };
    let refused = (1..=1_000).filter(|id| {
        gate.ask((*id, "::1", &[])).is_err_and(|(permits, refusal)| {
            assert_eq!((refusal.status, refusal.reason), (503, "limiter_full"));
            assert_eq!(gate.told(&permits), None);
            true
        })
    });
    let refused = refused.count() as u64;
    assert!((744..800).contains(&refused), "{refused} of 1,000 found no room in 256 cells");
    assert_eq!(gate.limiter.counts().limiter_full, refused);
}
