//! The faults that a test has ordered, and how often each API was asked. It decides what happens to
//! a request before any broker looks at it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use weft_client::wire::{ApiKey, ErrorCode};

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    faults: BTreeMap<i16, Faults>,
    requests: BTreeMap<i16, usize>,
}

/// What is ordered for one API: entries of the same kind wait for each other, kinds do not.
#[derive(Clone, Debug, Default)]
struct Faults {
    failures: VecDeque<(ErrorCode, usize)>,
    delays: VecDeque<(Duration, usize)>,
    drops: usize,
}

/// What happens to a request on its arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Welcome,
    Delay(Duration),
    DropConnection,
}

impl Script {
    pub(crate) fn fail_next(&mut self, api_key: ApiKey, code: ErrorCode, count: usize) {
        self.faults_of(api_key).failures.push_back((code, count));
    }

    pub(crate) fn delay_next(&mut self, api_key: ApiKey, delay: Duration, count: usize) {
        self.faults_of(api_key).delays.push_back((delay, count));
    }

    pub(crate) fn drop_connection_on_next(&mut self, api_key: ApiKey) {
        self.faults_of(api_key).drops += 1;
    }

    /// Forgets what was ordered and did not happen yet.
    #[cfg(feature = "simulation")]
    pub(crate) fn forget_faults(&mut self) {
        self.faults.clear();
    }

    /// How many requests of this API arrived.
    pub(crate) fn requests(&self, api_key: ApiKey) -> usize {
        self.requests
            .get(&(api_key as i16))
            .copied()
            .unwrap_or_default()
    }

    /// Counts a request and says what happens to it.
    pub(crate) fn arrival(&mut self, api_key: ApiKey) -> Arrival {
        *self.requests.entry(api_key as i16).or_default() += 1;
        let Some(faults) = self.faults.get_mut(&(api_key as i16)) else {
            return Arrival::Welcome;
        };
        if faults.drops > 0 {
            faults.drops -= 1;
            return Arrival::DropConnection;
        }
        take_one(&mut faults.delays).map_or(Arrival::Welcome, Arrival::Delay)
    }

    /// The code with which to refuse the request that is now to be served.
    pub(crate) fn failure(&mut self, api_key: ApiKey) -> Option<ErrorCode> {
        take_one(&mut self.faults.get_mut(&(api_key as i16))?.failures)
    }

    fn faults_of(&mut self, api_key: ApiKey) -> &mut Faults {
        self.faults.entry(api_key as i16).or_default()
    }
}

fn take_one<T: Copy>(queue: &mut VecDeque<(T, usize)>) -> Option<T> {
    loop {
        let (value, left) = queue.front_mut()?;
        if *left > 0 {
            *left -= 1;
            return Some(*value);
        }
        queue.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_of_one_api_come_in_order_and_end() {
        let mut script = Script::default();
        script.fail_next(ApiKey::Fetch, ErrorCode::NONE, 0);
        script.fail_next(ApiKey::Fetch, ErrorCode::NOT_COORDINATOR, 2);
        script.fail_next(ApiKey::Fetch, ErrorCode::REQUEST_TIMED_OUT, 1);

        let failures: Vec<_> = (0..4).map(|_| script.failure(ApiKey::Fetch)).collect();

        let (first, second) = (ErrorCode::NOT_COORDINATOR, ErrorCode::REQUEST_TIMED_OUT);
        assert_eq!(failures, [Some(first), Some(first), Some(second), None]);
        assert_eq!(script.failure(ApiKey::Produce), None);
    }

    #[test]
    fn a_dropped_request_uses_up_no_delay() {
        let mut script = Script::default();
        let delay = Duration::from_millis(7);
        script.delay_next(ApiKey::Heartbeat, delay, 1);
        script.drop_connection_on_next(ApiKey::Heartbeat);

        let arrivals: Vec<_> = (0..3).map(|_| script.arrival(ApiKey::Heartbeat)).collect();

        assert_eq!(
            arrivals,
            [
                Arrival::DropConnection,
                Arrival::Delay(delay),
                Arrival::Welcome
            ]
        );
        assert_eq!(script.requests(ApiKey::Heartbeat), 3);
    }
}
