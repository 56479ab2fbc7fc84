//! Programs that leave the loop to the runtime, in either pattern.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use weft_client::Error;
use weft_client::backoff::ExponentialBackoff;
use weft_consumer::ConsumerRecord;
use weft_runtime::per_thread::ThreadFailure;
use weft_runtime::retry::{FailurePolicy, Terminal};
use weft_runtime::{Context, Handler, HandlerError, Runtime, RuntimeHandle};

use super::TOPICS;
use super::plain::LIVES_MAX;
use super::plan::Plan;
use super::process::{Handling, config};
use super::world::with;
use crate::guarantee::Instance;

/// Pattern 1, until the process is to end.
pub(super) fn per_thread(process: usize, plan: &Plan, member: usize, threads: usize) {
    let instances = Arc::new(AtomicUsize::new(0));
    keep_running(process, || {
        let instances = Arc::clone(&instances);
        Runtime::per_thread(config(plan, member, false))
            .topics(TOPICS[..plan.members[member].topics].iter().copied())
            .threads(threads)
            .thread_failure(ThreadFailure::Restart {
                attempts: NonZeroU32::new(3).unwrap_or(NonZeroU32::MIN),
            })
            .failure_policy(FAILURE_POLICY)
            .shutdown_timeout(SHUTDOWN_TIMEOUT)
            .start(move || {
                let number = instances.fetch_add(1, Ordering::Relaxed) % LIVES_MAX;
                SimulatedHandler { process, number }
            })
    });
}

/// Pattern 2, until the process is to end.
pub(super) fn worker_pool(
    process: usize,
    plan: &Plan,
    member: usize,
    (pollers, workers): (usize, usize),
) {
    keep_running(process, || {
        Runtime::worker_pool(config(plan, member, false))
            .topics(TOPICS[..plan.members[member].topics].iter().copied())
            .pollers(pollers)
            .workers(workers)
            .ordering(plan.ordering)
            .failure_policy(FAILURE_POLICY)
            .shutdown_timeout(SHUTDOWN_TIMEOUT)
            .drain_timeout(DRAIN_TIMEOUT)
            .start(move || SimulatedHandler { process, number: 0 })
    });
}

/// Starts a runtime, and starts it again when it ends by itself.
fn keep_running(process: usize, start: impl Fn() -> Result<RuntimeHandle, Error>) {
    while !with(|world| world.is_over(process)) {
        let handle = start().expect("a simulated host refuses nothing");
        while !with(|world| world.is_over(process)) && !handle.is_stopping() {
            with(|world| world.sleep(LOOK_INTERVAL));
        }
        match handle.shutdown() {
            Err(error) => with(|world| world.saw_error(process, "runtime", &error)),
            Ok(report) => with(|world| {
                let mut inner = world.inner.borrow_mut();
                let now = inner.now;
                inner
                    .history
                    .note(now, || format!("p{process} ended its runtime: {report:?}"));
                if !report.stuck_threads.is_empty() && inner.processes[process].is_alive {
                    inner.coverage.count("error", "runtime: stuck threads");
                }
            }),
        }
        if !with(|world| world.is_over(process)) {
            with(|world| world.sleep(RESTART_AFTER));
        }
    }
}

/// The handler of either pattern.
struct SimulatedHandler {
    process: usize,
    /// Of the handler, where each thread has its own.
    number: usize,
}

impl Handler for SimulatedHandler {
    fn handle(
        &mut self,
        record: &ConsumerRecord<'_>,
        context: &Context<'_>,
    ) -> Result<(), HandlerError> {
        let instance = Instance((self.process * LIVES_MAX + self.number) as u32);
        let partition = record.topic_partition();
        let place = (self.process, instance);
        let handling = with(|world| {
            if context.attempt() > 1 {
                world.inner.borrow_mut().coverage.count("handler", "retry");
            }
            world.handle(place, partition, record.offset(), record.key())
        });
        match handling {
            Handling::Done => Ok(()),
            Handling::Failed => Err(HandlerError::transient("it was ordered to fail")),
            Handling::FailedForGood => Err(HandlerError::permanent("it was ordered to fail")),
        }
    }
}

/// Failures that pass are tried again for ever; a record that fails for good is left out, which
/// counts as finished.
const FAILURE_POLICY: FailurePolicy = FailurePolicy::retry_forever()
    .backoff(ExponentialBackoff::new(
        Duration::from_millis(100),
        Duration::from_secs(2),
    ))
    .then(Terminal::Skip);
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
const DRAIN_TIMEOUT: Duration = Duration::from_secs(4);
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
const RESTART_AFTER: Duration = Duration::from_secs(1);
