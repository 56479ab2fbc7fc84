//! Which Kafka versions can be started, and what each needs. Pure text; nothing is downloaded here.

use std::fmt;

/// A released Apache Kafka version that the cluster can run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KafkaVersion {
    /// 2.8.2, coordinated by ZooKeeper: the oldest brokers Weft talks to.
    V2_8_2,
    /// 3.9.1, the last line that still carries the old protocol versions, run with KRaft.
    V3_9_1,
    /// 4.4.0, run with KRaft.
    #[default]
    V4_4_0,
}

/// What keeps the cluster's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coordination {
    /// A quorum among the brokers themselves.
    KRaft,
    /// One ZooKeeper process beside the brokers.
    ZooKeeper,
}

impl KafkaVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 3] = [Self::V2_8_2, Self::V3_9_1, Self::V4_4_0];

    /// The version as Kafka writes it, such as `4.4.0`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2_8_2 => "2.8.2",
            Self::V3_9_1 => "3.9.1",
            Self::V4_4_0 => "4.4.0",
        }
    }

    pub(super) fn coordination(self) -> Coordination {
        match self {
            Self::V2_8_2 => Coordination::ZooKeeper,
            Self::V3_9_1 | Self::V4_4_0 => Coordination::KRaft,
        }
    }

    /// A Maven project whose runtime closure is everything the broker and the Java clients need.
    pub(super) fn pom(self) -> String {
        let exclusions = match self {
            // The published 4.4.0 broker depends on an artifact that was never published; only the
            // console tools use it.
            Self::V4_4_0 => concat!(
                "      <exclusions><exclusion>\n",
                "        <groupId>org.apache.kafka</groupId>\n",
                "        <artifactId>kafka-tools-api</artifactId>\n",
                "      </exclusion></exclusions>\n",
            ),
            Self::V2_8_2 | Self::V3_9_1 => "",
        };
        format!(
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n\
             \x20 <modelVersion>4.0.0</modelVersion>\n\
             \x20 <groupId>weft</groupId>\n\
             \x20 <artifactId>kafka-jars</artifactId>\n\
             \x20 <version>1</version>\n\
             \x20 <packaging>pom</packaging>\n\
             \x20 <dependencies>\n\
             \x20   <dependency>\n\
             \x20     <groupId>org.apache.kafka</groupId>\n\
             \x20     <artifactId>kafka_2.13</artifactId>\n\
             \x20     <version>{version}</version>\n\
             {exclusions}\
             \x20   </dependency>\n\
             \x20   <dependency>\n\
             \x20     <groupId>org.slf4j</groupId>\n\
             \x20     <artifactId>slf4j-simple</artifactId>\n\
             \x20     <version>{SLF4J_BINDING}</version>\n\
             \x20   </dependency>\n\
             \x20 </dependencies>\n\
             </project>\n",
            version = self.as_str(),
        )
    }
}

impl fmt::Display for KafkaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The broker logs through slf4j and brings no binding; this one writes to standard error.
const SLF4J_BINDING: &str = "1.7.36";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pom_asks_for_its_own_broker_and_a_log_binding() {
        for version in KafkaVersion::ALL {
            let pom = version.pom();
            assert!(
                pom.contains(&format!("<version>{version}</version>")),
                "{pom}"
            );
            assert!(
                pom.contains("<artifactId>slf4j-simple</artifactId>"),
                "{pom}"
            );
            assert_eq!(pom.matches("<dependency>").count(), 2, "{pom}");
            assert_eq!(pom.matches("</dependency>").count(), 2, "{pom}");
        }
    }

    #[test]
    fn only_the_version_with_an_unpublished_dependency_excludes_it() {
        let excluding = KafkaVersion::ALL.map(|version| version.pom().contains("kafka-tools-api"));
        assert_eq!(excluding, [false, false, true]);
    }

    #[test]
    fn the_default_is_the_newest_version() {
        assert_eq!(
            Some(&KafkaVersion::default()),
            KafkaVersion::ALL.iter().max()
        );
    }
}
