//! The lower half of Weft: everything a consumer, a producer or an administrator of Apache Kafka
//! needs in common. `ARCHITECTURE.md` at the root of the repository is the map.

pub mod admin;
pub mod backoff;
pub mod cluster;
pub mod config;
pub mod connection;
pub mod error;
#[doc(hidden)]
pub mod host;
pub mod ids;
pub mod net;
pub mod producer;
pub mod record;
pub mod wire;

pub use config::{ClientConfig, ClientConfigBuilder};
pub use error::{Error, ErrorKind};
pub use ids::{
    Broker, CorrelationId, GenerationId, GroupId, GroupInstanceId, LeaderEpoch, MemberId, NodeId,
    Offset, OffsetAndMetadata, TopicId, TopicName, TopicPartition,
};
