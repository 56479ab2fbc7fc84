//! Starting from the bootstrap addresses: at first, and again where nothing else helps (KIP-899,
//! KIP-1102); and giving up where they have no addresses at all.

use std::sync::Arc;
use std::time::Instant;

use super::super::load::{Found, NodeLoads, least_loaded};
use super::super::resolution::{LookUp, Resolution};
use super::super::snapshot::by_id;
use super::Cluster;
use crate::connection::NetworkEvent;
use crate::error::{Error, ErrorKind};
use crate::ids::{Broker, NodeId};

/// What a fresh start does to the connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abandon {
    /// Those to the brokers known so far are closed: they are of no use, or lead elsewhere.
    Connections,
    /// There are none.
    Nothing,
}

impl Cluster {
    /// The brokers whose connections are to be closed, because the cluster is looked for anew
    /// (KIP-1102); usually none. The caller closes them before it sends anything.
    pub fn take_abandoned(&mut self) -> Vec<NodeId> {
        std::mem::take(&mut self.abandoned)
    }

    /// Takes note of what became of a connection: whether the names in `bootstrap.servers` have
    /// addresses. Other events change nothing.
    pub fn note_connection(&mut self, now: Instant, event: &NetworkEvent) {
        match event {
            NetworkEvent::ConnectionOpened { broker, .. } => {
                self.looked_up(now, broker.id, LookUp::Resolved);
            }
            NetworkEvent::ConnectionClosed { broker, error, .. } => {
                let outcome = if error.is_unresolved() {
                    LookUp::Unresolved
                } else {
                    LookUp::Resolved
                };
                self.looked_up(now, broker.id, outcome);
            }
            _ => {}
        }
    }

    /// Takes note of what came of looking up the name of a broker; only bootstrap names count.
    pub(super) fn looked_up(&mut self, now: Instant, node: NodeId, outcome: LookUp) {
        if node.is_bootstrap() {
            self.resolution.looked_up(node, outcome);
            self.resolution.expire(now);
        }
    }

    /// Why there is no hope of finding the cluster: none of the names in `bootstrap.servers` had
    /// an address within `bootstrap.resolve.timeout.ms`. That is final, even if one has later.
    pub fn fatal_error(&self) -> Option<Error> {
        (self.resolution == Resolution::Failed).then(|| {
            let brokers = self.bootstrap.brokers().iter();
            let names: Vec<String> = brokers.map(|b| format!("{}:{}", b.host, b.port)).collect();
            let text = format!(
                "none of bootstrap.servers could be resolved within bootstrap.resolve.timeout.ms: \
                 {}",
                names.join(", ")
            );
            Error::new(ErrorKind::Bootstrap, text)
        })
    }

    pub(super) fn find_broker(
        &mut self,
        now: Instant,
        loads: &dyn NodeLoads,
    ) -> Option<Arc<Broker>> {
        // At most two looks: the second one after starting again.
        loop {
            match least_loaded(&self.snapshot, loads, &mut self.random) {
                Found::Broker(broker) => return Some(broker),
                Found::Throttled(until) => self.reachable_at = Some(until),
                Found::Unreachable(_)
                    if self.bootstrap.may_start_again() && !self.is_on_bootstrap() =>
                {
                    self.start_again(Abandon::Nothing);
                    continue;
                }
                Found::Unreachable(until) => {
                    let pause = || now.checked_add(self.reconnect.initial);
                    self.reachable_at = until.or_else(pause);
                }
            }
            return None;
        }
    }

    fn is_on_bootstrap(&self) -> bool {
        self.snapshot
            .brokers()
            .all(|broker| broker.id.is_bootstrap())
    }

    /// Believes in nothing but the bootstrap addresses again.
    pub(super) fn start_again(&mut self, abandon: Abandon) {
        if abandon == Abandon::Connections {
            self.abandoned = self.snapshot.brokers().map(|broker| broker.id).collect();
        }
        let snapshot = Arc::make_mut(&mut self.snapshot);
        snapshot.brokers = by_id(self.bootstrap.brokers());
        snapshot.controller = None;
        self.bootstrap.series_ended();
        self.refresh.request();
        self.version += 1;
    }
}
