//! The network client against scripted peers on the loopback device.

#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about sockets, other threads and real time"
)]

mod peer;

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use self::peer::{Conversation, Peer, broker, encoded, metadata_request, metadata_response};
use super::*;
use crate::cluster::{NodeLoad, NodeLoads};
use crate::config::ClientConfig;
use crate::ids::{Broker, NodeId};
use crate::wire::messages::ProduceRequest;
use crate::wire::{ErrorCode, Request, Response};

/// How long a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(10);

fn client() -> NetworkClient {
    let config = ClientConfig::builder()
        .bootstrap_servers("localhost:9092")
        .client_id("test")
        .build()
        .unwrap();
    NetworkClient::new(&config).unwrap()
}

fn send(network: &mut NetworkClient, token: u64, broker: &Arc<Broker>, timeout: Duration) {
    send_request(network, token, broker, timeout, metadata_request());
}

fn send_request(
    network: &mut NetworkClient,
    token: u64,
    broker: &Arc<Broker>,
    timeout: Duration,
    request: Request,
) {
    let request = OutboundRequest {
        token: RequestToken::new(token),
        broker: Arc::clone(broker),
        lane: Lane::General,
        request,
        timeout,
    };
    network.send(Instant::now(), request);
}

/// Polls until `count` requests are settled; returns all events.
fn settle(network: &mut NetworkClient, count: usize) -> Vec<NetworkEvent> {
    let give_up_at = Instant::now() + PATIENCE;
    let mut events = Vec::new();
    let mut settled = 0;
    while settled < count {
        assert!(Instant::now() < give_up_at, "only {events:?}");
        let mut new = Vec::new();
        network.poll(Duration::from_millis(100), &mut new);
        settled += new
            .iter()
            .filter(|event| {
                !matches!(
                    event,
                    NetworkEvent::ConnectionOpened { .. } | NetworkEvent::ConnectionClosed { .. }
                )
            })
            .count();
        events.append(&mut new);
    }
    events
}

/// The cluster ids in the metadata responses among `events`, with their tokens.
fn answers(events: &[NetworkEvent]) -> Vec<(u64, String)> {
    let answer = |event: &NetworkEvent| match event {
        NetworkEvent::Response {
            token,
            response: Response::Metadata(metadata),
            ..
        } => Some((token.value(), metadata.cluster_id.as_ref()?.to_string())),
        _ => None,
    };
    events.iter().filter_map(answer).collect()
}

/// The texts of the failures among `events`, with their tokens.
fn failures(events: &[NetworkEvent]) -> Vec<(u64, String)> {
    let failure = |event: &NetworkEvent| match event {
        NetworkEvent::Failed { token, error } => Some((token.value(), error.to_string())),
        _ => None,
    };
    events.iter().filter_map(failure).collect()
}

/// Sends one request to the peer and returns the text with which it fails.
fn failure_with(peer: &Peer, timeout: Duration) -> String {
    let mut network = client();
    send(&mut network, 1, &peer.as_broker(), timeout);
    let events = settle(&mut network, 1);
    let [(1, text)] = &failures(&events)[..] else {
        panic!("{events:?}");
    };
    assert!(
        text.contains(&peer.address().to_string()),
        "no address in: {text}"
    );
    text.clone()
}

#[test]
fn requests_are_answered_in_order_over_one_connection() {
    let peer = Peer::broker(|conversation| {
        for number in 1..=3 {
            let (head, _) = conversation.read_request();
            assert_eq!(head.client_id.as_deref(), Some("test"));
            conversation.respond(&head, metadata_response(&format!("answer {number}"), 0));
        }
        conversation.wait_for_close();
    });
    let broker = peer.as_broker();
    let mut network = client();
    for token in 1..=3 {
        send(&mut network, token, &broker, PATIENCE);
    }
    assert_eq!(network.in_flight(broker.id), 3);

    let events = settle(&mut network, 3);

    assert!(matches!(events[0], NetworkEvent::ConnectionOpened { .. }));
    let expected = [1, 2, 3].map(|number| (number, format!("answer {number}")));
    assert_eq!(answers(&events), expected);
    assert_eq!(network.in_flight(broker.id), 0);
    let state = network.state(Instant::now(), broker.id, Lane::General);
    assert_eq!(state, NodeState::Ready);
    assert_eq!(network.counters().requests, 4);
    assert_eq!(network.counters().connections_opened, 1);
}

#[test]
fn a_response_in_single_bytes_is_put_together() {
    let peer = Peer::broker(|conversation| {
        let (head, _) = conversation.read_request();
        for byte in encoded(&head, metadata_response("slow", 1000)) {
            conversation.stream.write_all(&[byte]).unwrap();
        }
    });
    let mut network = client();
    send(&mut network, 1, &peer.as_broker(), PATIENCE);

    let events = settle(&mut network, 1);

    assert_eq!(answers(&events), [(1, "slow".to_owned())]);
}

#[test]
fn large_responses_go_through_one_recycled_buffer() {
    const SIZE: usize = 3_000_000;
    let peer = Peer::broker(|conversation| {
        for _ in 0..3 {
            let (head, _) = conversation.read_request();
            conversation.respond(&head, metadata_response("large", SIZE));
        }
    });
    let mut network = client();
    let mut places = Vec::new();
    for token in 1..=3 {
        send(&mut network, token, &peer.as_broker(), PATIENCE);
        let events = settle(&mut network, 1);
        let response = events.iter().find_map(|event| match event {
            NetworkEvent::Response {
                response: Response::Metadata(metadata),
                bytes,
                ..
            } => Some((metadata, *bytes)),
            _ => None,
        });
        let (metadata, bytes) = response.unwrap();
        assert!(bytes > SIZE, "{bytes}");
        let cluster_id = metadata.cluster_id.as_ref().unwrap();
        assert_eq!(cluster_id.as_str(), "large");
        places.push(cluster_id.as_bytes().as_ptr());
    }

    assert_eq!(places[0], places[1]);
    assert_eq!(places[0], places[2]);
}

#[test]
fn a_refused_connection_fails_the_request_with_address_and_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut network = client();
    send(&mut network, 1, &broker(7, address), PATIENCE);

    let events = settle(&mut network, 1);

    let [(1, text)] = &failures(&events)[..] else {
        panic!("{events:?}");
    };
    let start = format!(
        "Metadata request to node 7 at {address} failed: connecting to {address}: \
         Connection refused"
    );
    assert!(text.starts_with(&start), "{text}");
    assert!(matches!(
        events.last(),
        Some(NetworkEvent::ConnectionClosed {
            error: CloseReason::Unreachable(..),
            ..
        })
    ));
    let state = network.state(Instant::now(), NodeId::new(7), Lane::General);
    assert!(
        matches!(
            state,
            NodeState::BackingOff { .. } | NodeState::Disconnected
        ),
        "{state:?}"
    );
}

#[test]
fn a_silent_port_fails_the_request_in_its_own_time() {
    let (done, wait_until_done) = mpsc::channel::<()>();
    let peer = Peer::start(move |listener| {
        let _conversation = Conversation::accept(&listener);
        let _ = wait_until_done.recv();
    });

    let text = failure_with(&peer, Duration::from_millis(100));

    drop(done);
    let address = peer.address();
    assert_eq!(
        text,
        format!(
            "Metadata request to node 7 at {address} timed out after 100ms while asking {address} \
             for its versions; is a Kafka broker listening there?"
        )
    );
}

#[test]
fn an_unanswered_request_times_out_and_takes_the_others_along() {
    let peer = Peer::broker(|conversation| {
        conversation.read_request();
        conversation.read_request();
        conversation.wait_for_close();
    });
    let broker = peer.as_broker();
    let mut network = client();
    send(&mut network, 1, &broker, PATIENCE);
    send(&mut network, 2, &broker, Duration::from_millis(200));

    let events = settle(&mut network, 2);

    let address = peer.address();
    assert_eq!(
        failures(&events),
        [
            (
                1,
                format!(
                    "Metadata request to node 7 at {address} failed: {address} left Metadata \
                     unanswered for 200ms"
                )
            ),
            (
                2,
                format!(
                    "Metadata request to node 7 at {address} timed out after 200ms while waiting \
                     for the answer of {address}"
                )
            ),
        ]
    );
}

#[test]
fn an_answer_that_came_while_nobody_polled_counts_although_it_is_read_late() {
    let (asked, was_asked) = mpsc::channel();
    let (may_answer, wait_to_answer) = mpsc::channel();
    let (answered, was_answered) = mpsc::channel();
    let peer = Peer::broker(move |conversation| {
        let (head, _) = conversation.read_request();
        asked.send(()).unwrap();
        wait_to_answer.recv().unwrap();
        conversation.respond(&head, metadata_response("late", 0));
        answered.send(()).unwrap();
        conversation.wait_for_close();
    });
    let timeout = Duration::from_millis(500);
    let mut network = client();
    send(&mut network, 1, &peer.as_broker(), timeout);
    let mut events = Vec::new();
    while was_asked.try_recv().is_err() {
        network.poll(Duration::from_millis(10), &mut events);
    }
    may_answer.send(()).unwrap();
    was_answered.recv_timeout(PATIENCE).unwrap();
    // Whoever polls has other things to do for longer than the request may take.
    std::thread::sleep(timeout);

    events.append(&mut settle(&mut network, 1));

    assert_eq!(answers(&events), [(1, "late".to_owned())], "{events:?}");
}

#[test]
fn an_http_server_is_told_from_a_broker() {
    let peer = Peer::start(|listener| {
        let mut conversation = Conversation::accept(&listener);
        conversation.read_frame();
        let answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
        conversation.stream.write_all(answer).unwrap();
    });

    let text = failure_with(&peer, PATIENCE);

    assert!(text.contains("like an HTTP server"), "{text}");
}

#[test]
fn garbage_and_impossible_lengths_end_the_connection_at_once() {
    let cases = [
        (&[0xff; 64][..], "a frame of -1 bytes"),
        (
            &[0x7f, 0xff, 0xff, 0xff, 1, 2, 3][..],
            "a frame of 2147483647 bytes",
        ),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH-"),
    ];
    for (bytes, expected) in cases {
        let peer = Peer::start(move |listener| {
            let mut conversation = Conversation::accept(&listener);
            conversation.read_frame();
            conversation.stream.write_all(bytes).unwrap();
            conversation.wait_for_close();
        });

        let text = failure_with(&peer, PATIENCE);

        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_frame_that_is_not_the_response_ends_the_connection() {
    let peer = Peer::broker(|conversation| {
        let (head, _) = conversation.read_request();
        let mut frame = head.correlation_id.value().to_be_bytes().to_vec();
        frame.extend([0xee; 20]);
        let length = u32::try_from(frame.len()).unwrap().to_be_bytes();
        conversation.stream.write_all(&length).unwrap();
        conversation.stream.write_all(&frame).unwrap();
        conversation.wait_for_close();
    });

    let text = failure_with(&peer, PATIENCE);

    assert!(text.contains("malformed Metadata"), "{text}");
}

#[test]
fn a_peer_that_closes_inside_a_response_is_described() {
    let peer = Peer::broker(|conversation| {
        let (head, _) = conversation.read_request();
        let response = encoded(&head, metadata_response("cut", 100_000));
        conversation.stream.write_all(&response[..50_004]).unwrap();
    });

    let text = failure_with(&peer, PATIENCE);

    assert!(
        text.contains("closed the connection after 50000 of the 11"),
        "{text}"
    );
}

#[test]
fn a_peer_that_closes_between_responses_fails_what_is_in_flight() {
    let peer = Peer::broker(|conversation| {
        let (head, _) = conversation.read_request();
        conversation.read_request();
        conversation.respond(&head, metadata_response("last", 0));
    });
    let broker = peer.as_broker();
    let mut network = client();
    send(&mut network, 1, &broker, PATIENCE);
    send(&mut network, 2, &broker, PATIENCE);

    let events = settle(&mut network, 2);

    let address = peer.address();
    assert_eq!(answers(&events), [(1, "last".to_owned())]);
    assert_eq!(
        failures(&events),
        [(
            2,
            format!(
                "Metadata request to node 7 at {address} failed: {address} closed the connection"
            )
        )]
    );
}

#[test]
fn an_answer_to_another_request_ends_the_connection() {
    let peer = Peer::broker(|conversation| {
        let (mut head, _) = conversation.read_request();
        head.correlation_id = crate::ids::CorrelationId::new(99);
        conversation.respond(&head, metadata_response("stray", 0));
        conversation.wait_for_close();
    });

    let text = failure_with(&peer, PATIENCE);

    assert!(text.contains("answered request 99"), "{text}");
}

#[test]
fn a_broker_that_knows_only_older_versions_is_asked_again() {
    let peer = Peer::start(|listener| {
        let mut conversation = Conversation::accept(&listener);
        let (mut head, _) = conversation.read_request();
        assert_eq!(head.api_version, 4);
        let refusal = peer::versions().with_error_code(ErrorCode::UNSUPPORTED_VERSION.0);
        head.api_version = 0;
        let mut refusal_v0 = refusal;
        refusal_v0.api_keys[0].max_version = 2;
        conversation.respond(&head, refusal_v0);
        let (head, _) = conversation.read_request();
        assert_eq!(head.api_version, 2);
        conversation.respond(&head, peer::versions());
        let (head, _) = conversation.read_request();
        conversation.respond(&head, metadata_response("old", 0));
    });
    let mut network = client();
    send(&mut network, 1, &peer.as_broker(), PATIENCE);

    let events = settle(&mut network, 1);

    assert_eq!(answers(&events), [(1, "old".to_owned())]);
}

#[test]
fn a_lost_connection_is_opened_again_for_the_next_request() {
    let peer = Peer::start(|listener| {
        for number in 1..=2 {
            let mut conversation = Conversation::accept(&listener);
            conversation.agree_on_versions();
            let (head, _) = conversation.read_request();
            conversation.respond(&head, metadata_response(&format!("{number}"), 0));
        }
    });
    let broker = peer.as_broker();
    let mut network = client();
    for token in 1..=2 {
        send(&mut network, token, &broker, PATIENCE);
        let events = settle(&mut network, 1);
        assert_eq!(answers(&events), [(token, token.to_string())]);
        while network.state(Instant::now(), broker.id, Lane::General) == NodeState::Ready {
            network.poll(Duration::from_millis(10), &mut Vec::new());
        }
    }
}

#[test]
fn a_produce_request_without_acknowledgement_is_sent_and_not_waited_for() {
    let peer = Peer::broker(|conversation| {
        let (_, request) = conversation.read_request();
        assert!(matches!(request, Request::Produce(_)), "{request:?}");
        let (head, _) = conversation.read_request();
        conversation.respond(&head, metadata_response("next", 0));
    });
    let mut network = client();
    let produce = ProduceRequest::default().with_acks(0);
    send_request(&mut network, 1, &peer.as_broker(), PATIENCE, produce.into());
    send(&mut network, 2, &peer.as_broker(), PATIENCE);

    let events = settle(&mut network, 2);

    let token = RequestToken::new(1);
    assert!(events.contains(&NetworkEvent::Sent { token }), "{events:?}");
    assert_eq!(answers(&events), [(2, "next".to_owned())]);
}

#[test]
fn an_api_that_the_broker_does_not_know_fails_without_harm_to_others() {
    let peer = Peer::broker(|conversation| {
        let (head, _) = conversation.read_request();
        conversation.respond(&head, metadata_response("fine", 0));
    });
    let mut network = client();
    let heartbeat = crate::wire::messages::HeartbeatRequest::default();
    send_request(
        &mut network,
        1,
        &peer.as_broker(),
        PATIENCE,
        heartbeat.into(),
    );
    send(&mut network, 2, &peer.as_broker(), PATIENCE);

    let events = settle(&mut network, 2);

    assert!(events.iter().any(|event| matches!(
        event,
        NetworkEvent::Failed {
            error: RequestError::Unsupported { .. },
            ..
        }
    )));
    assert_eq!(answers(&events), [(2, "fine".to_owned())]);
}

#[test]
fn host_names_are_looked_up_on_another_thread() {
    let peer = Peer::broker(|conversation| {
        let (head, _) = conversation.read_request();
        conversation.respond(&head, metadata_response("by name", 0));
    });
    let by_name = Arc::new(Broker {
        host: "localhost".into(),
        ..(*peer.as_broker()).clone()
    });
    let mut network = client();
    send(&mut network, 1, &by_name, PATIENCE);

    let events = settle(&mut network, 1);

    assert_eq!(answers(&events), [(1, "by name".to_owned())]);
}

#[test]
fn a_name_without_address_fails_the_request() {
    // A label may have 63 bytes, so that nobody's name server has to be asked.
    let host = "x".repeat(64);
    let nowhere = Arc::new(Broker {
        id: NodeId::new(-1),
        host: host.as_str().into(),
        port: 9092,
        rack: None,
    });
    let mut network = client();
    send(&mut network, 1, &nowhere, PATIENCE);

    let events = settle(&mut network, 1);

    let start = format!(
        "Metadata request to bootstrap {host}:9092 failed: the host name cannot be resolved: "
    );
    assert!(failures(&events)[0].1.starts_with(&start), "{events:?}");
}

#[test]
fn another_thread_ends_a_poll() {
    let mut network = client();
    let waker = network.waker();
    let begun_at = Instant::now();
    let thread = std::thread::Builder::new()
        .spawn(move || waker.wake())
        .unwrap();

    network.poll(PATIENCE, &mut Vec::new());

    assert!(begun_at.elapsed() < PATIENCE);
    thread.join().unwrap();
}

#[test]
fn a_wake_before_the_poll_is_not_lost_and_counts_once() {
    let mut network = client();
    let waker = network.waker();
    waker.wake();
    waker.clone().wake();
    let begun_at = Instant::now();
    network.poll(PATIENCE, &mut Vec::new());
    assert!(begun_at.elapsed() < PATIENCE);

    let short = Duration::from_millis(20);
    let begun_at = Instant::now();
    network.poll(short, &mut Vec::new());
    assert!(begun_at.elapsed() >= short);
}

#[test]
fn cancelled_requests_are_not_heard_of_again() {
    let (on_the_wire, is_on_the_wire) = mpsc::channel();
    let (cancelled, wait_until_cancelled) = mpsc::channel();
    let peer = Peer::broker(move |conversation| {
        let heads = [(); 2].map(|()| conversation.read_request().0);
        on_the_wire.send(()).unwrap();
        wait_until_cancelled.recv().unwrap();
        for (head, name) in heads.iter().zip(["unwanted", "wanted"]) {
            conversation.respond(head, metadata_response(name, 0));
        }
    });
    let mut network = client();
    send(&mut network, 1, &peer.as_broker(), PATIENCE);
    send(&mut network, 2, &peer.as_broker(), PATIENCE);
    while is_on_the_wire.try_recv().is_err() {
        network.poll(Duration::from_millis(1), &mut Vec::new());
    }

    network.cancel(Instant::now(), RequestToken::new(1));
    cancelled.send(()).unwrap();

    let events = settle(&mut network, 1);
    assert_eq!(answers(&events), [(2, "wanted".to_owned())]);
}

#[test]
fn a_broker_that_has_moved_gets_a_new_connection() {
    let old = Peer::start(|listener| Conversation::accept(&listener).wait_for_close());
    let new = Peer::broker(|conversation| {
        let (head, _) = conversation.read_request();
        conversation.respond(&head, metadata_response("moved", 0));
    });
    let mut network = client();
    send(&mut network, 1, &old.as_broker(), PATIENCE);
    send(&mut network, 2, &new.as_broker(), PATIENCE);

    let events = settle(&mut network, 2);

    assert!(
        failures(&events)[0].1.ends_with("moved to another address"),
        "{events:?}"
    );
    assert_eq!(answers(&events), [(2, "moved".to_owned())]);
}

#[test]
fn closing_on_request_fails_what_waits_and_leaves_no_backoff() {
    let peer = Peer::start(|listener| Conversation::accept(&listener).wait_for_close());
    let broker = peer.as_broker();
    let mut network = client();
    send(&mut network, 1, &broker, PATIENCE);

    network.disconnect(Instant::now(), broker.id, Lane::General);

    let events = settle(&mut network, 1);
    assert_eq!(events.len(), 1, "{events:?}");
    let state = network.state(Instant::now(), broker.id, Lane::General);
    assert_eq!(state, NodeState::Disconnected);
}

#[test]
fn a_connection_with_much_to_read_lets_the_others_have_their_turn() {
    let (progress, wait_for_progress) = mpsc::channel();
    let peer = |name: &'static str, size: usize| {
        let progress = progress.clone();
        let (go, wait_until_go) = mpsc::channel();
        let peer = Peer::broker(move |conversation| {
            let (head, _) = conversation.read_request();
            progress.send(()).unwrap();
            wait_until_go.recv().unwrap();
            conversation.respond(&head, metadata_response(name, size));
            progress.send(()).unwrap();
            conversation.wait_for_close();
        });
        (peer, go)
    };
    let ((large, go_large), (small, go_small)) = (peer("large", 50_000), peer("small", 0));
    let mut network = client();
    network.driver().set_read_turn_bytes(1000);
    send(&mut network, 1, &broker(1, large.address()), PATIENCE);
    send(&mut network, 2, &broker(2, small.address()), PATIENCE);
    for _ in 0..2 {
        while wait_for_progress.try_recv().is_err() {
            network.poll(Duration::from_millis(1), &mut Vec::new());
        }
    }
    for go in [go_large, go_small] {
        go.send(()).unwrap();
        wait_for_progress.recv_timeout(PATIENCE).unwrap();
    }

    let events = settle(&mut network, 2);

    let order = [(2, "small".to_owned()), (1, "large".to_owned())];
    assert_eq!(answers(&events), order);
}

#[test]
fn the_load_of_a_broker_follows_its_general_connection() {
    let peer = Peer::broker(|conversation| {
        let (head, _) = conversation.read_request();
        let response = metadata_response("busy", 0).with_throttle_time_ms(60_000);
        conversation.respond(&head, response);
        conversation.wait_for_close();
    });
    let node = peer.as_broker().id;
    let mut network = client();
    let unconnected = NodeLoad::Unconnected {
        last_attempt_at: None,
    };
    assert_eq!(network.load(node), unconnected);
    send(&mut network, 1, &peer.as_broker(), PATIENCE);
    assert_eq!(network.load(node), NodeLoad::Connecting);
    settle(&mut network, 1);
    assert!(matches!(network.load(node), NodeLoad::Throttled { .. }));
    network.disconnect(Instant::now(), node, Lane::General);
    assert!(matches!(
        network.load(node),
        NodeLoad::Unconnected {
            last_attempt_at: Some(_)
        }
    ));
}
