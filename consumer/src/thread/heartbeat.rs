//! The heartbeat thread: it waits for sockets, commands and deadlines, feeds `GroupCore`, and
//! performs what that answers. [`HeartbeatThread`] is the consumer's end of it.
//!
//! It decides nothing about a group, and runs no code of the user's but the assignor.

#![expect(
    clippy::disallowed_methods,
    reason = "the shell of a thread waits and reads the clock"
)]

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use weft_client::net::NetworkWaker;
use weft_client::{Error, ErrorKind};

use super::lanes::Lanes;
use crate::lane::{Change, Command, GroupResult};

/// The consumer's end of its heartbeat thread. It belongs to the consumer thread; no method but
/// [`join_by`](Self::join_by) waits.
///
/// Dropping it asks the thread to end and does not wait.
#[derive(Debug)]
pub(crate) struct HeartbeatThread {
    lanes: Arc<Lanes>,
    /// Ends the thread's wait for sockets.
    waker: NetworkWaker,
    thread: Option<JoinHandle<()>>,
}

impl HeartbeatThread {
    /// Runs `body` in a thread of this name. When it panics the consumer is woken and told.
    fn spawn(
        name: String,
        lanes: Arc<Lanes>,
        waker: NetworkWaker,
        consumer: NetworkWaker,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<Self, Error> {
        let shared = Arc::clone(&lanes);
        let run = move || {
            match catch_unwind(AssertUnwindSafe(body)) {
                Ok(()) => shared.finish(),
                Err(payload) => {
                    let text = panic_text(&*payload);
                    tracing::error!(panic = text, "the heartbeat thread died");
                    shared.die(text);
                }
            }
            consumer.wake();
        };
        let thread = thread::Builder::new().name(name).spawn(run).map_err(|e| {
            Error::new(ErrorKind::Io, "the heartbeat thread cannot be started").with_source(e)
        })?;
        Ok(Self {
            lanes,
            waker,
            thread: Some(thread),
        })
    }

    /// Sends a command; commands arrive in their order.
    ///
    /// # Errors
    ///
    /// - `Closed`, fatal, with the text of the panic, if the thread died.
    /// - `BufferExhausted` for a commit or a question if too many wait already.
    pub(crate) fn send(&self, command: Command) -> Result<(), Error> {
        self.lanes.push_command(command)?;
        self.waker.wake();
        Ok(())
    }

    /// Whether there is a change or a result to be taken. One atomic load: this is asked in every
    /// `poll`.
    pub(crate) fn has_news(&self) -> bool {
        self.lanes.has_news()
    }

    /// Takes the change that waits to be applied. It must be answered, unless it is stale.
    pub(crate) fn take_change(&self) -> Option<Change> {
        self.lanes.take_change()
    }

    /// Appends all results that wait.
    pub(crate) fn take_results(&self, into: &mut Vec<GroupResult>) {
        self.lanes.take_results(into);
    }

    /// Takes note that the consumer polls. One atomic store: the thread is not woken.
    pub(crate) fn polled(&self, now: Instant) {
        self.lanes.stamp_poll(now);
    }

    /// Whether the thread runs.
    pub(crate) fn is_alive(&self) -> bool {
        self.lanes.is_alive()
    }

    /// Asks the thread to end, after it has done what was asked of it before, and waits for it
    /// until `deadline` at the longest. Tells whether it ended.
    pub(crate) fn join_by(mut self, deadline: Instant) -> bool {
        self.stop(deadline);
        let has_ended = self.lanes.wait_for_end(deadline);
        if has_ended && let Some(thread) = self.thread.take() {
            // All that the thread still does is to wake this one and return.
            drop(thread.join());
        }
        has_ended
    }

    fn stop(&self, stop_by: Instant) {
        self.lanes.stop(stop_by);
        self.waker.wake();
    }
}

impl Drop for HeartbeatThread {
    fn drop(&mut self) {
        if let Some(stop_by) = Instant::now().checked_add(DROP_GRACE) {
            self.stop(stop_by);
        }
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without text")
}

/// How long a thread whose consumer was dropped may take to bring its last requests on their way.
const DROP_GRACE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use weft_client::ClientConfig;
    use weft_client::net::NetworkClient;

    use super::*;
    use crate::lane::{CommandId, MembershipOperation};

    /// Much longer than anything here takes.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn network() -> NetworkClient {
        let config = ClientConfig::builder().bootstrap_servers("127.0.0.1:1");
        NetworkClient::new(&config.build().unwrap()).unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + PATIENCE
    }

    fn leave() -> Command {
        Command::Leave {
            id: CommandId(1),
            reason: "test".into(),
            operation: MembershipOperation::Default,
            wait_until: None,
        }
    }

    #[test]
    fn a_panic_in_the_thread_wakes_the_consumer_and_fails_what_it_does_next() {
        let mut consumer = network();
        let lanes = Arc::new(Lanes::new());
        let waker = network().waker();
        let body = || panic!("the generation is {}", 7);
        let thread =
            HeartbeatThread::spawn("test".into(), lanes, waker, consumer.waker(), body).unwrap();
        consumer.poll(PATIENCE, &mut Vec::new());
        assert!(!thread.is_alive() && thread.has_news());
        let error = thread.send(leave()).unwrap_err();
        assert!(error.is_fatal());
        assert!(error.to_string().contains("the generation is 7"), "{error}");
        let mut results = Vec::new();
        thread.take_results(&mut results);
        assert!(matches!(&results[..], [GroupResult::Failed(_)]));
        assert!(thread.join_by(soon()));
    }
}
