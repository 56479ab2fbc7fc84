//! How many bytes of answers may wait or be on their way, and how much of that each node gets.
//!
//! Every node has an equal share, so that one whose answers are slow, or whose records nobody takes
//! out, never keeps another from being asked. A broker may exceed what it was asked for by one
//! batch (KIP-74), and so may each answer exceed the budget.

/// What is left of the limit while one round of fetches is planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    room: usize,
    share: usize,
}

impl Budget {
    /// Of `limit` bytes, `held` wait for partitions that nobody may read from, and `spent` wait for
    /// others or are on their way. What is not held is divided among `nodes`.
    pub(crate) fn new(limit: usize, held: usize, spent: usize, nodes: usize) -> Self {
        let usable = limit.saturating_sub(held);
        Self {
            room: usable.saturating_sub(spent),
            share: usable / nodes.max(1),
        }
    }

    /// The bytes that a node may be asked for, of which `waiting` bytes wait already: `None` if
    /// that is less than half of its share, because small fetches cost as much as large ones.
    pub(crate) fn allows(&self, waiting: usize) -> Option<usize> {
        let most = self.share.saturating_sub(waiting).min(self.room);
        (most >= self.share / 2).then_some(most)
    }

    /// Sets `bytes` aside for an answer.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.room = self.room.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_node_may_use_all_and_several_their_shares() {
        assert_eq!(Budget::new(100, 0, 0, 1).allows(0), Some(100));
        assert_eq!(Budget::new(100, 0, 50, 1).allows(50), Some(50));
        assert_eq!(Budget::new(100, 0, 60, 1).allows(60), None);
        assert_eq!(Budget::new(100, 0, 50, 4).allows(0), Some(25));
        assert_eq!(Budget::new(100, 40, 0, 4).allows(0), Some(15));
    }

    #[test]
    fn what_is_reserved_for_one_node_is_gone_for_the_next() {
        let mut budget = Budget::new(100, 0, 60, 2);
        assert_eq!(budget.allows(0), Some(40));
        budget.reserve(40);
        assert_eq!(budget.allows(0), None);
    }

    #[test]
    fn no_bytes_at_all_still_let_brokers_send_one_batch_each() {
        assert_eq!(Budget::new(0, 0, 0, 3).allows(0), Some(0));
    }
}
