//! What a consumer does to threads that use it at once.

#![expect(
    clippy::disallowed_methods,
    reason = "a scenario measures that a call returns long before its timeout"
)]

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use weft_client::{Error, ErrorKind};
use weft_consumer::Consumer;

use crate::cluster::{Cluster, Witness, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::member::config;
use crate::wait::{self, Look, PATIENCE};

/// A second thread in the consumer panics, and both are named; the first one polls on unharmed.
/// Only `wakeup` may come from elsewhere: it ends the poll.
///
/// # Errors
///
/// If it is otherwise.
pub fn two_threads_in_a_consumer_panic_and_wakeup_does_not(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("misuse", 1)?;
    let group = cluster.fresh("misuse");
    let mut witness = cluster.witness()?;
    let consumer = Consumer::new(config(cluster, &[("group.id", &group)])?)?;
    consumer.subscribe([topic.as_str()])?;
    let consumer = Arc::new(consumer);

    let poller = poll_once(&consumer, "the-poller")?;
    wait_until_inside(&mut witness, &group)?;
    for (call, misuse) in [
        (
            "poll",
            (|it: &Consumer| drop(it.poll(Duration::ZERO))) as fn(&Consumer),
        ),
        ("commit_sync", |it| drop(it.commit_sync())),
        ("close", |it| drop(it.close())),
    ] {
        let text = panic_of(&consumer, "the-intruder", misuse)?;
        for part in ["the-poller", "the-intruder", call, "wakeup"] {
            ensure!(
                text.contains(part),
                "no {part} in the panic of {call}: {text}"
            );
        }
    }
    let filled = fill(&mut witness, &topic, 10, NonZeroU32::MIN)?;
    let polled = join(poller)?;
    ensure!(
        polled.as_ref().is_ok_and(|count| *count > 0),
        "the poller was harmed: {polled:?}"
    );
    let mut count = polled?;
    while count < filled.records() {
        count += consumer.poll(PATIENCE)?.count() as u64;
    }

    let poller = poll_once(&consumer, "the-poller")?;
    let began_at = Instant::now();
    let handle = consumer.wakeup_handle();
    handle.wakeup();
    let polled = join(poller)?;
    let kind = polled.as_ref().map_err(Error::kind);
    ensure!(kind == Err(ErrorKind::Wakeup), "not woken up: {polled:?}");
    ensure!(began_at.elapsed() < PATIENCE, "the wakeup came too late");
    // A wakeup ends one call, not two.
    ensure!(
        consumer.poll(Duration::ZERO)?.is_empty(),
        "records from nowhere"
    );
    consumer.wakeup();
    let kind = consumer
        .poll(PATIENCE)
        .map(drop)
        .map_err(|error| error.kind());
    ensure!(
        kind == Err(ErrorKind::Wakeup),
        "a wakeup before the poll is lost"
    );
    consumer.close()?;
    handle.wakeup();
    Ok(String::new())
}

/// Polls once, for longer than the scenario may take, on a thread of this name.
fn poll_once(
    consumer: &Arc<Consumer>,
    name: &str,
) -> Result<JoinHandle<Result<u64, Error>>, Failure> {
    let consumer = Arc::clone(consumer);
    let poll = move || Ok(consumer.poll(PATIENCE.saturating_mul(4))?.count() as u64);
    Ok(thread::Builder::new().name(name.into()).spawn(poll)?)
}

fn join(thread: JoinHandle<Result<u64, Error>>) -> Result<Result<u64, Error>, Failure> {
    let joined = thread.join();
    joined.map_err(|_| Failure::because("the poller panicked"))
}

/// Members join inside `poll` only, and without records `poll` does not return.
fn wait_until_inside(witness: &mut Witness, group: &str) -> Result<(), Failure> {
    wait::until("the poll having joined the group", PATIENCE, || {
        let described = witness.group(group)?;
        Ok(Look::at(described.is_stable(), || format!("{described:?}")))
    })
}

/// The text with which `misuse` panics on a thread of this name.
fn panic_of(
    consumer: &Arc<Consumer>,
    name: &str,
    misuse: fn(&Consumer),
) -> Result<String, Failure> {
    let consumer = Arc::clone(consumer);
    let intrude = move || catch_unwind(AssertUnwindSafe(|| misuse(&consumer)));
    let thread = thread::Builder::new().name(name.into()).spawn(intrude)?;
    let caught = thread.join();
    match caught.map_err(|_| Failure::because("the panic was not caught"))? {
        Ok(()) => Err(Failure::because(
            "two threads were inside the consumer at once",
        )),
        Err(payload) => Ok(payload
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_default()),
    }
}
