//! InitProducerId: the beginning of a producer's life. It fences every earlier one under the same
//! transactional id, and lets a producer that lost its way bump its own epoch (KIP-360).

use std::time::{Duration, Instant};

use weft_client::wire::ErrorCode;

use super::coordinator::Transactions;
use super::ids::{ProducerIdentity, TransactionVersion, TransactionalId};
use super::state::{NO_EPOCH, Transaction, TransactionState, is_exhausted};

/// Who begins a life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InitProducer {
    pub(crate) transactional_id: TransactionalId,
    pub(crate) timeout: Duration,
    /// Who it was until now, if it only wants another epoch.
    pub(crate) current: Option<ProducerIdentity>,
}

impl Transactions {
    /// Gives a transactional producer its id and epoch. If a transaction is open it is aborted
    /// first, and the producer is to ask again. `version` is by what rules the brokers abort.
    pub(crate) fn init(
        &mut self,
        now: Instant,
        init: &InitProducer,
        version: TransactionVersion,
    ) -> Result<ProducerIdentity, ErrorCode> {
        let id = &init.transactional_id;
        if id.as_str().is_empty() {
            return Err(ErrorCode::INVALID_REQUEST);
        }
        if init.timeout.is_zero() || init.timeout > TIMEOUT_MAX {
            return Err(ErrorCode::INVALID_TRANSACTION_TIMEOUT);
        }
        let known = match self.find(id.as_str()) {
            Some(known) => known.clone(),
            None => self.create(id, init.timeout)?,
        };
        if let Some(current) = init.current {
            check_current(&known, current)?;
        }
        match known.state {
            TransactionState::PrepareCommit | TransactionState::PrepareAbort => {
                Err(ErrorCode::CONCURRENT_TRANSACTIONS)
            }
            TransactionState::Ongoing => {
                self.fence(now, id, version);
                Err(ErrorCode::CONCURRENT_TRANSACTIONS)
            }
            TransactionState::Empty
            | TransactionState::CompleteCommit
            | TransactionState::CompleteAbort => {
                let (identity, last_epoch) = self.next_life(&known, init.current)?;
                let renewed = Transaction {
                    timeout: init.timeout,
                    ..known.renewed(identity, last_epoch)
                };
                self.put(id, renewed);
                Ok(identity)
            }
        }
    }

    /// Who the producer is from now on, and the epoch with which it may ask for the same again.
    fn next_life(
        &mut self,
        known: &Transaction,
        current: Option<ProducerIdentity>,
    ) -> Result<(ProducerIdentity, i16), ErrorCode> {
        let claims = |epoch| current.is_none_or(|current| current.epoch == epoch);
        if known.is_exhausted() && claims(known.epoch) {
            let identity = ProducerIdentity {
                id: self.take_producer_id(),
                epoch: 0,
            };
            return Ok((identity, current.map_or(NO_EPOCH, |_| known.epoch)));
        }
        let bumped = ProducerIdentity {
            id: known.producer_id,
            epoch: known.epoch.saturating_add(1),
        };
        match current {
            None => Ok((bumped, NO_EPOCH)),
            Some(_) if known.epoch == NO_EPOCH || claims(known.epoch) => Ok((bumped, known.epoch)),
            // The answer to the same request was lost.
            Some(_) if claims(known.last_epoch) => Ok((known.identity(), known.last_epoch)),
            Some(_) => Err(ErrorCode::PRODUCER_FENCED),
        }
    }
}

/// Whether the producer is the one that the coordinator knows, or was until its epochs ran out.
fn check_current(known: &Transaction, current: ProducerIdentity) -> Result<(), ErrorCode> {
    let was_it = known.previous_producer_id == Some(current.id) && is_exhausted(current.epoch);
    if known.epoch == NO_EPOCH || known.producer_id == current.id || was_it {
        Ok(())
    } else {
        Err(ErrorCode::PRODUCER_FENCED)
    }
}

/// `transaction.max.timeout.ms`
const TIMEOUT_MAX: Duration = Duration::from_secs(15 * 60);
