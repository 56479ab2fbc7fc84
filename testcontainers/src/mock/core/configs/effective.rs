//! What the configurations of a topic mean to those who write to it.

use weft_client::NodeId;
use weft_client::record::Compression;

use super::super::cluster::Cluster;
use super::super::topics::Topic;
use super::definition::Definition;

/// See the module's text. Spans of time are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TopicRules {
    pub(crate) message_bytes_max: usize,
    pub(crate) stamps: bool,
    pub(crate) earlier_max: i64,
    pub(crate) later_max: i64,
    pub(crate) is_compacted: bool,
    pub(crate) is_deleted_from: bool,
    pub(crate) in_sync_min: usize,
    /// Nothing if it is left to the producer.
    pub(crate) compression: Option<Compression>,
}

impl Cluster {
    /// The rules of a topic at the broker that leads a partition of it.
    pub(crate) fn topic_rules(&self, topic: &Topic, broker: NodeId) -> TopicRules {
        let value = |name: &str| self.topic_config(topic, broker, name);
        let span = |name: &str| value(name).parse().unwrap_or(i64::MAX);
        // Until 3.9 one limit is meant for both directions where the newer ones are not set.
        let either = span("message.timestamp.difference.max.ms");
        let has = |policy: &str| {
            value("cleanup.policy")
                .split(',')
                .any(|set| set.trim() == policy)
        };
        TopicRules {
            message_bytes_max: value("max.message.bytes").parse().unwrap_or(usize::MAX),
            stamps: value("message.timestamp.type") == "LogAppendTime",
            earlier_max: span("message.timestamp.before.max.ms").min(either),
            later_max: span("message.timestamp.after.max.ms").min(either),
            is_compacted: has("compact"),
            is_deleted_from: has("delete"),
            in_sync_min: value("min.insync.replicas").parse().unwrap_or(1),
            compression: compression(value("compression.type")),
        }
    }

    /// The value that counts; empty for what the release does not have.
    fn topic_config<'a>(&'a self, topic: &'a Topic, broker: NodeId, name: &str) -> &'a str {
        let Some(known) = Definition::of_topic(self.options.release, name) else {
            return "";
        };
        let own = topic.settings.get(name).map(String::as_str);
        let of_broker = || {
            let mut set = self.broker_settings.find(broker, known.broker_name?);
            set.next().map(|(_, value)| value)
        };
        own.or_else(of_broker).unwrap_or(known.default).trim()
    }
}

fn compression(name: &str) -> Option<Compression> {
    match name {
        "uncompressed" => Some(Compression::None),
        "gzip" => Some(Compression::Gzip),
        "snappy" => Some(Compression::Snappy),
        "lz4" => Some(Compression::Lz4),
        "zstd" => Some(Compression::Zstd),
        _ => None,
    }
}
