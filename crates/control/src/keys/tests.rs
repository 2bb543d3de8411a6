//! What is in force is what the store says; without a store, what was in force last.

mod stalls;

use std::collections::BTreeMap;
use std::future::pending;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use policy::{KeyFacts, Scopes};
use tokio::task::JoinHandle;

use super::*;
use crate::testing::books::{Books, Fault};

/// The data plane: `None` until it has been told anything.
#[derive(Default)]
struct Plane {
    keys: Mutex<Option<BTreeMap<KeyHash, KeyFacts>>>,
    told: Notify,
}

impl KeySink for Plane {
    fn replace(&self, keys: Vec<(KeyHash, KeyFacts)>) {
        *self.keys.lock().unwrap() = Some(keys.into_iter().collect());
        self.told.notify_one();
    }

    fn apply(&self, changes: Vec<(KeyHash, Option<KeyFacts>)>) {
        let mut keys = self.keys.lock().unwrap();
        let keys = keys.as_mut().expect("changes come after the first keys");
        for (hash, facts) in changes {
            match facts {
                Some(facts) => drop(keys.insert(hash, facts)),
                None => drop(keys.remove(&hash)),
            }
        }
        self.told.notify_one();
    }
}

impl Plane {
    fn ids(&self) -> Option<Vec<u64>> {
        self.keys.lock().unwrap().as_ref().map(|keys| keys.values().map(|facts| facts.key_id).collect())
    }

    async fn knows(&self, ids: &[u64]) {
        while self.ids().as_deref() != Some(ids) {
            self.told.notified().await;
        }
    }
}

fn hash(id: u64) -> KeyHash {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&id.to_be_bytes());
    KeyHash(hash)
}

fn facts(id: u64) -> KeyFacts {
    let scopes = match id % 3 {
        0 => Scopes::All,
        routes => Scopes::Routes((0..routes).map(|route| format!("route-{route}").into()).collect()),
    };
    KeyFacts { key_id: id, user_id: id + 1, expires_us: (id % 2 == 1).then_some(id * 1000), scopes }
}

struct Node {
    plane: Arc<Plane>,
    hint: KeyHint,
    handle: KeysHandle,
    run: JoinHandle<()>,
}

impl Node {
    fn start(store: &Arc<Books>, dir: &Path) -> Self {
        Self::start_with(store, dir, |_| ())
    }

    fn start_with(store: &Arc<Books>, dir: &Path, change: impl FnOnce(&mut KeyFollower)) -> Self {
        let (plane, hint) = (Arc::<Plane>::default(), KeyHint::new());
        let mut follower = KeyFollower::new(
            Arc::clone(store) as Arc<dyn Store>,
            Arc::clone(&plane) as Arc<dyn KeySink>,
            dir.join("keys"),
            hint.clone(),
        );
        change(&mut follower);
        let handle = follower.handle();
        Self { plane, hint, handle, run: tokio::spawn(follower.run(pending())) }
    }

    /// Waits until the follower has looked once more, after what was done before.
    async fn looks(&self) {
        for _ in 0..2 {
            self.hint.changed();
            sleep(KEY_POLL).await;
        }
    }

    async fn stop(self) {
        self.run.abort();
        let _aborted = self.run.await;
    }
}

fn store_of(ids: impl IntoIterator<Item = u64>) -> Arc<Books> {
    let store = Arc::<Books>::default();
    for id in ids {
        store.change_key_to(hash(id), Some(facts(id)));
    }
    store
}

#[tokio::test(start_paused = true)]
async fn an_empty_store_is_no_key_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(&store_of([]), dir.path());
    node.plane.knows(&[]).await;
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn changes_are_in_force_by_hint_and_by_looking() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of([1, 2, 3]);
    let node = Node::start(&store, dir.path());
    node.plane.knows(&[1, 2, 3]).await;
    store.change_key_to(hash(4), Some(facts(4)));
    node.hint.changed();
    node.plane.knows(&[1, 2, 3, 4]).await;
    let began = Instant::now();
    store.change_key_to(hash(2), None);
    node.plane.knows(&[1, 3, 4]).await;
    assert!(began.elapsed() <= KEY_POLL + Duration::from_millis(50));
    node.looks().await;
    let status = node.handle.status();
    assert_eq!((status.number, status.changes, status.reloads), (Some(5), 2, 1));
    assert!(status.database_up && status.save_error.is_none());
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn keys_are_as_old_as_the_last_answer_of_the_database() {
    const DOWN: Duration = Duration::from_secs(100);
    let dir = tempfile::tempdir().unwrap();
    let store = store_of([1]);
    let node = Node::start(&store, dir.path());
    node.looks().await;
    let age = || node.handle.status().age;
    assert!(age() <= KEY_POLL * 2, "{:?}", age());
    store.fail(Fault::Down);
    sleep(DOWN).await;
    assert!((DOWN - KEY_POLL..=DOWN + KEY_POLL * 2).contains(&age()), "{:?}", age());
    store.fail(Fault::None);
    node.looks().await;
    assert!(age() <= KEY_POLL * 2, "{:?}", age());
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_keys_than_one_answer_holds_are_all_known() {
    let dir = tempfile::tempdir().unwrap();
    let ids: Vec<_> = (1..=u64::from(KEY_PAGE) * 2 + 1).collect();
    let store = store_of(ids.iter().copied());
    let node = Node::start(&store, dir.path());
    node.plane.knows(&ids).await;
    for id in &ids {
        store.change_key_to(hash(*id), None);
    }
    node.hint.changed();
    node.plane.knows(&[]).await;
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_without_the_database_knows_the_saved_keys_and_no_revoked_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of([1, 2, 3]);
    let node = Node::start(&store, dir.path());
    node.plane.knows(&[1, 2, 3]).await;
    store.change_key_to(hash(2), None);
    store.change_key_to(hash(5), Some(facts(5)));
    node.hint.changed();
    node.plane.knows(&[1, 3, 5]).await;
    node.stop().await;

    store.fail(Fault::Down);
    let node = Node::start(&store, dir.path());
    node.plane.knows(&[1, 3, 5]).await;
    let known = node.plane.keys.lock().unwrap().clone().unwrap();
    assert!(known.into_iter().all(|(key, known)| known == facts(known.key_id) && key == hash(known.key_id)));
    node.looks().await;
    assert!(!node.handle.status().database_up);
    store.fail(Fault::None);
    store.change_key_to(hash(1), None);
    node.plane.knows(&[3, 5]).await;
    assert_eq!(node.handle.status().reloads, 0, "what changed was enough");
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_known_before_the_database_answers_for_the_first_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of([1]);
    store.fail(Fault::Down);
    let node = Node::start(&store, dir.path());
    node.looks().await;
    assert_eq!(node.plane.ids(), None);
    assert_eq!(node.handle.status().number, None);
    store.fail(Fault::None);
    node.plane.knows(&[1]).await;
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restored_backup_is_read_anew() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of([1, 2]);
    let backup = store.backup();
    let node = Node::start(&store, dir.path());
    store.change_key_to(hash(3), Some(facts(3)));
    node.plane.knows(&[1, 2, 3]).await;
    store.restore(&backup);
    node.plane.knows(&[1, 2]).await;

    store.change_key_to(hash(4), Some(facts(4)));
    node.plane.knows(&[1, 2, 4]).await;
    store.restore(&backup);
    store.change_key_to(hash(5), Some(facts(5)));
    node.plane.knows(&[1, 2, 5]).await;
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_backup_restored_while_the_database_was_away_is_read_anew() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of([1, 2]);
    let backup = store.backup();
    let node = Node::start(&store, dir.path());
    store.change_key_to(hash(3), Some(facts(3)));
    node.plane.knows(&[1, 2, 3]).await;
    store.fail(Fault::Down);
    node.looks().await;
    // The same number of changes and more, and the one after them overtaken.
    store.restore(&backup);
    for id in [7, 7, 8] {
        store.change_key_to(hash(id), Some(facts(id)));
    }
    node.plane.knows(&[1, 2, 7, 8]).await;
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn another_database_is_read_anew_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(&store_of([1, 2, 3]), dir.path());
    node.plane.knows(&[1, 2, 3]).await;
    node.stop().await;
    let node = Node::start(&store_of([4, 5, 6, 7]), dir.path());
    node.plane.knows(&[4, 5, 6, 7]).await;
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_forgotten_for_another_database_is_read_anew_though_it_has_the_same_keys() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(&store_of([1, 2, 3]), dir.path());
    node.plane.knows(&[1, 2, 3]).await;
    node.looks().await;
    std::fs::remove_file(dir.path().join("keys")).unwrap();
    node.plane.replace(Vec::new());
    node.hint.other_database();
    node.plane.knows(&[1, 2, 3]).await;
    node.looks().await;
    assert!(dir.path().join("keys").exists(), "they are saved anew, too");
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn keys_that_cannot_be_saved_are_in_force_and_no_untrue_copy_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of([1, 2]);
    let node = Node::start(&store, dir.path());
    node.plane.knows(&[1, 2]).await;
    node.looks().await;
    // Nothing can be made where a directory that is not empty has the name.
    std::fs::remove_file(dir.path().join("keys")).unwrap();
    std::fs::create_dir_all(dir.path().join("keys/in-the-way")).unwrap();
    store.restore(&store_of([8]).backup());
    node.plane.knows(&[8]).await;
    node.looks().await;
    assert!(node.handle.status().save_error.is_some());
    std::fs::remove_dir_all(dir.path().join("keys")).unwrap();
    sleep(KEY_SAVE_RETRY).await;
    node.looks().await;
    assert_eq!(node.handle.status().save_error, None);
    node.stop().await;
    store.fail(Fault::Down);
    let node = Node::start(&store, dir.path());
    node.plane.knows(&[8]).await;
    node.stop().await;
}
