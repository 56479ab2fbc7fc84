//! One fault: whom it may hit, which of these it hits, and what it does to them.

use std::fmt;
use std::time::Duration;

use weft_client::wire::ErrorCode;

use super::filter::RequestFilter;

/// A fault that a test orders with `MockCluster::set_fault`.
///
/// Faults are looked at in the order in which they were set. Several may hit one request as long as
/// they do different things to it, for instance a delay and a refusal; of those that would do the
/// same kind of thing the first one hits, and the others do not even see the request. Kinds are: to
/// wait before, the verdict (an answer with an error, silence, a cut), to wait after, the end (a
/// lost answer, half a frame, a cut after), corruption, throttling. Nothing sees a request behind a
/// cut or silence that comes before serving.
///
/// ```
/// use weft_client::wire::{ApiKey, ErrorCode};
/// use weft_testcontainers::mock::{Fault, FaultAction, Hits, RequestFilter};
///
/// let third_fetch = Fault::new(
///     RequestFilter::api(ApiKey::Fetch).topic("orders"),
///     FaultAction::Answer(ErrorCode::NOT_LEADER_OR_FOLLOWER),
/// )
/// .hits(Hits::Nth(3));
/// # let _ = third_fetch;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(crate) filter: RequestFilter,
    pub(crate) hits: Hits,
    pub(crate) action: FaultAction,
}

/// What is done to a request that is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultAction {
    /// It changes nothing, and is answered with this code, at the place where a broker would write
    /// it. Where the fault names a topic or a partition and the API has a place for each (Produce,
    /// Fetch, ListOffsets, OffsetForLeaderEpoch, OffsetCommit, TxnOffsetCommit, Metadata), only
    /// that one is refused and the rest is served.
    Answer(ErrorCode),
    /// It waits so long before it is served; what comes behind it on the connection waits as well.
    DelayBefore(Duration),
    /// It is served, and its answer waits so long.
    DelayAfter(Duration),
    /// It changes nothing and gets no answer; the connection stays open and hangs.
    Silence,
    /// It is served, but its answer gets lost; the connection stays open and hangs.
    LoseAnswer,
    /// The connection is closed, and the request changes nothing.
    CutBefore,
    /// The request is served, and then the connection is closed instead of an answer.
    CutAfter,
    /// The request is served, the first half of the answer is sent, then the connection is closed.
    HalfFrame,
    /// The answer is sent with this many of its bytes changed, behind its length. The same seed
    /// changes the same bytes of the same answer.
    Corrupt {
        /// How many bytes are changed at most; the same one may be drawn twice.
        bytes: u32,
        /// Where the drawing begins.
        seed: u64,
    },
    /// The answer says that the client is throttled for so long, and the broker reads nothing more
    /// from the connection for that time (KIP-219).
    Throttle(Duration),
}

/// Which of the requests that a fault's filter chooses are hit. They are counted from 1, from the
/// moment in which the fault is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hits {
    /// All of them, until the fault is lifted.
    #[default]
    All,
    /// This one only.
    Nth(u64),
    /// So many from the first on.
    First(u64),
    /// Every so-many-th: 3 is the third, the sixth and so on.
    Every(u64),
    /// Each with this probability, drawn in the same way for the same seed.
    Chance {
        /// From 1 to 100.
        percent: u8,
        /// Where the drawing begins.
        seed: u64,
    },
}

/// Names a fault that was set. They count from 1, and no number is used twice in a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(pub u64);

/// Why a fault cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultRefused {
    /// There are a thousand already that are not lifted and not used up.
    TooMany,
    /// It counts from 1: the zeroth request cannot be hit.
    Zeroth,
    /// A probability is from 1 to 100 percent.
    Percent(u8),
    /// No fault waits longer than a day.
    TooLong(Duration),
}

impl Fault {
    /// Does `action` to every request that `filter` chooses.
    pub fn new(filter: impl Into<RequestFilter>, action: FaultAction) -> Self {
        Self {
            filter: filter.into(),
            hits: Hits::All,
            action,
        }
    }

    /// Hits some of the chosen requests only.
    #[must_use]
    pub fn hits(mut self, hits: Hits) -> Self {
        self.hits = hits;
        self
    }

    /// Whether it can be set at all.
    pub(crate) fn check(&self) -> Result<(), FaultRefused> {
        match self.hits {
            Hits::Nth(0) | Hits::Every(0) | Hits::First(0) => return Err(FaultRefused::Zeroth),
            Hits::Chance { percent, .. } if !(1..=100).contains(&percent) => {
                return Err(FaultRefused::Percent(percent));
            }
            _ => {}
        }
        match self.action {
            FaultAction::DelayBefore(wait)
            | FaultAction::DelayAfter(wait)
            | FaultAction::Throttle(wait)
                if wait > WAIT_MAX =>
            {
                Err(FaultRefused::TooLong(wait))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for FaultRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => f.write_str("there are a thousand faults already"),
            Self::Zeroth => f.write_str("requests are counted from 1, so 0 hits none"),
            Self::Percent(percent) => write!(f, "{percent} percent is not from 1 to 100"),
            Self::TooLong(wait) => write!(f, "{wait:?} is longer than a day"),
        }
    }
}

impl std::error::Error for FaultRefused {}

/// How long a fault may let anything wait.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
