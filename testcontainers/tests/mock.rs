//! The mock cluster, driven over TCP by Kafka's own Java clients of three versions. Without Java
//! the tests with it print that they did not run; with `WEFT_REQUIRE_KAFKA=1` they fail instead.

#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]

#[path = "mock/java.rs"]
mod java;
