use std::collections::BTreeSet;

use weft_client::ErrorKind;

use super::bench::{bench, offsets, reading, topics, tp, tps};
use super::cluster::{Part, batch};
use crate::subscription::Subscription;

#[test]
fn partitions_that_stay_keep_all_they_have() {
    let mut bench = reading(3);
    bench.answer(
        1,
        vec![
            ("t-0", Part::of(batch(0, 5))),
            ("t-1", Part::of(batch(0, 5))),
        ],
    );
    bench.run();
    bench.collected(2);
    bench.core.pause(&tps(&["t-1"])).unwrap();
    bench.core.apply_assignment(&tps(&["t-0", "t-1"]));
    assert_eq!(bench.position("t-0"), Some(2));
    assert_eq!(bench.core.paused(), tps(&["t-1"]));
    assert_eq!(bench.collected(500), ["t-0@2", "t-0@3", "t-0@4"]);
    bench.answer(1, vec![("t-0", Part::of(batch(5, 1)))]);
    assert_eq!(
        bench.collected(500),
        ["t-0@5"],
        "what was on its way is kept"
    );
    assert!(bench.core.position(&tp("t-2")).is_err());
}

#[test]
fn a_partition_that_comes_back_starts_anew() {
    let mut bench = reading(1);
    bench.core.pause(&tps(&["t-0"])).unwrap();
    bench.core.apply_assignment(&BTreeSet::new());
    bench.core.apply_assignment(&tps(&["t-0"]));
    assert!(bench.core.paused().is_empty());
    assert_eq!(bench.position("t-0"), None);
}

#[test]
fn no_call_concerns_a_partition_that_is_not_assigned() {
    let mut bench = reading(1);
    let other = tps(&["t-0", "u-0"]);
    let to = weft_client::OffsetAndMetadata::new(weft_client::Offset::ZERO);
    assert!(bench.core.pause(&other).is_err());
    assert!(bench.core.paused().is_empty(), "all or nothing");
    let failures = [
        bench.core.position(&tp("u-0")).map(drop),
        bench.core.seek(&tp("u-0"), &to),
        bench.core.pause(&other),
        bench.core.resume(&other),
        bench
            .core
            .reset_to(&other, crate::position::ResetTo::Beginning),
    ];
    for failure in failures {
        let error = failure.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IllegalState);
        assert_eq!(error.topic_partition(), Some(&tp("u-0")));
    }
    assert_eq!(bench.position("t-0"), Some(0), "all or nothing");
}

#[test]
fn a_refused_subscription_changes_nothing() {
    let mut bench = reading(1);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 1)))]);
    let error = bench.core.subscribe(topics(&["u"])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IllegalState);
    assert_eq!(*bench.core.subscription(), Subscription::Manual);
    assert_eq!(bench.collected(500), ["t-0@0"]);
}

#[test]
fn topics_that_are_no_longer_wanted_are_neither_fetched_nor_returned() {
    let mut bench = bench(&[("group.id", "g")]);
    bench.topology.lead("t", &[1]);
    bench.topology.lead("u", &[1]);
    bench.core.subscribe(topics(&["t", "u"])).unwrap();
    bench.core.apply_assignment(&tps(&["t-0", "u-0"]));
    bench.seek("t-0", 0);
    bench.seek("u-0", 0);
    bench.answer(
        1,
        vec![
            ("t-0", Part::of(batch(0, 1))),
            ("u-0", Part::of(batch(0, 1))),
        ],
    );
    assert_eq!(bench.fetches(), ["1: t-0@1 u-0@1"]);
    bench.core.subscribe(topics(&["u"])).unwrap();
    assert_eq!(bench.collected(500), ["u-0@0"]);
    bench.answer(
        1,
        vec![
            ("t-0", Part::of(batch(1, 1))),
            ("u-0", Part::of(batch(1, 1))),
        ],
    );
    assert_eq!(
        bench.collected(500),
        ["u-0@1"],
        "what was on its way is kept"
    );
    assert_eq!(bench.fetches(), ["1: u-0@2"]);
    let owned = offsets(&bench.core.consumed_offsets());
    assert_eq!(owned, ["t-0@0", "u-0@2"], "the group decides what is owned");

    bench.core.subscribe(topics(&["t", "u"])).unwrap();
    bench.take(weft_client::wire::ApiKey::Fetch, 1);
    bench.core.apply_assignment(&tps(&["t-0"]));
    bench.run();
    assert_eq!(bench.position("t-0"), Some(0));
}

#[test]
fn after_unsubscribing_nothing_is_left() {
    let mut bench = reading(2);
    bench.answer(1, vec![("t-0", Part::of(batch(0, 1)))]);
    bench.run();
    bench.core.unsubscribe();
    assert!(bench.core.assignment().is_empty());
    assert_eq!(*bench.core.subscription(), Subscription::None);
    assert!(!bench.core.has_fetched());
    bench.answer(1, vec![("t-0", Part::of(batch(1, 1)))]);
    assert!(bench.collected(500).is_empty());
    assert_eq!(bench.fetches(), [""; 0]);
    bench.core.subscribe(topics(&["t"])).unwrap();
}

#[test]
fn metadata_is_asked_for_topics_subscribed_assigned_and_looked_up() {
    let mut bench = bench(&[("group.id", "g")]);
    bench.core.subscribe(topics(&["t"])).unwrap();
    bench.core.apply_assignment(&tps(&["u-0"]));
    bench
        .core
        .look_up_offsets([(tp("v-0"), crate::core::END)].into());
    let wanted = bench.core.cluster.wanted_topics();
    let all = weft_client::cluster::Topics::Named(topics(&["t", "u", "v"]));
    assert_eq!(*wanted, all);
}
