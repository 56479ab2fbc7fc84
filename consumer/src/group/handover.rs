//! Hands the assignment over to the consumer: one change, one answer.
//!
//! It decides which change comes next and remembers what the consumer owns. It never publishes a
//! change before the last was answered or withdrawn, and never assumes that the consumer gave
//! something up before it said so.
//!
//! What may be wanted, the most urgent first: a loss; the target of the last sync, for which a
//! cooperative member first gives up what is not in it; what must be given up before a join.

use std::collections::BTreeSet;

use weft_client::TopicPartition;

use super::core::{GroupCore, GroupOutput, Turn};
use super::membership::State;
use crate::assign::RebalanceProtocol;
use crate::lane::{Change, ChangeId, ChangeKind, GroupMetadata};

/// What the consumer owns, and what it has to be told.
#[derive(Clone, Debug, Default)]
pub(super) struct Handover {
    published: u64,
    unanswered: Option<Unanswered>,
    /// All that the consumer owned at its last answer.
    owned: BTreeSet<TopicPartition>,
    target: Option<Target>,
    loss: Loss,
}

#[derive(Clone, Debug)]
struct Unanswered {
    id: ChangeId,
    kind: ChangeKind,
}

/// What the last sync gave, not published yet.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) assignment: BTreeSet<TopicPartition>,
    pub(super) group: GroupMetadata,
}

/// Whether the consumer has to hear that its partitions are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Loss {
    #[default]
    None,
    /// If it owns any.
    OfPartitions,
    /// Even if it owns none: the answer shows that it is alive.
    OfLife,
}

impl Handover {
    pub(super) fn owned(&self) -> &BTreeSet<TopicPartition> {
        &self.owned
    }

    /// Whether something was published and not answered, or is still to be published: the consumer
    /// does not own what it should.
    pub(super) fn is_pending(&self) -> bool {
        self.unanswered.is_some() || self.target.is_some() || self.loss != Loss::None
    }

    /// A change that was not taken counts as never published.
    pub(super) fn withdrawn(&mut self, change: ChangeId) {
        self.unanswered
            .take_if(|unanswered| unanswered.id == change);
    }
}

impl GroupCore {
    /// The consumer has applied a change.
    ///
    /// # Panics
    ///
    /// If it still owns what it had to give up: two members would read one partition.
    pub(super) fn answered(
        &mut self,
        turn: &mut Turn<'_>,
        change: ChangeId,
        owned: BTreeSet<TopicPartition>,
    ) {
        let unanswered = self.handover.unanswered.take_if(|known| known.id == change);
        let Some(unanswered) = unanswered else {
            return;
        };
        self.member.timers.consumer_seen(turn.now);
        if self.handover.loss == Loss::OfLife {
            self.handover.loss = Loss::OfPartitions;
        }
        match &unanswered.kind {
            ChangeKind::Revoke(given_up) | ChangeKind::Lost(given_up) => {
                assert!(
                    owned.is_disjoint(given_up),
                    "a consumer that answers owns nothing of what was taken from it"
                );
                self.member.is_prepared |= matches!(unanswered.kind, ChangeKind::Revoke(_));
            }
            ChangeKind::Assign { .. } => {}
        }
        self.handover.owned = owned;
    }

    /// The membership is lost, and with it all partitions. A change that the consumer has not taken
    /// yet is taken back, so that the loss comes in its place.
    pub(super) fn hand_over_loss(&mut self, turn: &mut Turn<'_>, loss: Loss) {
        self.handover.target = None;
        if self.handover.loss != Loss::OfLife {
            self.handover.loss = loss;
        }
        if let Some(unanswered) = &self.handover.unanswered {
            turn.out.push(GroupOutput::Withdraw(unanswered.id));
        }
    }

    /// A sync gave the member this.
    pub(super) fn hand_over(&mut self, target: Target) {
        self.handover.target = Some(target);
    }

    /// The consumer gave up everything, or will, without being told to: it leaves.
    pub(super) fn end_handover(&mut self, turn: &mut Turn<'_>) {
        if let Some(unanswered) = self.handover.unanswered.take() {
            turn.out.push(GroupOutput::Withdraw(unanswered.id));
        }
        self.handover.owned.clear();
        self.handover.target = None;
        self.handover.loss = Loss::None;
    }

    /// Publishes what is next, if nothing is unanswered.
    pub(super) fn publish(&mut self, turn: &mut Turn<'_>) {
        if self.handover.unanswered.is_some() {
            return;
        }
        let loss = std::mem::take(&mut self.handover.loss);
        if loss == Loss::OfLife || (loss == Loss::OfPartitions && !self.handover.owned.is_empty()) {
            let lost = self.handover.owned.clone();
            self.publish_change(turn, ChangeKind::Lost(lost));
            return;
        }
        let Some(target) = self.handover.target.take() else {
            return;
        };
        let beyond: BTreeSet<_> = self
            .handover
            .owned
            .difference(&target.assignment)
            .cloned()
            .collect();
        if beyond.is_empty() {
            let Target { assignment, group } = target;
            self.publish_change(turn, ChangeKind::Assign { assignment, group });
        } else {
            self.handover.target = Some(target);
            self.publish_change(turn, ChangeKind::Revoke(beyond));
        }
    }

    /// Publishes what has to be given up before a join, if anything (Kafka's `onJoinPrepare`). A
    /// member in a generation that joins eagerly is told to give up everything, even if that is
    /// nothing; a cooperative one only what it no longer subscribes to.
    pub(super) fn prepare_to_join(&mut self, turn: &mut Turn<'_>) {
        let member = &self.member;
        let (Some(subscription), true) = (&member.subscription, member.identity.is_in_generation())
        else {
            return;
        };
        match self.protocol {
            RebalanceProtocol::Eager if !member.is_prepared => {
                let all = self.handover.owned.clone();
                self.publish_change(turn, ChangeKind::Revoke(all));
            }
            RebalanceProtocol::Eager => {}
            RebalanceProtocol::Cooperative => {
                let is_unwanted =
                    |partition: &&TopicPartition| !subscription.topics.contains(partition.topic());
                let unwanted: BTreeSet<_> = self
                    .handover
                    .owned
                    .iter()
                    .filter(is_unwanted)
                    .cloned()
                    .collect();
                if !unwanted.is_empty() {
                    self.publish_change(turn, ChangeKind::Revoke(unwanted));
                }
            }
        }
    }

    fn publish_change(&mut self, turn: &mut Turn<'_>, kind: ChangeKind) {
        let Some(subscription) = &self.member.subscription else {
            return;
        };
        assert!(
            self.handover.unanswered.is_none(),
            "a change is published only after the last was answered"
        );
        self.handover.published += 1;
        let id = ChangeId(self.handover.published);
        self.handover.unanswered = Some(Unanswered {
            id,
            kind: kind.clone(),
        });
        let epoch = subscription.epoch;
        turn.out
            .push(GroupOutput::Publish(Change { id, epoch, kind }));
    }

    /// A joining member owns nothing, unless it is cooperative and in a generation.
    pub(super) fn assert_may_join(&self) {
        let keeps = self.protocol == RebalanceProtocol::Cooperative
            && self.member.identity.is_in_generation();
        assert!(
            !matches!(self.member.state, State::Joining(_)) && !self.handover.is_pending(),
            "a join waits for the answer to the last change"
        );
        assert!(
            keeps || self.handover.owned.is_empty(),
            "a member that joins eagerly or after a loss owns nothing"
        );
    }
}
