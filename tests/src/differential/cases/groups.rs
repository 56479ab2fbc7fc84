//! Members of groups: FindCoordinator, JoinGroup, SyncGroup, Heartbeat, LeaveGroup, and how
//! DescribeGroups shows them.

use bytes::Bytes;
use weft_client::wire::messages::join_group_request::JoinGroupRequestProtocol;
use weft_client::wire::messages::leave_group_request::MemberIdentity;
use weft_client::wire::messages::sync_group_request::SyncGroupRequestAssignment;
use weft_client::wire::messages::{
    DescribeGroupsRequest, FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest,
    LeaveGroupRequest, SyncGroupRequest,
};
use weft_client::wire::{ApiKey, StrBytes};

use super::super::case::{At, Case, Step, ask, receive, repeat, send};
use super::super::question::Question;
use super::super::tree::Tree;
use super::{case, is_fine, text};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "coordinators",
            &[ApiKey::FindCoordinator],
            vec![coordinated("group"), coordinators()],
        ),
        case(
            "strangers",
            MEMBERSHIP,
            vec![coordinated("group"), strangers()],
        ),
        case(
            "a group of one",
            MEMBERSHIP,
            vec![coordinated("group"), joining(), heartbeats(), parting()],
        ),
        case(
            "a group of two",
            MEMBERSHIP,
            vec![coordinated("group"), joining(), second_joins(), rebalance()],
        ),
    ]
}

/// All that a member says, in versions that belong together.
pub(super) const MEMBERSHIP: &[ApiKey] = &[
    ApiKey::JoinGroup,
    ApiKey::SyncGroup,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::DescribeGroups,
];

/// Waits until the broker answers for the group.
pub(super) fn coordinated(name: &'static str) -> Vec<Step> {
    vec![
        repeat("the coordinator", is_fine, move |at| find(at, &[name], 0)),
        repeat("the group that is none yet", is_loaded, move |at| {
            describe(at, name)
        }),
    ]
}

fn is_loaded(answer: &Tree) -> bool {
    !["14", "15", "16"]
        .iter()
        .any(|code| answer.has("error_code", code))
}

fn find(at: &At<'_>, names: &[&str], key_type: i8) -> FindCoordinatorRequest {
    let mut keys = names.iter().map(|name| at.name(name));
    let request = FindCoordinatorRequest::default().with_key_type(key_type);
    match at.version(ApiKey::FindCoordinator) {
        BATCHED.. => request.with_coordinator_keys(keys.collect()),
        _ => request.with_key(keys.next().unwrap_or_default()),
    }
}

fn coordinators() -> Vec<Step> {
    vec![
        ask("of one group", |at| find(at, &["group"], 0)),
        ask("of two groups", |at| find(at, &["group", "other"], 0)),
        ask("of a group twice", |at| find(at, &["group", "group"], 0)),
        ask("of a group without a name", |at| find(at, &[""], 0)),
        ask("of no group", |at| find(at, &[], 0)),
        ask("of no kind", |at| find(at, &["group"], 9)),
    ]
}

/// A member that wants to join.
pub(super) fn join(at: &At<'_>, member_id: StrBytes, protocol: &str) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text(protocol))
        .with_metadata(Bytes::from_static(b"\0\0\0\0\0\0\xff\xff\xff\xff"));
    JoinGroupRequest::default()
        .with_group_id(at.group("group"))
        .with_member_id(member_id)
        .with_session_timeout_ms(300_000)
        .with_rebalance_timeout_ms(300_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
}

/// What a member says first, in a version that answers with an id at once.
pub(super) fn first_join(at: &At<'_>) -> Question {
    Question::from(join(at, StrBytes::default(), "range")).at_least(MEMBER_ID_SINCE)
}

pub(super) fn sync(at: &At<'_>, member_id: StrBytes, generation: i32) -> SyncGroupRequest {
    let assignment = SyncGroupRequestAssignment::default()
        .with_member_id(member_id.clone())
        .with_assignment(Bytes::from_static(b"assignment"));
    let request = SyncGroupRequest::default()
        .with_group_id(at.group("group"))
        .with_member_id(member_id)
        .with_generation_id(generation)
        .with_assignments(vec![assignment]);
    match at.version(ApiKey::SyncGroup) {
        5.. => request
            .with_protocol_type(Some(text("consumer")))
            .with_protocol_name(Some(text("range"))),
        _ => request,
    }
}

pub(super) fn heartbeat(at: &At<'_>, member_id: StrBytes, generation: i32) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(at.group("group"))
        .with_member_id(member_id)
        .with_generation_id(generation)
}

pub(super) fn leave(at: &At<'_>, member_id: StrBytes, instance: Option<&str>) -> LeaveGroupRequest {
    let request = LeaveGroupRequest::default().with_group_id(at.group("group"));
    match at.version(ApiKey::LeaveGroup) {
        3.. => {
            let member = MemberIdentity::default()
                .with_member_id(member_id)
                .with_group_instance_id(instance.map(text));
            request.with_members(vec![member])
        }
        _ => request.with_member_id(member_id),
    }
}

pub(super) fn describe(at: &At<'_>, name: &str) -> DescribeGroupsRequest {
    DescribeGroupsRequest::default().with_groups(vec![at.group(name)])
}

fn strangers() -> Vec<Step> {
    let stranger = || text("stranger");
    let nobody = StrBytes::default;
    vec![
        ask("a heartbeat", move |at| heartbeat(at, stranger(), 1)),
        ask("a heartbeat of nobody", move |at| {
            heartbeat(at, nobody(), -1)
        }),
        ask("a heartbeat to no name", move |at| {
            heartbeat(at, stranger(), 1).with_group_id(at.group(""))
        }),
        ask("a sync", move |at| sync(at, stranger(), 1)),
        ask("a sync with no name", move |at| {
            sync(at, stranger(), 1).with_group_id(at.group(""))
        }),
        ask("leaving", move |at| leave(at, stranger(), None)),
        ask("nobody leaves", move |at| leave(at, nobody(), None)),
        ask("leaving no name", move |at| {
            leave(at, stranger(), None).with_group_id(at.group(""))
        }),
        ask("leaving without members", |at| {
            LeaveGroupRequest::default().with_group_id(at.group("group"))
        }),
        ask("joining with an id", move |at| {
            join(at, stranger(), "range")
        }),
        ask("a short session", move |at| {
            join(at, nobody(), "range").with_session_timeout_ms(10)
        }),
        ask("a long session", move |at| {
            join(at, nobody(), "range").with_session_timeout_ms(i32::MAX)
        }),
        ask("joining no name", move |at| {
            join(at, nobody(), "range").with_group_id(at.group(""))
        }),
        ask("joining without protocols", move |at| {
            join(at, nobody(), "range").with_protocols(Vec::new())
        }),
        ask("joining without a type", move |at| {
            join(at, nobody(), "range").with_protocol_type(StrBytes::default())
        }),
        ask("no group", |at| describe(at, "none")),
        ask("a group without a name", |at| describe(at, "")),
        ask("no groups at all", |at| {
            describe(at, "none").with_groups(Vec::new())
        }),
        ask("two groups", |at| {
            describe(at, "none").with_groups(vec![at.group("none"), at.group("group")])
        }),
        ask("a group twice", |at| {
            describe(at, "none").with_groups(vec![at.group("none"), at.group("none")])
        }),
        ask("what is allowed with a group", |at| {
            describe(at, "none").with_include_authorized_operations(true)
        }),
    ]
}

/// A member joins and is assigned.
pub(super) fn joining() -> Vec<Step> {
    vec![
        ask("a first join", first_join),
        ask("a join with the id", |at| {
            join(at, at.member(0), "range").with_reason(Some(text("because")))
        }),
        ask("a heartbeat before the sync", |at| {
            heartbeat(at, at.member(0), at.generation())
        }),
        ask("the group before the sync", |at| describe(at, "group")),
        ask("a join once more", |at| join(at, at.member(0), "range")),
        ask("a sync", |at| sync(at, at.member(0), at.generation())),
        ask("the group", |at| describe(at, "group")),
        ask("the group twice, and none", |at| {
            let names = ["group", "none", "group", "none"].map(|name| at.group(name));
            describe(at, "group").with_groups(names.to_vec())
        }),
    ]
}

fn heartbeats() -> Vec<Step> {
    let old = |at: &At<'_>| at.generation() - 1;
    vec![
        ask("a heartbeat", |at| {
            heartbeat(at, at.member(0), at.generation())
        }),
        ask("an old heartbeat", move |at| {
            heartbeat(at, at.member(0), old(at))
        }),
        ask("a heartbeat from the future", |at| {
            heartbeat(at, at.member(0), at.generation() + 1)
        }),
        ask("a heartbeat with an instance", |at| {
            let request = heartbeat(at, at.member(0), at.generation());
            request.with_group_instance_id(Some(text("none")))
        }),
        ask("a sync once more", |at| {
            sync(at, at.member(0), at.generation())
        }),
        ask("an old sync", move |at| sync(at, at.member(0), old(at))),
        ask("a sync of another protocol", |at| {
            let request = sync(at, at.member(0), at.generation());
            request.with_protocol_name(Some(text("other")))
        }),
        ask("a sync of another type", |at| {
            let request = sync(at, at.member(0), at.generation());
            request.with_protocol_type(Some(text("connect")))
        }),
        ask("another protocol", |at| {
            join(at, StrBytes::default(), "other")
        }),
        ask("another type", |at| {
            join(at, StrBytes::default(), "range").with_protocol_type(text("connect"))
        }),
        ask("a stranger joins", |at| join(at, text("stranger"), "range")),
        ask("a stranger leaves", |at| leave(at, text("stranger"), None)),
        ask("the same again", |at| describe(at, "group")),
    ]
}

fn parting() -> Vec<Step> {
    vec![
        ask("it leaves", |at| leave(at, at.member(0), None)),
        ask("the empty group", |at| describe(at, "group")),
        ask("it leaves again", |at| leave(at, at.member(0), None)),
        ask("it says that it lives", |at| {
            heartbeat(at, at.member(0), at.generation())
        }),
        ask("it joins with its old id", |at| {
            join(at, at.member(0), "range")
        }),
    ]
}

/// Told apart by what it subscribes to, also where a broker keeps no order.
fn second_join(at: &At<'_>) -> JoinGroupRequest {
    let mut request = join(at, at.member(1), "range");
    request.protocols[0].metadata = Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff");
    request
}

fn second_joins() -> Vec<Step> {
    let is_rebalance = |answer: &Tree| answer.leaf("error_code") != Some("0");
    vec![
        ask("a second member", first_join),
        send("it joins", second_join).on("second"),
        repeat("the first hears of it", is_rebalance, |at| {
            heartbeat(at, at.member(0), at.generation())
        }),
        ask("a sync in a rebalance", |at| {
            sync(at, at.member(0), at.generation())
        }),
        ask("the group in a rebalance", |at| describe(at, "group")),
        send("the first joins again", |at| {
            join(at, at.member(0), "range")
        }),
        receive("the second is in").on("second"),
        receive("the first is in"),
        ask("a follower waits for its part", |at| describe(at, "group")),
    ]
}

fn rebalance() -> Vec<Step> {
    let part = |at: &At<'_>, number| {
        SyncGroupRequestAssignment::default()
            .with_member_id(at.member(number))
            .with_assignment(Bytes::copy_from_slice(&[0, number as u8]))
    };
    vec![
        send("the second asks for its part", |at| {
            sync(at, at.member(1), at.generation()).with_assignments(Vec::new())
        })
        .on("second"),
        ask("the first gives out the parts", move |at| {
            let request = sync(at, at.member(0), at.generation());
            request.with_assignments(vec![part(at, 0), part(at, 1)])
        }),
        receive("the second has its part").on("second"),
        ask("the group of two", |at| describe(at, "group")),
        ask("the second joins once more", second_join).on("second"),
        ask("the second leaves", |at| leave(at, at.member(1), None)).on("second"),
        repeat(
            "the first hears that it left",
            |answer| answer.leaf("error_code") != Some("0"),
            |at| heartbeat(at, at.member(0), at.generation()),
        ),
        ask("the first is alone", |at| join(at, at.member(0), "range")),
        ask("the second is no member", |at| {
            heartbeat(at, at.member(1), at.generation())
        }),
        ask("both leave", |at| {
            let second = MemberIdentity::default().with_member_id(at.member(1));
            let mut request = leave(at, at.member(0), None);
            if !request.members.is_empty() {
                request.members.push(second);
            }
            request
        }),
        ask("the group that both left", |at| describe(at, "group")),
    ]
}

/// The first version that asks for several coordinators at once (KIP-699).
const BATCHED: i16 = 4;

/// The first version in which a member gets its id before it joins (KIP-394).
const MEMBER_ID_SINCE: i16 = 4;
