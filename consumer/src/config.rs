//! The options of a consumer, under Kafka's names and with Kafka's defaults.
//!
//! It declares them and checks them against each other; what they do is decided elsewhere.

mod foreign;
mod reset;

use std::sync::Arc;
use std::time::Duration;

pub use foreign::FOREIGN_OPTIONS;
pub use reset::AutoOffsetReset;
use weft_client::config::{MILLIS_MAX, Problems, Range};
use weft_client::{ClientConfig, ClientConfigBuilder, GroupId, GroupInstanceId};

use crate::assign::{
    Assignor, CooperativeStickyAssignor, RangeAssignor, RoundRobinAssignor, StickyAssignor,
};

weft_client::config_choice! {
    /// Which protocol a member speaks with its group's coordinator, `group.protocol`.
    pub enum GroupProtocol {
        /// Members divide the partitions among themselves.
        Classic = "classic",
        /// The coordinator divides the partitions (KIP-848).
        Consumer = "consumer",
    }
}

weft_client::config_choice! {
    /// Which records of transactions are read, `isolation.level`.
    pub enum IsolationLevel {
        /// All of them.
        ReadUncommitted = "read_uncommitted",
        /// Those of committed transactions.
        ReadCommitted = "read_committed",
    }
}

impl IsolationLevel {
    /// As requests say it.
    pub(crate) fn to_wire(self) -> i8 {
        match self {
            Self::ReadUncommitted => 0,
            Self::ReadCommitted => 1,
        }
    }
}

weft_client::client_options! {
    /// What a consumer needs to know beyond what every client does.
    pub struct ConsumerConfig, ConsumerConfigBuilder, relate, FOREIGN_OPTIONS;
    options {
        /// The group to belong to. Without one there is no subscription, and nothing is committed.
        "group.id" => group_id: Option<GroupId> = None, Range::Checked(
            "a text that is not blank",
            |id| id.as_ref().is_none_or(|id| !id.as_str().trim().is_empty()),
        );
        /// Makes the member static (KIP-345): it keeps its partitions over a short restart.
        "group.instance.id" => group_instance_id: Option<GroupInstanceId> = None, Range::Checked(
            "1 to 249 of the letters a-z, A-Z, 0-9, ., _ and -, and neither . nor ..",
            |id| id.as_ref().is_none_or(|id| is_name(id.as_str())),
        );
        /// Which protocol the group speaks. Only classic is supported so far.
        "group.protocol" => group_protocol: GroupProtocol = GroupProtocol::Classic, Range::Any;
        /// How long the coordinator waits for a sign of life before it drops the member.
        "session.timeout.ms" => session_timeout: Duration =
            Duration::from_millis(45_000), Range::Between(Duration::ZERO, MILLIS_MAX);
        /// How often the member gives a sign of life; below the session timeout, usually a third.
        "heartbeat.interval.ms" => heartbeat_interval: Duration =
            Duration::from_millis(3_000), Range::Between(Duration::ZERO, MILLIS_MAX);
        /// How the group's leader divides the partitions, the most preferred first: range,
        /// roundrobin, sticky, cooperative-sticky. Kafka's class names stand for them too.
        "partition.assignment.strategy" => assignment_strategy: Vec<String> =
            vec!["range".to_owned(), "cooperative-sticky".to_owned()], Range::Any;
        /// The longest time between two polls. A member that exceeds it leaves the group by
        /// itself. A rebalance waits this long for members to join.
        "max.poll.interval.ms" => max_poll_interval: Duration =
            Duration::from_millis(300_000), Range::Between(Duration::from_millis(1), MILLIS_MAX);
        /// The most records that one poll returns. It does not influence fetching.
        "max.poll.records" => max_poll_records: u32 = 500, Range::Between(1, i32::MAX as u32);
        /// Whether positions are committed from time to time by themselves. Not without a group.
        "enable.auto.commit" => enable_auto_commit: bool = true, Range::Any;
        /// The time between two automatic commits.
        "auto.commit.interval.ms" => auto_commit_interval: Duration =
            Duration::from_millis(5_000), Range::Between(Duration::ZERO, MILLIS_MAX);
        /// Where to begin when there is no committed offset, or it lies outside the partition.
        "auto.offset.reset" => auto_offset_reset: AutoOffsetReset =
            AutoOffsetReset::Latest, Range::Any;
        /// Whether a pattern of topics passes over `__consumer_offsets`, `__transaction_state` and
        /// `__share_group_state`.
        "exclude.internal.topics" => exclude_internal_topics: bool = true, Range::Any;
        /// A broker answers a fetch when it has so many bytes.
        "fetch.min.bytes" => fetch_min_bytes: u32 = 1, Range::Between(0, i32::MAX as u32);
        /// A broker answers a fetch after this time, however little it has.
        "fetch.max.wait.ms" => fetch_max_wait: Duration =
            Duration::from_millis(500), Range::Between(Duration::ZERO, MILLIS_MAX);
        /// The size of the answer to one fetch. A single larger batch is delivered all the same.
        "fetch.max.bytes" => fetch_max_bytes: u32 =
            52_428_800, Range::Between(0, i32::MAX as u32);
        /// The share of one partition in such an answer. A single larger batch is delivered all
        /// the same.
        "max.partition.fetch.bytes" => max_partition_fetch_bytes: u32 =
            1_048_576, Range::Between(0, i32::MAX as u32);
        /// Whether the checksum of every batch is compared with its bytes.
        "check.crcs" => check_crcs: bool = true, Range::Any;
        /// Which records of transactions are read. `read_committed` leaves out those of aborted
        /// transactions and reads up to the first one that is still open, which is then where
        /// partitions end.
        "isolation.level" => isolation_level: IsolationLevel =
            IsolationLevel::ReadUncommitted, Range::Any;
    }
    inherits ClientConfig, ClientConfigBuilder
}

fn relate(builder: &ConsumerConfigBuilder, config: &mut ConsumerConfig, problems: &mut Problems) {
    if config.group_id.is_none() {
        if builder.enable_auto_commit == Some(true) {
            problems.add("enable.auto.commit", "needs a group.id");
        }
        config.enable_auto_commit = false;
    }
    if config.heartbeat_interval >= config.session_timeout {
        problems.add("heartbeat.interval.ms", "must be below session.timeout.ms");
    }
    if config.group_protocol != GroupProtocol::Classic {
        problems.add("group.protocol", "only classic is supported so far");
    }
    relate_assignors(config, problems);
    relate_times(config, problems);
}

fn relate_assignors(config: &ConsumerConfig, problems: &mut Problems) {
    let mut seen: Vec<String> = Vec::new();
    for name in &config.assignment_strategy {
        let problem = match assignor_named(name) {
            None => format!("{name:?} is none of range, roundrobin, sticky, cooperative-sticky"),
            Some(assignor) if seen.iter().any(|seen| seen == assignor.name()) => {
                format!("{name:?} is listed twice")
            }
            Some(assignor) => {
                seen.push(assignor.name().to_owned());
                continue;
            }
        };
        problems.add("partition.assignment.strategy", problem);
    }
}

/// Warns of spans that defeat each other.
fn relate_times(config: &ConsumerConfig, problems: &mut Problems) {
    let idle = config.client.connections_max_idle;
    if config.group_id.is_some() && idle.is_some_and(|idle| idle < config.max_poll_interval) {
        problems.warn(
            "connections.max.idle.ms",
            "below max.poll.interval.ms: connections may be closed between two polls",
        );
    }
    if config.fetch_max_wait >= config.client.request_timeout {
        problems.warn(
            "fetch.max.wait.ms",
            "not below request.timeout.ms: fetches of a partition without new records fail",
        );
    }
}

/// Whether a static member may be called so. Kafka allows what it allows for topics.
fn is_name(name: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    (1..=INSTANCE_ID_LENGTH_MAX).contains(&name.len())
        && name.chars().all(is_allowed)
        && !matches!(name, "." | "..")
}

/// Letters of a `group.instance.id`, as of a topic's name.
const INSTANCE_ID_LENGTH_MAX: usize = 249;

impl ConsumerConfig {
    /// The assignors that `partition.assignment.strategy` names, in its order.
    pub fn assignors(&self) -> Vec<Arc<dyn Assignor>> {
        let names = self.assignment_strategy.iter();
        names.filter_map(|name| assignor_named(name)).collect()
    }
}

/// The assignor of this name, Kafka's class name or its last part.
fn assignor_named(name: &str) -> Option<Arc<dyn Assignor>> {
    let last = name.rsplit('.').next().unwrap_or(name);
    Some(match last {
        "range" | "RangeAssignor" => Arc::new(RangeAssignor),
        "roundrobin" | "RoundRobinAssignor" => Arc::new(RoundRobinAssignor),
        "sticky" | "StickyAssignor" => Arc::new(StickyAssignor),
        "cooperative-sticky" | "CooperativeStickyAssignor" => Arc::new(CooperativeStickyAssignor),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(properties: &[(&str, &str)]) -> Result<ConsumerConfig, String> {
        let start = ConsumerConfig::builder().set("bootstrap.servers", "a:1");
        properties
            .iter()
            .fold(start, |builder, (key, value)| builder.set(key, value))
            .build()
            .map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_those_of_kafka() {
        let config = build(&[("group.id", "g")]).unwrap();
        assert_eq!(config.session_timeout, Duration::from_secs(45));
        assert_eq!(config.max_poll_records, 500);
        assert_eq!(config.auto_offset_reset, AutoOffsetReset::Latest);
        assert!(config.enable_auto_commit);
        let assignors = config.assignors();
        let names: Vec<&str> = assignors.iter().map(|assignor| assignor.name()).collect();
        assert_eq!(names, ["range", "cooperative-sticky"]);
    }

    #[test]
    fn without_a_group_nothing_is_committed_automatically() {
        assert!(!build(&[]).unwrap().enable_auto_commit);
        let error = build(&[("enable.auto.commit", "true")]).unwrap_err();
        assert_eq!(error, "enable.auto.commit: needs a group.id");
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        let error = build(&[
            ("group.id", " "),
            ("group.instance.id", "a/b"),
            ("heartbeat.interval.ms", "45000"),
            ("group.protocol", "consumer"),
            (
                "partition.assignment.strategy",
                "range,fair,org.apache.kafka.clients.consumer.RangeAssignor",
            ),
        ])
        .unwrap_err();
        for part in [
            "group.id: \"\" is not allowed: must be a text that is not blank",
            "group.instance.id: \"a/b\" is not allowed: must be 1 to 249",
            "heartbeat.interval.ms: must be below session.timeout.ms",
            "group.protocol: only classic",
            "\"fair\" is none of range",
            "RangeAssignor\" is listed twice",
        ] {
            assert!(error.contains(part), "{part} is missing in {error}");
        }
    }

    #[test]
    fn kafkas_class_names_stand_for_assignors() {
        let class = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor";
        let config = build(&[("partition.assignment.strategy", class)]).unwrap();
        assert_eq!(config.assignors()[0].name(), "cooperative-sticky");
    }

    #[test]
    fn a_static_member_is_named_as_topics_are() {
        let long = "x".repeat(250);
        for name in ["", ".", "..", "a/b", "a b", "ä", &long] {
            let error = build(&[("group.id", "g"), ("group.instance.id", name)]).unwrap_err();
            assert!(error.starts_with("group.instance.id: "), "{name}: {error}");
        }
        for name in ["a", "...", "A-z_0.9", &long[1..]] {
            build(&[("group.id", "g"), ("group.instance.id", name)]).unwrap();
        }
    }

    #[test]
    fn a_static_member_without_a_group_is_no_mistake() {
        let config = build(&[("group.instance.id", "a")]).unwrap();
        assert_eq!(config.group_id, None);
    }

    #[test]
    fn what_means_something_to_java_only_is_ignored_with_a_word_or_refused_with_a_reason() {
        let start = || ConsumerConfig::builder().bootstrap_servers("a:1");
        let warned = |key: &str, value: &str| start().set(key, value).warnings();
        let string = "org.apache.kafka.common.serialization.StringDeserializer";
        for (key, value, words) in [
            ("key.deserializer", string, "deserializers are values"),
            ("value.deserializer.encoding", "UTF-8", "deserializers are"),
            ("ssl.truststore.location", "/x", "TLS is not supported"),
            ("sasl.jaas.config", "x", "SASL is not supported"),
            ("metric.reporters", "x", "classes of Java"),
            ("enable.metrics.push", "true", "KIP-714"),
        ] {
            let found = warned(key, value);
            assert!(found.len() == 1 && found[0].starts_with(&format!("{key}: ignored: ")));
            assert!(found[0].contains(words), "{found:?}");
            start().set(key, value).build().unwrap();
        }
        for (key, value, words) in [
            ("interceptor.classes", "x", "add_interceptor"),
            (
                "group.remote.assignor",
                "uniform",
                "group.protocol=consumer",
            ),
            ("share.acknowledgement.mode", "explicit", "share group"),
            ("config.providers", "file", "as they are written"),
            (
                "internal.throw.on.fetch.stable.offset.unsupported",
                "true",
                "stable",
            ),
        ] {
            let error = build(&[(key, value)]).unwrap_err();
            assert!(error.contains(key) && error.contains(words), "{error}");
        }
        for (key, value) in [
            ("interceptor.classes", ""),
            ("enable.metrics.push", "false"),
            ("share.acknowledgement.mode", "implicit"),
        ] {
            assert_eq!(warned(key, value), [""; 0]);
            build(&[(key, value)]).unwrap();
        }
    }

    #[test]
    fn spans_that_defeat_each_other_are_warned_of() {
        let start = ConsumerConfig::builder()
            .bootstrap_servers("a:1")
            .group_id("g");
        assert_eq!(start.warnings(), [""; 0]);
        let warnings = start
            .set("connections.max.idle.ms", "1000")
            .set("fetch.max.wait.ms", "30000")
            .set("retry.backoff.ms", "2000")
            .warnings();
        let keys: Vec<&str> = warnings
            .iter()
            .filter_map(|w| w.split(':').next())
            .collect();
        assert_eq!(
            keys,
            [
                "retry.backoff.ms",
                "connections.max.idle.ms",
                "fetch.max.wait.ms"
            ]
        );
    }

    #[test]
    fn a_properties_file_sets_options_and_its_mistakes_are_told_with_the_others() {
        let text = "# a comment\nbootstrap.servers = a:1\ngroup.id: g\nmax.poll.records=7\n";
        let config = ConsumerConfig::builder()
            .properties_text(text)
            .build()
            .unwrap();
        assert_eq!(
            (config.max_poll_records, config.group_id),
            (7, Some("g".into()))
        );
        let map = std::collections::BTreeMap::from([("bootstrap.servers", "a:1")]);
        ConsumerConfig::builder().properties(&map).build().unwrap();
        let error = ConsumerConfig::builder()
            .properties_text("group.id=\\u00")
            .build()
            .unwrap_err()
            .to_string();
        assert!(error.contains("properties: line 1: "), "{error}");
        assert!(error.contains("bootstrap.servers: at least one"), "{error}");
    }

    #[test]
    fn numbers_beyond_those_of_kafka_are_refused() {
        for (key, value) in [
            ("session.timeout.ms", "2147483648"),
            ("max.poll.interval.ms", "0"),
            ("max.poll.records", "0"),
            ("request.timeout.ms", "-1"),
            ("fetch.max.bytes", "-1"),
            ("send.buffer.bytes", "-2"),
            ("metadata.recovery.strategy", "hope"),
            ("auto.offset.reset", "sometimes"),
        ] {
            let error = build(&[(key, value)]).unwrap_err();
            assert!(error.starts_with(&format!("{key}: ")), "{key}: {error}");
        }
    }
}
