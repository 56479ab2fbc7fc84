//! Questions about topics, as calls that wait ask them.

use weft_client::wire::ErrorCode;
use weft_client::{Error, ErrorKind, TopicName};

use super::bench::{Bench, bench, reading, tp};

/// Asks, and tells what came of it: partitions with their leaders as text.
fn answer(bench: &mut Bench, topic: Option<&str>) -> Option<Result<Vec<String>, Error>> {
    let id = bench.core.ask_about(topic.map(TopicName::from));
    bench.run();
    let answer = bench.core.take_answer_about(id);
    bench.core.cancel_question(id);
    let text = |found: &crate::PartitionInfo| {
        let leader = found.leader.as_ref().map(|broker| broker.id.value());
        format!("{} led by {leader:?}", found.topic_partition)
    };
    answer.map(|answer| answer.map(|found| found.values().flatten().map(text).collect()))
}

#[test]
fn the_partitions_of_a_topic_are_told_with_their_leaders() {
    let mut bench = bench(&[]);
    bench.topology.lead("t", &[1, -1]);
    let found = answer(&mut bench, Some("t")).unwrap().unwrap();
    assert_eq!(found, ["t-0 led by Some(1)", "t-1 led by None"]);
    // It changed nothing of what is believed: the topic is not one that is read.
    assert_eq!(bench.core.known_partitions(&"t".into()), None);
    assert_eq!(
        *bench.core.cluster.wanted_topics(),
        weft_client::cluster::Topics::Named(super::bench::topics(&[]))
    );
}

#[test]
fn a_topic_that_is_read_is_told_without_asking() {
    let mut bench = reading(2);
    bench.run();
    let asked = bench.metadata_requests;
    let known = bench.core.known_partitions(&"t".into()).unwrap();
    let names: Vec<_> = known.iter().map(|found| &found.topic_partition).collect();
    assert_eq!(names, [&tp("t-0"), &tp("t-1")]);
    assert_eq!(bench.metadata_requests, asked);
}

#[test]
fn a_topic_that_the_brokers_do_not_know_has_no_partitions() {
    let mut bench = bench(&[]);
    let found = answer(&mut bench, Some("t")).unwrap().unwrap();
    assert_eq!(found, [""; 0]);
}

#[test]
fn all_topics_are_listed() {
    let mut bench = bench(&[]);
    bench.topology.lead("t", &[1]);
    bench.topology.lead("u", &[2]);
    let found = answer(&mut bench, None).unwrap().unwrap();
    assert_eq!(found, ["t-0 led by Some(1)", "u-0 led by Some(2)"]);
}

#[test]
fn a_topic_that_is_refused_for_good_is_an_error_that_names_it() {
    for (code, kind) in [
        (
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            ErrorKind::TopicAuthorization,
        ),
        (ErrorCode::INVALID_TOPIC_EXCEPTION, ErrorKind::InvalidTopic),
        (
            ErrorCode::UNSUPPORTED_VERSION,
            ErrorKind::UnsupportedVersion,
        ),
    ] {
        let mut bench = bench(&[]);
        bench.topology.refuse("t", code);
        let error = answer(&mut bench, Some("t")).unwrap().unwrap_err();
        assert_eq!((error.kind(), error.topics()), (kind, &["t".into()][..]));
        // Nobody else hears of it.
        assert!(bench.collect(1).unwrap().is_empty());
    }
}

#[test]
fn a_topic_that_has_no_leader_yet_is_asked_about_again_with_backoff() {
    let mut bench = bench(&[]);
    bench.topology.refuse("t", ErrorCode::LEADER_NOT_AVAILABLE);
    let id = bench.core.ask_about(Some("t".into()));
    bench.run();
    let asked = bench.metadata_requests;
    bench.run();
    assert_eq!(bench.metadata_requests, asked, "it spins");
    bench.topology.lead("t", &[1]);
    bench.pass_to_deadline();
    bench.run();
    let found = bench.core.take_answer_about(id).unwrap().unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn an_answer_that_nobody_waits_for_is_dropped() {
    let mut bench = bench(&[]);
    bench.has_metadata = false;
    let id = bench.core.ask_about(None);
    bench.run();
    bench.core.cancel_question(id);
    bench.has_metadata = true;
    bench.run();
    assert!(bench.core.take_answer_about(id).is_none());
    assert!(bench.core.topic_questions.is_empty());
}
