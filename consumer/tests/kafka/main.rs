//! The consumer against real Apache Kafka. Without Java or Maven the tests print that they did not
//! run; with `WEFT_REQUIRE_KAFKA=1` they fail instead.

#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "waits for real processes, with a bound"
)]
#![expect(
    clippy::disallowed_types,
    reason = "callbacks and tests share what was seen"
)]

mod assignors;
mod bench;
mod callbacks;
mod commits;
mod limits;
mod positions;
mod reading;
mod rebalances;
mod subscriptions;
