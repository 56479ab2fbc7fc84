//! A Kafka cluster inside the process: real ports on `127.0.0.1` unless the builder is told
//! otherwise, real bytes, nothing on disk unless it is given a directory, ready in a
//! millisecond.
//!
//! Clients of any kind talk to it over TCP; tests look inside, take brokers away, and order faults.
//! It knows topics and their configuration, records, idempotent and transactional producers,
//! fetches with long polls, sessions, isolation levels and followers, leaders that move and logs
//! that lose records, groups of the classic protocol with their offsets, and the calls that
//! administer these. It does not know access control or the group protocol of KIP-848. It speaks
//! as the newest release does, or as any from 2.1 on that it is told to be.
//!
//! What goes wrong in clusters is had by [`Fault`]s, which happen to requests, by [`Order`]s to
//! brokers, partitions and groups, and by [`script`]s of both. The last ten thousand requests are
//! remembered with how they ended ([`MockCluster::received`]). Time is that of the clock unless
//! [`MockClusterBuilder::virtual_time`] is set. A thousand faults may be set at a time, a thousand
//! pairs of broker and client kept apart, and a thousand groups be loading; a hundred scripts may
//! be running.
//!
//! It also watches its clients: what a correct client never does is noted, and
//! [`MockCluster::violations`] tells it.
//!
//! ```
//! use weft_testcontainers::mock::MockCluster;
//!
//! let cluster = MockCluster::builder().brokers(3).topic("orders", 6).start()?;
//! println!("bootstrap.servers={}", cluster.bootstrap());
//! assert_eq!(cluster.end_offset("orders", 0), Some(0));
//! assert!(cluster.violations().is_empty());
//! # Ok::<(), weft_testcontainers::mock::MockError>(())
//! ```

mod buffered;
mod builder;
mod cluster;
mod connection;
mod core;
mod directory;
mod error;
mod faults;
mod leadership;
mod look;
mod orders;
mod ports;
mod requests;
pub mod script;
mod scripts;
mod server;
mod settings;
#[cfg(feature = "simulation")]
pub mod simulated;
mod time;
mod witness;

pub use builder::MockClusterBuilder;
pub use cluster::MockCluster;
pub use core::{
    Fault, FaultAction, FaultCounts, FaultId, FaultRefused, GroupState, GroupSummary, Hits,
    KafkaRelease, Obeyed, Order, OrderRefused, Outcome, ReceivedRequest, RequestFilter,
    TopicSummary, TransactionState, UnknownRelease,
};
pub use directory::Recovery;
pub use error::MockError;
pub use faults::FaultHandle;
pub use scripts::ScriptStep;
