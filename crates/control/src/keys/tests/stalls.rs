//! A disk that stalls without failing keeps the file back, but not what is in force.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::sync::Condvar;

use super::super::saved::read;
use super::*;
use crate::limits::KEY_CHANGES_WAITING;

/// Nothing that is wanted takes longer.
const WITHIN: Duration = Duration::from_secs(60);

/// A disk that can be held: while it is, nothing that is to be synced is.
#[derive(Default)]
struct Disk {
    state: Mutex<State>,
    goes_on: Condvar,
}

#[derive(Default)]
struct State {
    is_held: bool,
    /// Syncs that wait.
    waiting: usize,
}

/// Holds a disk until it is dropped.
struct Held<'a>(&'a Disk);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().is_held = false;
        self.0.goes_on.notify_all();
    }
}

impl Disk {
    fn hold(&self) -> Held<'_> {
        self.state.lock().unwrap().is_held = true;
        Held(self)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        let mut state = self.goes_on.wait_while(state, |state| state.is_held).unwrap();
        state.waiting -= 1;
        file.sync_data()
    }

    /// Has the file of a follower on this disk.
    fn under(self: &Arc<Self>, follower: &mut KeyFollower) {
        let disk = Arc::clone(self);
        follower.saving.sync_with(Arc::new(move |file| disk.sync(file)));
    }

    async fn stalls(&self) {
        until(|| self.state.lock().unwrap().waiting > 0).await;
    }
}

async fn until(is_so: impl Fn() -> bool) {
    let all = async {
        while !is_so() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(WITHIN, all).await.unwrap();
}

async fn knows(node: &Node, ids: &[u64]) {
    timeout(WITHIN, node.plane.knows(ids)).await.unwrap();
}

/// The keys that a start without the database would know.
fn saved(dir: &Path) -> Vec<u64> {
    let Ok(bytes) = std::fs::read(dir.join("keys")) else { return Vec::new() };
    let mut ids = BTreeSet::new();
    for state in read(&bytes).unwrap().states {
        let id = u64::from_be_bytes(*state.hash.0.first_chunk().unwrap());
        if state.facts.is_some() {
            ids.insert(id)
        } else {
            ids.remove(&id)
        };
    }
    ids.into_iter().collect()
}

fn revoke(node: &Node, store: &Books, id: u64) {
    store.change_key_to(hash(id), None);
    node.hint.changed();
}

#[tokio::test]
async fn a_sync_that_takes_long_holds_up_no_revocation_and_all_are_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (store, disk) = (store_of([1, 2, 3]), Arc::<Disk>::default());
    let node = Node::start_with(&store, dir.path(), |follower| disk.under(follower));
    knows(&node, &[1, 2, 3]).await;
    let held = disk.hold();
    revoke(&node, &store, 1);
    knows(&node, &[2, 3]).await;
    disk.stalls().await;
    revoke(&node, &store, 2);
    knows(&node, &[3]).await;
    assert_eq!(saved(dir.path()), [3]);
    drop(held);
    node.stop().await;
}

#[tokio::test]
async fn what_cannot_be_written_in_time_is_in_force_and_written_later() {
    let dir = tempfile::tempdir().unwrap();
    let (store, disk) = (store_of([1, 2, 3]), Arc::<Disk>::default());
    let held = disk.hold();
    let node = Node::start_with(&store, dir.path(), |follower| disk.under(follower));
    knows(&node, &[1, 2, 3]).await;
    revoke(&node, &store, 1);
    knows(&node, &[2, 3]).await;
    assert!(saved(dir.path()).is_empty());
    drop(held);
    until(|| saved(dir.path()) == [2, 3]).await;
    node.stop().await;
}

#[tokio::test]
async fn with_more_changes_than_can_wait_all_keys_are_saved_anew() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Arc::<Plane>::default();
    let disk = Arc::<Disk>::default();
    let held = disk.hold();
    let mut saving = Saving::at(dir.path().join("keys"));
    let on_disk = Arc::clone(&disk);
    saving.sync_with(Arc::new(move |file| on_disk.sync(file)));
    assert!(saving.load(sink).await.is_none());
    let state = |id| KeyState { number: id, hash: hash(id), facts: Some(facts(id)) };
    saving.replace(Arc::new(vec![state(1)]));
    assert!(timeout(Duration::from_millis(1), saving.written()).await.is_err());
    let many: Vec<_> = (2..2 + KEY_CHANGES_WAITING as u64).map(state).collect();
    saving.append(&many);
    saving.append(&many[..1]);
    drop(held);
    timeout(WITHIN, saving.written()).await.unwrap();
    assert!(saving.take_outcome().unwrap().is_err(), "all are asked for");
    assert!(saved(dir.path()).is_empty(), "what is not true is not left to a start");
    saving.replace(Arc::new(vec![state(1), state(2)]));
    timeout(WITHIN, saving.written()).await.unwrap();
    assert!(saving.take_outcome().unwrap().is_ok());
    assert_eq!(saved(dir.path()), [1, 2]);
}
