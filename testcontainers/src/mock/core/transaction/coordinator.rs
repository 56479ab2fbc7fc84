//! All transactional ids, what takes part in their transactions, and the markers that are due.
//!
//! Everything that lasts changes in [`Transactions::put`] and [`Transactions::take_producer_id`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use weft_client::wire::ErrorCode;

use super::super::log::Marker;
use super::ids::{ProducerId, ProducerIdentity, TransactionVersion, TransactionalId};
use super::state::{Participant, Transaction, TransactionState};

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transactions {
    by_id: BTreeMap<TransactionalId, Transaction>,
    /// Those that wait for their markers.
    preparing: BTreeSet<TransactionalId>,
    /// Those that are open, by the time when they are aborted.
    deadlines: BTreeSet<(Instant, TransactionalId)>,
    pub(super) producer_ids_given: i64,
    /// What changed since [`Self::take_images`].
    pub(super) unsaved: BTreeSet<TransactionalId>,
}

/// A marker that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DueMarker {
    pub(crate) transactional_id: TransactionalId,
    pub(crate) participant: Participant,
    pub(crate) marker: Marker,
}

impl Transactions {
    pub(crate) fn find(&self, id: &str) -> Option<&Transaction> {
        self.by_id.get(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&TransactionalId, &Transaction)> {
        self.by_id.iter()
    }

    /// An id that no producer ever had.
    pub(crate) fn take_producer_id(&mut self) -> ProducerId {
        let id = ProducerId(self.producer_ids_given);
        self.producer_ids_given += 1;
        id
    }

    /// Adds to a transaction what the producer is about to write to. It begins with the first.
    pub(crate) fn add(
        &mut self,
        now: Instant,
        id: &str,
        producer: ProducerIdentity,
        added: BTreeSet<Participant>,
    ) -> Result<(), ErrorCode> {
        let known = self.check(id, producer)?;
        let is_ongoing = known.state == TransactionState::Ongoing;
        if is_ongoing && added.is_subset(&known.participants) {
            return Ok(());
        }
        if known.participants.len().saturating_add(added.len()) > PARTICIPANTS_MAX {
            return Err(ErrorCode::POLICY_VIOLATION);
        }
        let more = known.clone().with(now, added);
        self.put(&TransactionalId::from(id), more);
        Ok(())
    }

    /// Whether a producer has added to its transaction what it writes to.
    pub(crate) fn verify(
        &self,
        id: &str,
        producer: ProducerIdentity,
        participant: &Participant,
    ) -> Result<(), ErrorCode> {
        let known = self.check(id, producer)?;
        if known.participants.contains(participant) {
            Ok(())
        } else {
            Err(ErrorCode::TRANSACTION_ABORTABLE)
        }
    }

    /// When the next transaction is aborted, those left out for which `is_stopped` says so.
    pub(crate) fn next_deadline(
        &self,
        is_stopped: impl Fn(&TransactionalId) -> bool,
    ) -> Option<Instant> {
        let mut deadlines = self.deadlines.iter();
        let next = deadlines.find(|(_, id)| !is_stopped(id));
        next.map(|(at, _)| *at)
    }

    /// Aborts what took too long, but for those for which `is_stopped` says so. `version` is by
    /// what rules the brokers abort.
    pub(crate) fn expire(
        &mut self,
        now: Instant,
        version: TransactionVersion,
        is_stopped: impl Fn(&TransactionalId) -> bool,
    ) {
        let deadlines = self.deadlines.iter();
        let late = deadlines.take_while(|(at, _)| *at <= now);
        let late = late.filter(|(_, id)| !is_stopped(id));
        for (_, id) in late.cloned().collect::<Vec<_>>() {
            self.fence(now, &id, version);
        }
    }

    /// The markers that are not written yet. Completes the transactions that need none.
    pub(crate) fn take_due(&mut self) -> Vec<DueMarker> {
        let mut due = Vec::new();
        for id in self.preparing.clone() {
            let Some((known, outcome)) = self
                .find(id.as_str())
                .and_then(|known| Some((known, known.outcome()?)))
            else {
                continue;
            };
            let marker = Marker {
                producer: known.identity(),
                outcome,
                coordinator_epoch: known.coordinator_epoch,
                version: known.version,
            };
            let participants = known.participants.iter();
            due.extend(participants.map(|participant| DueMarker {
                transactional_id: id.clone(),
                participant: participant.clone(),
                marker,
            }));
            if known.participants.is_empty() {
                let complete = known.clone().complete();
                self.put(&id, complete);
            }
        }
        due
    }

    /// Takes note that a marker was written, or that there is nothing left to write it to. With the
    /// last one the transaction is complete.
    pub(crate) fn note_written(&mut self, written: &DueMarker) {
        let id = &written.transactional_id;
        let Some(known) = self.find(id.as_str()) else {
            return;
        };
        let mut known = known.clone();
        known.participants.remove(&written.participant);
        if known.participants.is_empty() {
            known = known.complete();
        }
        self.put(id, known);
    }

    /// The transactional ids for which `is_moving` says so go to another broker.
    pub(crate) fn move_to_another_broker(
        &mut self,
        mut is_moving: impl FnMut(&TransactionalId) -> bool,
    ) {
        let moving = self.by_id.keys().filter(|id| is_moving(id));
        for id in moving.cloned().collect::<Vec<_>>() {
            if let Some(known) = self.find(id.as_str()).cloned() {
                let coordinator_epoch = known.coordinator_epoch.saturating_add(1);
                self.put(
                    &id,
                    Transaction {
                        coordinator_epoch,
                        ..known
                    },
                );
            }
        }
    }

    pub(super) fn create(
        &mut self,
        id: &TransactionalId,
        timeout: Duration,
    ) -> Result<Transaction, ErrorCode> {
        if self.by_id.len() >= TRANSACTIONAL_IDS_MAX {
            return Err(ErrorCode::POLICY_VIOLATION);
        }
        let created = Transaction::new(self.take_producer_id(), timeout);
        self.put(id, created.clone());
        Ok(created)
    }

    /// The one place where a transaction changes.
    pub(super) fn put(&mut self, id: &TransactionalId, transaction: Transaction) {
        if transaction.is_preparing() {
            self.preparing.insert(id.clone());
        } else {
            self.preparing.remove(id);
        }
        self.unsaved.insert(id.clone());
        let deadline = transaction.deadline();
        let replaced = self.by_id.insert(id.clone(), transaction);
        if let Some(at) = replaced.as_ref().and_then(Transaction::deadline) {
            self.deadlines.remove(&(at, id.clone()));
        }
        self.deadlines.extend(deadline.map(|at| (at, id.clone())));
    }

    /// The transaction, if this producer may write in it now.
    fn check(&self, id: &str, producer: ProducerIdentity) -> Result<&Transaction, ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::INVALID_REQUEST);
        }
        let known = self.find(id);
        let known = known.ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        if known.producer_id != producer.id {
            Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING)
        } else if known.epoch != producer.epoch {
            Err(ErrorCode::PRODUCER_FENCED)
        } else if known.is_preparing() {
            Err(ErrorCode::CONCURRENT_TRANSACTIONS)
        } else {
            Ok(known)
        }
    }
}

/// How many transactional ids the cluster may have.
const TRANSACTIONAL_IDS_MAX: usize = 100_000;

/// How many partitions and groups may take part in a transaction.
const PARTICIPANTS_MAX: usize = 100_000;
