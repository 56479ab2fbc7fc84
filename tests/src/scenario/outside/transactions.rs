//! Transactions of clients that others wrote, and what they read of them.

use std::collections::BTreeSet;

use weft_client::producer::CompressionType;
use weft_testcontainers::kafka::JavaRecord;

use super::broker_loss::wait_for_end;
use crate::cluster::Cluster;
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::outside::{LineProgram, OutsideClient, Said};
use crate::scenario::producing::write;
use crate::wait::{self, Look, PATIENCE};

/// Of three transactions the second is aborted: who reads what is committed does not see it, and
/// who reads everything does. A second producer of the same name fences the first one.
///
/// # Errors
///
/// If it is otherwise.
pub fn its_transactions_are_kept(cluster: &Cluster, client: OutsideClient) -> Outcome {
    let topic = cluster.create_topic("transactions", 1)?;
    let id = cluster.fresh("transactions");
    if client == OutsideClient::Kcat {
        tell_kcat(cluster, &topic, &id)?;
    } else {
        tell(client, cluster, &topic, &id)?;
    }
    for (level, expected) in [
        ("read_committed", "a b d e"),
        ("read_uncommitted", "a b c d e"),
    ] {
        let count = expected.split(' ').count();
        let read = client.read(cluster, &topic, &[("isolation.level", level)], count)?;
        let keys = read.into_iter().filter_map(|record| record.key);
        let keys: Vec<_> = keys
            .map(|key| String::from_utf8_lossy(&key).into_owned())
            .collect();
        ensure!(keys.join(" ") == expected, "{level} shows {keys:?}");
    }
    Ok("4 of 5 records committed".to_owned())
}

fn tell(client: OutsideClient, cluster: &Cluster, topic: &str, id: &str) -> Result<(), Failure> {
    let group = cluster.fresh("transactions");
    let mut first = Teller::start(client, cluster, topic, id)?;
    first.all(&["begin", "send a", "send b", "commit"])?;
    first.all(&["begin", "send c", "abort"])?;
    first.all(&["begin", "send d", "commit"])?;
    // franz-go commits offsets in transactions only as a member of the group.
    if client != OutsideClient::FranzGo {
        let mut witness = cluster.witness()?;
        let offsets = |offset| format!("offsets {group} {topic} 0 {offset}");
        first.all(&["begin", &offsets(1), "commit"])?;
        first.all(&["begin", &offsets(2), "abort"])?;
        // Brokers end a transaction after they have said so.
        wait::until("the commit of the first transaction", PATIENCE, || {
            let committed = witness.committed(&group, topic, 1)?;
            let committed = committed.get(&0).map(|offset| offset.value());
            Ok(Look::at(committed == Some(1), || format!("{committed:?}")))
        })?;
    }
    let mut second = Teller::start(client, cluster, topic, id)?;
    second.all(&["begin", "send e", "commit"])?;
    let mut fenced = first.call("begin")?;
    for call in ["send f", "commit"] {
        if fenced {
            fenced = first.call(call)?;
        }
    }
    ensure!(!fenced, "the first producer goes on beside the second");
    second.program.end(PATIENCE).map(drop)
}

/// A producer that is told what to do.
pub(super) struct Teller {
    program: LineProgram,
    topic: String,
}

impl Teller {
    pub(super) fn start(
        client: OutsideClient,
        cluster: &Cluster,
        topic: &str,
        id: &str,
    ) -> Result<Self, Failure> {
        let teller = Self {
            program: client.start_transacting(cluster, id)?,
            topic: topic.to_owned(),
        };
        ensure!(teller.is_done()?, "init failed");
        Ok(teller)
    }

    /// Makes these calls, all of which must succeed.
    pub(super) fn all(&mut self, calls: &[&str]) -> Result<(), Failure> {
        for call in calls {
            let is_done = self.call(call)?;
            let failed = || self.program.failed(&format!("failed to {call}"));
            is_done.then_some(()).ok_or_else(failed)?;
        }
        Ok(())
    }

    /// Makes a call and returns whether it succeeded. `send` only says which key.
    fn call(&mut self, call: &str) -> Result<bool, Failure> {
        let line = match call.strip_prefix("send ") {
            Some(key) => format!("send {} 0 {key}\n", self.topic),
            None => format!("{call}\n"),
        };
        self.program.send(line.as_bytes())?;
        self.is_done()
    }

    fn is_done(&self) -> Result<bool, Failure> {
        loop {
            match self.program.next_line(PATIENCE) {
                Said::Line(line) if line.starts_with(b"DONE") => return Ok(true),
                Said::Line(line) if line.starts_with(b"FAILED") => return Ok(false),
                Said::Line(_) => {}
                said => return Err(self.program.failed(&format!("answers with {said:?}"))),
            }
        }
    }
}

/// kcat makes a transaction of all that it reads. One that is killed leaves its transaction open,
/// which the next one of the same name aborts.
fn tell_kcat(cluster: &Cluster, topic: &str, id: &str) -> Result<(), Failure> {
    let client = OutsideClient::Kcat;
    let transactional = [("transactional.id", id)];
    client.write(cluster, topic, &transactional, &[record("a"), record("b")])?;
    let mut killed = client.start_writing(cluster, topic, &transactional)?;
    killed.send(&client.line(&record("c")))?;
    // It looks at what it has read once that fills its buffer.
    killed.send(&vec![b'-'; KCAT_BUFFER_BYTES])?;
    // After two records and the marker of their transaction.
    wait_for_end(cluster, topic, 4)?;
    drop(killed);
    client.write(cluster, topic, &transactional, &[record("d"), record("e")])
}

/// Two members of a group copy a topic, in transactions that commit what they have read; one of
/// them leaves in the middle. In the copy each record is committed once.
///
/// # Errors
///
/// If it is not.
pub fn copies_each_record_once(cluster: &Cluster, client: OutsideClient) -> Outcome {
    let from = cluster.create_topic("original", PARTITIONS)?;
    let to = cluster.create_topic("copy", 1)?;
    let (group, id) = (cluster.fresh("copy"), cluster.fresh("copy"));
    let ids = [format!("{id}-first"), format!("{id}-second")];
    let copier = |id| client.start_copying(cluster, (&group, id), (&from, &to));
    let append = |wave| write(cluster, &from, CompressionType::None, &originals(wave));
    let mut witness = cluster.witness()?;
    let mut wait_for = |waves: u32| {
        let each = i64::from(waves * WAVE / PARTITIONS);
        wait::until("committing everything", PATIENCE, || {
            let committed = witness.committed(&group, &from, PARTITIONS)?;
            let is_all = committed.len() == PARTITIONS as usize
                && committed.values().all(|offset| offset.value() == each);
            Ok(Look::at(is_all, || format!("{committed:?} of {each}")))
        })
    };
    append(0)?;
    let first = copier(&ids[0])?;
    wait_for(1)?;
    let second = copier(&ids[1])?;
    append(1)?;
    wait_for(2)?;
    append(2)?;
    first.end(PATIENCE)?;
    append(3)?;
    wait_for(4)?;
    second.end(PATIENCE)?;

    let count = 4 * WAVE as usize;
    let committed = [("isolation.level", "read_committed")];
    let read = client.read(cluster, &to, &committed, count)?;
    let keys: BTreeSet<_> = read
        .iter()
        .filter_map(|record| record.key.clone())
        .collect();
    ensure!(
        read.len() == count && keys.len() == count,
        "{} records with {} keys instead of {count}",
        read.len(),
        keys.len()
    );
    Ok(format!("{count} records"))
}

/// The records of a wave, no two of which have the same key.
fn originals(wave: u32) -> Vec<JavaRecord> {
    let numbers = wave * WAVE..(wave + 1) * WAVE;
    let records = numbers.map(|number| JavaRecord {
        partition: i32::try_from(number % PARTITIONS).ok(),
        ..record(&format!("key-{number}"))
    });
    records.collect()
}

fn record(key: &str) -> JavaRecord {
    JavaRecord {
        partition: Some(0),
        key: Some(key.as_bytes().to_vec()),
        value: Some(b"value".to_vec()),
        ..JavaRecord::default()
    }
}

/// More than kcat reads at a time.
const KCAT_BUFFER_BYTES: usize = 100_000;

const PARTITIONS: u32 = 4;

/// How many records come at a time; a multiple of the number of partitions.
const WAVE: u32 = 400;
