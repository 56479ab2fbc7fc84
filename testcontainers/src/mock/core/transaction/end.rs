//! EndTxn: the rules by which a producer commits or aborts.
//!
//! In the first version of transactions a request is known again by the state. In the second each
//! end bumps the epoch, so that a request with the epoch before is the same one again, and one with
//! the current epoch means the next transaction, which need not have begun:
//!
//! ```text
//!                    abort again  abort     commit again  commit
//!   Empty            fenced       bumps     fenced        INVALID_TXN_STATE
//!   CompleteAbort    done         bumps     INVALID_...   INVALID_TXN_STATE
//!   CompleteCommit   INVALID_...  bumps     done          INVALID_TXN_STATE
//! ```

use std::time::Instant;

use weft_client::record::ControlRecord;
use weft_client::wire::ErrorCode;

use super::coordinator::Transactions;
use super::ids::{ProducerIdentity, TransactionVersion, TransactionalId};
use super::state::{Transaction, TransactionState};

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Commit,
    Abort,
}

/// Who ends its transaction, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndTxn {
    pub(crate) transactional_id: TransactionalId,
    pub(crate) producer: ProducerIdentity,
    pub(crate) outcome: Outcome,
    pub(crate) version: TransactionVersion,
}

/// What is to be done about it.
enum Step {
    Prepare,
    /// It was done already.
    Done,
}

impl Outcome {
    /// What the markers say.
    pub(crate) fn marker(self) -> ControlRecord {
        match self {
            Self::Commit => ControlRecord::Commit,
            Self::Abort => ControlRecord::Abort,
        }
    }
}

impl Transactions {
    /// Ends a transaction, and returns who the producer is from then on.
    pub(crate) fn end(
        &mut self,
        now: Instant,
        end: &EndTxn,
    ) -> Result<ProducerIdentity, ErrorCode> {
        let id = &end.transactional_id;
        if id.as_str().is_empty() {
            return Err(ErrorCode::INVALID_REQUEST);
        }
        let known = self.find(id.as_str());
        let known = known.ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        let step = match end.version {
            TransactionVersion::V1 => step_in_v1(known, end)?,
            TransactionVersion::V2 => step_in_v2(known, end)?,
        };
        match step {
            Step::Done => Ok(known.identity()),
            Step::Prepare => Ok(self.prepare(now, id, end.outcome, end.version)),
        }
    }

    /// Aborts an open transaction and fences its producer: another one begins, or it took too long.
    pub(super) fn fence(
        &mut self,
        now: Instant,
        id: &TransactionalId,
        version: TransactionVersion,
    ) {
        let known = self.find(id.as_str());
        let Some(known) = known.filter(|known| known.state == TransactionState::Ongoing) else {
            return;
        };
        if version == TransactionVersion::V1 {
            let fenced = Transaction {
                epoch: known.epoch.saturating_add(1),
                last_epoch: super::state::NO_EPOCH,
                ..known.clone()
            };
            self.put(id, fenced);
        }
        self.prepare(now, id, Outcome::Abort, version);
    }

    fn prepare(
        &mut self,
        now: Instant,
        id: &TransactionalId,
        outcome: Outcome,
        version: TransactionVersion,
    ) -> ProducerIdentity {
        let known = self
            .find(id.as_str())
            .expect("only a known one is ended")
            .clone();
        let needs_id = version == TransactionVersion::V2 && known.is_exhausted();
        let next = needs_id.then(|| self.take_producer_id());
        let prepared = known.preparing(now, outcome, version, next);
        let identity = prepared.identity_afterwards();
        self.put(id, prepared);
        identity
    }
}

fn step_in_v1(known: &Transaction, end: &EndTxn) -> Result<Step, ErrorCode> {
    if known.producer_id != end.producer.id {
        return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
    }
    if known.epoch != end.producer.epoch {
        return Err(ErrorCode::PRODUCER_FENCED);
    }
    match (known.state, end.outcome) {
        (TransactionState::Ongoing, _) => Ok(Step::Prepare),
        (TransactionState::CompleteCommit, Outcome::Commit)
        | (TransactionState::CompleteAbort, Outcome::Abort) => Ok(Step::Done),
        _ => Err(while_preparing(known, end)),
    }
}

fn step_in_v2(known: &Transaction, end: &EndTxn) -> Result<Step, ErrorCode> {
    let ProducerIdentity { id, epoch } = end.producer;
    let is_of_last_id =
        known.previous_producer_id == Some(id) && epoch == i16::MAX - 1 && known.epoch == 0;
    if known.producer_id != id && !is_of_last_id {
        return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
    }
    let is_current = known.epoch == epoch && !is_of_last_id;
    let is_again = epoch.checked_add(1) == Some(known.epoch) || is_of_last_id;
    let is_valid = match known.state {
        TransactionState::Empty | TransactionState::Ongoing => is_current,
        TransactionState::PrepareCommit | TransactionState::PrepareAbort => is_again,
        TransactionState::CompleteCommit | TransactionState::CompleteAbort => {
            is_again || is_current
        }
    };
    if !is_valid {
        return Err(ErrorCode::PRODUCER_FENCED);
    }
    match (known.state, end.outcome) {
        (TransactionState::Ongoing, _) => Ok(Step::Prepare),
        (TransactionState::CompleteCommit, Outcome::Commit) if is_again => Ok(Step::Done),
        (TransactionState::CompleteAbort, Outcome::Abort) if is_again => Ok(Step::Done),
        (
            TransactionState::Empty
            | TransactionState::CompleteCommit
            | TransactionState::CompleteAbort,
            Outcome::Abort,
        ) if is_current => Ok(Step::Prepare),
        _ => Err(while_preparing(known, end)),
    }
}

/// The same end that is under way may come again, once it is done; anything else is out of place.
fn while_preparing(known: &Transaction, end: &EndTxn) -> ErrorCode {
    if known.outcome() == Some(end.outcome) {
        ErrorCode::CONCURRENT_TRANSACTIONS
    } else {
        ErrorCode::INVALID_TXN_STATE
    }
}
