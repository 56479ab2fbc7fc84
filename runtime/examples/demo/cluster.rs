//! The brokers: embedded, real, or somebody's own.

#![expect(clippy::disallowed_methods, reason = "says how long starting took")]

use std::error::Error as StdError;
use std::time::Instant;

use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion};
use weft_testcontainers::mock::MockCluster;

use crate::options::Options;

/// The brokers. Those that the demo started end with it.
pub(crate) enum Cluster {
    Embedded(MockCluster),
    Kafka(Box<KafkaCluster>),
    Own(String),
}

impl Cluster {
    pub(crate) fn open(options: &Options) -> Result<Self, Box<dyn StdError>> {
        if let Some(bootstrap) = &options.bootstrap {
            println!("using the cluster at {bootstrap}");
            return Ok(Self::Own(bootstrap.clone()));
        }
        let began_at = Instant::now();
        if !options.kafka {
            let cluster = MockCluster::builder().start()?;
            let took = began_at.elapsed().as_secs_f64() * 1e3;
            println!(
                "embedded broker at {}, started in {took:.1} ms",
                cluster.bootstrap()
            );
            return Ok(Self::Embedded(cluster));
        }
        let version = KafkaVersion::V4_4_0;
        println!("starting Apache Kafka {version} (its jars are fetched the first time) ...");
        let cluster = KafkaCluster::builder().version(version).start()?;
        let took = began_at.elapsed().as_secs_f64();
        println!(
            "Apache Kafka {version} at {}, started in {took:.1} s",
            cluster.bootstrap()
        );
        Ok(Self::Kafka(Box::new(cluster)))
    }

    pub(crate) fn bootstrap(&self) -> String {
        match self {
            Self::Embedded(cluster) => cluster.bootstrap(),
            Self::Kafka(cluster) => cluster.bootstrap(),
            Self::Own(bootstrap) => bootstrap.clone(),
        }
    }
}
