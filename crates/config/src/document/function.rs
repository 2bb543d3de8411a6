//! `[functions]` and `[function.NAME]`

use std::time::Duration;

use super::{AnyText, ComponentPath, HOUR_MS, Name, OutboundWord, SecretReference};
use crate::form::{At, Bytes, Map, section};

section! {
    /// What all functions share.
    FunctionsSection = "[functions]" {
        /// Threads that run guests.
        threads: Option<At<u64>> { otherwise: Some("one per core"), range: Some((1, 1024)), restart: true },
        /// Most instances at once over all functions.
        instances: At<u64> {
            default: Some("1000"),
            range: Some((1, 10_000)),
            status: Some("503"),
            restart: true
        },
    }
}

section! {
    /// A WebAssembly component that runs in the gateway: it answers the routes whose `function` names it, and stands before the
    /// target of those whose `before` does. Each limit holds for one call, which fails alone.
    FunctionSection = "[function.NAME]" {
        /// A `.wasm` component of `wasi:http`, relative to the configuration's folder.
        component: Option<At<ComponentPath>> { required: true },
        /// All memories, tables and the heap of an instance together.
        memory: At<Bytes> {
            default: Some("128MiB"),
            range: Some((1 << 20, 1 << 32)),
            status: Some("500, when the guest cannot do without")
        },
        /// From the start of a call to the end of its response.
        time: At<Duration> {
            default: Some("10s"),
            range: Some((1, HOUR_MS)),
            status: Some("504, or the connection is cut when the response has begun")
        },
        /// CPU time of a call.
        cpu: At<Duration> {
            default: Some("1s"),
            range: Some((1, HOUR_MS)),
            status: Some("504, or the connection is cut when the response has begun")
        },
        /// Calls at once; those beyond it wait.
        instances: At<u64> {
            default: Some("64"),
            range: Some((1, 10_000)),
            status: Some("503, when the queue is full, too")
        },
        /// Calls that wait for an instance; 0: none waits.
        queue: At<u64> { default: Some("256"), range: Some((0, 100_000)), status: Some("503") },
        /// How long a call waits for an instance.
        queue_time: At<Duration> { default: Some("1s"), range: Some((1, HOUR_MS)), status: Some("503") },
        /// Largest request body; 0: no limit.
        request_body: At<Bytes> { default: Some("16MiB"), status: Some("413") },
        /// Largest response body; 0: no limit.
        response_body: At<Bytes> {
            default: Some("64MiB"),
            status: Some("500, or the connection is cut when the response has begun")
        },
        /// Outgoing requests of one call.
        calls: At<u64> {
            default: Some("32"),
            range: Some((0, 10_000)),
            status: Some("what the guest makes of its error")
        },
        /// Log of one call; the rest is dropped, and the log says so.
        log: At<Bytes> { default: Some("64KiB"), range: Some((0, 64 << 20)) },
        /// Calls that one instance serves, one after another; 1: a fresh one for each.
        reuse: At<u64> { default: Some("1"), range: Some((1, 1_000_000)) },
        /// Whom it may call: upstreams by name, which it asks at `http://NAME.internal/`, and origins by URL, of whose host name
        /// only public addresses are asked.
        outbound: At<Vec<At<OutboundWord>>> { otherwise: Some("nobody") },
        /// Values it gets through `wasi:config`.
        config: At<Map<Name, AnyText>>,
        /// Secrets it gets through `wasi:config`, by reference only: `$NAME`, or `file:PATH` for the content of a file without
        /// its last line break, read with the configuration.
        secrets: At<Map<Name, SecretReference>> { secret: true },
    }
}
