//! What an exchange holds of its route's limits, from moment 5 to its end.

use std::borrow::Cow;
use std::hash::Hasher;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::time::Instant;

use config::Per;
use message::{Fields, Known, Request};
use policy::{Gcra, Pace};

use super::rules::{Measure, RouteLimits, Rule, Stage};
use super::table::{Change, Unchanged};
use super::{Limiter, Tag};
use crate::buffers::Output;
use crate::refusal::Refusal;

/// Who is asking.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Its fields are what limits per header look at.
    pub request: &'a Request,
    /// The client's address.
    pub address: IpAddr,
    /// The user, if it is known.
    pub user_id: Option<u64>,
    /// The key, if it is known.
    pub key_id: Option<u64>,
}

/// Everything that limits let an exchange take. Dropped, it gives back its places among the requests under way.
#[derive(Debug)]
pub struct Permits<'a> {
    limiter: &'a Limiter,
    /// Those asked so far, or the one that refused.
    standings: Vec<Standing>,
}

/// How a limit stands after this exchange.
#[derive(Debug)]
struct Standing {
    /// Place of the rule in its route's.
    rule: usize,
    remaining: u64,
    /// Until more will be there, seconds; `None`: nobody knows.
    window_s: Option<u64>,
    taken: Taken,
}

#[derive(Debug)]
enum Taken {
    Nothing,
    /// A request of a rate, which is given back only when a later limit refuses.
    Request(Change),
    /// A place among those under way.
    Place(Change),
}

impl<'a> Permits<'a> {
    /// Nothing taken yet.
    pub fn new(limiter: &'a Limiter) -> Self {
        Self { limiter, standings: Vec::new() }
    }

    /// Asks the limits of a stage, all of which must let the request pass. When one does not, what the others gave is given back.
    ///
    /// # Errors
    /// The refusal of the first that does not.
    pub fn ask(
        &mut self,
        limits: &RouteLimits,
        stage: Stage,
        asker: Asker<'_>,
        now: Instant,
    ) -> Result<(), Refusal> {
        for (at, rule) in limits.rules.iter().enumerate().filter(|(_, rule)| rule.stage == stage) {
            if self.standings.is_empty() {
                self.standings.reserve_exact(limits.rules.len());
            }
            let tag = self.limiter.tag(|hasher| hash(rule, asker, hasher));
            match rule.measure {
                Measure::Rate(gcra) => self.ask_rate(at, rule, gcra, tag, now)?,
                Measure::Concurrency(most) => self.ask_concurrency(at, rule, most, tag)?,
            }
        }
        Ok(())
    }

    fn ask_rate(
        &mut self,
        at: usize,
        rule: &Rule,
        gcra: Gcra,
        tag: Tag,
        now: Instant,
    ) -> Result<(), Refusal> {
        let decide = |tat_ns, now_ns| match gcra.decide(tat_ns, now_ns) {
            Pace::Admit { tat_ns, remaining, next_ns } => Ok((tat_ns, (remaining, next_ns))),
            Pace::Refuse { retry_ns } => Err(retry_ns),
        };
        match self.limiter.rates().change(tag, self.limiter.since_origin_ns(now), decide) {
            Ok((change, (remaining, next_ns))) => {
                let window_s = Some(seconds(next_ns));
                self.standings.push(Standing {
                    rule: at,
                    remaining,
                    window_s,
                    taken: Taken::Request(change),
                });
                Ok(())
            }
            Err(Unchanged::Refused(retry_ns)) => {
                self.limiter.rate_limited.fetch_add(1, Ordering::Relaxed);
                let retry_s = seconds(retry_ns);
                self.refuse(at, Some(retry_s));
                Err(limited("rate_limited", rule, retry_s))
            }
            Err(Unchanged::Full) => Err(self.full()),
        }
    }

    fn ask_concurrency(&mut self, at: usize, rule: &Rule, most: u32, tag: Tag) -> Result<(), Refusal> {
        let decide = |count: u64, _| {
            u64::from(most).checked_sub(count + 1).map(|remaining| (count + 1, remaining)).ok_or(())
        };
        match self.limiter.concurrency().change(tag, 0, decide) {
            Ok((change, remaining)) => {
                let taken = Taken::Place(change);
                self.standings.push(Standing { rule: at, remaining, window_s: None, taken });
                Ok(())
            }
            Err(Unchanged::Refused(())) => {
                self.limiter.concurrency_limited.fetch_add(1, Ordering::Relaxed);
                self.refuse(at, None);
                Err(limited("concurrency_limited", rule, 1))
            }
            Err(Unchanged::Full) => Err(self.full()),
        }
    }

    /// Gives everything back, and keeps only how the limit stands that refuses.
    fn refuse(&mut self, rule: usize, window_s: Option<u64>) {
        self.give_back();
        self.standings.push(Standing { rule, remaining: 0, window_s, taken: Taken::Nothing });
    }

    fn full(&mut self) -> Refusal {
        self.give_back();
        Refusal::LIMITER_FULL
    }

    fn give_back(&mut self) {
        // Read anew: others may have been counted since this exchange began.
        let now_ns = self.limiter.since_origin_ns(Instant::now());
        for standing in self.standings.drain(..) {
            match standing.taken {
                Taken::Request(change) => self.limiter.rates().undo(change, now_ns),
                Taken::Place(change) => self.limiter.concurrency().lower(change),
                Taken::Nothing => {}
            }
        }
    }

    /// Tells the client what the limits are and how they stand (draft-ietf-httpapi-ratelimit-headers-11 §3 and §4).
    pub fn tell(&self, limits: &RouteLimits, fields: &mut Fields) {
        if self.standings.is_empty() {
            return;
        }
        fields.append_known(Known::Other, "ratelimit-policy", limits.policy.as_bytes());
        let mut value = Output::take();
        for standing in &self.standings {
            standing.write(limits, &mut value.bytes);
        }
        fields.append_known(Known::Other, "ratelimit", &value.bytes);
    }
}

impl Drop for Permits<'_> {
    fn drop(&mut self) {
        for standing in &self.standings {
            if let Taken::Place(change) = standing.taken {
                self.limiter.concurrency().lower(change);
            }
        }
    }
}

impl Standing {
    fn write(&self, limits: &RouteLimits, out: &mut Vec<u8>) {
        let Some(rule) = limits.rules.get(self.rule) else { return };
        if !out.is_empty() {
            out.extend_from_slice(b", ");
        }
        let mut digits = itoa::Buffer::new();
        out.extend_from_slice(rule.item.as_bytes());
        out.extend_from_slice(digits.format(self.remaining).as_bytes());
        if let Some(window_s) = self.window_s {
            out.extend_from_slice(b";t=");
            out.extend_from_slice(digits.format(window_s).as_bytes());
        }
    }
}

fn limited(reason: &'static str, rule: &Rule, retry_s: u64) -> Refusal {
    Refusal::limited(reason, Cow::Owned(rule.message.to_string()), retry_s)
}

/// Whole seconds, rounded up, at least 1.
fn seconds(ns: u64) -> u64 {
    ns.div_ceil(1_000_000_000).max(1)
}

/// What a rule counts together.
fn hash(rule: &Rule, asker: Asker<'_>, hasher: &mut impl Hasher) {
    hasher.write_u64(rule.identity);
    match &rule.per {
        // 0 is nobody's id.
        Per::User => hasher.write_u64(asker.user_id.unwrap_or(0)),
        Per::Key => hasher.write_u64(asker.key_id.unwrap_or(0)),
        Per::Address => match asker.address.to_canonical() {
            IpAddr::V4(address) => hasher.write_u32(address.to_bits()),
            // A client is commonly given a /64, all of whose addresses it may use.
            IpAddr::V6(address) => hasher.write_u64((address.to_bits() >> 64) as u64),
        },
        Per::Route => {}
        // It is no field among others.
        Per::Header(name) if name == "host" => hasher.write(asker.request.host().as_bytes()),
        Per::Header(name) => hash_values(asker.request.fields.values(name), hasher),
    }
}

/// Repeated fields are all counted together, whatever they say: a client that may add one to what others have set would be somebody
/// else each time. A cookie that HTTP/2 has in crumbs is one field by now (RFC 9113 §8.2.3).
fn hash_values<'a>(mut values: impl Iterator<Item = &'a [u8]>, hasher: &mut impl Hasher) {
    match (values.next(), values.next()) {
        (None, _) => hasher.write_u8(0),
        (Some(value), None) => {
            hasher.write_u8(1);
            hasher.write_usize(value.len());
            hasher.write(value);
        }
        (Some(_), Some(_)) => hasher.write_u8(2),
    }
}
