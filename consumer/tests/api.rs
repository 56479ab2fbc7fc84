//! The public face of the consumer against the embedded broker: patterns, listeners, interceptors,
//! deserializers, closing, and what is refused.

#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "bounds on time, and what callbacks tell the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use weft_client::admin::Admin;
use weft_client::producer::{Producer, ProducerConfig, ProducerRecord};
use weft_client::wire::ApiKey;
use weft_client::{ClientConfig, ErrorKind, Offset, TopicPartition};
use weft_consumer::{
    CallbackError, CloseOptions, Consumer, ConsumerConfig, ConsumerInterceptor, ConsumerRecords,
    MembershipOperation, NumberDeserializer, Offsets, RebalanceConsumer, RebalanceListener,
    RecordDeserializationError, StringDeserializer, TypedConsumer,
};
use weft_testcontainers::mock::{MockCluster, RequestFilter};

const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(20);

/// What callbacks tell the test.
type Told = Arc<Mutex<Vec<String>>>;

fn told(by: &Told) -> Vec<String> {
    std::mem::take(&mut *by.lock().unwrap())
}

fn cluster(topics: &[(&str, usize)]) -> MockCluster {
    let start = MockCluster::builder().group_initial_rebalance_delay(Duration::ZERO);
    let builder = topics.iter().fold(start, |builder, (name, partitions)| {
        builder.topic(name, *partitions)
    });
    builder.start().unwrap()
}

fn consumer(cluster: &MockCluster, options: &[(&str, &str)]) -> Consumer {
    let builder = ConsumerConfig::builder()
        .bootstrap_servers(cluster.bootstrap())
        .set("auto.offset.reset", "earliest")
        .properties(options.iter().copied());
    Consumer::new(builder.build().unwrap()).unwrap()
}

fn write(cluster: &MockCluster, topic: &str, values: &[Option<&[u8]>]) {
    let config = ProducerConfig::builder().bootstrap_servers(cluster.bootstrap());
    let producer = Producer::new(config.build().unwrap()).unwrap();
    for value in values {
        let record = ProducerRecord::to(topic).partition(0).key("k");
        let record = match value {
            Some(value) => record.value(value.to_vec()),
            None => record,
        };
        producer.send_and_forget(record).unwrap();
    }
    producer.close(PATIENCE).unwrap();
}

fn tp(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

fn poll_until(consumer: &Consumer, what: &str, mut is_so: impl FnMut(&ConsumerRecords) -> bool) {
    let began_at = Instant::now();
    while !is_so(&consumer.poll(SHORT).unwrap()) {
        assert!(began_at.elapsed() < PATIENCE, "not in time: {what}");
    }
}

fn topics_of(consumer: &Consumer) -> BTreeSet<String> {
    let assignment = consumer.assignment().unwrap();
    assignment.iter().map(|p| p.topic().to_string()).collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Tells of its calls under a name, and fails if it shall.
struct Listener {
    name: &'static str,
    told: Told,
    fails: bool,
}

impl Listener {
    fn tell(&self, what: &str) -> Result<(), CallbackError> {
        self.told
            .lock()
            .unwrap()
            .push(format!("{} {what}", self.name));
        if self.fails {
            return Err("it shall fail".into());
        }
        Ok(())
    }
}

impl RebalanceListener for Listener {
    fn on_partitions_revoked(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        let owned = consumer.assignment()?;
        assert!(partitions.iter().all(|name| owned.contains(name)));
        self.tell("revoked")
    }

    fn on_partitions_assigned(
        &mut self,
        _: &RebalanceConsumer<'_>,
        _: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.tell("assigned")
    }

    fn on_partitions_lost(
        &mut self,
        _: &RebalanceConsumer<'_>,
        _: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.tell("lost")
    }
}

fn listener(name: &'static str, told: &Told) -> Listener {
    Listener {
        name,
        told: Arc::clone(told),
        fails: false,
    }
}

#[test]
fn a_pattern_reads_what_matches_also_topics_that_come_later_and_drops_those_that_go() {
    let cluster = cluster(&[("a-1", 1), ("a-2", 1), ("b", 1), ("xa-1", 1)]);
    let consumer = consumer(
        &cluster,
        &[("group.id", "g"), ("metadata.max.age.ms", "100")],
    );
    consumer.subscribe_pattern("a-.*").unwrap();
    let first = names(&["a-1", "a-2"]);
    poll_until(&consumer, "the first topics", |_| {
        topics_of(&consumer) == first
    });
    let subscribed = consumer.subscription().unwrap();
    assert_eq!(subscribed, BTreeSet::from(["a-1".into(), "a-2".into()]));
    cluster.create_topic("a-3", 2).unwrap();
    write(&cluster, "a-3", &[Some(b"late")]);
    let mut has_read = false;
    poll_until(&consumer, "a record of the new topic", |records| {
        has_read |= records.iter().any(|record| record.topic() == "a-3");
        has_read
    });
    let config = ClientConfig::builder().bootstrap_servers(cluster.bootstrap());
    let mut admin = Admin::new(config.build().unwrap()).unwrap();
    admin.delete_topics(&["a-1".into()]).unwrap();
    let last = names(&["a-2", "a-3"]);
    poll_until(&consumer, "the end of a topic", |_| {
        topics_of(&consumer) == last
    });
    consumer.subscribe_pattern("b").unwrap();
    poll_until(&consumer, "the second pattern", |_| {
        topics_of(&consumer) == names(&["b"])
    });
    consumer.close().unwrap();
}

#[test]
fn a_pattern_passes_over_the_topics_of_the_brokers_unless_it_is_told_not_to() {
    let cluster = cluster(&[("t", 1)]);
    let first = consumer(&cluster, &[("group.id", "g")]);
    first.subscribe(["t"]).unwrap();
    poll_until(&first, "the assignment", |_| {
        topics_of(&first) == names(&["t"])
    });
    first.commit_sync().unwrap();
    let listed = first.list_topics().unwrap();
    let internal = "__consumer_offsets";
    let is_there = listed.contains_key(internal);
    let of_all = |exclude: &str| {
        let options = [("group.id", "p"), ("exclude.internal.topics", exclude)];
        let consumer = consumer(&cluster, &options);
        consumer.subscribe_pattern(".*").unwrap();
        poll_until(&consumer, "an assignment", |_| {
            !topics_of(&consumer).is_empty()
        });
        let topics = topics_of(&consumer);
        consumer.close().unwrap();
        topics
    };
    assert_eq!(of_all("true"), names(&["t"]));
    assert_eq!(of_all("false").contains(internal), is_there);
    first.close().unwrap();
}

#[test]
fn subscribing_without_a_listener_keeps_the_earlier_one_and_only_setting_none_takes_it_away() {
    let cluster = cluster(&[("t", 1), ("u", 1)]);
    let consumer = consumer(&cluster, &[("group.id", "g")]);
    let by = Told::default();
    consumer
        .subscribe_with_listener(["t"], listener("a", &by))
        .unwrap();
    poll_until(&consumer, "t", |_| topics_of(&consumer) == names(&["t"]));
    assert_eq!(told(&by), ["a assigned"]);
    consumer.subscribe(["u"]).unwrap();
    poll_until(&consumer, "u", |_| topics_of(&consumer) == names(&["u"]));
    let heard = told(&by);
    assert!(heard.contains(&"a revoked".into()) && heard.contains(&"a assigned".into()));
    let other = Box::new(listener("b", &by));
    consumer.set_rebalance_listener(Some(other)).unwrap();
    consumer.subscribe(["t"]).unwrap();
    poll_until(&consumer, "t again", |_| {
        topics_of(&consumer) == names(&["t"])
    });
    let heard = told(&by);
    assert!(heard.iter().all(|word| word.starts_with("b ")) && !heard.is_empty());
    consumer.set_rebalance_listener(None).unwrap();
    consumer.subscribe(["u"]).unwrap();
    poll_until(&consumer, "u again", |_| {
        topics_of(&consumer) == names(&["u"])
    });
    consumer.close().unwrap();
    assert_eq!(told(&by), [""; 0]);
}

/// Asks for everything that a callback may ask for.
struct Curious(Told);

impl RebalanceListener for Curious {
    fn on_partitions_revoked(
        &mut self,
        _: &RebalanceConsumer<'_>,
        _: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        Ok(())
    }

    fn on_partitions_assigned(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        let all: BTreeSet<TopicPartition> = partitions.iter().cloned().collect();
        assert_eq!(consumer.assignment()?, all);
        let one = &partitions[0];
        let position = consumer.position(one)?;
        let ends = (
            consumer.beginning_offsets(&all)?[one],
            consumer.end_offsets(&all)?[one],
        );
        let found = consumer.offsets_for_times(&[(one.clone(), 0)].into())?;
        assert!(found[one].is_some());
        check_time_limits(consumer, &all)?;
        let listed = consumer.list_topics()?.len();
        let here = consumer.partitions_for(one.topic())?.len();
        consumer.current_lag(one)?;
        consumer.pause(&all)?;
        let generation = consumer.group_metadata()?.generation.value();
        self.0.lock().unwrap().push(format!(
            "{position} {}..{} {listed} {here} {generation}",
            ends.0, ends.1
        ));
        Ok(())
    }
}

/// The look-ups of offsets tell the same with a time limit of their own, and keep it.
fn check_time_limits(
    consumer: &RebalanceConsumer<'_>,
    all: &BTreeSet<TopicPartition>,
) -> Result<(), CallbackError> {
    let first = consumer.beginning_offsets_within(all, PATIENCE)?;
    assert_eq!(first, consumer.beginning_offsets(all)?);
    let ends = consumer.end_offsets_within(all, PATIENCE)?;
    assert_eq!(ends, consumer.end_offsets(all)?);
    let times: BTreeMap<TopicPartition, i64> = all.iter().map(|one| (one.clone(), 0)).collect();
    let found = consumer.offsets_for_times_within(&times, PATIENCE)?;
    assert_eq!(found, consumer.offsets_for_times(&times)?);
    // As with Java's consumer, no time is no answer, and no error.
    let no_time = Duration::ZERO;
    assert!(consumer.beginning_offsets_within(all, no_time)?.is_empty());
    assert!(consumer.end_offsets_within(all, no_time)?.is_empty());
    let found = consumer.offsets_for_times_within(&times, no_time)?;
    assert!(found.len() == all.len() && found.values().all(Option::is_none));
    Ok(())
}

#[test]
fn a_callback_may_ask_for_topics_offsets_positions_and_membership() {
    let cluster = cluster(&[("t", 1)]);
    write(&cluster, "t", &[Some(b"1"), Some(b"2")]);
    let consumer = consumer(&cluster, &[("group.id", "g")]);
    let by = Told::default();
    consumer
        .subscribe_with_listener(["t"], Curious(Arc::clone(&by)))
        .unwrap();
    poll_until(&consumer, "t", |_| topics_of(&consumer) == names(&["t"]));
    let topics = consumer.list_topics().unwrap().len();
    assert_eq!(told(&by), [format!("0 0..2 {topics} 1 1")]);
    // The pause of the callback holds.
    assert_eq!(consumer.paused().unwrap(), BTreeSet::from([tp("t", 0)]));
    consumer.close().unwrap();
}

/// Tells what it sees; takes the records away if it shall.
struct Witness(&'static str, Told, bool);

impl ConsumerInterceptor for Witness {
    fn on_consume(&mut self, records: ConsumerRecords) -> Result<ConsumerRecords, CallbackError> {
        let text = format!("{} consumes {}", self.0, records.count());
        self.1.lock().unwrap().push(text);
        if self.2 {
            panic!("{} shall panic", self.0);
        }
        let next = records.next_offsets().clone();
        Ok(ConsumerRecords::new(Vec::new(), next))
    }

    fn on_commit(&mut self, offsets: &Offsets) -> Result<(), CallbackError> {
        let each = offsets
            .iter()
            .map(|(name, to)| format!(" {name}@{}", to.offset));
        let text = format!("{} commits{}", self.0, each.collect::<String>());
        self.1.lock().unwrap().push(text);
        if self.2 {
            return Err("it shall fail".into());
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), CallbackError> {
        self.1.lock().unwrap().push(format!("{} closes", self.0));
        Ok(())
    }
}

#[test]
fn interceptors_see_records_and_commits_of_every_kind_and_their_failures_change_nothing() {
    let cluster = cluster(&[("t", 1)]);
    write(&cluster, "t", &[Some(b"1"), Some(b"2")]);
    let options = [("group.id", "g"), ("enable.auto.commit", "true")];
    let consumer = consumer(&cluster, &options);
    let by = Told::default();
    consumer
        .add_interceptor(Witness("a", Arc::clone(&by), true))
        .unwrap();
    consumer
        .add_interceptor(Witness("b", Arc::clone(&by), false))
        .unwrap();
    consumer.assign([tp("t", 0)]).unwrap();
    poll_until(&consumer, "records", |records| {
        // The second one took them away.
        assert!(records.is_empty());
        !records.next_offsets().is_empty()
    });
    assert_eq!(told(&by), ["a consumes 2", "b consumes 2"]);
    assert_eq!(consumer.position(&tp("t", 0)).unwrap(), Offset::new(2));
    consumer.commit_sync().unwrap();
    assert_eq!(told(&by), ["a commits t-0@2", "b commits t-0@2"]);
    consumer.commit_async().unwrap();
    consumer.commit_sync_offsets(&Offsets::new()).unwrap();
    assert_eq!(told(&by), ["a commits t-0@2", "b commits t-0@2"]);
    consumer.seek(&tp("t", 0), Offset::new(1)).unwrap();
    consumer.close().unwrap();
    let expected = ["a commits t-0@1", "b commits t-0@1", "a closes", "b closes"];
    assert_eq!(told(&by), expected);
}

#[test]
fn a_record_that_cannot_be_deserialized_is_told_after_those_before_it_until_somebody_seeks() {
    let cluster = cluster(&[("t", 1)]);
    let values: [Option<&[u8]>; 4] = [Some(&[0, 1]), None, Some(&[9]), Some(&[0, 2])];
    write(&cluster, "t", &values);
    let consumer: TypedConsumer<String, i16, _, _> = TypedConsumer::new(
        consumer(&cluster, &[]),
        StringDeserializer,
        NumberDeserializer,
    );
    let partition = tp("t", 0);
    consumer.assign([partition.clone()]).unwrap();
    let read = || {
        let began_at = Instant::now();
        loop {
            assert!(began_at.elapsed() < PATIENCE, "no records in time");
            let records = consumer.poll(SHORT)?;
            if !records.is_empty() {
                break Ok::<_, weft_client::Error>(records);
            }
        }
    };
    let records = read().unwrap();
    let found: Vec<_> = records
        .iter()
        .map(|record| {
            (
                record.offset().value(),
                record.key().cloned(),
                record.value().copied(),
            )
        })
        .collect();
    let key = || Some("k".to_owned());
    assert_eq!(found, [(0, key(), Some(1)), (1, key(), None)]);
    assert_eq!(records.next_offsets()[&partition].offset, Offset::new(2));
    for _ in 0..3 {
        let error = read().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deserialization);
        let failed = RecordDeserializationError::of(&error).unwrap();
        assert_eq!(failed.record().value.as_deref(), Some(&[9][..]));
        assert_eq!(consumer.position(&partition).unwrap(), Offset::new(2));
    }
    consumer.seek(&partition, Offset::new(3)).unwrap();
    let records = read().unwrap();
    assert_eq!(records.into_entries(), [(key(), Some(2))]);
    consumer.into_inner().close().unwrap();
}

#[test]
fn a_failure_that_was_not_told_yet_is_forgotten_when_somebody_seeks() {
    let cluster = cluster(&[("t", 1)]);
    let values: [Option<&[u8]>; 3] = [Some(&[0, 1]), Some(&[9]), Some(&[0, 2])];
    write(&cluster, "t", &values);
    let consumer: TypedConsumer<String, i16, _, _> = TypedConsumer::new(
        consumer(&cluster, &[]),
        StringDeserializer,
        NumberDeserializer,
    );
    consumer.assign([tp("t", 0)]).unwrap();
    let mut seen = Vec::new();
    let began_at = Instant::now();
    while seen.len() < 2 {
        assert!(began_at.elapsed() < PATIENCE, "no records in time");
        let records = consumer.poll(SHORT).unwrap();
        for record in &records {
            seen.push(record.offset().value());
        }
        if seen.len() == 1 {
            consumer.seek(&tp("t", 0), Offset::new(2)).unwrap();
        }
    }
    assert_eq!(seen, [0, 2]);
    consumer.close().unwrap();
}

#[test]
fn closing_takes_every_step_whatever_callbacks_do_and_does_nothing_the_second_time() {
    let cluster = cluster(&[("t", 1)]);
    write(&cluster, "t", &[Some(b"1")]);
    let options = [("group.id", "g"), ("enable.auto.commit", "true")];
    let consumer = consumer(&cluster, &options);
    let by = Told::default();
    consumer
        .add_interceptor(Witness("i", Arc::clone(&by), false))
        .unwrap();
    let failing = Listener {
        fails: true,
        ..listener("l", &by)
    };
    consumer.subscribe(["t"]).unwrap();
    poll_until(&consumer, "a record", |records| {
        !records.next_offsets().is_empty()
    });
    consumer
        .set_rebalance_listener(Some(Box::new(failing)))
        .unwrap();
    told(&by);
    let panics = |_: &Offsets, _| panic!("the callback shall panic");
    consumer.commit_async_with(panics).unwrap();
    let closed = catch_unwind(AssertUnwindSafe(|| consumer.close()));
    let panic = closed.unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"the callback shall panic"));
    let heard = told(&by);
    assert_eq!(heard.last().unwrap(), "i closes");
    assert!(heard.contains(&"l revoked".to_owned()), "{heard:?}");
    assert_eq!(cluster.committed("g", "t", 0), Some(1));
    assert_eq!(cluster.requests(ApiKey::LeaveGroup), 1);
    consumer.close().unwrap();
    assert_eq!(told(&by), [""; 0]);
    assert_eq!(consumer.poll(SHORT).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_listener_that_always_fails_fails_each_rebalance_once_and_no_record_is_lost() {
    let cluster = cluster(&[("t", 1)]);
    write(&cluster, "t", &[Some(b"1"), Some(b"2")]);
    let consumer = consumer(&cluster, &[("group.id", "g")]);
    let by = Told::default();
    let failing = Listener {
        fails: true,
        ..listener("a", &by)
    };
    consumer.subscribe_with_listener(["t"], failing).unwrap();
    let mut read = 0;
    let mut failures = 0;
    let began_at = Instant::now();
    while read < 2 {
        assert!(began_at.elapsed() < PATIENCE, "no records in time");
        match consumer.poll(SHORT) {
            Ok(records) => read += records.count(),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Callback);
                failures += 1;
            }
        }
    }
    assert_eq!((failures, told(&by)), (1, vec!["a assigned".to_owned()]));
    let refused = consumer.close().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Callback);
    assert_eq!(told(&by), ["a revoked"]);
}

#[test]
fn a_wakeup_during_a_join_leaves_it_alone() {
    let joins = |wakeups: usize| {
        let cluster = cluster(&[("t", 1)]);
        let consumer = consumer(&cluster, &[("group.id", "g")]);
        let by = Told::default();
        consumer
            .subscribe_with_listener(["t"], listener("a", &by))
            .unwrap();
        for _ in 0..wakeups {
            consumer.wakeup();
            let error = consumer.poll(PATIENCE).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Wakeup);
            consumer.poll(Duration::ZERO).unwrap();
        }
        poll_until(&consumer, "t", |_| topics_of(&consumer) == names(&["t"]));
        consumer.close().unwrap();
        assert_eq!(told(&by), ["a assigned", "a revoked"]);
        cluster.requests(ApiKey::JoinGroup)
    };
    assert_eq!(joins(20), joins(0));
}

#[test]
fn a_poll_may_wait_longer_than_the_poll_interval() {
    let cluster = cluster(&[("t", 1)]);
    let options = [
        ("group.id", "g"),
        ("enable.auto.commit", "false"),
        ("max.poll.interval.ms", "600"),
    ];
    let consumer = consumer(&cluster, &options);
    let by = Told::default();
    consumer
        .subscribe_with_listener(["t"], listener("a", &by))
        .unwrap();
    poll_until(&consumer, "t", |_| topics_of(&consumer) == names(&["t"]));
    // Nothing is fetched, so that nothing wakes the call.
    consumer
        .pause(&BTreeSet::from([TopicPartition::new("t", 0)]))
        .unwrap();
    consumer.poll(Duration::from_millis(2_000)).unwrap();
    assert_eq!(told(&by), ["a assigned"]);
    assert_eq!(cluster.requests(ApiKey::LeaveGroup), 0);
}

#[test]
fn a_wakeup_before_closing_does_not_keep_it_from_committing() {
    let cluster = cluster(&[("t", 1)]);
    write(&cluster, "t", &[Some(b"1")]);
    let options = [("group.id", "g"), ("enable.auto.commit", "true")];
    let consumer = consumer(&cluster, &options);
    consumer.subscribe(["t"]).unwrap();
    poll_until(&consumer, "a record", |records| !records.is_empty());
    consumer.wakeup();
    consumer.close().unwrap();
    assert_eq!(cluster.committed("g", "t", 0), Some(1));
}

#[test]
fn unsubscribing_revokes_what_is_owned_and_tells_of_a_loss_what_is_not() {
    let cluster = cluster(&[("t", 1)]);
    for (poll_interval, what) in [("300000", "a revoked"), ("300", "a lost")] {
        let options = [("group.id", what), ("max.poll.interval.ms", poll_interval)];
        let consumer = consumer(&cluster, &options);
        let by = Told::default();
        consumer
            .subscribe_with_listener(["t"], listener("a", &by))
            .unwrap();
        poll_until(&consumer, "t", |_| topics_of(&consumer) == names(&["t"]));
        if what == "a lost" {
            // Nobody polls, so that the member leaves by itself.
            let leaves = RequestFilter::api(ApiKey::LeaveGroup);
            cluster.wait_for(leaves, 2, PATIENCE).unwrap();
            let _ = consumer.committed(&BTreeSet::from([tp("t", 0)]));
        }
        consumer.unsubscribe().unwrap();
        assert_eq!(told(&by), ["a assigned", what]);
        assert!(consumer.assignment().unwrap().is_empty());
        consumer.close().unwrap();
        // Neither commits anything, though auto commit is on.
        assert_eq!(cluster.committed(what, "t", 0), None);
    }
}

#[test]
fn who_leaves_is_decided_by_the_kind_of_member_and_by_the_options() {
    for (instance, membership, leaves) in [
        (None, MembershipOperation::Default, 1),
        (None, MembershipOperation::RemainInGroup, 0),
        (Some("i"), MembershipOperation::Default, 0),
        (Some("i"), MembershipOperation::LeaveGroup, 1),
        (Some("i"), MembershipOperation::RemainInGroup, 0),
    ] {
        let cluster = cluster(&[("t", 1)]);
        let mut options = vec![("group.id", "g")];
        options.extend(instance.map(|id| ("group.instance.id", id)));
        let consumer = consumer(&cluster, &options);
        consumer.subscribe(["t"]).unwrap();
        poll_until(&consumer, "t", |_| topics_of(&consumer) == names(&["t"]));
        let options = CloseOptions::new().membership(membership);
        consumer.close_with(options).unwrap();
        let found = cluster.requests(ApiKey::LeaveGroup);
        assert_eq!(found, leaves, "{instance:?} {membership:?}");
    }
}

#[test]
fn what_the_state_or_an_argument_forbids_is_refused_and_changes_nothing() {
    let cluster = cluster(&[("t", 1)]);
    let alone = consumer(&cluster, &[]);
    let kind = |result: Result<(), weft_client::Error>| result.unwrap_err().kind();
    assert_eq!(kind(alone.poll(SHORT).map(drop)), ErrorKind::IllegalState);
    assert_eq!(kind(alone.subscribe(["t"])), ErrorKind::InvalidGroupId);
    assert_eq!(
        kind(alone.subscribe_pattern("t")),
        ErrorKind::InvalidGroupId
    );
    assert_eq!(kind(alone.enforce_rebalance("")), ErrorKind::IllegalState);
    assert_eq!(kind(alone.commit_sync()), ErrorKind::InvalidGroupId);
    assert_eq!(kind(alone.commit_async()), ErrorKind::InvalidGroupId);
    let some = BTreeSet::from([tp("t", 0)]);
    assert_eq!(
        kind(alone.committed(&some).map(drop)),
        ErrorKind::InvalidGroupId
    );
    assert_eq!(
        kind(alone.group_metadata().map(drop)),
        ErrorKind::InvalidGroupId
    );
    assert_eq!(
        kind(alone.seek(&tp("t", 0), Offset::new(1))),
        ErrorKind::IllegalState
    );
    assert_eq!(kind(alone.assign([tp(" ", 0)])), ErrorKind::IllegalArgument);
    alone.assign(some.clone()).unwrap();
    alone.poll(SHORT).unwrap();
    alone.assign([]).unwrap();
    assert_eq!(kind(alone.poll(SHORT).map(drop)), ErrorKind::IllegalState);

    let member = consumer(&cluster, &[("group.id", "g")]);
    assert_eq!(
        kind(member.subscribe_pattern("")),
        ErrorKind::IllegalArgument
    );
    assert_eq!(
        kind(member.subscribe_pattern("(")),
        ErrorKind::IllegalArgument
    );
    assert_eq!(kind(member.subscribe([" "])), ErrorKind::IllegalArgument);
    assert_eq!(
        kind(member.subscribe_broker_pattern("")),
        ErrorKind::IllegalArgument
    );
    let refused = kind(member.subscribe_broker_pattern("t"));
    assert_eq!(refused, ErrorKind::UnsupportedOperation);
    member.subscribe(["t"]).unwrap();
    assert_eq!(kind(member.assign(some)), ErrorKind::IllegalState);
    assert_eq!(kind(member.subscribe_pattern("t")), ErrorKind::IllegalState);
    member.subscribe(Vec::<&str>::new()).unwrap();
    assert_eq!(kind(member.poll(SHORT).map(drop)), ErrorKind::IllegalState);
    member.subscribe_pattern("t").unwrap();
    assert_eq!(kind(member.subscribe(["t"])), ErrorKind::IllegalState);
    member.close().unwrap();

    let options = [("group.id", "h"), ("partition.assignment.strategy", "")];
    let without = consumer(&cluster, &options);
    assert_eq!(kind(without.subscribe(["t"])), ErrorKind::IllegalState);
    assert_eq!(
        kind(without.subscribe_pattern("t")),
        ErrorKind::IllegalState
    );
}

#[test]
fn a_name_that_kafka_refuses_is_told_by_poll_with_the_topic() {
    let cluster = cluster(&[("t", 1)]);
    let consumer = consumer(&cluster, &[("group.id", "g")]);
    consumer.subscribe(["not allowed"]).unwrap();
    let began_at = Instant::now();
    let error = loop {
        assert!(began_at.elapsed() < PATIENCE, "no error in time");
        if let Err(error) = consumer.poll(SHORT) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::InvalidTopic);
    assert_eq!(error.topics(), ["not allowed".into()]);
    consumer.close().unwrap();
}
