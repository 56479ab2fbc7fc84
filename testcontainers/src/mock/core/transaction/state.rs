//! What the coordinator keeps of one transactional id: a value that is replaced as a whole.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use weft_client::GroupId;

use super::super::topics::PartitionKey;
use super::end::Outcome;
use super::ids::{ProducerId, ProducerIdentity, TransactionVersion};

/// How far a transaction is, by Kafka's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransactionState {
    /// The producer has begun none since it started.
    Empty,
    /// Something was written, or is about to be.
    Ongoing,
    /// It is to be committed as soon as all markers are written.
    PrepareCommit,
    /// It is to be aborted as soon as all markers are written.
    PrepareAbort,
    /// The last transaction was committed.
    CompleteCommit,
    /// The last transaction was aborted.
    CompleteAbort,
}

/// See the module's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transaction {
    pub(crate) producer_id: ProducerId,
    /// Of the life before this one, if its epochs were used up.
    pub(super) previous_producer_id: Option<ProducerId>,
    /// What the producer gets at the end of this transaction, when its epochs are used up.
    pub(super) next_producer_id: Option<ProducerId>,
    /// -1 before the first life.
    pub(crate) epoch: i16,
    /// The epoch before this one, if the same producer had it; else -1.
    pub(super) last_epoch: i16,
    pub(crate) timeout: Duration,
    pub(crate) state: TransactionState,
    /// What takes part in the transaction and has no marker yet.
    pub(crate) participants: BTreeSet<Participant>,
    pub(crate) started_at: Option<Instant>,
    /// By which rules it ends.
    pub(super) version: TransactionVersion,
    /// Counts how often the transactional id went from one coordinator to another.
    pub(crate) coordinator_epoch: i32,
}

/// Who gets a marker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Participant {
    Partition(PartitionKey),
    /// A group whose offsets are committed, as Kafka has it by the partition that holds them.
    Group(GroupId),
}

impl TransactionState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Empty,
        Self::Ongoing,
        Self::PrepareCommit,
        Self::PrepareAbort,
        Self::CompleteCommit,
        Self::CompleteAbort,
    ];

    /// The state as Kafka writes it, such as `PrepareCommit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::PrepareCommit => "PrepareCommit",
            Self::PrepareAbort => "PrepareAbort",
            Self::CompleteCommit => "CompleteCommit",
            Self::CompleteAbort => "CompleteAbort",
        }
    }
}

impl Transaction {
    /// A transactional id that nobody has used before.
    pub(super) fn new(producer_id: ProducerId, timeout: Duration) -> Self {
        Self {
            producer_id,
            previous_producer_id: None,
            next_producer_id: None,
            epoch: NO_EPOCH,
            last_epoch: NO_EPOCH,
            timeout,
            state: TransactionState::Empty,
            participants: BTreeSet::new(),
            started_at: None,
            version: TransactionVersion::V1,
            coordinator_epoch: 0,
        }
    }

    pub(crate) fn identity(&self) -> ProducerIdentity {
        ProducerIdentity {
            id: self.producer_id,
            epoch: self.epoch,
        }
    }

    pub(super) fn is_preparing(&self) -> bool {
        self.outcome().is_some()
    }

    /// How it is to end, once that is decided and until it is done.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match self.state {
            TransactionState::PrepareCommit => Some(Outcome::Commit),
            TransactionState::PrepareAbort => Some(Outcome::Abort),
            _ => None,
        }
    }

    /// Whether the producer can have no further epoch. The last one is kept for fencing it.
    pub(super) fn is_exhausted(&self) -> bool {
        is_exhausted(self.epoch)
    }

    /// When it is aborted, if its producer does not end it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let started_at = self.started_at?;
        (self.state == TransactionState::Ongoing).then(|| started_at + self.timeout)
    }

    /// The next life of the producer, or of another one under the same transactional id.
    pub(super) fn renewed(self, identity: ProducerIdentity, last_epoch: i16) -> Self {
        let is_other = identity.id != self.producer_id;
        Self {
            previous_producer_id: if is_other {
                Some(self.producer_id)
            } else {
                self.previous_producer_id
            },
            producer_id: identity.id,
            next_producer_id: None,
            epoch: identity.epoch,
            last_epoch,
            state: TransactionState::Empty,
            participants: BTreeSet::new(),
            started_at: None,
            ..self
        }
    }

    /// The transaction with more that takes part in it.
    pub(super) fn with(mut self, now: Instant, added: BTreeSet<Participant>) -> Self {
        if self.state != TransactionState::Ongoing {
            self.started_at = Some(now);
        }
        self.state = TransactionState::Ongoing;
        self.participants.extend(added);
        self
    }

    /// The transaction as it is about to end. `next` is the producer's id afterwards, if it needs
    /// another one.
    pub(super) fn preparing(
        self,
        now: Instant,
        outcome: Outcome,
        version: TransactionVersion,
        next: Option<ProducerId>,
    ) -> Self {
        let (epoch, last_epoch) = match version {
            TransactionVersion::V1 => (self.epoch, self.last_epoch),
            TransactionVersion::V2 => (self.epoch.saturating_add(1), self.epoch),
        };
        let is_ongoing = self.state == TransactionState::Ongoing;
        Self {
            next_producer_id: next,
            epoch,
            last_epoch,
            state: match outcome {
                Outcome::Commit => TransactionState::PrepareCommit,
                Outcome::Abort => TransactionState::PrepareAbort,
            },
            // Nothing had to be written before the transaction is aborted.
            started_at: self.started_at.filter(|_| is_ongoing).or(Some(now)),
            version,
            ..self
        }
    }

    /// The transaction when all its markers are written.
    pub(super) fn complete(self) -> Self {
        let state = match self.outcome() {
            Some(Outcome::Commit) => TransactionState::CompleteCommit,
            Some(Outcome::Abort) => TransactionState::CompleteAbort,
            None => return self,
        };
        let identity = self.identity_afterwards();
        let is_other = identity.id != self.producer_id;
        Self {
            previous_producer_id: if is_other {
                Some(self.producer_id)
            } else {
                self.previous_producer_id
            },
            producer_id: identity.id,
            next_producer_id: None,
            epoch: identity.epoch,
            state,
            participants: BTreeSet::new(),
            ..self
        }
    }

    /// Who the producer is when this transaction is complete.
    pub(super) fn identity_afterwards(&self) -> ProducerIdentity {
        match self.next_producer_id {
            Some(id) => ProducerIdentity { id, epoch: 0 },
            None => self.identity(),
        }
    }
}

/// See [`Transaction::is_exhausted`].
pub(super) fn is_exhausted(epoch: i16) -> bool {
    epoch >= i16::MAX - 1
}

/// The epoch of nobody.
pub(super) const NO_EPOCH: i16 = -1;
