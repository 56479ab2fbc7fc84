//! How many bytes all connections keep together, and whose are given up if it is too much.
//!
//! It counts what was read and not served, what is being served, and answers that are not written,
//! apart from the records in them, which they share with the logs. The connection that keeps most
//! is given up first, so that whoever floods the cluster does not take others along.

use std::collections::{BTreeMap, BTreeSet};

use super::core::ConnectionId;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Buffered {
    of: BTreeMap<ConnectionId, usize>,
    /// Those that keep anything, the greediest last.
    ordered: BTreeSet<(usize, ConnectionId)>,
    total: usize,
    most: usize,
}

impl Buffered {
    /// With at most so many bytes for all.
    pub(super) fn new(most: usize) -> Self {
        Self {
            of: BTreeMap::new(),
            ordered: BTreeSet::new(),
            total: 0,
            most,
        }
    }

    /// A connection keeps so many bytes now.
    pub(super) fn set(&mut self, id: ConnectionId, bytes: usize) {
        let before = if bytes == 0 {
            self.of.remove(&id)
        } else {
            self.of.insert(id, bytes)
        };
        if let Some(before) = before {
            self.ordered.remove(&(before, id));
            self.total -= before;
        }
        if bytes > 0 {
            self.ordered.insert((bytes, id));
            self.total += bytes;
        }
    }

    /// The connection to give up, if all keep too much.
    pub(super) fn excess(&self) -> Option<ConnectionId> {
        let (_, greediest) = self.ordered.last()?;
        (self.total > self.most).then_some(*greediest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greediest_is_given_up_until_the_others_fit() {
        let mut buffered = Buffered::new(10);
        let [one, two, three] = [1, 2, 3].map(ConnectionId);
        buffered.set(one, 4);
        buffered.set(two, 6);
        assert_eq!(buffered.excess(), None);
        buffered.set(three, 5);
        assert_eq!(buffered.excess(), Some(two));
        buffered.set(two, 0);
        assert_eq!(buffered.excess(), None);
        buffered.set(one, 11);
        assert_eq!(buffered.excess(), Some(one));
        buffered.set(one, 0);
        buffered.set(three, 0);
        assert_eq!((buffered.total, buffered.excess()), (0, None));
        assert!(buffered.of.is_empty() && buffered.ordered.is_empty());
    }

    #[test]
    fn one_connection_may_keep_all_of_it_and_no_more() {
        let mut buffered = Buffered::new(10);
        buffered.set(ConnectionId(1), 10);
        assert_eq!(buffered.excess(), None);
        buffered.set(ConnectionId(1), 11);
        assert_eq!(buffered.excess(), Some(ConnectionId(1)));
    }
}
