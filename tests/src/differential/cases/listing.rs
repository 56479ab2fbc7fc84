//! ListGroups and DeleteGroups. Last, since the former shows every group there is.

use weft_client::wire::messages::{DeleteGroupsRequest, ListGroupsRequest};
use weft_client::wire::{ApiKey, StrBytes};

use super::super::case::{At, Case, Step, ask};
use super::committed::commit;
use super::groups::{coordinated, joining, leave};
use super::{case, text, topic};

pub(super) fn cases() -> Vec<Case> {
    vec![case(
        "listing and deleting",
        &[ApiKey::ListGroups, ApiKey::DeleteGroups],
        vec![
            topic("topic", 1),
            coordinated("group"),
            coordinated("other"),
            joining(),
            listing(),
            deleting(),
        ],
    )]
}

fn listing() -> Vec<Step> {
    let list = |states: &str, types: &str| {
        let filter = |value: &str| match value {
            "" => Vec::new(),
            value => vec![text(value)],
        };
        ListGroupsRequest::default()
            .with_states_filter(filter(states))
            .with_types_filter(filter(types))
    };
    let mut steps = vec![ask("a group of offsets alone", |at| {
        commit(at, "other", "topic", &[(0, 1)])
    })];
    for (states, types) in [
        ("", ""),
        ("Stable", ""),
        ("stable", ""),
        ("Empty", ""),
        ("Dead", ""),
        ("nonsense", ""),
        ("", "classic"),
        ("Stable", "Classic"),
        ("", "consumer"),
        ("", "share"),
        ("", "nonsense"),
    ] {
        let what = format!("groups in state '{states}' of type '{types}'");
        steps.push(ask(what, move |_| list(states, types)));
    }
    steps
}

fn deleting() -> Vec<Step> {
    let delete = |names: &'static [&'static str]| {
        move |at: &At<'_>| {
            let names = names.iter().map(|name| at.group(name));
            DeleteGroupsRequest::default().with_groups_names(names.collect())
        }
    };
    vec![
        ask("a group with members", delete(&["group"])),
        ask("no group", delete(&["none"])),
        ask("no name", delete(&[""])),
        ask("nothing", delete(&[])),
        ask("one of two", delete(&["other", "none"])),
        ask("it leaves", |at| leave(at, at.member(0), None)),
        ask("nobody leaves", |at| leave(at, StrBytes::default(), None)),
        ask("the empty group, twice", delete(&["group", "group"])),
        ask("what is left", |_| ListGroupsRequest::default()),
    ]
}
