//! Tests of `drainer`.
