#![expect(
    clippy::disallowed_methods,
    clippy::float_cmp,
    reason = "tests begin at some time, and their values are exact"
)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use weft_client::net::{Lane, NetworkCounters, NodeActivity};
use weft_client::{NodeId, TopicName, TopicPartition};

use super::coordinator::{Answered, Callback, Progress};
use super::definition::{CONSUMER, COORDINATOR, DEFINITIONS, FETCH, NODE};
use super::fetching::{Amount, Consumed, Standing};
use super::network::{Side, Sockets};
use super::recorder::Recorder;
use crate::config::ConsumerConfig;

const SECOND: Duration = Duration::from_secs(1);

fn recorder() -> Recorder {
    let config = ConsumerConfig::builder()
        .bootstrap_servers("a:1")
        .client_id("c")
        .build()
        .unwrap();
    Recorder::new(&config, Duration::from_secs(77))
}

fn assignment(names: &[(&str, i32)]) -> BTreeSet<TopicPartition> {
    let names = names.iter();
    names
        .map(|(topic, partition)| TopicPartition::new(*topic, *partition))
        .collect()
}

fn consumed(topic: &str, records: u64, bytes: u64) -> Consumed {
    let mut consumed = Consumed::default();
    consumed.add(&TopicName::from(topic), Amount { records, bytes });
    consumed
}

fn standing(topic: &str, lag: u64, lead: u64) -> Standing {
    Standing {
        topic_partition: TopicPartition::new(topic, 0),
        lag: Some(lag),
        lead: Some(lead),
        replica: None,
    }
}

#[test]
fn every_metric_that_is_defined_is_told_and_nothing_else() {
    let now = Instant::now();
    let mut recorder = recorder();
    let windowing = recorder.windowing;
    recorder.fetching.assigned(&assignment(&[("t", 0)]));
    recorder
        .fetching
        .consumed(windowing, now, &consumed("t", 1, 1));
    let place = (NodeId::new(1), Lane::Fetch);
    recorder
        .network
        .node(windowing, now, place, &NodeActivity::default());
    let metrics = recorder.read(now, None);
    for definition in DEFINITIONS {
        let found = metrics.iter().filter(|metric| {
            let tags = metric.tags().map(|(tag, _)| tag).skip(1);
            metric.name() == definition.name
                && metric.group() == definition.group
                && tags.eq(definition.tags.iter().copied())
        });
        assert_eq!(found.count(), 1, "{definition:?}");
    }
    assert_eq!(metrics.len(), DEFINITIONS.len());
    assert_eq!(
        metrics.number("kafka-metrics-count", "count"),
        Some(metrics.len() as f64)
    );
    assert!(
        metrics
            .iter()
            .all(|metric| metric.tag("client-id") == Some("c"))
    );
}

#[test]
fn fetches_are_told_as_a_whole_and_by_topic() {
    let now = Instant::now();
    let mut recorder = recorder();
    let windowing = recorder.windowing;
    recorder
        .fetching
        .assigned(&assignment(&[("one", 0), ("two", 0)]));
    let mut both = consumed("one", 10, 1_000);
    both.add(
        &TopicName::from("two"),
        Amount {
            records: 2,
            bytes: 50,
        },
    );
    both.add(
        &TopicName::from("one"),
        Amount {
            records: 5,
            bytes: 500,
        },
    );
    recorder.fetching.consumed(windowing, now, &both);
    recorder
        .fetching
        .consumed(windowing, now, &consumed("one", 1, 50));
    recorder
        .fetching
        .answered(windowing, now, 20 * SECOND, SECOND);
    let metrics = recorder.read(now, None);
    let whole = |name| metrics.number(FETCH, name).unwrap();
    assert_eq!(whole("fetch-size-avg"), 800.0);
    assert_eq!(whole("fetch-size-max"), 1_550.0);
    assert_eq!(whole("records-per-request-avg"), 9.0);
    assert_eq!(whole("records-consumed-total"), 18.0);
    assert_eq!(whole("fetch-latency-max"), 20_000.0);
    assert_eq!(whole("fetch-throttle-time-avg"), 1_000.0);
    assert_eq!(whole("fetch-total"), 1.0);
    let of_two = metrics.tagged(FETCH, "bytes-consumed-total", &[("topic", "two")]);
    assert_eq!(of_two, Some(50.0));
}

#[test]
fn partitions_come_and_go_with_the_assignment() {
    let now = Instant::now();
    let mut recorder = recorder();
    let windowing = recorder.windowing;
    let tags = [("topic", "t"), ("partition", "0")];
    recorder
        .fetching
        .stands(windowing, now, &standing("t", 7, 3));
    assert_eq!(
        recorder.read(now, None).tagged(FETCH, "records-lag", &tags),
        None
    );
    recorder
        .fetching
        .assigned(&assignment(&[("t", 0), ("t", 1)]));
    recorder
        .fetching
        .stands(windowing, now, &standing("t", 7, 3));
    recorder
        .fetching
        .stands(windowing, now, &standing("t", 5, 5));
    let metrics = recorder.read(now, None);
    assert_eq!(metrics.tagged(FETCH, "records-lag", &tags), Some(5.0));
    assert_eq!(metrics.tagged(FETCH, "records-lag-max", &tags), Some(7.0));
    assert_eq!(metrics.tagged(FETCH, "records-lead-min", &tags), Some(3.0));
    assert_eq!(
        metrics.tagged(FETCH, "preferred-read-replica", &tags),
        Some(-1.0)
    );
    assert_eq!(metrics.number(FETCH, "records-lag-max"), Some(7.0));
    recorder.fetching.assigned(&assignment(&[("t", 1)]));
    let metrics = recorder.read(now, None);
    assert_eq!(metrics.tagged(FETCH, "records-lag", &tags), None);
    recorder.fetching.assigned(&BTreeSet::new());
    let told = recorder.read(now, None);
    assert!(told.iter().all(|metric| metric.tag("topic").is_none()));
}

#[test]
fn a_rebalance_lasts_from_the_first_join_over_failures_to_the_assignment() {
    let start = Instant::now();
    let mut recorder = recorder();
    let windowing = recorder.windowing;
    let joining = Progress {
        is_rebalancing: true,
        ..Progress::default()
    };
    let failed = Progress {
        failures: 1,
        ..Progress::default()
    };
    let again = Progress {
        failures: 1,
        ..joining
    };
    let stable = Progress {
        is_stable: true,
        ..Progress::default()
    };
    let steps = [joining, failed, again, stable, stable, joining, stable];
    for (step, progress) in (0..).zip(steps) {
        recorder
            .coordinator
            .progress(windowing, start + step * SECOND, progress);
    }
    let metrics = recorder.read(start + 10 * SECOND, None);
    let number = |name| metrics.number(COORDINATOR, name).unwrap();
    assert_eq!(number("rebalance-total"), 2.0);
    assert_eq!(number("rebalance-latency-max"), 3_000.0);
    assert_eq!(number("rebalance-latency-total"), 4_000.0);
    assert_eq!(number("failed-rebalance-total"), 1.0);
    assert_eq!(number("last-rebalance-seconds-ago"), 4.0);
}

#[test]
fn a_join_that_was_given_up_is_not_counted_into_a_later_rebalance() {
    let start = Instant::now();
    let mut recorder = recorder();
    let windowing = recorder.windowing;
    let joining = Progress {
        is_rebalancing: true,
        ..Progress::default()
    };
    let stable = Progress {
        is_stable: true,
        ..Progress::default()
    };
    let steps = [
        (0, joining),
        (1, Progress::default()),
        (100, joining),
        (101, stable),
    ];
    for (at, progress) in steps {
        recorder
            .coordinator
            .progress(windowing, start + at * SECOND, progress);
    }
    let metrics = recorder.read(start + 101 * SECOND, None);
    assert_eq!(
        metrics.number(COORDINATOR, "rebalance-latency-max"),
        Some(1_000.0)
    );
}

#[test]
fn answers_of_the_coordinator_and_callbacks_are_told() {
    let now = Instant::now();
    let mut recorder = recorder();
    let windowing = recorder.windowing;
    let never = recorder.read(now, None);
    assert_eq!(
        never.number(COORDINATOR, "last-heartbeat-seconds-ago"),
        Some(-1.0)
    );
    let coordinator = &mut recorder.coordinator;
    coordinator.answered(windowing, now, Answered::Heartbeat, SECOND);
    coordinator.answered(windowing, now, Answered::Join, 2 * SECOND);
    coordinator.answered(windowing, now, Answered::Sync, 3 * SECOND);
    coordinator.answered(windowing, now, Answered::Commit, 4 * SECOND);
    coordinator.called_back(windowing, now, Callback::Revoked, 5 * SECOND);
    coordinator.called_back(windowing, now, Callback::Assigned, 6 * SECOND);
    coordinator.called_back(windowing, now, Callback::Lost, 7 * SECOND);
    coordinator.assigned(3);
    let metrics = recorder.read(now + 9 * SECOND, None);
    for (name, value) in [
        ("heartbeat-response-time-max", 1_000.0),
        ("heartbeat-total", 1.0),
        ("last-heartbeat-seconds-ago", 9.0),
        ("join-time-avg", 2_000.0),
        ("sync-time-max", 3_000.0),
        ("commit-latency-avg", 4_000.0),
        ("partition-revoked-latency-max", 5_000.0),
        ("partition-assigned-latency-avg", 6_000.0),
        ("partition-lost-latency-max", 7_000.0),
        ("assigned-partitions", 3.0),
    ] {
        assert_eq!(metrics.number(COORDINATOR, name), Some(value), "{name}");
    }
}

#[test]
fn polls_are_told_by_their_distance_and_by_the_share_of_time_inside() {
    let start = Instant::now();
    let mut recorder = recorder();
    let windowing = recorder.windowing;
    assert!(
        recorder
            .read(start, None)
            .number(CONSUMER, "poll-idle-ratio-avg")
            .unwrap()
            .is_nan()
    );
    recorder.polling.polled(windowing, start, start);
    let second = start + 3 * SECOND;
    recorder.polling.polled(windowing, second, second + SECOND);
    recorder.polling.committed_sync(SECOND);
    recorder.polling.asked_committed(2 * SECOND);
    let metrics = recorder.read(second + 5 * SECOND, Some(second));
    let number = |name| metrics.number(CONSUMER, name).unwrap();
    assert_eq!(number("time-between-poll-max"), 3_000.0);
    assert_eq!(number("time-between-poll-avg"), 1_500.0);
    // Nothing of the first, a quarter of the second.
    assert_eq!(number("poll-idle-ratio-avg"), 0.125);
    assert_eq!(number("last-poll-seconds-ago"), 5.0);
    assert_eq!(number("commit-sync-time-ns-total"), 1e9);
    assert_eq!(number("committed-time-ns-total"), 2e9);
}

#[test]
fn the_sockets_of_both_threads_are_added_up_and_nodes_expire() {
    let start = Instant::now();
    let mut recorder = recorder();
    let windowing = recorder.windowing;
    let sockets = |bytes_read, open| Sockets {
        counters: NetworkCounters {
            bytes_read,
            connections_opened: 1,
            waits: 2,
            wait_time: SECOND,
            ..NetworkCounters::default()
        },
        open,
    };
    let network = &mut recorder.network;
    network.totals(windowing, start, Side::Consumer, sockets(100, 2));
    network.totals(windowing, start, Side::Heartbeat, sockets(10, 1));
    network.totals(windowing, start, Side::Consumer, sockets(150, 2));
    let activity = NodeActivity {
        requests: 2,
        request_bytes: 60,
        request_bytes_max: 40,
        responses: 1,
        response_bytes: 500,
        latency: SECOND,
        latency_max: SECOND,
    };
    network.node(windowing, start, (NodeId::new(5), Lane::Fetch), &activity);
    network.node(windowing, start, (NodeId::new(5), Lane::General), &activity);
    network.node(
        windowing,
        start,
        (NodeId::new(5), Lane::Coordinator),
        &activity,
    );
    let metrics = recorder.read(start, None);
    assert_eq!(metrics.number(CONSUMER, "incoming-byte-total"), Some(160.0));
    assert_eq!(metrics.number(CONSUMER, "connection-count"), Some(3.0));
    assert_eq!(
        metrics.number(CONSUMER, "connection-creation-total"),
        Some(2.0)
    );
    assert_eq!(metrics.number(CONSUMER, "select-total"), Some(4.0));
    assert_eq!(metrics.number(CONSUMER, "io-wait-time-ns-avg"), Some(5e8));
    assert_eq!(metrics.number(CONSUMER, "request-total"), Some(6.0));
    let node = [("node-id", "node-5")];
    assert_eq!(metrics.tagged(NODE, "request-size-max", &node), Some(40.0));
    assert_eq!(
        metrics.tagged(NODE, "outgoing-byte-total", &node),
        Some(120.0)
    );
    assert_eq!(
        metrics.tagged(NODE, "request-latency-avg", &node),
        Some(1_000.0)
    );
    let coordinator = [("node-id", "node-2147483642")];
    assert_eq!(
        metrics.tagged(NODE, "request-total", &coordinator),
        Some(2.0)
    );
    let later = recorder.read(start + 3_600 * SECOND, None);
    assert_eq!(later.tagged(NODE, "request-total", &node), None);
}
