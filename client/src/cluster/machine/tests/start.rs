//! Starting from the bootstrap addresses, and starting again.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::UpdateReason;
use super::bench;
use crate::cluster::NodeLoad;
use crate::cluster::answers::{partition, response, topic};
use crate::cluster::resolution::LookUp;
use crate::error::ErrorKind;
use crate::ids::NodeId;

#[test]
fn when_no_broker_can_be_reached_it_starts_again_from_the_bootstrap_addresses() {
    let mut bench = bench(&[]);
    bench.learn();
    let until = bench.now + Duration::from_millis(700);
    bench.loads = (1..=2)
        .map(|node| (node, NodeLoad::Backoff { until }))
        .collect();
    bench.cluster.request_update(UpdateReason::Disconnected);
    assert_eq!(bench.asked(), Some((-1, Some(vec!["t".to_owned()]))));
    assert_eq!(bench.leader(), None);
    bench.answer(&response(
        &[1, 2],
        vec![topic("t", 1, vec![partition(0, 2, 4)])],
    ));
    assert_eq!(
        bench.leader(),
        Some((1, 5)),
        "an older epoch is still older after a fresh start"
    );
}

#[test]
fn without_recovery_it_waits_for_the_brokers_it_knows() {
    let mut bench = bench(&[("metadata.recovery.strategy", "none")]);
    bench.learn();
    let until = bench.now + Duration::from_millis(700);
    bench.loads = (1..=2)
        .map(|node| (node, NodeLoad::Backoff { until }))
        .collect();
    bench.cluster.request_update(UpdateReason::Disconnected);
    assert_eq!(bench.asked(), None);
    assert_eq!(bench.pass_to_deadline(), 700);
    bench.loads.clear();
    assert!(bench.asked().is_some_and(|(node, _)| node > 0));
}

#[test]
fn bootstrap_addresses_out_of_reach_are_waited_for_and_never_asked_in_a_loop() {
    let mut bench = bench(&[]);
    let until = bench.now + Duration::from_millis(50);
    bench.loads = BTreeMap::from([(-1, NodeLoad::Backoff { until })]);
    assert_eq!(bench.asked(), None);
    assert_eq!(bench.pass_to_deadline(), 50);
    bench.loads.clear();
    assert!(bench.asked().is_some());
}

#[test]
fn questions_in_vain_for_too_long_lead_back_to_the_bootstrap_addresses() {
    let mut bench = bench(&[("metadata.recovery.rebootstrap.trigger.ms", "1000")]);
    bench.learn();
    bench.cluster.request_update(UpdateReason::CallerWaits);
    for (pause, is_bootstrap) in [(600, false), (600, false), (600, true)] {
        let (node, _) = bench.asked().unwrap();
        assert_eq!(node < 0, is_bootstrap);
        let abandoned = bench.cluster.take_abandoned();
        assert_eq!(abandoned.len(), if is_bootstrap { 2 } else { 0 });
        bench.cluster.handle_failure(bench.now);
        bench.pass(pause);
    }
}

#[test]
fn a_broker_that_sends_the_client_away_is_obeyed() {
    let mut bench = bench(&[]);
    bench.learn();
    bench.cluster.request_update(UpdateReason::CallerWaits);
    assert!(bench.asked().is_some());
    bench.answer(&response(&[1], Vec::new()).with_error_code(129));
    assert_eq!(bench.cluster.take_abandoned(), [1, 2].map(NodeId::new));
    assert!(bench.cluster.take_abandoned().is_empty());
    bench.pass_to_deadline();
    assert!(bench.asked().is_some_and(|(node, _)| node == -1));
}

#[test]
fn a_client_that_is_not_to_recover_stays_where_it_is_sent_away_from() {
    let mut bench = bench(&[("metadata.recovery.strategy", "none")]);
    bench.learn();
    bench.cluster.request_update(UpdateReason::CallerWaits);
    assert!(bench.asked().is_some());
    bench.answer(&response(&[1], Vec::new()).with_error_code(129));
    bench.pass_to_deadline();
    assert!(bench.asked().is_some_and(|(node, _)| node > 0));
    assert!(bench.cluster.take_abandoned().is_empty());
}

#[test]
fn names_without_address_when_the_time_is_over_are_given_up_for_good() {
    let mut bench = bench(&[
        ("bootstrap.servers", "a:1,b:2"),
        ("bootstrap.resolve.timeout.ms", "1000"),
    ]);
    let [a, b] = [-1, -2].map(NodeId::new);
    bench.cluster.looked_up(bench.now, a, LookUp::Unresolved);
    bench.pass(1000);
    assert!(bench.asked().is_some());
    let fatal = |bench: &super::Bench| bench.cluster.fatal_error().map(|error| error.kind());
    assert_eq!(fatal(&bench), None, "the other look-up is under way");
    bench.cluster.looked_up(bench.now, b, LookUp::Unresolved);
    assert_eq!(fatal(&bench), Some(ErrorKind::Bootstrap));
    bench.cluster.looked_up(bench.now, b, LookUp::Resolved);
    assert_eq!(fatal(&bench), Some(ErrorKind::Bootstrap));
    let text = bench.cluster.fatal_error().unwrap().to_string();
    assert!(
        text.ends_with("bootstrap.resolve.timeout.ms: a:1, b:2"),
        "{text}"
    );
}

#[test]
fn the_end_of_the_time_for_names_is_a_deadline_only_while_there_is_none_with_an_address() {
    let mut bench = bench(&[("bootstrap.resolve.timeout.ms", "1000")]);
    let node = NodeId::new(-1);
    let until = bench.now + Duration::from_secs(5);
    bench.loads = BTreeMap::from([(-1, NodeLoad::Backoff { until })]);
    assert_eq!(bench.asked(), None);
    assert_eq!(bench.cluster.next_deadline(), Some(until));
    bench.cluster.looked_up(bench.now, node, LookUp::Unresolved);
    assert_eq!(bench.pass_to_deadline(), 1000);
    let mut resolved = bench.cluster.clone();
    resolved.looked_up(bench.now - Duration::from_millis(1), node, LookUp::Resolved);
    resolved.looked_up(bench.now, node, LookUp::Unresolved);
    assert!(resolved.fatal_error().is_none());
    assert_eq!(bench.asked(), None);
    assert!(bench.cluster.fatal_error().is_some());
}

#[test]
fn without_a_time_for_names_and_with_names_of_the_cluster_nothing_is_given_up() {
    let mut bench = bench(&[]);
    bench
        .cluster
        .looked_up(bench.now, NodeId::new(-1), LookUp::Unresolved);
    bench.pass(1_000_000);
    assert!(bench.asked().is_some());
    assert!(bench.cluster.fatal_error().is_none());
    let mut bench = super::bench(&[("bootstrap.resolve.timeout.ms", "1")]);
    bench.learn();
    bench
        .cluster
        .looked_up(bench.now, NodeId::new(1), LookUp::Unresolved);
    bench.pass(1_000_000);
    assert!(bench.asked().is_some());
    assert!(bench.cluster.fatal_error().is_none());
}
