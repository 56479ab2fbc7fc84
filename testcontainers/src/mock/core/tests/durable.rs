//! What outlives a cluster: its facts, written and read back, make another one that stands where it
//! stood.

use weft_client::wire::ErrorCode;
use weft_client::{
    GenerationId, GroupId, GroupInstanceId, LeaderEpoch, MemberId, Offset, OffsetAndMetadata,
    TopicId, TopicName,
};

use super::super::durable::{GroupImage, MemberImage, OffsetChange, TransactionImage};
use super::super::group::Protocol;
use super::super::transaction::{
    EndTxn, InitProducer, Outcome, Participant, ProducerId, ProducerIdentity, TransactionState,
    TransactionVersion, TransactionalId,
};
use super::groups::{heartbeat, join, joined, settled};
use super::*;

/// Writes facts and reads them back.
fn through_bytes(facts: &[Fact]) -> Vec<Fact> {
    let mut frames = Frames::default();
    frames.push(facts);
    let mut rest = Bytes::copy_from_slice(frames.bytes());
    let mut read = Vec::new();
    while !rest.is_empty() {
        let head = rest.split_to(FRAME_HEAD_LENGTH);
        let FrameHead::Follows(size) = read_head(head[..].try_into().unwrap()) else {
            panic!("no head of a frame");
        };
        let payload = check_payload(rest.split_to(size)).unwrap();
        read.extend(read_facts(payload).unwrap());
    }
    read
}

/// A cluster that heard these facts, and has not begun.
fn heard(brokers: i32, facts: &[Fact]) -> Bench {
    let mut bench = Bench::new(brokers);
    for fact in through_bytes(facts) {
        bench.cluster.restore(bench.now, fact).unwrap();
    }
    bench
}

fn snapshot(bench: &Bench) -> Vec<Fact> {
    let mut facts = Vec::new();
    let written: Result<(), ()> = bench.cluster.snapshot(|more| {
        facts.extend_from_slice(more);
        Ok(())
    });
    written.unwrap();
    facts
}

fn append(bench: &mut Bench, topic: &str, partition: i32, records: usize) {
    let (cluster, now) = (&mut bench.cluster, bench.now);
    let appended = cluster.append(now, topic, partition, batch(records), &mut Vec::new());
    appended.unwrap();
}

fn committed(offset: i64) -> OffsetAndMetadata {
    OffsetAndMetadata {
        offset: Offset::new(offset),
        leader_epoch: Some(LeaderEpoch::new(3)),
        metadata: "beside it".to_owned(),
    }
}

fn commit(bench: &mut Bench, group: &str, topic: &str, partition: i32, offset: i64) {
    let group = bench.cluster.groups.find_or_create(&group.into()).unwrap();
    let committed = committed(offset);
    group.committed_mut().set(topic, partition, committed);
}

/// Begins a transaction that is to commit an offset of `group` for `orders`.
fn begin_transaction(bench: &mut Bench, id: &str, partition: i32) -> ProducerIdentity {
    let version = bench.cluster.transaction_version();
    let init = InitProducer {
        transactional_id: TransactionalId::from(id),
        timeout: Duration::from_secs(60),
        current: None,
    };
    let transactions = &mut bench.cluster.transactions;
    let producer = transactions.init(bench.now, &init, version).unwrap();
    let added = [Participant::Group(GroupId::from("group"))].into();
    transactions.add(bench.now, id, producer, added).unwrap();
    let group = bench.cluster.groups.find_mut("group").unwrap();
    let offsets = group.committed_mut();
    offsets.set_pending(producer.id, "orders", partition, committed(77));
    producer
}

fn end_transaction(bench: &mut Bench, id: &str, producer: ProducerIdentity, outcome: Outcome) {
    let end = EndTxn {
        transactional_id: TransactionalId::from(id),
        producer,
        outcome,
        version: TransactionVersion::V2,
    };
    bench.cluster.transactions.end(bench.now, &end).unwrap();
    bench.feed(Input::Tick);
}

fn settings() -> std::collections::BTreeMap<String, String> {
    [("retention.ms".to_owned(), "1".to_owned())].into()
}

fn orders(bench: &Bench, partition: i32) -> (TopicId, i32) {
    (
        bench.cluster.topics.by_name("orders").unwrap().id,
        partition,
    )
}

/// A cluster of two brokers with something of everything, and all facts that led there.
fn eventful() -> (Bench, Vec<Fact>) {
    let mut bench = Bench::new(2);
    let mut facts = Vec::new();
    let steps: &[fn(&mut Bench)] = &[
        |bench| bench.cluster.create_topic("orders", 2).unwrap(),
        |bench| bench.cluster.create_topic("gone", 1).unwrap(),
        |bench| append(bench, "orders", 0, 3),
        |bench| {
            let (id, _) = orders(bench, 0);
            bench.cluster.topics.set(id, settings());
        },
        |bench| {
            let broker = Some(NodeId::new(1));
            bench.cluster.broker_settings.set(broker, settings());
        },
        |bench| append(bench, "gone", 0, 1),
        |bench| commit(bench, "group", "gone", 0, 1),
        |bench| commit(bench, "group", "orders", 0, 2),
        |bench| {
            let broker = bench.cluster.coordinator("group").unwrap();
            let wire = bench.connect(broker.value());
            settled(bench, wire);
        },
        |bench| drop(bench.feed(Input::Kill(NodeId::new(0)))),
        |bench| {
            append(bench, "orders", 0, 4);
            bench.feed(Input::Restart(NodeId::new(0)));
        },
        |bench| {
            bench.cluster.topics.delete("gone");
            bench.cluster.groups.forget_topic("gone");
        },
        |bench| commit(bench, "deleted", "orders", 1, 0),
        |bench| bench.cluster.groups.delete("deleted").unwrap(),
        |bench| {
            let brokers = bench.cluster.brokers.clone();
            bench.cluster.topics.grow("orders", 3, &brokers).unwrap();
        },
        |bench| append(bench, "orders", 2, 5),
        |bench| {
            let cluster = &mut bench.cluster;
            let deleted = cluster.delete_records_before("orders", 0, Offset::new(4));
            deleted.unwrap();
            let deleted = cluster.delete_records_before("orders", 2, Offset::new(5));
            deleted.unwrap();
        },
        |bench| {
            let group = bench.cluster.groups.find_mut("group").unwrap();
            group.committed_mut().delete("orders", 0);
            commit(bench, "group", "orders", 1, 9);
        },
        |bench| append(bench, "orders", 0, 3),
        |bench| {
            let partition = orders(bench, 0);
            let cut = bench.cluster.topics.truncate(partition, Offset::new(9));
            cut.unwrap();
        },
        |bench| {
            begin_transaction(bench, "open", 0);
        },
        |bench| {
            begin_transaction(bench, "superseded", 1);
        },
        |bench| commit(bench, "group", "orders", 1, 10),
        |bench| {
            let producer = begin_transaction(bench, "committed", 2);
            end_transaction(bench, "committed", producer, Outcome::Commit);
        },
        |bench| {
            let producer = begin_transaction(bench, "aborted", 1);
            end_transaction(bench, "aborted", producer, Outcome::Abort);
        },
    ];
    for step in steps {
        step(&mut bench);
        let taken = bench.cluster.take_facts();
        assert_ne!(taken, [], "every step is a change");
        facts.extend(taken);
    }
    assert_eq!(bench.cluster.take_facts(), [], "nothing is told twice");
    (bench, facts)
}

#[test]
fn who_hears_all_facts_stands_where_the_first_one_stood() {
    let (first, facts) = eventful();

    let second = heard(2, &facts);

    assert_eq!(snapshot(&second), snapshot(&first));
}

#[test]
fn a_snapshot_says_the_same_as_all_that_happened() {
    let (first, facts) = eventful();
    let snapshot_of_first = snapshot(&first);
    assert!(snapshot_of_first.len() < facts.len());

    let second = heard(2, &snapshot_of_first);

    assert_eq!(snapshot(&second), snapshot_of_first);
    assert_eq!(second.cluster.end_offset("orders", 0), Some(Offset::new(9)));
    assert_eq!(second.cluster.end_offset("orders", 2), Some(Offset::new(5)));
}

#[test]
fn the_bytes_of_records_are_counted_as_they_come_and_go() {
    let (first, facts) = eventful();
    let one_batch = batch(4).len();
    assert_eq!(first.cluster.record_bytes(), one_batch);

    let mut second = heard(2, &facts);
    second.cluster.begin().unwrap();

    assert_eq!(second.cluster.record_bytes(), one_batch);
    second.cluster.topics.delete("orders");
    second.cluster.take_facts();
    assert_eq!(second.cluster.record_bytes(), 0);
}

#[test]
fn a_member_that_is_still_there_goes_on_in_its_generation() {
    let mut first = Bench::new(1);
    let wire = first.connect(0);
    let member = settled(&mut first, wire);

    let mut second = heard(1, &first.cluster.take_facts());
    second.cluster.begin().unwrap();
    let wire = second.connect(0);

    assert_eq!(heartbeat(&mut second, wire, &member), ErrorCode::NONE);
    let stranger = joined(second.ask(wire, join("")));
    assert_ne!(stranger.member_id, member.member_id);
    second.wait(Duration::from_secs(11));
    let state = second.cluster.group_state("group");
    assert_eq!(
        state,
        Some(GroupState::Empty),
        "nobody showed a sign of life"
    );
}

#[test]
fn a_rebalance_that_was_not_over_is_as_if_it_had_not_begun() {
    let mut first = Bench::new(1);
    let wire = first.connect(0);
    let member = settled(&mut first, wire);
    let other = first.connect(0);
    let refused = joined(first.ask(other, join("")));
    first.send(other, newest(ApiKey::JoinGroup), join(&refused.member_id));
    let rebalancing = Some(GroupState::PreparingRebalance);
    assert_eq!(first.cluster.group_state("group"), rebalancing);

    let facts = first.cluster.take_facts();
    for facts in [facts, snapshot(&first)] {
        let mut second = heard(1, &facts);
        second.cluster.begin().unwrap();
        let wire = second.connect(0);
        assert_eq!(heartbeat(&mut second, wire, &member), ErrorCode::NONE);
        let state = second.cluster.group_state("group");
        assert_eq!(state, Some(GroupState::Stable));
    }
}

#[test]
fn each_beginning_is_another_epoch_with_ids_that_were_never_given() {
    let (mut cluster, mut facts) = eventful();
    let mut ids = vec![id_of_new_topic(&mut cluster, "topic0")];
    for times in 1..4_u32 {
        let mut next = heard(2, &facts);
        next.cluster.begin().unwrap();
        let orders = next.cluster.topics.by_name("orders").unwrap();
        let epochs: Vec<i32> = orders
            .partitions
            .iter()
            .map(|it| it.epoch.value())
            .collect();
        let times = times as i32;
        assert_eq!(epochs, [2 + times, times, times]);
        facts.extend(next.cluster.take_facts());
        ids.push(id_of_new_topic(&mut next, &format!("topic{times}")));
    }
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
}

fn id_of_new_topic(bench: &mut Bench, name: &str) -> TopicId {
    bench.cluster.create_topic(name, 1).unwrap();
    bench.cluster.topics.by_name(name).unwrap().id
}

#[test]
fn a_cluster_that_lost_a_broker_says_how_many_it_needs() {
    let (_, facts) = eventful();

    let mut smaller = heard(1, &facts);

    let error = smaller.cluster.begin().unwrap_err().to_string();
    assert!(error.contains("start at least 2 brokers"), "{error}");
}

fn one_of_each() -> Vec<Fact> {
    let id = TopicId([7; 16]);
    let partition = (id, 3);
    let (group, topic) = (GroupId::from("group"), TopicName::from("topic"));
    let member = MemberImage {
        id: MemberId::from("member"),
        instance_id: Some(GroupInstanceId::from("instance")),
        client_id: "client".to_owned(),
        session_timeout: Duration::from_secs(10),
        rebalance_timeout: Duration::from_millis(1),
        protocol: Protocol {
            name: string("range"),
            metadata: Bytes::from_static(b"metadata"),
        },
        assignment: Bytes::from_static(b"assignment"),
    };
    let image = GroupImage {
        id: group.clone(),
        generation: GenerationId::new(4),
        protocol_type: "consumer".to_owned(),
        protocol: Some("range".to_owned()),
        leader: None,
        members: vec![member],
    };
    let changed = |change| Fact::OffsetChanged {
        group: group.clone(),
        change,
    };
    vec![
        Fact::Started { times: 9 },
        Fact::TopicCreated {
            id,
            name: topic.clone(),
            replication_factor: 2,
        },
        Fact::PartitionAdded {
            id,
            replicas: vec![NodeId::new(0), NodeId::new(5)],
        },
        Fact::TopicConfigured {
            id,
            settings: settings(),
        },
        Fact::BrokerConfigured {
            broker: None,
            settings: settings(),
        },
        Fact::TopicDeleted { id },
        Fact::EpochBegan {
            partition,
            epoch: LeaderEpoch::new(6),
            at: Offset::new(8),
        },
        Fact::Appended {
            partition,
            batch: batch(2),
        },
        Fact::LogBounds {
            partition,
            start: Offset::new(1),
            end: Offset::new(2),
        },
        Fact::Truncated {
            partition,
            at: Offset::new(1),
        },
        changed(OffsetChange::Committed {
            topic: topic.clone(),
            partition: 1,
            committed: OffsetAndMetadata::new(Offset::new(5)),
        }),
        changed(OffsetChange::Deleted {
            topic: topic.clone(),
            partition: 2,
        }),
        changed(OffsetChange::Pending {
            producer: ProducerId(3),
            topic,
            partition: 2,
            committed: committed(6),
        }),
        changed(OffsetChange::Ended {
            producer: ProducerId(3),
            outcome: Outcome::Commit,
        }),
        Fact::TransactionChanged(transaction()),
        Fact::GroupChanged(image),
        Fact::GroupDeleted { id: group.clone() },
    ]
}

fn transaction() -> TransactionImage {
    TransactionImage {
        id: TransactionalId::from("transaction"),
        producer_id: ProducerId(1 << 40),
        previous_producer_id: None,
        next_producer_id: Some(ProducerId(8)),
        epoch: 5,
        last_epoch: -1,
        timeout: Duration::from_secs(60),
        state: TransactionState::PrepareAbort,
        participants: [
            Participant::Partition((TopicId([9; 16]), 1)),
            Participant::Group(GroupId::from("group")),
        ]
        .into(),
        is_started: true,
        version: TransactionVersion::V2,
        coordinator_epoch: 2,
    }
}

#[test]
fn an_open_transaction_can_be_committed_by_its_producer_afterwards() {
    let (_, facts) = eventful();
    let mut second = heard(2, &facts);
    second.cluster.begin().unwrap();
    let known = second.cluster.transactions.find("open").unwrap();
    assert_eq!(known.state, TransactionState::Ongoing);
    let producer = known.identity();

    end_transaction(&mut second, "open", producer, Outcome::Commit);

    let offset = second.cluster.committed("group", "orders", 0);
    assert_eq!(offset, Some(&committed(77)));
    let offset = second.cluster.committed("group", "orders", 1);
    assert_eq!(offset, Some(&committed(10)), "a later commit counts");
}

#[test]
fn every_fact_is_read_as_it_was_written() {
    assert_eq!(through_bytes(&one_of_each()), one_of_each());
}

#[test]
fn a_frame_with_any_bit_turned_is_refused() {
    let mut frames = Frames::default();
    frames.push(&one_of_each());
    let sound = frames.bytes().to_vec();
    for bit in 0..sound.len() * 8 {
        let mut damaged = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let (head, payload) = damaged.split_at(FRAME_HEAD_LENGTH);
        let is_sound = read_head(head.try_into().unwrap()) == FrameHead::Follows(payload.len())
            && check_payload(Bytes::copy_from_slice(payload)).is_some();
        assert!(!is_sound, "bit {bit}");
    }
}

#[test]
fn a_fact_that_ends_early_or_is_unknown_is_refused() {
    for fact in one_of_each() {
        let mut frames = Frames::default();
        frames.push(std::slice::from_ref(&fact));
        let payload = &frames.bytes()[FRAME_HEAD_LENGTH..frames.bytes().len() - 4];
        for length in 1..payload.len() {
            let cut = Bytes::copy_from_slice(&payload[..length]);
            assert!(read_facts(cut).is_err(), "{fact:?} cut to {length}");
        }
    }
    let unknown = read_facts(Bytes::from_static(&[200])).unwrap_err();
    assert!(unknown.to_string().contains("newer version"), "{unknown}");
}

#[test]
fn facts_that_fit_nothing_are_refused_and_others_that_hang_in_the_air_too() {
    for fact in one_of_each() {
        let hangs = !matches!(
            fact,
            Fact::Started { .. }
                | Fact::TopicCreated { .. }
                | Fact::BrokerConfigured { .. }
                | Fact::OffsetChanged { .. }
                | Fact::TransactionChanged(_)
                | Fact::GroupChanged(_)
        );
        let mut bench = Bench::new(1);
        let heard = bench.cluster.restore(bench.now, fact.clone());
        assert_eq!(heard.is_err(), hangs, "{fact:?}");
    }
    let (mut bench, _) = eventful();
    let id = bench.cluster.topics.by_name("orders").unwrap().id;
    for records in [Bytes::new(), batch(1), batch(1).slice(1..)] {
        let fact = Fact::Appended {
            partition: (id, 2),
            batch: records,
        };
        let heard = bench.cluster.restore(bench.now, fact);
        assert!(heard.is_err(), "no batch, or one below the end of the log");
    }
}
