//! Compares the group's bytes and the assignors with what Kafka's own client did, line by line, and
//! holds the sticky assignors to their promises where that client breaks them.
//!
//! The vectors lie in the repository's `tests/vectors`, written by the Java client itself.

#![expect(
    clippy::unwrap_used,
    reason = "a vector that cannot be read must fail its test"
)]

mod assignors;
mod blobs;
mod java;
mod rules;

use std::path::Path;

use bytes::Bytes;
use serde_json::Value;
use weft_client::ids::TopicPartition;

/// The lines of one file of vectors.
fn lines(file: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!lines.is_empty(), "{file} holds vectors");
    lines
}

/// Bytes written as hex, or null.
fn hex(value: &Value) -> Option<Bytes> {
    let digits = value.as_str()?;
    let pairs = (0..digits.len()).step_by(2);
    let bytes = pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
    Some(bytes.collect())
}

/// Partitions written as `[["topic", 0], ...]`.
fn partitions(value: &Value) -> Vec<TopicPartition> {
    let list = value.as_array().unwrap().iter();
    list.map(|one| TopicPartition::new(text(&one[0]), number(&one[1])))
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number(value: &Value) -> i32 {
    value.as_i64().unwrap().try_into().unwrap()
}

fn texts<T: for<'a> From<&'a str>>(value: &Value) -> Vec<T> {
    let list = value.as_array().unwrap().iter();
    list.map(|one| T::from(text(one))).collect()
}

/// Random numbers that are the same in every run.
struct Xorshift(u64);

impl Xorshift {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }
}
