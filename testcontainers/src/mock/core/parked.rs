//! Requests that wait: fetches for which there is too little data, and requests and answers that a
//! fault delays. Each connection has one at most, since a broker serves them one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use weft_client::wire::Request;
use weft_client::wire::messages::FetchRequest;

use super::fault::Outgoing;
use super::reply::{Ask, ConnectionId};
use super::topics::PartitionKey;

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parked {
    requests: BTreeMap<ConnectionId, ParkedRequest>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ParkedRequest {
    pub(crate) ask: Ask,
    pub(crate) until: Instant,
    pub(crate) wish: Wish,
}

/// What is to be done when the time has come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wish {
    Serve(Request),
    /// It was served, and its answer is late.
    Send(Outgoing),
    /// A fetch that an earlier change of one of `partitions` may satisfy.
    Fetch {
        request: FetchRequest,
        partitions: Vec<PartitionKey>,
    },
}

impl Parked {
    pub(crate) fn park(&mut self, request: ParkedRequest) {
        self.requests.insert(request.ask.connection, request);
    }

    pub(crate) fn forget_connection(&mut self, connection: ConnectionId) {
        self.requests.remove(&connection);
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.requests.values().map(|request| request.until).min()
    }

    /// Takes out the requests whose time has come.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<ParkedRequest> {
        self.take(|request| request.until <= now)
    }

    /// Takes out the fetches of any of these partitions.
    pub(crate) fn take_changed(&mut self, changed: &BTreeSet<PartitionKey>) -> Vec<ParkedRequest> {
        self.take(|request| match &request.wish {
            Wish::Serve(_) | Wish::Send(_) => false,
            Wish::Fetch { partitions, .. } => partitions.iter().any(|key| changed.contains(key)),
        })
    }

    fn take(&mut self, is_taken: impl Fn(&ParkedRequest) -> bool) -> Vec<ParkedRequest> {
        let taken = self.requests.values().filter(|request| is_taken(request));
        let taken: Vec<ConnectionId> = taken.map(|request| request.ask.connection).collect();
        taken
            .iter()
            .filter_map(|connection| self.requests.remove(connection))
            .collect()
    }
}
