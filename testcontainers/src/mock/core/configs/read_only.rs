//! What brokers were started with, as their configuration: nobody changes it while they run.

use weft_client::NodeId;

use super::super::cluster::Cluster;
use super::super::release::KafkaRelease;
use super::definition::Kind;
use super::told::{Source, Told};

/// Whether a broker tells of it and does not let it be changed.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// All of them, for one broker.
pub(super) fn of(cluster: &Cluster, broker: NodeId) -> Vec<Told> {
    let options = &cluster.options;
    let is_known = |name: &&str| *name != "node.id" || options.release >= KafkaRelease::V3_3;
    let milliseconds = |span: std::time::Duration| span.as_millis().to_string();
    let names = NAMES.iter().copied().filter(is_known);
    names
        .map(|name| {
            let (kind, value) = match name {
                "auto.create.topics.enable" => {
                    let is_enabled = options.auto_create_partitions.is_some();
                    (Kind::Boolean, Some(is_enabled.to_string()))
                }
                "broker.rack" => {
                    let broker = cluster.brokers.broker(broker);
                    let rack = broker.and_then(|broker| broker.rack.as_deref());
                    (Kind::Text(&[]), rack.map(ToOwned::to_owned))
                }
                "group.initial.rebalance.delay.ms" => {
                    let delay = options.group_initial_rebalance_delay;
                    (Kind::Int(0), Some(milliseconds(delay)))
                }
                "group.min.session.timeout.ms" => {
                    let least = options.session_timeout_min;
                    (Kind::Int(0), Some(milliseconds(least)))
                }
                "max.incremental.fetch.session.cache.slots" => {
                    let sessions = options.fetch_sessions_max;
                    (Kind::Int(0), Some(sessions.to_string()))
                }
                "num.partitions" => {
                    let partitions = options.auto_create_partitions.unwrap_or(1);
                    (Kind::Int(1), Some(partitions.to_string()))
                }
                "replica.selector.class" => {
                    let selector = options.rack_aware_reads.then(|| RACK_AWARE.to_owned());
                    (Kind::Text(&[]), selector)
                }
                // The id of the broker, by its old name and by its new one.
                _ => (Kind::Int(0), Some(broker.value().to_string())),
            };
            Told {
                name,
                kind,
                value,
                source: Source::Start,
                is_read_only: true,
                synonyms: Vec::new(),
            }
        })
        .collect()
}

/// In the order of their names.
const NAMES: [&str; 9] = [
    "auto.create.topics.enable",
    "broker.id",
    "broker.rack",
    "group.initial.rebalance.delay.ms",
    "group.min.session.timeout.ms",
    "max.incremental.fetch.session.cache.slots",
    "node.id",
    "num.partitions",
    "replica.selector.class",
];

const RACK_AWARE: &str = "org.apache.kafka.common.replica.RackAwareReplicaSelector";
