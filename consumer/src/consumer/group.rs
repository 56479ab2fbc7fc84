//! Membership: subscribing, applying what the group decided, giving everything up.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use weft_client::{Error, ErrorKind, GenerationId, MemberId, TopicName, TopicPartition};

use super::polling::end_of;
use super::state::State;
use crate::callback::RebalanceConsumer;
use crate::lane::{
    ChangeId, ChangeKind, Command, CommandId, GroupMetadata, MembershipOperation, SubscriptionEpoch,
};
use crate::listener::{CallbackError, RebalanceListener};
use crate::metrics::Callback;
use crate::subscription::{Subscription, TopicPattern};
use crate::thread::HeartbeatThread;

/// A revocation whose commit is under way.
pub(super) struct Revoking {
    change: ChangeId,
    partitions: BTreeSet<TopicPartition>,
    commit: CommandId,
    /// When it goes on without the commit.
    pub(super) until: Instant,
}

/// What a callback came to: a failure is told after the rebalance, a panic goes on after it.
pub(super) type Outcome = std::thread::Result<Result<(), Error>>;

impl State {
    pub(super) fn subscribe(
        &mut self,
        topics: BTreeSet<TopicName>,
        listener: Option<Box<dyn RebalanceListener>>,
    ) -> Result<(), Error> {
        if topics.is_empty() {
            return self.unsubscribe();
        }
        if topics.iter().any(|topic| topic.as_str().trim().is_empty()) {
            let text = "a topic needs a name that is not blank";
            return Err(Error::new(ErrorKind::IllegalArgument, text));
        }
        self.check_group()?;
        self.poll_loop.core.subscribe(topics.clone())?;
        if listener.is_some() {
            self.listener = listener;
        }
        self.tell_group(topics)
    }

    pub(super) fn subscribe_pattern(
        &mut self,
        pattern: &str,
        listener: Option<Box<dyn RebalanceListener>>,
    ) -> Result<(), Error> {
        let pattern = TopicPattern::parse(pattern)?;
        self.check_group()?;
        self.poll_loop.core.subscribe_pattern(pattern)?;
        if listener.is_some() {
            self.listener = listener;
        }
        Ok(())
    }

    /// Whether there can be a subscription at all.
    fn check_group(&mut self) -> Result<(), Error> {
        self.poll_loop.group()?;
        if self.poll_loop.has_assignors() {
            return Ok(());
        }
        let text = "subscribing needs an assignor: set partition.assignment.strategy";
        Err(Error::new(ErrorKind::IllegalState, text))
    }

    /// Has the group be joined, or joined again, for these topics.
    pub(super) fn tell_group(&mut self, topics: BTreeSet<TopicName>) -> Result<(), Error> {
        let (epoch, now) = (self.epoch, self.poll_loop.now());
        if self.poll_loop.config.enable_auto_commit && self.auto_commit_at.is_none() {
            self.auto_commit_at = Some(end_of(now, self.poll_loop.config.auto_commit_interval));
        }
        let group = self.poll_loop.group()?;
        group.polled(now);
        group.send(Command::Subscribe { epoch, topics })
    }

    pub(super) fn set_listener(&mut self, listener: Option<Box<dyn RebalanceListener>>) {
        self.listener = listener;
    }

    pub(super) fn assign(&mut self, partitions: &BTreeSet<TopicPartition>) -> Result<(), Error> {
        if partitions.is_empty() {
            return self.unsubscribe();
        }
        if let Some(blank) = partitions
            .iter()
            .find(|p| p.topic().as_str().trim().is_empty())
        {
            let text = "a partition needs a topic with a name that is not blank";
            let error = Error::new(ErrorKind::IllegalArgument, text);
            return Err(error.with_topic_partition(blank.clone()));
        }
        let now = self.poll_loop.now();
        // What is replaced is committed if that is due anyway.
        self.auto_commit(now)?;
        self.poll_loop.core.assign(partitions)?;
        self.poll_loop.count_assignment();
        if self.poll_loop.config.enable_auto_commit && self.auto_commit_at.is_none() {
            self.auto_commit_at = Some(end_of(now, self.poll_loop.config.auto_commit_interval));
        }
        Ok(())
    }

    pub(super) fn unsubscribe(&mut self) -> Result<(), Error> {
        let now = self.poll_loop.now();
        self.take_results(now);
        let outcome = self.give_up_everything();
        let id = self.command_id();
        if let Some(heartbeat) = self.poll_loop.heartbeat()
            && *self.poll_loop.core.subscription() != Subscription::Manual
        {
            heartbeat.send(Command::Leave {
                id,
                reason: "the consumer unsubscribed".to_owned(),
                operation: MembershipOperation::Default,
                wait_until: None,
            })?;
        }
        self.epoch = SubscriptionEpoch(self.epoch.0 + 1);
        self.revoking = None;
        self.poll_loop.core.unsubscribe();
        self.poll_loop.count_assignment();
        self.listener = None;
        self.auto_commit_at = None;
        self.fenced = None;
        told(outcome)
    }

    pub(super) fn enforce_rebalance(&mut self, reason: &str) -> Result<(), Error> {
        if self.poll_loop.config.group_id.is_none() {
            let text = "a rebalance needs a group: set group.id";
            return Err(Error::new(ErrorKind::IllegalState, text));
        }
        let reason = match reason {
            "" => "rebalance enforced by user",
            reason => reason,
        };
        self.poll_loop.group()?.send(Command::Rejoin {
            reason: reason.to_owned(),
        })
    }

    pub(crate) fn group_metadata(&self) -> Result<GroupMetadata, Error> {
        if let Some(known) = &self.membership {
            return Ok(known.clone());
        }
        let config = &self.poll_loop.config;
        let Some(group_id) = config.group_id.clone() else {
            let text = "there is no group: set group.id";
            return Err(Error::new(ErrorKind::InvalidGroupId, text));
        };
        Ok(GroupMetadata {
            group_id,
            generation: GenerationId::NONE,
            member_id: MemberId::new(""),
            group_instance_id: config.group_instance_id.clone(),
        })
    }

    /// Applies what the group decided, and answers it. Only `poll` does this.
    ///
    /// # Errors
    ///
    /// What the callback failed with, after the change was applied and answered.
    pub(super) fn apply_change(&mut self, now: Instant) -> Result<(), Error> {
        if let Some(revoking) = self.revoking.take() {
            // A topic that was deleted makes the commit fail again and again.
            let subscription = self.poll_loop.core.subscription();
            let mut revoked = revoking.partitions.iter();
            let has_lost = revoked.any(|name| subscription.has_lost(name.topic()));
            if self.commits.awaits(revoking.commit) && now < revoking.until && !has_lost {
                self.revoking = Some(revoking);
                return Ok(());
            }
            return self.revoke(revoking.change, &revoking.partitions);
        }
        let heartbeat = self.poll_loop.heartbeat();
        let change = heartbeat.and_then(HeartbeatThread::take_change);
        let Some(change) = change else {
            return Ok(());
        };
        if change.epoch != self.epoch {
            tracing::debug!(?change, "a change of an earlier subscription is dropped");
            return Ok(());
        }
        match change.kind {
            ChangeKind::Revoke(partitions) => self.begin_to_revoke(now, change.id, partitions),
            ChangeKind::Lost(partitions) => {
                let outcome = self.lose(&partitions);
                self.answer(change.id, outcome)
            }
            ChangeKind::Assign { assignment, group } => {
                self.membership = Some(group);
                let outcome = self.take_over(now, &assignment);
                self.answer(change.id, outcome)
            }
        }
    }

    fn answer(&mut self, change: ChangeId, outcome: Outcome) -> Result<(), Error> {
        let owned = self.poll_loop.core.assignment().clone();
        let mut sent = Ok(());
        if let Some(heartbeat) = self.poll_loop.heartbeat() {
            // A callback may have taken its time; it does not count as one between polls.
            heartbeat.polled(self.poll_loop.now());
            sent = heartbeat.send(Command::Answer { change, owned });
        }
        told(outcome).and(sent)
    }

    /// With auto commit, what was returned so far is committed before the partitions go. `poll`
    /// does not wait for that, but hands nothing of them out meanwhile, so that the commit stays
    /// true (Kafka's `onJoinPrepare`).
    fn begin_to_revoke(
        &mut self,
        now: Instant,
        change: ChangeId,
        partitions: BTreeSet<TopicPartition>,
    ) -> Result<(), Error> {
        self.poll_loop.core.mark_pending_revocation(&partitions);
        if !self.poll_loop.config.enable_auto_commit || partitions.is_empty() {
            return self.revoke(change, &partitions);
        }
        let until = end_of(now, self.poll_loop.config.max_poll_interval);
        match self.commit_positions(Some(until)) {
            Ok(Some(commit)) => {
                self.revoking = Some(Revoking {
                    change,
                    partitions,
                    commit,
                    until,
                });
                return Ok(());
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "positions were not committed before they were revoked");
            }
        }
        self.revoke(change, &partitions)
    }

    fn revoke(
        &mut self,
        change: ChangeId,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<(), Error> {
        let outcome = self.call_listener(Callback::Revoked, partitions);
        self.poll_loop.core.revoke(partitions);
        self.answer(change, outcome)
    }

    fn lose(&mut self, partitions: &BTreeSet<TopicPartition>) -> Outcome {
        self.poll_loop.core.mark_pending_revocation(partitions);
        let outcome = if partitions.is_empty() {
            Ok(Ok(()))
        } else {
            self.call_listener(Callback::Lost, partitions)
        };
        self.poll_loop.core.revoke(partitions);
        outcome
    }

    fn take_over(&mut self, now: Instant, assignment: &BTreeSet<TopicPartition>) -> Outcome {
        let owned = self.poll_loop.core.assignment();
        let added: BTreeSet<TopicPartition> = assignment.difference(owned).cloned().collect();
        self.poll_loop.core.apply_assignment(assignment);
        if self.poll_loop.config.enable_auto_commit {
            self.auto_commit_at = Some(end_of(now, self.poll_loop.config.auto_commit_interval));
        }
        self.call_listener(Callback::Assigned, &added)
    }

    /// Tells the listener that everything goes.
    pub(super) fn give_up_everything(&mut self) -> Outcome {
        let owned = self.poll_loop.core.assignment().clone();
        let is_of_group = self.poll_loop.core.subscription().is_of_group();
        if !is_of_group || owned.is_empty() {
            return Ok(Ok(()));
        }
        let callback = if self.is_member() {
            Callback::Revoked
        } else {
            Callback::Lost
        };
        self.poll_loop.core.mark_pending_revocation(&owned);
        self.call_listener(callback, &owned)
    }

    fn call_listener(
        &mut self,
        callback: Callback,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Outcome {
        let Some(mut listener) = self.listener.take() else {
            return Ok(Ok(()));
        };
        let sorted: Vec<TopicPartition> = partitions.iter().cloned().collect();
        let began = self.poll_loop.now();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let consumer = RebalanceConsumer::new(self);
            match callback {
                Callback::Revoked => listener.on_partitions_revoked(&consumer, &sorted),
                Callback::Assigned => listener.on_partitions_assigned(&consumer, &sorted),
                Callback::Lost => listener.on_partitions_lost(&consumer, &sorted),
            }
        }));
        self.listener = Some(listener);
        let now = self.poll_loop.now();
        let metrics = self.poll_loop.metrics();
        metrics.called_back(now, callback, now - began);
        outcome.map(|result| result.map_err(|error| callback_failed(callback, error)))
    }
}

/// The error of a callback for whoever called the consumer. A wakeup that ended a call inside of it
/// stays a wakeup.
fn callback_failed(callback: Callback, error: CallbackError) -> Error {
    if let Some(inner) = error.downcast_ref::<Error>()
        && inner.kind() == ErrorKind::Wakeup
    {
        return inner.clone();
    }
    let name = match callback {
        Callback::Revoked => "on_partitions_revoked",
        Callback::Assigned => "on_partitions_assigned",
        Callback::Lost => "on_partitions_lost",
    };
    let text = format!("the rebalance listener failed in {name}: {error}");
    Error::new(ErrorKind::Callback, text).with_source(CallbackFailure(error))
}

/// Makes the user's boxed error a source.
#[derive(Debug)]
struct CallbackFailure(CallbackError);

impl std::fmt::Display for CallbackFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for CallbackFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// Reports a callback's failure, or lets its panic go on now that everything is in order.
pub(super) fn told(outcome: Outcome) -> Result<(), Error> {
    match outcome {
        Ok(result) => result,
        Err(panic) => resume_unwind(panic),
    }
}
