//! What is in the usage is what the journal says, whatever happens to either.

mod databases;
mod unreadable;

use std::future::{pending, ready};
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use journal::{DataDir, Journal, JournalOptions, ReadError, RingWriter, read_dir};
use lockgate_event::{EventRef, Kind, Value};

use super::*;
use crate::testing::books::{Books, Fault, Usage};
use crate::testing::event;

const HOUR_US: u64 = 3_600_000_000;

/// A small generator, so that a failure comes again.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Starts a journal of small segments in `dir` that holds what the fold needs.
fn start(dir: &Path, keep_bytes: u64, store: &Arc<Books>) -> (Journal, RingWriter, Metering) {
    start_with_segments(16 << 10, dir, keep_bytes, store)
}

fn start_with_segments(
    segment_bytes: u64,
    dir: &Path,
    keep_bytes: u64,
    store: &Arc<Books>,
) -> (Journal, RingWriter, Metering) {
    let data_dir = DataDir::open(dir).unwrap().with_rings_beside_segments();
    let (reader, metering) = Metering::new(Arc::clone(store) as Arc<dyn Store>, &data_dir);
    let options =
        JournalOptions { ring_bytes: 64 << 10, segment_bytes, keep_bytes, ..JournalOptions::default() };
    let (journal, mut writers) = Journal::start(data_dir, options, vec![reader]).unwrap();
    (journal, writers.remove(0), metering)
}

/// Writes random records; waits for room, so that none is lost.
fn write(writer: &mut RingWriter, random: &mut Random, records: u64) {
    for _ in 0..records {
        let kind = [Kind::Done, Kind::Done, Kind::Part, Kind::Cut][random.below(4) as usize];
        let value = (random.below(8) > 0).then(|| Value(random.below(1 << 40) as i64 - (1 << 39)));
        let some = |random: &mut Random| (random.below(4) > 0).then(|| 1 + random.below(5));
        let record = EventRef {
            id: writer.next_id(),
            kind,
            ts_us: 1_795_224_023_000_000 + random.below(5 * HOUR_US),
            route: ["orders", "", "images"][random.below(3) as usize],
            user_id: some(random),
            key_id: some(random),
            value,
            ..event()
        };
        while writer.write(&record).is_err() {
            std::thread::yield_now();
        }
    }
}

fn wait_until_drained(journal: &Journal) {
    while journal.status().rings.iter().any(|ring| ring.used_bytes > 0) {
        std::thread::yield_now();
    }
}

/// The plain sum over everything the journal holds.
fn summed(dir: &Path) -> Usage {
    let mut usage = Usage::new();
    for record in read_dir(dir).unwrap() {
        let record = match record {
            Err(ReadError::Damaged { .. }) => continue,
            record => record.unwrap(),
        };
        let event = record.event().unwrap();
        let Some(value) = event.value else { continue };
        let group = (
            event.user_id.unwrap_or(0),
            event.key_id.unwrap_or(0),
            event.route.to_owned(),
            event.ts_us / HOUR_US,
        );
        let sum = usage.entry(group).or_default();
        sum.0 += match event.kind {
            Kind::Done => 1,
            Kind::Part => 0,
            Kind::Cut => -1,
        };
        sum.1 += i128::from(value.0);
    }
    usage
}

/// Runs a fold until it has had to wait so many times, and drops it there.
async fn drop_after(waits: u64, metering: Metering) {
    let mut run = std::pin::pin!(metering.run(pending()));
    let mut waited = 0;
    std::future::poll_fn(|context| {
        let _never_done = run.as_mut().poll(context);
        waited += 1;
        if waited > waits { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

async fn fold_everything(dir: &Path, store: &Arc<Books>) {
    let data_dir = DataDir::open(dir).unwrap();
    let (_, metering) = Metering::new(Arc::clone(store) as Arc<dyn Store>, &data_dir);
    metering.run(ready(())).await;
}

#[tokio::test(start_paused = true)]
async fn usage_is_what_the_journal_says_wherever_a_fold_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::<Books>::default();
    let mut random = Random(1);
    for waits in 0..24 {
        let (journal, mut writer, metering) = start(dir.path(), u64::MAX, &store);
        write(&mut writer, &mut random, 150);
        wait_until_drained(&journal);
        drop_after(waits % 12, metering).await;
        write(&mut writer, &mut random, 20);
        drop(writer);
        journal.stop().unwrap();
    }
    assert!(store.folds() > 0 && store.usage() != summed(dir.path()), "there is something left to do");
    fold_everything(dir.path(), &store).await;
    assert_eq!(store.usage(), summed(dir.path()));
    fold_everything(dir.path(), &store).await;
    assert_eq!(store.usage(), summed(dir.path()), "what has been folded is not folded again");
}

/// Copies a data directory as a kill of its process leaves it: the rings are older than the segments.
fn crash(journal: &Journal, writer: &mut RingWriter, random: &mut Random, from: &Path, to: &Path) {
    let copy = |suffix: &str, dir: &str| {
        std::fs::create_dir_all(to.join(dir)).unwrap();
        for entry in std::fs::read_dir(from.join(dir)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && path.to_str().unwrap().ends_with(suffix) {
                std::fs::copy(&path, to.join(dir).join(path.file_name().unwrap())).unwrap();
            }
        }
    };
    copy("", "");
    write(writer, random, 100);
    copy(".ring", "journal");
    wait_until_drained(journal);
    copy(".segment", "journal");
}

fn newest_segment(dir: &Path) -> PathBuf {
    let mut paths: Vec<_> =
        std::fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|suffix| suffix == "segment"));
    paths.sort();
    paths.pop().unwrap()
}

async fn check_crashes(seed: u64, damage: impl Fn(&Path)) {
    let store = Arc::<Books>::default();
    let mut random = Random(seed);
    let mut dir = tempfile::tempdir().unwrap();
    for life in 0..12 {
        let (journal, mut writer, metering) = start(dir.path(), u64::MAX, &store);
        write(&mut writer, &mut random, 30 * life);
        drop_after(random.below(16), metering).await;
        let next = tempfile::tempdir().unwrap();
        crash(&journal, &mut writer, &mut random, dir.path(), next.path());
        drop(writer);
        journal.stop().unwrap();
        damage(&newest_segment(next.path()));
        dir = next;
    }
    let (journal, writer, _) = start(dir.path(), u64::MAX, &store);
    drop(writer);
    journal.stop().unwrap();
    fold_everything(dir.path(), &store).await;
    assert_eq!(store.usage(), summed(dir.path()));
}

#[tokio::test(start_paused = true)]
async fn usage_is_what_the_journal_says_over_crashes_of_the_gateway() {
    for seed in 0..8 {
        check_crashes(seed, |_| ()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_twice_in_the_segments_counts_once() {
    let lose_header = |segment: &Path| {
        let mut bytes = std::fs::read(segment).unwrap();
        bytes[30] ^= 1;
        std::fs::write(segment, bytes).unwrap();
    };
    for seed in 0..8 {
        check_crashes(seed, lose_header).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_record_is_not_counted_and_what_follows_is() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::<Books>::default();
    let (journal, mut writer, _) = start(dir.path(), u64::MAX, &store);
    write(&mut writer, &mut Random(5), 300);
    drop(writer);
    journal.stop().unwrap();
    let whole = summed(dir.path());
    let segment = newest_segment(dir.path());
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.windows(7).position(|bytes| bytes == b"example").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    fold_everything(dir.path(), &store).await;
    assert_eq!(store.usage(), summed(dir.path()));
    assert_ne!(store.usage(), whole);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_commit_counts_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::<Books>::default();
    let (journal, mut writer, metering) = start(dir.path(), u64::MAX, &store);
    write(&mut writer, &mut Random(6), 300);
    drop(writer);
    journal.stop().unwrap();
    store.fail(Fault::LosesAnswers);
    let handle = metering.handle();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = tokio::spawn(metering.run(async { drop(stopped.await) }));
    while handle.status().errors == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    store.fail(Fault::None);
    stop.send(()).unwrap();
    run.await.unwrap();
    assert_eq!(store.usage(), summed(dir.path()));
    assert_eq!(handle.status().last_error, None);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_has_time_for_small_steps_only_gets_them() {
    const GROUPS_MAX: usize = 25;
    let dir = tempfile::tempdir().unwrap();
    let books = Arc::<Books>::default();
    let (journal, mut writer, metering) = start(dir.path(), u64::MAX, &books);
    let mut random = Random(11);
    for _ in 0..20 {
        // A block is never torn apart, so it must not be too much by itself.
        write(&mut writer, &mut random, 20);
        wait_until_drained(&journal);
    }
    let expected = summed(dir.path());
    assert!(expected.len() > 2 * GROUPS_MAX, "{}", expected.len());
    books.fail(Fault::IsSlow(GROUPS_MAX));
    let run = tokio::spawn(metering.run(pending()));
    let everything = async {
        while books.usage() != expected {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(600), everything).await.unwrap();
    run.abort();
    assert!(books.folds() > 4);
}

#[test]
fn a_step_that_failed_is_followed_by_half_of_it_and_steps_grow_again() {
    let step = |groups: u32, bytes| {
        let uses = (0..groups).map(|key| store::KeyUse { key_id: store::KeyId(key.into()), used_us: 1 });
        Step {
            bytes,
            fold: store::Fold { uses: uses.collect(), ..store::Fold::default() },
            ..Step::default()
        }
    };
    let mut room = Room::ALL.halved_for(&step(100, 4096));
    assert_eq!(room, Room::ALL.halved_for(&step(101, 4097)));
    assert_eq!(room.halved_for(&step(1000, 1 << 20)), Room::ALL.halved_for(&step(50, 2048)));
    for _ in 0..20 {
        room = room.halved_for(&step(1000, 1 << 20));
    }
    assert_eq!(room.halved_for(&step(0, 0)), room, "there is always room for a block");
    let grown = std::iter::successors(Some(room), |room| Some(room.grown()).filter(|grown| grown != room));
    assert_eq!(grown.take(200).last(), Some(Room::ALL));
}

#[tokio::test(start_paused = true)]
async fn a_running_fold_follows_the_live_segment() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::<Books>::default();
    let (journal, mut writer, metering) = start(dir.path(), u64::MAX, &store);
    let handle = metering.handle();
    let run = tokio::spawn(metering.run(pending()));
    let mut random = Random(7);
    for _ in 0..2 {
        write(&mut writer, &mut random, 50);
        wait_until_drained(&journal);
        let expected = summed(dir.path());
        while store.usage() != expected {
            sleep(Duration::from_millis(5)).await;
        }
    }
    let status = handle.status();
    assert_eq!((status.records, status.lag_bytes, status.last_error), (100, 0, None));
    run.abort();
}

#[tokio::test(start_paused = true)]
async fn segments_stay_until_they_are_folded() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::<Books>::default();
    let mut random = Random(8);
    // Nothing may stay that is not needed.
    let (journal, mut writer, metering) = start(dir.path(), 0, &store);
    write(&mut writer, &mut random, 2000);
    wait_until_drained(&journal);
    let expected = summed(dir.path());
    assert!(journal.status().segments > 3);
    store.fail(Fault::Down);
    drop_after(4, metering).await;
    drop(writer);
    journal.stop().unwrap();
    assert_eq!(summed(dir.path()), expected, "nothing is removed while the database is down");

    store.fail(Fault::None);
    let (journal, mut writer, metering) = start(dir.path(), 0, &store);
    metering.run(ready(())).await;
    assert_eq!(store.usage(), expected);
    write(&mut writer, &mut random, 1000);
    drop(writer);
    journal.stop().unwrap();
    let left = summed(dir.path());
    fold_everything(dir.path(), &store).await;
    let counted = |usage: &Usage| usage.values().map(|(count, _)| count).sum::<i64>();
    assert_eq!(counted(&store.usage()), counted(&expected) + counted(&left), "only what was folded is gone");
}

#[tokio::test(start_paused = true)]
async fn records_behind_a_segment_that_became_shorter_count() {
    let dir = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let store = Arc::<Books>::default();
    let mut random = Random(9);
    let start = |dir: &Path| start_with_segments(1 << 20, dir, u64::MAX, &store);
    let (journal, mut writer, metering) = start(dir.path());
    write(&mut writer, &mut random, 20);
    // A backup of the data directory is older than what has been folded.
    crash(&journal, &mut writer, &mut random, dir.path(), copy.path());
    write(&mut writer, &mut random, 40);
    wait_until_drained(&journal);
    let handle = metering.handle();
    metering.run(ready(())).await;
    let mark = handle.status().folded_to.unwrap();
    assert!(mark.offset > std::fs::metadata(newest_segment(copy.path())).unwrap().len());
    drop(writer);
    journal.stop().unwrap();
    let before: i128 = store.usage().values().map(|(_, total)| total).sum();
    let older = summed(copy.path());

    let (journal, mut writer, metering) = start(copy.path());
    // Fewer than what the copy lacks, before the fold looks at it for the first time.
    write(&mut writer, &mut random, 15);
    wait_until_drained(&journal);
    let handle = metering.handle();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = tokio::spawn(metering.run(async { drop(stopped.await) }));
    while handle.status().lag > Duration::ZERO {
        sleep(Duration::from_millis(10)).await;
    }
    write(&mut writer, &mut random, 30);
    drop(writer);
    journal.stop().unwrap();
    stop.send(()).unwrap();
    run.await.unwrap();
    let total = |usage: &Usage| usage.values().map(|(_, total)| total).sum::<i128>();
    assert_eq!(total(&store.usage()), before + total(&summed(copy.path())) - total(&older));
}

#[tokio::test(start_paused = true)]
async fn the_status_says_why_and_how_far_it_is_behind() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::<Books>::default();
    let (journal, mut writer, metering) = start(dir.path(), u64::MAX, &store);
    store.fail(Fault::Down);
    write(&mut writer, &mut Random(10), 100);
    drop(writer);
    journal.stop().unwrap();
    let handle = metering.handle();
    metering.run(ready(())).await;
    let status = handle.status();
    assert!(status.errors > 3);
    let said = status.last_error.unwrap();
    assert_eq!(said, "usage cannot be committed: the database cannot be reached: as the test wants");
    assert!(status.lag > Duration::ZERO);
    assert_eq!((status.records, status.commits), (0, 0));
}

#[test]
fn each_key_was_used_when_its_last_record_says() {
    let mut groups = groups::Groups::default();
    let record = |ts_us, key_id, value| EventRef { ts_us, key_id, value, ..event() };
    groups.add(&record(5, Some(1), None));
    groups.add(&record(3, Some(1), Some(Value::ONE)));
    groups.add(&record(HOUR_US + 9, Some(2), Some(Value::ONE)));
    groups.add(&record(8, Some(2), Some(Value::ONE)));
    groups.add(&record(99, None, Some(Value::ONE)));
    let (usage, uses) = groups.take();
    let uses: Vec<_> = uses.iter().map(|used| (used.key_id.0, used.used_us)).collect();
    assert_eq!(uses, [(1, 5), (2, HOUR_US + 9)]);
    let counted: Vec<_> = usage.iter().map(|d| (d.key_id.map(|k| k.0), d.hour, d.count, d.total)).collect();
    let one = 1_000_000;
    assert_eq!(
        counted,
        [(None, 0, 1, one), (Some(1), 0, 1, one), (Some(2), 0, 1, one), (Some(2), 1, 1, one)]
    );
    assert_eq!(groups.len(), 0);
}

#[test]
fn a_fold_of_many_groups_rests_longer() {
    let seconds = |groups| rest_after(groups).as_secs_f64();
    assert_eq!((seconds(0), seconds(1000), seconds(usize::MAX)), (1.0, 1.0, 10.0));
    assert_eq!(seconds(5000), 3.0);
}
