//! OffsetCommit and OffsetFetch.

use weft_client::wire::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use weft_client::wire::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use weft_client::wire::messages::{OffsetCommitRequest, OffsetFetchRequest};
use weft_client::wire::{ApiKey, StrBytes};

use super::super::case::{At, Case, Step, ask};
use super::groups::{coordinated, joining, leave};
use super::{case, text, topic};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "committing",
            &[ApiKey::OffsetCommit],
            vec![topic("topic", 2), coordinated("group"), committing()],
        ),
        case(
            "commits of members",
            &[ApiKey::OffsetCommit],
            vec![
                topic("topic", 2),
                coordinated("group"),
                joining(),
                by_members(),
            ],
        ),
        case(
            "committed offsets",
            &[ApiKey::OffsetFetch],
            vec![
                topic("topic", 2),
                coordinated("group"),
                coordinated("none"),
                committed(),
                fetching(),
            ],
        ),
    ]
}

/// The commit of these offsets by nobody.
pub(super) fn commit(
    at: &At<'_>,
    group: &str,
    topic: &str,
    offsets: &[(i32, i64)],
) -> OffsetCommitRequest {
    let partitions = offsets.iter().map(|(partition, offset)| {
        OffsetCommitRequestPartition::default()
            .with_partition_index(*partition)
            .with_committed_offset(*offset)
            .with_committed_leader_epoch(0)
            .with_committed_metadata(Some(text("text")))
    });
    let topic = OffsetCommitRequestTopic::default()
        .with_name(at.topic(topic))
        .with_partitions(partitions.collect());
    OffsetCommitRequest::default()
        .with_group_id(at.group(group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic])
}

fn committing() -> Vec<Step> {
    let mut steps = Vec::new();
    for (what, group, topic, partition, offset) in [
        ("an offset", "group", "topic", 0, 3),
        ("an earlier offset", "group", "topic", 0, 1),
        ("an offset behind the end", "group", "topic", 1, 99),
        ("a negative offset", "group", "topic", 1, -1),
        ("a very negative offset", "group", "topic", 1, -7),
        ("of no partition", "group", "topic", 9, 3),
        ("of a negative partition", "group", "topic", -1, 3),
        ("of no topic", "group", "none", 0, 3),
        ("of a bad name", "group", "no/ne", 0, 3),
        ("in no group", "", "topic", 0, 3),
    ] {
        steps.push(ask(what, move |at| {
            commit(at, group, topic, &[(partition, offset)])
        }));
    }
    steps.push(ask("good and bad ones", |at| {
        let mut request = commit(at, "group", "topic", &[(0, 5), (9, 5)]);
        request
            .topics
            .extend(commit(at, "group", "none", &[(0, 5)]).topics);
        request
    }));
    steps.push(ask("a partition twice", |at| {
        commit(at, "group", "topic", &[(0, 5), (9, 5), (0, 7), (9, 5)])
    }));
    steps.push(ask("a topic twice", |at| {
        let mut request = commit(at, "group", "topic", &[(0, 8)]);
        for name in ["none", "topic", "none"] {
            request
                .topics
                .extend(commit(at, "group", name, &[(0, 9)]).topics);
        }
        request
    }));
    steps.push(ask("nothing", |at| {
        commit(at, "group", "topic", &[]).with_topics(Vec::new())
    }));
    steps.push(ask("no partitions", |at| commit(at, "group", "topic", &[])));
    for length in [4096, 4097] {
        steps.push(ask(format!("{length} letters beside it"), move |at| {
            let mut request = commit(at, "group", "topic", &[(0, 6)]);
            let letters = text(&"x".repeat(length));
            request.topics[0].partitions[0].committed_metadata = Some(letters);
            request
        }));
    }
    steps.push(ask("null beside it", |at| {
        let mut request = commit(at, "group", "topic", &[(1, 7)]);
        request.topics[0].partitions[0].committed_metadata = None;
        request
    }));
    steps.push(ask("what is kept", |at| fetch(at, &[("group", None)])));
    steps
}

fn by_members() -> Vec<Step> {
    let of = |at: &At<'_>, member: StrBytes, generation: i32| {
        commit(at, "group", "topic", &[(0, 3)])
            .with_member_id(member)
            .with_generation_id_or_member_epoch(generation)
    };
    vec![
        ask("of the member", move |at| {
            of(at, at.member(0), at.generation())
        }),
        ask("of the old member", move |at| {
            of(at, at.member(0), at.generation() - 1)
        }),
        ask("of the member to come", move |at| {
            of(at, at.member(0), at.generation() + 1)
        }),
        ask("of a stranger", move |at| {
            of(at, text("stranger"), at.generation())
        }),
        ask("of nobody", move |at| of(at, StrBytes::default(), -1)),
        ask("of nobody with a generation", move |at| {
            of(at, StrBytes::default(), at.generation())
        }),
        ask("of the member without a generation", move |at| {
            of(at, at.member(0), -1)
        }),
        ask("of an instance that is none", move |at| {
            let request = of(at, at.member(0), at.generation());
            request.with_group_instance_id(Some(text("none")))
        }),
        ask("the member leaves", |at| leave(at, at.member(0), None)),
        ask("of the member that left", move |at| {
            of(at, at.member(0), at.generation())
        }),
        ask("of nobody in the empty group", move |at| {
            of(at, StrBytes::default(), -1)
        }),
    ]
}

fn committed() -> Vec<Step> {
    vec![ask("committing", |at| {
        commit(at, "group", "topic", &[(0, 3), (1, 4)])
    })]
}

type Asked<'a> = (&'a str, Option<&'a [(&'a str, &'a [i32])]>);

/// Asks for the offsets of groups; of all topics if none are named.
pub(super) fn fetch(at: &At<'_>, groups: &[Asked<'_>]) -> OffsetFetchRequest {
    let request = OffsetFetchRequest::default();
    if at.version(ApiKey::OffsetFetch) < BATCHED {
        let Some((group, topics)) = groups.first() else {
            return request;
        };
        let topics = topics.map(|topics| {
            let topics = topics.iter().map(|(name, partitions)| {
                OffsetFetchRequestTopic::default()
                    .with_name(at.topic(name))
                    .with_partition_indexes(partitions.to_vec())
            });
            topics.collect()
        });
        return request.with_group_id(at.group(group)).with_topics(topics);
    }
    let groups = groups.iter().map(|(group, topics)| {
        let topics = topics.map(|topics| {
            let topics = topics.iter().map(|(name, partitions)| {
                OffsetFetchRequestTopics::default()
                    .with_name(at.topic(name))
                    .with_partition_indexes(partitions.to_vec())
            });
            topics.collect()
        });
        OffsetFetchRequestGroup::default()
            .with_group_id(at.group(group))
            .with_topics(topics)
    });
    request.with_groups(groups.collect())
}

fn fetching() -> Vec<Step> {
    let both: &[(&str, &[i32])] = &[("topic", &[0, 1, 9]), ("none", &[0])];
    let one: &[(&str, &[i32])] = &[("topic", &[0])];
    vec![
        ask("of some", move |at| fetch(at, &[("group", Some(both))])),
        ask("of all", |at| fetch(at, &[("group", None)])),
        ask("of nothing", |at| fetch(at, &[("group", Some(&[]))])),
        ask("of a topic without partitions", |at| {
            fetch(at, &[("group", Some(&[("topic", &[])]))])
        }),
        ask("of a partition twice", |at| {
            fetch(at, &[("group", Some(&[("topic", &[0, 0])]))])
        }),
        ask("of a topic twice", |at| {
            let asked: &[(&str, &[i32])] = &[("topic", &[0]), ("none", &[0]), ("topic", &[1, 0])];
            fetch(at, &[("group", Some(asked))])
        }),
        ask("of no topic twice", |at| {
            let asked: &[(&str, &[i32])] = &[("none", &[0]), ("none", &[1, 0])];
            fetch(at, &[("group", Some(asked))])
        }),
        ask("of a group twice", move |at| {
            fetch(at, &[("group", Some(one)), ("group", None)])
        }),
        ask("of no group", move |at| fetch(at, &[("none", Some(one))])),
        ask("of all of no group", |at| fetch(at, &[("none", None)])),
        ask("of a group without a name", move |at| {
            fetch(at, &[("", Some(one))])
        }),
        ask("of two groups", move |at| {
            fetch(at, &[("group", Some(one)), ("none", None)])
        }),
        // Of no groups is left out: Kafka 3.9 never answers it.
        ask("of stable ones", |at| {
            let request = fetch(at, &[("group", None)]);
            match at.version(ApiKey::OffsetFetch) {
                7.. => request.with_require_stable(true),
                _ => request,
            }
        }),
        ask("of a member of the new protocol", |at| {
            let mut request = fetch(at, &[("group", None)]);
            if let Some(group) = request.groups.first_mut() {
                group.member_id = Some(text("stranger"));
                group.member_epoch = 3;
            }
            request
        }),
    ]
}

/// The first version that asks for several groups at once (KIP-709).
const BATCHED: i16 = 8;
