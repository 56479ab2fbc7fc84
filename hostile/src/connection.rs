//! The machine of one connection, fed with any events in any order: answers of every kind, broken
//! ones among them, lost sockets, time that passes.
//!
//! What must hold: for every request that was sent and not cancelled exactly one outcome comes, and
//! none beyond; nothing is written to a socket that is not open; a deadline that has passed is
//! acted on; the queues stay within their limits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use weft_client::connection::{
    CloseReason, Connection, ConnectionSettings, IN_FLIGHT_MAX, Input, Lane, NetworkEvent,
    OutboundRequest, Output, RequestToken, WAITING_MAX,
};
use weft_client::wire::messages::{
    ApiVersionsRequest, FetchRequest, HeartbeatRequest, MetadataRequest, ProduceRequest,
};
use weft_client::wire::{Request, decoding_bytes_max};
use weft_client::{Broker, NodeId};

use crate::allowance::{Allowance, within};
use crate::choices::Choices;

/// See the module's text.
pub fn check(input: &[u8]) {
    let mut choices = Choices::new(input);
    let mut bench = Bench::new(choices.byte());
    while !choices.is_empty() && bench.steps < STEPS_MAX {
        bench.step(&mut choices);
    }
    bench.finish();
}

struct Bench {
    machine: Connection,
    now: Instant,
    steps: usize,
    tokens: u64,
    /// Outcomes that are still due.
    due: BTreeMap<RequestToken, Fate>,
    is_open: bool,
    attempt: u64,
    unwritten: usize,
    /// The number of the request whose answer comes next, as a broker that reads would know it.
    asked: Vec<Bytes>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Awaited,
    Cancelled,
}

impl Bench {
    fn new(seed: u8) -> Self {
        let broker = Arc::new(Broker {
            id: NodeId::new(1),
            host: Arc::from("broker"),
            port: 9092,
            rack: None,
        });
        let settings = Arc::new(ConnectionSettings::default());
        Self {
            machine: Connection::new(broker, Lane::General, settings, seed.into()),
            now: origin(),
            steps: 0,
            tokens: 0,
            due: BTreeMap::new(),
            is_open: false,
            attempt: 0,
            unwritten: 0,
            asked: Vec::new(),
        }
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        let input = match choices.below(12) {
            0 | 1 => self.send(choices),
            2 => {
                let token = RequestToken::new(u64::from(choices.byte()));
                if let Some(fate) = self.due.get_mut(&token) {
                    *fate = Fate::Cancelled;
                }
                Input::Cancel(token)
            }
            3 => match choices.byte() {
                0..16 => Input::Disconnect,
                _ => Input::Tick,
            },
            4 => Input::Resolved {
                attempt: self.attempt.wrapping_sub(u64::from(choices.byte() / 128)),
                addresses: match choices.below(4) {
                    0 => Err("no such host".into()),
                    count => Ok((1..count)
                        .map(|last| ([127, 0, 0, last as u8], 1).into())
                        .collect()),
                },
            },
            5 => Input::Connected,
            6 => Input::ConnectFailed("refused".into()),
            7 => Input::Written(self.written(choices)),
            8 | 9 => Input::Frame(self.answer(choices)),
            10 => match self.machine.address() {
                Some(address) => Input::Lost(CloseReason::Unasked(address)),
                None => Input::Lost(CloseReason::Requested),
            },
            _ => {
                self.now += Duration::from_millis(u64::from(choices.int16()) * 10);
                Input::Tick
            }
        };
        self.feed(input);
    }

    fn send(&mut self, choices: &mut Choices<'_>) -> Input {
        let token = RequestToken::new(self.tokens);
        self.tokens += 1;
        self.due.insert(token, Fate::Awaited);
        Input::Send(OutboundRequest {
            token,
            broker: Arc::clone(self.machine.broker()),
            lane: Lane::General,
            request: request(choices),
            timeout: match choices.byte() {
                255 => Duration::MAX,
                tenths => Duration::from_millis(100 * u64::from(tenths)),
            },
        })
    }

    fn written(&mut self, choices: &mut Choices<'_>) -> usize {
        // Now and then the shell claims more than there is.
        let bytes = match choices.byte() {
            255 => self.unwritten + 7,
            254 => usize::MAX,
            share => self.unwritten * usize::from(share) / 253,
        };
        self.unwritten = self.unwritten.saturating_sub(bytes);
        bytes
    }

    /// A frame that answers the oldest request, if the choice is so, with any body.
    fn answer(&mut self, choices: &mut Choices<'_>) -> Bytes {
        let is_matching = choices.byte() < 230;
        let body = choices.bytes();
        let mut frame = BytesMut::new();
        if is_matching && !self.asked.is_empty() {
            let asked = self.asked.remove(0);
            let correlation_id = asked.get(CORRELATION_ID_AT).unwrap_or_default();
            frame.put_slice(correlation_id);
        }
        frame.put_slice(body);
        frame.freeze()
    }

    fn feed(&mut self, input: Input) {
        self.steps += 1;
        let bytes = match &input {
            Input::Frame(frame) => frame.len(),
            _ => 0,
        };
        let (now, machine) = (self.now, &mut self.machine);
        let allowance = Allowance::of(decoding_bytes_max(bytes) + MACHINE_BYTES_MAX);
        let outputs = within(allowance, || {
            let mut outputs = Vec::new();
            machine.handle(now, input, &mut outputs);
            outputs
        });
        assert!(
            outputs.len() <= OUTPUTS_MAX,
            "{} outputs for one input",
            outputs.len()
        );
        for output in outputs {
            self.perform(output);
        }
        assert!(self.machine.pending() <= WAITING_MAX + IN_FLIGHT_MAX);
        if let Some(deadline) = self.machine.next_deadline(self.now) {
            assert!(deadline > self.now, "what is due now was not done");
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Resolve { attempt } => self.attempt = attempt,
            Output::Connect(_) => {
                assert!(!self.is_open, "a second socket beside an open one");
                self.is_open = true;
                self.unwritten = 0;
                self.asked.clear();
            }
            Output::Transmit(bytes) => {
                assert!(self.is_open, "nobody is there to read");
                self.unwritten += bytes.len();
                self.asked.push(bytes);
            }
            Output::CloseSocket => {
                assert!(self.is_open, "nothing is there to be closed");
                self.is_open = false;
            }
            Output::Event(event) => self.note(&event),
        }
    }

    fn note(&mut self, event: &NetworkEvent) {
        let token = match event {
            NetworkEvent::Response { token, .. }
            | NetworkEvent::Sent { token }
            | NetworkEvent::Failed { token, .. } => *token,
            NetworkEvent::ConnectionOpened { .. } | NetworkEvent::ConnectionClosed { .. } => return,
        };
        let fate = self.due.remove(&token);
        assert_eq!(fate, Some(Fate::Awaited), "an outcome that nobody is due");
    }

    /// With time everything comes to an end.
    fn finish(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let Some(deadline) = self.machine.next_deadline(self.now) else {
                break;
            };
            self.now = deadline;
            self.feed(Input::Tick);
        }
        self.now += LONGER_THAN_ALL;
        self.feed(Input::Tick);
        self.due.retain(|_, fate| *fate == Fate::Awaited);
        assert!(self.due.is_empty(), "without an outcome: {:?}", self.due);
    }
}

fn request(choices: &mut Choices<'_>) -> Request {
    match choices.below(6) {
        0 => MetadataRequest::default().into(),
        1 => FetchRequest::default().into(),
        2 => HeartbeatRequest::default().into(),
        3 => ProduceRequest::default().with_acks(0).into(),
        4 => ProduceRequest::default().with_acks(-1).into(),
        _ => ApiVersionsRequest::default().into(),
    }
}

#[expect(clippy::disallowed_methods, reason = "any time will do as the first")]
fn origin() -> Instant {
    Instant::now()
}

/// Where a request has its correlation id, behind length, API and version.
const CORRELATION_ID_AT: std::ops::Range<usize> = 8..12;

/// What the machine may allocate for one input beyond what it decodes: requests that it encodes,
/// one event for each request that it holds, texts.
const MACHINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One event for each request, and a handful for the connection.
const OUTPUTS_MAX: usize = WAITING_MAX + IN_FLIGHT_MAX + 10;

const STEPS_MAX: usize = 500;

/// Deadlines that are waited for at the end.
const ROUNDS_MAX: usize = 2_000;

/// Beyond the longest time that a request is given.
const LONGER_THAN_ALL: Duration = Duration::from_secs(3 * 365 * 24 * 3600);
