//! Shell: writes down what a running program does, from all of its threads, for the guarantees to
//! judge afterwards.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a shell: many threads write into one history, and one watches the commits"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use weft_client::Offset;

use crate::cluster::{Cluster, Filled, Witness};
use crate::failure::Failure;
use crate::guarantee::{
    CommitSeen, Delivery, Handled, Instance, Lane, Tick, at_least_once, committed_is_finished,
    committed_is_not_replayed, no_regress,
};
use crate::wait::{self, Look};

/// The history of one scenario. Any thread may write into it.
#[derive(Debug, Default)]
pub struct Recorder {
    clock: AtomicU64,
    handled: [AtomicU64; INSTANCES],
    /// Threads write into different ones, so that they do not wait for each other.
    shards: [Mutex<Vec<Handled>>; SHARDS],
}

impl Recorder {
    /// This moment.
    pub fn tick(&self) -> Tick {
        Tick(self.clock.fetch_add(1, Ordering::SeqCst))
    }

    /// Writes down that a record, whose handler was entered at `started`, has been handled now.
    pub fn finish(
        &self,
        instance: Instance,
        (partition, offset): (i32, Offset),
        lane: Lane,
        started: Tick,
    ) {
        let handled = Handled {
            instance,
            partition,
            offset,
            lane,
            started,
            ended: self.tick(),
        };
        lock(&self.shards[shard()]).push(handled);
        self.handled[instance.0 as usize % INSTANCES].fetch_add(1, Ordering::SeqCst);
    }

    /// How often a record was handled so far.
    pub fn count(&self) -> u64 {
        let counts = self.handled.iter();
        counts.map(|count| count.load(Ordering::SeqCst)).sum()
    }

    /// How often an instance handled a record so far.
    pub fn count_of(&self, instance: Instance) -> u64 {
        self.handled[instance.0 as usize % INSTANCES].load(Ordering::SeqCst)
    }

    /// Everything that was handled so far.
    pub fn history(&self) -> Vec<Handled> {
        let shards = self.shards.iter();
        shards.flat_map(|shard| lock(shard).clone()).collect()
    }
}

/// A thread that asks again and again what a group has committed.
#[derive(Debug)]
pub struct CommitWatch {
    thread: JoinHandle<Result<Vec<CommitSeen>, Failure>>,
    is_over: Arc<AtomicBool>,
}

impl CommitWatch {
    /// Begins to watch what `group` commits for the topic.
    ///
    /// # Errors
    ///
    /// If the brokers cannot be reached.
    pub fn start(
        cluster: &Cluster,
        recorder: &Arc<Recorder>,
        group: &str,
        filled: &Filled,
    ) -> Result<Self, Failure> {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut witness = cluster.witness()?;
        let recorder = Arc::clone(recorder);
        let (group, filled) = (group.to_owned(), filled.clone());
        let watch = {
            let is_over = Arc::clone(&is_over);
            move || {
                let mut seen = Vec::new();
                while !is_over.load(Ordering::SeqCst) {
                    look(&mut witness, &recorder, &group, &filled, &mut seen)?;
                    thread::sleep(WATCH_INTERVAL);
                }
                look(&mut witness, &recorder, &group, &filled, &mut seen)?;
                Ok(seen)
            }
        };
        let thread = thread::Builder::new()
            .name("commit-watch".into())
            .spawn(watch)?;
        Ok(Self { thread, is_over })
    }

    /// Ends the watch after a last look.
    ///
    /// # Errors
    ///
    /// If the brokers could not be asked at some time.
    pub fn stop(self) -> Result<Vec<CommitSeen>, Failure> {
        self.is_over.store(true, Ordering::SeqCst);
        let joined = self.thread.join();
        joined.map_err(|_| Failure::because("the watch of the commits panicked"))?
    }
}

/// Waits until the group has committed everything.
///
/// # Errors
///
/// If it has not after `timeout`.
pub fn wait_until_committed(
    witness: &mut Witness,
    group: &str,
    filled: &Filled,
    timeout: Duration,
) -> Result<(), Failure> {
    wait::until("committing everything", timeout, || {
        let committed = witness.committed(group, &filled.topic, filled.partitions())?;
        let is_all = committed == filled.ends;
        Ok(Look::at(is_all, || {
            format!("committed {committed:?} of {:?}", filled.ends)
        }))
    })
}

/// Judges a history by everything that holds for every at-least-once consumer whose members give up
/// their partitions in an orderly way.
///
/// # Errors
///
/// For the first guarantee that is broken.
pub fn judge(
    filled: &Filled,
    handled: &[Handled],
    commits: &[CommitSeen],
) -> Result<Delivery, Failure> {
    let delivery = at_least_once(&filled.ends, handled)?;
    no_regress(commits)?;
    committed_is_finished(commits, handled)?;
    committed_is_not_replayed(commits, handled)?;
    Ok(delivery)
}

fn look(
    witness: &mut Witness,
    recorder: &Recorder,
    group: &str,
    filled: &Filled,
    seen: &mut Vec<CommitSeen>,
) -> Result<(), Failure> {
    let asked = recorder.tick();
    let committed = witness.committed(group, &filled.topic, filled.partitions())?;
    let answered = recorder.tick();
    seen.extend(
        committed
            .into_iter()
            .map(|(partition, committed)| CommitSeen {
                partition,
                committed,
                asked,
                answered,
            }),
    );
    Ok(())
}

/// The shard of this thread.
fn shard() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    SHARD.with(|shard| *shard)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const SHARDS: usize = 16;

/// The most instances in one scenario.
const INSTANCES: usize = 16;

/// The time between two looks at the commits.
const WATCH_INTERVAL: Duration = Duration::from_millis(20);
