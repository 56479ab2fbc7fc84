//! What is behind the guard: the poll loop, and what of the user's it has to call back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use weft_client::net::NetworkCounters;
use weft_client::{Error, ErrorKind, GenerationId, OffsetAndMetadata, TopicName, TopicPartition};

use super::committing::Commits;
use super::group::Revoking;
use crate::assign::Assignor;
use crate::config::ConsumerConfig;
use crate::interceptor::Interceptors;
use crate::lane::{CommandId, GroupMetadata, GroupResult, SubscriptionEpoch};
use crate::listener::RebalanceListener;
use crate::metrics::MetricsHandle;
use crate::thread::PollLoop;
use crate::wakeup::WakeupHandle;

/// Everything of a consumer but its guard.
pub(crate) struct State {
    pub(super) poll_loop: PollLoop,
    pub(super) listener: Option<Box<dyn RebalanceListener>>,
    pub(super) interceptors: Interceptors,
    pub(super) epoch: SubscriptionEpoch,
    pub(super) last_command: u64,
    /// Commands whose results are awaited.
    pub(super) waiting: BTreeMap<CommandId, Waiting>,
    /// Results that a waiting call has not fetched yet.
    pub(super) finished: BTreeMap<CommandId, Finished>,
    /// Commits that nobody waits for.
    pub(super) commits: Commits,
    /// A revocation that waits for its commit.
    pub(super) revoking: Option<Revoking>,
    /// Why the heartbeat thread is dead, if it died.
    death: Option<Error>,
    /// Another process took over `group.instance.id`: until the user unsubscribes, every `poll` and
    /// every commit says so.
    pub(super) fenced: Option<Error>,
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
            interceptors: Interceptors::default(),
            epoch: SubscriptionEpoch(0),
            last_command: 0,
            waiting: BTreeMap::new(),
            finished: BTreeMap::new(),
            commits: Commits::default(),
            revoking: None,
            death: None,
            fenced: None,
            membership: None,
            auto_commit_at: None,
            is_closed: false,
            results: Vec::new(),
        })
    }

    pub(super) fn wakeup(&self) -> &WakeupHandle {
        self.poll_loop.wakeup()
    }

    pub(super) fn metrics(&self) -> &MetricsHandle {
        self.poll_loop.metrics()
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
        let is_alive = heartbeat.is_alive();
        for result in results.drain(..) {
            self.take_result(now, result, is_alive);
        }
        self.results = results;
    }

    /// Fails if the heartbeat thread died: nothing that needs the group can succeed any more. Nor
    /// can anything if no broker has an address.
    #[inline]
    pub(super) fn check_death(&self) -> Result<(), Error> {
        let unreachable = || self.poll_loop.core.fatal_error();
        self.death.clone().or_else(unreachable).map_or(Ok(()), Err)
    }

    /// Fails if another process took over `group.instance.id`.
    #[inline]
    pub(super) fn check_fenced(&self) -> Result<(), Error> {
        self.fenced.clone().map_or(Ok(()), Err)
    }

    fn take_result(&mut self, now: Instant, result: GroupResult, is_alive: bool) {
        match result {
            GroupResult::Committed { id, result } => match self.waiting.remove(&id) {
                Some(Waiting::Call) => {
                    self.finished.insert(id, Finished::Committed(result));
                }
                Some(Waiting::Positions(_)) | None => self.commit_settled(now, id, result),
            },
            GroupResult::Fetched { id, result } => match self.waiting.remove(&id) {
                Some(Waiting::Call) => {
                    self.finished.insert(id, Finished::Fetched(result));
                }
                Some(Waiting::Positions(partitions)) => {
                    self.positions_told(now, &partitions, result);
                }
                None => {}
            },
            GroupResult::Left { id } => {
                if self.waiting.remove(&id).is_some() {
                    self.finished.insert(id, Finished::Left);
                }
            }
            GroupResult::Membership(membership) => self.membership = Some(membership),
            GroupResult::Failed(error) if error.kind() == ErrorKind::FencedInstanceId => {
                self.fenced = Some(error);
            }
            GroupResult::Failed(error) if is_alive => self.poll_loop.core.push_error(error),
            GroupResult::Failed(error) => self.death = Some(error),
        }
    }
}
