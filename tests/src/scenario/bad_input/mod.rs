//! What clients make of peers that are no brokers, and of options that make no sense.

#![expect(
    clippy::disallowed_methods,
    reason = "a scenario measures that calls keep to their timeouts"
)]

mod clients;
mod consumer;

use std::thread;
use std::time::{Duration, Instant};

use weft_client::Error;

use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::peer::{Misbehaviour, Peer};

pub use clients::{
    a_producer_survives_peers_that_are_no_brokers, an_admin_survives_peers_that_are_no_brokers,
    what_does_not_exist_is_named,
};
pub use consumer::{
    a_consumer_survives_peers_that_are_no_brokers, options_that_make_no_sense_are_refused_by_name,
};

/// Runs `calls` against the address of every kind of peer that is no broker, all at once: each call
/// is mostly waiting.
pub(super) fn with_every_peer(calls: fn(&str) -> Result<(), Failure>) -> Outcome {
    let results: Vec<Result<(), Failure>> = thread::scope(|scope| {
        let running: Vec<_> = Misbehaviour::ALL
            .into_iter()
            .map(|misbehaviour| {
                scope.spawn(move || {
                    let peer = Peer::start(misbehaviour)?;
                    calls(&peer.address()).map_err(|failure| failure.during(misbehaviour))
                })
            })
            .collect();
        let panicked = |_| Err(Failure::because("a client panicked"));
        let running = running.into_iter();
        running
            .map(|thread| thread.join().unwrap_or_else(panicked))
            .collect()
    });
    results.into_iter().collect::<Result<(), Failure>>()?;
    Ok(format!("{} kinds of peers", Misbehaviour::ALL.len()))
}

/// Fails unless the call does, in its time and with the address in its text.
fn fails_in_time(
    name: &str,
    address: &str,
    call: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Failure> {
    match timed(name, call)? {
        Ok(()) => Err(Failure::because(format!("{name} succeeds"))),
        Err(error) => {
            ensure!(
                error.to_string().contains(address),
                "{name} does not name {address}: {error:?}"
            );
            Ok(())
        }
    }
}

/// Calls, and fails if that takes much longer than it may.
fn timed<T>(name: &str, call: impl FnOnce() -> T) -> Result<T, Failure> {
    let began_at = Instant::now();
    let result = call();
    let took = began_at.elapsed();
    ensure!(
        took < SHORT + GRACE,
        "{name} took {took:?} instead of {SHORT:?}"
    );
    Ok(result)
}

/// The time given to a call that cannot succeed.
const SHORT: Duration = Duration::from_millis(1_500);

/// How much longer than its timeout a call may take on a busy machine.
const GRACE: Duration = Duration::from_secs(3);
