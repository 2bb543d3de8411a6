//! How fast the journal is folded into usage: `cargo run --release -p control --example fold_cost`.
//!
//! It makes a journal of sealed segments and folds it into a store that only counts, and into SQLite. What it prints is events per second of
//! CPU time, that of every thread of the process added up: what one core would keep up with. With `--events N` it folds that many, once each:
//! for `valgrind --tool=callgrind`.
#![allow(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use control::Metering;
use journal::{DataDir, Journal, JournalOptions};
use lockgate_event::{EventId, EventRef};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use store::{
    ChangeListener, Correction, DatabaseId, Fold, Key, KeyChange, KeyId, KeyState, Made, Mark, NewCorrection,
    NewKey, NewUser, Once, Page, Rotation, Store, StoreError, UsageBy, UsageQuery, UsageRow, UsageSink, User,
    UserChange, UserId,
};
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Many times what a segment holds, and more than one transaction of the fold.
const EVENTS: u64 = 4_000_000;
/// The middle one of so many runs is told.
const RUNS: usize = 3;
/// What the kernel counts CPU time in: `USER_HZ`, which is 100 wherever Linux runs.
const TICKS_PER_SECOND: f64 = 100.0;

/// Whose requests they are. Each user has one key.
struct Customers {
    users: u64,
    /// Routes that each of them uses.
    routes: u64,
    share: Share,
}

/// How many of the requests are one user's.
#[derive(Clone, Copy, Debug)]
enum Share {
    /// As many as everybody's.
    Equal,
    /// In inverse proportion to the user's rank, as is usual (Zipf's law).
    Skewed,
}

impl Customers {
    /// Whose an event is, from 0.
    fn user_of(&self, number: u64) -> u64 {
        // A product with an odd constant, whose high bits look random.
        let random = (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as f64 / f64::from(u32::MAX);
        let users = self.users as f64;
        let rank = match self.share {
            Share::Equal => random * users,
            Share::Skewed => users.powf(random) - 1.0,
        };
        // The busiest ones are not neighbors: the factor has no divisor in common with their number.
        rank as u64 * 611_953 % self.users
    }
}

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let (events, runs) = match arguments.next().as_deref() {
        Some("--events") => (arguments.next().unwrap_or_default().parse()?, 1),
        _ => (EVENTS, RUNS),
    };
    for (users, routes, share) in
        [(1000, 10, Share::Equal), (100_000, 1, Share::Equal), (1_000_000, 1, Share::Skewed)]
    {
        let customers = Customers { users, routes, share };
        println!("{events} events; {users} users, shares {share:?}, each on {routes} of 10 routes:");
        let journal = tempfile::tempdir()?;
        write(journal.path(), &customers, events)?;
        let keys = keys(users)?;
        tell("  only counted", runs, events, || fold(journal.path(), events, None))?;
        tell("  into SQLite ", runs, events, || fold(journal.path(), events, Some(keys.path())))?;
    }
    Ok(())
}

/// Prints the middle one of so many runs.
fn tell(what: &str, runs: usize, events: u64, run: impl Fn() -> Outcome<(f64, f64)>) -> Outcome<()> {
    let mut runs = (0..runs).map(|_| run()).collect::<Outcome<Vec<_>>>()?;
    runs.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let (cpu, wall) = runs[runs.len() / 2];
    let events = events as f64;
    println!(
        "{what}: {:9.0} events per second of CPU time ({:5.1} ns each), {:9.0} per second on the clock",
        events / cpu,
        cpu * 1e9 / events,
        events / wall
    );
    Ok(())
}

/// Folds the whole journal, into the database that is in a directory or into none; seconds of CPU time, and on the clock.
fn fold(journal: &Path, events: u64, database: Option<&Path>) -> Outcome<(f64, f64)> {
    let dir = tempfile::tempdir()?;
    // As if each of the databases were the first one: another one is not given what was recorded before it came.
    if journal.join("databases").exists() {
        fs::remove_file(journal.join("databases"))?;
    }
    let runtime = Runtime::new()?;
    runtime.block_on(async {
        let store: Arc<dyn Store> = match database {
            None => Arc::new(Counting::default()),
            Some(database) => {
                fs::copy(database.join("keys.db"), dir.path().join("keys.db"))?;
                Arc::new(SqliteStore::open(&dir.path().join("keys.db")).await?)
            }
        };
        let (_reader, metering) = Metering::new(Arc::clone(&store), &DataDir::open(journal)?);
        let handle = metering.handle();
        let (end, ended) = oneshot::channel::<()>();
        let (cpu, clock) = (cpu_seconds()?, Instant::now());
        let folding = tokio::spawn(metering.run(async { drop(ended.await) }));
        while handle.status().records < events {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = (cpu_seconds()? - cpu, clock.elapsed().as_secs_f64());
        drop(end);
        folding.await?;
        let all = UsageQuery {
            from_hour: 0,
            to_hour: None,
            user_id: None,
            by: UsageBy::default(),
            after: None,
            limit: 0,
        };
        let counted: i64 = store.usage(&all).await?.iter().map(|row| row.count).sum();
        assert_eq!(counted.cast_unsigned(), events, "every event is counted once");
        store.close().await;
        Ok(took)
    })
}

/// Makes a database with one key for each user, so that the fold can say when they were last used.
fn keys(users: u64) -> Outcome<TempDir> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("keys.db");
    Runtime::new()?.block_on(async {
        SqliteStore::open(&file).await?.close().await;
        let mut connection =
            SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&file)).await?;
        let keys = "WITH RECURSIVE ids (id) AS (VALUES (1) UNION ALL SELECT id + 1 FROM ids WHERE id < ?)
             INSERT INTO keys (id, user_id, name, prefix, hash, created_us, version, change)
             SELECT id, id, 'key', 'lg_', randomblob(32), 1, 1, id FROM ids";
        sqlx::query(keys).bind(i64::try_from(users)?).execute(&mut connection).await?;
        connection.close().await?;
        Ok(dir)
    })
}

/// Writes a journal and seals it.
fn write(dir: &Path, customers: &Customers, events: u64) -> Outcome<()> {
    let options = JournalOptions { ring_bytes: 64 << 20, keep_bytes: u64::MAX, ..JournalOptions::default() };
    let (journal, mut writers) = Journal::start(DataDir::open(dir)?, options, Vec::new())?;
    let writer = writers.first_mut().ok_or("no ring was made")?;
    let routes: Vec<_> = (0..10).map(|route| format!("route-{route}")).collect();
    for number in 0..events {
        let user = customers.user_of(number);
        let route = (user + number % customers.routes) % 10;
        let event = EventRef { id: writer.next_id(), ..event(&routes[route as usize], 1 + user, number) };
        while writer.write(&event).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    drop(writers);
    Ok(journal.stop()?)
}

/// CPU time of the process, its threads that have ended included.
fn cpu_seconds() -> Outcome<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').ok_or("no name in the stat of the process")?.1;
    let ticks =
        after_name.split_whitespace().skip(11).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    Ok(f64::from(ticks) / TICKS_PER_SECOND)
}

fn event(route: &str, user: u64, number: u64) -> EventRef<'_> {
    EventRef {
        id: EventId { node: 1, boot: 1, worker: 0, sequence: number },
        // A second of them in a second, within one hour.
        ts_us: 1_795_224_023_000_000 + number * 2,
        route,
        user_id: Some(user),
        key_id: Some(user),
        ..EventRef::EXAMPLE
    }
}

/// Counts what it is given, and knows nothing else.
#[derive(Default)]
struct Counting(AtomicI64);

macro_rules! not_asked {
    ($($call:ident($($argument:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for Counting {
            async fn identity(&self) -> Result<DatabaseId, StoreError> {
                Ok(DatabaseId(1))
            }

            async fn marks(&self, _: u64) -> Result<Vec<Mark>, StoreError> {
                Ok(Vec::new())
            }

            async fn fold(&self, fold: &Fold) -> Result<(), StoreError> {
                self.0.fetch_add(fold.usage.iter().map(|delta| delta.count).sum(), Ordering::Relaxed);
                Ok(())
            }

            async fn usage(&self, _: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
                let count = self.0.load(Ordering::Relaxed);
                Ok(vec![UsageRow { user_id: None, key_id: None, route: None, hour: None, count, total: 0 }])
            }

            async fn close(&self) {}

            $(async fn $call(&self, $(_: $argument),*) -> Result<$answer, StoreError> {
                Err(StoreError::NotFound("place for it"))
            })*
        }
    };
}

not_asked! {
    check() -> ();
    create_user(&NewUser, Option<&Once>, u64) -> Made<User>;
    users(Page<UserId>) -> Vec<User>;
    user(UserId) -> User;
    user_by_email(&str) -> User;
    change_user(UserId, &UserChange, Option<u64>) -> User;
    delete_user(UserId, Option<u64>, u64) -> ();
    create_key(&NewKey, Option<&Once>, u64) -> Made<Key>;
    keys(UserId, Page<KeyId>) -> Vec<Key>;
    key(KeyId) -> Key;
    change_key(KeyId, &KeyChange, Option<u64>) -> Key;
    revoke_key(KeyId, Option<u64>, u64) -> ();
    rotate_key(KeyId, &Rotation, Option<&Once>, u64) -> Made<Key>;
    key_changes(u64, u32) -> Vec<KeyState>;
    listen() -> Box<dyn ChangeListener>;
    stream_usage(&UsageQuery, &mut dyn UsageSink) -> ();
    correct(&NewCorrection, Option<&Once>, u64) -> Made<Correction>;
    corrected(&Once) -> Option<Correction>;
    corrections(UserId, Page<u64>) -> Vec<Correction>;
    prune(u64) -> ();
}
