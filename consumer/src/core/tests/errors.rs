use weft_client::ErrorKind;
use weft_client::net::{NetworkEvent, OutboundRequest, RequestError};
use weft_client::wire::{ApiKey, ErrorCode, Request, WireError};

use super::bench::{Idle, reading, reading_with, tp, tps};
use super::cluster::{Part, batch};

#[test]
fn a_refused_fetch_fails_one_call_and_is_tried_again() {
    for (code, kind) in [
        (
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            ErrorKind::TopicAuthorization,
        ),
        (ErrorCode::CORRUPT_MESSAGE, ErrorKind::CorruptRecord),
    ] {
        let mut bench = reading(1);
        bench.seek("t-0", 7);
        bench.answer(1, vec![("t-0", Part::error(code))]);
        assert_eq!(bench.fetches(), [""; 0]);
        let error = bench.collect(500).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(error.topic_partition(), Some(&tp("t-0")));
        let text = error.to_string();
        assert!(
            text.contains("offset 7") && text.contains("host-1"),
            "{text}"
        );
        assert!(bench.collected(500).is_empty());
        bench.pass(2_000);
        assert_eq!(bench.fetches(), ["1: t-0@7"]);
        assert_eq!(bench.position("t-0"), Some(7));
    }
}

#[test]
fn what_was_fetched_before_a_refusal_is_delivered_first() {
    let mut bench = reading(1);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 1)))]);
    let refused = Part::error(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    bench.answer(1, vec![("t-0", refused.clone())]);
    assert_eq!(bench.collected(500), ["t-0@0"]);
    bench.pass(2_000);
    bench.answer(1, vec![("t-0", refused)]);
    assert!(bench.collect(500).is_err());
}

#[test]
fn an_error_is_told_by_the_next_call_however_much_data_waits() {
    let mut bench = reading_with(&[], &[1, 2]);
    bench.answer(2, vec![("t-1", Part::of(batch(0, 9)))]);
    let refused = Part::error(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    bench.answer(1, vec![("t-0", refused)]);
    assert!(bench.collect(2).is_err());
    assert_eq!(bench.collected(2), ["t-1@0", "t-1@1"]);
}

#[test]
fn errors_of_many_partitions_are_all_told() {
    let mut bench = reading(40);
    bench.run();
    let names: Vec<String> = (0..40).map(|n| format!("t-{n}")).collect();
    let refused = Part::error(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    let mut told = std::collections::BTreeSet::new();
    for _ in 0..20 {
        bench.run();
        let asked: Vec<String> = bench.kept[&1]
            .wanted
            .iter()
            .map(|(name, _)| name.to_string())
            .collect();
        let parts = asked.iter().map(|name| (name.as_str(), refused.clone()));
        bench.answer(1, parts.collect());
        while let Err(error) = bench.collect(500) {
            told.insert(error.topic_partition().unwrap().to_string());
        }
        if told.len() == names.len() {
            return;
        }
        bench.pass(10_000);
    }
    panic!("only {} of 40 were told", told.len());
}

#[test]
fn errors_of_partitions_given_up_are_forgotten() {
    let mut bench = reading(2);
    let refused = Part::error(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    bench.answer(1, vec![("t-0", refused)]);
    bench.core.revoke(&tps(&["t-0"]));
    assert!(bench.collected(500).is_empty());
}

#[test]
fn a_waiting_call_takes_the_error_of_its_partition_only() {
    let mut bench = reading(2);
    let refused = Part::error(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
    bench.answer(1, vec![("t-0", refused.clone()), ("t-1", refused)]);
    let error = bench.core.take_error_of(&tp("t-1")).unwrap();
    assert_eq!(error.topic_partition(), Some(&tp("t-1")));
    assert!(bench.core.take_error_of(&tp("t-1")).is_none());
    let left = bench.collect(500).unwrap_err();
    assert_eq!(left.topic_partition(), Some(&tp("t-0")));
}

#[test]
fn a_broker_that_cannot_answer_for_metadata_is_told_by_the_next_call() {
    let mut bench = reading(1);
    bench.pass(2_000);
    bench.refresh_metadata();
    let mut out = Vec::new();
    bench.core.take_requests(bench.now, &Idle, &mut out);
    let is_metadata = |sent: &OutboundRequest| matches!(sent.request, Request::Metadata(_));
    let sent = out.into_iter().find(is_metadata).unwrap();
    let reason = WireError::Unsupported {
        api_key: ApiKey::Metadata,
        needed: 4..=13,
        broker: Some(0..=3),
        feature: "not creating topics",
    };
    let error = RequestError::Unsupported {
        api_key: ApiKey::Metadata,
        broker: sent.broker,
        reason,
    };
    let token = sent.token;
    let event = NetworkEvent::Failed { token, error };
    bench.core.handle_event(bench.now, event);
    let error = bench.collect(500).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedVersion);
    assert!(error.to_string().contains("not creating topics"), "{error}");
    assert!(bench.collected(500).is_empty());
}
