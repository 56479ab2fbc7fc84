//! The heartbeat thread: it waits for sockets, commands and deadlines, feeds `GroupCore`, and
//! performs what that answers. [`HeartbeatThread`] is the consumer's end of it.
//!
//! It decides nothing about a group, and runs no code of the user's but the assignor.

#![expect(
    clippy::disallowed_methods,
    reason = "the shell of a thread waits and reads the clock"
)]

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use weft_client::host::{self, Thread};
use weft_client::net::{NetworkClient, NetworkEvent, NetworkWaker};
use weft_client::{Error, ErrorKind};

use super::lanes::Lanes;
use crate::assign::Assignor;
use crate::group::{GroupCore, GroupInput, GroupOutput, GroupSettings, panic_text};
use crate::lane::{Change, Command, GroupResult};
use crate::metrics::{MetricsHandle, Progress, Side};

/// The consumer's end of its heartbeat thread. It belongs to the consumer thread; no method but
/// [`join_by`](Self::join_by) waits.
///
/// Dropping it asks the thread to end and does not wait.
#[derive(Debug)]
pub(crate) struct HeartbeatThread {
    lanes: Arc<Lanes>,
    /// Ends the thread's wait for sockets.
    waker: NetworkWaker,
    thread: Option<Thread>,
}

impl HeartbeatThread {
    /// Starts the thread of a member that wants nothing yet. Whatever there is for the consumer
    /// wakes `consumer`.
    ///
    /// # Errors
    ///
    /// `Io` if the operating system refuses a thread, or the means to wait for sockets.
    pub(crate) fn start(
        settings: GroupSettings,
        assignors: Vec<Arc<dyn Assignor>>,
        consumer: NetworkWaker,
        metrics: MetricsHandle,
    ) -> Result<Self, Error> {
        let network = NetworkClient::new(&settings.client)?;
        let waker = network.waker();
        let lanes = Arc::new(Lanes::new());
        // The operating system refuses names with a zero byte.
        let name = format!("weft-heartbeat-{}", settings.group_id).replace('\0', "");
        let seed = host::random_seed();
        let shell = Shell {
            core: GroupCore::new(settings, assignors, host::now(), seed),
            network,
            lanes: Arc::clone(&lanes),
            consumer: consumer.clone(),
            metrics,
            progress: Progress::default(),
            events: Vec::new(),
            commands: Vec::new(),
            inputs: VecDeque::new(),
            outputs: Vec::new(),
        };
        Self::spawn(name, lanes, waker, consumer, move || shell.run())
    }

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
        let thread = host::spawn(name, run).map_err(|e| {
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
            thread.join();
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
        if let Some(stop_by) = host::now().checked_add(DROP_GRACE) {
            self.stop(stop_by);
        }
    }
}

/// The thread's end: the machine, and all that it is fed with.
struct Shell {
    core: GroupCore,
    network: NetworkClient,
    lanes: Arc<Lanes>,
    consumer: NetworkWaker,
    metrics: MetricsHandle,
    /// What the metrics know of the membership.
    progress: Progress,
    events: Vec<NetworkEvent>,
    commands: Vec<Command>,
    inputs: VecDeque<GroupInput>,
    outputs: Vec<GroupOutput>,
}

impl Shell {
    fn run(mut self) {
        while !self.turn() {}
        self.network.flush(host::now());
    }

    /// Waits, feeds everything that is ready, performs the outputs. Tells whether the thread is
    /// done.
    fn turn(&mut self) -> bool {
        let wait = self.time_to_wait();
        self.network.poll(wait, &mut self.events);
        // Looked at before the commands, so that those sent before the request to end are among
        // them.
        let stop_by = self.lanes.stop_by();
        self.lanes.take_commands(&mut self.commands);
        let now = host::now();
        self.metrics
            .network_turn(now, Side::Heartbeat, &mut self.network, &self.events);
        self.inputs
            .extend(self.events.drain(..).map(GroupInput::Network));
        self.inputs
            .extend(self.commands.drain(..).map(GroupInput::Command));
        self.inputs.push_back(GroupInput::Tick);
        let mut has_news = false;
        while let Some(input) = self.inputs.pop_front() {
            let last_poll = self.lanes.last_poll();
            self.core
                .handle(now, input, last_poll, &self.network, &mut self.outputs);
            self.note_progress(now);
            has_news |= self.perform(now);
        }
        if has_news {
            self.consumer.wake();
        }
        stop_by.is_some_and(|stop_by| stop_by <= now || self.core.is_finished())
    }

    fn note_progress(&mut self, now: Instant) {
        let progress = self.core.progress();
        if progress != self.progress {
            self.progress = progress;
            self.metrics.membership(now, progress);
        }
    }

    fn time_to_wait(&self) -> Duration {
        let deadline = self.core.next_deadline(self.lanes.last_poll());
        let deadline = deadline.into_iter().chain(self.lanes.stop_by()).min();
        deadline.map_or(Duration::MAX, |deadline| {
            deadline.saturating_duration_since(host::now())
        })
    }

    /// Performs what the machine answered, and tells whether the consumer has to hear of it.
    fn perform(&mut self, now: Instant) -> bool {
        let mut has_news = false;
        for output in self.outputs.drain(..) {
            match output {
                GroupOutput::Send(request) => self.network.send(now, request),
                GroupOutput::Disconnect { node, lane } => self.network.disconnect(now, node, lane),
                GroupOutput::Publish(change) => {
                    self.lanes.publish(change);
                    has_news = true;
                }
                GroupOutput::Withdraw(change) => {
                    if self.lanes.withdraw(change) {
                        self.inputs.push_front(GroupInput::Withdrawn(change));
                    }
                }
                GroupOutput::Result(result) => {
                    self.lanes.push_result(result);
                    has_news = true;
                }
            }
        }
        has_news
    }
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

    fn start(consumer: &NetworkClient) -> HeartbeatThread {
        let config = crate::ConsumerConfig::builder()
            .set("bootstrap.servers", "127.0.0.1:1")
            .set("group.id", "g")
            .build()
            .unwrap();
        let settings = GroupSettings::from_config(&config).unwrap();
        let metrics = MetricsHandle::new(&config);
        HeartbeatThread::start(settings, config.assignors(), consumer.waker(), metrics).unwrap()
    }

    #[test]
    fn a_leave_is_answered_and_wakes_the_consumer_and_then_the_thread_ends() {
        let mut consumer = network();
        let thread = start(&consumer);
        thread.polled(Instant::now());
        thread.send(leave()).unwrap();
        consumer.poll(PATIENCE, &mut Vec::new());
        assert!(thread.is_alive() && thread.has_news());
        let mut results = Vec::new();
        thread.take_results(&mut results);
        assert!(matches!(
            &results[..],
            [GroupResult::Left { id: CommandId(1) }]
        ));
        assert!(thread.join_by(soon()));
    }

    #[test]
    fn what_was_sent_before_the_end_was_asked_for_is_done_before_the_end() {
        let thread = start(&network());
        thread.send(leave()).unwrap();
        let lanes = Arc::clone(&thread.lanes);
        assert!(thread.join_by(soon()));
        let mut results = Vec::new();
        lanes.take_results(&mut results);
        assert_eq!(results.len(), 1);
    }

    #[test]
    fn dropping_the_handle_ends_the_thread() {
        let thread = start(&network());
        let lanes = Arc::clone(&thread.lanes);
        drop(thread);
        assert!(lanes.wait_for_end(soon()));
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
