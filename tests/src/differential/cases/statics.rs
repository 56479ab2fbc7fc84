//! Static members (KIP-345): a name that outlives the process, and who may use it.

use weft_client::wire::StrBytes;
use weft_client::wire::messages::{JoinGroupRequest, SyncGroupRequest};

use super::super::case::{At, Case, Step, ask};
use super::groups::{MEMBERSHIP, coordinated, describe, heartbeat, join, leave, sync};
use super::{case, text};

pub(super) fn cases() -> Vec<Case> {
    vec![case(
        "a static member",
        MEMBERSHIP,
        vec![coordinated("group"), joining(), back(), parting()],
    )]
}

fn instance() -> Option<StrBytes> {
    Some(text("instance"))
}

fn static_join(at: &At<'_>, member_id: StrBytes) -> JoinGroupRequest {
    join(at, member_id, "range").with_group_instance_id(instance())
}

fn static_sync(at: &At<'_>, number: usize) -> SyncGroupRequest {
    sync(at, at.member(number), at.generation()).with_group_instance_id(instance())
}

fn joining() -> Vec<Step> {
    vec![
        ask("joining", |at| static_join(at, StrBytes::default())),
        ask("syncing", |at| static_sync(at, 0)),
        ask("a heartbeat", |at| {
            let request = heartbeat(at, at.member(0), at.generation());
            request.with_group_instance_id(instance())
        }),
        ask("a heartbeat of another id", |at| {
            let request = heartbeat(at, text("stranger"), at.generation());
            request.with_group_instance_id(instance())
        }),
        ask("a sync of another id", |at| {
            let request = sync(at, text("stranger"), at.generation());
            request.with_group_instance_id(instance())
        }),
        ask("a join of another id", |at| {
            static_join(at, text("stranger"))
        }),
        ask("the group", |at| describe(at, "group")),
    ]
}

fn back() -> Vec<Step> {
    vec![
        ask("it is back", |at| static_join(at, StrBytes::default())),
        ask("its sync", |at| static_sync(at, 1)),
        ask("the sync of its former self", |at| static_sync(at, 0)),
        ask("the join of its former self", |at| {
            static_join(at, at.member(0))
        }),
        ask("the heartbeat of its former self", |at| {
            let request = heartbeat(at, at.member(0), at.generation());
            request.with_group_instance_id(instance())
        }),
        ask("its former self leaves", |at| {
            leave(at, at.member(0), Some("instance"))
        }),
        ask("the same group", |at| describe(at, "group")),
    ]
}

fn parting() -> Vec<Step> {
    vec![
        ask("an unknown instance leaves", |at| {
            leave(at, StrBytes::default(), Some("none"))
        }),
        ask("it is taken out", |at| {
            leave(at, StrBytes::default(), Some("instance"))
        }),
        ask("the group it left", |at| describe(at, "group")),
    ]
}
