//! Every bound of the data plane that is not set by the configuration, in one place.

/// Read buffer of a connection while a head is awaited, bytes.
pub(crate) const BUFFER_BYTES: usize = 16 << 10;
/// Read buffer of a connection while a large body streams through it, bytes. One in each direction is all that an exchange holds
/// of a body, whatever its size.
pub(crate) const BUFFER_LARGE_BYTES: usize = 128 << 10;
/// Buffers of each size that a worker keeps at most; those that a second did not need are given back bit by bit.
pub(crate) const BUFFERS_KEPT: usize = 512;
/// Body bytes copied behind a head so that both go out in one plain write; more go out in a vectored one.
pub(crate) const COALESCE_BYTES: usize = 8 << 10;
/// Unread request body that is read away after an answer so that the connection can stay, bytes.
pub(crate) const DRAIN_BYTES: u64 = 64 << 10;
/// How long a connection that is being closed still reads away what the client sends, so that the answer is not lost to a reset.
pub(crate) const LINGER_MS: u64 = 1_000;
/// What a client may still send while its connection is being closed, bytes.
pub(crate) const LINGER_BYTES: u64 = 1 << 20;
/// How long a connection stays ready for its next request before it gives up all it can and waits as an idle one.
pub(crate) const QUIET_MS: u64 = 100;
/// How long connections are still accepted when a drain has begun: the kernel may yet be at the handshakes of some, and closing the socket
/// would reset those.
pub(crate) const LAST_ACCEPTS_MS: u64 = 100;
/// How long a connection that has sent nothing yet is still waited for when a drain begins.
pub(crate) const FIRST_BYTES_MS: u64 = 250;
/// How many gateways like this one a request may come through; more is a loop.
pub(crate) const GATEWAY_HOPS_MAX: usize = 8;
/// Interim responses (1xx) taken from an upstream for one request.
pub(crate) const INTERIM_RESPONSES: u32 = 16;
/// An exchange that lasts longer than this records a `part`, and again after each such time.
pub(crate) const PART_MS: u64 = 10_000;
/// What may follow the fixed part of a PROXY header of version 2, bytes: addresses, and fields that are passed over.
pub(crate) const PROXY_HEADER_BYTES: usize = 2 << 10;
/// Frames of HTTP/2 that ask for work and give none, which a client or upstream may send in one go.
pub(crate) const FRAMES_AT_ONCE: i64 = 2_000;
/// How many of them each tick of the clock pays for: 100 a second.
pub(crate) const FRAMES_PER_TICK: i64 = 100 * crate::timers::TICK_MS as i64 / 1_000;
/// Largest frame taken, bytes: the least that may be (RFC 9113 §4.2).
pub(crate) const FRAME_BYTES: u32 = 16 << 10;
/// Bytes of bodies that wait to be written to one connection of HTTP/2, of all streams together.
pub(crate) const SEND_BYTES: usize = 64 << 10;
/// How much of that one stream takes when others wait for their turn.
pub(crate) const SHARE_BYTES: usize = 16 << 10;
/// Bytes of one request that wait for a stream of a connection to an upstream that takes no more at the moment.
pub(crate) const AHEAD_BYTES: usize = 64 << 10;
/// Who leaves more than this lying by HTTP/2, heads and all, is not read from.
pub(crate) const UNSENT_BYTES: usize = 2 * SEND_BYTES;
/// Reads from a connection of HTTP/2 in one go before others get their turn.
pub(crate) const READS_AT_ONCE: u32 = 2;
/// Fields that the other side may have remembered by HTTP/2, bytes: the default (RFC 9113 §6.5.2).
pub(crate) const TABLE_BYTES: usize = 4 << 10;
/// Streams under way on one connection of HTTP/2 to an upstream; more take another connection.
pub(crate) const UPSTREAM_STREAMS: usize = 100;
/// Bytes of one answer that an upstream may send unasked by HTTP/2: as much as an exchange holds of one by HTTP/1.
pub(crate) const UPSTREAM_WINDOW_BYTES: u32 = 128 << 10;
/// Largest head of an answer taken by HTTP/2, bytes.
pub(crate) const UPSTREAM_HEAD_BYTES: u32 = 256 << 10;
/// Streams of a connection that the gateway has reset and remembers, since frames for them may be under way.
pub(crate) const RESETS_REMEMBERED: usize = 200;
/// How long a client or upstream may take to part by HTTP/2, once it has been told that the connection ends and nothing is under way.
pub(crate) const GOODBYE_MS: u64 = 1_000;
/// Pause between the first two looks at a connection whose first bytes do not tell yet what it speaks; each is twice the one before, up to a second.
pub(crate) const PREFACE_PAUSE_MS: u64 = 5;
/// Pause of a listener after an accept failed for want of file descriptors or memory.
pub(crate) const ACCEPT_PAUSE_MS: u64 = 50;
/// Connections accepted in one go before others get their turn.
pub(crate) const ACCEPT_BATCH: usize = 64;
/// Idle upstream connections on the shelf that all workers share, per upstream.
pub(crate) const SHELF_CONNECTIONS: usize = 512;
/// How many times an idle connection of TLS is read from before it is used again: tickets for later sessions come unasked. One that has
/// more to say is closed.
pub(crate) const UNASKED_READS: usize = 8;
/// The log is warned of an endpoint whose handshakes fail at most once in this time.
pub(crate) const WARN_EVERY_MS: u64 = 10_000;
/// The first checks of endpoints that begin together are spread over this time, or over their interval if that is shorter.
pub(crate) const FIRST_CHECKS_WITHIN: std::time::Duration = std::time::Duration::from_millis(500);
/// Body of an answer to a health check that is read, bytes: of gRPC the whole, which has some ten.
pub(crate) const CHECK_BODY_BYTES: usize = 64 << 10;
/// How long the body of an answer to a health check is waited for once its status has decided, so that its sender is not cut off.
pub(crate) const CHECK_BODY_WITHIN: std::time::Duration = std::time::Duration::from_millis(100);
/// How long a connection of HTTP/2 may take to part after a check.
pub(crate) const CHECK_GOODBYE: std::time::Duration = std::time::Duration::from_secs(1);
/// Exchange states a worker keeps for the next exchange.
pub(crate) const STATES_KEPT: usize = 256;
/// Tasks for streams of HTTP/2 that a worker keeps for the next stream, some 5 KB each.
pub(crate) const STREAM_TASKS_KEPT: usize = 256;
/// Heads of answers by HTTP/2 that a worker keeps for the next ones.
pub(crate) const RESPONSES_KEPT: usize = 32;
/// A head's arena above this is given back after its exchange, bytes.
pub(crate) const ARENA_BYTES_KEPT: usize = 8 << 10;
/// Room for the texts of a record that are not known when it is reserved, bytes: endpoint, reason and trace id.
pub(crate) const RECORD_TEXTS_BYTES: usize =
    lockgate_event::UPSTREAM_BYTES_MAX + lockgate_event::REASON_BYTES_MAX + lockgate_event::TRACE_BYTES_MAX;
/// Pieces of a body that wait between a function's thread and the connection's.
#[cfg(feature = "functions")]
pub(crate) const GUEST_PIECES: usize = 2;
/// Outgoing requests of a guest that wait to be begun; more wait in the guest.
#[cfg(feature = "functions")]
pub(crate) const GUEST_REQUESTS: usize = 8;
/// Calls handed over to a function thread that it has not seen yet; more are refused.
#[cfg(feature = "functions")]
pub(crate) const CALLS_HANDED_OVER: usize = 4096;
/// How long an answer of a function may wait for others, so that they wake its worker together; a turn of the call
/// under way then adds to that.
#[cfg(feature = "functions")]
pub(crate) const ANSWERS_TOGETHER: std::time::Duration = std::time::Duration::from_micros(500);
/// Priority of a function thread below that of the others (nice, setpriority(2)).
#[cfg(all(feature = "functions", target_os = "linux"))]
pub(crate) const FUNCTION_NICENESS: i32 = 5;
/// How much longer than a function's own limits its caller waits for them to be told.
#[cfg(feature = "functions")]
pub(crate) const CALL_GRACE: std::time::Duration = std::time::Duration::from_secs(1);
/// How long a guest may leave pieces of its own requests and of their answers lying, unless it says so itself.
#[cfg(feature = "functions")]
pub(crate) const GUEST_IDLE: std::time::Duration = std::time::Duration::from_secs(60);
