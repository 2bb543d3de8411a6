//! Host names of upstreams: looked up at start, again and again while they are configured, and the last good answer kept.

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use proxy::{Plane, Snapshot, Upstream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::limits::{FIRST_ANSWERS_WITHIN, LOOKUPS_AT_ONCE};

/// A host name and port.
type Place = (String, u16);

/// What is known of every host name that is or was configured.
#[derive(Debug, Default)]
pub(crate) struct Resolver {
    known: Mutex<HashMap<Place, Answer>>,
    /// Another snapshot is in force.
    changed: Notify,
}

/// What is known of one host name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Answer {
    /// The last good answer, in order.
    addresses: Vec<SocketAddr>,
    /// Why the last lookup failed, if it did.
    failure: Option<String>,
}

/// What one lookup brought: addresses, or why there are none.
type Looked = Result<Vec<SocketAddr>, String>;

/// A name that is looked up again and again, for as long as it is configured so.
type Task = (String, Place, Duration);

impl Resolver {
    /// Gives the upstreams of a snapshot that is not in force yet their first addresses, at most within two seconds; names that have
    /// none by then keep what an earlier answer said until their interval has passed.
    pub(crate) async fn first_answers(&self, snapshot: &Snapshot) {
        let mut lookups = JoinSet::new();
        for (_, place) in unanswered(snapshot) {
            lookups.spawn(async move { (place.clone(), look_up(&place).await) });
        }
        let all = async {
            while let Some(done) = lookups.join_next().await {
                if let Ok((place, looked)) = done {
                    self.note(&place, looked);
                }
            }
        };
        if timeout(FIRST_ANSWERS_WITHIN, all).await.is_err() {
            tracing::warn!(within = ?FIRST_ANSWERS_WITHIN, "host names of upstreams are not resolved yet");
        }
        for (upstream, (name, port)) in unanswered(snapshot) {
            let answer = self.lock().get(&(name.clone(), port)).cloned().unwrap_or_default();
            upstream.resolved(&name, port, &answer.addresses);
        }
    }

    /// Says that another snapshot is in force.
    pub(crate) fn follow(&self) {
        self.changed.notify_one();
    }

    /// Looks up every configured host name in its interval, for ever.
    pub(crate) async fn run(self: Arc<Self>, plane: Arc<Plane>) {
        let mut lookups = JoinSet::new();
        let mut running: HashMap<Task, AbortHandle> = HashMap::new();
        loop {
            let wanted: Vec<Task> = plane.snapshot().upstreams().iter().flat_map(tasks).collect();
            running.retain(|task, handle| {
                let keep = wanted.contains(task);
                if !keep {
                    handle.abort();
                }
                keep
            });
            for task in wanted {
                running
                    .entry(task.clone())
                    .or_insert_with(|| lookups.spawn(self.clone().look_up_for_ever(plane.clone(), task)));
            }
            while lookups.try_join_next().is_some() {}
            self.changed.notified().await;
        }
    }

    async fn look_up_for_ever(self: Arc<Self>, plane: Arc<Plane>, (upstream, place, every): Task) {
        loop {
            sleep(every).await;
            let looked = look_up(&place).await;
            let addresses = self.note(&place, looked);
            if let Some(upstream) = plane.snapshot().upstream(&upstream) {
                upstream.resolved(&place.0, place.1, &addresses);
            }
        }
    }

    /// Takes note of a lookup, says what changed, and answers the last good addresses.
    fn note(&self, place: &Place, looked: Looked) -> Vec<SocketAddr> {
        let mut known = self.lock();
        let before = known.entry(place.clone()).or_default();
        let after = match looked {
            Ok(addresses) => Answer { addresses, failure: None },
            Err(failure) => Answer { addresses: before.addresses.clone(), failure: Some(failure) },
        };
        tell(place, before, &after);
        *before = after;
        before.addresses.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Answer>> {
        // Each entry is replaced in one step, so a poisoned lock guards sound values.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell((host, port): &Place, before: &Answer, after: &Answer) {
    match (&before.failure, &after.failure) {
        (_, Some(error)) if before.failure != after.failure => {
            tracing::warn!(host, port, error, kept = ?after.addresses, "a host name does not resolve");
        }
        (Some(_), None) => {
            tracing::info!(host, port, addresses = ?after.addresses, "a host name resolves again")
        }
        (None, None) if before.addresses != after.addresses => {
            tracing::debug!(host, port, addresses = ?after.addresses, "a host name has other addresses");
        }
        _ => {}
    }
}

/// Names without a single address in their upstream.
fn unanswered(snapshot: &Snapshot) -> impl Iterator<Item = (&Arc<Upstream>, Place)> {
    snapshot.upstreams().iter().flat_map(|upstream| {
        let endpoints = upstream.endpoints();
        let missing = move |(name, port, _): &(&str, u16, Duration)| {
            let origin = format!("{name}:{port}");
            !endpoints.iter().any(|endpoint| endpoint.origin() == Some(&origin))
        };
        upstream.host_names().filter(missing).map(move |(name, port, _)| (upstream, (name.to_owned(), port)))
    })
}

fn tasks(upstream: &Arc<Upstream>) -> Vec<Task> {
    let task = |(name, port, every): (&str, u16, Duration)| {
        (upstream.name().to_owned(), (name.to_owned(), port), every)
    };
    upstream.host_names().map(task).collect()
}

async fn look_up(place: &Place) -> Looked {
    static LOOKUPS: Semaphore = Semaphore::const_new(LOOKUPS_AT_ONCE);
    // Nobody closes it.
    let turn = LOOKUPS.acquire().await.map_err(|error| error.to_string())?;
    let (name, port) = place.clone();
    // The thread has the turn: it goes on when nobody waits for the answer any more.
    let looked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        (name.as_str(), port).to_socket_addrs().map(Vec::from_iter)
    });
    let mut addresses = match looked.await {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(error) => return Err(error.to_string()),
    };
    // The answer's order changes from lookup to lookup; balancing is not its business.
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() { Err("no address".into()) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(endpoint: &str) -> Arc<Snapshot> {
        let text = format!(
            "[[listener]]\naddress = \"127.0.0.1:0\"\n[upstream.a]\nendpoints = [\"{endpoint}\"]\n\
             [[route]]\npath = \"/*\"\nupstream = \"a\"\n"
        );
        let loaded = config::load_text("test", "".as_ref(), &text, &config::ProcessEnvironment).unwrap();
        Snapshot::compile(&loaded.config, &[], None)
    }

    fn addresses(snapshot: &Snapshot) -> Vec<String> {
        snapshot.upstreams()[0].endpoints().iter().map(|endpoint| endpoint.text().to_owned()).collect()
    }

    #[tokio::test]
    async fn the_first_answer_is_there_before_the_snapshot_is_in_force() {
        let snapshot = snapshot("localhost:9001");
        assert_eq!(addresses(&snapshot), [""; 0]);
        Resolver::default().first_answers(&snapshot).await;
        assert!(addresses(&snapshot).contains(&"127.0.0.1:9001".to_owned()), "{:?}", addresses(&snapshot));
    }

    #[tokio::test]
    async fn a_failed_lookup_keeps_the_last_good_answer() {
        let resolver = Resolver::default();
        let place = ("name.invalid".to_owned(), 9001);
        let good: SocketAddr = ([127, 0, 0, 1], 9001).into();
        assert_eq!(resolver.note(&place, Ok(vec![good])), [good]);
        assert_eq!(resolver.note(&place, Err("gone".into())), [good]);
        let snapshot = snapshot("name.invalid:9001");
        resolver.known.lock().unwrap().get_mut(&place).unwrap().failure = None;
        for (upstream, (name, port)) in unanswered(&snapshot) {
            upstream.resolved(&name, port, &resolver.note(&place, Err("gone".into())));
        }
        assert_eq!(addresses(&snapshot), ["127.0.0.1:9001"]);
    }
}
