//! What can happen next, and how often what would go on for ever may.

use weft_client::net::Lane;

/// One step of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The heartbeat thread takes the oldest command.
    Heartbeat,
    /// The consumer polls, or looks for the result that it waits for.
    Poll,
    /// The user commits, and waits.
    Commit,
    /// The user commits, and does not wait.
    CommitAsync,
    /// The user gives up the subscription.
    Unsubscribe,
    /// And subscribes again.
    Subscribe,
    /// The oldest request on a connection is answered.
    Answer(Lane),
    /// It is answered that the coordinator is another broker, which it is not for long.
    Moved,
    /// The coordinator's connection is cut before the oldest request arrives.
    CutBefore,
    /// It is cut after the request was carried out.
    CutAfter,
    /// The coordinator begins a rebalance.
    Rebalance,
    /// The coordinator forgets the member.
    Evict,
    /// The consumer does not poll for longer than it may.
    Silence,
    /// The next deadline comes.
    Deadline,
}

impl Step {
    /// Whether it happens to a world in which nothing is under way.
    pub(super) fn is_spontaneous(self) -> bool {
        !matches!(self, Self::Heartbeat | Self::Poll | Self::Answer(_))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Poll => "poll",
            Self::Commit => "commit",
            Self::CommitAsync => "commit async",
            Self::Unsubscribe => "unsubscribe",
            Self::Subscribe => "subscribe",
            Self::Answer(_) => "answer",
            Self::Moved => "moved",
            Self::CutBefore => "cut before",
            Self::CutAfter => "cut after",
            Self::Rebalance => "rebalance",
            Self::Evict => "evict",
            Self::Silence => "silence",
            Self::Deadline => "deadline",
        }
    }

    pub(super) fn all_names() -> impl Iterator<Item = &'static str> {
        [
            Self::Heartbeat,
            Self::Poll,
            Self::Commit,
            Self::CommitAsync,
            Self::Unsubscribe,
            Self::Subscribe,
            Self::Answer(Lane::General),
            Self::Moved,
            Self::CutBefore,
            Self::CutAfter,
            Self::Rebalance,
            Self::Evict,
            Self::Silence,
            Self::Deadline,
        ]
        .into_iter()
        .map(Self::name)
    }
}

/// How often each of these may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    pub(super) commits: u8,
    pub(super) faults: u8,
    pub(super) rebalances: u8,
    pub(super) evictions: u8,
    pub(super) silences: u8,
    pub(super) unsubscribes: u8,
    pub(super) deadlines: u8,
    /// Whether the callback of a revocation commits, and waits for it.
    pub(super) commits_when_revoked: bool,
    /// Generations that may begin; the coordinator is slow to answer joins beyond.
    pub(super) generations: u8,
}

impl Budget {
    /// Nothing but what takes a member into its first generations.
    pub(super) const NONE: Self = Self {
        commits: 0,
        faults: 0,
        rebalances: 0,
        evictions: 0,
        silences: 0,
        unsubscribes: 0,
        deadlines: 2,
        commits_when_revoked: true,
        generations: 3,
    };

    /// Whether a step of this name can be taken at all.
    pub(super) fn allows(&self, step: &str) -> bool {
        match step {
            "commit" | "commit async" => self.commits > 0,
            "moved" | "cut before" | "cut after" => self.faults > 0,
            "rebalance" => self.rebalances > 0,
            "evict" => self.evictions > 0,
            "silence" => self.silences > 0,
            "deadline" => self.deadlines > 0,
            "unsubscribe" | "subscribe" => self.unsubscribes > 0,
            _ => true,
        }
    }
}
