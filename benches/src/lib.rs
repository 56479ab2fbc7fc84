//! What the programs and benches of this package share: the records they move, and how they are
//! measured. `README.md` says how to run each and what its numbers mean.

pub mod cpu;
pub mod drain;
pub mod fill;
pub mod latency;
pub mod shape;
pub mod touch;
