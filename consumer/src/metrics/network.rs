//! Connections: all of them together, and those to each broker.
//!
//! A consumer has the sockets of two threads; what they did is added up.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use weft_client::NodeId;
use weft_client::net::{Lane, NetworkCounters, NodeActivity};

use super::definition::{CONSUMER, NODE};
use super::polling::{milliseconds, nanoseconds};
use super::sampled::{Batch, Sampled, Windowing};
use super::snapshot::Sink;

/// Whose sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Those of the thread that polls.
    Consumer,
    /// Those of the heartbeat thread.
    Heartbeat,
}

/// What became of the sockets of one thread so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sockets {
    /// Totals since the beginning.
    pub(crate) counters: NetworkCounters,
    /// Sockets that are open.
    pub(crate) open: usize,
}

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    consumer: Sockets,
    heartbeat: Sockets,
    created: Sampled,
    closed: Sampled,
    operations: Sampled,
    sent: Sampled,
    received: Sampled,
    selects: Sampled,
    waiting: Sampled,
    working: Sampled,
    requests: Sampled,
    responses: Sampled,
    nodes: BTreeMap<NodeTag, Node>,
}

/// What a broker is called: its connections for the coordinator have a name of their own, the one
/// that Kafka's clients give them.
type NodeTag = i64;

#[derive(Clone, Debug)]
struct Node {
    used_at: Instant,
    sent: Sampled,
    received: Sampled,
    latency: Sampled,
}

impl Network {
    /// Takes in the present totals of one thread.
    pub(super) fn totals(&mut self, windowing: Windowing, now: Instant, side: Side, new: Sockets) {
        let known = match side {
            Side::Consumer => &mut self.consumer,
            Side::Heartbeat => &mut self.heartbeat,
        };
        let old = std::mem::replace(known, new).counters;
        let new = new.counters;
        let grown = |sampled: &mut Sampled, old: u64, new: u64| {
            if new > old {
                let grown = (new - old) as f64;
                sampled.record_batch(windowing, now, many(grown, 1));
            }
        };
        grown(
            &mut self.created,
            old.connections_opened,
            new.connections_opened,
        );
        grown(
            &mut self.closed,
            old.connections_closed,
            new.connections_closed,
        );
        grown(
            &mut self.operations,
            old.reads + old.writes,
            new.reads + new.writes,
        );
        grown(&mut self.sent, old.bytes_written, new.bytes_written);
        grown(&mut self.received, old.bytes_read, new.bytes_read);
        let waits = new.waits.saturating_sub(old.waits);
        if waits > 0 {
            self.selects
                .record_batch(windowing, now, many(waits as f64, waits));
            let waited = nanoseconds(new.wait_time.saturating_sub(old.wait_time));
            self.waiting
                .record_batch(windowing, now, many(waited, waits));
            let worked = nanoseconds(new.io_time.saturating_sub(old.io_time));
            self.working
                .record_batch(windowing, now, many(worked, waits));
        }
    }

    /// Takes in what went on with one broker.
    pub(super) fn node(
        &mut self,
        windowing: Windowing,
        now: Instant,
        (id, lane): (NodeId, Lane),
        activity: &NodeActivity,
    ) {
        let node = self.nodes.entry(tag(id, lane)).or_insert_with(|| Node {
            used_at: now,
            sent: Sampled::default(),
            received: Sampled::default(),
            latency: Sampled::default(),
        });
        node.used_at = now;
        if activity.requests > 0 {
            let batch = Batch {
                maximum: activity.request_bytes_max as f64,
                ..many(activity.request_bytes as f64, activity.requests)
            };
            node.sent.record_batch(windowing, now, batch);
            self.requests.record_batch(windowing, now, batch);
        }
        if activity.responses > 0 {
            let batch = many(activity.response_bytes as f64, activity.responses);
            node.received.record_batch(windowing, now, batch);
            self.responses.record_batch(windowing, now, batch);
            let latency = Batch {
                maximum: milliseconds(activity.latency_max),
                ..many(milliseconds(activity.latency), activity.responses)
            };
            node.latency.record_batch(windowing, now, latency);
        }
        let nodes = &mut self.nodes;
        if nodes.len() > NODES_MAX {
            nodes.retain(|_, node| now.saturating_duration_since(node.used_at) < NODE_EXPIRY);
        }
    }

    pub(super) fn read(&self, windowing: Windowing, now: Instant, sink: &mut Sink) {
        self.read_totals(windowing, now, sink);
        let is_used = |node: &Node| now.saturating_duration_since(node.used_at) < NODE_EXPIRY;
        for (tag, node) in self.nodes.iter().filter(|(_, node)| is_used(node)) {
            sink.tagged(&[("node-id", &format!("node-{tag}"))]);
            requests(NODE, &node.sent, &node.received, windowing, now, sink);
            bytes(NODE, &node.sent, &node.received, windowing, now, sink);
            let mut put = |name, value| sink.put(NODE, name, value);
            put("request-latency-avg", node.latency.average(windowing, now));
            put("request-latency-max", node.latency.maximum(windowing, now));
        }
        sink.tagged(&[]);
    }

    fn read_totals(&self, windowing: Windowing, now: Instant, sink: &mut Sink) {
        requests(
            CONSUMER,
            &self.requests,
            &self.responses,
            windowing,
            now,
            sink,
        );
        bytes(CONSUMER, &self.sent, &self.received, windowing, now, sink);
        let mut put = |name, value| sink.put(CONSUMER, name, value);
        put(
            "connection-creation-rate",
            self.created.rate(windowing, now),
        );
        put("connection-creation-total", self.created.sum_total());
        put("connection-close-rate", self.closed.rate(windowing, now));
        put("connection-close-total", self.closed.sum_total());
        let open = self.consumer.open + self.heartbeat.open;
        put("connection-count", open as f64);
        put("network-io-rate", self.operations.rate(windowing, now));
        put("network-io-total", self.operations.sum_total());
        put("select-rate", self.selects.rate(windowing, now));
        put("select-total", self.selects.sum_total());
        put("io-wait-time-ns-avg", self.waiting.average(windowing, now));
        put(
            "io-wait-ratio",
            self.waiting.rate(windowing, now) / NANOSECONDS_A_SECOND,
        );
        put("io-wait-time-ns-total", self.waiting.sum_total());
        put("io-time-ns-avg", self.working.average(windowing, now));
        put(
            "io-ratio",
            self.working.rate(windowing, now) / NANOSECONDS_A_SECOND,
        );
        put("io-time-ns-total", self.working.sum_total());
    }
}

fn requests(
    group: &str,
    sent: &Sampled,
    received: &Sampled,
    windowing: Windowing,
    now: Instant,
    sink: &mut Sink,
) {
    let mut put = |name, value| sink.put(group, name, value);
    put("request-rate", sent.occurrence_rate(windowing, now));
    put("request-total", sent.count_total());
    put("request-size-avg", sent.average(windowing, now));
    put("request-size-max", sent.maximum(windowing, now));
    put("response-rate", received.occurrence_rate(windowing, now));
    put("response-total", received.count_total());
}

fn bytes(
    group: &str,
    sent: &Sampled,
    received: &Sampled,
    windowing: Windowing,
    now: Instant,
    sink: &mut Sink,
) {
    let mut put = |name, value| sink.put(group, name, value);
    put("outgoing-byte-rate", sent.rate(windowing, now));
    put("outgoing-byte-total", sent.sum_total());
    put("incoming-byte-rate", received.rate(windowing, now));
    put("incoming-byte-total", received.sum_total());
}

/// Values of which only the sum and the number are known.
fn many(sum: f64, count: u64) -> Batch {
    Batch {
        sum,
        count,
        minimum: f64::NAN,
        maximum: f64::NAN,
    }
}

fn tag(id: NodeId, lane: Lane) -> NodeTag {
    match lane {
        Lane::Coordinator => i64::from(i32::MAX) - i64::from(id.value()),
        Lane::General | Lane::Fetch => i64::from(id.value()),
    }
}

const NANOSECONDS_A_SECOND: f64 = 1_000_000_000.0;

/// What is told of a broker ends when nothing went on with it for so long (Kafka's expiry of
/// sensors).
const NODE_EXPIRY: Duration = Duration::from_secs(3600);

/// So many brokers are kept before those that expired are looked for.
const NODES_MAX: usize = 256;
