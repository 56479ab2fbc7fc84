//! Apache Kafka in a container, behind the same face as the one on a JVM of this machine: for those
//! who have Docker and no Java. Feature `docker`, which brings the `testcontainers` crate and its
//! async runtime; nothing of that shows here.
//!
//! **Untried against an engine**: what is asked of Docker is tested as a value, and the refusal
//! where no engine answers; no container was started by the tests so far.
//!
//! ```no_run
//! use weft_testcontainers::kafka::KafkaVersion;
//! use weft_testcontainers::kafka::docker::KafkaCluster;
//!
//! let cluster = KafkaCluster::builder().version(KafkaVersion::V3_9_1).start()?;
//! cluster.create_topic("orders", 6)?;
//! println!("bootstrap.servers={}", cluster.bootstrap());
//! cluster.node(0).pause()?;
//! cluster.node(0).resume()?;
//! # Ok::<(), weft_testcontainers::kafka::KafkaError>(())
//! ```

#[cfg(feature = "docker")]
mod cluster;
#[cfg(feature = "docker")]
mod node;
mod settings;

#[cfg(feature = "docker")]
pub use cluster::{KafkaCluster, KafkaClusterBuilder};
#[cfg(feature = "docker")]
pub use node::KafkaNode;
