//! See ARCHITECTURE.md.

pub mod assign;
pub mod config;
pub mod group;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "words of the lanes that no thread says yet")
)]
mod lane;
pub mod record;
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        unused_imports,
        reason = "the consumer does not start its thread yet"
    )
)]
mod thread;

pub use config::{AutoOffsetReset, ConsumerConfig, ConsumerConfigBuilder, IsolationLevel};
pub use lane::{GroupMetadata, MembershipOperation, Offsets};
pub use record::{ConsumerRecord, ConsumerRecords, OwnedRecord, PartitionRecords};
