//! Shell: a consumer on a thread of its own, which tells what happens to it.

#![expect(
    clippy::disallowed_types,
    reason = "a shell: a scenario looks at what a member's thread writes down"
)]

use std::collections::BTreeSet;
use std::mem::take;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use weft_client::{Error, TopicPartition};
use weft_consumer::{
    CallbackError, Consumer, ConsumerConfig, ConsumerRecords, RebalanceConsumer, RebalanceListener,
};

use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::guarantee::{Instance, Lane};
use crate::recorder::Recorder;
use crate::wait::{self, Look, PATIENCE};

/// A group member that polls, writes down what it gets and commits after each poll.
#[derive(Debug)]
pub struct Member {
    client_id: String,
    thread: JoinHandle<Result<(), Failure>>,
    shared: Arc<Shared>,
}

/// Something that happened to a member, in the order of its own thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// These partitions came.
    Assigned(BTreeSet<TopicPartition>),
    /// These were given up in time.
    Revoked(BTreeSet<TopicPartition>),
    /// These were gone already.
    Lost(BTreeSet<TopicPartition>),
    /// A call failed in a way that allows another one.
    Refused(String),
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    is_held: AtomicBool,
    /// Whether it is held and sees it.
    is_resting: AtomicBool,
    is_over: AtomicBool,
    /// How many records may be taken in all.
    allowance: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    owned: BTreeSet<TopicPartition>,
    events: Vec<Event>,
}

/// The options of a consumer that is quick to notice what happens to its group.
///
/// # Errors
///
/// If the options contradict each other.
pub fn config(cluster: &Cluster, properties: &[(&str, &str)]) -> Result<ConsumerConfig, Failure> {
    let builder = ConsumerConfig::builder()
        .set("bootstrap.servers", &cluster.bootstrap())
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("session.timeout.ms", "10000")
        .set("heartbeat.interval.ms", "200");
    let properties = properties.iter();
    Ok(properties
        .fold(builder, |builder, (key, value)| builder.set(key, value))
        .build()?)
}

impl Member {
    /// Starts a member with this `client.id`.
    ///
    /// # Errors
    ///
    /// If the consumer cannot be made.
    pub fn start(
        cluster: &Cluster,
        (group, topic): (&str, &str),
        client_id: &str,
        properties: &[(&str, &str)],
        record: Option<(Arc<Recorder>, Instance)>,
    ) -> Result<Self, Failure> {
        let mut all = vec![("group.id", group), ("client.id", client_id)];
        all.extend(properties);
        let consumer = Consumer::new(config(cluster, &all)?)?;
        let shared = Arc::new(Shared {
            allowance: AtomicU64::new(u64::MAX),
            ..Shared::default()
        });
        consumer.subscribe_with_listener([topic], Narrator(Arc::clone(&shared)))?;
        let body = {
            let shared = Arc::clone(&shared);
            move || live(&consumer, &shared, record.as_ref())
        };
        let thread = thread::Builder::new()
            .name(format!("member {client_id}"))
            .spawn(body)?;
        Ok(Self {
            client_id: client_id.to_owned(),
            thread,
            shared,
        })
    }

    /// Its `client.id`.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// What its listener was told that it owns.
    pub fn owned(&self) -> BTreeSet<TopicPartition> {
        self.state().owned.clone()
    }

    /// What happened since the last call.
    pub fn take_events(&self) -> Vec<Event> {
        take(&mut self.state().events)
    }

    /// Keeps it from polling until [`Self::release`], and returns once no poll is running.
    ///
    /// # Errors
    ///
    /// If a poll does not end in time.
    pub fn hold(&self) -> Result<(), Failure> {
        self.shared.is_held.store(true, Ordering::SeqCst);
        wait::until("the end of the last poll", PATIENCE, || {
            let is_resting = self.shared.is_resting.load(Ordering::SeqCst);
            Ok(Look::at(is_resting, || "it polls".to_owned()))
        })
    }

    /// Lets it poll again.
    pub fn release(&self) {
        self.shared.is_held.store(false, Ordering::SeqCst);
        self.thread.thread().unpark();
    }

    /// Lets it take at most so many records in all, give or take one poll's; then it polls on
    /// without taking any, paused.
    pub fn allow(&self, records: u64) {
        self.shared.allowance.store(records, Ordering::SeqCst);
    }

    /// Waits until its listener has been told that it owns as many partitions.
    ///
    /// # Errors
    ///
    /// If it does not within `timeout`, or if it has ended.
    pub fn wait_for_partitions(&self, count: usize, timeout: Duration) -> Result<(), Failure> {
        let what = format!("{} owning {count} partitions", self.client_id);
        wait::until(&what, timeout, || {
            if self.thread.is_finished() {
                let events = self.take_events();
                let text = format!("{} has ended; {events:?}", self.client_id);
                return Err(Failure::because(text));
            }
            let owned = self.owned();
            Ok(Look::at(owned.len() == count, || format!("{owned:?}")))
        })
    }

    /// Closes the consumer and returns what has happened since the last look.
    ///
    /// # Errors
    ///
    /// What ended the member, if it was not this call.
    pub fn close(self) -> Result<Vec<Event>, Failure> {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.release();
        let client_id = self.client_id;
        match self.thread.join() {
            Ok(ended) => ended.map_err(|failure| failure.during(&client_id))?,
            Err(_) => return Err(Failure::because(format!("{client_id} panicked"))),
        }
        Ok(take(&mut lock(&self.shared).events))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared)
    }
}

/// What the member's thread does.
fn live(
    consumer: &Consumer,
    shared: &Shared,
    record: Option<&(Arc<Recorder>, Instance)>,
) -> Result<(), Failure> {
    let mut taken = 0;
    while !shared.is_over.load(Ordering::SeqCst) {
        if shared.is_held.load(Ordering::SeqCst) {
            shared.is_resting.store(true, Ordering::SeqCst);
            thread::park_timeout(POLL_TIMEOUT);
            continue;
        }
        shared.is_resting.store(false, Ordering::SeqCst);
        if taken >= shared.allowance.load(Ordering::SeqCst) {
            consumer.pause(&consumer.assignment()?)?;
        } else {
            consumer.resume(&consumer.paused()?)?;
        }
        match consumer.poll(POLL_TIMEOUT) {
            Ok(records) => {
                taken += records.count() as u64;
                write_down(&records, record);
                if !records.is_empty()
                    && let Err(error) = consumer.commit_sync()
                {
                    refuse(shared, error)?;
                }
            }
            Err(error) => refuse(shared, error)?,
        }
    }
    Ok(consumer.close()?)
}

fn write_down(records: &ConsumerRecords, record: Option<&(Arc<Recorder>, Instance)>) {
    let Some((recorder, instance)) = record else {
        return;
    };
    for record in records {
        let started = recorder.tick();
        let place = (record.partition(), record.offset());
        recorder.finish(*instance, place, Lane::PARTITION, started);
    }
}

/// Goes on after an error that allows another call, or that a rebalance explains.
fn refuse(shared: &Shared, error: Error) -> Result<(), Failure> {
    use weft_client::ErrorKind::{CommitFailed, RebalanceInProgress};
    if !error.is_retriable() && !matches!(error.kind(), CommitFailed | RebalanceInProgress) {
        return Err(error.into());
    }
    lock(shared)
        .events
        .push(Event::Refused(format!("{error:?}")));
    Ok(())
}

struct Narrator(Arc<Shared>);

impl Narrator {
    fn gone(&self, partitions: &[TopicPartition], event: fn(BTreeSet<TopicPartition>) -> Event) {
        let mut state = lock(&self.0);
        state.owned.retain(|owned| !partitions.contains(owned));
        state
            .events
            .push(event(partitions.iter().cloned().collect()));
    }
}

impl RebalanceListener for Narrator {
    fn on_partitions_revoked(
        &mut self,
        _: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.gone(partitions, Event::Revoked);
        Ok(())
    }

    fn on_partitions_assigned(
        &mut self,
        _: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        let mut state = lock(&self.0);
        state.owned.extend(partitions.iter().cloned());
        let partitions = partitions.iter().cloned().collect();
        state.events.push(Event::Assigned(partitions));
        Ok(())
    }

    fn on_partitions_lost(
        &mut self,
        _: &RebalanceConsumer<'_>,
        partitions: &[TopicPartition],
    ) -> Result<(), CallbackError> {
        self.gone(partitions, Event::Lost);
        Ok(())
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long one poll may wait, and with it every reaction to the scenario.
const POLL_TIMEOUT: Duration = Duration::from_millis(50);
