//! The mock cluster, driven over TCP: by Weft's own network client, and by Kafka's own Java clients
//! of three versions. Without Java the tests with it print that they did not run; with
//! `WEFT_REQUIRE_KAFKA=1` they fail instead.

#![expect(
    clippy::disallowed_methods,
    reason = "real sockets and processes take real time"
)]
#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]

#[path = "mock/configurations.rs"]
mod configurations;
#[path = "mock/configured.rs"]
mod configured;
#[path = "mock/directory.rs"]
mod directory;
#[path = "mock/faults.rs"]
mod faults;
#[path = "mock/java.rs"]
mod java;
#[path = "mock/limits.rs"]
mod limits;
#[path = "mock/network.rs"]
mod network;
#[path = "mock/raw.rs"]
mod raw;
#[path = "mock/releases.rs"]
mod releases;
#[path = "mock/sessions.rs"]
mod sessions;
#[path = "mock/temporary.rs"]
mod temporary;
#[path = "mock/transaction_parity.rs"]
mod transaction_parity;
#[path = "mock/transaction_requests.rs"]
mod transaction_requests;
#[path = "mock/transactions.rs"]
mod transactions;
#[path = "parts/transactions.rs"]
mod transactions_part;
