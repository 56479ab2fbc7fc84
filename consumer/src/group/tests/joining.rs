//! Join and sync.

use std::time::Duration;

use weft_client::net::Lane;
use weft_client::wire::Request;
use weft_client::wire::messages::{JoinGroupResponse, SyncGroupResponse};
use weft_client::{ErrorKind, GenerationId};

use super::bench::*;
use crate::group::protocol::decode_subscription;
use crate::lane::{ChangeKind, Command, GroupResult};

const MEMBER_ID_REQUIRED: i16 = 79;
const UNKNOWN_MEMBER_ID: i16 = 25;
const ILLEGAL_GENERATION: i16 = 22;
const REBALANCE_IN_PROGRESS: i16 = 27;
const NOT_COORDINATOR: i16 = 16;
const LOAD_IN_PROGRESS: i16 = 14;

#[test]
fn a_subscription_leads_to_metadata_and_the_coordinator_then_join_sync_and_an_assignment() {
    let mut bench = bench(eager(), &[]);
    assert_eq!(bench.next_in(), None);
    bench.subscribe(&["t"]);
    assert_eq!(bench.kinds(), ["metadata", "find"]);
    bench.answer_metadata(&[("t", 4)]);
    bench.find_coordinator();
    let join = bench.join_as(3, "range");
    assert_eq!(join.member_id.as_str(), "");
    let names: Vec<&str> = join.protocols.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["range", "cooperative-sticky"]);
    let sync = bench.sync_with(&[("t", 1)]);
    assert_eq!((sync.generation_id, sync.member_id.as_str()), (3, "m"));
    assert_eq!(sync.protocol_name.as_deref(), Some("range"));
    let change = bench.take_change();
    let ChangeKind::Assign { assignment, group } = change.kind else {
        panic!("{change:?}");
    };
    assert_eq!(assignment, partitions(&[("t", 1)]));
    assert_eq!(group.generation, GenerationId::new(3));
    assert!(matches!(&bench.results[..], [GroupResult::Membership(news)] if *news == group));
}

#[test]
fn a_join_names_the_poll_interval_as_its_rebalance_timeout_and_may_take_five_seconds_more() {
    let mut bench = bench(eager(), &[("max.poll.interval.ms", "60000")]);
    bench.subscribe(&["t"]);
    bench.find_coordinator();
    let join = bench.take("join");
    assert_eq!(join.timeout, Duration::from_secs(65));
    assert_eq!(join.lane, Lane::Coordinator);
    let Request::JoinGroup(request) = join.request else {
        panic!("not a join");
    };
    assert_eq!(request.rebalance_timeout_ms, 60_000);
    assert_eq!(request.session_timeout_ms, 45_000);
}

#[test]
fn a_member_id_that_is_required_is_kept_and_used_at_once() {
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.find_coordinator();
    let required = JoinGroupResponse::default()
        .with_error_code(MEMBER_ID_REQUIRED)
        .with_member_id(str_bytes("given"));
    bench.answer("join", required);
    let join = bench.join_as(1, "range");
    assert_eq!(join.member_id.as_str(), "given");
    assert!(join.reason.unwrap().contains("given member-id: given"));
}

#[test]
fn the_subscription_tells_rack_owned_partitions_and_the_generation_they_came_from() {
    let mut bench = bench(cooperative(), &[("client.rack", "r1")]);
    bench.become_member("cooperative-sticky", &[("t", 0)]);
    bench.command(Command::Rejoin {
        reason: "because".into(),
    });
    let join = bench.join_as(2, "cooperative-sticky");
    assert_eq!(join.reason.as_deref(), Some("because"));
    let told = decode_subscription(join.protocols[0].metadata.clone()).unwrap();
    assert_eq!(told.rack.as_deref(), Some("r1"));
    assert_eq!(told.generation, Some(GenerationId::new(1)));
    assert_eq!(
        told.owned_partitions,
        partitions(&[("t", 0)]).into_iter().collect::<Vec<_>>()
    );
}

#[test]
fn a_reason_is_cleared_by_the_join_it_caused_and_cut_to_255_characters() {
    let mut bench = stable_cooperative(&[("t", 0)]);
    bench.command(Command::Rejoin {
        reason: "x".repeat(300),
    });
    let join = bench.join_as(2, "cooperative-sticky");
    assert_eq!(join.reason.unwrap().len(), 255);
    bench.sync_with(&[("t", 0)]);
    bench.apply(&[("t", 0)]);
    assert_eq!(bench.kinds(), [""; 0]);
}

#[test]
fn what_a_refused_join_leads_to() {
    // The code, whether the next join comes at once, and whether the coordinator is looked up.
    for (code, at_once, looks_up) in [
        (UNKNOWN_MEMBER_ID, true, false),
        (REBALANCE_IN_PROGRESS, true, false),
        (LOAD_IN_PROGRESS, false, false),
        (NOT_COORDINATOR, false, true),
    ] {
        let mut bench = stable_cooperative(&[]);
        bench.command(Command::Rejoin { reason: "r".into() });
        bench.join_code(code);
        assert_eq!(bench.has("join"), at_once, "code {code}");
        assert_eq!(!bench.disconnects.is_empty(), looks_up, "code {code}");
        bench.pass_millis(150);
        if looks_up {
            bench.find_coordinator();
        }
        let join = bench.join_as(2, "cooperative-sticky");
        let keeps_id = code != UNKNOWN_MEMBER_ID;
        assert_eq!(join.member_id.as_str() == "m", keeps_id, "code {code}");
        assert!(bench.failures().is_empty(), "code {code}");
    }
}

#[test]
fn errors_that_asking_again_cannot_mend_reach_the_user_once_and_the_next_poll_tries_again() {
    for (code, kind) in [
        (30, ErrorKind::GroupAuthorization),
        (23, ErrorKind::InconsistentGroupProtocol),
        (24, ErrorKind::InvalidGroupId),
        (81, ErrorKind::GroupMaxSizeReached),
        (35, ErrorKind::UnsupportedVersion),
        (-1, ErrorKind::Broker(weft_client::wire::ErrorCode(-1))),
    ] {
        let mut bench = bench(eager(), &[]);
        bench.subscribe(&["t"]);
        bench.find_coordinator();
        bench.join_code(code);
        let failures = bench.failures();
        let kinds: Vec<ErrorKind> = failures.iter().map(weft_client::Error::kind).collect();
        assert_eq!(kinds, [kind]);
        let text = failures[0].to_string();
        assert!(
            text.contains("group g at coordinator 1 (one:9092)"),
            "{text}"
        );
        bench.pass_without_poll(Duration::from_secs(5));
        assert!(!bench.has("join"), "{kind:?}: nobody polled");
        bench.pass(Duration::from_secs(2));
        assert!(bench.has("join"), "{kind:?}: the consumer polled");
        assert!(bench.failures().is_empty());
    }
}

#[test]
fn a_coordinator_that_loads_its_log_is_asked_again_at_a_steady_pace() {
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.answer_metadata(&[("t", 4)]);
    bench.find_coordinator();
    for _ in 0..9 {
        bench.join_code(LOAD_IN_PROGRESS);
        bench.pass_millis(99);
        assert!(!bench.has("join"), "retry.backoff.ms is 100");
        bench.pass_millis(1);
        assert!(
            bench.has("join"),
            "it does not grow, since the group may wait"
        );
    }
    assert!(!bench.has("find"));
}

#[test]
fn the_reason_of_a_join_is_the_last_one_and_is_told_once() {
    let mut bench = stable_cooperative(&[]);
    bench.command(Command::Rejoin { reason: "r".into() });
    let join = bench.take("join");
    bench.respond(
        join.token,
        JoinGroupResponse::default().with_error_code(UNKNOWN_MEMBER_ID),
    );
    let join = bench.join_as(2, "cooperative-sticky");
    let reason = "rebalance failed due to UNKNOWN_MEMBER_ID";
    assert_eq!(join.reason.as_deref(), Some(reason));
    bench.sync_with(&[]);
    bench.apply(&[]);
    bench.beat(REBALANCE_IN_PROGRESS);
    let join = bench.join_as(3, "cooperative-sticky");
    assert_eq!(join.reason.as_deref(), Some("group is already rebalancing"));
    bench.sync_with(&[]);
    bench.apply(&[]);
    bench.subscribe(&["t"]);
    let join = bench.join_as(4, "cooperative-sticky");
    assert_eq!(join.reason.as_deref(), Some("subscription has changed"));
}

#[test]
fn a_leader_that_goes_on_taking_is_followed_more_and_more_slowly() {
    let mut bench = stable_cooperative(&[("t", 0)]);
    bench.beat(REBALANCE_IN_PROGRESS);
    let mut rounds = 0;
    while bench.has("join") {
        bench.join_as(2 + rounds, "cooperative-sticky");
        bench.sync_with(&[]);
        if matches!(bench.change(), Some(ChangeKind::Revoke(_))) {
            bench.apply(&[]);
        }
        bench.apply(&[("t", 0)]);
        rounds += 1;
        assert!(rounds < 20, "joins go on without a pause");
    }
    bench.pass(Duration::from_secs(2));
    assert!(bench.has("join"), "but it is followed");
}

#[test]
fn a_fenced_member_loses_everything_and_never_joins_again_by_itself() {
    let mut bench = bench(eager(), &[("group.instance.id", "i")]);
    bench.become_member("range", &[("t", 0)]);
    bench.beat(82);
    let failures = bench.failures();
    assert_eq!(failures[0].kind(), ErrorKind::FencedInstanceId);
    assert!(failures[0].is_fatal());
    assert!(failures[0].to_string().contains("group.instance.id=i"));
    assert_eq!(bench.apply(&[]), ChangeKind::Lost(partitions(&[("t", 0)])));
    bench.pass(Duration::from_secs(100));
    assert!(!bench.has("join"));
    bench.commit(1, None);
    let (_, result) = bench.commit_results().remove(0);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::FencedInstanceId);
}

#[test]
fn a_group_of_another_type_or_protocol_is_refused() {
    let wrong_type = joined(1, "range").with_protocol_type(Some(str_bytes("connect")));
    let wrong_name = joined(1, "mine");
    for response in [wrong_type, wrong_name] {
        let mut bench = bench(eager(), &[]);
        bench.subscribe(&["t"]);
        bench.find_coordinator();
        bench.answer("join", response);
        let kind = bench.failures()[0].kind();
        assert_eq!(kind, ErrorKind::InconsistentGroupProtocol);
        assert!(!bench.has("sync"));
    }
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.find_coordinator();
    bench.join_as(1, "range");
    let wrong = SyncGroupResponse::default()
        .with_protocol_name(Some(str_bytes("cooperative-sticky")))
        .with_assignment(assignment(&[("t", 0)]));
    bench.answer("sync", wrong);
    let kind = bench.failures()[0].kind();
    assert_eq!(kind, ErrorKind::InconsistentGroupProtocol);
    assert_eq!(bench.change(), None);
}

#[test]
fn an_empty_assignment_blob_is_an_error_and_not_an_empty_assignment() {
    let mut bench = bench(eager(), &[]);
    bench.subscribe(&["t"]);
    bench.find_coordinator();
    bench.join_as(1, "range");
    bench.answer("sync", SyncGroupResponse::default());
    assert_eq!(bench.failures().len(), 1);
    assert_eq!(bench.change(), None);
}

#[test]
fn what_a_refused_sync_leads_to() {
    // The code, whether the next join comes at once, and its member id.
    for (code, at_once, member_id) in [
        (REBALANCE_IN_PROGRESS, true, "m"),
        (ILLEGAL_GENERATION, true, "m"),
        (UNKNOWN_MEMBER_ID, true, ""),
        (NOT_COORDINATOR, false, "m"),
    ] {
        let mut bench = bench(eager(), &[]);
        bench.subscribe(&["t"]);
        bench.find_coordinator();
        bench.join_as(1, "range");
        bench.sync_code(code);
        assert_eq!(bench.has("join"), at_once, "code {code}");
        bench.pass_millis(150);
        if code == NOT_COORDINATOR {
            bench.find_coordinator();
        }
        let join = bench.join_as(2, "range");
        assert_eq!(join.member_id.as_str(), member_id, "code {code}");
    }
}

#[test]
fn the_member_id_survives_connections_that_are_lost_in_join_and_sync() {
    let mut bench = stable_cooperative(&[("t", 0)]);
    bench.command(Command::Rejoin { reason: "r".into() });
    bench.fail("join");
    assert_eq!(bench.disconnects, [(1, Lane::Coordinator)]);
    bench.pass_millis(150);
    bench.find_coordinator();
    assert_eq!(
        bench.join_as(2, "cooperative-sticky").member_id.as_str(),
        "m"
    );
    bench.fail("sync");
    bench.pass_millis(400);
    bench.find_coordinator();
    bench.pass_millis(400);
    assert_eq!(
        bench.join_as(3, "cooperative-sticky").member_id.as_str(),
        "m"
    );
    bench.sync_with(&[("t", 0)]);
    let ChangeKind::Assign { assignment, .. } = bench.apply(&[("t", 0)]) else {
        panic!("the assignment comes once, after all that");
    };
    assert_eq!(assignment, partitions(&[("t", 0)]));
    assert_eq!(bench.change(), None);
}

#[test]
fn a_coordinator_that_never_decides_is_not_asked_as_fast_as_it_answers() {
    let mut bench = stable_cooperative(&[]);
    bench.command(Command::Rejoin { reason: "r".into() });
    let mut joins = 0;
    while bench.has("join") {
        bench.join_code(REBALANCE_IN_PROGRESS);
        joins += 1;
        assert!(joins < 20, "joins go on without a pause");
    }
    bench.pass(Duration::from_secs(2));
    assert!(bench.has("join"));
}

#[test]
fn an_assignment_that_does_not_fit_the_subscription_is_dropped_and_the_member_rejoins() {
    let mut bench = bench(cooperative(), &[]);
    bench.subscribe(&["t"]);
    bench.find_coordinator();
    bench.join_as(1, "cooperative-sticky");
    bench.sync_with(&[("t", 0), ("old", 0)]);
    assert_eq!(bench.change(), None);
    let join = bench.join_as(2, "cooperative-sticky");
    let reason = "received assignment does not match the current subscription";
    assert_eq!(join.reason.as_deref(), Some(reason));
    let mut joins = 2;
    loop {
        bench.sync_with(&[("t", 0), ("old", 0)]);
        if !bench.has("join") {
            break;
        }
        joins += 1;
        assert!(joins < 20, "joins go on without a pause");
        bench.join_as(joins, "cooperative-sticky");
    }
    bench.pass(Duration::from_secs(2));
    assert!(bench.has("join"), "it has not given up");
}

#[test]
fn a_subscription_changed_during_a_join_makes_the_member_join_again_with_the_new_topics() {
    let mut bench = bench(cooperative(), &[]);
    bench.subscribe(&["t"]);
    bench.find_coordinator();
    bench.subscribe(&["t", "u"]);
    bench.join_as(1, "cooperative-sticky");
    bench.sync_with(&[("t", 0)]);
    assert!(!bench.has("join"), "the assignment is answered first");
    bench.apply(&[("t", 0)]);
    let join = bench.join_as(2, "cooperative-sticky");
    let told = decode_subscription(join.protocols[0].metadata.clone()).unwrap();
    assert_eq!(told.topics.len(), 2);
}

#[test]
fn the_same_subscription_again_changes_nothing() {
    let mut bench = stable_eager(&[("t", 0)]);
    bench.subscribe(&["t", "u"]);
    assert_eq!(bench.kinds(), [""; 0]);
    assert_eq!(bench.change(), None);
}

#[test]
fn static_members_tell_their_instance_id_in_every_request_but_the_leave() {
    let mut bench = bench(eager(), &[("group.instance.id", "i")]);
    bench.subscribe(&["t", "u"]);
    bench.find_coordinator();
    let told = bench.join_as(1, "range").group_instance_id;
    assert_eq!(told.as_deref(), Some("i"));
    let told = bench.sync_with(&[("t", 0)]).group_instance_id;
    assert_eq!(told.as_deref(), Some("i"));
    bench.apply(&[("t", 0)]);
    bench.pass_millis(3_000);
    bench.commit(1, None);
    let Request::Heartbeat(heartbeat) = bench.take("heartbeat").request else {
        panic!("not a heartbeat");
    };
    assert_eq!(heartbeat.group_instance_id.as_deref(), Some("i"));
    let Request::OffsetCommit(commit) = bench.take("commit").request else {
        panic!("not a commit");
    };
    assert_eq!(commit.group_instance_id.as_deref(), Some("i"));
}
