//! Shares over a round, their spread, and what an absent entry does to them.

use proptest::prelude::*;

use super::{SmoothWeighted, WeightedChoice};

fn picks(weights: &[u16], count: usize) -> Vec<usize> {
    let mut balance = SmoothWeighted::new(weights);
    (0..count).map(|_| balance.pick(|_| true).unwrap()).collect()
}

#[track_caller]
fn check(weights: &[u16], expected: &[usize]) {
    assert_eq!(picks(weights, expected.len()), expected);
}

#[test]
fn equal_weights_take_turns() {
    check(&[1, 1, 1], &[0, 1, 2, 0, 1, 2]);
    check(&[7, 7], &[0, 1, 0, 1]);
}

#[test]
fn a_heavy_entry_is_spread_over_the_round() {
    check(&[5, 1, 1], &[0, 0, 1, 0, 2, 0, 0]);
}

#[test]
fn a_single_entry_is_always_picked() {
    check(&[3], &[0, 0, 0]);
}

#[test]
fn weight_zero_is_never_picked() {
    check(&[0, 2, 1], &[1, 2, 1]);
    assert_eq!(SmoothWeighted::new(&[0]).pick(|_| true), None);
    assert_eq!(SmoothWeighted::new(&[0, 0]).pick(|_| true), None);
}

#[test]
fn without_a_usable_entry_nothing_is_picked() {
    assert_eq!(SmoothWeighted::new(&[]).pick(|_| true), None);
    assert_eq!(SmoothWeighted::new(&[1]).pick(|_| false), None);
    assert_eq!(SmoothWeighted::new(&[1, 1]).pick(|_| false), None);
}

#[test]
fn an_entry_that_comes_back_has_its_share_and_no_backlog() {
    let mut balance = SmoothWeighted::new(&[1, 1]);
    for _ in 0..1_000 {
        assert_eq!(balance.pick(|index| index == 1), Some(1));
    }
    let after: Vec<_> = (0..10).map(|_| balance.pick(|_| true).unwrap()).collect();
    assert_eq!(after.iter().filter(|&&index| index == 0).count(), 5);
}

#[test]
fn one_in_twenty_goes_to_the_lesser_upstream() {
    let mut choice = WeightedChoice::new(&[95, 5]);
    let lesser: Vec<usize> = (0..100).filter(|_| choice.pick() == Some(1)).collect();
    assert_eq!(lesser.len(), 5);
    assert!(lesser.windows(2).all(|pair| pair[1] - pair[0] == 20), "{lesser:?}");
}

proptest! {
    #[test]
    fn over_a_round_each_entry_has_its_weight(weights in prop::collection::vec(0u16..20, 1..8)) {
        let round: usize = weights.iter().map(|&weight| usize::from(weight)).sum();
        let picked = picks(&weights, 3 * round);
        for (index, &weight) in weights.iter().enumerate() {
            let count = picked.iter().filter(|&&pick| pick == index).count();
            prop_assert_eq!(count, 3 * usize::from(weight));
        }
    }

    #[test]
    fn a_choice_is_never_more_than_one_entry_away_from_its_share(
        weights in prop::collection::vec(1u16..20, 2..6),
    ) {
        let round: usize = weights.iter().map(|&weight| usize::from(weight)).sum();
        let mut counts = vec![0usize; weights.len()];
        for (done, pick) in (1..).zip(picks(&weights, round)) {
            counts[pick] += 1;
            for (&count, &weight) in counts.iter().zip(&weights) {
                // |count − done · weight / round| < number of entries, without fractions.
                let difference = (count * round).abs_diff(done * usize::from(weight));
                prop_assert!(difference < weights.len() * round);
            }
        }
    }

    #[test]
    fn only_usable_entries_are_picked(
        weights in prop::collection::vec(1u16..=u16::MAX, 1..8),
        masks in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let mut balance = SmoothWeighted::new(&weights);
        for mask in masks {
            let usable = |index: usize| mask & 1 << index != 0;
            let any = (0..weights.len()).any(usable);
            let picked = balance.pick(usable);
            prop_assert_eq!(picked.is_some(), any);
            prop_assert!(picked.is_none_or(usable));
        }
    }
}
