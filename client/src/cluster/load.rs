//! Which broker has the least to do (Kafka's `NetworkClient.leastLoadedNode`).

use std::sync::Arc;
use std::time::Instant;

use super::snapshot::ClusterSnapshot;
use crate::backoff::Random;
use crate::ids::{Broker, NodeId};

/// How busy the connection to a broker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeLoad {
    /// It is open, and so many requests wait for their answers.
    Ready {
        /// Requests sent and not answered.
        in_flight: usize,
    },
    /// It is open, but the broker asked for a pause.
    Throttled {
        /// The end of the pause.
        until: Instant,
    },
    /// It is being opened.
    Connecting,
    /// There is none, and one may be opened.
    Unconnected {
        /// The last time that one was opened or tried; `None` for never.
        last_attempt_at: Option<Instant>,
    },
    /// There is none, and after a failure it is too early for another attempt.
    Backoff {
        /// The time of the next attempt.
        until: Instant,
    },
}

/// What the owner of the connections knows about them.
pub trait NodeLoads {
    /// How busy the connection is that metadata requests to this node would use.
    fn load(&self, node: NodeId) -> NodeLoad;
}

/// What a search for the least loaded broker found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// This broker.
    Broker(Arc<Broker>),
    /// None now. Some connections are open, but throttled until this time at the soonest.
    Throttled(Instant),
    /// None at all: every broker is in its backoff, the first until this time. Without brokers the
    /// time is missing.
    Unreachable(Option<Instant>),
}

/// Looks for the broker with the least to do. In this order: ready and idle; ready with the fewest
/// requests; connecting; unconnected, the longest untried first. The search starts anywhere, so
/// that many clients spread.
pub(super) fn least_loaded(
    snapshot: &ClusterSnapshot,
    loads: &dyn NodeLoads,
    random: &mut Random,
) -> Found {
    let brokers: Vec<&Arc<Broker>> = snapshot.brokers().collect();
    let start = random.below(brokers.len());
    let mut best: Option<(Rank, &Arc<Broker>)> = None;
    let mut throttled_until: Option<Instant> = None;
    let mut backoff_until: Option<Instant> = None;
    for broker in brokers[start..].iter().chain(&brokers[..start]) {
        let rank = match loads.load(broker.id) {
            NodeLoad::Ready { in_flight } => Rank::Ready(in_flight),
            NodeLoad::Connecting => Rank::Connecting,
            NodeLoad::Unconnected { last_attempt_at } => Rank::Unconnected(last_attempt_at),
            NodeLoad::Throttled { until } => {
                throttled_until = earlier(throttled_until, until);
                continue;
            }
            NodeLoad::Backoff { until } => {
                backoff_until = earlier(backoff_until, until);
                continue;
            }
        };
        if best.as_ref().is_none_or(|(best_rank, _)| rank < *best_rank) {
            best = Some((rank, broker));
        }
    }
    match (best, throttled_until) {
        (Some((_, broker)), _) => Found::Broker(Arc::clone(broker)),
        (None, Some(until)) => Found::Throttled(until),
        (None, None) => Found::Unreachable(backoff_until),
    }
}

/// Smaller is better; the order of the variants is the order of preference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Ready(usize),
    Connecting,
    Unconnected(Option<Instant>),
}

fn earlier(known: Option<Instant>, other: Instant) -> Option<Instant> {
    Some(known.map_or(other, |known| known.min(other)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::cluster::clock::start;

    struct Table(BTreeMap<i32, NodeLoad>);

    impl NodeLoads for Table {
        fn load(&self, node: NodeId) -> NodeLoad {
            self.0[&node.value()]
        }
    }

    fn check(loads: &[NodeLoad], expected: &[i32]) {
        let brokers: Vec<Arc<Broker>> = (1..).take(loads.len()).map(broker).collect();
        let snapshot = ClusterSnapshot::of_brokers(&brokers);
        let table = Table((1..).zip(loads.iter().copied()).collect());
        let mut random = Random::new(1);
        let mut found = Vec::new();
        for _ in 0..50 {
            match least_loaded(&snapshot, &table, &mut random) {
                Found::Broker(broker) => found.push(broker.id.value()),
                _ => found.push(0),
            }
        }
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, expected, "{loads:?}");
    }

    fn broker(id: i32) -> Arc<Broker> {
        Arc::new(Broker {
            id: NodeId::new(id),
            host: "h".into(),
            port: 1,
            rack: None,
        })
    }

    #[test]
    fn the_preference_is_idle_then_fewest_requests_then_connecting_then_longest_untried() {
        let now = start();
        let later = now + Duration::from_secs(1);
        let idle = NodeLoad::Ready { in_flight: 0 };
        let busy = NodeLoad::Ready { in_flight: 3 };
        let busier = NodeLoad::Ready { in_flight: 4 };
        let recent = NodeLoad::Unconnected {
            last_attempt_at: Some(later),
        };
        let old = NodeLoad::Unconnected {
            last_attempt_at: Some(now),
        };
        let never = NodeLoad::Unconnected {
            last_attempt_at: None,
        };
        let backoff = NodeLoad::Backoff { until: later };
        check(&[busy, idle, NodeLoad::Connecting], &[2]);
        check(&[idle, idle], &[1, 2]);
        check(&[busier, busy, never], &[2]);
        check(&[never, NodeLoad::Connecting, backoff], &[2]);
        check(&[recent, old], &[2]);
        check(&[recent, old, never], &[3]);
        check(&[backoff, recent], &[2]);
        check(&[backoff, NodeLoad::Throttled { until: later }], &[0]);
        check(&[], &[0]);
    }
}
