//! Load generator, origin and floor for the side-by-side benchmark.
