//! Where a consumer stands in one partition: what the user was given, and what the broker is asked
//! for. The two differ, so that the next fetch can leave before the last one is drained.
//!
//! ```text
//!  AwaitingCommitted --nothing committed--> AwaitingReset --offset looked up--> At
//!         |                                      ^  ^                           ^ |
//!         |                                      |  +------- out of range ------|-+
//!         +------------- committed --------------|----------------------------->+
//!                                       seek_to_beginning
//! ```
//!
//! An At that says of which epoch the record before it is becomes AwaitingValidation with each new
//! leader, and At again when that has confirmed it (`core/validation.rs`).
//!
//! It decides nothing about time but the pauses between attempts, which it is told.

use std::time::{Duration, Instant};

use weft_client::{LeaderEpoch, NodeId, Offset};

/// An offset and the timestamp of the record there, as a look-up by time finds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetAndTimestamp {
    /// The offset.
    pub offset: Offset,
    /// Milliseconds since 1970; -1 where the look-up was not by time.
    pub timestamp: i64,
    /// The epoch of the leader that appended the record, if known.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// Where a position is to be reset to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResetTo {
    /// The first record.
    Beginning,
    /// Behind the last record.
    End,
    /// The first record younger than this.
    Youngest(Duration),
    /// There was no record as young, so the end comes first. After it the first one is looked for
    /// again: what was appended meanwhile must not be skipped.
    EndThenYoungest(Duration),
    /// The first record younger than this, or else this offset.
    YoungestOr(Duration, Offset),
}

/// What is known of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// The committed offset decides; nobody has told it yet.
    AwaitingCommitted,
    /// An offset has to be looked up.
    AwaitingReset(ResetTo),
    /// The next record for the user, once the leader has confirmed that the log still has what is
    /// before it.
    AwaitingValidation {
        /// Its offset.
        offset: Offset,
        /// The epoch of the record before it.
        epoch: LeaderEpoch,
    },
    /// The next record for the user.
    At {
        /// Its offset.
        offset: Offset,
        /// The epoch of the record before it.
        leader_epoch: Option<LeaderEpoch>,
    },
}

/// Tells one life of a position from the next: whatever was asked for in an earlier one is stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(pub(crate) u64);

/// The replica that the leader would have read from in its place (KIP-392).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PreferredReplica {
    pub(crate) node: NodeId,
    /// Then the leader is asked again. Hints that repeat it meanwhile change nothing.
    pub(crate) until: Instant,
    /// The epoch of the leader that named it. Under another one it counts no more.
    pub(crate) leader_epoch: Option<LeaderEpoch>,
}

/// A question for the end of a partition, for the sake of its lag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndQuestion {
    /// Nobody wants to know.
    None,
    /// Somebody does.
    Wanted,
    /// The leader was asked.
    Asked,
}

/// Who was asked for records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AskedOf {
    pub(crate) node: NodeId,
    /// With which of the fetches from it, counted. A later one no longer names the partition.
    pub(crate) fetch: u64,
}

/// One partition that the consumer owns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Partition {
    position: Position,
    fetch_offset: Offset,
    stamp: Stamp,
    /// Whether the committed offset or the reset is being asked for.
    pub(crate) is_asked: bool,
    /// The broker that was asked last for records in this life, whether it has answered or not.
    pub(crate) asked_of: Option<AskedOf>,
    pub(crate) preferred_replica: Option<PreferredReplica>,
    /// The epoch of the leader under which the position was found good.
    confirmed_by: Option<LeaderEpoch>,
    pub(crate) is_paused: bool,
    pub(crate) is_pending_revocation: bool,
    /// The subscription still names the topic.
    pub(crate) is_wanted: bool,
    pub(crate) high_watermark: Option<Offset>,
    pub(crate) end_question: EndQuestion,
    /// The first record that the log has, as the last answer told it.
    pub(crate) log_start_offset: Option<Offset>,
    /// Behind the last record that `read_committed` lets pass.
    pub(crate) last_stable_offset: Option<Offset>,
    /// The answer brought something that has to be told before anything else is asked.
    pub(crate) has_failed: bool,
    pub(crate) retry_at: Option<Instant>,
    pub(crate) attempts: u32,
    /// The number of the last answer about this partition. Those that waited longest are asked for
    /// first, because brokers fill their answers in the order of the request.
    pub(crate) last_answer: u64,
}

impl Partition {
    pub(crate) fn new(position: Position, stamp: Stamp) -> Self {
        let mut partition = Self {
            position,
            fetch_offset: Offset::ZERO,
            stamp,
            is_asked: false,
            asked_of: None,
            preferred_replica: None,
            confirmed_by: None,
            is_paused: false,
            is_pending_revocation: false,
            is_wanted: true,
            high_watermark: None,
            end_question: EndQuestion::None,
            log_start_offset: None,
            last_stable_offset: None,
            has_failed: false,
            retry_at: None,
            attempts: 0,
            last_answer: 0,
        };
        partition.set(position, stamp);
        partition
    }

    /// Begins another life at a position; what was asked for before is stale.
    pub(crate) fn set(&mut self, position: Position, stamp: Stamp) {
        self.position = position;
        self.stamp = stamp;
        self.is_asked = false;
        self.asked_of = None;
        self.confirmed_by = None;
        self.has_failed = false;
        self.retry_at = None;
        self.attempts = 0;
        if let Position::At { offset, .. } = position {
            self.fetch_offset = offset;
        }
    }

    /// Forgets what was fetched ahead, and asks again for what the user is to be given next.
    pub(crate) fn refetch(&mut self, stamp: Stamp) {
        let (retry_at, attempts) = (self.retry_at, self.attempts);
        let confirmed_by = self.confirmed_by;
        self.set(self.position, stamp);
        self.confirmed_by = confirmed_by;
        self.retry_at = retry_at;
        self.attempts = attempts;
    }

    /// Notes that the leader of this epoch has the log that led to the position.
    pub(crate) fn confirm(&mut self, leader_epoch: LeaderEpoch) {
        self.confirmed_by = Some(leader_epoch);
    }

    /// Whether the leader of this epoch has said so.
    pub(crate) fn is_confirmed_by(&self, leader_epoch: LeaderEpoch) -> bool {
        self.confirmed_by == Some(leader_epoch)
    }

    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// The offset of the next record for the user, once known.
    #[inline]
    pub(crate) fn offset(&self) -> Option<Offset> {
        match self.position {
            Position::At { offset, .. } => Some(offset),
            Position::AwaitingCommitted
            | Position::AwaitingReset(_)
            | Position::AwaitingValidation { .. } => None,
        }
    }

    #[inline]
    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// The offset to ask the broker for.
    pub(crate) fn fetch_offset(&self) -> Offset {
        self.fetch_offset
    }

    /// Notes that everything before `next` was fetched.
    pub(crate) fn fetched(&mut self, next: Offset) {
        self.fetch_offset = next;
        self.retry_at = None;
        self.attempts = 0;
    }

    /// Notes that the user was given everything before `next`.
    #[inline]
    pub(crate) fn advance(&mut self, next: Offset, epoch: Option<LeaderEpoch>) {
        if let Position::At {
            offset,
            leader_epoch,
        } = &mut self.position
        {
            debug_assert!(*offset <= next, "positions never go back by themselves");
            *offset = next;
            *leader_epoch = epoch.or(*leader_epoch);
        }
    }

    /// Whether records may be asked for, as far as the partition itself is concerned.
    pub(crate) fn is_fetchable(&self) -> bool {
        matches!(self.position, Position::At { .. })
            && !self.is_asked
            && !self.has_failed
            && self.may_deliver()
    }

    /// Whether everything that was fetched has been handed out.
    pub(crate) fn is_drained(&self) -> bool {
        self.offset() == Some(self.fetch_offset)
    }

    /// Whether fetched records may be handed to the user.
    #[inline]
    pub(crate) fn may_deliver(&self) -> bool {
        !self.is_paused && !self.is_pending_revocation && self.is_wanted
    }

    /// Whether its pause between attempts goes on.
    pub(crate) fn backs_off(&self, now: Instant) -> bool {
        self.retry_at.is_some_and(|retry_at| retry_at > now)
    }
}
