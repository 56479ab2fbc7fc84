//! The group: heartbeats, rebalances, commits, and the listener's callbacks.

use std::time::{Duration, Instant};

use super::definition::COORDINATOR;
use super::polling::{milliseconds, seconds_ago};
use super::sampled::{Sampled, Windowing};
use super::snapshot::Sink;

/// A request to the coordinator that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// A heartbeat, whatever the answer.
    Heartbeat,
    /// A JoinGroup that succeeded.
    Join,
    /// A SyncGroup that succeeded.
    Sync,
    /// An OffsetCommit, whatever the answer.
    Commit,
}

/// A callback of the rebalance listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callback {
    /// `on_partitions_revoked`.
    Revoked,
    /// `on_partitions_assigned`.
    Assigned,
    /// `on_partitions_lost`.
    Lost,
}

/// How far the membership is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// A join or sync is under way.
    pub(crate) is_rebalancing: bool,
    /// It has an assignment, and no reason to join again that it has acted on.
    pub(crate) is_stable: bool,
    /// Attempts to join in a row that failed.
    pub(crate) failures: u32,
}

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(super) struct CoordinatorMetrics {
    heartbeat: Sampled,
    last_heartbeat: Option<Instant>,
    join: Sampled,
    sync: Sampled,
    commit: Sampled,
    rebalance: Sampled,
    failed: Sampled,
    last_rebalance: Option<Instant>,
    rebalance_began: Option<Instant>,
    progress: Progress,
    revoked: Sampled,
    assigned: Sampled,
    lost: Sampled,
    assigned_partitions: usize,
}

impl CoordinatorMetrics {
    pub(super) fn answered(
        &mut self,
        windowing: Windowing,
        now: Instant,
        what: Answered,
        latency: Duration,
    ) {
        let sampled = match what {
            Answered::Heartbeat => {
                self.last_heartbeat = Some(now);
                &mut self.heartbeat
            }
            Answered::Join => &mut self.join,
            Answered::Sync => &mut self.sync,
            Answered::Commit => &mut self.commit,
        };
        sampled.record(windowing, now, milliseconds(latency));
    }

    pub(super) fn called_back(
        &mut self,
        windowing: Windowing,
        now: Instant,
        callback: Callback,
        took: Duration,
    ) {
        let sampled = match callback {
            Callback::Revoked => &mut self.revoked,
            Callback::Assigned => &mut self.assigned,
            Callback::Lost => &mut self.lost,
        };
        sampled.record(windowing, now, milliseconds(took));
    }

    pub(super) fn assigned(&mut self, partitions: usize) {
        self.assigned_partitions = partitions;
    }

    /// Compares how far the membership is with how far it was.
    pub(super) fn progress(&mut self, windowing: Windowing, now: Instant, new: Progress) {
        let old = std::mem::replace(&mut self.progress, new);
        for _ in old.failures..new.failures {
            self.failed.record(windowing, now, 1.0);
        }
        if new.is_rebalancing {
            self.rebalance_began.get_or_insert(now);
        }
        if new.is_stable && !old.is_stable {
            let began = self.rebalance_began.take().unwrap_or(now);
            let took = now.saturating_duration_since(began);
            self.rebalance.record(windowing, now, milliseconds(took));
            self.last_rebalance = Some(now);
        }
        if !new.is_stable && !new.is_rebalancing && new.failures == 0 {
            self.rebalance_began = None;
        }
    }

    pub(super) fn read(&self, windowing: Windowing, now: Instant, sink: &mut Sink) {
        let mut put = |name, value| sink.put(COORDINATOR, name, value);
        let heartbeat = &self.heartbeat;
        put(
            "heartbeat-response-time-max",
            heartbeat.maximum(windowing, now),
        );
        put("heartbeat-rate", heartbeat.occurrence_rate(windowing, now));
        put("heartbeat-total", heartbeat.count_total());
        put(
            "last-heartbeat-seconds-ago",
            seconds_ago(now, self.last_heartbeat),
        );
        put("join-time-avg", self.join.average(windowing, now));
        put("join-time-max", self.join.maximum(windowing, now));
        put("join-rate", self.join.occurrence_rate(windowing, now));
        put("join-total", self.join.count_total());
        put("sync-time-avg", self.sync.average(windowing, now));
        put("sync-time-max", self.sync.maximum(windowing, now));
        put("sync-rate", self.sync.occurrence_rate(windowing, now));
        put("sync-total", self.sync.count_total());
        put("commit-latency-avg", self.commit.average(windowing, now));
        put("commit-latency-max", self.commit.maximum(windowing, now));
        put("commit-rate", self.commit.occurrence_rate(windowing, now));
        put("commit-total", self.commit.count_total());
        put("assigned-partitions", self.assigned_partitions as f64);
        put(
            "partition-revoked-latency-avg",
            self.revoked.average(windowing, now),
        );
        put(
            "partition-revoked-latency-max",
            self.revoked.maximum(windowing, now),
        );
        put(
            "partition-assigned-latency-avg",
            self.assigned.average(windowing, now),
        );
        put(
            "partition-assigned-latency-max",
            self.assigned.maximum(windowing, now),
        );
        put(
            "partition-lost-latency-avg",
            self.lost.average(windowing, now),
        );
        put(
            "partition-lost-latency-max",
            self.lost.maximum(windowing, now),
        );
        self.read_rebalances(windowing, now, sink);
    }

    fn read_rebalances(&self, windowing: Windowing, now: Instant, sink: &mut Sink) {
        let mut put = |name, value| sink.put(COORDINATOR, name, value);
        let rebalance = &self.rebalance;
        put("rebalance-latency-avg", rebalance.average(windowing, now));
        put("rebalance-latency-max", rebalance.maximum(windowing, now));
        put("rebalance-latency-total", rebalance.sum_total());
        put("rebalance-total", rebalance.count_total());
        let rate = rebalance.occurrence_rate(windowing, now);
        put("rebalance-rate-per-hour", rate * SECONDS_AN_HOUR);
        put("failed-rebalance-total", self.failed.count_total());
        let rate = self.failed.occurrence_rate(windowing, now);
        put("failed-rebalance-rate-per-hour", rate * SECONDS_AN_HOUR);
        put(
            "last-rebalance-seconds-ago",
            seconds_ago(now, self.last_rebalance),
        );
    }
}

const SECONDS_AN_HOUR: f64 = 3600.0;
