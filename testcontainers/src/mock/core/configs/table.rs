//! The configurations of topics, and those of brokers from which topics take their defaults.

use super::super::release::KafkaRelease::{self, *};
use super::definition::{Definition, Kind};

const fn always(
    name: &'static str,
    broker_name: Option<&'static str>,
    kind: Kind,
    default: &'static str,
) -> Definition {
    Definition {
        name,
        broker_name,
        kind,
        default,
        since: V2_1,
        until: Newest,
    }
}

const fn since(release: KafkaRelease, definition: Definition) -> Definition {
    Definition {
        since: release,
        ..definition
    }
}

const fn until(release: KafkaRelease, definition: Definition) -> Definition {
    Definition {
        until: release,
        ..definition
    }
}

/// In the order of their names.
pub(crate) const DEFINITIONS: &[Definition] = &[
    always(
        "cleanup.policy",
        Some("log.cleanup.policy"),
        Kind::List(&["compact", "delete"]),
        "delete",
    ),
    since(
        V3_8,
        always(
            "compression.gzip.level",
            Some("compression.gzip.level"),
            Kind::Int(-1),
            "-1",
        ),
    ),
    since(
        V3_8,
        always(
            "compression.lz4.level",
            Some("compression.lz4.level"),
            Kind::Int(1),
            "9",
        ),
    ),
    always(
        "compression.type",
        Some("compression.type"),
        Kind::Text(COMPRESSIONS),
        "producer",
    ),
    since(
        V3_8,
        always(
            "compression.zstd.level",
            Some("compression.zstd.level"),
            Kind::Int(-131_072),
            "3",
        ),
    ),
    always(
        "delete.retention.ms",
        Some("log.cleaner.delete.retention.ms"),
        Kind::Long(0),
        "86400000",
    ),
    since(
        V4_4,
        always(
            "errors.deadletterqueue.group.enable",
            None,
            Kind::Boolean,
            "false",
        ),
    ),
    always(
        "file.delete.delay.ms",
        Some("log.segment.delete.delay.ms"),
        Kind::Long(0),
        "60000",
    ),
    always(
        "flush.messages",
        Some("log.flush.interval.messages"),
        Kind::Long(1),
        LONG_MAX,
    ),
    always("flush.ms", None, Kind::Long(0), LONG_MAX),
    always(
        "follower.replication.throttled.replicas",
        None,
        Kind::List(&[]),
        "",
    ),
    always(
        "index.interval.bytes",
        Some("log.index.interval.bytes"),
        Kind::Int(0),
        "4096",
    ),
    always(
        "leader.replication.throttled.replicas",
        None,
        Kind::List(&[]),
        "",
    ),
    since(
        V3_6,
        always(
            "local.retention.bytes",
            Some("log.local.retention.bytes"),
            Kind::Long(-2),
            "-2",
        ),
    ),
    since(
        V3_6,
        always(
            "local.retention.ms",
            Some("log.local.retention.ms"),
            Kind::Long(-2),
            "-2",
        ),
    ),
    since(
        V2_3,
        always(
            "max.compaction.lag.ms",
            Some("log.cleaner.max.compaction.lag.ms"),
            Kind::Long(1),
            LONG_MAX,
        ),
    ),
    since(
        V4_4,
        always(
            "max.decompressed.message.bytes",
            Some("max.decompressed.message.bytes"),
            Kind::Int(0),
            "2147483639",
        ),
    ),
    always(
        "max.message.bytes",
        Some("message.max.bytes"),
        Kind::Int(0),
        "1048588",
    ),
    until(
        V3_9,
        always(
            "message.downconversion.enable",
            Some("log.message.downconversion.enable"),
            Kind::Boolean,
            "true",
        ),
    ),
    since(
        V3_6,
        until(
            V3_9,
            always(
                "message.timestamp.after.max.ms",
                Some("log.message.timestamp.after.max.ms"),
                Kind::Long(0),
                LONG_MAX,
            ),
        ),
    ),
    since(
        V4_0,
        always(
            "message.timestamp.after.max.ms",
            Some("log.message.timestamp.after.max.ms"),
            Kind::Long(0),
            "3600000",
        ),
    ),
    since(
        V3_6,
        always(
            "message.timestamp.before.max.ms",
            Some("log.message.timestamp.before.max.ms"),
            Kind::Long(0),
            LONG_MAX,
        ),
    ),
    until(
        V3_9,
        always(
            "message.timestamp.difference.max.ms",
            Some("log.message.timestamp.difference.max.ms"),
            Kind::Long(0),
            LONG_MAX,
        ),
    ),
    always(
        "message.timestamp.type",
        Some("log.message.timestamp.type"),
        Kind::Text(&["CreateTime", "LogAppendTime"]),
        "CreateTime",
    ),
    always(
        "min.cleanable.dirty.ratio",
        Some("log.cleaner.min.cleanable.ratio"),
        Kind::Ratio,
        "0.5",
    ),
    always(
        "min.compaction.lag.ms",
        Some("log.cleaner.min.compaction.lag.ms"),
        Kind::Long(0),
        "0",
    ),
    always(
        "min.insync.replicas",
        Some("min.insync.replicas"),
        Kind::Int(1),
        "1",
    ),
    always(
        "preallocate",
        Some("log.preallocate"),
        Kind::Boolean,
        "false",
    ),
    since(
        V4_4,
        always(
            "remote.copy.lag.bytes",
            Some("log.remote.copy.lag.bytes"),
            Kind::Long(-1),
            "-1",
        ),
    ),
    since(
        V4_4,
        always(
            "remote.copy.lag.ms",
            Some("log.remote.copy.lag.ms"),
            Kind::Long(-1),
            "0",
        ),
    ),
    since(
        V3_9,
        always("remote.log.copy.disable", None, Kind::Boolean, "false"),
    ),
    since(
        V3_9,
        always("remote.log.delete.on.disable", None, Kind::Boolean, "false"),
    ),
    since(
        V3_6,
        always("remote.storage.enable", None, Kind::Boolean, "false"),
    ),
    always(
        "retention.bytes",
        Some("log.retention.bytes"),
        Kind::Long(i64::MIN),
        "-1",
    ),
    always(
        "retention.ms",
        Some("log.retention.ms"),
        Kind::Long(-1),
        "604800000",
    ),
    until(
        V3_9,
        always(
            "segment.bytes",
            Some("log.segment.bytes"),
            Kind::Int(14),
            "1073741824",
        ),
    ),
    since(
        V4_0,
        always(
            "segment.bytes",
            Some("log.segment.bytes"),
            Kind::Int(1_048_576),
            "1073741824",
        ),
    ),
    always(
        "segment.index.bytes",
        Some("log.index.size.max.bytes"),
        Kind::Int(4),
        "10485760",
    ),
    always("segment.jitter.ms", None, Kind::Long(0), "0"),
    always("segment.ms", None, Kind::Long(1), "604800000"),
    always(
        "unclean.leader.election.enable",
        Some("unclean.leader.election.enable"),
        Kind::Boolean,
        "false",
    ),
];

const COMPRESSIONS: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

const LONG_MAX: &str = "9223372036854775807";
