//! What is behind the guard: the poll loop, and what of the user's it has to call back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use weft_client::net::NetworkCounters;
use weft_client::{Error, GenerationId, OffsetAndMetadata, TopicName, TopicPartition};

use crate::assign::Assignor;
use crate::config::ConsumerConfig;
use crate::lane::{CommandId, GroupMetadata, GroupResult, Offsets, SubscriptionEpoch};
use crate::listener::{OffsetCommitCallback, RebalanceListener};
use crate::thread::PollLoop;
use crate::wakeup::WakeupHandle;

/// Everything of a consumer but its guard.
pub(crate) struct State {
    pub(super) poll_loop: PollLoop,
    pub(super) listener: Option<Box<dyn RebalanceListener>>,
    pub(super) epoch: SubscriptionEpoch,
    pub(super) last_command: u64,
    /// Commands whose results are awaited.
    pub(super) waiting: BTreeMap<CommandId, Waiting>,
    /// Results that a waiting call has not fetched yet.
    pub(super) finished: BTreeMap<CommandId, Finished>,
    /// Asynchronous commits whose callbacks have not run yet, in their order.
    pub(super) callbacks: VecDeque<(Offsets, Result<(), Error>, Option<OffsetCommitCallback>)>,
    pub(super) membership: Option<GroupMetadata>,
    pub(super) auto_commit_at: Option<Instant>,
    is_closed: bool,
    results: Vec<GroupResult>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("epoch", &self.epoch)
            .field("membership", &self.membership)
            .finish_non_exhaustive()
    }
}

/// Who waits for a command.
pub(super) enum Waiting {
    /// A call that is running.
    Call,
    /// The callback of an asynchronous commit.
    Callback(Offsets, Option<OffsetCommitCallback>),
    /// Partitions without a position.
    Positions(BTreeSet<TopicPartition>),
}

/// What a call waited for.
pub(super) enum Finished {
    Committed(Result<(), Error>),
    Fetched(Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, Error>),
    Left,
}

impl State {
    pub(super) fn new(
        config: ConsumerConfig,
        assignors: Vec<Arc<dyn Assignor>>,
    ) -> Result<Self, Error> {
        Ok(Self {
            poll_loop: PollLoop::new(config, assignors)?,
            listener: None,
            epoch: SubscriptionEpoch(0),
            last_command: 0,
            waiting: BTreeMap::new(),
            finished: BTreeMap::new(),
            callbacks: VecDeque::new(),
            membership: None,
            auto_commit_at: None,
            is_closed: false,
            results: Vec::new(),
        })
    }

    pub(super) fn wakeup(&self) -> &WakeupHandle {
        self.poll_loop.wakeup()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    pub(super) fn set_closed(&mut self) {
        self.is_closed = true;
    }

    pub(crate) fn assignment(&self) -> BTreeSet<TopicPartition> {
        self.poll_loop.core.assignment().clone()
    }

    pub(super) fn subscription(&self) -> BTreeSet<TopicName> {
        self.poll_loop.core.subscription().topics()
    }

    pub(super) fn network_counters(&self) -> NetworkCounters {
        self.poll_loop.network().counters()
    }

    pub(super) fn command_id(&mut self) -> CommandId {
        self.last_command += 1;
        CommandId(self.last_command)
    }

    /// Whether the coordinator counts this consumer as a member, as far as is known here.
    pub(super) fn is_member(&self) -> bool {
        let membership = self.membership.as_ref();
        membership.is_some_and(|known| known.generation != GenerationId::NONE)
    }

    /// Takes in what became of commands. Never changes the assignment.
    pub(super) fn take_results(&mut self, now: Instant) {
        let Some(heartbeat) = self.poll_loop.heartbeat() else {
            return;
        };
        if !heartbeat.has_news() {
            return;
        }
        let mut results = std::mem::take(&mut self.results);
        heartbeat.take_results(&mut results);
        for result in results.drain(..) {
            self.take_result(now, result);
        }
        self.results = results;
    }

    fn take_result(&mut self, now: Instant, result: GroupResult) {
        match result {
            GroupResult::Committed { id, result } => match self.waiting.remove(&id) {
                Some(Waiting::Call) => {
                    self.finished.insert(id, Finished::Committed(result));
                }
                Some(Waiting::Callback(offsets, callback)) => {
                    self.callbacks.push_back((offsets, result, callback));
                }
                Some(Waiting::Positions(_)) | None => {}
            },
            GroupResult::Fetched { id, result } => match self.waiting.remove(&id) {
                Some(Waiting::Call) => {
                    self.finished.insert(id, Finished::Fetched(result));
                }
                Some(Waiting::Positions(partitions)) => {
                    self.positions_told(now, &partitions, result);
                }
                Some(Waiting::Callback(..)) | None => {}
            },
            GroupResult::Left { id } => {
                if self.waiting.remove(&id).is_some() {
                    self.finished.insert(id, Finished::Left);
                }
            }
            GroupResult::Membership(membership) => self.membership = Some(membership),
            GroupResult::Failed(error) => self.poll_loop.core.push_error(error),
        }
    }
}
