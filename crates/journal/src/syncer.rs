//! Makes segments durable beside the drainer: a sync can take long, and meanwhile the rings must not fill.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::{Disk, DiskFile};

/// Syncs that can wait: the live segment's and those of segments just sealed.
const QUEUE: usize = 8;

/// The drainer's end of the syncing thread.
pub(crate) struct Syncer {
    orders: SyncSender<Order>,
    outcome: Arc<Outcome>,
    ordered: u64,
}

struct Order {
    file: Arc<dyn DiskFile>,
    number: u64,
}

#[derive(Default)]
struct Outcome {
    /// Number of the last order carried out, successfully or not.
    done: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Syncer {
    /// Starts the thread; it ends when this is dropped and the last order has been carried out.
    ///
    /// With each file it syncs the directory that has the names of all segments: without its name a synced segment is lost too.
    pub(crate) fn start(disk: Arc<dyn Disk>, journal_dir: PathBuf) -> io::Result<Self> {
        let (orders, received) = sync_channel(QUEUE);
        let outcome = Arc::new(Outcome::default());
        let shared = Arc::clone(&outcome);
        std::thread::Builder::new().name("journal-sync".into()).spawn(move || {
            run(&received, &shared, |file| file.sync().and_then(|()| disk.sync_dir(&journal_dir)));
        })?;
        Ok(Self { orders, outcome, ordered: 0 })
    }

    /// Orders a sync; `None` when too many wait already.
    pub(crate) fn order(&mut self, file: &Arc<dyn DiskFile>) -> Option<u64> {
        let order = Order { file: Arc::clone(file), number: self.ordered + 1 };
        match self.orders.try_send(order) {
            Ok(()) => {
                self.ordered += 1;
                Some(self.ordered)
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => None,
        }
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_done(self.ordered)
    }

    pub(crate) fn is_done(&self, order: u64) -> bool {
        self.outcome.done.load(Ordering::Acquire) >= order
    }

    /// Why the last failed sync failed; `None` once one has succeeded again.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.outcome.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn run(orders: &Receiver<Order>, outcome: &Outcome, sync: impl Fn(&dyn DiskFile) -> io::Result<()>) {
    while let Ok(Order { file, number }) = orders.recv() {
        let error = sync(&*file).err().map(|error| error.to_string());
        if let Some(error) = &error {
            tracing::error!(%error, "the journal could not be synced");
        }
        *outcome.last_error.lock().unwrap_or_else(PoisonError::into_inner) = error;
        outcome.done.store(number, Ordering::Release);
    }
}
