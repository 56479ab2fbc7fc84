//! What Weft reads of two Java producers whose transactions lie between each other.

use std::collections::BTreeSet;
use std::time::Duration;

use weft_client::{Offset, TopicPartition};
use weft_consumer::{Consumer, ConsumerRecord};
use weft_testcontainers::kafka::{JavaCommand, JavaRecord};

use super::broker_loss::wait_for_end;
use super::transactions::Teller;
use crate::cluster::Cluster;
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::outside::OutsideClient;
use crate::scenario::plain::consumer;
use crate::wait::{self, Look, PATIENCE};

/// Two producers write to one partition, a record at a time: some of their transactions are
/// committed, some are aborted, and one is open. Who reads everything gets everything; who reads
/// what is committed gets that, in its order, up to where the open transaction begins, and the
/// rest once that is committed. Ends and lags are counted up to there too. A Java reader gets the
/// same.
///
/// # Errors
///
/// If it is otherwise.
pub fn reads_as_the_isolation_level_has_it(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("isolation", 1)?;
    let start = |name: &str| {
        let id = cluster.fresh(name);
        Teller::start(OutsideClient::Java, cluster, &topic, &id)
    };
    let (mut first, mut second) = (start("first")?, start("second")?);
    first.all(&["begin", "send a"])?;
    second.all(&["begin", "send b"])?;
    first.all(&["send c", "commit"])?;
    // Brokers write the marker of a transaction after they have said that it has ended.
    wait_for_end(cluster, &topic, 4)?;
    second.all(&["send d", "abort"])?;
    wait_for_end(cluster, &topic, 6)?;
    first.all(&["begin", "send e"])?;
    second.all(&["begin", "send f"])?;
    first.all(&["abort"])?;
    wait_for_end(cluster, &topic, 9)?;
    second.all(&["commit"])?;
    wait_for_end(cluster, &topic, OPEN_AT)?;
    first.all(&["begin", "send g"])?;
    second.all(&["begin", "send h", "commit"])?;
    wait_for_end(cluster, &topic, END)?;

    let everything = Reader::start(cluster, &topic, "read_uncommitted")?;
    let read = everything.read_to(END)?;
    let expected = "0:a 1:b 2:c 4:d 6:e 7:f 10:g 11:h";
    ensure!(read == expected, "read_uncommitted shows {read}");
    everything.consumer.close()?;

    let committed = Reader::start(cluster, &topic, "read_committed")?;
    let read = committed.read_to(OPEN_AT)?;
    ensure!(read == "0:a 2:c 7:f", "read_committed shows {read}");
    let by_java = read_by_java(cluster, &topic)?;
    ensure!(read == by_java, "Weft has {read}, Java has {by_java}");

    first.all(&["commit"])?;
    wait_for_end(cluster, &topic, END + 1)?;
    committed.wait_for_end(END + 1)?;
    let read = committed.read_to(END + 1)?;
    ensure!(read == "10:g 11:h", "{read} comes when all is committed");
    committed.consumer.close()?;
    Ok("5 of 8 records committed".to_owned())
}

/// Reads partition 0 of a topic.
struct Reader {
    consumer: Consumer,
    partition: TopicPartition,
}

impl Reader {
    fn start(cluster: &Cluster, topic: &str, level: &str) -> Result<Self, Failure> {
        let consumer = consumer(cluster, &[("isolation.level", level)])?;
        let partition = TopicPartition::new(topic, 0);
        consumer.assign([partition.clone()])?;
        Ok(Self {
            consumer,
            partition,
        })
    }

    fn end(&self) -> Result<Offset, Failure> {
        let partitions = BTreeSet::from([self.partition.clone()]);
        Ok(self.consumer.end_offsets(&partitions)?[&self.partition])
    }

    /// The broker may open what follows a transaction later than it writes its marker.
    fn wait_for_end(&self, end: i64) -> Result<(), Failure> {
        wait::until("the last stable offset moving", PATIENCE, || {
            let seen = self.end()?;
            Ok(Look::at(seen == Offset::new(end), || format!("{seen}")))
        })
    }

    /// Reads until the position is this, which must be the end for this reader, with a lag of
    /// nothing.
    fn read_to(&self, end: i64) -> Result<String, Failure> {
        let seen = self.end()?;
        ensure!(seen == Offset::new(end), "the end is {seen}, not {end}");
        let mut read = Vec::new();
        wait::until("reading up to the end", PATIENCE, || {
            for record in &self.consumer.poll(POLL_TIMEOUT)? {
                read.push(place_and_key(&record));
            }
            let position = self.consumer.position(&self.partition)?;
            let instead = || format!("{position} of {end} after {read:?}");
            Ok(Look::at(position >= Offset::new(end), instead))
        })?;
        let position = self.consumer.position(&self.partition)?;
        ensure!(position == seen, "{position} lies behind the end {seen}");
        let lag = self.consumer.current_lag(&self.partition)?;
        ensure!(lag == Some(0), "a lag of {lag:?} at the end {seen}");
        Ok(read.join(" "))
    }
}

fn place_and_key(record: &ConsumerRecord<'_>) -> String {
    let key = String::from_utf8_lossy(record.key().unwrap_or_default());
    format!("{}:{key}", record.offset())
}

/// What a Java reader of what is committed shows up to the end that it is told.
fn read_by_java(cluster: &Cluster, topic: &str) -> Result<String, Failure> {
    let command = JavaCommand::read(topic).with_property("isolation.level", "read_committed");
    let lines = cluster.start_java(&command)?.finish(PATIENCE)?;
    let records = lines.iter().filter_map(|line| JavaRecord::parse(line));
    let read = records.map(|record| {
        let key = record.key.unwrap_or_default();
        format!(
            "{}:{}",
            record.offset.unwrap_or(-1),
            String::from_utf8_lossy(&key)
        )
    });
    Ok(read.collect::<Vec<_>>().join(" "))
}

/// Where the transaction begins that is open.
const OPEN_AT: i64 = 10;

/// The end of the log while it is open: eight records, five markers.
const END: i64 = 13;

/// How long one poll waits for records.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);
