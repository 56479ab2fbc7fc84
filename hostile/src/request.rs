//! Requests, as they come to the embedded broker: any bytes, on a few connections, with time that
//! goes by between them.
//!
//! Each step of the input names a connection and what comes on it: a request of some API and
//! version, a frame, bytes that are sent as they are, the end of the connection; or that time goes
//! by.
//!
//! What must hold: each request gets one answer at most, which a client can read and which is its
//! own; what was not answered by the time that everything is due has asked for no answer; what is
//! due is done; the next client is served; and no request takes or leaves behind more memory than
//! its own size and that of the cluster justify.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use weft_client::NodeId;
use weft_client::record::{DEFAULT_DECOMPRESSED_LIMIT, reading_bytes_max};
use weft_client::wire::specimen::apis;
use weft_client::wire::{
    ApiKey, Request, RequestHead, WireError, decode_exact_response, decode_request, schema_versions,
};
use weft_testcontainers::mock::MockCluster;
use weft_testcontainers::mock::simulated::{Effect, SimulatedCluster};

use crate::allowance::measured;
use crate::choices::Choices;

/// See the module's text.
pub fn check(input: &[u8]) {
    let mut choices = Choices::new(input);
    let mut bench = Bench::new(1 + choices.below(BROKERS_MAX));
    for _ in 0..STEPS_MAX {
        if choices.is_empty() {
            break;
        }
        bench.step(&mut choices);
    }
    bench.serves_the_next();
    bench.finish();
}

struct Bench {
    cluster: SimulatedCluster,
    brokers: usize,
    now: Instant,
    /// The connections that are open, and the request of each that is not answered yet.
    asked: BTreeMap<u64, Option<Bytes>>,
    opened: u64,
    /// What the cluster keeps, in bytes, as far as it came here.
    kept: i64,
}

impl Bench {
    fn new(brokers: usize) -> Self {
        let builder = MockCluster::builder().brokers(brokers).topic(TOPIC, 3);
        let cluster = builder.auto_create_topics(true, 2).simulate(9092);
        Self {
            cluster: cluster.expect("the cluster can be started"),
            brokers,
            now: origin(),
            asked: BTreeMap::new(),
            opened: 0,
            kept: 0,
        }
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.below(4) {
            0 => {
                let connection = self.connection(choices);
                self.receive(connection, &framed(choices.bytes()));
            }
            1 => {
                let connection = self.connection(choices);
                let frame = request(choices);
                self.receive(connection, &framed(&frame));
            }
            2 => {
                let connection = self.connection(choices);
                self.receive(connection, choices.bytes());
            }
            _ => match choices.byte() {
                255 => {
                    let connection = self.connection(choices);
                    self.asked.remove(&connection);
                    self.run(0, |cluster, now, out| cluster.close(now, connection, out));
                }
                tenths => self.tick(self.now + Duration::from_millis(100 * u64::from(tenths))),
            },
        }
    }

    /// One of a few connections, which is opened if it must be.
    fn connection(&mut self, choices: &mut Choices<'_>) -> u64 {
        let nth = choices.below(CONNECTIONS);
        if let Some(connection) = self.asked.keys().nth(nth) {
            return *connection;
        }
        self.opened += 1;
        let connection = self.opened;
        let broker = NodeId::new((connection % self.brokers as u64) as i32);
        self.asked.insert(connection, None);
        self.run(0, |cluster, now, out| {
            cluster.open(now, connection, broker, out);
        });
        connection
    }

    fn receive(&mut self, connection: u64, bytes: &[u8]) {
        self.run(bytes.len(), |cluster, now, out| {
            cluster.receive(now, connection, bytes, out);
        });
    }

    fn tick(&mut self, until: Instant) {
        self.now = until;
        self.run(0, SimulatedCluster::tick);
        if let Some(deadline) = self.cluster.next_deadline() {
            assert!(deadline > self.now, "what is due now was not done");
        }
    }

    /// Lets the cluster do something for which `received` bytes came in, and judges what comes out.
    fn run(
        &mut self,
        received: usize,
        act: impl FnOnce(&mut SimulatedCluster, Instant, &mut Vec<Effect>),
    ) {
        let mut out = Vec::new();
        let (cluster, now) = (&mut self.cluster, self.now);
        let ((), used) = measured(|| act(cluster, now, &mut out));
        let waiting = self.asked.values().flatten().cloned();
        let served = out.iter().filter_map(|effect| match effect {
            Effect::Request(_, frame) => Some(frame.clone()),
            _ => None,
        });
        let frames: Vec<Bytes> = waiting.chain(served).collect();
        let ((), noted) = measured(|| out.into_iter().for_each(|effect| self.note(effect)));
        self.judge_memory(received, &frames, used.peak, used.kept + noted.kept);
    }

    fn judge_memory(&mut self, received: usize, frames: &[Bytes], taken: usize, kept: i64) {
        let bytes = received + frames.iter().map(Bytes::len).sum::<usize>();
        let extra: Extra = frames.iter().map(extra).sum();
        let grown = BYTES_FREE + KEPT_PER_BYTE * bytes + extra.kept;
        assert!(
            kept <= grown as i64,
            "{kept} bytes stay behind {bytes}, where {grown} are allowed"
        );
        self.kept += kept;
        let state = usize::try_from(self.kept).unwrap_or(0);
        let peak = BYTES_FREE + TAKEN_PER_BYTE * bytes + TAKEN_PER_KEPT * state + extra.taken;
        assert!(
            taken <= peak,
            "{taken} bytes were taken for {bytes} with {state} kept, where {peak} are allowed"
        );
    }

    fn note(&mut self, effect: Effect) {
        match effect {
            Effect::Request(connection, frame) => {
                let before = self.asked.insert(connection, Some(frame));
                let before = before.expect("only an open connection is served");
                // What asked for no answer was served before it.
                assert!(before.is_none_or(|frame| wants_no_answer(&frame)));
            }
            Effect::Write(connection, chunks) => {
                let asked = self.asked.get_mut(&connection);
                let asked = asked.expect("only an open connection is written to");
                let frame = asked.take().expect("an answer that nobody asked for");
                judge_answer(&frame, &chunks);
            }
            Effect::Close(connection) => {
                self.asked.remove(&connection);
            }
            Effect::StopListening(_) => panic!("no broker was killed"),
        }
    }

    /// A client that connects afterwards is told which versions there are.
    fn serves_the_next(&mut self) {
        let (connection, broker) = (self.opened + 1, NodeId::new(0));
        self.asked.insert(connection, None);
        self.run(0, |cluster, now, out| {
            cluster.open(now, connection, broker, out);
        });
        self.receive(connection, &framed(API_VERSIONS));
        let asked = self.asked.get(&connection);
        assert_eq!(asked, Some(&None), "the next client is answered");
    }

    /// With time everything is answered.
    fn finish(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let Some(deadline) = self.cluster.next_deadline() else {
                break;
            };
            self.tick(self.now.max(deadline));
        }
        assert_eq!(self.cluster.next_deadline(), None, "it comes to rest");
        for frame in self.asked.values().flatten() {
            assert!(wants_no_answer(frame), "{frame:02x?} has no answer");
        }
    }
}

/// A request of some API and version, with anything behind these.
fn request(choices: &mut Choices<'_>) -> Vec<u8> {
    let all: Vec<ApiKey> = apis().collect();
    let api_key = all[choices.below(all.len())];
    let versions: Vec<i16> = schema_versions(api_key).collect();
    let version = versions[choices.below(versions.len())];
    let head = [(api_key as i16).to_be_bytes(), version.to_be_bytes()];
    [&head.concat(), choices.bytes()].concat()
}

fn framed(frame: &[u8]) -> Vec<u8> {
    let length = (frame.len() as u32).to_be_bytes();
    [&length[..], frame].concat()
}

/// What a request may take beyond its own size, since it asks for things that are large.
#[derive(Clone, Copy, Default)]
struct Extra {
    taken: usize,
    kept: usize,
}

impl std::iter::Sum for Extra {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, next| Self {
            taken: sum.taken + next.taken,
            kept: sum.kept + next.kept,
        })
    }
}

fn extra(frame: &Bytes) -> Extra {
    let Some(api_key) = frame.first_chunk().map(|key| i16::from_be_bytes(*key)) else {
        return Extra::default();
    };
    match ApiKey::try_from(api_key) {
        Ok(ApiKey::Produce | ApiKey::ListOffsets) => Extra {
            taken: reading_bytes_max(frame.len(), DEFAULT_DECOMPRESSED_LIMIT),
            kept: reading_bytes_max(0, DEFAULT_DECOMPRESSED_LIMIT),
        },
        Ok(ApiKey::CreateTopics | ApiKey::CreatePartitions) => Extra {
            taken: PARTITIONS_BYTES_MAX,
            kept: PARTITIONS_BYTES_MAX,
        },
        Ok(ApiKey::ListTransactions) => Extra {
            taken: PATTERN_BYTES_MAX,
            kept: 0,
        },
        _ => Extra::default(),
    }
}

fn wants_no_answer(frame: &Bytes) -> bool {
    match decode_request(frame.clone()) {
        Ok((_, Request::Produce(request))) => request.acks == 0,
        _ => false,
    }
}

/// A client can read it, and finds that it is the answer to its request.
fn judge_answer(frame: &Bytes, chunks: &[Bytes]) {
    let mut answer = BytesMut::new();
    for chunk in chunks {
        answer.extend_from_slice(chunk);
    }
    let answer = answer.freeze();
    let length = answer
        .first_chunk()
        .map(|length| u32::from_be_bytes(*length));
    let body = answer.slice(LENGTH_PREFIX.min(answer.len())..);
    assert_eq!(length, Some(body.len() as u32), "it is one frame");
    let read = |head: &RequestHead, version| {
        decode_exact_response(head.api_key, version, body.clone())
            .map(|(correlation_id, _)| assert_eq!(correlation_id, head.correlation_id))
    };
    match decode_request(frame.clone()) {
        Ok((head, _)) => {
            let answered = read(&head, head.api_version);
            // A version that the brokers do not serve is refused in the oldest one.
            let is_refused = head.api_key == ApiKey::ApiVersions && read(&head, 0).is_ok();
            assert!(answered.is_ok() || is_refused, "{head:?}: {answered:?}");
        }
        Err(WireError::UnknownRequest(unknown)) => {
            assert_eq!(unknown.api_key, ApiKey::ApiVersions as i16);
            let refusal = decode_exact_response(ApiKey::ApiVersions, 0, body);
            let (correlation_id, _) = refusal.expect("a refusal can be read");
            assert_eq!(correlation_id, unknown.correlation_id);
        }
        Err(error) => panic!("what cannot be read was answered: {error}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "any time will do as the first")]
fn origin() -> Instant {
    Instant::now()
}

/// The topic that the cluster has.
pub(crate) const TOPIC: &str = "topic";

const BROKERS_MAX: usize = 2;

const CONNECTIONS: usize = 3;

/// ApiVersions v0 of a client without a name, without its length.
const API_VERSIONS: &[u8] = &[0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];

const LENGTH_PREFIX: usize = 4;

/// What may be taken for anything: the tables of the codecs where a transaction's end is written,
/// texts of complaints, first elements of lists.
const BYTES_FREE: usize = 512 * 1024;

/// What each byte of a request may take while it is served: the message, a copy of what it names,
/// the answer, and the answer's bytes.
const TAKEN_PER_BYTE: usize = 256;

/// What each byte that the cluster keeps may take while it is told: as messages, and as their
/// bytes, in lists that double while they grow.
const TAKEN_PER_KEPT: usize = 8;

/// What each byte of a request may leave behind: names and numbers in maps, for each broker.
const KEPT_PER_BYTE: usize = 128;

/// All the partitions that a cluster may have: 200,000.
const PARTITIONS_BYTES_MAX: usize = 200_000 * 1024;

/// What a pattern may be compiled to, and searched with, both times that it is compiled.
const PATTERN_BYTES_MAX: usize = 32 * 1024 * 1024;

const STEPS_MAX: usize = 100;

/// Deadlines that are waited for at the end.
const ROUNDS_MAX: usize = 2_000;

#[cfg(test)]
mod tests {
    use weft_client::Offset;
    use weft_testcontainers::mock::GroupState;

    use super::*;
    use crate::seeds;

    /// The cluster behind the steps of one of the last seeds, which are talks.
    fn after_talk(from_last: usize) -> SimulatedCluster {
        let talks = seeds::of("request");
        let mut choices = Choices::new(&talks[talks.len() - 1 - from_last]);
        let mut bench = Bench::new(1 + choices.below(BROKERS_MAX));
        // Time goes by in the last two steps.
        while choices.rest().len() > 4 {
            bench.step(&mut choices);
        }
        bench.cluster
    }

    #[test]
    fn the_seeds_get_where_they_are_to() {
        let transaction = after_talk(0);
        let written = transaction.end_offset(TOPIC, 0);
        let expected = Some(Offset::new(4));
        assert_eq!(written, expected, "two records, a commit, and an abort");

        let records = after_talk(1);
        let written = records.end_offset(TOPIC, 0);
        assert_eq!(written, Some(Offset::new(10)), "two records of each codec");

        let member = after_talk(3);
        assert_eq!(member.group_state("g"), Some(GroupState::Stable));
        assert_eq!(member.committed("g", TOPIC, 0), Some(Offset::new(1)));
    }
}
