//! The accumulator with receipts that only count, and a clock that moves when told.

use super::*;
use crate::ids::NodeId;
use crate::producer::testing::{belief, described, refused, start};
use crate::wire::ErrorCode;

const LINGER: Duration = Duration::from_millis(5);
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(120);

/// An accumulator that knows topic `t`, and the time.
struct Gathering {
    accumulator: Accumulator<Vec<usize>>,
    now: Instant,
}

impl Gathering {
    fn new(partitions: usize, batch_size: usize, buffer_memory: usize) -> Self {
        let limits = Limits {
            batch_size,
            buffer_memory,
            max_request_size: 1000,
            linger: LINGER,
            delivery_timeout: DELIVERY_TIMEOUT,
        };
        let mut accumulator = Accumulator::new(limits, 1);
        accumulator.topics().find(&record(), 0).unwrap();
        accumulator.learn(belief(vec![described("t", &vec![1; partitions])]).snapshot());
        let now = start();
        Self { accumulator, now }
    }

    /// Appends until it is taken or there is no room; tells whether it was news.
    fn append(&mut self, record: &ProducerRecord) -> Option<bool> {
        loop {
            let queue = self.accumulator.topics().find(record, 0).unwrap().unwrap();
            match self.accumulator.append(self.now, queue, record, 0).unwrap() {
                Append::Done(appended) => {
                    appended.receipts.push(appended.index);
                    return Some(appended.is_news);
                }
                Append::FindAgain => {}
                Append::NoRoom => return None,
            }
        }
    }

    /// What is due, with the partition of each, and when to look again.
    fn drain(&mut self) -> (Vec<Batch<Vec<usize>>>, Option<Instant>) {
        let mut out = Vec::new();
        let mut to = |_: &TopicPartition, _| Destination::Now(broker());
        let next_at = self.accumulator.drain(self.now, &mut to, &mut out);
        (out.into_iter().map(|(_, batch)| batch).collect(), next_at)
    }

    fn drained_partitions(&mut self) -> Vec<i32> {
        let mut numbers: Vec<i32> = self
            .drain()
            .0
            .iter()
            .map(|batch| batch.partition.partition())
            .collect();
        numbers.sort_unstable();
        numbers
    }
}

fn broker() -> Arc<Broker> {
    Arc::new(Broker {
        id: NodeId::new(1),
        host: "host-1".into(),
        port: 1,
        rack: None,
    })
}

fn record() -> ProducerRecord {
    ProducerRecord::to("t").value(vec![0; 50])
}

#[test]
fn a_batch_lingers_and_then_is_due() {
    let mut gathering = Gathering::new(1, 1000, 10_000);
    assert_eq!(
        gathering.append(&record()),
        Some(true),
        "a first record is news"
    );
    assert_eq!(gathering.append(&record()), Some(false));
    let due_at = gathering.now + LINGER;
    let (batches, look_again_at) = gathering.drain();
    assert_eq!((batches.len(), look_again_at), (0, Some(due_at)));
    gathering.now = due_at;
    let (batches, _) = gathering.drain();
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].receipts, [0, 1]);
}

#[test]
fn a_full_batch_is_due_at_once_and_is_news() {
    let mut gathering = Gathering::new(1, 230, 10_000);
    let news: Vec<_> = (0..4)
        .map(|_| gathering.append(&record()).unwrap())
        .collect();
    // Two records fit beside the header; the third begins another batch.
    assert_eq!(news, [true, false, true, false]);
    assert_eq!(gathering.drained_partitions(), [0]);
}

#[test]
fn a_partition_has_one_batch_under_way_and_what_comes_back_goes_first() {
    let mut gathering = Gathering::new(1, 200, 10_000);
    for _ in 0..6 {
        gathering.append(&record());
    }
    let (mut first, _) = gathering.drain();
    let first = first.remove(0);
    assert!(gathering.drain().0.is_empty(), "the partition is muted");
    let number = first.number;
    let retry_at = gathering.now + Duration::from_millis(100);
    gathering.accumulator.put_back(first, retry_at);
    assert_eq!(gathering.drain().1, Some(retry_at));
    gathering.now = retry_at;
    let (again, _) = gathering.drain();
    assert_eq!(again[0].number, number);
    gathering.accumulator.unmute(again[0].queue);
    assert!(gathering.drain().0[0].number > number);
}

#[test]
fn a_blocked_destination_is_looked_at_again_when_it_says() {
    let mut gathering = Gathering::new(1, 200, 10_000);
    gathering.append(&record());
    gathering.accumulator.begin_flush();
    let until = gathering.now + Duration::from_secs(1);
    let mut out = Vec::new();
    let mut blocked = |_: &TopicPartition, _| Destination::NotBefore(Some(until));
    let next_at = gathering
        .accumulator
        .drain(gathering.now, &mut blocked, &mut out);
    assert_eq!((next_at, out.len()), (Some(until), 0));
    assert_eq!(gathering.drained_partitions(), [0], "it is still there");
}

#[test]
fn a_flush_makes_due_what_is_there_and_ends_with_the_last_receipt() {
    let mut gathering = Gathering::new(1, 1000, 10_000);
    gathering.append(&record());
    let through = gathering.accumulator.begin_flush();
    let (batches, _) = gathering.drain();
    assert!(!gathering.accumulator.is_finished(through));
    gathering
        .accumulator
        .finish(batches[0].number, batches[0].reserved);
    assert!(gathering.accumulator.is_finished(through));
    gathering.accumulator.unmute(batches[0].queue);
    gathering.append(&record());
    assert!(gathering.drain().0.is_empty(), "later records linger again");
    assert!(gathering.accumulator.is_finished(through));
    assert!(!gathering.accumulator.is_empty());
}

#[test]
fn the_buffer_is_bounded_and_a_waiting_caller_ends_all_lingering() {
    let mut gathering = Gathering::new(2, 200, 400);
    gathering.append(&record().partition(0)).unwrap();
    gathering.append(&record().partition(1)).unwrap();
    while gathering.append(&record().partition(0)).is_some() {}
    assert_eq!(
        gathering.drained_partitions(),
        [0],
        "only the full one is due"
    );
    gathering.accumulator.wait_for_room();
    let (batches, _) = gathering.drain();
    assert_eq!(batches[0].partition.partition(), 1);
    gathering.accumulator.stop_waiting_for_room();
    gathering
        .accumulator
        .finish(batches[0].number, batches[0].reserved);
    assert!(gathering.append(&record().partition(0)).is_some());
}

#[test]
fn records_that_can_never_fit_are_refused_and_the_rest_goes_on() {
    let mut gathering = Gathering::new(1, 200, 10_000);
    let large = ProducerRecord::to("t").value(vec![0; 990]);
    let queue = gathering
        .accumulator
        .topics()
        .find(&large, 0)
        .unwrap()
        .unwrap();
    let now = gathering.now;
    let error = gathering
        .accumulator
        .append(now, queue, &large, 0)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RecordTooLarge);
    assert!(
        error.to_string().contains("max.request.size is 1000"),
        "{error}"
    );
    let medium = ProducerRecord::to("t").value(vec![0; 800]);
    assert_eq!(gathering.append(&medium), Some(true), "a batch of its own");
}

#[test]
fn what_waits_for_too_long_is_taken_out() {
    let mut gathering = Gathering::new(1, 200, 10_000);
    gathering.append(&record());
    gathering.now += Duration::from_secs(60);
    gathering.append(&record());
    gathering.append(&record());
    gathering.now += Duration::from_secs(60);
    let mut expired = Vec::new();
    gathering.accumulator.expire(gathering.now, &mut expired);
    assert_eq!(expired.len(), 1);
    assert_eq!(gathering.drained_partitions(), [0]);
}

#[test]
fn records_without_key_fill_one_batch_after_the_other() {
    let mut gathering = Gathering::new(4, 400, 100_000);
    let mut taken_by = Vec::new();
    for _ in 0..100 {
        gathering.append(&record());
        let is_open = |queue: &Queue<_>| queue.batches.back().is_some_and(|b| !b.is_full());
        let open: Vec<bool> = gathering.accumulator.queues.iter().map(is_open).collect();
        taken_by.push(open);
    }
    for records in taken_by.chunks(5) {
        assert_eq!(records[0], records[4], "five records share a batch");
        assert_eq!(records[0].iter().filter(|is_open| **is_open).count(), 1);
    }
    let mut full = Vec::new();
    loop {
        let (batches, _) = gathering.drain();
        if batches.is_empty() {
            break;
        }
        for batch in batches {
            gathering.accumulator.unmute(batch.queue);
            full.push((batch.partition.partition(), batch.records));
        }
    }
    // Five records fit. The last batch of a partition may wait for more.
    assert!(full.iter().all(|(_, records)| *records == 5), "{full:?}");
    assert!(full.len() >= 18, "{full:?}");
    let partitions: BTreeSet<i32> = full.iter().map(|(partition, _)| *partition).collect();
    assert!(partitions.len() > 1, "{full:?}");
}

#[test]
fn keys_keep_their_partition_and_partitions_are_respected() {
    let mut gathering = Gathering::new(12, 400, 100_000);
    // Java places this key of three bytes in partition 0 of 12.
    let keyed = record().key(vec![0xac, 0xee]);
    gathering.append(&keyed);
    gathering.append(&keyed.clone());
    gathering.append(&keyed.partition(5));
    gathering.accumulator.begin_flush();
    assert_eq!(gathering.drained_partitions(), [0, 5]);
}

#[test]
fn a_topic_is_wanted_until_it_is_known_and_a_final_refusal_ends_the_wait() {
    let mut gathering = Gathering::new(1, 400, 100_000);
    let other = ProducerRecord::to("other");
    let accumulator = &mut gathering.accumulator;
    accumulator.topics().take_wanted();
    let since = accumulator.topics().version();
    assert_eq!(accumulator.topics().find(&other, since).unwrap(), None);
    assert_eq!(
        accumulator.topics().take_wanted(),
        [TopicName::from("other")]
    );
    let unknown = refused("other", ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    accumulator.learn(belief(vec![unknown]).snapshot());
    assert_eq!(accumulator.topics().find(&other, since).unwrap(), None);
    assert!(accumulator.topics().refusal(&other).is_some());
    let invalid = refused("other", ErrorCode::INVALID_TOPIC_EXCEPTION);
    accumulator.learn(belief(vec![invalid]).snapshot());
    let error = accumulator.topics().find(&other, since).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidTopic);
    let since = accumulator.topics().version();
    let again = accumulator.topics().find(&other, since).unwrap();
    assert_eq!(again, None, "an old refusal is not believed for ever");
    accumulator.learn(belief(vec![described("other", &[1])]).snapshot());
    assert!(accumulator.topics().find(&other, since).unwrap().is_some());
}

#[test]
fn new_partitions_are_used_once_they_are_known() {
    let mut gathering = Gathering::new(1, 400, 100_000);
    let third = record().partition(2);
    assert_eq!(
        gathering.accumulator.topics().find(&third, 0).unwrap(),
        None
    );
    let grown = belief(vec![described("t", &[1, 1, 1])]);
    gathering.accumulator.learn(grown.snapshot());
    gathering.append(&third).unwrap();
    gathering.append(&record().partition(0)).unwrap();
    gathering.accumulator.begin_flush();
    assert_eq!(gathering.drained_partitions(), [0, 2]);
}
