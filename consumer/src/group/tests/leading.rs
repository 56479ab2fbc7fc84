//! The leader's work.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use weft_client::wire::Request;
use weft_client::wire::messages::{BrokerId, JoinGroupResponse, MetadataResponse};
use weft_client::{ErrorKind, MemberId, TopicPartition};

use super::bench::*;
use crate::assign::{
    AssignError, Assignor, ClusterTopics, MemberAssignment, MemberSubscription, RebalanceProtocol,
};
use crate::group::protocol::decode_assignment;
use crate::lane::{ChangeKind, Command};

/// An assignor that does what a test says.
#[derive(Debug)]
struct Custom(fn(&BTreeMap<MemberId, MemberSubscription>) -> Outcome);

type Outcome = Result<BTreeMap<MemberId, MemberAssignment>, AssignError>;

impl Assignor for Custom {
    fn name(&self) -> &str {
        "custom"
    }

    fn supported_protocols(&self) -> &[RebalanceProtocol] {
        &[RebalanceProtocol::Eager, RebalanceProtocol::Cooperative]
    }

    fn assign(
        &self,
        _topics: &ClusterTopics,
        members: &BTreeMap<MemberId, MemberSubscription>,
    ) -> Outcome {
        self.0(members)
    }
}

/// An assignment of these partitions.
fn gives(shares: &[(&str, &str, i32)]) -> Outcome {
    let mut assignments: BTreeMap<MemberId, MemberAssignment> = BTreeMap::new();
    for (id, topic, number) in shares {
        let share = assignments.entry((*id).into()).or_default();
        share.partitions.push(TopicPartition::new(*topic, *number));
    }
    Ok(assignments)
}

fn leads(generation: i32, protocol: &str) -> JoinGroupResponse {
    let members = vec![
        group_member("m", &["t"], &[]),
        group_member("n", &["t", "other"], &[]),
    ];
    joined(generation, protocol)
        .with_leader(str_bytes("m"))
        .with_members(members)
}

/// A member that has just been told that it leads; everything is known of `t`.
fn leader(assignors: Vec<Arc<dyn Assignor>>, protocol: &str) -> Bench {
    let mut bench = bench(assignors, &[]);
    bench.subscribe(&["t"]);
    bench.answer_metadata(&[("t", 4)]);
    bench.find_coordinator();
    bench.answer("join", leads(1, protocol));
    bench
}

fn shares(request: Request) -> Vec<(String, Vec<String>)> {
    let Request::SyncGroup(sync) = request else {
        panic!("not a sync");
    };
    let share =
        |share: weft_client::wire::messages::sync_group_request::SyncGroupRequestAssignment| {
            let partitions = decode_assignment(share.assignment).unwrap().partitions;
            let names = partitions.iter().map(ToString::to_string).collect();
            (share.member_id.to_string(), names)
        };
    sync.assignments.into_iter().map(share).collect()
}

#[test]
fn a_leader_learns_of_all_members_topics_before_it_divides_them() {
    let mut bench = leader(eager(), "range");
    assert_eq!(bench.kinds(), ["metadata"]);
    bench.answer_metadata(&[("other", 1)]);
    let shares = shares(bench.take("sync").request);
    let expected = [
        ("m".to_owned(), vec!["t-0".to_owned(), "t-1".to_owned()]),
        (
            "n".to_owned(),
            vec!["other-0".to_owned(), "t-2".to_owned(), "t-3".to_owned()],
        ),
    ];
    assert_eq!(shares, expected);
}

#[test]
fn heartbeats_go_on_while_the_leader_waits_for_metadata() {
    let mut bench = leader(eager(), "range");
    bench.pass_millis(3_000);
    assert_eq!(bench.kinds(), ["metadata", "heartbeat"]);
}

#[test]
fn metadata_that_fail_are_asked_for_again_and_the_leader_goes_on_waiting() {
    let mut bench = leader(eager(), "range");
    bench.fail("metadata");
    bench.pass_millis(200);
    assert!(!bench.has("sync"));
    bench.answer("metadata", MetadataResponse::default());
    bench.pass_millis(500);
    bench.answer_metadata(&[("t", 4), ("other", 1)]);
    assert!(bench.has("sync"));
}

#[test]
fn an_assignor_that_fails_or_panics_is_told_to_the_user_and_the_member_leaves() {
    let fails: fn(&BTreeMap<MemberId, MemberSubscription>) -> Outcome =
        |_| Err(AssignError::new("out of luck"));
    let panics: fn(&BTreeMap<MemberId, MemberSubscription>) -> Outcome =
        |members| panic!("{} are too many", members.len());
    let strays: fn(&BTreeMap<MemberId, MemberSubscription>) -> Outcome =
        |_| gives(&[("z", "t", 0)]);
    let twice: fn(&BTreeMap<MemberId, MemberSubscription>) -> Outcome =
        |_| gives(&[("m", "t", 1), ("n", "t", 1)]);
    let twice_to_one: fn(&BTreeMap<MemberId, MemberSubscription>) -> Outcome =
        |_| gives(&[("m", "t", 1), ("m", "t", 1)]);
    let unwanted: fn(&BTreeMap<MemberId, MemberSubscription>) -> Outcome =
        |_| gives(&[("m", "other", 0)]);
    let made_up: fn(&BTreeMap<MemberId, MemberSubscription>) -> Outcome =
        |_| gives(&[("m", "t", 4)]);
    let negative: fn(&BTreeMap<MemberId, MemberSubscription>) -> Outcome =
        |_| gives(&[("m", "t", -1)]);
    for (assign, text) in [
        (fails, "out of luck"),
        (panics, "2 are too many"),
        (strays, "z, which is no member"),
        (twice, "t-1 twice, to m and to n"),
        (twice_to_one, "t-1 twice, to m and to m"),
        (unwanted, "other-0 to m, which does not want that topic"),
        (made_up, "t-4 to m, which does not exist"),
        (negative, "t--1 to m, which does not exist"),
    ] {
        let mut bench = leader(vec![Arc::new(Custom(assign))], "custom");
        bench.answer_metadata(&[("other", 1)]);
        assert!(!bench.has("sync") && bench.has("leave"));
        let failures = bench.failures();
        assert_eq!(failures.len(), 1);
        assert_eq!(failures[0].kind(), ErrorKind::Callback);
        assert!(failures[0].to_string().contains(text), "{}", failures[0]);
        bench.pass_without_poll(Duration::from_secs(10));
        assert!(!bench.has("join"), "not before the user polls");
        bench.pass(Duration::from_secs(2));
        assert!(bench.has("join"));
    }
}

#[test]
fn a_custom_cooperative_assignor_may_not_give_away_what_is_still_owned() {
    let steals: fn(&BTreeMap<MemberId, MemberSubscription>) -> Outcome = |_| {
        let share = MemberAssignment {
            partitions: partitions(&[("t", 0)]).into_iter().collect(),
            user_data: None,
        };
        Ok(BTreeMap::from([("m".into(), share)]))
    };
    let mut bench = bench(vec![Arc::new(Custom(steals))], &[]);
    bench.subscribe(&["t"]);
    bench.answer_metadata(&[("t", 4)]);
    bench.find_coordinator();
    let members = vec![
        group_member("m", &["t"], &[]),
        group_member("n", &["t"], &[("t", 0)]),
    ];
    let response = joined(1, "custom")
        .with_leader(str_bytes("m"))
        .with_members(members);
    bench.answer("join", response);
    let text = bench.failures()[0].to_string();
    assert!(text.contains("t-0 to m while n still owns it"), "{text}");
}

#[test]
fn a_subscription_that_cannot_be_read_keeps_the_leader_from_leading() {
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.find_coordinator();
    let mut broken = group_member("n", &["t"], &[]);
    broken.metadata = broken.metadata.slice(..5);
    let response = joined(1, "range")
        .with_leader(str_bytes("m"))
        .with_members(vec![broken]);
    bench.answer("join", response);
    assert!(bench.failures()[0].to_string().contains("member n"));
    assert!(bench.has("leave"));
}

#[test]
fn a_static_leader_that_comes_back_sends_no_assignment_and_still_watches_the_topics() {
    let mut bench = bench(eager(), &[("group.instance.id", "i")]);
    bench.subscribe(&["t"]);
    bench.answer_metadata(&[("t", 4)]);
    bench.find_coordinator();
    bench.answer("join", leads(4, "range").with_skip_assignment(true));
    bench.answer_metadata(&[("other", 1)]);
    assert_eq!(bench.sync_with(&[("t", 0)]).assignments, []);
    bench.apply(&[("t", 0)]);
    grow(&mut bench);
    assert!(matches!(bench.change(), Some(ChangeKind::Revoke(_))));
}

/// Lets the metadata grow old, and topic `other` grow by a partition.
fn grow(bench: &mut Bench) {
    for _ in 0..101 {
        bench.pass_millis(3_000);
        bench.heartbeat_code(0);
    }
    bench.answer_metadata(&[("t", 4), ("other", 2)]);
}

#[test]
fn the_leader_rejoins_when_partitions_of_any_members_topic_are_added() {
    let mut bench = leader(eager(), "range");
    bench.answer_metadata(&[("other", 1)]);
    bench.sync_with(&[("t", 0), ("t", 1)]);
    bench.apply(&[("t", 0), ("t", 1)]);
    grow(&mut bench);
    bench.apply(&[]);
    let join = bench.join_as(2, "range");
    assert_eq!(join.reason.as_deref(), Some("cached metadata has changed"));
}

#[test]
fn a_topic_that_appears_or_goes_away_makes_the_leader_rejoin_only_if_somebody_wants_it() {
    // What the metadata say of the two topics that are wanted; then whether the leader rejoins.
    for (before, after, rejoins) in [
        (vec![("t", 4)], vec![("t", 4), ("other", 1)], true),
        (vec![("t", 4), ("other", 1)], vec![("t", 4)], true),
        (vec![("t", 4)], vec![("t", 4), ("else", 1)], false),
        (vec![("t", 4)], vec![("t", 4)], false),
    ] {
        let mut bench = bench(cooperative(), &[]);
        bench.subscribe(&["t"]);
        bench.answer_metadata(&[("t", 4)]);
        bench.find_coordinator();
        bench.answer("join", leads(1, "cooperative-sticky"));
        bench.answer("metadata", with_errors(&before));
        bench.sync_with(&[("t", 0)]);
        bench.apply(&[("t", 0)]);
        for _ in 0..101 {
            bench.pass_millis(3_000);
            if bench.has("heartbeat") {
                bench.heartbeat_code(0);
            }
            if bench.has("metadata") {
                bench.answer("metadata", with_errors(&after));
            }
        }
        assert_eq!(bench.has("join"), rejoins, "{before:?}, then {after:?}");
    }
}

/// Metadata in which the topics `t` and `other` are unknown unless they are named.
fn with_errors(of: &[(&str, i32)]) -> MetadataResponse {
    let mut response = metadata(of);
    for name in ["t", "other"] {
        if !of.iter().any(|(known, _)| *known == name) {
            let mut unknown = metadata(&[(name, 0)]).topics.remove(0);
            unknown.error_code = 3;
            response.topics.push(unknown);
        }
    }
    response
}

/// Metadata of topic `t` with one partition, whose replicas lie on the brokers 1 and 2, and of the
/// racks of the brokers that are there.
fn in_racks(racks: &[(i32, &str)], replicas: &[i32]) -> MetadataResponse {
    let mut response = metadata(&[("t", 1)]);
    let broker = response.brokers.remove(0);
    response.brokers = racks
        .iter()
        .map(|(id, rack)| {
            let broker = broker.clone().with_node_id(BrokerId(*id));
            broker.with_rack(Some(str_bytes(rack)))
        })
        .collect();
    let replicas = replicas.iter().map(|id| BrokerId(*id)).collect();
    response.topics[0].partitions[0].replica_nodes = replicas;
    response
}

#[test]
fn replicas_that_change_racks_make_the_leader_rejoin_and_brokers_that_go_down_do_not() {
    let both: &[(i32, &str)] = &[(1, "a"), (2, "b"), (3, "c")];
    // The consumer's rack, the metadata afterwards, and whether the leader rejoins.
    for (rack, after, rejoins) in [
        ("a", in_racks(both, &[1, 3]), true),
        ("a", in_racks(both, &[1, 2, 3]), true),
        ("a", in_racks(both, &[1]), true),
        ("a", in_racks(both, &[2, 1]), false),
        ("a", in_racks(&[(1, "a"), (3, "c")], &[1, 2]), false),
        ("a", in_racks(&[(1, "c"), (3, "c")], &[1, 2]), true),
        ("", in_racks(both, &[1, 3]), false),
    ] {
        let mut bench = bench(cooperative(), &[("client.rack", rack)]);
        bench.subscribe(&["t"]);
        bench.answer("metadata", in_racks(both, &[1, 2]));
        bench.find_coordinator();
        let response = joined(1, "cooperative-sticky").with_leader(str_bytes("m"));
        bench.answer(
            "join",
            response.with_members(vec![group_member("m", &["t"], &[])]),
        );
        bench.sync_with(&[("t", 0)]);
        bench.apply(&[("t", 0)]);
        for _ in 0..101 {
            bench.pass_millis(3_000);
            if bench.has("heartbeat") {
                bench.heartbeat_code(0);
            }
            if bench.has("metadata") {
                bench.answer("metadata", after.clone());
            }
        }
        assert_eq!(bench.has("join"), rejoins, "{rack:?} {after:?}");
    }
}

#[test]
fn followers_leave_the_watch_to_the_leader() {
    let mut bench = stable_cooperative(&[("t", 0)]);
    for _ in 0..101 {
        bench.beat(0);
    }
    bench.answer_metadata(&[("t", 9), ("u", 4)]);
    assert_eq!(bench.kinds(), [""; 0]);
}

#[test]
fn the_coordinator_lost_while_the_leader_waits_costs_no_more_than_another_join() {
    let mut bench = leader(eager(), "range");
    bench.pass_millis(3_000);
    bench.fail("heartbeat");
    bench.answer_metadata(&[("other", 1)]);
    assert!(!bench.has("sync"));
    bench.pass_millis(200);
    bench.find_coordinator();
    bench.pass_millis(200);
    assert!(bench.has("join") && bench.change().is_none());
}

#[test]
fn a_rejoin_asked_for_while_the_leader_works_is_satisfied_by_the_round_under_way() {
    let mut bench = leader(cooperative(), "cooperative-sticky");
    bench.command(Command::Rejoin { reason: "r".into() });
    bench.answer_metadata(&[("other", 1)]);
    bench.sync_with(&[("t", 0)]);
    bench.apply(&[("t", 0)]);
    assert!(!bench.has("join"));
}

/// A leader in generation 2 of two members, of whom `n` owned everything of `t` before.
fn leader_that_hands_over() -> Bench {
    let mut bench = bench(cooperative(), &[]);
    bench.subscribe(&["t"]);
    bench.answer_metadata(&[("t", 4)]);
    bench.find_coordinator();
    let all = [("t", 0), ("t", 1), ("t", 2), ("t", 3)];
    let members = vec![
        group_member("m", &["t"], &[]),
        group_member("n", &["t"], &all),
    ];
    let response = joined(2, "cooperative-sticky")
        .with_leader(str_bytes("m"))
        .with_members(members);
    bench.answer("join", response);
    bench.sync_with(&[]);
    bench.apply(&[]);
    bench
}

/// Lets heartbeats go on for some time.
fn beat_for(bench: &mut Bench, span: Duration) {
    for _ in 0..span.as_secs().div_ceil(3) {
        bench.pass_millis(3_000);
        if bench.has("heartbeat") {
            bench.heartbeat_code(0);
        }
    }
}

#[test]
fn a_leader_joins_again_if_nobody_gives_up_what_was_to_change_hands() {
    let mut bench = leader_that_hands_over();
    beat_for(&mut bench, Duration::from_secs(42));
    assert!(!bench.has("join"), "the owner has session.timeout.ms");
    beat_for(&mut bench, Duration::from_secs(6));
    let join = bench.join_as(3, "cooperative-sticky");
    let expected = "partitions that were to change hands have no owner";
    assert_eq!(join.reason.as_deref(), Some(expected));
}

#[test]
fn a_leader_waits_for_nobody_once_the_group_has_rebalanced_again() {
    let mut bench = leader_that_hands_over();
    bench.beat(27);
    bench.join_as(3, "cooperative-sticky");
    bench.sync_with(&[("t", 0), ("t", 1)]);
    bench.apply(&[("t", 0), ("t", 1)]);
    beat_for(&mut bench, Duration::from_secs(400));
    assert!(!bench.has("join"));
}
