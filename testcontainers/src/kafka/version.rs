//! Which Kafka releases can be started, and what each needs. Pure text; nothing is downloaded here.

use std::fmt;
use std::str::FromStr;

use super::error::KafkaError;

/// A release of Apache Kafka that the cluster can run: any from [`KafkaVersion::OLDEST`] on that
/// Maven Central has.
///
/// What a release needs follows from its number: before 3.3 brokers are coordinated by a ZooKeeper
/// beside them, from then on by KRaft. All run on Java 17. Releases before 4.0 refuse to run on
/// Java 24 and newer, which is told before anything is started. Started so far, each on Java 17:
/// 2.4.1, 2.8.2, 3.3.2, 3.7.2, 3.9.1, 4.0.0, 4.1.0 and 4.4.0.
///
/// # Examples
///
/// ```
/// use weft_testcontainers::kafka::KafkaVersion;
///
/// let version: KafkaVersion = "3.7.2".parse()?;
/// assert!(version < KafkaVersion::V3_9_1);
/// assert_eq!(version, KafkaVersion::new(3, 7, 2)?);
/// assert!("2.3.1".parse::<KafkaVersion>().is_err());
/// # Ok::<(), weft_testcontainers::kafka::KafkaError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KafkaVersion {
    major: u16,
    minor: u16,
    patch: u16,
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
    /// The oldest that can be started. Those before cannot reach their ZooKeeper on Java 14 and
    /// newer, whose socket addresses print in another way than their client expects.
    pub const OLDEST: Self = Self::of(2, 4, 0);
    /// 2.8.2, coordinated by ZooKeeper: the oldest brokers that all of Weft's scenarios run on.
    pub const V2_8_2: Self = Self::of(2, 8, 2);
    /// 3.9.1, the last line that still carries the old protocol versions, run with KRaft.
    pub const V3_9_1: Self = Self::of(3, 9, 1);
    /// 4.4.0, run with KRaft.
    pub const V4_4_0: Self = Self::of(4, 4, 0);

    /// Those that Weft's own scenarios run on, oldest first.
    pub const ALL: [Self; 3] = [Self::V2_8_2, Self::V3_9_1, Self::V4_4_0];

    /// Release `major.minor.patch`. Whether Maven Central has it shows when it is started.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Configuration`] if it is older than [`Self::OLDEST`].
    pub fn new(major: u16, minor: u16, patch: u16) -> Result<Self, KafkaError> {
        let version = Self::of(major, minor, patch);
        if version < Self::OLDEST {
            return Err(KafkaError::Configuration {
                what: format!(
                    "Kafka {version} is too old: the oldest that can be started is {}",
                    Self::OLDEST
                ),
            });
        }
        Ok(version)
    }

    const fn of(major: u16, minor: u16, patch: u16) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Major and minor number, such as `(4, 4)`.
    pub const fn release(self) -> (u16, u16) {
        (self.major, self.minor)
    }

    pub(super) fn coordination(self) -> Coordination {
        // The first release for which the project calls KRaft ready (KIP-833).
        if self < Self::of(3, 3, 0) {
            Coordination::ZooKeeper
        } else {
            Coordination::KRaft
        }
    }

    /// The newest Java that its brokers run on, where there is one.
    pub(super) fn newest_java(self) -> Option<u32> {
        // They call the Security Manager, which Java 24 has lost (KIP-1006).
        (self < Self::of(4, 0, 0)).then_some(23)
    }

    /// A Maven project whose runtime closure is everything the broker and the Java clients need.
    pub(super) fn pom(self) -> String {
        // The published 4.4.0 broker depends on an artifact that was never published; only the
        // console tools use it.
        let exclusions = if self < Self::V4_4_0 {
            ""
        } else {
            concat!(
                "      <exclusions><exclusion>\n",
                "        <groupId>org.apache.kafka</groupId>\n",
                "        <artifactId>kafka-tools-api</artifactId>\n",
                "      </exclusion></exclusions>\n",
            )
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
             \x20     <version>{self}</version>\n\
             {exclusions}\
             \x20   </dependency>\n\
             \x20   <dependency>\n\
             \x20     <groupId>org.slf4j</groupId>\n\
             \x20     <artifactId>slf4j-simple</artifactId>\n\
             \x20     <version>{SLF4J_BINDING}</version>\n\
             \x20   </dependency>\n\
             \x20 </dependencies>\n\
             </project>\n",
        )
    }
}

/// [`KafkaVersion::V4_4_0`].
impl Default for KafkaVersion {
    fn default() -> Self {
        Self::V4_4_0
    }
}

/// As Kafka writes it, such as `4.4.0`.
impl fmt::Display for KafkaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Reads `major.minor.patch`.
impl FromStr for KafkaVersion {
    type Err = KafkaError;

    fn from_str(text: &str) -> Result<Self, KafkaError> {
        let numbers: Vec<&str> = text.split('.').collect();
        let number = |digits: &str| {
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u16>().ok().filter(|_| is_plain)
        };
        if let [major, minor, patch] = numbers[..]
            && let (Some(major), Some(minor), Some(patch)) =
                (number(major), number(minor), number(patch))
        {
            return Self::new(major, minor, patch);
        }
        Err(KafkaError::Configuration {
            what: format!("{text:?} is no release of Kafka: write it as 3.9.1"),
        })
    }
}

/// The broker logs through slf4j and brings no binding; this one writes to standard error.
const SLF4J_BINDING: &str = "1.7.36";

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> KafkaVersion {
        text.parse().unwrap()
    }

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
    fn only_versions_with_an_unpublished_dependency_exclude_it() {
        let excludes = |text: &str| version(text).pom().contains("kafka-tools-api");
        let excluding = ["2.8.2", "4.3.1", "4.4.0", "4.5.0"].map(excludes);
        assert_eq!(excluding, [false, false, true, true]);
    }

    #[test]
    fn a_release_is_coordinated_and_limited_as_its_number_says() {
        for (text, coordination, newest_java) in [
            ("2.4.0", Coordination::ZooKeeper, Some(23)),
            ("3.2.3", Coordination::ZooKeeper, Some(23)),
            ("3.3.0", Coordination::KRaft, Some(23)),
            ("3.9.1", Coordination::KRaft, Some(23)),
            ("4.0.0", Coordination::KRaft, None),
            ("10.0.0", Coordination::KRaft, None),
        ] {
            let version = version(text);
            assert_eq!(version.coordination(), coordination, "{text}");
            assert_eq!(version.newest_java(), newest_java, "{text}");
            assert_eq!(version.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_release_or_too_old_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "write it as 3.9.1"),
            ("3.9", "write it as 3.9.1"),
            ("3.9.x", "write it as 3.9.1"),
            ("3.9.+1", "write it as 3.9.1"),
            ("3.9.1.2", "write it as 3.9.1"),
            ("3.9.99999", "write it as 3.9.1"),
            ("2.3.1", "the oldest that can be started is 2.4.0"),
            ("0.11.0", "the oldest that can be started is 2.4.0"),
        ] {
            let error = text.parse::<KafkaVersion>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_default_is_the_newest_version() {
        assert_eq!(
            Some(&KafkaVersion::default()),
            KafkaVersion::ALL.iter().max()
        );
    }
}
