//! What every database must do: cases that the crates of the databases run as tests of their own, see [`crate::suite!`].
//!
//! Each case gets an empty store. A case ends with the first call that fails against its expectation.

// The names of the cases say what they are for.
#![allow(missing_docs)]

pub mod changes;
pub mod fold;
pub mod keys;
pub mod once;
pub mod open;
mod oracle;
pub mod rotation;
pub mod usage;
pub mod users;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use policy::{KeyHash, Scopes};

use crate::{Made, NewKey, NewUser, Once, Page, StoreError, UserId};

/// How a case ends: an error is one that it did not expect.
pub type Outcome = Result<(), StoreError>;

/// Makes a test of every case, with `$run` to run it: a function that takes the case as `impl AsyncFnOnce(&dyn Store) -> Outcome`,
/// hands it an empty store, and panics unless it ends well.
#[macro_export]
macro_rules! suite {
    ($run:path) => {
        $crate::suite_cases! { $run,
            open: an_open_store_answers, a_store_keeps_its_name, a_closed_store_is_unavailable;
            users: a_new_user_is_found_by_id_and_by_address, users_are_listed_by_growing_id,
                an_address_is_taken_whatever_its_case, of_users_made_at_once_with_one_address_one_is_made,
                an_address_may_change_its_case, a_change_leaves_what_it_does_not_name,
                a_user_of_another_version_is_neither_changed_nor_deleted,
                a_deleted_user_is_gone_and_its_address_is_free, an_unknown_user_is_not_found;
            keys: a_new_key_is_as_it_was_asked_for, keys_are_listed_by_growing_id,
                a_key_needs_a_user, two_keys_do_not_share_a_hash, a_change_of_a_key_leaves_what_it_does_not_name,
                a_key_of_another_version_is_neither_changed_nor_revoked,
                a_revoked_key_is_kept_and_stays_as_it_is, keys_of_a_deleted_user_are_revoked,
                an_unknown_key_is_not_found;
            rotation: a_rotated_key_has_a_successor_like_it, an_overlap_never_lengthens_an_end,
                a_key_without_end_gets_one_by_rotation, a_key_that_is_over_can_be_rotated;
            changes: every_key_is_told_from_the_start, a_changed_key_is_told_again_and_last,
                changes_are_told_in_pages, a_deleted_user_is_told_key_by_key, being_used_is_no_change,
                no_change_appears_below_one_already_told;
            once: a_repeated_request_finds_what_it_made, a_key_of_idempotency_stands_for_one_request,
                of_equal_requests_at_once_one_makes_something, a_refused_request_is_not_remembered,
                a_repeated_request_finds_what_became_of_it, a_correction_is_found_by_its_request_though_the_user_is_gone,
                what_is_pruned_is_forgotten;
            fold: a_fold_adds_usage_and_moves_marks, ids_with_usage_are_not_given_out, a_fold_from_another_mark_leaves_nothing,
                a_fold_for_another_database_leaves_nothing,
                of_equal_folds_at_once_one_is_taken, nodes_have_marks_of_their_own,
                a_key_keeps_the_time_of_its_last_use, counts_and_totals_may_be_negative,
                totals_beyond_64_bits_are_exact, one_group_can_be_added_to_many_times, a_fold_may_be_large;
            usage: no_usage_is_no_row, usage_of_nobody_is_told_apart, days_and_months_begin_where_they_should,
                a_range_holds_its_start_and_not_its_end, pages_of_usage_make_up_the_whole,
                usage_is_streamed_as_it_is_asked_for, a_stream_of_usage_may_be_given_up,
                routes_are_ordered_by_their_bytes, corrections_are_listed_and_summed_in,
                usage_of_a_deleted_user_stays, every_grouping_equals_a_plain_sum;
        }
    };
}

/// The tests of [`suite!`], one for each case.
#[doc(hidden)]
#[macro_export]
macro_rules! suite_cases {
    ($run:path, $($module:ident: $($case:ident),+;)+) => {
        $($(
            #[test]
            fn $case() {
                $run($crate::suite::$module::$case);
            }
        )+)+
    };
}

/// Fails unless a call was refused with a certain error.
macro_rules! refused {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {
        match $result {
            Err($pattern) $(if $guard)? => {}
            other => panic!("expected {}, got {other:?}", stringify!($pattern)),
        }
    };
}
pub(crate) use refused;

/// The time in all cases, microseconds since 1970-01-01T00:00:00Z.
const NOW_US: u64 = 1_795_219_200_000_000;

const ALL_USERS: Page<UserId> = Page { after: None, limit: u32::MAX };

fn user(name: &str) -> NewUser {
    NewUser { name: name.to_owned(), email: format!("{name}@example.com") }
}

/// The `number`th key of a user, with a hash of its own.
fn key(user_id: UserId, number: u64) -> NewKey {
    NewKey {
        user_id,
        name: format!("key {number}"),
        prefix: format!("lg_live_{number:06}"),
        hash: hash(number),
        scopes: Scopes::All,
        expires_us: None,
    }
}

fn hash(number: u64) -> KeyHash {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    KeyHash(bytes)
}

fn routes(names: &[&str]) -> Scopes {
    Scopes::Routes(names.iter().map(|name| Box::from(*name)).collect())
}

fn once(key: &str, request: u8) -> Once {
    Once { key: key.to_owned(), request: [request; 32] }
}

fn now<T: std::fmt::Debug>(made: Made<T>) -> T {
    match made {
        Made::Now(made) => made,
        Made::Before(made) => panic!("this was made before: {made:?}"),
    }
}

/// Runs futures side by side in one task and gives their results in their order.
async fn together<F: Future + Unpin>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (future, None)).collect();
    poll_fn(|context| {
        let mut ended = true;
        for (future, result) in running.iter_mut().filter(|(_, result)| result.is_none()) {
            match Pin::new(future).poll(context) {
                Poll::Ready(value) => *result = Some(value),
                Poll::Pending => ended = false,
            }
        }
        if ended { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    /// A case that no macro names would run nowhere.
    #[test]
    fn every_case_is_in_the_list() {
        let list = include_str!("suite.rs");
        let files = [
            include_str!("suite/changes.rs"),
            include_str!("suite/fold.rs"),
            include_str!("suite/keys.rs"),
            include_str!("suite/once.rs"),
            include_str!("suite/open.rs"),
            include_str!("suite/rotation.rs"),
            include_str!("suite/usage.rs"),
            include_str!("suite/users.rs"),
        ];
        let cases: Vec<_> = files
            .iter()
            .flat_map(|text| text.lines())
            .filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next())
            .collect();
        assert!(cases.len() > 40);
        for case in cases {
            let mut words = list.split(|c: char| !c.is_alphanumeric() && c != '_');
            assert!(words.any(|word| word == case), "{case}");
        }
    }
}
