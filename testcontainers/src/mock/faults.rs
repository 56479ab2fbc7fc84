//! The part of the handle that orders faults.

use std::time::Duration;

use weft_client::wire::{ApiKey, ErrorCode};

use super::cluster::MockCluster;
use super::core::{Fault, FaultAction, FaultCounts, FaultId, OrderRefused};
use super::error::MockError;

/// A fault that is set. Dropping this leaves it set.
#[derive(Clone, Copy, Debug)]
pub struct FaultHandle<'a> {
    cluster: &'a MockCluster,
    id: FaultId,
}

impl FaultHandle<'_> {
    /// The number of the fault.
    pub fn id(&self) -> FaultId {
        self.id
    }

    /// How often it was met so far; nothing if it was lifted, or made room for another one after
    /// it was used up.
    pub fn counts(&self) -> Option<FaultCounts> {
        let id = self.id;
        self.cluster
            .ask(move |server| server.cluster.faults.counts(id))
    }

    /// Takes it away and says how often it was met; nothing if it was not there any more. What it
    /// has done to requests that still wait is not undone.
    pub fn lift(self) -> Option<FaultCounts> {
        self.cluster.lift_fault(self.id)
    }
}

/// Faults.
impl MockCluster {
    /// Has something happen to requests from now on; see [`Fault`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use weft_client::wire::ApiKey;
    /// use weft_testcontainers::mock::{Fault, FaultAction, Hits, MockCluster, RequestFilter};
    ///
    /// let cluster = MockCluster::builder().topic("orders", 1).start()?;
    /// let produces = RequestFilter::api(ApiKey::Produce).topic("orders");
    /// let fault = Fault::new(produces, FaultAction::CutAfter).hits(Hits::Nth(2));
    /// let lost = cluster.set_fault(fault)?;
    /// // ... the second batch is appended, and its producer does not hear of it ...
    /// assert_eq!(lost.counts().map(|counts| counts.hit), Some(0));
    /// lost.lift();
    /// # Ok::<(), weft_testcontainers::mock::MockError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MockError::Order`] if there are a thousand that can still hit something, or if its numbers
    /// make no sense.
    pub fn set_fault(&self, fault: Fault) -> Result<FaultHandle<'_>, MockError> {
        let id = self.ask(move |server| server.cluster.faults.set(fault));
        id.map(|id| FaultHandle { cluster: self, id })
            .map_err(|refused| MockError::Order(OrderRefused::Fault(refused)))
    }

    /// As [`FaultHandle::lift`], for one whose number is known.
    pub fn lift_fault(&self, id: FaultId) -> Option<FaultCounts> {
        self.ask(move |server| server.cluster.faults.lift(id))
    }

    /// All faults that are set, in the order in which they were.
    pub fn faults(&self) -> Vec<(FaultId, Fault, FaultCounts)> {
        self.ask(|server| {
            let faults = server.cluster.faults.iter();
            faults
                .map(|(id, fault, counts)| (id, fault.clone(), counts))
                .collect()
        })
    }

    /// Refuses the next `count` requests of an API with `code`, at the place where a broker would
    /// write it. They change nothing. Several calls for one API follow each other.
    ///
    /// # Panics
    ///
    /// If there are too many faults; see [`Self::set_fault`].
    pub fn fail_next(&self, api_key: ApiKey, code: ErrorCode, count: usize) {
        self.set_on_next(api_key, FaultAction::Answer(code), count);
    }

    /// Lets the next `count` requests of an API wait before they are served; requests behind them
    /// on the same connection wait as well. Several calls for one API follow each other.
    ///
    /// # Panics
    ///
    /// If there are too many faults, or if the delay is longer than a day.
    pub fn delay_next(&self, api_key: ApiKey, delay: Duration, count: usize) {
        self.set_on_next(api_key, FaultAction::DelayBefore(delay), count);
    }

    /// Closes the connection on which the next request of an API comes, without serving it. Several
    /// calls add up.
    ///
    /// # Panics
    ///
    /// If there are too many faults.
    pub fn drop_connection_on_next(&self, api_key: ApiKey) {
        self.set_on_next(api_key, FaultAction::CutBefore, 1);
    }

    fn set_on_next(&self, api_key: ApiKey, action: FaultAction, count: usize) {
        let set = self.ask(move |server| {
            let faults = &mut server.cluster.faults;
            faults.set_on_next(api_key, action, count)
        });
        if let Err(refused) = set {
            panic!("the fault cannot be set: {refused}; lift some, or let them hit");
        }
    }
}
