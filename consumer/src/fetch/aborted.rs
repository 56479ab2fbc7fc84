//! Which transactions were aborted, as the answer to a fetch with `read_committed` lists them.
//!
//! It decides whose records are left out while the batches of one answer are walked in order: from
//! the first offset of a producer's aborted transaction to the marker that ends it.

use std::collections::BTreeSet;

use weft_client::Offset;
use weft_client::wire::messages::fetch_response::AbortedTransaction;

/// The aborted transactions of one answer. It is as long as the answer says, and no longer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AbortedTransactions {
    /// First offset and producer of those that were not reached yet, the nearest last. Brokers list
    /// them in the order of their ends.
    ahead: Vec<(i64, i64)>,
    /// The producers of those that were reached and not ended.
    open: BTreeSet<i64>,
}

impl AbortedTransactions {
    pub(crate) fn new(listed: &[AbortedTransaction]) -> Self {
        let each = listed.iter();
        let mut ahead: Vec<(i64, i64)> = each
            .map(|aborted| (aborted.first_offset, aborted.producer_id.0))
            .collect();
        ahead.sort_unstable_by(|one, other| other.cmp(one));
        Self {
            ahead,
            open: BTreeSet::new(),
        }
    }

    /// Reaches a batch that ends with this offset.
    pub(crate) fn begin_until(&mut self, last: Offset) {
        while let Some((_, producer)) = self.ahead.pop_if(|(first, _)| *first <= last.value()) {
            self.open.insert(producer);
        }
    }

    /// Whether what this producer writes in transactions here was aborted.
    pub(crate) fn is_open(&self, producer: i64) -> bool {
        self.open.contains(&producer)
    }

    /// Passes the marker that aborts the producer's transaction.
    pub(crate) fn end(&mut self, producer: i64) {
        self.open.remove(&producer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aborted(producer: i64, first: i64) -> AbortedTransaction {
        AbortedTransaction::default()
            .with_producer_id(producer.into())
            .with_first_offset(first)
    }

    #[test]
    fn transactions_begin_in_the_order_of_their_first_offsets_however_they_are_listed() {
        let listed = [aborted(1, 50), aborted(2, 10), aborted(1, 20)];
        let mut transactions = AbortedTransactions::new(&listed);
        transactions.begin_until(Offset::new(9));
        assert!(!transactions.is_open(2));
        transactions.begin_until(Offset::new(20));
        assert!(transactions.is_open(2) && transactions.is_open(1));
        transactions.end(1);
        assert!(!transactions.is_open(1), "the one from 50 on is another");
        transactions.begin_until(Offset::new(50));
        assert!(transactions.is_open(1));
        transactions.end(2);
        assert!(!transactions.is_open(2));
    }
}
