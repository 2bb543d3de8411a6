//! What checks have found of an endpoint, for workers and for those who look.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use policy::{HealthPolicy, HealthState};

use super::{Address, Upstream};

/// What checks have found of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// All that the request path reads.
    is_out: AtomicBool,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    belief: policy::Health,
    report: HealthReport,
}

/// What checks have found of an endpoint, as of this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthReport {
    /// What is believed of it.
    pub state: HealthState,
    /// What the last check found, in a few words; empty before the first.
    pub reason: String,
    /// Checks passed since they began.
    pub passed: u64,
    /// Checks failed since they began.
    pub failed: u64,
}

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) passed: bool,
    /// In a few words.
    pub(crate) reason: String,
}

impl Finding {
    pub(crate) fn passed(reason: impl Into<String>) -> Self {
        Self { passed: true, reason: reason.into() }
    }

    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self { passed: false, reason: reason.into() }
    }
}

impl Health {
    /// Whether the endpoint is to be left alone as long as there is another.
    pub(crate) fn is_out(&self) -> bool {
        self.is_out.load(Ordering::Relaxed)
    }

    pub(crate) fn report(&self) -> HealthReport {
        self.lock().report.clone()
    }

    /// Takes note of a check; answers what was known before it.
    pub(crate) fn note(&self, finding: Finding, policy: HealthPolicy) -> HealthReport {
        let mut found = self.lock();
        let before = found.report.clone();
        found.belief.checked(finding.passed, policy);
        found.report = HealthReport {
            state: found.belief.state(),
            reason: finding.reason,
            passed: before.passed + u64::from(finding.passed),
            failed: before.failed + u64::from(!finding.passed),
        };
        self.is_out.store(found.report.state == HealthState::Out, Ordering::Relaxed);
        before
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        // What is guarded is replaced in single steps, so a poisoned lock guards a sound value.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What checks had found of the endpoints of an upstream when a reload changed it.
#[derive(Debug, Default)]
pub(super) struct Inherited(Vec<Known>);

#[derive(Debug)]
struct Known {
    /// The host name and port it was resolved from.
    origin: Option<Box<str>>,
    address: Address,
    health: Arc<Health>,
}

impl Inherited {
    /// For an upstream that asks its endpoints the same, and in the same way; else nothing.
    pub(super) fn from(previous: &Upstream, next: &config::Upstream) -> Self {
        let before = previous.config();
        let is_same = before.health == next.health
            && before.protocol == next.protocol
            && before.tls == next.tls
            && before.host == next.host
            && before.proxy_protocol == next.proxy_protocol;
        if next.health.is_none() || !is_same {
            return Self::default();
        }
        let endpoints = previous.endpoints();
        let known = endpoints.iter().map(|endpoint| Known {
            origin: endpoint.origin().map(Into::into),
            address: endpoint.address().clone(),
            health: endpoint.health().clone(),
        });
        Self(known.collect())
    }

    /// What had been found of this endpoint: both forms of it go on to share that.
    pub(super) fn of(&self, origin: Option<&str>, address: &Address) -> Arc<Health> {
        let is_it = |known: &&Known| known.origin.as_deref() == origin && known.address == *address;
        self.0.iter().find(is_it).map(|known| known.health.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(keys: &str, previous: Option<&Upstream>) -> Upstream {
        let text = format!(
            "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.a]\n{keys}\n[[route]]\nupstream = \"a\"\n"
        );
        let loaded = config::load_text("test", "".as_ref(), &text, &config::ProcessEnvironment).unwrap();
        let upstream = Upstream::new(loaded.config.upstreams[0].clone(), previous);
        upstream.resolved("b.internal", 1, &["10.0.0.1:1".parse().unwrap(), "10.0.0.2:1".parse().unwrap()]);
        upstream
    }

    #[test]
    fn another_form_of_an_upstream_keeps_what_is_known_while_it_asks_the_same() {
        let endpoints = "endpoints = [\"127.0.0.1:1\", \"b.internal:1\"]";
        let health = "health = { path = \"/\" }";
        let first = upstream(&format!("{endpoints}\n{health}"), None);
        let policy = HealthPolicy { failures: 1, successes: 1 };
        for endpoint in first.endpoints().iter().filter(|endpoint| !endpoint.text().starts_with("10.0.0.1")) {
            endpoint.health().note(Finding::failed("status 500"), policy);
        }
        let out = |keys: &str| {
            let next = upstream(keys, Some(&first));
            let endpoints = next.endpoints();
            let out = endpoints.iter().filter(|endpoint| endpoint.health().is_out());
            out.map(|endpoint| endpoint.text().to_owned()).collect::<Vec<_>>()
        };
        let both = ["127.0.0.1:1", "10.0.0.2:1"];
        assert_eq!(out(&format!("{endpoints}\n{health}\nrest = \"9s\"")), both);
        assert_eq!(out(&format!("endpoints = [\"127.0.0.1:2\", \"b.internal:1\"]\n{health}")), both[1..]);
        for other in [
            format!("{endpoints}\nhealth = {{ path = \"/other\" }}"),
            format!("{endpoints}\n{health}\nprotocol = \"h2\""),
            format!("{endpoints}\n{health}\nhost = \"b.internal\""),
            format!("{endpoints}\n{health}\ntls = {{ verify = false, name = \"b.internal\" }}"),
            endpoints.to_owned(),
        ] {
            assert_eq!(out(&other), [""; 0], "{other}");
        }
    }
}
