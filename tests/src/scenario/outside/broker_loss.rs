//! Brokers that die and come back while clients of others write and read.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use weft_client::{Offset, TopicPartition};
use weft_consumer::Consumer;
use weft_testcontainers::kafka::JavaRecord;

use super::group::wait_until_handled;
use crate::cluster::{Cluster, Filled, Witness, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::guarantee::{Delivery, Instance, at_least_once};
use crate::member::config;
use crate::outside::{LineProgram, MemberKind, OutsideClient, OutsideMember, Place};
use crate::recorder::{Recorder, wait_until_committed};
use crate::scenario::plain::{as_java, read};
use crate::wait::{self, Look, PATIENCE};

/// A broker is killed that coordinates a group of two and leads what an idempotent producer writes,
/// and comes back. What the producer wrote is there once and in order; what the group was to read
/// is handled and committed, without the broker and with it.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_killed_broker_loses_nothing(cluster: &Cluster, client: OutsideClient) -> Outcome {
    let (group, topic, victim) = choose(cluster)?;
    let mut readers = Readers::start(cluster, client, group)?;
    let mut writer = Writer::start(cluster, client, topic)?;
    writer.write(0..WRITTEN / 2)?;
    wait_for_end(cluster, &writer.topic, 1)?;
    cluster.kill_broker(victim)?;
    let lived = writer
        .write(WRITTEN / 2..WRITTEN)
        .and_then(|()| readers.read_more())
        .and_then(|()| writer.end());
    // Others go on with the same brokers, also if this failed.
    cluster.restart_broker(victim)?;
    lived?;
    writer.check()?;
    readers.read_more()?;
    let delivery = readers.close()?;
    Ok(format!(
        "{WRITTEN} records written, {} read, {} duplicates",
        delivery.records, delivery.duplicates
    ))
}

/// The name of a group, a topic, and the broker that coordinates the one and leads the other.
fn choose(cluster: &Cluster) -> Result<(String, String, i32), Failure> {
    let mut witness = cluster.witness()?;
    wait::until("one broker for a group and a topic", PATIENCE, || {
        let group = cluster.fresh("loss");
        let topic = cluster.create_topic("loss", 1)?;
        let coordinator = witness.coordinator(&group)?;
        let leaders = witness.leaders(&topic)?;
        Ok(match leaders.get(&0) {
            Some(leader) if *leader == coordinator => Look::Seen((group, topic, leader.id)),
            leader => Look::NotYet(format!("{coordinator:?} and {leader:?}")),
        })
    })
}

/// A producer, which writes to partition 0.
struct Writer<'a> {
    cluster: &'a Cluster,
    client: OutsideClient,
    topic: String,
    program: Option<LineProgram>,
}

impl<'a> Writer<'a> {
    fn start(cluster: &'a Cluster, client: OutsideClient, topic: String) -> Result<Self, Failure> {
        let properties = [("enable.idempotence", "true"), ("linger.ms", "0")];
        let program = client.start_writing(cluster, &topic, &properties)?;
        Ok(Self {
            cluster,
            client,
            topic,
            program: Some(program),
        })
    }

    fn write(&mut self, numbers: Range<u32>) -> Result<(), Failure> {
        let program = self.program.as_mut().expect("it has not ended");
        let mut records = numbers.map(record);
        records.try_for_each(|record| program.send(&self.client.line(&record)))
    }

    /// Waits until everything is acknowledged.
    fn end(&mut self) -> Result<(), Failure> {
        let program = self.program.take().expect("it has not ended");
        program.end(PATIENCE.saturating_mul(2)).map(drop)
    }

    fn check(&self) -> Result<(), Failure> {
        let written: Vec<JavaRecord> = (0..WRITTEN).map(record).collect();
        let read = read(self.cluster, &self.topic, written.len())?;
        for (read, written) in read.iter().map(as_java).zip(written) {
            let timestamp = read.timestamp;
            let expected = JavaRecord {
                timestamp,
                ..written
            };
            ensure!(read == expected, "{read:?} was {expected:?}");
        }
        Ok(())
    }
}

/// Two members of a group.
struct Readers {
    witness: Witness,
    group: String,
    filled: Filled,
    recorder: Arc<Recorder>,
    members: Vec<OutsideMember>,
}

impl Readers {
    /// They have joined and read what there is.
    fn start(cluster: &Cluster, client: OutsideClient, group: String) -> Result<Self, Failure> {
        let topic = cluster.create_topic("loss", 6)?;
        let mut witness = cluster.witness()?;
        let filled = fill(&mut witness, &topic, READ, NonZeroU32::MIN)?;
        let recorder = Arc::new(Recorder::default());
        let mut members = Vec::new();
        for (number, client_id) in [(0, "first"), (1, "second")] {
            let place = Place {
                group: &group,
                topic: &topic,
                assignor: "range",
                client_id,
                session_timeout: Duration::from_secs(10),
            };
            let record = (Arc::clone(&recorder), Instance(number));
            let kind = MemberKind::Outside(client);
            members.push(OutsideMember::start(cluster, kind, place, record)?);
        }
        wait_until_handled(&recorder, &filled, PATIENCE)?;
        Ok(Self {
            witness,
            group,
            filled,
            recorder,
            members,
        })
    }

    fn read_more(&mut self) -> Result<(), Failure> {
        let topic = self.filled.topic.clone();
        self.filled = fill(&mut self.witness, &topic, READ, NonZeroU32::MIN)?;
        let patience = PATIENCE.saturating_mul(2);
        wait_until_handled(&self.recorder, &self.filled, patience)
    }

    fn close(mut self) -> Result<Delivery, Failure> {
        for member in self.members {
            member.close()?;
        }
        wait_until_committed(&mut self.witness, &self.group, &self.filled, PATIENCE)?;
        Ok(at_least_once(&self.filled.ends, &self.recorder.history())?)
    }
}

fn record(number: u32) -> JavaRecord {
    JavaRecord {
        partition: Some(0),
        key: Some(format!("key-{number}").into_bytes()),
        value: Some(vec![b'v'; 200]),
        ..JavaRecord::default()
    }
}

/// Waits until partition 0 has so many records.
pub(super) fn wait_for_end(cluster: &Cluster, topic: &str, count: i64) -> Result<(), Failure> {
    let consumer = Consumer::new(config(cluster, &[])?)?;
    let partitions = BTreeSet::from([TopicPartition::new(topic, 0)]);
    wait::until("the first records", PATIENCE, || {
        let ends = consumer.end_offsets(&partitions)?;
        let end = ends.values().next().copied().unwrap_or(Offset::ZERO);
        Ok(Look::at(end >= Offset::new(count), || format!("{end}")))
    })?;
    Ok(consumer.close()?)
}

const WRITTEN: u32 = 20_000;

const READ: u32 = 3_000;
