//! The machine by itself: time jumps, the broker is a few lines, nothing waits.

#![expect(
    clippy::disallowed_methods,
    reason = "tests need some instant to count from"
)]

use std::collections::BTreeMap;

use bytes::Bytes;

use super::super::error::{MissingBytes, Stage};
use super::super::in_flight::{IN_FLIGHT_MAX, UNWRITTEN_MAX};
use super::super::request::OutboundRequest;
use super::super::throttle::THROTTLE_MAX;
use super::super::waiting::WAITING_MAX;
use super::*;
use crate::backoff::Random;
use crate::ids::NodeId;
use crate::wire::messages::api_versions_response::ApiVersion;
use crate::wire::messages::{
    ApiVersionsResponse, HeartbeatRequest, MetadataRequest, MetadataResponse, ProduceRequest,
};
use crate::wire::{self, ApiKey, ErrorCode, Request, RequestHead, Response, ours};

const SECOND: Duration = Duration::from_secs(1);

/// One machine, its clock, and everything it put out so far.
struct Bench {
    connection: Connection,
    now: Instant,
    out: Vec<Output>,
}

impl Bench {
    fn new() -> Self {
        let broker = Broker {
            id: NodeId::new(3),
            host: "broker".into(),
            port: 9092,
            rack: None,
        };
        let settings = Arc::new(ConnectionSettings::default());
        Self {
            connection: Connection::new(Arc::new(broker), Lane::General, settings, 11),
            now: Instant::now(),
            out: Vec::new(),
        }
    }

    /// A machine that is ready for requests, with nothing in its outputs.
    fn ready() -> Self {
        let mut bench = Self::new();
        bench.send(0, 30 * SECOND);
        bench.resolve(&["10.0.0.1:9092"]);
        bench.feed(Input::Connected);
        bench.answer(versions());
        bench.answer(MetadataResponse::default());
        bench.write_all();
        bench.out.clear();
        assert_eq!(bench.connection.state(bench.now), NodeState::Ready);
        bench
    }

    fn feed(&mut self, input: Input) {
        self.connection.handle(self.now, input, &mut self.out);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.feed(Input::Tick);
    }

    fn send(&mut self, token: u64, timeout: Duration) {
        self.send_request(token, timeout, MetadataRequest::default());
    }

    fn send_request(&mut self, token: u64, timeout: Duration, request: impl Into<Request>) {
        self.feed(Input::Send(OutboundRequest {
            token: RequestToken::new(token),
            broker: Arc::clone(self.connection.broker()),
            lane: Lane::General,
            request: request.into(),
            timeout,
        }));
    }

    fn resolve(&mut self, addresses: &[&str]) {
        let attempt = self.connection.attempts.number();
        let addresses = Ok(addresses.iter().map(|text| address(text)).collect());
        self.feed(Input::Resolved { attempt, addresses });
    }

    /// Answers the oldest request.
    fn answer(&mut self, response: impl Into<Response>) {
        let frame = self.answer_frame(response);
        self.feed(Input::Frame(frame));
    }

    fn answer_frame(&self, response: impl Into<Response>) -> Bytes {
        let oldest = self.connection.in_flight.oldest().unwrap();
        frame(
            oldest.api_key,
            oldest.version,
            oldest.correlation_id.value(),
            response,
        )
    }

    fn write_all(&mut self) {
        self.feed(Input::Written(self.connection.in_flight.unwritten_bytes()));
    }

    /// What the outputs were since the last call, in words.
    fn story(&mut self) -> Vec<String> {
        self.out.drain(..).map(|output| in_words(&output)).collect()
    }
}

fn frame(
    api_key: ApiKey,
    api_version: i16,
    correlation_id: i32,
    response: impl Into<Response>,
) -> Bytes {
    let head = RequestHead {
        api_key,
        api_version,
        correlation_id: correlation_id.into(),
        client_id: None,
    };
    let mut out = BytesMut::new();
    wire::encode_response(&head, &response.into(), &mut out).unwrap();
    out.freeze().slice(4..)
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn versions() -> ApiVersionsResponse {
    let apis = [ApiKey::ApiVersions, ApiKey::Metadata, ApiKey::Produce];
    let ranges = apis.map(|api_key| {
        ApiVersion::default()
            .with_api_key(api_key as i16)
            .with_min_version(*ours(api_key).start())
            .with_max_version(*ours(api_key).end())
    });
    ApiVersionsResponse::default().with_api_keys(ranges.into())
}

fn throttled(milliseconds: i32) -> MetadataResponse {
    MetadataResponse::default().with_throttle_time_ms(milliseconds)
}

fn in_words(output: &Output) -> String {
    match output {
        Output::Resolve { attempt } => format!("resolve {attempt}"),
        Output::Connect(address) => format!("connect {address}"),
        Output::Transmit(frame) => {
            let api_key = i16::from_be_bytes([frame[4], frame[5]]);
            let api_key = ApiKey::try_from(api_key).unwrap();
            format!("transmit {api_key:?} v{}", frame[7])
        }
        Output::CloseSocket => "close".to_owned(),
        Output::Event(event) => match event {
            NetworkEvent::Response { token, .. } => format!("response {}", token.value()),
            NetworkEvent::Sent { token } => format!("sent {}", token.value()),
            NetworkEvent::Failed { token, error } => format!("{}: {error}", token.value()),
            NetworkEvent::ConnectionOpened { .. } => "opened".to_owned(),
            NetworkEvent::ConnectionClosed { error, .. } => format!("closed: {error}"),
        },
    }
}

#[test]
fn a_request_opens_the_connection_and_goes_out_once_versions_are_known() {
    let mut bench = Bench::new();
    assert_eq!(bench.connection.next_deadline(bench.now), None);
    bench.pass(3600 * SECOND);
    assert_eq!(bench.story(), [""; 0]);

    bench.send(1, 30 * SECOND);
    assert_eq!(bench.story(), ["resolve 1"]);
    bench.resolve(&["10.0.0.1:9092"]);
    assert_eq!(bench.story(), ["connect 10.0.0.1:9092"]);
    bench.feed(Input::Connected);
    assert_eq!(bench.story(), ["transmit ApiVersions v4"]);
    bench.answer(versions());
    assert_eq!(bench.story(), ["opened", "transmit Metadata v13"]);
    bench.answer(MetadataResponse::default());
    assert_eq!(bench.story(), ["response 1"]);
    assert_eq!(bench.connection.pending(), 0);
}

#[test]
fn all_addresses_of_one_family_are_tried_before_requests_fail() {
    let mut bench = Bench::new();
    bench.send(1, 30 * SECOND);
    bench.resolve(&["[::1]:9092", "10.0.0.1:9092", "10.0.0.2:9092"]);
    bench.feed(Input::ConnectFailed("refused".into()));
    bench.feed(Input::ConnectFailed("unreachable".into()));

    assert_eq!(
        bench.story(),
        [
            "resolve 1",
            "connect 10.0.0.1:9092",
            "close",
            "connect 10.0.0.2:9092",
            "close",
            "1: Metadata request to node 3 at broker:9092 failed: \
             connecting to 10.0.0.2:9092: unreachable",
            "closed: connecting to 10.0.0.2:9092: unreachable",
        ]
    );
}

#[test]
fn a_host_that_moves_is_found_at_its_new_address_with_the_next_connection() {
    let mut bench = Bench::ready();
    bench.feed(Input::Lost(CloseReason::ClosedByPeer(
        address("10.0.0.1:9092"),
        MissingBytes::None,
    )));
    bench.pass(SECOND);
    bench.out.clear();

    bench.send(1, 30 * SECOND);
    assert_eq!(bench.story(), ["resolve 2"], "the old answer is not kept");
    bench.resolve(&["10.0.0.7:9092", "10.0.0.8:9092"]);
    assert_eq!(bench.story(), ["connect 10.0.0.7:9092"]);
    bench.feed(Input::ConnectFailed("refused".into()));
    assert_eq!(bench.story(), ["close", "connect 10.0.0.8:9092"]);
}

#[test]
fn the_address_used_last_is_not_the_first_to_be_tried_again() {
    let mut bench = Bench::ready();
    bench.feed(Input::Lost(CloseReason::ClosedByPeer(
        address("10.0.0.1:9092"),
        MissingBytes::None,
    )));
    bench.pass(SECOND);
    bench.send(1, 30 * SECOND);
    bench.out.clear();

    bench.resolve(&["10.0.0.1:9092", "10.0.0.2:9092"]);

    assert_eq!(bench.story(), ["connect 10.0.0.2:9092"]);
}

#[test]
fn a_name_without_addresses_fails_the_requests() {
    let mut bench = Bench::new();
    bench.send(1, 30 * SECOND);
    bench.resolve(&[]);

    assert_eq!(
        bench.story()[1],
        "1: Metadata request to node 3 at broker:9092 failed: \
         the host name cannot be resolved: the look-up found no address"
    );
}

#[test]
fn requests_wait_out_a_backoff_that_grows_with_each_failure() {
    let mut bench = Bench::new();
    let mut waits = Vec::new();
    for token in 0..8 {
        bench.send(token, 30 * SECOND);
        let until = match bench.connection.state(bench.now) {
            NodeState::BackingOff { until } => until,
            _ => bench.now,
        };
        assert!(bench.connection.next_deadline(bench.now) >= Some(until));
        waits.push((until - bench.now).as_millis());
        bench.pass(until - bench.now);
        bench.resolve(&["10.0.0.1:9092"]);
        bench.feed(Input::ConnectFailed("refused".into()));
        assert_eq!(bench.connection.pending(), 0, "after attempt {token}");
    }
    let expected = [0, 50, 100, 200, 400, 800, 1000, 1000];
    for (wait, expected) in waits.iter().zip(expected) {
        assert!(
            (expected * 8 / 10..=expected * 12 / 10).contains(wait),
            "{waits:?}"
        );
    }
}

#[test]
fn the_backoff_counts_from_the_last_attempt_and_ends_with_a_ready_connection() {
    let mut bench = Bench::ready();
    bench.pass(10 * SECOND);
    bench.feed(Input::Lost(CloseReason::ClosedByPeer(
        address("10.0.0.1:9092"),
        MissingBytes::None,
    )));
    assert_eq!(
        bench.connection.state(bench.now),
        NodeState::Disconnected,
        "the last attempt is long ago"
    );
    bench.send(1, SECOND);
    assert_eq!(bench.story().last().unwrap(), "resolve 2");
}

#[test]
fn an_attempt_that_takes_too_long_moves_on_to_the_next_address_and_ends() {
    let mut bench = Bench::new();
    bench.send(1, 300 * SECOND);
    bench.resolve(&["10.0.0.1:9092", "10.0.0.2:9092"]);
    bench.out.clear();

    for _ in 0..2 {
        let deadline = bench.connection.next_deadline(bench.now).unwrap();
        let waited = deadline - bench.now;
        assert!(waited > 7 * SECOND && waited < 25 * SECOND, "{waited:?}");
        bench.pass(waited);
    }

    let story = bench.story();
    assert_eq!(story[..3], ["close", "connect 10.0.0.2:9092", "close"]);
    assert!(
        story[4].contains("connecting to 10.0.0.2:9092 took more than"),
        "{story:?}"
    );
}

#[test]
fn a_look_up_that_takes_too_long_fails_and_its_late_answer_is_ignored() {
    let mut bench = Bench::new();
    bench.send(1, 300 * SECOND);
    bench.pass(12 * SECOND);
    let story = bench.story();
    assert!(story[1].contains("was not resolved within"), "{story:?}");
    bench.pass(SECOND);
    bench.send(2, 300 * SECOND);
    assert_eq!(bench.story(), ["resolve 2"]);

    bench.feed(Input::Resolved {
        attempt: 1,
        addresses: Ok(vec![address("10.0.0.1:9092")]),
    });

    assert_eq!(bench.story(), [""; 0]);
}

#[test]
fn a_request_can_run_out_of_time_at_every_stage() {
    let at = address("10.0.0.1:9092");
    type Step = (fn(&mut Bench), Stage);
    let steps: [Step; 4] = [
        (|_| {}, Stage::Resolving),
        (
            |bench| bench.resolve(&["10.0.0.1:9092"]),
            Stage::Connecting(at),
        ),
        (|bench| bench.feed(Input::Connected), Stage::Negotiating(at)),
        (|bench| bench.answer(versions()), Stage::Answering(at)),
    ];
    for last in 0..steps.len() {
        let mut bench = Bench::new();
        bench.send(1, SECOND);
        for (step, _) in &steps[..=last] {
            step(&mut bench);
        }
        bench.out.clear();

        assert!(bench.connection.next_deadline(bench.now) <= Some(bench.now + SECOND));
        bench.pass(SECOND);

        let stages: Vec<&Stage> = bench
            .out
            .iter()
            .filter_map(|output| match output {
                Output::Event(NetworkEvent::Failed {
                    error: RequestError::TimedOut { stage, .. },
                    ..
                }) => Some(stage),
                _ => None,
            })
            .collect();
        assert_eq!(stages, [&steps[last].1]);
    }
}

#[test]
fn a_request_that_runs_out_of_time_in_the_backoff_says_what_failed_before() {
    let mut bench = Bench::new();
    bench.send(1, 30 * SECOND);
    bench.resolve(&["10.0.0.1:9092"]);
    bench.feed(Input::ConnectFailed("refused".into()));
    bench.send(2, Duration::from_millis(10));
    bench.out.clear();

    bench.pass(Duration::from_millis(10));

    assert_eq!(
        bench.story(),
        [
            "2: Metadata request to node 3 at broker:9092 timed out after 10ms while waiting to \
          connect again: connecting to 10.0.0.1:9092: refused"
        ]
    );
}

#[test]
fn an_overdue_answer_ends_the_connection_and_only_that_request_is_flagged() {
    let mut bench = Bench::ready();
    bench.send(1, 30 * SECOND);
    bench.send(2, SECOND);
    bench.out.clear();

    bench.pass(SECOND);

    assert_eq!(
        bench.story(),
        [
            "close",
            "1: Metadata request to node 3 at broker:9092 failed: \
             10.0.0.1:9092 left Metadata unanswered for 1s",
            "2: Metadata request to node 3 at broker:9092 timed out after 1s while waiting for \
             the answer of 10.0.0.1:9092",
            "closed: 10.0.0.1:9092 left Metadata unanswered for 1s",
        ]
    );
}

#[test]
fn a_throttled_connection_keeps_silent_and_requests_get_the_time_on_top() {
    let mut bench = Bench::ready();
    bench.send(1, 30 * SECOND);
    bench.send(2, 6 * SECOND);
    bench.answer(throttled(5000));
    bench.send(3, 30 * SECOND);
    let until = bench.now + 5 * SECOND;
    assert_eq!(
        bench.connection.state(bench.now),
        NodeState::Throttled { until }
    );
    assert_eq!(bench.connection.next_deadline(bench.now), Some(until));
    bench.out.clear();

    bench.pass(Duration::from_millis(4999));
    assert_eq!(bench.story(), [""; 0]);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.story(), ["transmit Metadata v13"]);
    bench.pass(Duration::from_millis(5999));
    assert_eq!(bench.story(), [""; 0], "6 s, and 5 s on top");
    bench.pass(Duration::from_millis(1));
    assert!(bench.story()[1].starts_with("2: Metadata request to node 3 at broker:9092 timed"));
}

#[test]
fn a_throttle_time_of_weeks_is_cut() {
    let mut bench = Bench::ready();
    bench.send(1, 30 * SECOND);
    bench.answer(throttled(i32::MAX));

    bench.pass(THROTTLE_MAX);

    assert_eq!(bench.connection.state(bench.now), NodeState::Ready);
}

#[test]
fn requests_beyond_the_limit_in_flight_wait_for_answers() {
    let mut bench = Bench::ready();
    let limit = IN_FLIGHT_MAX as u64;
    for token in 0..=limit {
        bench.send(token, 30 * SECOND);
        bench.write_all();
    }
    assert_eq!(bench.story().len(), IN_FLIGHT_MAX);

    bench.answer(MetadataResponse::default());

    assert_eq!(bench.story(), ["response 0", "transmit Metadata v13"]);
}

#[test]
fn requests_beyond_the_limit_of_the_queue_fail_at_once() {
    let mut bench = Bench::new();
    for token in 0..=WAITING_MAX as u64 {
        bench.send(token, 30 * SECOND);
    }

    assert_eq!(
        bench.story(),
        [
            "resolve 1",
            "1000: Metadata request to node 3 at broker:9092 was not sent: \
             1000 requests wait for the connection already"
        ]
    );
}

#[test]
fn nothing_is_encoded_while_much_is_unwritten() {
    let mut bench = Bench::ready();
    let large = || {
        let topic = wire::messages::metadata_request::MetadataRequestTopic::default()
            .with_name(Some(wire::StrBytes::from_string("t".repeat(30_000)).into()));
        MetadataRequest::default().with_topics(Some(vec![topic; 4]))
    };
    for token in 0..4 {
        bench.send_request(token, 30 * SECOND, large());
    }
    assert_eq!(bench.story().len(), 3);
    assert!(bench.connection.in_flight.unwritten_bytes() > UNWRITTEN_MAX);

    bench.feed(Input::Written(200_000));

    assert_eq!(bench.story(), ["transmit Metadata v13"]);
}

#[test]
fn a_request_without_answer_is_reported_when_its_last_byte_is_written() {
    let mut bench = Bench::ready();
    bench.send_request(1, 30 * SECOND, ProduceRequest::default().with_acks(0));
    assert_eq!(bench.story(), ["transmit Produce v13"]);
    let bytes = bench.connection.in_flight.unwritten_bytes();
    bench.feed(Input::Written(bytes - 1));
    assert_eq!(bench.story(), [""; 0]);

    bench.feed(Input::Written(1));

    assert_eq!(bench.story(), ["sent 1"]);
    assert_eq!(bench.connection.pending(), 0);
}

#[test]
fn a_request_without_answer_that_cannot_be_written_runs_out_of_time() {
    let mut bench = Bench::ready();
    bench.send_request(1, SECOND, ProduceRequest::default().with_acks(0));
    bench.out.clear();

    bench.pass(SECOND);

    assert!(bench.story()[1].starts_with("1: Produce request"));
}

#[test]
fn an_idle_connection_is_closed_silently_and_opened_again_without_backoff() {
    let mut bench = Bench::ready();
    let idle_at = bench.now + 540 * SECOND;
    assert_eq!(bench.connection.next_deadline(bench.now), Some(idle_at));
    bench.pass(539 * SECOND);
    bench.send(1, 1000 * SECOND);
    bench.write_all();
    bench.pass(600 * SECOND);
    assert_eq!(bench.story(), ["transmit Metadata v13"], "in use");
    bench.answer(MetadataResponse::default());
    bench.out.clear();

    bench.pass(540 * SECOND);

    assert_eq!(bench.story(), ["close"]);
    assert!(bench.connection.is_forgettable(bench.now));
    bench.send(2, 30 * SECOND);
    assert_eq!(bench.story(), ["resolve 2"]);
}

#[test]
fn answers_must_belong_to_the_oldest_request() {
    let at = "10.0.0.1:9092";
    let mut unasked = Bench::ready();
    unasked.feed(Input::Frame(Bytes::from_static(&[0; 8])));
    assert_eq!(
        unasked.story(),
        [
            "close".to_owned(),
            format!("closed: {at} answered though nothing was asked")
        ]
    );

    let mut stray = Bench::ready();
    stray.send(1, 30 * SECOND);
    stray.out.clear();
    stray.feed(Input::Frame(Bytes::from_static(&[0, 0, 0, 77, 0])));
    let reason = format!("{at} answered request 77 where the oldest unanswered is 2");
    assert_eq!(
        stray.story(),
        [
            "close".to_owned(),
            format!("1: Metadata request to node 3 at broker:9092 failed: {reason}"),
            format!("closed: {reason}"),
        ]
    );
}

#[test]
fn an_answer_that_cannot_be_read_ends_the_connection() {
    for cut in [0, 3, 4, 7] {
        let mut bench = Bench::ready();
        bench.send(1, 30 * SECOND);
        bench.out.clear();
        let frame = bench.answer_frame(MetadataResponse::default()).slice(..cut);

        bench.feed(Input::Frame(frame));

        assert!(
            matches!(
                bench.out[0],
                Output::Event(NetworkEvent::Failed {
                    error: RequestError::Malformed { .. },
                    ..
                })
            ),
            "{:?}",
            bench.out
        );
        assert_eq!(bench.connection.address(), None);
    }
}

#[test]
fn a_request_that_the_broker_cannot_serve_fails_alone() {
    let mut bench = Bench::ready();
    bench.send_request(1, 30 * SECOND, HeartbeatRequest::default());
    bench.send(2, 30 * SECOND);

    let story = bench.story();
    assert!(
        story[0].starts_with("1: Heartbeat request to node 3 at broker:9092 was not sent: "),
        "{story:?}"
    );
    assert_eq!(story[1], "transmit Metadata v13");
}

#[test]
fn a_broker_that_refuses_to_list_its_versions_is_given_up() {
    let mut bench = Bench::new();
    bench.send(1, 30 * SECOND);
    bench.resolve(&["10.0.0.1:9092"]);
    bench.feed(Input::Connected);
    bench.out.clear();
    let refusal = versions().with_error_code(ErrorCode::CLUSTER_AUTHORIZATION_FAILED.0);

    bench.answer(refusal);

    let story = bench.story();
    assert!(
        story[1].contains("refuses to list its versions"),
        "{story:?}"
    );
    assert_eq!(story.len(), 3);
}

#[test]
fn older_brokers_are_asked_in_the_version_they_offer_or_in_the_first() {
    for (offered, asked_next) in [(Some(2), 2), (Some(0), 0), (Some(9), 0), (None, 0)] {
        let mut bench = Bench::new();
        bench.send(1, 30 * SECOND);
        bench.resolve(&["10.0.0.1:9092"]);
        bench.feed(Input::Connected);
        bench.out.clear();
        let mut refusal = versions().with_error_code(ErrorCode::UNSUPPORTED_VERSION.0);
        match offered {
            Some(newest) => refusal.api_keys[0].max_version = newest,
            None => refusal.api_keys.clear(),
        }
        let frame = frame(ApiKey::ApiVersions, 0, 0, refusal);

        bench.feed(Input::Frame(frame));

        assert_eq!(
            bench.story(),
            [format!("transmit ApiVersions v{asked_next}")]
        );
        bench.answer(versions());
        assert_eq!(bench.story()[0], "opened");
    }
}

#[test]
fn a_broker_that_never_agrees_is_given_up_after_the_first_version() {
    let mut bench = Bench::new();
    bench.send(1, 30 * SECOND);
    bench.resolve(&["10.0.0.1:9092"]);
    bench.feed(Input::Connected);
    for correlation_id in 0..2 {
        let refusal =
            ApiVersionsResponse::default().with_error_code(ErrorCode::UNSUPPORTED_VERSION.0);
        let frame = frame(ApiKey::ApiVersions, 0, correlation_id, refusal);
        bench.feed(Input::Frame(frame));
    }

    assert_eq!(bench.connection.address(), None);
    assert_eq!(bench.connection.pending(), 0);
}

#[test]
fn correlation_ids_start_again_before_the_reserved_ones() {
    let mut bench = Bench::ready();
    bench.connection.next_correlation_id = i32::MAX - 8;
    bench.send(1, 30 * SECOND);
    bench.answer(MetadataResponse::default());
    assert_eq!(bench.connection.next_correlation_id, 0);
}

#[test]
fn a_cancelled_request_is_not_heard_of_and_its_answer_keeps_the_order() {
    let mut bench = Bench::ready();
    bench.send(1, 30 * SECOND);
    bench.send(2, 30 * SECOND);
    bench.feed(Input::Cancel(RequestToken::new(1)));
    bench.feed(Input::Cancel(RequestToken::new(9)));
    bench.out.clear();

    bench.answer(MetadataResponse::default());
    bench.answer(MetadataResponse::default());

    assert_eq!(bench.story(), ["response 2"]);

    let mut closed = Bench::new();
    closed.send(1, SECOND);
    closed.feed(Input::Cancel(RequestToken::new(1)));
    closed.pass(SECOND);
    assert_eq!(closed.story(), ["resolve 1"]);
}

#[test]
fn inputs_that_do_not_fit_the_state_change_nothing() {
    let stages: [fn(&mut Bench); 5] = [
        |_| {},
        |bench| bench.send(1, 30 * SECOND),
        |bench| bench.resolve(&["10.0.0.1:9092"]),
        |bench| bench.feed(Input::Connected),
        |bench| bench.answer(versions()),
    ];
    let addresses = Ok(vec![address("10.9.9.9:9")]);
    let lost = CloseReason::Unasked(address("10.9.9.9:9"));
    let inputs = [
        (
            Input::Resolved {
                attempt: 0,
                addresses,
            },
            [true; 5],
        ),
        (Input::Connected, [true, true, false, true, true]),
        (
            Input::ConnectFailed("".into()),
            [true, true, false, true, true],
        ),
        (
            Input::Frame(Bytes::new()),
            [true, true, false, false, false],
        ),
        (Input::Lost(lost), [true, true, false, false, false]),
        (Input::Cancel(RequestToken::new(77)), [true; 5]),
        (Input::Tick, [true; 5]),
    ];
    let mut bench = Bench::new();
    for (stage, step) in stages.iter().enumerate() {
        step(&mut bench);
        bench.out.clear();
        for (input, is_unfit) in &inputs {
            if is_unfit[stage] {
                let before = bench.connection.clone();
                bench.feed(input.clone());
                assert_eq!(bench.connection, before, "stage {stage}, {input:?}");
                assert_eq!(bench.out, [], "stage {stage}, {input:?}");
            }
        }
    }
}

/// Feeds inputs drawn at random, fitting and not. Prints the seed that replays a failure.
#[test]
fn every_request_is_settled_exactly_once_whatever_happens() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut bench = Bench::new();
        let mut sent = 0;
        for _ in 0..200 {
            random_step(&mut bench, &mut random, &mut sent);
            // A deadline that lies in the past would make the shell spin.
            let deadline = bench.connection.next_deadline(bench.now);
            assert!(deadline.is_none_or(|at| at > bench.now), "seed {seed}");
        }
        bench.pass(2000 * SECOND);
        bench.pass(2000 * SECOND);
        assert_eq!(bench.connection.pending(), 0, "seed {seed}");

        let mut settled = BTreeMap::new();
        for output in &bench.out {
            if let Output::Event(
                NetworkEvent::Response { token, .. }
                | NetworkEvent::Sent { token }
                | NetworkEvent::Failed { token, .. },
            ) = output
            {
                *settled.entry(token.value()).or_insert(0) += 1;
            }
        }
        let expected: BTreeMap<u64, i32> = (0..sent).map(|token| (token, 1)).collect();
        assert_eq!(settled, expected, "seed {seed}");
    }
}

fn random_step(bench: &mut Bench, random: &mut Random, sent: &mut u64) {
    match random.below(14) {
        0..=2 => {
            bench.send(*sent, SECOND * u32::try_from(random.below(60)).unwrap());
            *sent += 1;
        }
        3 => {
            let produce = ProduceRequest::default().with_acks(0);
            bench.send_request(*sent, 20 * SECOND, produce);
            *sent += 1;
        }
        4 => bench.resolve(&["10.0.0.1:9092", "10.0.0.2:9092"]),
        5 => bench.feed(Input::Connected),
        6 => bench.feed(Input::ConnectFailed("refused".into())),
        7 => bench.feed(Input::Written(random.below(300))),
        8..=10 => {
            let asked = bench.connection.in_flight.oldest().map(|sent| sent.api_key);
            match asked {
                Some(ApiKey::ApiVersions) => bench.answer(versions()),
                Some(_) => bench.answer(throttled(random.below(3).try_into().unwrap())),
                None => {}
            }
        }
        11 => bench.pass(Duration::from_millis(random.below(9000) as u64)),
        12 => bench.feed(Input::Disconnect),
        _ => {
            let reason = CloseReason::Unasked(address("10.0.0.1:9092"));
            bench.feed(Input::Lost(reason));
        }
    }
}
