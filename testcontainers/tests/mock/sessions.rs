//! One conversation in fetch sessions with the mock and with the real releases.

use bytes::Bytes;
use weft_client::record::{BatchBuilder, Compression, Compressor};
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use weft_client::wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use weft_client::wire::messages::{FetchRequest, ProduceRequest, TopicName};
use weft_client::wire::{ErrorCode, Response, StrBytes};
use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion};
use weft_testcontainers::mock::{KafkaRelease, MockCluster};

use super::raw::ask;

/// What came of each step: the error, whether a session was named, and the partitions with their
/// error, high watermark and size of records.
type Told = (&'static str, ErrorCode, bool, Vec<(i32, i16, i64, usize)>);

/// Somebody who reads from two partitions of a topic.
struct Reader<'a> {
    address: &'a str,
    told: Vec<Told>,
}

impl Reader<'_> {
    fn fetch(
        &mut self,
        what: &'static str,
        (id, epoch): (i32, i32),
        wanted: &[(i32, i64)],
        forgotten: &[i32],
    ) -> i32 {
        self.fetch_some(what, (id, epoch), wanted, forgotten, 1 << 20)
    }

    fn fetch_some(
        &mut self,
        what: &'static str,
        (id, epoch): (i32, i32),
        wanted: &[(i32, i64)],
        forgotten: &[i32],
        bytes_max: i32,
    ) -> i32 {
        let topic = || TopicName(StrBytes::from_static_str("topic"));
        let partitions = wanted.iter().map(|(partition, offset)| {
            FetchPartition::default()
                .with_partition(*partition)
                .with_fetch_offset(*offset)
                .with_current_leader_epoch(-1)
                .with_partition_max_bytes(1 << 20)
        });
        let partitions: Vec<_> = partitions.collect();
        let mut request = FetchRequest::default()
            .with_replica_id((-1).into())
            .with_max_bytes(bytes_max)
            .with_session_id(id)
            .with_session_epoch(epoch);
        if !partitions.is_empty() {
            let wanted = FetchTopic::default().with_topic(topic());
            request.topics.push(wanted.with_partitions(partitions));
        }
        if !forgotten.is_empty() {
            let gone = ForgottenTopic::default().with_topic(topic());
            let gone = gone.with_partitions(forgotten.to_vec());
            request.forgotten_topics_data.push(gone);
        }
        let Response::Fetch(response) = ask(self.address, 11, &request.into()) else {
            panic!("another answer");
        };
        let topics = response.responses.iter();
        let partitions = topics.flat_map(|topic| &topic.partitions).map(|partition| {
            let bytes = partition.records.as_ref().map_or(0, Bytes::len);
            let watermark = partition.high_watermark;
            (
                partition.partition_index,
                partition.error_code,
                watermark,
                bytes,
            )
        });
        let told = partitions.collect();
        let error = ErrorCode(response.error_code);
        let has_session = response.session_id != 0;
        self.told.push((what, error, has_session, told));
        response.session_id
    }

    fn produce(&self, partition: i32) {
        let mut builder = BatchBuilder::new();
        builder.append(1_000, None, Some(b"value"), &[]).unwrap();
        let records = builder.build(Compression::None, &mut Compressor::default());
        let data = PartitionProduceData::default()
            .with_index(partition)
            .with_records(Some(records.unwrap()));
        let topic = TopicProduceData::default()
            .with_name(TopicName(StrBytes::from_static_str("topic")))
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(10_000)
            .with_topic_data(vec![topic]);
        let Response::Produce(response) = ask(self.address, 8, &request.into()) else {
            panic!("another answer");
        };
        let partition = &response.responses[0].partition_responses[0];
        assert_eq!(partition.error_code, 0);
    }
}

fn told_by(address: &str) -> Vec<Told> {
    let mut reader = Reader {
        address,
        told: Vec::new(),
    };
    // A real broker may not serve yet what its controller has given it.
    let mut tries = 0..TRIES_MAX;
    while tries.next().is_some() {
        reader.fetch("served", (0, -1), &[(0, 0), (1, 0)], &[]);
        let last = reader.told.drain(..).next_back();
        let is_served =
            |(_, _, _, partitions): Told| partitions.iter().all(|(_, error, ..)| *error == 0);
        if last.is_some_and(is_served) {
            break;
        }
    }
    let id = reader.fetch("a session", (0, 0), &[(0, 0), (1, 0)], &[]);
    reader.fetch("nothing new", (id, 1), &[], &[]);
    reader.produce(0);
    reader.produce(1);
    reader.fetch_some("one has its turn", (id, 2), &[], &[], 1);
    reader.fetch_some("then the other", (id, 3), &[], &[], 1);
    reader.fetch("both are read", (id, 4), &[(0, 1), (1, 1)], &[]);
    reader.fetch("an old epoch", (id, 3), &[], &[]);
    reader.fetch("a future epoch", (id, 9), &[], &[]);
    reader.fetch("no such offset", (id, 5), &[(0, 7)], &[]);
    reader.fetch("still no such offset", (id, 6), &[], &[]);
    reader.fetch("an offset again", (id, 7), &[(0, 1)], &[]);
    reader.fetch("no such partition", (id, 8), &[(9, 0)], &[]);
    reader.fetch("forgotten", (id, 9), &[], &[9, 0]);
    reader.produce(0);
    reader.fetch("it is not told", (id, 10), &[], &[]);
    reader.fetch("the last is forgotten", (id, 11), &[], &[1]);
    reader.fetch("there is no session", (id, 12), &[], &[]);
    let id = reader.fetch("another session", (0, 0), &[(0, 0)], &[]);
    reader.fetch("it is replaced", (id, 0), &[(1, 0)], &[]);
    reader.fetch("it is gone", (id, 1), &[], &[]);
    reader.fetch("none is wanted", (0, -1), &[(1, 0)], &[]);
    reader.told
}

#[test]
fn sessions_go_as_those_of_the_real_releases() {
    if !super::java::has_java() {
        return;
    }
    for (version, release) in [
        (KafkaVersion::V2_8_2, KafkaRelease::V2_8),
        (KafkaVersion::V3_9_1, KafkaRelease::V3_9),
        (KafkaVersion::V4_4_0, KafkaRelease::V4_4),
    ] {
        let cluster = KafkaCluster::builder().version(version).start().unwrap();
        cluster.create_topic("topic", 2).unwrap();
        cluster.wait_for_leaders("topic", 2).unwrap();
        let by_real = told_by(&cluster.bootstrap());
        drop(cluster);
        let mock = MockCluster::builder().release(release).topic("topic", 2);
        let mock = mock.start().unwrap();

        assert_eq!(told_by(&mock.bootstrap()), by_real, "{version}");
        assert_eq!(mock.violations(), [""; 0]);
        println!("Kafka {version}: {} answers are the same", by_real.len());
    }
}

/// How often is asked whether a topic is served.
const TRIES_MAX: usize = 10_000;
