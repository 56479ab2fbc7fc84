//! See ARCHITECTURE.md.

pub mod assign;
pub mod config;
pub mod group;
pub mod record;

pub use config::{AutoOffsetReset, ConsumerConfig, ConsumerConfigBuilder, IsolationLevel};
pub use record::{ConsumerRecord, ConsumerRecords, OwnedRecord, PartitionRecords};
