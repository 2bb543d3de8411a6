//! Every bound of the process that is not set by the configuration, in one place.

use std::time::Duration;

/// Connections the kernel holds for a listening socket before they are accepted; `net.core.somaxconn` may lower it.
pub(crate) const BACKLOG: i32 = 4096;
/// Threads of the control side's runtime.
pub(crate) const CONTROL_THREADS: usize = 2;
/// Threads the control side may block at the same time, host name lookups above all.
pub(crate) const BLOCKING_THREADS: usize = 64;
/// Host names looked up at the same time: what a name server does not answer leaves the other threads to keys, metrics and reloads.
pub(crate) const LOOKUPS_AT_ONCE: usize = 32;
/// How long a start or a reload waits for the addresses of host names it has not seen before.
pub(crate) const FIRST_ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// Interval between two looks at the configuration file.
pub(crate) const WATCH_EVERY: Duration = Duration::from_secs(1);
/// How long the control side's tasks get to end when the process does.
pub(crate) const CONTROL_END_WITHIN: Duration = Duration::from_secs(6);
/// How long a start waits for the database of users, keys and usage before it goes on without.
pub(crate) const STORE_FIRST: Duration = Duration::from_secs(3);
/// First and longest pause between two tries to open the database.
pub(crate) const STORE_RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// How long what tells a repeated request of the admin API is kept, at least.
pub(crate) const ONCE_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Interval between two times of forgetting it.
pub(crate) const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// How long the end of the process waits for the last fold, and for the database to close.
pub(crate) const BOOKS_END_WITHIN: Duration = Duration::from_secs(6);
/// How long the end of the process waits for what functions still do when no client waits any more.
pub(crate) const FUNCTIONS_END_WITHIN: Duration = Duration::from_millis(500);
/// How long a process that is to end at once waits for its log to be written.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(20);
