//! The consumer against real Apache Kafka. Without Java or Maven the tests print that they did not
//! run; with `WEFT_REQUIRE_KAFKA=1` they fail instead.

#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "waits for real processes, with a bound"
)]
#![expect(
    clippy::disallowed_types,
    reason = "callbacks and tests share what was seen"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use weft_client::producer::{Producer, ProducerConfig, ProducerRecord};
use weft_client::{ErrorKind, MemberId, Offset, OffsetAndMetadata, TopicPartition};
use weft_consumer::assign::{
    AssignError, Assignor, ClusterTopics, MemberAssignment, MemberSubscription,
};
use weft_consumer::{
    CallbackError, CloseOptions, Consumer, ConsumerConfig, ConsumerRecords, MembershipOperation,
    Offsets, RebalanceConsumer, RebalanceListener,
};
use weft_testcontainers::kafka::{
    JavaAssignor, JavaCommand, JavaProgram, KafkaCluster, KafkaVersion, Prerequisites,
};

/// The cluster that all tests share; nothing if this machine cannot run one.
fn kafka() -> Option<&'static KafkaCluster> {
    match Prerequisites::check() {
        Ok(()) => Some(KafkaCluster::shared(KafkaVersion::V4_4_0).unwrap()),
        Err(error) if std::env::var_os("WEFT_REQUIRE_KAFKA").is_some() => panic!("{error}"),
        Err(error) => {
            println!("not run: {error}");
            None
        }
    }
}

/// Creates a topic and fills each of its partitions with records whose values are their offsets.
fn filled(kafka: &KafkaCluster, topic: &str, partitions: i32, records: i64) {
    kafka
        .create_topic(topic, partitions.unsigned_abs())
        .unwrap();
    fill(kafka, topic, partitions, 0..records);
}

fn fill(kafka: &KafkaCluster, topic: &str, partitions: i32, values: std::ops::Range<i64>) {
    let config = ProducerConfig::builder().bootstrap_servers(kafka.bootstrap());
    let producer = Producer::new(config.build().unwrap()).unwrap();
    for partition in 0..partitions {
        for value in values.clone() {
            let record = ProducerRecord::to(topic).partition(partition);
            let record = record.timestamp(EPOCH_MS + value).value(value.to_string());
            producer.send_and_forget(record).unwrap();
        }
    }
    producer.close(PATIENCE).unwrap();
}

fn consumer(kafka: &KafkaCluster, options: &[(&str, &str)]) -> Consumer {
    consumer_at(&kafka.bootstrap(), options)
}

fn consumer_at(bootstrap: &str, options: &[(&str, &str)]) -> Consumer {
    let start = ConsumerConfig::builder()
        .bootstrap_servers(bootstrap)
        .set("auto.offset.reset", "earliest");
    let builder = options
        .iter()
        .fold(start, |b, (key, value)| b.set(key, value));
    Consumer::new(builder.build().unwrap()).unwrap()
}

/// A member that commits only what it is told to, with heartbeats that make rebalances quick.
fn member(kafka: &KafkaCluster, group: &str, options: &[(&str, &str)]) -> Consumer {
    let mut all = vec![
        ("group.id", group),
        ("enable.auto.commit", "false"),
        ("heartbeat.interval.ms", "200"),
        ("session.timeout.ms", "10000"),
        ("partition.assignment.strategy", "range"),
    ];
    all.extend_from_slice(options);
    consumer(kafka, &all)
}

fn tp(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}

fn tps(topic: &str, partitions: &[i32]) -> BTreeSet<TopicPartition> {
    partitions.iter().map(|&number| tp(topic, number)).collect()
}

fn offsets(partition: &TopicPartition, offset: i64) -> Offsets {
    BTreeMap::from([(partition.clone(), Offset::new(offset).into())])
}

/// Checks that values are offsets, and appends what was read to the lists of its partitions.
fn note(records: &ConsumerRecords, read: &mut BTreeMap<TopicPartition, Vec<i64>>) {
    for record in records {
        let offset = record.offset().value();
        assert_eq!(record.value().unwrap(), offset.to_string().as_bytes());
        assert_eq!(record.timestamp(), EPOCH_MS + offset);
        read.entry(record.topic_partition().clone())
            .or_default()
            .push(offset);
    }
}

/// Polls until so many records were read.
fn read(consumer: &Consumer, count: usize) -> BTreeMap<TopicPartition, Vec<i64>> {
    let mut read = BTreeMap::new();
    let mut total = 0;
    until("records come", || {
        let records = consumer.poll(STEP).unwrap();
        total += records.count();
        note(&records, &mut read);
        total >= count
    });
    assert_eq!(total, count, "more was read than expected");
    read
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began_at = Instant::now();
    while !is_so() {
        assert!(
            began_at.elapsed() < PATIENCE,
            "it did not happen that {what}"
        );
    }
}

/// Polls all of them in turn, none of them waiting for long.
fn poll_until(consumers: &[&Consumer], what: &str, mut is_so: impl FnMut() -> bool) {
    until(what, || {
        for consumer in consumers {
            consumer.poll(STEP).unwrap();
        }
        is_so()
    });
}

fn owns(consumer: &Consumer, topic: &str, partitions: &[i32]) -> bool {
    consumer.assignment().unwrap() == tps(topic, partitions)
}

type Act = Box<dyn FnMut(&RebalanceConsumer<'_>, &str) -> Result<(), CallbackError> + Send>;

/// Writes down what it is told, as `assigned 0 1`, and then acts.
struct Recorder {
    told: Arc<Mutex<Vec<String>>>,
    act: Act,
}

impl Recorder {
    fn new() -> (Self, Arc<Mutex<Vec<String>>>) {
        Self::acting(|_, _| Ok(()))
    }

    fn acting(
        act: impl FnMut(&RebalanceConsumer<'_>, &str) -> Result<(), CallbackError> + Send + 'static,
    ) -> (Self, Arc<Mutex<Vec<String>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let recorder = Self {
            told: Arc::clone(&told),
            act: Box::new(act),
        };
        (recorder, told)
    }

    fn tell(
        &mut self,
        what: &str,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        let numbers = partitions.iter().map(|p| format!(" {}", p.partition()));
        self.told
            .lock()
            .unwrap()
            .push(format!("{what}{}", numbers.collect::<String>()));
        (self.act)(consumer, what)
    }
}

impl RebalanceListener for Recorder {
    fn on_partitions_revoked(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.tell("revoked", consumer, partitions)
    }

    fn on_partitions_assigned(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.tell("assigned", consumer, partitions)
    }

    fn on_partitions_lost(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.tell("lost", consumer, partitions)
    }
}

fn told(by: &Arc<Mutex<Vec<String>>>) -> Vec<String> {
    by.lock().unwrap().clone()
}

#[test]
fn assigned_partitions_are_read_to_their_ends_each_in_order() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "to-the-end", 3, 2_000);
    let consumer = consumer(kafka, &[("max.poll.records", "300")]);
    consumer.assign(tps("to-the-end", &[0, 1, 2])).unwrap();
    let read = read(&consumer, 6_000);
    let all: Vec<i64> = (0..2_000).collect();
    for partition in tps("to-the-end", &[0, 1, 2]) {
        assert_eq!(read[&partition], all, "{partition}");
        assert_eq!(consumer.position(&partition).unwrap(), Offset::new(2_000));
        assert_eq!(consumer.current_lag(&partition).unwrap(), Some(0));
    }
    assert!(consumer.poll(Duration::ZERO).unwrap().is_empty());
    consumer.close().unwrap();
}

#[test]
fn no_poll_returns_more_than_max_poll_records() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "small-bites", 2, 50);
    let consumer = consumer(kafka, &[("max.poll.records", "7")]);
    consumer.assign(tps("small-bites", &[0, 1])).unwrap();
    let mut total = 0;
    until("everything is read", || {
        let records = consumer.poll(STEP).unwrap();
        assert!(records.count() <= 7, "{}", records.count());
        total += records.count();
        total == 100
    });
}

#[test]
fn a_poll_of_zero_called_again_and_again_brings_records() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "no-patience", 1, 10);
    let consumer = consumer(kafka, &[]);
    consumer.assign(tps("no-patience", &[0])).unwrap();
    let mut total = 0;
    until("everything is read", || {
        total += consumer.poll(Duration::ZERO).unwrap().count();
        total == 10
    });
}

#[test]
fn eager_members_give_up_everything_before_they_are_given_their_shares() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("eager", 4).unwrap();
    let (first, second) = (member(kafka, "eager", &[]), member(kafka, "eager", &[]));
    let (listener, told_first) = Recorder::new();
    first.subscribe_with_listener(["eager"], listener).unwrap();
    poll_until(&[&first], "the first owns all", || {
        owns(&first, "eager", &[0, 1, 2, 3])
    });
    let (listener, told_second) = Recorder::new();
    second.subscribe_with_listener(["eager"], listener).unwrap();
    poll_until(&[&first, &second], "they share", || {
        first.assignment().unwrap().len() == 2 && second.assignment().unwrap().len() == 2
    });
    let (one, other) = (first.assignment().unwrap(), second.assignment().unwrap());
    assert!(one.is_disjoint(&other), "{one:?} {other:?}");
    second.close().unwrap();
    poll_until(&[&first], "the first owns all again", || {
        owns(&first, "eager", &[0, 1, 2, 3])
    });
    first.close().unwrap();

    let share = |of: &BTreeSet<TopicPartition>| {
        of.iter()
            .map(|p| format!(" {}", p.partition()))
            .collect::<String>()
    };
    let (one, other) = (share(&one), share(&other));
    assert_eq!(
        told(&told_first),
        [
            "assigned 0 1 2 3".to_owned(),
            "revoked 0 1 2 3".to_owned(),
            format!("assigned{one}"),
            format!("revoked{one}"),
            "assigned 0 1 2 3".to_owned(),
            "revoked 0 1 2 3".to_owned(),
        ]
    );
    assert_eq!(
        told(&told_second),
        [format!("assigned{other}"), format!("revoked{other}")]
    );
}

#[test]
fn cooperative_members_give_up_only_what_moves() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "cooperative", 4, 1);
    let sticky = [("partition.assignment.strategy", "cooperative-sticky")];
    let first = member(kafka, "cooperative", &sticky);
    let second = member(kafka, "cooperative", &sticky);
    let (listener, told_first) = Recorder::new();
    first
        .subscribe_with_listener(["cooperative"], listener)
        .unwrap();
    let mut seen = BTreeMap::new();
    until("the first reads all", || {
        note(&first.poll(STEP).unwrap(), &mut seen);
        seen.len() == 4
    });
    second.subscribe(["cooperative"]).unwrap();
    poll_until(&[&first, &second], "they share", || {
        first.assignment().unwrap().len() == 2 && second.assignment().unwrap().len() == 2
    });
    for kept in first.assignment().unwrap() {
        assert_eq!(
            first.position(&kept).unwrap(),
            Offset::new(1),
            "kept its position"
        );
    }
    let moved = second.assignment().unwrap();
    let moved: String = moved
        .iter()
        .map(|p| format!(" {}", p.partition()))
        .collect();
    let told = told(&told_first);
    assert_eq!(told[0], "assigned 0 1 2 3");
    let revoked: Vec<&String> = told.iter().filter(|t| t.starts_with("revoked")).collect();
    assert_eq!(revoked, [&format!("revoked{moved}")], "{told:?}");
    assert!(told[2..].iter().all(|t| t == "assigned"), "{told:?}");
}

#[test]
fn a_group_goes_on_where_it_committed() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "resume", 1, 200);
    let partition = tp("resume", 0);
    let partitions = tps("resume", &[0]);
    let first = member(kafka, "resume", &[("max.poll.records", "50")]);
    first.subscribe(["resume"]).unwrap();
    assert_eq!(first.committed(&partitions).unwrap()[&partition], None);
    read(&first, 50);
    first.commit_sync().unwrap();
    let committed = first.committed(&partitions).unwrap()[&partition]
        .clone()
        .unwrap();
    assert_eq!(committed.offset, Offset::new(50));
    first.close().unwrap();

    let second = member(kafka, "resume", &[]);
    second.subscribe(["resume"]).unwrap();
    let read = read(&second, 150);
    assert_eq!(read[&partition], (50..200).collect::<Vec<i64>>());
}

#[test]
fn what_travels_with_a_committed_offset_comes_back() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "travel", 2, 1);
    let consumer = member(kafka, "travel", &[]);
    consumer.assign(tps("travel", &[0, 1])).unwrap();
    let mut committed = OffsetAndMetadata::new(Offset::new(1));
    committed.metadata = "by hand".to_owned();
    let offsets = BTreeMap::from([(tp("travel", 0), committed.clone())]);
    consumer.commit_sync_offsets(&offsets).unwrap();
    let told = consumer.committed(&tps("travel", &[0, 1])).unwrap();
    let expected = [(tp("travel", 0), Some(committed)), (tp("travel", 1), None)];
    assert_eq!(told, BTreeMap::from(expected));
}

#[test]
fn asynchronous_commits_are_told_in_their_order_and_before_a_later_synchronous_one_ends() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("in-order", 1).unwrap();
    let partition = tp("in-order", 0);
    let consumer = member(kafka, "in-order", &[]);
    consumer.assign([partition.clone()]).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    for offset in 1..=20 {
        let (told, partition) = (Arc::clone(&told), partition.clone());
        let callback = move |offsets: &Offsets, result: Result<(), weft_client::Error>| {
            result.unwrap();
            told.lock()
                .unwrap()
                .push(offsets[&partition].offset.value());
        };
        consumer
            .commit_async_offsets(offsets(&tp("in-order", 0), offset), callback)
            .unwrap();
    }
    consumer
        .commit_sync_offsets(&offsets(&partition, 99))
        .unwrap();
    assert_eq!(*told.lock().unwrap(), (1..=20).collect::<Vec<i64>>());
    let committed = consumer.committed(&tps("in-order", &[0])).unwrap();
    assert_eq!(
        committed[&partition].as_ref().unwrap().offset,
        Offset::new(99)
    );
}

#[test]
fn a_synchronous_commit_of_nothing_waits_for_the_asynchronous_ones() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("flush", 1).unwrap();
    let consumer = member(kafka, "flush", &[]);
    consumer.assign([tp("flush", 0)]).unwrap();
    let told = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&told);
    consumer
        .commit_async_offsets(offsets(&tp("flush", 0), 1), move |_, result| {
            result.unwrap();
            *counter.lock().unwrap() += 1;
        })
        .unwrap();
    consumer.commit_sync_offsets(&Offsets::new()).unwrap();
    assert_eq!(*told.lock().unwrap(), 1);
}

#[test]
fn asynchronous_commits_under_way_are_told_before_close_returns() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("told-at-close", 1).unwrap();
    let consumer = member(kafka, "told-at-close", &[]);
    consumer.assign([tp("told-at-close", 0)]).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    consumer
        .commit_async_offsets(offsets(&tp("told-at-close", 0), 1), move |_, result| {
            seen.lock().unwrap().push(result.is_ok());
        })
        .unwrap();
    consumer.close().unwrap();
    assert_eq!(*told.lock().unwrap(), [true]);
}

#[test]
fn without_a_group_partitions_are_read_and_nothing_is_committed() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "no-group", 1, 3);
    let consumer = consumer(kafka, &[]);
    consumer.assign([tp("no-group", 0)]).unwrap();
    read(&consumer, 3);
    let partitions = tps("no-group", &[0]);
    let errors = [
        consumer.commit_sync().unwrap_err(),
        consumer.commit_async().unwrap_err(),
        consumer.committed(&partitions).unwrap_err(),
        consumer.subscribe(["no-group"]).unwrap_err(),
        consumer.group_metadata().unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::InvalidGroupId, "{error:?}");
    }
}

#[test]
fn positions_move_where_the_user_seeks() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "seek", 1, 100);
    let (partition, partitions) = (tp("seek", 0), tps("seek", &[0]));
    let consumer = consumer(kafka, &[("max.poll.records", "10")]);
    consumer.assign([partition.clone()]).unwrap();
    let first_after = |what: &str, seek: &dyn Fn()| {
        seek();
        let read = read(&consumer, 10);
        (what.to_owned(), read[&partition][0])
    };
    let seen = [
        first_after("assign", &|| {}),
        first_after("seek", &|| {
            consumer.seek(&partition, Offset::new(42)).unwrap();
        }),
        first_after("seek back", &|| {
            consumer.seek(&partition, Offset::new(5)).unwrap();
        }),
        first_after("beginning", &|| {
            consumer.seek_to_beginning(&partitions).unwrap();
        }),
    ];
    assert_eq!(seen.map(|(_, offset)| offset), [0, 42, 5, 0]);
    consumer.seek_to_end(&BTreeSet::new()).unwrap();
    assert_eq!(consumer.position(&partition).unwrap(), Offset::new(100));
    let other = consumer.seek(&tp("seek", 7), Offset::ZERO).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::IllegalState);
    let negative = consumer.seek(&partition, Offset::new(-1)).unwrap_err();
    assert_eq!(negative.kind(), ErrorKind::IllegalArgument);
}

#[test]
fn an_offset_outside_the_log_is_reset_or_told_as_the_policy_says() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "outside", 1, 10);
    let partition = tp("outside", 0);
    let forgiving = consumer(kafka, &[]);
    forgiving.assign([partition.clone()]).unwrap();
    forgiving.seek(&partition, Offset::new(5_000)).unwrap();
    assert_eq!(read(&forgiving, 10)[&partition][0], 0);

    let strict = consumer(kafka, &[("auto.offset.reset", "none")]);
    strict.assign([partition.clone()]).unwrap();
    let error = poll_for_error(&strict);
    assert_eq!(error.kind(), ErrorKind::NoOffsetForPartition, "{error:?}");
    assert_eq!(error.topic_partition(), Some(&partition));
    strict.seek(&partition, Offset::new(5_000)).unwrap();
    let error = poll_for_error(&strict);
    assert_eq!(error.kind(), ErrorKind::OffsetOutOfRange, "{error:?}");
    strict.seek(&partition, Offset::new(8)).unwrap();
    assert_eq!(read(&strict, 2)[&partition], [8, 9]);
}

fn poll_for_error(consumer: &Consumer) -> weft_client::Error {
    let mut error = None;
    until("poll fails", || {
        error = consumer.poll(STEP).err();
        error.is_some()
    });
    error.unwrap()
}

#[test]
fn offsets_are_looked_up_at_the_ends_and_by_time() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "look-up", 2, 10);
    let partitions = tps("look-up", &[0, 1]);
    let consumer = consumer(kafka, &[]);
    let all = |offset| -> BTreeMap<TopicPartition, Offset> {
        partitions
            .iter()
            .map(|p| (p.clone(), Offset::new(offset)))
            .collect()
    };
    assert_eq!(consumer.beginning_offsets(&partitions).unwrap(), all(0));
    assert_eq!(consumer.end_offsets(&partitions).unwrap(), all(10));
    assert_eq!(
        consumer.end_offsets(&BTreeSet::new()).unwrap(),
        BTreeMap::new()
    );
    let times = BTreeMap::from([
        (tp("look-up", 0), EPOCH_MS + 4),
        (tp("look-up", 1), i64::MAX),
    ]);
    let found = consumer.offsets_for_times(&times).unwrap();
    let first = found[&tp("look-up", 0)].as_ref().unwrap();
    assert_eq!(
        (first.offset, first.timestamp),
        (Offset::new(4), EPOCH_MS + 4)
    );
    assert_eq!(found[&tp("look-up", 1)], None);
    let listed = consumer.partitions_for(&"look-up".into()).unwrap();
    assert!(listed.iter().all(|found| found.leader.is_some()));
    let listed: Vec<_> = listed.into_iter().map(|f| f.topic_partition).collect();
    assert_eq!(listed, partitions.into_iter().collect::<Vec<_>>());
}

#[test]
fn paused_partitions_return_nothing_and_lose_nothing() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "pause", 2, 100);
    let (paused, other) = (tp("pause", 0), tp("pause", 1));
    let consumer = consumer(kafka, &[("max.poll.records", "10")]);
    consumer.assign([paused.clone(), other.clone()]).unwrap();
    let mut seen = BTreeMap::new();
    until("both have been read from", || {
        note(&consumer.poll(STEP).unwrap(), &mut seen);
        seen.len() == 2
    });
    consumer.pause(&tps("pause", &[0])).unwrap();
    assert_eq!(consumer.paused().unwrap(), tps("pause", &[0]));
    let before = seen[&paused].len();
    until("the other is read to its end", || {
        note(&consumer.poll(STEP).unwrap(), &mut seen);
        seen[&other].len() == 100
    });
    assert_eq!(
        seen[&paused].len(),
        before,
        "something of a paused partition came"
    );
    consumer.resume(&tps("pause", &[0])).unwrap();
    until("the paused one is read to its end", || {
        note(&consumer.poll(STEP).unwrap(), &mut seen);
        seen[&paused].len() == 100
    });
    assert_eq!(seen[&paused], (0..100).collect::<Vec<i64>>());
}

#[test]
fn a_wakeup_loses_nothing_of_what_was_fetched() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "woken", 1, 30);
    let partition = tp("woken", 0);
    let consumer = consumer(kafka, &[("max.poll.records", "10")]);
    consumer.assign([partition.clone()]).unwrap();
    read(&consumer, 10);
    consumer.wakeup();
    assert_eq!(
        consumer.poll(PATIENCE).unwrap_err().kind(),
        ErrorKind::Wakeup
    );
    assert_eq!(consumer.position(&partition).unwrap(), Offset::new(10));
    let rest = read(&consumer, 20);
    assert_eq!(rest[&partition], (10..30).collect::<Vec<i64>>());
    let handle = consumer.wakeup_handle();
    let error = thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(100));
            handle.wakeup();
        });
        consumer.poll(PATIENCE).unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::Wakeup);
}

#[test]
fn a_poll_beside_a_poll_panics_and_the_running_one_still_gets_its_records() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("beside", 1).unwrap();
    let consumer = consumer(kafka, &[]);
    consumer.assign([tp("beside", 0)]).unwrap();
    // The end of an empty log is where it begins, and nothing comes before it is written.
    consumer.position(&tp("beside", 0)).unwrap();
    let records = thread::scope(|scope| {
        let holder = thread::Builder::new().name("holder".into());
        // The other thread may be inside just when this one comes; then it is this one's turn to
        // be refused.
        let poll = || loop {
            if let Ok(polled) = catch_unwind(AssertUnwindSafe(|| consumer.poll(PATIENCE))) {
                break polled;
            }
        };
        let holder = holder.spawn_scoped(scope, poll).unwrap();
        let mut text = String::new();
        until("the poll beside it panics", || {
            let intrusion = catch_unwind(AssertUnwindSafe(|| consumer.poll(Duration::ZERO)));
            let panic = intrusion
                .err()
                .and_then(|panic| panic.downcast::<String>().ok());
            text = panic.map_or_else(String::new, |text| *text);
            !text.is_empty()
        });
        assert!(
            text.contains("\"holder\"") && text.contains("poll"),
            "{text}"
        );
        fill(kafka, "beside", 1, 0..1);
        holder.join().unwrap().unwrap()
    });
    assert_eq!(records.count(), 1);
}

#[test]
fn a_member_that_closes_leaves_at_once() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("leaving", 2).unwrap();
    // If the coordinator had to find out by itself, it would take this long.
    let slow = [("session.timeout.ms", "45000")];
    let (first, second) = (
        member(kafka, "leaving", &slow),
        member(kafka, "leaving", &slow),
    );
    first.subscribe(["leaving"]).unwrap();
    second.subscribe(["leaving"]).unwrap();
    poll_until(&[&first, &second], "they share", || {
        first.assignment().unwrap().len() == 1 && second.assignment().unwrap().len() == 1
    });
    let began_at = Instant::now();
    first.close().unwrap();
    assert!(
        began_at.elapsed() < Duration::from_secs(5),
        "{:?}",
        began_at.elapsed()
    );
    poll_until(&[&second], "the second owns all", || {
        owns(&second, "leaving", &[0, 1])
    });
    assert!(
        began_at.elapsed() < Duration::from_secs(10),
        "{:?}",
        began_at.elapsed()
    );

    let third = member(kafka, "leaving", &slow);
    third.subscribe(["leaving"]).unwrap();
    poll_until(&[&second, &third], "they share", || {
        second.assignment().unwrap().len() == 1 && third.assignment().unwrap().len() == 1
    });
    let began_at = Instant::now();
    drop(third);
    assert!(
        began_at.elapsed() < Duration::from_secs(5),
        "{:?}",
        began_at.elapsed()
    );
    poll_until(&[&second], "the second owns all", || {
        owns(&second, "leaving", &[0, 1])
    });
    assert!(
        began_at.elapsed() < Duration::from_secs(10),
        "{:?}",
        began_at.elapsed()
    );
}

#[test]
fn a_member_that_does_not_poll_in_time_loses_its_partitions_and_hears_of_it() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "late", 2, 1);
    let slow = member(kafka, "late", &[("max.poll.interval.ms", "1500")]);
    let quick = member(kafka, "late", &[]);
    let (listener, told_slow) = Recorder::new();
    slow.subscribe_with_listener(["late"], listener).unwrap();
    read(&slow, 2);
    quick.subscribe(["late"]).unwrap();
    poll_until(&[&slow, &quick], "they share", || {
        slow.assignment().unwrap().len() == 1 && quick.assignment().unwrap().len() == 1
    });
    let owned: Vec<i32> = slow
        .assignment()
        .unwrap()
        .iter()
        .map(TopicPartition::partition)
        .collect();
    // From now on only one of them polls.
    poll_until(&[&quick], "the other is given up", || {
        owns(&quick, "late", &[0, 1])
    });
    let error = slow
        .commit_sync_offsets(&offsets(&tp("late", owned[0]), 0))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CommitFailed, "{error:?}");
    poll_until(&[&slow, &quick], "it is let in again", || {
        slow.assignment().unwrap().len() == 1 && quick.assignment().unwrap().len() == 1
    });
    let told = told(&told_slow);
    let lost = format!("lost {}", owned[0]);
    assert!(told.contains(&lost), "{told:?}");
    let committed = slow.committed(&tps("late", &[0, 1])).unwrap();
    assert!(committed.values().all(Option::is_none), "{committed:?}");
}

#[test]
fn a_commit_in_the_revocation_is_where_the_next_owner_begins() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "handed-over", 1, 20);
    let first = member(kafka, "handed-over", &[("max.poll.records", "5")]);
    let partition = tp("handed-over", 0);
    let (listener, told_first) = Recorder::acting(|consumer, what| {
        if what == "revoked" {
            let owned = consumer.assignment()?;
            assert_eq!(owned.len(), 1, "what is revoked is still owned");
            consumer.commit_sync()?;
        }
        Ok(())
    });
    first
        .subscribe_with_listener(["handed-over"], listener)
        .unwrap();
    read(&first, 5);
    first.close().unwrap();
    assert_eq!(told(&told_first), ["assigned 0", "revoked 0"]);
    let second = member(kafka, "handed-over", &[]);
    second.subscribe(["handed-over"]).unwrap();
    assert_eq!(read(&second, 15)[&partition][0], 5);
}

#[test]
fn a_callback_may_ask_for_positions_and_seek() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "sought", 1, 20);
    let consumer = member(kafka, "sought", &[]);
    let partition = tp("sought", 0);
    let sought = partition.clone();
    let (listener, _) = Recorder::acting(move |consumer, what| {
        if what == "assigned" {
            assert_eq!(consumer.position(&sought)?, Offset::ZERO);
            assert!(consumer.group_metadata()?.generation.value() > 0);
            consumer.seek(&sought, Offset::new(15))?;
        }
        Ok(())
    });
    consumer
        .subscribe_with_listener(["sought"], listener)
        .unwrap();
    assert_eq!(read(&consumer, 5)[&partition], [15, 16, 17, 18, 19]);
}

#[test]
fn the_failure_of_a_callback_is_told_by_poll_and_stops_nothing() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "failing", 1, 3);
    let consumer = member(kafka, "failing", &[]);
    let mut failures_left = 1;
    let (listener, _) = Recorder::acting(move |_, _| {
        failures_left -= 1;
        if failures_left >= 0 {
            Err("the disk is full".into())
        } else {
            Ok(())
        }
    });
    consumer
        .subscribe_with_listener(["failing"], listener)
        .unwrap();
    let error = poll_for_error(&consumer);
    assert_eq!(error.kind(), ErrorKind::Callback);
    assert!(
        format!("{error:?}").contains("the disk is full"),
        "{error:?}"
    );
    assert!(owns(&consumer, "failing", &[0]));
    read(&consumer, 3);
    consumer.commit_sync().unwrap();
}

#[test]
fn the_panic_of_a_callback_goes_through_poll_and_the_consumer_stays_usable() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "panicking", 1, 3);
    let consumer = member(kafka, "panicking", &[]);
    let (listener, told_of) = Recorder::acting(move |_, what| {
        assert_ne!(what, "assigned", "a bug of the user's");
        Ok(())
    });
    consumer
        .subscribe_with_listener(["panicking"], listener)
        .unwrap();
    let mut panic = None;
    until("poll panics", || {
        panic = catch_unwind(AssertUnwindSafe(|| consumer.poll(STEP).unwrap())).err();
        panic.is_some()
    });
    assert!(
        panic
            .unwrap()
            .downcast::<String>()
            .unwrap()
            .contains("a bug of the user's")
    );
    assert!(owns(&consumer, "panicking", &[0]));
    read(&consumer, 3);
    consumer.commit_sync().unwrap();
    consumer.close().unwrap();
    assert_eq!(told(&told_of), ["assigned 0", "revoked 0"]);
}

#[test]
fn a_callback_that_calls_the_consumer_itself_is_told_what_to_call_instead() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("re-entered", 1).unwrap();
    let consumer = Arc::new(member(kafka, "re-entered", &[]));
    let inner = Arc::downgrade(&consumer);
    let calls = Arc::new(Mutex::new(0));
    let told = Arc::clone(&calls);
    let (listener, _) = Recorder::acting(move |_, what| {
        let call = || inner.upgrade().map(|consumer| consumer.paused());
        let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        let text = panic.downcast::<String>().unwrap();
        assert!(text.contains("RebalanceConsumer"), "{text}");
        assert!(text.contains("paused"), "{text}");
        *told.lock().unwrap() += usize::from(what == "assigned");
        Ok(())
    });
    consumer
        .subscribe_with_listener(["re-entered"], listener)
        .unwrap();
    poll_until(&[&consumer], "it is assigned", || {
        *calls.lock().unwrap() == 1
    });
    consumer.unsubscribe().unwrap();
}

#[test]
fn a_wakeup_that_ends_a_callbacks_commit_is_told_by_poll_as_what_it_is() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "woken-inside", 1, 3);
    let consumer = member(kafka, "woken-inside", &[]);
    let handle = consumer.wakeup_handle();
    let (listener, _) = Recorder::acting(move |consumer, what| {
        if what == "assigned" {
            handle.wakeup();
            consumer.commit_sync_offsets(&offsets(&tp("woken-inside", 0), 0))?;
        }
        Ok(())
    });
    consumer
        .subscribe_with_listener(["woken-inside"], listener)
        .unwrap();
    let error = poll_for_error(&consumer);
    assert_eq!(error.kind(), ErrorKind::Wakeup, "{error:?}");
    read(&consumer, 3);
}

/// Divides nothing, in one of two ways.
#[derive(Debug)]
struct Faulty {
    panics: bool,
}

impl Assignor for Faulty {
    fn name(&self) -> &str {
        "faulty"
    }

    fn assign(
        &self,
        _: &ClusterTopics,
        _: &BTreeMap<MemberId, MemberSubscription>,
    ) -> Result<BTreeMap<MemberId, MemberAssignment>, AssignError> {
        assert!(!self.panics, "the assignor is out of its depth");
        Err(AssignError::new("the assignor is out of its depth"))
    }
}

#[test]
fn an_assignor_that_fails_or_panics_is_told_by_poll() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("faulty", 1).unwrap();
    for panics in [false, true] {
        let config = ConsumerConfig::builder()
            .bootstrap_servers(kafka.bootstrap())
            .group_id(format!("faulty-{panics}"))
            .build()
            .unwrap();
        let consumer = Consumer::with_assignors(config, vec![Arc::new(Faulty { panics })]).unwrap();
        consumer.subscribe(["faulty"]).unwrap();
        let error = poll_for_error(&consumer);
        assert!(
            format!("{error:?}").contains("out of its depth"),
            "{error:?}"
        );
        let began_at = Instant::now();
        consumer.close().unwrap();
        assert!(
            began_at.elapsed() < Duration::from_secs(5),
            "{:?}",
            began_at.elapsed()
        );
    }
}

#[test]
fn a_member_whose_assignors_fit_nobody_elses_is_told_so_and_the_others_go_on() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "misfit", 1, 3);
    let first = member(kafka, "misfit", &[]);
    first.subscribe(["misfit"]).unwrap();
    read(&first, 3);
    let other = [("partition.assignment.strategy", "roundrobin")];
    let second = member(kafka, "misfit", &other);
    second.subscribe(["misfit"]).unwrap();
    let error = poll_for_error(&second);
    assert_eq!(
        error.kind(),
        ErrorKind::InconsistentGroupProtocol,
        "{error:?}"
    );
    assert!(error.is_fatal());
    first.poll(STEP).unwrap();
    assert!(owns(&first, "misfit", &[0]));
}

#[test]
fn a_static_member_keeps_its_partitions_over_a_restart_unless_it_leaves_for_good() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("static", 2).unwrap();
    let named = |name| member(kafka, "static", &[("group.instance.id", name)]);
    let (first, second) = (named("one"), named("two"));
    first.subscribe(["static"]).unwrap();
    second.subscribe(["static"]).unwrap();
    poll_until(&[&first, &second], "they share", || {
        first.assignment().unwrap().len() == 1 && second.assignment().unwrap().len() == 1
    });
    let (share, generation) = (first.assignment().unwrap(), generation_of(&second));
    first.close().unwrap();
    let first = named("one");
    first.subscribe(["static"]).unwrap();
    poll_until(&[&first, &second], "it has its share again", || {
        first.assignment().unwrap() == share
    });
    assert_eq!(
        generation_of(&second),
        generation,
        "nobody else had to do with it"
    );
    let leaving = CloseOptions::new().membership(MembershipOperation::LeaveGroup);
    first.close_with(leaving).unwrap();
    poll_until(&[&second], "the other owns all", || {
        owns(&second, "static", &[0, 1])
    });
}

fn generation_of(consumer: &Consumer) -> i32 {
    consumer.group_metadata().unwrap().generation.value()
}

#[test]
fn a_record_larger_than_any_limit_of_a_fetch_is_delivered() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("large", 1).unwrap();
    let config = ProducerConfig::builder().bootstrap_servers(kafka.bootstrap());
    let producer = Producer::new(config.build().unwrap()).unwrap();
    for size in [500_000, 10, 500_000] {
        let record = ProducerRecord::to("large").value(vec![7; size]);
        producer.send(record).unwrap().wait().unwrap();
    }
    producer.close(PATIENCE).unwrap();
    let limits = [
        ("max.partition.fetch.bytes", "1000"),
        ("fetch.max.bytes", "1000"),
    ];
    let consumer = consumer(kafka, &limits);
    consumer.assign([tp("large", 0)]).unwrap();
    let mut sizes = Vec::new();
    until("all records come", || {
        let records = consumer.poll(STEP).unwrap();
        sizes.extend(records.iter().map(|record| record.value().unwrap().len()));
        sizes.len() == 3
    });
    assert_eq!(sizes, [500_000, 10, 500_000]);
}

#[test]
fn positions_are_committed_by_themselves_now_and_then_and_at_the_end() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "automatic", 1, 10);
    let (partition, partitions) = (tp("automatic", 0), tps("automatic", &[0]));
    let options = |interval| {
        [
            ("enable.auto.commit", "true"),
            ("auto.commit.interval.ms", interval),
            ("max.poll.records", "4"),
        ]
    };
    let committed = |group: &str| {
        let witness = member(kafka, group, &[]);
        let committed = witness.committed(&partitions).unwrap()[&partition].clone();
        committed.map(|committed| committed.offset.value())
    };
    let timed = member(kafka, "automatic-timed", &options("100"));
    timed.subscribe(["automatic"]).unwrap();
    read(&timed, 4);
    timed.pause(&partitions).unwrap();
    poll_until(&[&timed], "the position is committed", || {
        committed("automatic-timed") == Some(4)
    });

    let closed = member(kafka, "automatic-closed", &options("600000"));
    closed.subscribe(["automatic"]).unwrap();
    read(&closed, 4);
    assert_eq!(committed("automatic-closed"), None);
    closed.wakeup();
    closed.close().unwrap();
    assert_eq!(committed("automatic-closed"), Some(4));

    let unsubscribed = member(kafka, "automatic-unsubscribed", &options("600000"));
    unsubscribed.subscribe(["automatic"]).unwrap();
    read(&unsubscribed, 4);
    unsubscribed.unsubscribe().unwrap();
    assert_eq!(committed("automatic-unsubscribed"), None);
}

#[test]
fn positions_are_committed_by_themselves_before_a_rebalance_takes_them() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "auto-handed", 2, 10);
    let options = [
        ("enable.auto.commit", "true"),
        ("auto.commit.interval.ms", "600000"),
        ("max.poll.records", "4"),
    ];
    let first = member(kafka, "auto-handed", &options);
    first.subscribe(["auto-handed"]).unwrap();
    let mut seen = BTreeMap::new();
    until("both have been read to their ends", || {
        note(&first.poll(STEP).unwrap(), &mut seen);
        seen.values().map(Vec::len).sum::<usize>() == 20
    });
    let second = member(kafka, "auto-handed", &options);
    second.subscribe(["auto-handed"]).unwrap();
    poll_until(&[&first, &second], "they share", || {
        first.assignment().unwrap().len() == 1 && second.assignment().unwrap().len() == 1
    });
    let moved = second.assignment().unwrap().into_iter().next().unwrap();
    assert_eq!(
        second.position(&moved).unwrap(),
        Offset::new(10),
        "nothing is read twice"
    );
}

#[test]
fn unsubscribing_revokes_leaves_and_lets_partitions_be_chosen() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "unsubscribe", 1, 3);
    let consumer = member(kafka, "unsubscribe", &[]);
    let (listener, told_of) = Recorder::new();
    consumer
        .subscribe_with_listener(["unsubscribe"], listener)
        .unwrap();
    read(&consumer, 3);
    let refused = consumer.assign([tp("unsubscribe", 0)]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::IllegalState);
    consumer.unsubscribe().unwrap();
    assert_eq!(told(&told_of), ["assigned 0", "revoked 0"]);
    assert!(consumer.assignment().unwrap().is_empty());
    let nothing = consumer.poll(Duration::ZERO).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::IllegalState);
    consumer.assign([tp("unsubscribe", 0)]).unwrap();
    read(&consumer, 3);
    // And back: a second life of the subscription hears nothing of the first.
    consumer.unsubscribe().unwrap();
    consumer.subscribe(["unsubscribe"]).unwrap();
    read(&consumer, 3);
}

#[test]
fn a_larger_subscription_reaches_the_new_topic() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "larger-1", 1, 3);
    filled(kafka, "larger-2", 1, 3);
    let consumer = member(kafka, "larger", &[]);
    consumer.subscribe(["larger-1"]).unwrap();
    read(&consumer, 3);
    consumer.commit_sync().unwrap();
    consumer.subscribe(["larger-1", "larger-2"]).unwrap();
    assert_eq!(read(&consumer, 3)[&tp("larger-2", 0)], [0, 1, 2]);
    assert_eq!(consumer.subscription().unwrap().len(), 2);
}

#[test]
fn a_topic_that_does_not_exist_is_named_and_found_once_it_does() {
    let Some(kafka) = kafka() else { return };
    let name = "not-yet";
    let options = [
        ("default.api.timeout.ms", "1000"),
        ("metadata.max.age.ms", "500"),
    ];
    let consumer = member(kafka, "not-yet", &options);
    assert_eq!(consumer.partitions_for(&name.into()).unwrap(), []);
    let error = consumer.end_offsets(&tps(name, &[0])).unwrap_err();
    assert!(error.to_string().contains(name), "{error:?}");
    assert!(matches!(
        error.kind(),
        ErrorKind::Timeout | ErrorKind::UnknownTopicOrPartition
    ));
    consumer.subscribe([name]).unwrap();
    let until_it_is_looked_for = Instant::now() + Duration::from_secs(1);
    while Instant::now() < until_it_is_looked_for {
        assert!(consumer.poll(STEP).unwrap().is_empty());
    }
    filled(kafka, name, 1, 3);
    read(&consumer, 3);
}

#[test]
fn a_user_who_takes_longer_than_a_request_may_take_loses_no_connection() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "slow-user", 1, 10);
    let consumer = consumer(kafka, &[("request.timeout.ms", "1000")]);
    consumer.assign([tp("slow-user", 0)]).unwrap();
    read(&consumer, 10);
    // The next fetch is under way when records are returned; its answer comes while the user works.
    fill(kafka, "slow-user", 1, 10..11);
    read_at_least_one(&consumer);
    let opened = consumer.network_counters().unwrap().connections_opened;
    fill(kafka, "slow-user", 1, 11..12);
    thread::sleep(Duration::from_millis(1_500));
    read_at_least_one(&consumer);
    assert_eq!(
        consumer.network_counters().unwrap().connections_opened,
        opened
    );
}

fn read_at_least_one(consumer: &Consumer) {
    until("a record comes", || {
        !consumer.poll(STEP).unwrap().is_empty()
    });
}

#[test]
fn java_and_weft_share_a_group() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("mixed", 4).unwrap();
    let command = JavaCommand::consume("mixed", &["mixed"], JavaAssignor::Range);
    let mut java = JavaProgram::start(kafka, &command).unwrap();
    java.wait_for("ASSIGNED mixed-0 mixed-1 mixed-2 mixed-3", PATIENCE)
        .unwrap();
    let weft = member(kafka, "mixed", &[]);
    weft.subscribe(["mixed"]).unwrap();
    poll_until(&[&weft], "they share", || {
        weft.assignment().unwrap().len() == 2
    });
    java.wait_for("ASSIGNED", PATIENCE).unwrap();
    weft.close().unwrap();
    java.wait_for("ASSIGNED mixed-0 mixed-1 mixed-2 mixed-3", PATIENCE)
        .unwrap();
    java.stop(PATIENCE).unwrap();
}

#[test]
fn members_of_older_brokers_share_and_resume_and_leave() {
    for version in [KafkaVersion::V2_8_2, KafkaVersion::V3_9_1] {
        let Some(_) = kafka() else { return };
        let own = KafkaCluster::builder().version(version).start().unwrap();
        filled(&own, "older", 2, 10);
        let (first, second) = (member(&own, "older", &[]), member(&own, "older", &[]));
        first.subscribe(["older"]).unwrap();
        read(&first, 20);
        first.commit_sync().unwrap();
        second.subscribe(["older"]).unwrap();
        poll_until(&[&first, &second], "they share", || {
            first.assignment().unwrap().len() == 1 && second.assignment().unwrap().len() == 1
        });
        let share = second.assignment().unwrap();
        for partition in share {
            assert_eq!(
                second.position(&partition).unwrap(),
                Offset::new(10),
                "{version}"
            );
        }
        first.close().unwrap();
        poll_until(&[&second], "the second owns all", || {
            owns(&second, "older", &[0, 1])
        });
        second.close().unwrap();
    }
}

#[test]
fn poll_keeps_its_time_limit_while_a_revocation_waits_for_its_commit() {
    let Some(_) = kafka() else { return };
    let own = KafkaCluster::builder().start().unwrap();
    filled(&own, "held-up", 2, 5);
    let options = [("enable.auto.commit", "true"), ("max.poll.records", "3")];
    let (first, second) = (
        member(&own, "held-up", &options),
        member(&own, "held-up", &options),
    );
    first.subscribe(["held-up"]).unwrap();
    read(&first, 3);
    second.subscribe(["held-up"]).unwrap();
    // Only the second polls, until the heartbeat thread of the first has surely heard of it.
    let heard_at = Instant::now() + Duration::from_secs(2);
    while Instant::now() < heard_at {
        second.poll(STEP).unwrap();
    }
    own.node(0).pause().unwrap();
    let began_at = Instant::now();
    let records = first.poll(Duration::from_millis(200)).unwrap();
    let took = began_at.elapsed();
    own.node(0).resume().unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
    // What it had fetched is about to be somebody else's.
    assert!(records.is_empty(), "{}", records.count());
    let partitions = tps("held-up", &[0, 1]);
    until("they share, and the position is committed", || {
        first.poll(STEP).unwrap();
        second.poll(STEP).unwrap();
        first.assignment().unwrap().len() == 1 && second.assignment().unwrap().len() == 1
    });
    let committed = second.committed(&partitions).unwrap();
    assert!(committed.values().flatten().count() > 0, "{committed:?}");
}

#[test]
fn close_takes_its_time_limit_at_most_when_the_broker_is_gone() {
    let Some(_) = kafka() else { return };
    let own = KafkaCluster::builder().start().unwrap();
    filled(&own, "gone", 1, 3);
    let consumer = member(&own, "gone", &[("enable.auto.commit", "true")]);
    consumer.subscribe(["gone"]).unwrap();
    read(&consumer, 3);
    own.node(0).pause().unwrap();
    let began_at = Instant::now();
    let limit = Duration::from_secs(1);
    consumer
        .close_with(CloseOptions::new().timeout(limit))
        .unwrap();
    let took = began_at.elapsed();
    own.node(0).resume().unwrap();
    assert!(took < limit + Duration::from_secs(2), "{took:?}");
}

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long one poll of many waits.
const STEP: Duration = Duration::from_millis(50);

/// The timestamp of the record at offset 0.
const EPOCH_MS: i64 = 1_700_000_000_000;
