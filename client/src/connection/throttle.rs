//! Silence at the broker's request (KIP-219): a broker over its quota answers at once, says how
//! long it wants to be left alone, and does not read from the connection for that long.
//!
//! It decides which answers count and until when nothing may be sent. It never delays anything
//! itself.

use std::time::{Duration, Instant};

use crate::wire::{ApiKey, Response};

/// The longest silence that a broker can impose with one answer. Quota windows are seconds long;
/// without a limit one wrong number would silence the connection for weeks.
pub(super) const THROTTLE_MAX: Duration = Duration::from_secs(60);

/// Until when a connection keeps silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Throttle {
    until: Option<Instant>,
}

impl Throttle {
    /// Notes that the broker wants silence for `time` from `now` on. The end only moves forward;
    /// returns by how much it did, counted from `now` at the earliest.
    pub(super) fn mute(&mut self, now: Instant, time: Duration) -> Duration {
        let until = now + time.min(THROTTLE_MAX);
        let current = self.until.map_or(now, |current| current.max(now));
        let gained = until.saturating_duration_since(current);
        if !gained.is_zero() {
            self.until = Some(until);
        }
        gained
    }

    /// When sending may go on, if it may not at `now`.
    pub(super) fn muted_until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }

    /// A new connection starts without silence.
    pub(super) fn clear(&mut self) {
        self.until = None;
    }
}

/// The throttle time inside an answer; zero if the version has none.
pub(super) fn throttle_time(response: &Response) -> Duration {
    macro_rules! throttle_time_ms {
        ($($api:ident)*) => {
            match response {
                $(Response::$api(message) => message.throttle_time_ms,)*
                // The other answers are for clients of another make.
                #[cfg(any(test, feature = "broker"))]
                _ => 0,
            }
        };
    }
    let milliseconds = throttle_time_ms! {
        ApiVersions Metadata Produce Fetch ListOffsets FindCoordinator JoinGroup SyncGroup
        Heartbeat LeaveGroup OffsetCommit OffsetFetch OffsetForLeaderEpoch CreateTopics
        DeleteTopics CreatePartitions DescribeGroups ListGroups DeleteGroups InitProducerId
        DescribeCluster
    };
    u64::try_from(milliseconds).map_or(Duration::ZERO, Duration::from_millis)
}

/// Whether the client has to keep silent by itself. Brokers answered older versions only after
/// the throttle time, so that waiting again would double it.
pub(super) fn is_client_side(api_key: ApiKey, version: i16) -> bool {
    let first = match api_key {
        ApiKey::Fetch => 8,
        ApiKey::Produce | ApiKey::Metadata => 6,
        ApiKey::OffsetCommit | ApiKey::OffsetFetch => 4,
        ApiKey::JoinGroup | ApiKey::ListOffsets | ApiKey::CreateTopics => 3,
        ApiKey::ApiVersions
        | ApiKey::FindCoordinator
        | ApiKey::Heartbeat
        | ApiKey::LeaveGroup
        | ApiKey::SyncGroup
        | ApiKey::DeleteTopics
        | ApiKey::DescribeGroups
        | ApiKey::ListGroups => 2,
        ApiKey::CreatePartitions | ApiKey::DeleteGroups | ApiKey::InitProducerId => 1,
        _ => 0,
    };
    version >= first
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "a test needs some instant to count from"
)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_end_of_a_silence_only_moves_forward() {
        let now = Instant::now();
        let mut throttle = Throttle::default();
        assert_eq!(throttle.muted_until(now), None);
        assert_eq!(throttle.mute(now, seconds(5)), seconds(5));
        assert_eq!(throttle.mute(now + seconds(1), seconds(2)), Duration::ZERO);
        assert_eq!(
            throttle.muted_until(now + seconds(1)),
            Some(now + seconds(5))
        );
        assert_eq!(throttle.mute(now + seconds(4), seconds(3)), seconds(2));
        assert_eq!(throttle.muted_until(now + seconds(7)), None);
        assert_eq!(throttle.mute(now + seconds(10), seconds(1)), seconds(1));
    }

    #[test]
    fn a_silence_of_weeks_is_cut_to_the_limit() {
        let now = Instant::now();
        let mut throttle = Throttle::default();
        throttle.mute(now, Duration::from_millis(i32::MAX as u64));
        assert_eq!(throttle.muted_until(now), Some(now + THROTTLE_MAX));
    }

    #[test]
    fn answers_that_were_held_back_by_the_broker_do_not_silence_the_client() {
        assert!(!is_client_side(ApiKey::Fetch, 7));
        assert!(is_client_side(ApiKey::Fetch, 8));
        assert!(!is_client_side(ApiKey::Metadata, 5));
        assert!(is_client_side(ApiKey::DescribeCluster, 0));
    }
}
