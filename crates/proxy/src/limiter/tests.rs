//! Several limits at once, and what is told of them.
