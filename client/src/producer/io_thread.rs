//! The loop of the producer's thread: waits on the network, feeds the machines, sends what they
//! say, and hands out receipts. It takes no decisions.

#![expect(
    clippy::disallowed_methods,
    reason = "the shell that waits must know the time"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::receipts::Receipts;
use super::sender::{Delivered, Output, Sender};
use super::shared::{Shared, State};
use crate::error::{Error, ErrorKind};
use crate::ids::Broker;
use crate::net::{Lane, NetworkClient, NetworkEvent};

/// Everything that belongs to the thread.
#[derive(Debug)]
pub(super) struct IoThread {
    shared: Arc<Shared>,
    network: NetworkClient,
    sender: Sender<Receipts>,
    /// The belief that the accumulator has learnt.
    learnt: u64,
    outputs: Vec<Output<Receipts>>,
    settled: Vec<Settled>,
    // Kept for their memory; empty between rounds.
    expired: Vec<Batch<Receipts>>,
    drained: Vec<(Arc<Broker>, Batch<Receipts>)>,
    events: Vec<NetworkEvent>,
}

/// What the accumulator has to be told.
#[derive(Debug)]
enum Settled {
    Finished {
        number: u64,
        reserved: usize,
        failure: Option<(Error, usize)>,
    },
    PutBack(Box<Batch<Receipts>>, Instant),
    Unmute(usize),
}

/// How a round ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// Look again at this time, or when something happened.
    Wait(Option<Instant>),
    /// The producer is closed and nothing is left to do.
    Over,
}

/// Marks the end of the thread however it comes, so that nobody waits for it any more.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        let mut lost = Vec::new();
        let mut state = self.0.lock();
        state.is_over = true;
        // After a panic of ours there may be some; dropping them tells their callers.
        state.accumulator.take_all(&mut lost);
        drop(state);
        drop(lost);
        self.0.notify();
    }
}

impl IoThread {
    pub(super) fn new(
        shared: Arc<Shared>,
        network: NetworkClient,
        sender: Sender<Receipts>,
    ) -> Self {
        Self {
            shared,
            network,
            sender,
            learnt: 0,
            outputs: Vec::new(),
            settled: Vec::new(),
            expired: Vec::new(),
            drained: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Runs until the producer is closed.
    pub(super) fn run(mut self) {
        let _end = End(Arc::clone(&self.shared));
        loop {
            let now = Instant::now();
            let Round::Wait(look_again_at) = self.look(now) else {
                break;
            };
            self.give_up_expired();
            self.sender.expire(now, &mut self.outputs);
            self.sender.send(&mut self.drained, &mut self.outputs);
            self.sender
                .ask_for_metadata(now, &self.network, &mut self.outputs);
            self.perform(now);
            let deadline = look_again_at
                .into_iter()
                .chain(self.sender.next_deadline())
                .min();
            let timeout = match deadline {
                _ if !self.settled.is_empty() => Duration::ZERO,
                Some(deadline) => deadline.saturating_duration_since(now),
                None => WAIT_MAX,
            };
            self.network.poll(timeout, &mut self.events);
            let now = Instant::now();
            for event in self.events.drain(..) {
                self.sender.handle(now, event, &mut self.outputs);
            }
            self.perform(now);
        }
    }

    /// One look at the accumulator, under its lock: tells it what happened, and takes what is due.
    fn look(&mut self, now: Instant) -> Round {
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        let mut is_changed = !self.settled.is_empty();
        for settled in self.settled.drain(..) {
            tell(state, settled);
        }
        for topic in state.accumulator.topics().take_wanted() {
            self.sender.want(&topic);
        }
        let (version, snapshot) = self.sender.belief();
        if version != self.learnt {
            self.learnt = version;
            state.accumulator.learn(snapshot);
            is_changed = true;
        }
        state.last_failure = self.sender.last_failure().cloned();
        let is_over = match state.closes_at {
            Some(closes_at) => {
                state.accumulator.begin_flush();
                closes_at <= now || state.accumulator.is_empty()
            }
            None => false,
        };
        if is_over {
            state.accumulator.take_all(&mut self.expired);
            self.sender.take_all(&mut self.expired);
            drop(guard);
            self.give_up_closed();
            return Round::Over;
        }
        state.accumulator.expire(now, &mut self.expired);
        let (sender, network) = (&mut self.sender, &self.network);
        let next_at = state.accumulator.drain(
            now,
            &mut |partition, size| sender.destination(now, partition, size, network),
            &mut self.drained,
        );
        let closes_at = state.closes_at;
        drop(guard);
        if is_changed {
            self.shared.notify();
        }
        Round::Wait(next_at.into_iter().chain(closes_at).min())
    }

    fn give_up_expired(&mut self) {
        for mut batch in std::mem::take(&mut self.expired) {
            let error = self.sender.expired(&mut batch);
            self.settle(batch, &Err(error));
        }
    }

    fn give_up_closed(&mut self) {
        for batch in std::mem::take(&mut self.expired) {
            let text = format!(
                "{} records were given up: the producer was closed",
                batch.records
            );
            let error = Error::new(ErrorKind::Closed, text);
            let error = error.with_topic_partition(batch.partition.clone());
            self.settle(batch, &Err(error));
        }
        let mut state = self.shared.lock();
        for settled in self.settled.drain(..) {
            tell(&mut state, settled);
        }
    }

    fn perform(&mut self, now: Instant) {
        for output in std::mem::take(&mut self.outputs) {
            match output {
                Output::Send(request) => self.network.send(now, *request),
                Output::Disconnect(node) => self.network.disconnect(now, node, Lane::General),
                Output::Done(batch, outcome) => self.settle(*batch, &outcome),
                Output::PutBack(batch, at) => self.settled.push(Settled::PutBack(batch, at)),
                Output::Unmute(queue) => self.settled.push(Settled::Unmute(queue)),
            }
        }
    }

    /// Hands the receipts out, without the lock: callbacks run here.
    fn settle(&mut self, mut batch: Batch<Receipts>, outcome: &Result<Delivered, Error>) {
        batch.receipts.hand_out(outcome);
        let failure = outcome.as_ref().err();
        self.settled.push(Settled::Finished {
            number: batch.number,
            reserved: batch.reserved,
            failure: failure.map(|error| (error.clone(), batch.records)),
        });
    }
}

fn tell(state: &mut State, settled: Settled) {
    match settled {
        Settled::Finished {
            number,
            reserved,
            failure,
        } => {
            state.accumulator.finish(number, reserved);
            if let Some((error, records)) = failure {
                state.failure.get_or_insert((error, 0)).1 += records;
            }
        }
        Settled::PutBack(batch, retry_at) => state.accumulator.put_back(*batch, retry_at),
        Settled::Unmute(queue) => state.accumulator.unmute(queue),
    }
}

/// How long the thread sleeps where nothing is due.
const WAIT_MAX: Duration = Duration::from_secs(60);
