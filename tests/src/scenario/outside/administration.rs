//! What Java's admin client asks of a cluster, and what it is told.

use weft_client::producer::CompressionType;
use weft_testcontainers::kafka::JavaRecord;

use super::transactions::Teller;
use crate::cluster::Cluster;
use crate::ensure;
use crate::failure::Outcome;
use crate::outside::{LineProgram, OutsideClient, administrator};
use crate::scenario::producing::write;
use crate::wait::PATIENCE;

/// Java's admin client creates, describes, changes and deletes topics, records, groups and offsets,
/// and looks at transactions; each call ends as it does with a real broker, also those that are to
/// fail.
///
/// # Errors
///
/// If one does not.
pub fn java_administers(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("administered", 1)?;
    let records: Vec<JavaRecord> = (0..10).map(record).collect();
    write(cluster, &topic, CompressionType::None, &records)?;
    let id = cluster.fresh("administered");
    let mut producer = Teller::start(OutsideClient::Java, cluster, &topic, &id)?;
    producer.all(&["begin", "send a", "commit"])?;

    let (created, group) = (cluster.fresh("created"), cluster.fresh("administered"));
    let program = administrator(cluster, &[&topic, &created, &group, &id])?;
    let said = LineProgram::start(program)?.finish(PATIENCE)?;
    let said = said.iter().map(|line| String::from_utf8_lossy(line));
    let said: Vec<_> = said.collect();
    for (line, expected) in said.iter().zip(EXPECTED) {
        ensure!(line == expected, "{line:?} instead of {expected:?}");
    }
    let (have, want) = (said.len(), EXPECTED.len());
    ensure!(have == want, "{have} of {want} lines: {said:#?}");
    Ok(format!("{} calls", said.len()))
}

/// A record of each millisecond.
fn record(number: i64) -> JavaRecord {
    JavaRecord {
        partition: Some(0),
        timestamp: Some(1_700_000_000_000 + number),
        value: Some(b"value".to_vec()),
        ..JavaRecord::default()
    }
}

/// What a real Kafka 4.4.0 of one node answers to one call after the other.
const EXPECTED: &[&str] = &[
    "nodes: 1",
    "controller is a node: true",
    "create: 3 partitions, 1 replica, same id true",
    "create again: TopicExistsException",
    "create without name: InvalidTopicException",
    "create with too many replicas: InvalidReplicationFactorException",
    "is listed: true",
    "describe: 3 partitions, 3 led, internal false",
    "describe nothing: UnknownTopicOrPartitionException",
    "more partitions: 5 partitions, 5 led, internal false",
    "fewer partitions: InvalidPartitionsException",
    "elect: ElectionNotNeededException",
    "delete: done",
    "delete again: UnknownTopicOrPartitionException",
    "earliest: 0 at -1",
    "latest: 12 at -1",
    "of a time: 5 at 1700000000005",
    "of a later time: -1 at -1",
    "greatest time: 11",
    "delete records: 4",
    "earliest: 4 at -1",
    "delete records again: 4",
    "delete records behind the end: OffsetOutOfRangeException",
    "group: GroupIdNotFoundException",
    "alter offsets: done",
    "alter offsets of nothing: UnknownTopicOrPartitionException",
    "group: Empty, 0 members",
    "group is listed: [Empty]",
    "offsets: OffsetAndMetadata{offset=7, leaderEpoch=0, metadata='by hand'}",
    "delete offsets: done",
    "offsets: nothing",
    "delete group: done",
    "delete group again: GroupIdNotFoundException",
    "transaction is listed: [CompleteCommit]",
    "transaction: CompleteCommit of 0 partitions",
    "transaction of nobody: TransactionalIdNotFoundException",
    "producers: [open false]",
    "same producer: true",
    "fence: done",
];
