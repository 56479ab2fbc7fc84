//! Has brokers forget what they keep for this consumer.

use std::time::Instant;

use weft_client::cluster::{NodeLoad, NodeLoads};
use weft_client::net::{Lane, OutboundRequest};

use super::ConsumerCore;
use super::network::Pending;
use crate::fetch::fetch_request;

impl ConsumerCore {
    /// Appends the requests that close all fetch sessions (KIP-227). Nothing may be fetched after
    /// that. Brokers that cannot be reached at the moment are left out: they drop sessions that
    /// nobody uses.
    ///
    /// Kafka's consumer has these requests wait behind the fetch that is on the wire, for up to
    /// `fetch.max.wait.ms`. Here they take another connection then: a session belongs to none.
    pub(crate) fn close_sessions(
        &mut self,
        now: Instant,
        loads: &dyn NodeLoads,
        out: &mut Vec<OutboundRequest>,
    ) {
        let snapshot = self.cluster.snapshot().clone();
        for (node, mut state) in std::mem::take(&mut self.nodes) {
            let Some(broker) = snapshot.broker(node) else {
                continue;
            };
            let lane = if state.is_fetching {
                Lane::General
            } else {
                Lane::Fetch
            };
            let is_away = matches!(loads.load(node), NodeLoad::Backoff { until } if until > now);
            let Some(said) = state.session.close().filter(|_| !is_away) else {
                continue;
            };
            let request = fetch_request(&self.options.fetch, said, 0);
            out.push(self.request(broker, lane, request, Pending::CloseSession));
        }
    }

    /// Whether a broker has still to confirm that it closed a session.
    pub(crate) fn is_closing_sessions(&self) -> bool {
        let mut pending = self.pending.values();
        pending.any(|pending| matches!(pending, Pending::CloseSession))
    }
}
