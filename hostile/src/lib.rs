//! What Weft must never do, whatever bytes it is given, as one function for each place where bytes
//! from a peer come in.
//!
//! Each takes any bytes and returns, or panics because something is wrong: a panic inside, more
//! steps than the input justifies, more memory than the code states, a value that does not survive
//! being written and read again. The same functions are called by `cargo fuzz` (folder `fuzz/`),
//! with inputs that it makes up, and by `tests/replay.rs`, with the corpus and mutations of it.

pub mod allowance;
pub mod choices;
pub mod connection;
pub mod decompression;
pub mod frame;
pub mod group_blobs;
pub mod mutation;
pub mod record_batch;
pub mod request;
pub mod response;
pub mod round_trip;
pub mod seeds;

/// One place where bytes come in.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the fuzz target, and of its folder in the corpus.
    pub name: &'static str,
    /// The longest input that is worth trying, in bytes.
    pub input_bytes_max: usize,
    /// The check. It panics if something is wrong.
    pub check: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("frame", 1024, frame::check),
    target("response", 4096, response::check),
    target("record_batch", 4096, record_batch::check),
    target("decompression", 4096, decompression::check),
    target("group_blobs", 2048, group_blobs::check),
    target("connection", 2048, connection::check),
    target("request", 4096, request::check),
    target("round_trip", 4096, round_trip::check),
];

const fn target(name: &'static str, input_bytes_max: usize, check: fn(&[u8])) -> Target {
    Target {
        name,
        input_bytes_max,
        check,
    }
}
