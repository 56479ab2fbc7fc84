//! Every metric of a consumer: its name and group, which are Kafka's, its tags, and what it says.
//!
//! Recorders put values under these names; the reference page is printed from here.

/// What is always the same about a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) group: &'static str,
    /// The tags besides `client-id`.
    pub(super) tags: &'static [&'static str],
    pub(super) name: &'static str,
    pub(super) description: &'static str,
}

/// What the fetches of a consumer bring, as a whole, by topic, and by partition.
pub(super) const FETCH: &str = "consumer-fetch-manager-metrics";
/// What goes on with the coordinator of the group.
pub(super) const COORDINATOR: &str = "consumer-coordinator-metrics";
/// The calls of the user, and all connections taken together.
pub(super) const CONSUMER: &str = "consumer-metrics";
/// The connections to one broker.
pub(super) const NODE: &str = "consumer-node-metrics";
/// What runs here.
pub(super) const APP_INFO: &str = "app-info";
/// How many metrics there are.
pub(super) const COUNT: &str = "kafka-metrics-count";

const NO_TAGS: &[&str] = &[];
const TOPIC: &[&str] = &["topic"];
const PARTITION: &[&str] = &["topic", "partition"];
const NODE_ID: &[&str] = &["node-id"];

macro_rules! definitions {
    ($($group:ident $tags:ident { $($name:literal: $description:literal,)* })*) => {
        /// All of them, by group and tags.
        pub(super) const DEFINITIONS: &[Definition] = &[ $( $( Definition {
            group: $group,
            tags: $tags,
            name: $name,
            description: $description,
        }, )* )* ];
    };
}

definitions! {
    FETCH NO_TAGS {
        "fetch-size-avg": "Bytes of records that one fetch brought, on average.",
        "fetch-size-max": "Bytes of records that one fetch brought at most.",
        "bytes-consumed-rate": "Bytes of records a second.",
        "bytes-consumed-total": "Bytes of records so far.",
        "records-per-request-avg": "Records that one fetch brought, on average.",
        "records-consumed-rate": "Records a second.",
        "records-consumed-total": "Records so far.",
        "fetch-latency-avg": "Milliseconds from a fetch to its answer, on average.",
        "fetch-latency-max": "Milliseconds from a fetch to its answer at most.",
        "fetch-rate": "Answered fetches a second.",
        "fetch-total": "Answered fetches so far.",
        "records-lag-max": "Records that a partition was behind its end at most.",
        "records-lead-min": "Records that a partition was ahead of its beginning at least.",
        "fetch-throttle-time-avg": "Milliseconds of silence that brokers asked for, on average.",
        "fetch-throttle-time-max": "Milliseconds of silence that a broker asked for at most.",
    }
    FETCH TOPIC {
        "fetch-size-avg": "Bytes of the topic's records that one fetch brought, on average.",
        "fetch-size-max": "Bytes of the topic's records that one fetch brought at most.",
        "bytes-consumed-rate": "Bytes of the topic's records a second.",
        "bytes-consumed-total": "Bytes of the topic's records so far.",
        "records-per-request-avg": "Records of the topic that one fetch brought, on average.",
        "records-consumed-rate": "Records of the topic a second.",
        "records-consumed-total": "Records of the topic so far.",
    }
    FETCH PARTITION {
        "records-lag": "Records between the position and the end, when something was last read.",
        "records-lag-avg": "That number, on average.",
        "records-lag-max": "That number at most.",
        "records-lead": "Records between the beginning and the position, when last read.",
        "records-lead-avg": "That number, on average.",
        "records-lead-min": "That number at least.",
        "preferred-read-replica": "The follower that is read from; -1 while it is the leader.",
    }
    COORDINATOR NO_TAGS {
        "heartbeat-response-time-max": "Milliseconds until a heartbeat was answered at most.",
        "heartbeat-rate": "Answered heartbeats a second.",
        "heartbeat-total": "Answered heartbeats so far.",
        "last-heartbeat-seconds-ago": "Seconds since the last answered heartbeat; -1 without one.",
        "join-time-avg": "Milliseconds that a JoinGroup took, on average.",
        "join-time-max": "Milliseconds that a JoinGroup took at most.",
        "join-rate": "Successful JoinGroups a second.",
        "join-total": "Successful JoinGroups so far.",
        "sync-time-avg": "Milliseconds that a SyncGroup took, on average.",
        "sync-time-max": "Milliseconds that a SyncGroup took at most.",
        "sync-rate": "Successful SyncGroups a second.",
        "sync-total": "Successful SyncGroups so far.",
        "rebalance-latency-avg": "Milliseconds from JoinGroup to assignment, on average.",
        "rebalance-latency-max": "Milliseconds from JoinGroup to assignment at most.",
        "rebalance-latency-total": "Milliseconds spent on rebalances so far.",
        "rebalance-total": "Rebalances that ended with an assignment.",
        "rebalance-rate-per-hour": "Rebalances an hour that ended with an assignment.",
        "failed-rebalance-total": "Attempts to join that failed.",
        "failed-rebalance-rate-per-hour": "Attempts to join an hour that failed.",
        "last-rebalance-seconds-ago": "Seconds since the last assignment; -1 without one.",
        "commit-latency-avg": "Milliseconds until a commit was answered, on average.",
        "commit-latency-max": "Milliseconds until a commit was answered at most.",
        "commit-rate": "Answered OffsetCommits a second.",
        "commit-total": "Answered OffsetCommits so far.",
        "assigned-partitions": "Partitions that are assigned.",
        "partition-revoked-latency-avg": "Milliseconds in on_partitions_revoked, on average.",
        "partition-revoked-latency-max": "Milliseconds in on_partitions_revoked at most.",
        "partition-assigned-latency-avg": "Milliseconds in on_partitions_assigned, on average.",
        "partition-assigned-latency-max": "Milliseconds in on_partitions_assigned at most.",
        "partition-lost-latency-avg": "Milliseconds in on_partitions_lost, on average.",
        "partition-lost-latency-max": "Milliseconds in on_partitions_lost at most.",
    }
    CONSUMER NO_TAGS {
        "time-between-poll-avg": "Milliseconds from the begin of a poll to the next, on average.",
        "time-between-poll-max": "Milliseconds from the begin of a poll to the next at most.",
        "last-poll-seconds-ago": "Seconds since the last poll began; -1 without one.",
        "poll-idle-ratio-avg": "The share of the time that was spent in poll, 0 to 1.",
        "commit-sync-time-ns-total": "Nanoseconds spent in commits that are awaited.",
        "committed-time-ns-total": "Nanoseconds spent in committed.",
        "connection-creation-rate": "Connections made a second.",
        "connection-creation-total": "Connections made so far.",
        "connection-close-rate": "Sockets closed a second.",
        "connection-close-total": "Sockets closed so far.",
        "connection-count": "Sockets that are open.",
        "network-io-rate": "Reads and writes a second.",
        "network-io-total": "Reads and writes so far.",
        "outgoing-byte-rate": "Bytes sent a second.",
        "outgoing-byte-total": "Bytes sent so far.",
        "request-rate": "Requests a second.",
        "request-total": "Requests so far.",
        "request-size-avg": "Bytes of a request, on average.",
        "request-size-max": "Bytes of the largest request.",
        "incoming-byte-rate": "Bytes received a second.",
        "incoming-byte-total": "Bytes received so far.",
        "response-rate": "Answers a second.",
        "response-total": "Answers so far.",
        "select-rate": "Waits for sockets a second.",
        "select-total": "Waits for sockets so far.",
        "io-wait-time-ns-avg": "Nanoseconds of one wait for sockets, on average.",
        "io-wait-ratio": "The share of the time that was spent waiting for sockets.",
        "io-wait-time-ns-total": "Nanoseconds spent waiting for sockets.",
        "io-time-ns-avg": "Nanoseconds of reading and writing after one wait, on average.",
        "io-ratio": "The share of the time that was spent reading and writing.",
        "io-time-ns-total": "Nanoseconds spent reading and writing.",
    }
    NODE NODE_ID {
        "request-rate": "Requests to this broker a second.",
        "request-total": "Requests to this broker so far.",
        "request-size-avg": "Bytes of a request to this broker, on average.",
        "request-size-max": "Bytes of the largest request to this broker.",
        "outgoing-byte-rate": "Bytes sent to this broker a second.",
        "outgoing-byte-total": "Bytes sent to this broker so far.",
        "response-rate": "Answers of this broker a second.",
        "response-total": "Answers of this broker so far.",
        "incoming-byte-rate": "Bytes received from this broker a second.",
        "incoming-byte-total": "Bytes received from this broker so far.",
        "request-latency-avg": "Milliseconds that this broker took to answer, on average.",
        "request-latency-max": "Milliseconds that this broker took to answer at most.",
    }
    APP_INFO NO_TAGS {
        "version": "The version of this library, as a text.",
        "start-time-ms": "When the consumer was made, in milliseconds since 1970.",
    }
    COUNT NO_TAGS {
        "count": "How many metrics there are, this one among them.",
    }
}

/// The definition of a metric with just these tags.
pub(super) fn definition(group: &str, tags: &[&str], name: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| {
        definition.name == name && definition.group == group && definition.tags == tags
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_defined_once_and_described_by_a_sentence() {
        for (index, one) in DEFINITIONS.iter().enumerate() {
            let same = |other: &&Definition| {
                (other.group, other.tags, other.name) == (one.group, one.tags, one.name)
            };
            let later = &DEFINITIONS[index + 1..];
            assert!(
                !later.iter().any(|other| same(&other)),
                "{} twice",
                one.name
            );
            assert!(one.description.ends_with('.'), "{}", one.name);
        }
    }
}
