//! The Apache Kafka consumer: a [`Consumer`] for one thread at a time, and the heartbeat thread
//! that keeps it a member of its group. `ARCHITECTURE.md` at the root of the repository is the map.

mod access;
pub mod assign;
mod callback;
pub mod config;
mod consumer;
mod core;
mod deserializer;
mod fetch;
pub mod group;
mod interceptor;
mod lane;
mod listener;
pub mod metrics;
mod partition_info;
mod position;
pub mod record;
mod subscription;
mod thread;
mod typed;
mod wakeup;

pub use callback::RebalanceConsumer;
pub use config::{AutoOffsetReset, ConsumerConfig, ConsumerConfigBuilder, IsolationLevel};
pub use consumer::{CloseOptions, Consumer};
pub use deserializer::{
    BooleanDeserializer, BytesDeserializer, Deserializer, LossyStringDeserializer,
    NumberDeserializer, StringDeserializer, UuidDeserializer, VoidDeserializer,
};
pub use interceptor::ConsumerInterceptor;
pub use lane::{GroupMetadata, MembershipOperation, Offsets};
pub use listener::{CallbackError, OffsetCommitCallback, RebalanceListener};
pub use metrics::{Metric, MetricValue, Metrics, MetricsHandle};
pub use partition_info::PartitionInfo;
pub use position::OffsetAndTimestamp;
pub use record::{ConsumerRecord, ConsumerRecords, OwnedRecord, PartitionRecords};
pub use typed::{
    Origin, RecordDeserializationError, TypedConsumer, TypedRecord, TypedRecords, TypedRecordsIter,
};
pub use wakeup::WakeupHandle;
