//! Tests of `ring`.
