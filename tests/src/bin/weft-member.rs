//! Weft as a program that is a member of a group, for scenarios that start, stop and kill it beside
//! clients that others wrote. It takes the words of `JavaCommand::Consume`, and prints and commits
//! as the Java program does; it ends with its input.

#![expect(
    clippy::disallowed_types,
    reason = "a program: its listener and its loop know the same offsets"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::error::Error as StdError;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use weft_client::{
    Error, ErrorKind, GenerationId, LeaderEpoch, MemberId, Offset, OffsetAndMetadata, TopicName,
    TopicPartition,
};
use weft_consumer::assign::{
    AssignError, Assignor, ClusterTopics, LastAssignment, MemberAssignment, MemberSubscription,
    RebalanceProtocol,
};
use weft_consumer::{
    CallbackError, Consumer, ConsumerConfig, RebalanceConsumer, RebalanceListener,
};

fn main() -> Result<(), Box<dyn StdError>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [
        "consume",
        bootstrap,
        group,
        topics,
        assignors,
        client_id,
        instance,
        properties @ ..,
    ] = words.as_slice()
    else {
        return Err(format!("not understood: {words:?}").into());
    };
    let mut config = ConsumerConfig::builder()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", group)
        .set("client.id", client_id)
        .set("partition.assignment.strategy", assignors)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("metadata.max.age.ms", "2000");
    if *instance != ABSENT {
        config = config.set("group.instance.id", instance);
    }
    for property in properties {
        let (name, value) = property.split_once('=').ok_or("a property without value")?;
        config = config.set(name, value);
    }
    let config = config.build()?;
    let assignors = config.assignors().into_iter();
    let assignors = assignors.map(|assignor| Arc::new(Told(assignor)) as Arc<dyn Assignor>);
    let consumer = Consumer::with_assignors(config, assignors.collect())?;
    consume(&consumer, topics.split(','), client_id)?;
    say("CLOSED");
    Ok(())
}

fn consume<'a>(
    consumer: &Consumer,
    topics: impl Iterator<Item = &'a str>,
    client_id: &str,
) -> Result<(), Box<dyn StdError>> {
    let shown = Arc::new(Mutex::new(Shown {
        client_id: client_id.to_owned(),
        offsets: BTreeMap::new(),
    }));
    let is_over = Arc::new(AtomicBool::new(false));
    end_with_input(&is_over)?;
    consumer.subscribe_with_listener(topics, Narrator(Arc::clone(&shown)))?;
    say("SUBSCRIBED");
    while !is_over.load(Ordering::SeqCst) {
        let records = match consumer.poll(POLL_TIMEOUT) {
            Ok(records) => records,
            Err(error) if error.is_retriable() => {
                say(&format!("POLL_FAILED {error:?}"));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        for record in &records {
            let key = record.key().map(String::from_utf8_lossy);
            let key = key.as_deref().unwrap_or(ABSENT);
            say(&format!(
                "RECORD {} {} {} {key}",
                record.topic(),
                record.partition(),
                record.offset(),
            ));
            lock(&shown).add(
                record.topic_partition().clone(),
                record.offset().value() + 1,
                record.leader_epoch(),
            );
        }
        if !records.is_empty() {
            let offsets = lock(&shown).offsets.clone();
            tell_commit(consumer.commit_sync_offsets(&offsets))?;
        }
    }
    Ok(consumer.close()?)
}

fn end_with_input(is_over: &Arc<AtomicBool>) -> io::Result<()> {
    let is_over = Arc::clone(is_over);
    let wait = move || {
        // Nothing is asked of a running member; an error is as good as the end.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        is_over.store(true, Ordering::SeqCst);
    };
    let spawned = thread::Builder::new().name("input".into()).spawn(wait);
    spawned.map(drop)
}

/// Goes on after a commit that failed for a reason that others are.
fn tell_commit(committed: Result<(), Error>) -> Result<(), Error> {
    match committed {
        Ok(()) => say("COMMITTED"),
        Err(error)
            if error.is_retriable()
                || matches!(
                    error.kind(),
                    ErrorKind::CommitFailed | ErrorKind::RebalanceInProgress
                ) =>
        {
            say(&format!("COMMIT_FAILED {error:?}"));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// What was shown of the partitions that are owned, as it is to be committed.
struct Shown {
    client_id: String,
    offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
}

impl Shown {
    fn add(&mut self, partition: TopicPartition, next: i64, leader_epoch: Option<LeaderEpoch>) {
        let committed = OffsetAndMetadata {
            offset: Offset::new(next),
            leader_epoch,
            metadata: self.client_id.clone(),
        };
        self.offsets.insert(partition, committed);
    }
}

/// Tells which partitions come and go, and in which generation, and commits what was shown before
/// it goes.
struct Narrator(Arc<Mutex<Shown>>);

impl Narrator {
    fn forget(&self, partitions: &[TopicPartition]) {
        let mut shown = lock(&self.0);
        shown
            .offsets
            .retain(|partition, _| !partitions.contains(partition));
    }
}

impl RebalanceListener for Narrator {
    fn on_partitions_revoked(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        let offsets = lock(&self.0).offsets.clone();
        if !offsets.is_empty() {
            tell_commit(consumer.commit_sync_offsets(&offsets))?;
        }
        tell(consumer, "REVOKED", partitions)?;
        self.forget(partitions);
        Ok(())
    }

    fn on_partitions_assigned(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        tell(consumer, "ASSIGNED", partitions)?;
        if partitions.is_empty() {
            return Ok(());
        }
        match consumer.committed(&partitions.iter().cloned().collect()) {
            Ok(found) => found.iter().for_each(tell_found),
            Err(error) => say(&format!("FOUND_NOT {error:?}")),
        }
        Ok(())
    }

    fn on_partitions_lost(
        &mut self,
        consumer: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        tell(consumer, "LOST", partitions)?;
        self.forget(partitions);
        Ok(())
    }
}

fn tell(
    consumer: &RebalanceConsumer<'_>,
    event: &str,
    partitions: &[TopicPartition],
) -> Result<(), CallbackError> {
    say(&format!(
        "GENERATION {}",
        consumer.group_metadata()?.generation
    ));
    let names = partitions.iter().map(|partition| format!(" {partition}"));
    say(&format!("{event}{}", names.collect::<String>()));
    Ok(())
}

fn tell_found((partition, found): (&TopicPartition, &Option<OffsetAndMetadata>)) {
    let Some(found) = found else {
        return;
    };
    let epoch = found.leader_epoch.map(|epoch| epoch.to_string());
    let metadata = Some(found.metadata.as_str()).filter(|metadata| !metadata.is_empty());
    say(&format!(
        "FOUND {} {} {} {} {}",
        partition.topic(),
        partition.partition(),
        found.offset,
        epoch.as_deref().unwrap_or(ABSENT),
        metadata.unwrap_or(ABSENT),
    ));
}

/// An assignor that tells when it divides: then this member leads.
#[derive(Debug)]
struct Told(Arc<dyn Assignor>);

impl Assignor for Told {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn supported_protocols(&self) -> &[RebalanceProtocol] {
        self.0.supported_protocols()
    }

    fn subscription_user_data(
        &self,
        topics: &BTreeSet<TopicName>,
        last: Option<&LastAssignment>,
    ) -> Option<Bytes> {
        self.0.subscription_user_data(topics, last)
    }

    fn assign(
        &self,
        topics: &ClusterTopics,
        members: &BTreeMap<MemberId, MemberSubscription>,
    ) -> Result<BTreeMap<MemberId, MemberAssignment>, AssignError> {
        say("DIVIDED");
        self.0.assign(topics, members)
    }

    fn on_assignment(&self, assignment: &MemberAssignment, generation: GenerationId) {
        self.0.on_assignment(assignment, generation);
    }
}

/// Whole lines only, of which others read each as soon as it is there.
fn say(line: &str) {
    let mut output = io::stdout().lock();
    // Nobody listens any more to a program whose test has ended.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

fn lock(shown: &Mutex<Shown>) -> std::sync::MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

const ABSENT: &str = "-";

const POLL_TIMEOUT: Duration = Duration::from_millis(100);
