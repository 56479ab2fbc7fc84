//! What the two threads of a consumer hand over, each under one lock.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use weft_client::TopicPartition;
use weft_client::net::{NetworkClient, NetworkEvent};
use weft_client::wire::Response;

use super::coordinator::{Answered, Callback, Progress};
use super::fetching::{Consumed, Standing};
use super::handle::MetricsHandle;
use super::network::{Side, Sockets};
use super::recorder::Recorder;

/// What a poll came to. Emptied when it is handed over, and kept for its memory.
#[derive(Debug, Default)]
pub(crate) struct Polled {
    /// Answers of which everything was handed out or dropped.
    pub(crate) consumed: Vec<Consumed>,
    /// Partitions of which something was handed out.
    pub(crate) standings: Vec<Standing>,
}

impl MetricsHandle {
    /// A poll that began then is over.
    pub(crate) fn poll_ended(&self, began: Instant, ended: Instant, polled: &mut Polled) {
        let mut recorder = self.lock();
        let windowing = recorder.windowing;
        recorder.polling.polled(windowing, began, ended);
        for consumed in polled.consumed.drain(..) {
            recorder.fetching.consumed(windowing, ended, &consumed);
        }
        for standing in polled.standings.drain(..) {
            recorder.fetching.stands(windowing, ended, &standing);
        }
    }

    /// What is owned has changed.
    pub(crate) fn assigned(&self, assignment: &BTreeSet<TopicPartition>) {
        let mut recorder = self.lock();
        recorder.coordinator.assigned(assignment.len());
        recorder.fetching.assigned(assignment);
    }

    /// The sockets of a thread had their turn, which brought these events.
    pub(crate) fn network_turn(
        &self,
        now: Instant,
        side: Side,
        network: &mut NetworkClient,
        events: &[NetworkEvent],
    ) {
        let mut recorder = self.lock();
        let windowing = recorder.windowing;
        let sockets = Sockets {
            counters: network.counters(),
            open: network.connections(),
        };
        recorder.network.totals(windowing, now, side, sockets);
        for (node, lane, activity) in network.take_activity() {
            let place = (node, lane);
            recorder.network.node(windowing, now, place, &activity);
        }
        for event in events {
            if let NetworkEvent::Response {
                response,
                latency,
                throttle,
                ..
            } = event
            {
                answered(&mut recorder, now, response, *latency, *throttle);
            }
        }
    }

    /// How far the membership is now.
    pub(crate) fn membership(&self, now: Instant, progress: Progress) {
        let mut recorder = self.lock();
        let windowing = recorder.windowing;
        recorder.coordinator.progress(windowing, now, progress);
    }

    /// A callback of the listener is over.
    pub(crate) fn called_back(&self, now: Instant, callback: Callback, took: Duration) {
        let mut recorder = self.lock();
        let windowing = recorder.windowing;
        recorder
            .coordinator
            .called_back(windowing, now, callback, took);
    }

    /// A commit that was awaited is over.
    pub(crate) fn committed_sync(&self, took: Duration) {
        self.lock().polling.committed_sync(took);
    }

    /// A question for committed offsets is over.
    pub(crate) fn asked_committed(&self, took: Duration) {
        self.lock().polling.asked_committed(took);
    }
}

fn answered(
    recorder: &mut Recorder,
    now: Instant,
    response: &Response,
    latency: Duration,
    throttle: Duration,
) {
    let windowing = recorder.windowing;
    let what = match response {
        Response::Fetch(_) => {
            recorder
                .fetching
                .answered(windowing, now, latency, throttle);
            return;
        }
        Response::Heartbeat(_) => Answered::Heartbeat,
        Response::JoinGroup(response) if response.error_code == 0 => Answered::Join,
        Response::SyncGroup(response) if response.error_code == 0 => Answered::Sync,
        Response::OffsetCommit(_) => Answered::Commit,
        _ => return,
    };
    recorder.coordinator.answered(windowing, now, what, latency);
}
