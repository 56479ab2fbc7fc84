//! The sender against brokers that answer as told, without a network.

use super::*;
use crate::connection::CloseReason;
use crate::producer::batch::Content;
use crate::producer::testing::{IDLE, Loads, belief, described, metadata, start};
use crate::record::BatchBuilder;
use crate::wire::messages::produce_response::{
    LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use crate::wire::messages::{BrokerId, TopicName as WireName};
use crate::wire::{ApiKey, ErrorCode, StrBytes};

const DELIVERY_TIMEOUT: Duration = Duration::from_secs(120);

/// A sender that believes in topic `t`, the time, and what came out.
struct Sending {
    sender: Sender<()>,
    now: Instant,
    out: Vec<Output<()>>,
    batches: u64,
}

impl Sending {
    /// The partitions of `t` are led by these nodes.
    fn new(leaders: &[i32], retries: u32) -> Self {
        let settings = Settings {
            acks: -1,
            codec: Compression::None,
            request_timeout: Duration::from_secs(30),
            delivery_timeout: DELIVERY_TIMEOUT,
            backoff: ExponentialBackoff::new(Duration::from_millis(100), Duration::from_secs(1)),
            retries,
            max_in_flight: 2,
            max_request_size: 1000,
        };
        Self {
            sender: Sender::new(belief(vec![described("t", leaders)]), settings, 1),
            now: start(),
            out: Vec::new(),
            batches: 0,
        }
    }

    fn batch(&mut self, number: i32) -> Batch<()> {
        let mut builder = BatchBuilder::new();
        builder.append(0, None, Some(b"value"), &[]).unwrap();
        self.batches += 1;
        Batch {
            number: self.batches,
            queue: usize::try_from(number).unwrap(),
            partition: TopicPartition::new("t", number),
            receipts: (),
            content: Content::Full(builder),
            records: 1,
            reserved: 100,
            lingers_until: self.now,
            expires_at: self.now + DELIVERY_TIMEOUT,
            failures: 0,
            last_error: None,
        }
    }

    fn destination(&mut self, number: i32, size: usize) -> Destination {
        let partition = TopicPartition::new("t", number);
        self.sender.destination(self.now, &partition, size, &IDLE)
    }

    /// Sends one batch for each of these partitions; returns the requests' tokens and nodes.
    fn send(&mut self, numbers: &[i32]) -> Vec<(RequestToken, i32)> {
        let batches: Vec<_> = numbers.iter().map(|number| self.batch(*number)).collect();
        self.send_batches(batches)
    }

    fn send_batches(&mut self, batches: Vec<Batch<()>>) -> Vec<(RequestToken, i32)> {
        let mut drained = Vec::new();
        for batch in batches {
            match self.destination(batch.partition.partition(), batch.size()) {
                Destination::Now(broker) => drained.push((broker, batch)),
                blocked => panic!("{blocked:?}"),
            }
        }
        self.sender.send(&mut drained, &mut self.out);
        let request = |output: Output<()>| match output {
            Output::Send(request) => (request.token, request.broker.id.value()),
            other => panic!("{other:?}"),
        };
        self.out.drain(..).map(request).collect()
    }

    fn answer(&mut self, token: RequestToken, response: ProduceResponse) {
        let event = NetworkEvent::Response {
            token,
            response: response.into(),
            bytes: 0,
            throttle: Duration::ZERO,
            latency: Duration::ZERO,
        };
        self.sender.handle(self.now, event, &mut self.out);
    }

    fn fail(&mut self, token: RequestToken) {
        let error = RequestError::Disconnected {
            api_key: ApiKey::Produce,
            broker: self.sender.cluster.broker(NodeId::new(1)).unwrap(),
            reason: CloseReason::Unreachable("10.0.0.1:1".parse().unwrap(), "refused".into()),
        };
        let event = NetworkEvent::Failed { token, error };
        self.sender.handle(self.now, event, &mut self.out);
    }

    /// What came out: `unmute 0`, `done t-0: ...` and `again t-0 after N`.
    fn said(&mut self) -> Vec<String> {
        let say = |output: Output<()>| match output {
            Output::Send(request) => format!("send {:?}", request.request.api_key()),
            Output::Disconnect(node) => format!("disconnect {node}"),
            Output::Unmute(queue) => format!("unmute {queue}"),
            Output::PutBack(batch, at) => {
                let waits = at > self.now;
                format!(
                    "again {} after {} ({waits})",
                    batch.partition, batch.failures
                )
            }
            Output::Done(batch, Ok(delivered)) => {
                let offset = delivered.base_offset.map(Offset::value);
                format!("done {}: {offset:?}", batch.partition)
            }
            Output::Done(batch, Err(error)) => {
                format!("failed {}: {:?}", batch.partition, error.kind())
            }
        };
        self.out.drain(..).map(say).collect()
    }
}

fn result(number: i32, offset: i64, code: ErrorCode) -> PartitionProduceResponse {
    PartitionProduceResponse::default()
        .with_index(number)
        .with_base_offset(offset)
        .with_log_append_time_ms(-1)
        .with_error_code(code.0)
}

fn answer(results: Vec<PartitionProduceResponse>) -> ProduceResponse {
    let topic = TopicProduceResponse::default()
        .with_name(WireName::from(&TopicName::from("t")))
        .with_partition_responses(results);
    ProduceResponse::default().with_responses(vec![topic])
}

#[test]
fn batches_for_one_broker_share_a_request() {
    let mut sending = Sending::new(&[1, 2, 1], 3);
    let sent = sending.send(&[0, 1, 2]);
    let nodes: Vec<i32> = sent.iter().map(|(_, node)| *node).collect();
    assert_eq!(nodes, [1, 2]);
    let (token, _) = sent[0];
    sending.answer(
        token,
        answer(vec![
            result(2, 70, ErrorCode::NONE),
            result(0, 50, ErrorCode::NONE),
        ]),
    );
    let expected = [
        "unmute 2",
        "done t-2: Some(70)",
        "unmute 0",
        "done t-0: Some(50)",
    ];
    assert_eq!(sending.said(), expected);
}

#[test]
fn an_answer_that_names_the_topic_by_its_id_is_understood() {
    let mut sending = Sending::new(&[1], 3);
    let (token, _) = sending.send(&[0])[0];
    let mut by_id = answer(vec![result(0, 5, ErrorCode::NONE)]);
    by_id.responses[0].name = WireName::default();
    by_id.responses[0].topic_id = uuid::Uuid::from_bytes([b't'; 16]);
    sending.answer(token, by_id);
    assert_eq!(sending.said(), ["unmute 0", "done t-0: Some(5)"]);
}

#[test]
fn what_may_still_succeed_is_put_back_as_often_as_retries_allow() {
    let mut sending = Sending::new(&[1], 2);
    let mut batch = sending.batch(0);
    for code in [
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::NOT_ENOUGH_REPLICAS,
    ] {
        let (token, _) = sending.send_batches(vec![batch])[0];
        sending.answer(token, answer(vec![result(0, -1, code)]));
        batch = match sending.out.pop() {
            Some(Output::PutBack(batch, at)) if at > sending.now => *batch,
            other => panic!("{other:?}"),
        };
    }
    let (token, _) = sending.send_batches(vec![batch])[0];
    sending.fail(token);
    assert_eq!(sending.said(), ["unmute 0", "failed t-0: Disconnected"]);
}

#[test]
fn a_final_refusal_fails_the_batch_and_names_the_broker() {
    for (code, kind) in [
        (ErrorCode::MESSAGE_TOO_LARGE, ErrorKind::RecordTooLarge),
        (
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            ErrorKind::TopicAuthorization,
        ),
        (
            ErrorCode::INVALID_RECORD,
            ErrorKind::Broker(ErrorCode::INVALID_RECORD),
        ),
    ] {
        let mut sending = Sending::new(&[1], 5);
        let (token, _) = sending.send(&[0])[0];
        sending.answer(token, answer(vec![result(0, -1, code)]));
        let Some(Output::Done(_, Err(error))) = sending.out.pop() else {
            panic!("{:?}", sending.out);
        };
        assert_eq!(error.kind(), kind);
        assert!(
            error.to_string().contains("node 1 at host-1:9092"),
            "{error}"
        );
    }
}

#[test]
fn a_batch_that_the_answer_passes_over_fails() {
    let mut sending = Sending::new(&[1, 1], 5);
    let (token, _) = sending.send(&[0, 1])[0];
    let twice = vec![result(0, 1, ErrorCode::NONE), result(0, 2, ErrorCode::NONE)];
    sending.answer(token, answer(twice));
    let expected = [
        "unmute 0",
        "done t-0: Some(1)",
        "unmute 1",
        "failed t-1: MalformedResponse",
    ];
    assert_eq!(sending.said(), expected);
    sending.answer(token, answer(vec![result(1, 2, ErrorCode::NONE)]));
    assert!(sending.said().is_empty(), "the request is settled already");
}

#[test]
fn a_leader_that_an_answer_names_is_asked_next_without_new_metadata() {
    let mut sending = Sending::new(&[1], 5);
    let (token, _) = sending.send(&[0])[0];
    let leader = LeaderIdAndEpoch::default()
        .with_leader_id(BrokerId(3))
        .with_leader_epoch(2);
    let moved = result(0, -1, ErrorCode::NOT_LEADER_OR_FOLLOWER).with_current_leader(leader);
    let endpoint = NodeEndpoint::default()
        .with_node_id(BrokerId(3))
        .with_host(StrBytes::from_static_str("host-3"))
        .with_port(9092);
    sending.answer(
        token,
        answer(vec![moved]).with_node_endpoints(vec![endpoint]),
    );
    sending.said();
    assert!(
        matches!(sending.destination(0, 1), Destination::Now(broker) if broker.port == 9092
        && broker.id == NodeId::new(3))
    );
}

#[test]
fn requests_to_one_broker_are_limited_in_number_and_size() {
    let mut sending = Sending::new(&[1, 1, 2], 5);
    let mut destinations = |sizes: &[(i32, usize)]| -> Vec<bool> {
        let places = sizes
            .iter()
            .map(|(number, size)| sending.destination(*number, *size));
        places
            .map(|place| matches!(place, Destination::Now(_)))
            .collect()
    };
    let found = destinations(&[(0, 600), (1, 600), (1, 400), (2, 5000)]);
    assert_eq!(found, [true, false, true, true], "a large batch goes alone");
    sending.sender.planned.clear();
    sending.send(&[0]);
    sending.send(&[1]);
    assert_eq!(sending.destination(0, 1), Destination::NotBefore(None));
    assert!(matches!(sending.destination(2, 1), Destination::Now(_)));
}

#[test]
fn a_broker_in_its_backoff_is_waited_for_and_a_missing_leader_is_asked_for() {
    let mut sending = Sending::new(&[1, -1], 5);
    let until = sending.now + Duration::from_secs(1);
    let loads = Loads(NodeLoad::Backoff { until });
    let partition = TopicPartition::new("t", 0);
    let found = sending
        .sender
        .destination(sending.now, &partition, 1, &loads);
    assert_eq!(found, Destination::NotBefore(Some(until)));
    assert_eq!(sending.destination(1, 1), Destination::NotBefore(None));
    sending.now += Duration::from_secs(2);
    sending
        .sender
        .ask_for_metadata(sending.now, &IDLE, &mut sending.out);
    let Some(Output::Send(request)) = sending.out.pop() else {
        panic!("no request");
    };
    let event = NetworkEvent::Response {
        token: request.token,
        response: metadata(vec![described("t", &[1, 2])]).into(),
        bytes: 0,
        throttle: Duration::ZERO,
        latency: Duration::ZERO,
    };
    sending.sender.handle(sending.now, event, &mut sending.out);
    assert!(matches!(sending.destination(1, 1), Destination::Now(_)));
}

#[test]
fn an_overdue_batch_fails_at_once_but_its_partition_waits_for_the_request() {
    let mut sending = Sending::new(&[1], 5);
    let (token, _) = sending.send(&[0])[0];
    let overdue_at = sending.now + DELIVERY_TIMEOUT;
    assert!(sending.sender.next_deadline() <= Some(overdue_at));
    sending.now = overdue_at;
    sending.sender.expire(sending.now, &mut sending.out);
    assert_eq!(sending.said(), ["failed t-0: Timeout"]);
    sending.answer(token, answer(vec![result(0, 3, ErrorCode::NONE)]));
    assert_eq!(sending.said(), ["unmute 0"]);
    let (token, _) = sending.send(&[0])[0];
    sending.now += DELIVERY_TIMEOUT;
    sending.sender.expire(sending.now, &mut sending.out);
    sending.said();
    sending.fail(token);
    assert_eq!(sending.said(), ["unmute 0"]);
}

#[test]
fn the_error_of_an_overdue_batch_tells_the_last_failure() {
    let mut sending = Sending::new(&[1], 5);
    let (token, _) = sending.send(&[0])[0];
    sending.fail(token);
    let Some(Output::PutBack(mut batch, _)) = sending.out.pop() else {
        panic!("{:?}", sending.out);
    };
    let error = sending.sender.expired(&mut batch);
    assert_eq!(
        error.to_string(),
        "1 records were not delivered within 120s; the last failure: Produce request to node 1 at \
         host-1:9092 failed: connecting to 10.0.0.1:1: refused (partition t-0)"
    );
}

#[test]
fn a_request_without_answer_is_done_when_it_was_written() {
    let mut sending = Sending::new(&[1], 5);
    let (token, _) = sending.send(&[0])[0];
    let sent = NetworkEvent::Sent { token };
    sending.sender.handle(sending.now, sent, &mut sending.out);
    assert_eq!(sending.said(), ["unmute 0", "done t-0: None"]);
}
