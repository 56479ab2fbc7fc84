//! What went on with each broker since somebody last asked, for measurements.
//!
//! It adds up and is emptied from outside; rates and windows are made of it elsewhere.

use std::time::Duration;

use crate::connection::Lane;
use crate::ids::NodeId;

/// Requests and responses of one broker on one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeActivity {
    /// Requests put on the wire, the connection's own among them.
    pub requests: u64,
    /// Their bytes, length prefixes included.
    pub request_bytes: u64,
    /// The bytes of the largest.
    pub request_bytes_max: u64,
    /// Answers given to callers.
    pub responses: u64,
    /// Their bytes, length prefixes included.
    pub response_bytes: u64,
    /// The times between requests and their answers, added up.
    pub latency: Duration,
    /// The longest of them.
    pub latency_max: Duration,
}

impl NodeActivity {
    fn sent(&mut self, bytes: u64) {
        self.requests += 1;
        self.request_bytes += bytes;
        self.request_bytes_max = self.request_bytes_max.max(bytes);
    }

    fn received(&mut self, bytes: u64, latency: Duration) {
        self.responses += 1;
        self.response_bytes += bytes;
        self.latency += latency;
        self.latency_max = self.latency_max.max(latency);
    }
}

/// The activity of all brokers. One entry for each broker and lane that anything went on with since
/// it was emptied, which are a few.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity {
    by_place: Vec<(NodeId, Lane, NodeActivity)>,
}

impl Activity {
    pub(super) fn sent(&mut self, node: NodeId, lane: Lane, bytes: usize) {
        self.at(node, lane).sent(bytes as u64);
    }

    pub(super) fn received(&mut self, node: NodeId, lane: Lane, bytes: usize, latency: Duration) {
        let bytes = (bytes + LENGTH_PREFIX_BYTES) as u64;
        self.at(node, lane).received(bytes, latency);
    }

    /// Empties it.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (NodeId, Lane, NodeActivity)> + '_ {
        self.by_place.drain(..)
    }

    fn at(&mut self, node: NodeId, lane: Lane) -> &mut NodeActivity {
        let mut places = self.by_place.iter();
        let index = places
            .position(|(of, on, _)| *of == node && *on == lane)
            .unwrap_or(self.by_place.len());
        if index == self.by_place.len() {
            self.by_place.push((node, lane, NodeActivity::default()));
        }
        &mut self.by_place[index].2
    }
}

const LENGTH_PREFIX_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_adds_up_by_broker_and_lane_until_it_is_emptied() {
        let mut activity = Activity::default();
        let (one, two) = (NodeId::new(1), NodeId::new(2));
        activity.sent(one, Lane::Fetch, 30);
        activity.sent(one, Lane::Fetch, 50);
        activity.sent(one, Lane::General, 7);
        activity.received(one, Lane::Fetch, 96, Duration::from_millis(3));
        activity.received(one, Lane::Fetch, 6, Duration::from_millis(1));
        activity.sent(two, Lane::Fetch, 1);
        let drained: Vec<_> = activity.drain().collect();
        assert_eq!(drained.len(), 3);
        let expected = NodeActivity {
            requests: 2,
            request_bytes: 80,
            request_bytes_max: 50,
            responses: 2,
            response_bytes: 110,
            latency: Duration::from_millis(4),
            latency_max: Duration::from_millis(3),
        };
        assert_eq!(drained[0], (one, Lane::Fetch, expected));
        assert_eq!(drained[1].2.requests, 1);
        assert_eq!(activity.drain().count(), 0);
    }
}
