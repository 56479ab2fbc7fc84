//! Subscriptions by pattern.

use weft_client::ErrorKind;
use weft_client::cluster::Topics;

use super::bench::{Bench, bench, topics, tps};
use super::cluster::Part;
use crate::subscription::TopicPattern;

fn subscribe(bench: &mut Bench, pattern: &str) {
    let pattern = TopicPattern::parse(pattern).unwrap();
    bench.core.subscribe_pattern(pattern).unwrap();
}

/// A cluster with the topics `t`, `tu` and `v`, and `__t`, which brokers keep for themselves.
fn cluster(properties: &[(&str, &str)]) -> Bench {
    let options = [&[("group.id", "g")], properties].concat();
    let mut bench = bench(&options);
    for topic in ["t", "tu", "v", "__t"] {
        bench.topology.lead(topic, &[1]);
    }
    bench.topology.keep("__t");
    bench
}

#[test]
fn a_pattern_matches_whole_names_of_topics_that_are_not_internal() {
    let mut bench = cluster(&[]);
    subscribe(&mut bench, ".*t.*");
    assert_eq!(bench.core.take_matched_topics(), None);
    assert_eq!(bench.core.subscription().topics(), topics(&[]));
    bench.run();
    assert_eq!(*bench.core.cluster.wanted_topics(), Topics::All);
    let matched = topics(&["t", "tu"]);
    assert_eq!(bench.core.take_matched_topics(), Some(matched.clone()));
    assert_eq!(bench.core.take_matched_topics(), None);
    assert_eq!(bench.core.subscription().topics(), matched);
}

#[test]
fn internal_topics_match_where_that_is_asked_for() {
    let mut bench = cluster(&[("exclude.internal.topics", "false")]);
    subscribe(&mut bench, ".*t");
    bench.run();
    let matched = topics(&["__t", "t"]);
    assert_eq!(bench.core.take_matched_topics(), Some(matched));
}

#[test]
fn a_pattern_that_matches_nothing_is_told_so_too() {
    let mut bench = cluster(&[]);
    subscribe(&mut bench, "x");
    bench.run();
    assert_eq!(bench.core.take_matched_topics(), Some(topics(&[])));
}

#[test]
fn topics_that_come_and_go_are_told_with_the_next_metadata_and_only_then() {
    let mut bench = cluster(&[]);
    subscribe(&mut bench, "t.*");
    bench.run();
    bench.core.take_matched_topics();
    bench.topology.lead("tw", &[1]);
    bench.topology.forget("tu");
    bench.run();
    assert_eq!(bench.core.take_matched_topics(), None);
    bench.pass(300_000);
    bench.run();
    let matched = topics(&["t", "tw"]);
    assert_eq!(bench.core.take_matched_topics(), Some(matched));
    bench.pass(300_000);
    bench.run();
    assert_eq!(bench.core.take_matched_topics(), None);
}

#[test]
fn a_second_pattern_replaces_the_first_at_once() {
    let mut bench = cluster(&[]);
    subscribe(&mut bench, "t.*");
    bench.run();
    bench.core.take_matched_topics();
    let asked = bench.metadata_requests;
    subscribe(&mut bench, "v|t");
    let matched = topics(&["t", "v"]);
    assert_eq!(bench.core.take_matched_topics(), Some(matched));
    // The cluster may have other topics by now.
    bench.pass(1_000);
    bench.run();
    assert_eq!(bench.metadata_requests, asked + 1);
}

#[test]
fn an_answer_that_was_asked_for_before_the_pattern_says_nothing_of_all_topics() {
    let mut bench = cluster(&[]);
    bench.core.subscribe(topics(&["t"])).unwrap();
    let mut out = Vec::new();
    bench
        .core
        .take_requests(bench.now, &super::bench::Idle, &mut out);
    bench.core.unsubscribe();
    subscribe(&mut bench, ".*");
    let sent = out.pop().unwrap();
    let weft_client::wire::Request::Metadata(request) = &sent.request else {
        panic!("metadata was asked for, not {:?}", sent.request);
    };
    let response = bench.topology.metadata(request);
    bench.respond(&sent, weft_client::wire::Response::Metadata(response));
    assert_eq!(bench.core.take_matched_topics(), None);
    bench.pass(1_000);
    bench.run();
    let matched = topics(&["t", "tu", "v"]);
    assert_eq!(bench.core.take_matched_topics(), Some(matched));
}

#[test]
fn a_pattern_and_other_subscriptions_exclude_each_other_and_unsubscribing_ends_it() {
    let mut bench = cluster(&[]);
    subscribe(&mut bench, "t.*");
    let refused = bench.core.subscribe(topics(&["t"])).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::IllegalState);
    let refused = bench.core.assign(&tps(&["t-0"])).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::IllegalState);
    bench.core.unsubscribe();
    bench.run();
    assert_eq!(bench.core.take_matched_topics(), None);
    assert_eq!(
        *bench.core.cluster.wanted_topics(),
        Topics::Named(topics(&[]))
    );
    bench.core.assign(&tps(&["t-0"])).unwrap();
}

#[test]
fn partitions_of_a_topic_that_matches_are_read_even_if_it_is_not_known_yet_and_no_others() {
    let mut bench = cluster(&[]);
    subscribe(&mut bench, "t.*");
    bench.run();
    bench.core.apply_assignment(&tps(&["tw-0", "v-0"]));
    bench.topology.lead("tw", &[1]);
    for partition in ["tw-0", "v-0"] {
        bench.seek(partition, 0);
    }
    bench.pass(1_000);
    assert_eq!(bench.fetches(), ["1: tw-0@0"]);
    bench.answer(1, vec![("tw-0", Part::default())]);
}
