//! Real Apache Kafka for tests: brokers on a local JVM, started, hurt and stopped from Rust.
//!
//! The jars come from Maven once and stay in a cache outside the source tree; each cluster keeps
//! its data and logs in a directory of its own under the system's temporary directory and dies with
//! the test process, however that ends. Nothing here knows what a test wants to prove.
//!
//! ```no_run
//! use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion};
//!
//! let cluster = KafkaCluster::builder().version(KafkaVersion::V3_9_1).nodes(3).start()?;
//! cluster.create_topic("orders", 6)?;
//! println!("bootstrap.servers={}", cluster.bootstrap());
//! cluster.node(1).kill()?;
//! # Ok::<(), weft_testcontainers::kafka::KafkaError>(())
//! ```

mod cluster;
mod directory;
// Its settings are tested also where Docker is not wanted.
#[cfg(any(test, feature = "docker"))]
pub mod docker;
mod error;
mod jars;
mod java_lines;
mod java_program;
mod jvm;
mod node;
mod prerequisites;
mod probe;
mod properties;
mod start;
mod supervised;
mod version;

pub use cluster::KafkaCluster;
pub use error::KafkaError;
pub use jars::cache;
pub use java_lines::{JavaAssignor, JavaCommand, JavaRecord};
pub use java_program::{JavaProgram, Line};
pub use node::KafkaNode;
pub use prerequisites::Prerequisites;
pub use start::KafkaClusterBuilder;
pub use version::KafkaVersion;
