//! The table beside a map without bounds, and under threads that fight for cells.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use policy::{Gcra, Pace};
use proptest::prelude::*;

use super::*;

/// A hash of a number, as good as any (SplitMix64).
fn tag(number: u64) -> Tag {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Tag::of_hash(mixed ^ (mixed >> 31))
}

fn per_second(requests: u32, burst: u32) -> Gcra {
    Gcra::new(requests, Duration::from_secs(1), burst)
}

/// The state an admitted request leaves, or nothing.
fn pace(gcra: Gcra, tat_ns: u64, now_ns: u64) -> Result<(u64, ()), ()> {
    match gcra.decide(tat_ns, now_ns) {
        Pace::Admit { tat_ns, .. } => Ok((tat_ns, ())),
        Pace::Refuse { .. } => Err(()),
    }
}

proptest! {
    /// Keys that drive each other out of one page get the very answers that each would get alone.
    #[test]
    fn forgetting_a_key_changes_no_answer(
        requests in prop::collection::vec((0_u64..600, 0_u64..40), 1..3_000),
        burst in 1_u32..4,
    ) {
        let (table, gcra) = (Table::new(1), per_second(1_000, burst));
        let (mut now_ns, mut alone, mut full) = (0, HashMap::new(), 0);
        for (key, step_us) in requests {
            now_ns += step_us * 1_000;
            let state = alone.entry(key).or_insert(0);
            let expected = pace(gcra, *state, now_ns);
            match table.change(tag(key), now_ns, |tat_ns, now_ns| pace(gcra, tat_ns, now_ns)) {
                Ok((change, ())) => {
                    prop_assert_eq!(Ok((change.after, ())), expected);
                    *state = change.after;
                }
                Err(Unchanged::Refused(())) => prop_assert_eq!(expected, Err(())),
                Err(Unchanged::Full) => full += 1,
            }
        }
        prop_assert_eq!(table.full(), full);
    }
}

#[test]
fn a_full_set_refuses_what_it_does_not_know_until_a_key_says_nothing_any_more() {
    let table = Table::new(1);
    let same_set = |number: u64| Tag(number << 32 | 5);
    let admit = |number, now, after| table.change(same_set(number), now, |_, _| Ok::<_, ()>((after, ())));
    for number in 1..=16 {
        assert!(admit(number, 10, 100 + number).is_ok());
    }
    assert_eq!(admit(17, 100, 1_000).err(), Some(Unchanged::Full));
    assert!(admit(16, 100, 1_000).is_ok(), "a key that is known goes on");
    assert!(admit(17, 101, 1_000).is_ok(), "the first one's state is over");
    assert_eq!(admit(1, 101, 1_000).err(), Some(Unchanged::Full), "it has lost its cell");
    assert_eq!(table.full(), 2);
}

#[test]
fn a_key_that_was_forgotten_is_not_judged_at_an_earlier_time() {
    let (table, gcra) = (Table::new(1), per_second(1_000, 1));
    let same_set = |number: u64| Tag(number << 32 | 5);
    let ask = |number, now_ns| table.change(same_set(number), now_ns, |tat, now| pace(gcra, tat, now));
    for number in 1..=16 {
        assert!(ask(number, 1_000_000 * number).is_ok());
    }
    // At 2 ms the first key has been refilled and is driven out; then it comes back by a clock that was read before.
    assert!(ask(17, 2_000_000).is_ok());
    for number in 2..=16 {
        assert!(ask(number, 60_000_000).is_ok());
    }
    assert!(ask(18, 61_000_000).is_ok());
    let (change, ()) = ask(1, 1_500_000).expect("there is room");
    assert_eq!(change.after, 62_000_000, "its interval begins no earlier than it was forgotten");
}

#[test]
fn a_change_is_undone_whatever_followed() {
    let table = Table::new(1);
    let add = |tag, more: u64| {
        let (change, ()) =
            table.change(tag, 0, |state, _| Ok::<_, ()>((state + more, ()))).expect("there is room");
        change
    };
    let key = tag(7);
    add(key, 10);
    let second = add(key, 5);
    table.undo(second, 0);
    let third = add(key, 1);
    assert_eq!((third.before, third.after), (10, 11));
    add(key, 1);
    table.undo(third, 0);
    assert_eq!(add(key, 0).before, 11);
}

#[test]
fn no_more_of_a_request_is_undone_than_is_left_of_its_interval() {
    for (others_ms, undone_ms, expected_ms) in [
        (&[][..], 0, 0),
        (&[], 4, 0),
        (&[0], 0, 10),
        (&[0, 0], 0, 20),
        // Without the first, the second would have come to an empty state.
        (&[4], 4, 14),
        (&[4], 10, 20),
        (&[15], 15, 25),
    ] {
        let (table, gcra, key) = (Table::new(1), per_second(100, 5), tag(7));
        let start_ns = 1_000_000_000;
        let ask = |ms: u64| {
            let asked =
                table.change(key, start_ns + ms * 1_000_000, |tat_ns, now_ns| pace(gcra, tat_ns, now_ns));
            asked.expect("the burst is not used up").0
        };
        let first = ask(0);
        others_ms.iter().for_each(|&ms| {
            ask(ms);
        });
        table.undo(first, start_ns + undone_ms * 1_000_000);
        let left = table.change(key, 0, |tat_ns, _| Err::<(u64, ()), _>(tat_ns));
        let Err(Unchanged::Refused(tat_ns)) = left else { panic!("{left:?}") };
        let left_ms = tat_ns.saturating_sub(start_ns) / 1_000_000;
        assert_eq!(left_ms, expected_ms, "{others_ms:?}, undone at {undone_ms}");
    }
}

#[test]
fn a_million_keys_find_room_in_68_million_bytes() {
    let table = Table::new(1_000_000);
    assert!(table.memory_bytes() < 300_000, "an unused table is small: {}", table.memory_bytes());
    for number in 0..1_000_000 {
        let _ = table.change(tag(number), 0, |state, _| Ok::<_, ()>((state + 1, ())));
    }
    assert!(table.full() <= 2, "{} keys found no room", table.full());
    assert!(table.memory_bytes() < 68_000_000, "{}", table.memory_bytes());
    for number in 0..1_000_000 {
        let seen = table.change(tag(number), 0, |state, _| if state == 0 { Ok((1, ())) } else { Err(state) });
        assert!(matches!(seen, Err(Unchanged::Refused(1) | Unchanged::Full)), "{number}: {seen:?}");
    }
}

/// Lets threads ask for random ones of so many keys, and checks every window of every key. Answers how many were admitted.
fn hammer(keys: u64, gcra: Gcra, interval_ns: u64, burst: u64) -> usize {
    let (table, origin) = (Table::new(1), Instant::now());
    let admitted: Vec<Vec<(u64, u64)>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|seed| {
                scope.spawn({
                    let table = &table;
                    move || ask_for(table, origin, seed, keys, gcra)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("the thread ends")).collect()
    });
    let mut by_key = HashMap::<u64, Vec<u64>>::new();
    for (key, at_ns) in admitted.iter().flatten() {
        by_key.entry(*key).or_default().push(*at_ns);
    }
    for (key, mut times) in by_key {
        times.sort_unstable();
        check_windows(key, &times, interval_ns, burst);
    }
    admitted.iter().map(Vec::len).sum()
}

/// The keys admitted and when. The clock is read a while before some of the requests.
fn ask_for(table: &Table, origin: Instant, seed: u64, keys: u64, gcra: Gcra) -> Vec<(u64, u64)> {
    let now_ns = || origin.elapsed().as_nanos() as u64;
    let mut admitted = Vec::new();
    let mut number = seed << 32;
    while now_ns() < 400_000_000 {
        number += 1;
        let key = tag(number).0 % keys;
        let before_ns = now_ns();
        if number.is_multiple_of(7) {
            std::thread::yield_now();
        }
        let judged_ns = Cell::new(0);
        let decide = |tat_ns, now_ns| {
            judged_ns.set(now_ns);
            pace(gcra, tat_ns, now_ns)
        };
        if table.change(tag(key), before_ns, decide).is_ok() {
            assert!(
                (before_ns..=now_ns()).contains(&judged_ns.get()),
                "a request is judged while it is there"
            );
            admitted.push((key, judged_ns.get()));
        }
    }
    admitted
}

/// Every window at once: from any request `first` to any `last`, (last − first + 1 − burst) · interval ≤ their distance.
fn check_windows(key: u64, times_ns: &[u64], interval_ns: u64, burst: u64) {
    let mut least = i128::MAX;
    for (place, &at_ns) in times_ns.iter().enumerate() {
        let score = place as i128 * i128::from(interval_ns) - i128::from(at_ns);
        least = least.min(score);
        let most = (i128::from(burst) - 1) * i128::from(interval_ns);
        assert!(
            score - least <= most,
            "a window of key {key} that ends with request {place} admits too many"
        );
    }
}

#[test]
fn threads_on_few_keys_admit_what_one_would() {
    for (keys, rate, burst) in [(1, 50_000, 1), (1, 1_000, 20), (3, 250_000, 5)] {
        let interval_ns = 1_000_000_000 / u64::from(rate);
        let admitted = hammer(keys, per_second(rate, burst), interval_ns, u64::from(burst));
        assert!(admitted >= burst as usize, "{keys} keys: {admitted}");
    }
}

#[test]
fn threads_with_more_keys_than_cells_admit_what_one_would() {
    for (keys, rate, burst) in [(400, 2_000, 1), (5_000, 50_000, 2), (5_000, 100, 1), (100_000, 10_000, 1)] {
        let interval_ns = 1_000_000_000 / u64::from(rate);
        let admitted = hammer(keys, per_second(rate, burst), interval_ns, u64::from(burst));
        assert!(admitted >= 256, "{keys} keys: {admitted}");
    }
}

#[test]
fn counts_never_pass_their_limit_and_come_back_to_none() {
    for keys in [1_u64, 40, 600] {
        let (table, most, ended) = (Table::new(1), 3, Instant::now() + Duration::from_millis(300));
        let under_way: Vec<_> = (0..keys).map(|_| AtomicUsize::new(0)).collect();
        let take = |key| {
            table.change(tag(key), 0, |count, _| if count < most { Ok((count + 1, ())) } else { Err(()) })
        };
        std::thread::scope(|scope| {
            for seed in 0..4_u64 {
                let (table, under_way, take) = (&table, &under_way, &take);
                scope.spawn(move || {
                    let (mut held, mut number) = (Vec::new(), seed << 32);
                    while Instant::now() < ended {
                        number += 1;
                        let key = tag(number).0 % keys;
                        if let Ok((change, ())) = take(key) {
                            let others = under_way[key as usize].fetch_add(1, Ordering::SeqCst);
                            assert!(others < most as usize, "{others} others under way");
                            held.push((key, change));
                        }
                        if held.len() > 30 || number.is_multiple_of(5) {
                            let Some((key, change)) = held.pop() else { continue };
                            under_way[key as usize].fetch_sub(1, Ordering::SeqCst);
                            table.lower(change);
                        }
                    }
                    for (key, change) in held {
                        under_way[key as usize].fetch_sub(1, Ordering::SeqCst);
                        table.lower(change);
                    }
                });
            }
        });
        let sets = table.pages.iter().filter_map(OnceLock::get).flat_map(|page| page.iter());
        assert!(sets.flat_map(|set| &set.0).all(|cell| state_of(cell.load(Ordering::SeqCst)) == 0));
    }
}
