//! The options of a consumer, under Kafka's names and with Kafka's defaults.
//!
//! It declares them and checks them against each other; what they do is decided elsewhere.

use std::sync::Arc;
use std::time::Duration;

use weft_client::config::{OptionValue, Problems, Range};
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

/// Where to begin in a partition without a position, `auto.offset.reset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AutoOffsetReset {
    /// At its first record.
    Earliest,
    /// Behind its last record.
    Latest,
    /// At the first record that is younger than this, counted from now (KIP-1106).
    ByDuration(Duration),
    /// Nowhere: the call fails instead.
    None,
}

impl OptionValue for AutoOffsetReset {
    const NOUN: &'static str = "earliest, latest, none or by_duration:<ISO 8601>";

    fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            "none" => Ok(Self::None),
            _ => lower
                .strip_prefix("by_duration:")
                .and_then(parse_iso_duration)
                .map(Self::ByDuration)
                .ok_or_else(|| {
                    "must be earliest, latest, none or by_duration:PnDTnHnMnS".to_owned()
                }),
        }
    }

    fn print(&self) -> String {
        match self {
            Self::Earliest => "earliest".to_owned(),
            Self::Latest => "latest".to_owned(),
            Self::None => "none".to_owned(),
            Self::ByDuration(span) => format!("by_duration:PT{}S", span.as_secs_f64()),
        }
    }
}

weft_client::client_options! {
    /// What a consumer needs to know beyond what every client does.
    pub struct ConsumerConfig, ConsumerConfigBuilder, relate;
    options {
        /// The group to belong to. Without one there is no subscription, and nothing is committed.
        "group.id" => group_id: Option<GroupId> = None, Range::Any;
        /// Makes the member static (KIP-345): it keeps its partitions over a short restart.
        "group.instance.id" => group_instance_id: Option<GroupInstanceId> = None, Range::Any;
        /// Which protocol the group speaks. Only classic is supported so far.
        "group.protocol" => group_protocol: GroupProtocol = GroupProtocol::Classic, Range::Any;
        /// How long the coordinator waits for a sign of life before it drops the member.
        "session.timeout.ms" => session_timeout: Duration =
            Duration::from_millis(45_000), Range::Any;
        /// How often the member gives a sign of life; below the session timeout, usually a third.
        "heartbeat.interval.ms" => heartbeat_interval: Duration =
            Duration::from_millis(3_000), Range::Any;
        /// How the group's leader divides the partitions, the most preferred first: range,
        /// roundrobin, sticky, cooperative-sticky. Kafka's class names stand for them too.
        "partition.assignment.strategy" => assignment_strategy: Vec<String> =
            vec!["range".to_owned(), "cooperative-sticky".to_owned()], Range::Any;
        /// The longest time between two polls. A member that exceeds it leaves the group by
        /// itself. A rebalance waits this long for members to join.
        "max.poll.interval.ms" => max_poll_interval: Duration =
            Duration::from_millis(300_000), Range::AtLeast(Duration::from_millis(1));
        /// The most records that one poll returns. It does not influence fetching.
        "max.poll.records" => max_poll_records: u32 = 500, Range::AtLeast(1);
        /// Whether positions are committed from time to time by themselves. Not without a group.
        "enable.auto.commit" => enable_auto_commit: bool = true, Range::Any;
        /// The time between two automatic commits.
        "auto.commit.interval.ms" => auto_commit_interval: Duration =
            Duration::from_millis(5_000), Range::Any;
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
            Duration::from_millis(500), Range::Any;
        /// The size of the answer to one fetch. A single larger batch is delivered all the same.
        "fetch.max.bytes" => fetch_max_bytes: u32 =
            52_428_800, Range::Between(0, i32::MAX as u32);
        /// The share of one partition in such an answer. A single larger batch is delivered all
        /// the same.
        "max.partition.fetch.bytes" => max_partition_fetch_bytes: u32 =
            1_048_576, Range::Between(0, i32::MAX as u32);
        /// Whether the checksum of every batch is compared with its bytes.
        "check.crcs" => check_crcs: bool = true, Range::Any;
        /// Which records of transactions are read.
        "isolation.level" => isolation_level: IsolationLevel =
            IsolationLevel::ReadUncommitted, Range::Any;
    }
    inherits ClientConfig, ClientConfigBuilder
}

fn relate(builder: &ConsumerConfigBuilder, config: &mut ConsumerConfig, problems: &mut Problems) {
    if let Some(group) = &config.group_id
        && group.as_str().trim().is_empty()
    {
        problems.add("group.id", "must not be blank");
    }
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
    if config.isolation_level != IsolationLevel::ReadUncommitted {
        problems.add(
            "isolation.level",
            "only read_uncommitted is supported so far",
        );
    }
    for (index, name) in config.assignment_strategy.iter().enumerate() {
        if assignor_named(name).is_none() {
            problems.add(
                "partition.assignment.strategy",
                format!("{name:?} is none of range, roundrobin, sticky, cooperative-sticky"),
            );
        } else if config.assignment_strategy[..index].contains(name) {
            problems.add(
                "partition.assignment.strategy",
                format!("{name:?} is listed twice"),
            );
        }
    }
}

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

/// Reads `pndtnhnmn.ns`, already in lower case. No sign, and something must be named.
fn parse_iso_duration(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('p')?;
    let (days, time) = text.split_once('t').unwrap_or((text, ""));
    let mut seconds = 0.0;
    let mut fields = 0;
    let mut read = |mut rest: &str, units: &[(char, f64)]| {
        for (unit, length) in units {
            if let Some((number, behind)) = rest.split_once(*unit) {
                let is_plain = number.chars().all(|c| c.is_ascii_digit() || c == '.');
                if !is_plain {
                    return None;
                }
                seconds += number.parse::<f64>().ok()? * length;
                fields += 1;
                rest = behind;
            }
        }
        rest.is_empty().then_some(())
    };
    read(days, &[('d', 86_400.0)])?;
    read(time, &[('h', 3_600.0), ('m', 60.0), ('s', 1.0)])?;
    let is_named = fields > 0 && !text.ends_with('t');
    is_named
        .then(|| Duration::try_from_secs_f64(seconds).ok())
        .flatten()
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
            ("heartbeat.interval.ms", "45000"),
            ("group.protocol", "consumer"),
            ("partition.assignment.strategy", "range,fair,range"),
        ])
        .unwrap_err();
        for part in [
            "group.id: must not be blank",
            "heartbeat.interval.ms: must be below session.timeout.ms",
            "group.protocol: only classic",
            "\"fair\" is none of range",
            "\"range\" is listed twice",
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
    fn a_reset_by_duration_is_written_in_iso_8601() {
        for (text, seconds) in [
            ("by_duration:P1D", Some(86_400.0)),
            ("BY_DURATION:PT1H30M", Some(5_400.0)),
            ("by_duration:P2DT3.5S", Some(172_803.5)),
            ("by_duration:PT0S", Some(0.0)),
            ("by_duration:P", None),
            ("by_duration:P1DT", None),
            ("by_duration:PT-1S", None),
            ("by_duration:PT1X", None),
            ("sometimes", None),
        ] {
            let expected = seconds.map(|s| AutoOffsetReset::ByDuration(Duration::from_secs_f64(s)));
            assert_eq!(AutoOffsetReset::parse(text).ok(), expected, "{text}");
        }
        let printed = AutoOffsetReset::ByDuration(Duration::from_millis(1_500)).print();
        assert_eq!(printed, "by_duration:PT1.5S");
    }
}
