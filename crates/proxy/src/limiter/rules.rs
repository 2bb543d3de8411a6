//! The limits of one route, compiled.

use std::fmt::Write;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use config::{Limit, Per, Rate};
use foldhash::quality::FixedState;
use policy::Gcra;

/// When limits are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before the route asks who the user is, so that guessing is limited: those per client address.
    Early,
    /// When it is known who is asking: all others.
    Late,
}

/// All limits of a route.
#[derive(Debug, Default)]
pub struct RouteLimits {
    /// In the order of the configuration; of a limit with both, concurrency comes first.
    pub(super) rules: Box<[Rule]>,
    /// The value of `RateLimit-Policy`.
    pub(super) policy: Box<str>,
}

/// One limit of one kind.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) stage: Stage,
    pub(super) per: Per,
    pub(super) measure: Measure,
    /// Names the limit among all, over reloads and as long as it means the same.
    pub(super) identity: u64,
    /// Its item in `RateLimit`, up to the number.
    pub(super) item: Box<str>,
    /// What a refused client is told.
    pub(super) message: Box<str>,
}

/// What is limited.
#[derive(Clone, Copy, Debug)]
pub(super) enum Measure {
    /// Requests in a time.
    Rate(Gcra),
    /// Requests under way.
    Concurrency(u32),
}

impl RouteLimits {
    /// Compiles the limits of the route of that name.
    pub fn compile(route: &str, limits: &[Limit]) -> Self {
        let (mut rules, mut policy, mut known) = (Vec::new(), String::new(), Known::default());
        for limit in limits {
            let mut add =
                |what: What| rules.push(Rule::new(route, &limit.per, what, &mut known, &mut policy));
            limit.concurrency.into_iter().for_each(|most| add(What::Concurrency(most)));
            limit.rate.into_iter().for_each(|rate| add(What::Rate(rate)));
        }
        Self { rules: rules.into(), policy: policy.into() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// A kind of limit, as configured.
#[derive(Clone, Copy, Debug)]
enum What {
    Rate(Rate),
    Concurrency(u32),
}

/// What has been given out to the rules of a route so far.
#[derive(Debug, Default)]
struct Known {
    names: Vec<String>,
    meanings: Vec<String>,
}

impl Rule {
    fn new(route: &str, per: &Per, what: What, known: &mut Known, policy: &mut String) -> Self {
        let name = name(per, what, &mut known.names);
        if !policy.is_empty() {
            policy.push_str(", ");
        }
        push_policy(policy, &name, what);
        Self {
            stage: if *per == Per::Address { Stage::Early } else { Stage::Late },
            per: per.clone(),
            measure: match what {
                What::Rate(rate) => Measure::Rate(Gcra::new(rate.requests, rate.period, rate.burst)),
                What::Concurrency(most) => Measure::Concurrency(most),
            },
            identity: identity(route, per, what, &mut known.meanings),
            item: format!("\"{name}\";r=").into(),
            message: message(per, what).into(),
        }
    }
}

/// A name that no other limit of the route has: `user`, `user-concurrency`, `user-2`.
fn name(per: &Per, what: What, names: &mut Vec<String>) -> String {
    let mut name = match per {
        Per::User => "user".to_owned(),
        Per::Key => "key".to_owned(),
        Per::Address => "address".to_owned(),
        Per::Route => "route".to_owned(),
        Per::Header(header) => format!("header:{header}"),
    };
    if let What::Concurrency(_) = what {
        name.push_str("-concurrency");
    }
    let same = ordinal(&name, names);
    if same > 0 {
        let _ = write!(name, "-{}", same + 1);
    }
    name
}

/// How many of the same there have been, of which it is one more.
fn ordinal(text: &str, earlier: &mut Vec<String>) -> usize {
    let same = earlier.iter().filter(|other| *other == text).count();
    earlier.push(text.to_owned());
    same
}

/// The limit's item in `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11 §3.1).
fn push_policy(policy: &mut String, name: &str, what: What) {
    let _ = match what {
        What::Rate(Rate { requests, period, burst }) => {
            let burst = if burst == requests { String::new() } else { format!(";lockgate-burst={burst}") };
            write!(policy, "\"{name}\";q={requests};w={}{burst}", period.as_secs())
        }
        What::Concurrency(most) => write!(policy, "\"{name}\";q={most};qu=\"concurrent-requests\""),
    };
}

/// A rate that is changed is another limit, with states of its own: times by one rate mean nothing by another, and could keep a user
/// waiting for days where the new rate asks for a second. A count means the same whatever the limit. Where a limit stands among others
/// means nothing, unless they count the same.
fn identity(route: &str, per: &Per, what: What, meanings: &mut Vec<String>) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    let numbers = match what {
        What::Rate(rate) => format!("{rate:?}"),
        What::Concurrency(_) => String::new(),
    };
    let meaning = format!("{route}\0{per:?}\0{numbers}");
    let same = ordinal(&meaning, meanings);
    hasher.write(format!("{meaning}\0{same}").as_bytes());
    hasher.finish()
}

fn message(per: &Per, what: What) -> String {
    let whose = match per {
        Per::User => "per user".to_owned(),
        Per::Key => "per key".to_owned(),
        Per::Address => "per client address".to_owned(),
        Per::Route => "for all clients together".to_owned(),
        Per::Header(header) => format!("per value of {header}"),
    };
    match what {
        What::Rate(Rate { requests, period, .. }) => {
            format!("This route takes {requests} requests in {} {whose}, and no more for now.", words(period))
        }
        What::Concurrency(most) => {
            format!("This route takes {most} requests at the same time {whose}, and as many are under way.")
        }
    }
}

fn words(period: Duration) -> String {
    match period.as_secs() {
        1 => "a second".to_owned(),
        60 => "a minute".to_owned(),
        3_600 => "an hour".to_owned(),
        86_400 => "a day".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(per: Per, rate: Option<(u32, u64, u32)>, concurrency: Option<u32>) -> Limit {
        let rate = rate.map(|(requests, period_s, burst)| Rate {
            requests,
            period: Duration::from_secs(period_s),
            burst,
        });
        Limit { rate, concurrency, per }
    }

    #[test]
    fn the_policy_names_every_limit_once() {
        let header = Per::Header("x-team".to_owned());
        let limits = [
            limit(Per::User, Some((100, 1, 100)), Some(10)),
            limit(Per::User, Some((1_000, 3_600, 20)), None),
            limit(header, None, Some(7)),
            limit(Per::Address, Some((5, 60, 5)), None),
        ];
        let compiled = RouteLimits::compile("r", &limits);
        assert_eq!(
            &*compiled.policy,
            "\"user-concurrency\";q=10;qu=\"concurrent-requests\", \"user\";q=100;w=1, \
             \"user-2\";q=1000;w=3600;lockgate-burst=20, \
             \"header:x-team-concurrency\";q=7;qu=\"concurrent-requests\", \"address\";q=5;w=60"
        );
        let stages: Vec<_> = compiled.rules.iter().map(|rule| rule.stage).collect();
        assert_eq!(stages, [Stage::Late, Stage::Late, Stage::Late, Stage::Late, Stage::Early]);
        assert!(RouteLimits::compile("r", &[]).is_empty());
    }

    #[test]
    fn a_limit_is_the_same_as_long_as_its_states_mean_the_same() {
        let identities = |route: &str, limits: &[Limit]| -> Vec<u64> {
            RouteLimits::compile(route, limits).rules.iter().map(|rule| rule.identity).collect()
        };
        let base = limit(Per::User, Some((100, 1, 100)), Some(10));
        let of = |route, limit: Limit| identities(route, &[limit]);
        assert_eq!(of("r", base.clone()), of("r", base.clone()));
        let [count, rate] = of("r", base.clone())[..] else { panic!("two rules") };
        assert_ne!(count, rate);
        let [same, other] = of("r", limit(Per::User, Some((200, 1, 100)), Some(20)))[..] else {
            panic!("two rules")
        };
        assert_eq!(same, count, "a count goes on under another limit");
        assert_ne!(other, rate, "another rate begins afresh");
        for (what, others) in [
            ("route", of("s", base.clone())),
            ("per", of("r", limit(Per::Key, Some((100, 1, 100)), Some(10)))),
            ("once more", identities("r", &[base.clone(), base.clone()])[2..].to_vec()),
        ] {
            assert!(others != [count, rate], "{what}");
        }
        let [early, slow] =
            [limit(Per::Address, Some((20, 1, 20)), None), limit(Per::User, Some((5, 60, 5)), None)];
        let inserted = identities("r", &[early.clone(), slow.clone(), base.clone()]);
        assert_eq!(inserted[2..], [count, rate], "others that stand before it change nothing");
        let reordered = identities("r", &[base, slow, early]);
        assert_eq!(reordered, [count, rate, inserted[1], inserted[0]], "nor does another order");
    }
}
