//! Benchmarks of Weft.
