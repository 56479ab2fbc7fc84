//! Requests to the embedded broker: conversations on several connections, with frames of any API
//! and version, while time passes.
//!
//! Each step of the input names a connection and what comes on it: a request whose header is made
//! right, bytes that are sent as they are, the end of the connection, or time. Whatever comes, the
//! cluster keeps its memory within bounds, answers each request at most once, and serves the
//! next client.

use std::time::{Duration, Instant};

use weft_client::NodeId;
use weft_client::wire::specimen::apis;
use weft_client::wire::{ApiKey, decode_response, decoding_bytes_max, schema_versions};
use weft_testcontainers::mock::MockCluster;
use weft_testcontainers::mock::simulated::{Effect, SimulatedCluster};

use crate::allowance::{Allowance, within};
use crate::choices::Choices;

/// See the module's text.
pub fn check(input: &[u8]) {
    let mut choices = Choices::new(input);
    let mut broker = Broker::new();
    for _ in 0..STEPS_MAX {
        if choices.is_empty() {
            break;
        }
        let connection = CONNECTIONS[choices.below(CONNECTIONS.len())];
        match choices.below(6) {
            0 => broker.pass(Duration::from_millis(u64::from(choices.int16()))),
            1 => broker.close(connection),
            2 => broker.receive(connection, choices.bytes()),
            _ => {
                let frame = request(&mut choices);
                broker.receive(connection, &frame);
            }
        }
    }
    broker.serves_the_next();
}

/// A request of some API and version, with anything behind these.
fn request(choices: &mut Choices<'_>) -> Vec<u8> {
    let all: Vec<ApiKey> = apis().collect();
    let api_key = all[choices.below(all.len())];
    let versions: Vec<i16> = schema_versions(api_key).collect();
    let version = versions[choices.below(versions.len())];
    let rest = choices.bytes();
    let length = (API_AND_VERSION + rest.len()) as u32;
    [
        &length.to_be_bytes()[..],
        &(api_key as i16).to_be_bytes(),
        &version.to_be_bytes(),
        rest,
    ]
    .concat()
}

struct Broker {
    cluster: SimulatedCluster,
    now: Instant,
    /// Connections that are open, and how many requests on each wait for an answer.
    open: Vec<u64>,
    effects: Vec<Effect>,
}

impl Broker {
    #[expect(clippy::disallowed_methods, reason = "any time will do as the first")]
    fn new() -> Self {
        let builder = MockCluster::builder().brokers(2).topic("t", 2);
        Self {
            cluster: builder.simulate(9092).expect("a cluster with one topic"),
            now: Instant::now(),
            open: Vec::new(),
            effects: Vec::new(),
        }
    }

    fn receive(&mut self, connection: u64, bytes: &[u8]) {
        if !self.open.contains(&connection) {
            self.open.push(connection);
            let broker = NodeId::new((connection % 2) as i32);
            self.cluster
                .open(self.now, connection, broker, &mut self.effects);
        }
        let allowance = Allowance::of(request_bytes_max(bytes.len()));
        let Self {
            cluster,
            now,
            effects,
            ..
        } = self;
        within(allowance, || {
            cluster.receive(*now, connection, bytes, effects);
        });
        self.note();
    }

    fn close(&mut self, connection: u64) {
        self.open.retain(|open| *open != connection);
        self.cluster.close(self.now, connection, &mut self.effects);
        self.note();
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        for _ in 0..TICKS_MAX {
            let Some(deadline) = self.cluster.next_deadline().filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(deadline);
            self.cluster.tick(self.now, &mut self.effects);
            self.note();
        }
        self.now = end;
    }

    fn note(&mut self) {
        for effect in self.effects.drain(..) {
            if let Effect::Close(connection) = effect {
                assert!(
                    self.open.contains(&connection),
                    "a connection that is not open is closed"
                );
                self.open.retain(|open| *open != connection);
            }
        }
    }

    /// A client that connects afterwards is told which versions there are.
    fn serves_the_next(&mut self) {
        const NEXT: u64 = 99;
        let frame: &[u8] = &[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
        self.cluster
            .open(self.now, NEXT, NodeId::new(0), &mut self.effects);
        self.cluster
            .receive(self.now, NEXT, frame, &mut self.effects);
        let answer = self.effects.iter().find_map(|effect| match effect {
            Effect::Write(NEXT, chunks) => Some(chunks.concat()),
            _ => None,
        });
        let mut answer = answer.expect("the next client is answered");
        let body = answer.split_off(LENGTH_PREFIX);
        let decoded = decode_response(ApiKey::ApiVersions, 0, body.into());
        assert!(decoded.is_ok(), "{decoded:?}");
    }
}

/// What the broker may allocate for bytes that come in: what they decode to, what it keeps, and its
/// answer. A topic with as many partitions as there may be takes most.
fn request_bytes_max(bytes: usize) -> usize {
    decoding_bytes_max(bytes)
        .saturating_mul(2)
        .saturating_add(BYTES_FREE)
}

/// One connection to each of two brokers, and a second one to the first.
const CONNECTIONS: [u64; 3] = [1, 2, 3];
const LENGTH_PREFIX: usize = 4;
const API_AND_VERSION: usize = 4;
const STEPS_MAX: usize = 16;
const TICKS_MAX: usize = 1_000;
const BYTES_FREE: usize = 256 * 1024 * 1024;
