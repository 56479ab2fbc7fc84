//! The program `weft-mock`, started as others start it: as a process, watched from outside.

#![expect(
    clippy::disallowed_methods,
    reason = "real processes and sockets take real time"
)]
#![expect(
    clippy::disallowed_types,
    reason = "what a callback is told goes behind a lock"
)]
#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]

#[path = "program/directory.rs"]
mod directory;
#[path = "program/ending.rs"]
mod ending;
#[path = "program/limits.rs"]
mod limits;
#[path = "program/process.rs"]
mod process;
#[path = "program/prompt.rs"]
mod prompt;
#[path = "mock/raw.rs"]
mod raw;
#[path = "program/starting.rs"]
mod starting;
#[path = "mock/temporary.rs"]
mod temporary;
