//! Whether damage, tears and concurrency are told apart.
