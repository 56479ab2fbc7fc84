//! Positions, look-ups and commits against the embedded broker: what is answered without waiting,
//! what is committed by itself, and what is told when the coordinator refuses.

#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "bounds on time, and what callbacks tell the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use weft_client::producer::{Producer, ProducerConfig, ProducerRecord};
use weft_client::wire::{ApiKey, ErrorCode};
use weft_client::{ErrorKind, Offset, OffsetAndMetadata, TopicPartition};
use weft_consumer::{Consumer, ConsumerConfig, Offsets};
use weft_testcontainers::mock::{Fault, FaultAction, Hits, MockCluster, RequestFilter};

const PATIENCE: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(20);

/// Topic `t` with two partitions of ten records each.
fn cluster() -> MockCluster {
    let builder = MockCluster::builder().group_initial_rebalance_delay(Duration::ZERO);
    let cluster = builder.topic("t", 2).start().unwrap();
    let config = ProducerConfig::builder().bootstrap_servers(cluster.bootstrap());
    let producer = Producer::new(config.build().unwrap()).unwrap();
    for partition in 0..2 {
        for number in 0..10_i64 {
            let record = ProducerRecord::to("t").partition(partition);
            let record = record.timestamp(1_000 + number).value("v");
            producer.send_and_forget(record).unwrap();
        }
    }
    producer.close(PATIENCE).unwrap();
    cluster
}

fn consumer(cluster: &MockCluster, options: &[(&str, &str)]) -> Consumer {
    let builder = ConsumerConfig::builder()
        .bootstrap_servers(cluster.bootstrap())
        .set("auto.offset.reset", "earliest")
        .properties(options.iter().copied());
    Consumer::new(builder.build().unwrap()).unwrap()
}

/// A consumer of group `g` that commits nothing by itself and reads both partitions.
fn assigned(cluster: &MockCluster, options: &[(&str, &str)]) -> Consumer {
    let mut all = vec![("group.id", "g"), ("enable.auto.commit", "false")];
    all.extend(options);
    let consumer = consumer(cluster, &all);
    consumer.assign(both()).unwrap();
    consumer
}

fn tp(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

fn both() -> BTreeSet<TopicPartition> {
    [tp("t", 0), tp("t", 1)].into()
}

fn first() -> BTreeSet<TopicPartition> {
    [tp("t", 0)].into()
}

fn all_at(offset: i64) -> BTreeMap<TopicPartition, Offset> {
    let at = |name| (name, Offset::new(offset));
    both().into_iter().map(at).collect()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began_at = Instant::now();
    while !is_so() {
        assert!(began_at.elapsed() < PATIENCE, "not in time: {what}");
    }
}

/// Passes some time in a call that commits nothing by itself.
fn pass(consumer: &Consumer, time: Duration) {
    let missing = BTreeSet::from([tp("missing", 0)]);
    let error = consumer.end_offsets_within(&missing, time).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[test]
fn look_ups_without_time_are_answered_at_once_and_know_nothing() {
    let cluster = cluster();
    let consumer = consumer(&cluster, &[]);
    let times: BTreeMap<_, _> = both().into_iter().map(|name| (name, 1_004)).collect();
    for _ in 0..2 {
        let zero = Duration::ZERO;
        let ends = consumer.end_offsets_within(&both(), zero).unwrap();
        assert_eq!(ends, BTreeMap::new());
        let beginnings = consumer.beginning_offsets_within(&both(), zero).unwrap();
        assert_eq!(beginnings, BTreeMap::new());
        let found = consumer.offsets_for_times_within(&times, zero).unwrap();
        let nothing: BTreeMap<_, _> = both().into_iter().map(|name| (name, None)).collect();
        assert_eq!(found, nothing);
        // Once leaders are known it is no different.
        assert_eq!(consumer.end_offsets(&both()).unwrap(), all_at(10));
        assert_eq!(consumer.beginning_offsets(&both()).unwrap(), all_at(0));
    }
    let found = consumer.offsets_for_times(&times).unwrap();
    let place = found[&tp("t", 1)].unwrap();
    assert_eq!((place.offset, place.timestamp), (Offset::new(4), 1_004));
    assert!(place.leader_epoch.is_some());
}

#[test]
fn look_ups_of_nothing_are_empty_and_times_before_1970_are_refused() {
    let cluster = cluster();
    let consumer = consumer(&cluster, &[]);
    let none = BTreeSet::new();
    assert_eq!(consumer.end_offsets(&none).unwrap(), BTreeMap::new());
    assert_eq!(consumer.beginning_offsets(&none).unwrap(), BTreeMap::new());
    let none = consumer.offsets_for_times(&BTreeMap::new());
    assert_eq!(none.unwrap(), BTreeMap::new());
    let early = BTreeMap::from([(tp("t", 0), -1)]);
    let error = consumer.offsets_for_times(&early).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IllegalArgument);
    assert_eq!(error.topic_partition(), Some(&tp("t", 0)));
}

#[test]
fn a_look_up_whose_time_is_over_names_what_is_missing() {
    let cluster = cluster();
    let consumer = consumer(&cluster, &[]);
    let asked: BTreeSet<_> = [tp("t", 0), tp("missing", 0)].into();
    let times: BTreeMap<_, _> = asked.iter().map(|name| (name.clone(), 5)).collect();
    let time = Duration::from_millis(50);
    for error in [
        consumer.end_offsets_within(&asked, time).unwrap_err(),
        consumer.beginning_offsets_within(&asked, time).unwrap_err(),
        consumer.offsets_for_times_within(&times, time).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Timeout);
        let text = error.to_string();
        assert!(text.contains("missing-0"), "{text}");
        assert!(text.contains("longer than 50 ms"), "{text}");
    }
}

#[test]
fn a_position_is_found_by_calls_that_are_given_no_time() {
    let cluster = cluster();
    let consumer = assigned(&cluster, &[]);
    let mut failures = BTreeSet::new();
    until("the position", || {
        match consumer.position_within(&tp("t", 0), Duration::ZERO) {
            Ok(offset) => offset == Offset::ZERO,
            Err(error) => {
                failures.insert(error.to_string());
                false
            }
        }
    });
    assert!(
        failures.iter().all(|text| text.contains("0 ms")),
        "{failures:?}"
    );
    let other = consumer.position(&tp("t", 9)).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::IllegalState);
}

#[test]
fn a_position_before_any_poll_is_resolved_and_can_be_committed() {
    let cluster = cluster();
    let consumer = assigned(&cluster, &[("auto.offset.reset", "latest")]);
    let nothing = consumer.committed(&both()).unwrap();
    let none: BTreeMap<_, _> = both().into_iter().map(|name| (name, None)).collect();
    assert_eq!(nothing, none, "each partition has an entry");
    consumer.pause(&first()).unwrap();
    assert_eq!(consumer.position(&tp("t", 0)).unwrap(), Offset::new(10));
    assert_eq!(consumer.position(&tp("t", 1)).unwrap(), Offset::new(10));
    consumer.commit_sync().unwrap();
    assert_eq!(cluster.committed("g", "t", 0), Some(10), "paused or not");
    assert_eq!(cluster.committed("g", "t", 1), Some(10));
}

#[test]
fn a_lag_is_unknown_first_and_known_after_a_poll_though_nothing_was_read() {
    let cluster = cluster();
    let consumer = assigned(&cluster, &[]);
    consumer.pause(&both()).unwrap();
    consumer.seek(&tp("t", 0), Offset::new(3)).unwrap();
    assert_eq!(consumer.current_lag(&tp("t", 0)).unwrap(), None);
    let mut lag = None;
    until("the lag", || {
        consumer.poll(SHORT).unwrap();
        lag = consumer.current_lag(&tp("t", 0)).unwrap();
        lag.is_some()
    });
    assert_eq!(lag, Some(7));
}

#[test]
fn partitions_without_a_place_are_told_all_at_once() {
    let cluster = cluster();
    let consumer = assigned(&cluster, &[("auto.offset.reset", "none")]);
    let mut told = Vec::new();
    until("the error", || match consumer.poll(SHORT) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NoOffsetForPartition);
            told = error.topic_partitions().to_vec();
            true
        }
    });
    assert_eq!(told, [tp("t", 0), tp("t", 1)]);
    let error = consumer.position(&tp("t", 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoOffsetForPartition);
}

#[test]
fn closing_commits_positions_that_were_sought_though_nothing_else_needed_the_group() {
    let cluster = cluster();
    let consumer = consumer(&cluster, &[("group.id", "g")]);
    consumer.assign(both()).unwrap();
    consumer.seek(&tp("t", 0), Offset::new(7)).unwrap();
    consumer.close().unwrap();
    assert_eq!(cluster.committed("g", "t", 0), Some(7));
    assert_eq!(cluster.committed("g", "t", 1), None, "it had no position");
}

#[test]
fn another_assignment_commits_what_is_due_and_unsubscribing_never_does() {
    let cluster = cluster();
    let options = [("group.id", "g"), ("auto.commit.interval.ms", "30")];
    let consumer = consumer(&cluster, &options);
    consumer.assign(first()).unwrap();
    consumer.seek(&tp("t", 0), Offset::new(4)).unwrap();
    pass(&consumer, Duration::from_millis(50));
    consumer.assign([tp("t", 1)]).unwrap();
    until("the commit", || cluster.committed("g", "t", 0) == Some(4));
    consumer.seek(&tp("t", 1), Offset::new(5)).unwrap();
    pass(&consumer, Duration::from_millis(50));
    consumer.unsubscribe().unwrap();
    consumer.close().unwrap();
    assert_eq!(cluster.committed("g", "t", 1), None);
}

#[test]
fn a_commit_without_an_answer_is_not_followed_by_another_before_the_interval_is_over() {
    let cluster = cluster();
    let silence = Fault::new(ApiKey::OffsetCommit, FaultAction::Silence);
    let unanswered = cluster.set_fault(silence).unwrap();
    let options = [("group.id", "g"), ("auto.commit.interval.ms", "100")];
    let consumer = consumer(&cluster, &options);
    consumer.assign(both()).unwrap();
    let began_at = Instant::now();
    let commits = || unanswered.counts().unwrap().hit;
    until("two commits", || {
        consumer.poll(SHORT).unwrap();
        let due = began_at.elapsed().as_millis() / 100;
        assert!(u128::from(commits()) <= due, "{} after {due}", commits());
        commits() >= 2
    });
}

#[test]
fn positions_are_committed_again_soon_after_a_failure_that_may_pass() {
    let cluster = cluster();
    let options = [
        ("group.id", "g"),
        ("auto.commit.interval.ms", "3600000"),
        ("retry.backoff.ms", "10"),
    ];
    let consumer = consumer(&cluster, &options);
    consumer.assign(both()).unwrap();
    // The first interval is as good as endless: closing is the first commit, and it is retried.
    consumer.seek(&tp("t", 0), Offset::new(2)).unwrap();
    let code = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS;
    cluster.fail_next(ApiKey::OffsetCommit, code, 3);
    consumer.close().unwrap();
    assert_eq!(cluster.committed("g", "t", 0), Some(2));
    assert_eq!(cluster.requests(ApiKey::OffsetCommit), 4);
}

#[test]
fn an_asynchronous_commit_has_one_try_and_its_callback_is_told_inside_a_later_call() {
    for code in [
        ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::NOT_COORDINATOR,
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
    ] {
        let cluster = cluster();
        let consumer = assigned(&cluster, &[]);
        cluster.fail_next(ApiKey::OffsetCommit, code, 1);
        let told = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&told);
        let mut offsets: Offsets = [(tp("t", 0), OffsetAndMetadata::new(Offset::new(1)))].into();
        let callback = move |offsets: &Offsets, result: Result<(), weft_client::Error>| {
            *seen.lock().unwrap() = Some((offsets.clone(), result.unwrap_err()));
        };
        consumer
            .commit_async_offsets(offsets.clone(), callback)
            .unwrap();
        let asked = offsets.clone();
        offsets.clear();
        until("the callback", || {
            consumer.poll(SHORT).unwrap();
            told.lock().unwrap().is_some()
        });
        let (offsets, error) = told.lock().unwrap().take().unwrap();
        assert_eq!(offsets, asked);
        assert_eq!(error.kind(), ErrorKind::RetriableCommitFailed, "{code}");
        assert!(std::error::Error::source(&error).is_some(), "{code}");
        assert_eq!(cluster.requests(ApiKey::OffsetCommit), 1, "{code}");
        assert_eq!(cluster.committed("g", "t", 0), None, "{code}");
    }
}

#[test]
fn a_member_that_a_commit_found_fenced_says_so_in_every_poll_and_commit() {
    let cluster = cluster();
    let options = [
        ("group.id", "g"),
        ("group.instance.id", "i"),
        ("enable.auto.commit", "false"),
    ];
    let consumer = consumer(&cluster, &options);
    consumer.subscribe(["t"]).unwrap();
    until("the assignment", || {
        consumer.poll(SHORT).unwrap();
        consumer.assignment().unwrap().len() == 2
    });
    let filter = RequestFilter::api(ApiKey::OffsetCommit).group("g");
    let fenced = Fault::new(filter, FaultAction::Answer(ErrorCode::FENCED_INSTANCE_ID));
    cluster.set_fault(fenced.hits(Hits::Nth(1))).unwrap();
    consumer.commit_async().unwrap();
    until("the error", || consumer.poll(SHORT).is_err());
    for _ in 0..3 {
        for error in [
            consumer.poll(SHORT).unwrap_err(),
            consumer.commit_sync().unwrap_err(),
            consumer.commit_async().unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::FencedInstanceId);
        }
    }
    consumer.unsubscribe().unwrap();
    consumer.subscribe(["t"]).unwrap();
    until("another assignment", || {
        consumer.poll(SHORT).unwrap();
        consumer.assignment().unwrap().len() == 2
    });
    consumer.close().unwrap();
}

#[test]
fn a_coordinator_that_refuses_to_tell_what_is_committed_is_told_by_poll_and_position() {
    for (code, kind) in [
        (
            ErrorCode::GROUP_AUTHORIZATION_FAILED,
            ErrorKind::GroupAuthorization,
        ),
        (
            ErrorCode::UNKNOWN_SERVER_ERROR,
            ErrorKind::Broker(ErrorCode::UNKNOWN_SERVER_ERROR),
        ),
    ] {
        let cluster = cluster();
        let consumer = assigned(&cluster, &[]);
        let refused = Fault::new(ApiKey::OffsetFetch, FaultAction::Answer(code));
        let refused = cluster.set_fault(refused).unwrap();
        let mut told = None;
        until("the error", || {
            told = consumer.poll(SHORT).err();
            told.is_some()
        });
        assert_eq!(told.unwrap().kind(), kind);
        let error = consumer.position(&tp("t", 0)).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains("group g"), "{error}");
        let error = consumer.committed(&first()).unwrap_err();
        assert_eq!(error.kind(), kind);
        refused.lift();
        until("records", || {
            consumer
                .poll(SHORT)
                .is_ok_and(|records| !records.is_empty())
        });
    }
}
