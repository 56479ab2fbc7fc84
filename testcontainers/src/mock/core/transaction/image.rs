//! What of the transactions outlives the coordinator, and how it comes back. The only thing that is
//! lost is when a transaction began: each has its whole timeout again.

use std::time::Instant;

use super::super::durable::TransactionImage;
use super::coordinator::Transactions;
use super::ids::TransactionalId;
use super::state::Transaction;

impl Transactions {
    /// What changed since the last call.
    pub(crate) fn take_images(&mut self) -> Vec<TransactionImage> {
        let unsaved = std::mem::take(&mut self.unsaved).into_iter();
        unsaved
            .filter_map(|id| self.find(id.as_str()).map(|known| known.image(&id)))
            .collect()
    }

    /// Everything, whether or not it changed.
    pub(crate) fn images(&self) -> impl Iterator<Item = TransactionImage> {
        self.iter().map(|(id, transaction)| transaction.image(id))
    }

    pub(crate) fn restore(&mut self, now: Instant, image: TransactionImage) {
        let id = image.id.clone();
        self.put(&id, Transaction::restored(now, image));
    }

    /// Other brokers take over, with ids for producers from this one on.
    pub(crate) fn begin(&mut self, first_producer_id: i64) {
        self.producer_ids_given = first_producer_id;
        self.move_to_another_broker(|_| true);
    }
}

impl Transaction {
    fn image(&self, id: &TransactionalId) -> TransactionImage {
        TransactionImage {
            id: id.clone(),
            producer_id: self.producer_id,
            previous_producer_id: self.previous_producer_id,
            next_producer_id: self.next_producer_id,
            epoch: self.epoch,
            last_epoch: self.last_epoch,
            timeout: self.timeout,
            state: self.state,
            participants: self.participants.clone(),
            is_started: self.started_at.is_some(),
            version: self.version,
            coordinator_epoch: self.coordinator_epoch,
        }
    }

    fn restored(now: Instant, image: TransactionImage) -> Self {
        Self {
            producer_id: image.producer_id,
            previous_producer_id: image.previous_producer_id,
            next_producer_id: image.next_producer_id,
            epoch: image.epoch,
            last_epoch: image.last_epoch,
            timeout: image.timeout,
            state: image.state,
            participants: image.participants,
            started_at: image.is_started.then_some(now),
            version: image.version,
            coordinator_epoch: image.coordinator_epoch,
        }
    }
}
