//! The fold: sums what the journal's segments hold into usage, and moves the marks of the segments on in the same transaction.
//!
//! It reads files, live segment included, and never counts what a crash of the machine could take back: what it has read is synced before
//! it is committed. A fold that is killed, or whose commit is not answered, goes on from the marks the database has.

mod groups;
mod reading;
mod status;

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use journal::{Batch, DataDir, EventReader, ReadError};
use store::{Store, StoreError};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use self::reading::{Reading, Room, Step};
use self::status::Shared;
use crate::chain::chain_of;
use crate::databases::Databases;
use crate::limits::{FOLD_CALL, FOLD_END, FOLD_EVERY, FOLD_REST, FOLD_RETRY, UNREADABLE_RETRY};

pub use self::status::{MeteringHandle, MeteringStatus};

/// Folds a journal into usage; to be run once.
pub struct Metering {
    store: Arc<dyn Store>,
    data_dir: PathBuf,
    node: u64,
    boot: u32,
    shared: Arc<Shared>,
    /// `None`: the marks are to be asked for again.
    reading: Option<Reading>,
    /// When they were asked for.
    resumed_at: Instant,
    /// Where the last step ended and its bytes, if it was not committed; tells how much waits.
    uncommitted: Option<(Reading, u64)>,
    /// For the next step.
    room: Room,
}

/// Wakes the fold, and keeps the segments that it still needs.
struct WakingReader(Arc<Shared>);

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// There is more.
    Behind,
    /// Everything there was is in the usage; so many groups were written.
    CaughtUp { groups: usize },
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
enum FoldError {
    #[error("usage cannot be committed")]
    Store(#[from] StoreError),
    #[error("the journal cannot be read")]
    Read(#[from] ReadError),
    #[error("the data directory does not say which database its journal belongs to")]
    Databases(#[source] io::Error),
    #[error("the database does not answer")]
    TimedOut,
    #[error("the thread that reads the journal is gone")]
    Gone,
}

impl Metering {
    /// Makes the fold of the journal in `dir`, and the reader that goes to that journal: it wakes the fold, and until something has been
    /// folded its segments stay.
    #[allow(clippy::new_ret_no_self, reason = "one half without the other is of no use")]
    pub fn new(store: Arc<dyn Store>, dir: &DataDir) -> (Box<dyn EventReader>, Self) {
        let shared = Arc::<Shared>::default();
        let reader = Box::new(WakingReader(Arc::clone(&shared)));
        let (data_dir, node, boot) = (dir.path().into(), dir.node(), dir.boot());
        let room = Room::ALL;
        (
            reader,
            Self {
                store,
                data_dir,
                node,
                boot,
                shared,
                reading: None,
                resumed_at: Instant::now(),
                uncommitted: None,
                room,
            },
        )
    }

    /// Tells how it goes.
    #[must_use]
    pub fn handle(&self) -> MeteringHandle {
        MeteringHandle::new(Arc::clone(&self.shared))
    }

    /// Folds until it is asked to stop, and then what is there, at most for [`FOLD_END`]; the journal should have been stopped by then.
    /// What is left over is folded by the next start.
    ///
    /// # Cancel safety
    /// May be dropped at any time.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            never = self.follow() => match never {},
            () = shutdown => {}
        }
        if timeout(FOLD_END, self.finish()).await.is_err() {
            tracing::warn!("the next start has to fold the rest of the journal into usage");
        }
    }

    async fn follow(&mut self) -> Infallible {
        let mut retry = FOLD_RETRY.0;
        loop {
            let began = Instant::now();
            match self.step().await {
                Ok(Progress::Behind) => retry = FOLD_RETRY.0,
                Ok(Progress::CaughtUp { groups }) => {
                    retry = FOLD_RETRY.0;
                    sleep_until(began + rest_after(groups)).await;
                    // Records that nobody tells of are found a little later.
                    let _ = timeout(FOLD_EVERY.0, self.shared.wake.notified()).await;
                }
                Err(error) => self.recover_from(&error, &mut retry).await,
            }
        }
    }

    async fn finish(&mut self) {
        let mut retry = FOLD_RETRY.0;
        loop {
            match self.step().await {
                Ok(Progress::Behind) => retry = FOLD_RETRY.0,
                Ok(Progress::CaughtUp { .. }) => return,
                Err(error) => self.recover_from(&error, &mut retry).await,
            }
        }
    }

    async fn recover_from(&mut self, error: &FoldError, retry: &mut Duration) {
        self.shared.failed(chain_of(error));
        self.measure().await;
        sleep(*retry).await;
        *retry = (*retry * 2).min(FOLD_RETRY.1);
    }

    /// Reads a stretch of the journal and commits it. After a failure it is read anew from the marks that the database has: only the answer
    /// may have been lost, and a smaller step may be what the database has the time for.
    async fn step(&mut self) -> Result<Progress, FoldError> {
        self.shared.begins();
        let (reading, step) = self.read().await?;
        if let Err(error) = self.commit(&step).await {
            self.uncommitted = Some((reading, step.bytes));
            return Err(error);
        }
        self.shared.committed(&step);
        // What could not be read is before the place where the reading is.
        let is_to_resume = step.caught_up
            && !step.all_unreadable.is_empty()
            && self.resumed_at.elapsed() >= UNREADABLE_RETRY;
        (self.reading, self.uncommitted) = ((!is_to_resume).then_some(reading), None);
        let groups = step.fold.usage.len();
        Ok(if step.caught_up { Progress::CaughtUp { groups } } else { Progress::Behind })
    }

    /// Reading and summing is work for a processor, and for a disk. What was recorded while the node had another database is passed over.
    async fn read(&mut self) -> Result<(Reading, Step), FoldError> {
        let (node, room) = (self.node, self.room);
        if let Some(mut reading) = self.reading.take() {
            return run_blocking(move || reading.step(node, room).map(|step| (reading, step))).await;
        }
        let store = Arc::clone(&self.store);
        let asked = async { Ok::<_, StoreError>((store.identity().await?, store.marks(node).await?)) };
        let (database, marks) = timeout(FOLD_CALL, asked).await.map_err(|_| FoldError::TimedOut)??;
        self.resumed_at = Instant::now();
        let (data_dir, boot, past_errors) = (self.data_dir.clone(), self.boot, self.shared.given_up());
        run_blocking(move || {
            let mut databases = Databases::read(&data_dir).map_err(FoldError::Databases)?;
            // Before anything is folded into it: whatever is killed now, the next start knows.
            databases.note(database, boot, now_us()).map_err(FoldError::Databases)?;
            let mut reading = Reading::resume(&data_dir, &marks, databases, database, past_errors)?;
            Ok::<_, FoldError>(reading.step(node, room).map(|step| (reading, step))?)
        })
        .await
    }

    /// Commits a step, if there is anything in it, and decides how large the next one may be.
    async fn commit(&mut self, step: &Step) -> Result<(), FoldError> {
        if step.fold.advances.is_empty() {
            return Ok(());
        }
        let answer = timeout(FOLD_CALL, self.store.fold(&step.fold)).await;
        self.room = match answer {
            Ok(Ok(())) => self.room.grown(),
            // The answer to an earlier commit was lost, or somebody else folds this journal: its size is not what is wrong with it.
            Ok(Err(StoreError::Folded)) => self.room,
            Ok(Err(_)) | Err(_) => self.room.halved_for(step),
        };
        Ok(answer.map_err(|_| FoldError::TimedOut)??)
    }

    /// Looks how much waits while nothing can be committed.
    async fn measure(&mut self) {
        let Some((reading, read)) = self.uncommitted.take() else { return };
        let measured = run_blocking(move || reading.rest().map(|rest| (reading, rest))).await;
        if let Ok((reading, (bytes, segments))) = measured {
            self.shared.measured(bytes + read, segments);
            self.uncommitted = Some((reading, read));
        }
    }
}

impl EventReader for WakingReader {
    fn read(&mut self, _: &Batch<'_>) {
        self.0.wakes();
    }

    fn needs(&self, segment: &Path) -> bool {
        self.0.needs(segment)
    }
}

/// Time from the start of a step that wrote so many groups to the start of the next one.
fn rest_after(groups: usize) -> Duration {
    let rest = FOLD_REST.saturating_mul(u32::try_from(groups).unwrap_or(u32::MAX));
    rest.clamp(FOLD_EVERY.0, FOLD_EVERY.1)
}

async fn run_blocking<T: Send + 'static, E: Into<FoldError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, FoldError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| FoldError::Gone)?.map_err(Into::into)
}

fn now_us() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
