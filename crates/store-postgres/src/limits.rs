//! Every limit of the way to the database.

use std::time::Duration;

/// Connections a node keeps at most, besides those that listen and those on which usage is summed.
pub(crate) const CONNECTIONS: u32 = 8;
/// Sums of usage at once. They have connections of their own, so that what is looked up beside them, keys above all, never waits for them.
pub(crate) const SUMS: u32 = 2;
/// Streams of usage at once. Each holds a snapshot for as long as its caller lets it.
pub(crate) const STREAMS: u32 = 2;
/// Most listeners at a time; there is one, and a new one may begin before the old one has ended.
pub(crate) const LISTENERS: u32 = 4;
/// Longest wait for a connection, a new one included.
pub(crate) const CONNECT: Duration = Duration::from_secs(3);
/// Longest time a statement may run, kept by the server.
pub(crate) const STATEMENT: Duration = Duration::from_secs(10);
/// The same where usage is summed, which may be all there is.
pub(crate) const USAGE_STATEMENT: Duration = Duration::from_secs(60);
/// The same where usage is streamed, which takes as long as its reader.
pub(crate) const STREAM_STATEMENT: Duration = Duration::from_secs(900);
/// The same in a step of the fold, which may be what hours without the database have left.
pub(crate) const FOLD_STATEMENT: Duration = Duration::from_secs(50);
/// Longest time a transaction may wait for its next statement, kept by the server: a node that has gone must not hold up the others.
pub(crate) const IDLE_TRANSACTION: Duration = Duration::from_secs(15);
/// Longest time of a call, kept here, for a server that stands still.
pub(crate) const CALL: Duration = Duration::from_secs(15);
/// The same where usage is summed.
pub(crate) const USAGE_CALL: Duration = Duration::from_secs(65);
/// The same where it is streamed: whoever reads has a shorter limit.
pub(crate) const STREAM_CALL: Duration = Duration::from_secs(905);
/// The same for a step of the fold: less than the fold waits for it.
pub(crate) const FOLD_CALL: Duration = Duration::from_secs(55);
/// Longest time to bring the database to this version, another node's turn included.
pub(crate) const MIGRATION: Duration = Duration::from_secs(600);
/// Longest wait for a statement to be stopped whose caller has gone.
pub(crate) const CANCEL: Duration = Duration::from_secs(5);
/// Pause before a server that takes no writes is asked again whether it does.
pub(crate) const READ_ONLY: Duration = Duration::from_secs(1);
/// Longest wait for connections to end.
pub(crate) const CLOSE: Duration = Duration::from_secs(5);
/// How often a transaction is run that others are in the way of.
pub(crate) const ATTEMPTS: u32 = 4;
/// Pause before a lost listener is replaced after that has failed.
pub(crate) const LISTEN_AGAIN: Duration = Duration::from_secs(1);
