//! CreateTopics, CreatePartitions, DeleteTopics, Metadata and DescribeCluster.

use uuid::Uuid;
use weft_client::wire::ApiKey;
use weft_client::wire::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use weft_client::wire::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic,
};
use weft_client::wire::messages::delete_topics_request::DeleteTopicState;
use weft_client::wire::messages::metadata_request::MetadataRequestTopic;
use weft_client::wire::messages::{
    CreatePartitionsRequest, DeleteTopicsRequest, DescribeClusterRequest, MetadataRequest,
    TopicName,
};

use super::super::case::{At, Case, Step, UNKNOWN_ID, ask, repeat};
use super::super::tree::Tree;
use super::{TIMEOUT_MS, case, create, create_topic, text, topic};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "an empty cluster",
            &[ApiKey::Metadata, ApiKey::DescribeCluster],
            vec![cluster()],
        ),
        case(
            "creating topics",
            &[ApiKey::CreateTopics],
            vec![creating(), placing()],
        ),
        case(
            "metadata",
            &[ApiKey::Metadata],
            vec![topic("a", 1), topic("b", 3), metadata()],
        ),
        case(
            "growing topics",
            &[ApiKey::CreatePartitions],
            vec![topic("topic", 2), growing(), grown()],
        ),
        case(
            "deleting topics",
            &[ApiKey::DeleteTopics],
            vec![topic("topic", 1), topic("other", 1), deleting()],
        ),
    ]
}

fn cluster() -> Vec<Step> {
    let about = |endpoint_type, operations, fenced| {
        move |_: &At<'_>| {
            DescribeClusterRequest::default()
                .with_endpoint_type(endpoint_type)
                .with_include_cluster_authorized_operations(operations)
                .with_include_fenced_brokers(fenced)
        }
    };
    vec![
        ask("the cluster", about(1, false, false)),
        ask("what is allowed in the cluster", about(1, true, false)),
        ask("the cluster with its fenced brokers", about(1, false, true)),
        ask("the controllers", about(2, false, false)),
        ask("endpoints of no kind", about(9, false, false)),
        ask("no topics", |_| {
            MetadataRequest::default().with_topics(Some(Vec::new()))
        }),
        ask("all topics", |_| {
            MetadataRequest::default().with_topics(None)
        }),
        ask("what is allowed in the cluster, by metadata", |_| {
            MetadataRequest::default()
                .with_topics(Some(Vec::new()))
                .with_include_cluster_authorized_operations(true)
        }),
    ]
}

fn creating() -> Vec<Step> {
    let mut steps = topic("topic", 2);
    for (what, name, partitions, replicas) in [
        ("a topic that exists", "topic", 2, 1),
        ("no partitions", "none", 0, 1),
        ("fewer than no partitions", "none", -2, 1),
        ("no replicas", "none", 1, 0),
        ("too many replicas", "none", 1, 2),
        ("a bad name", "no/ne", 1, 1),
        ("no name", "", 1, 1),
        ("as many as the broker likes", "default", -1, -1),
    ] {
        steps.push(ask(what, move |at| create(at, name, partitions, replicas)));
    }
    steps.push(ask("a name that is only dots", |_| {
        let topic = CreatableTopic::default()
            .with_name(TopicName(text("..")))
            .with_num_partitions(1)
            .with_replication_factor(1);
        create_topic(topic)
    }));
    steps.push(ask("a name of 250 letters", |_| {
        let topic = CreatableTopic::default()
            .with_name(TopicName(text(&"x".repeat(250))))
            .with_num_partitions(1)
            .with_replication_factor(1);
        create_topic(topic)
    }));
    steps.push(ask("no topics", |at| {
        create(at, "none", 1, 1).with_topics(Vec::new())
    }));
    steps.push(ask("the same topic twice", |at| {
        let mut request = create(at, "twice", 1, 1);
        request.topics.push(request.topics[0].clone());
        request
    }));
    steps.push(ask("one that exists and one that does not", |at| {
        let mut request = create(at, "topic", 1, 1);
        request.topics.extend(create(at, "third", 1, 1).topics);
        request
    }));
    for (name, partitions) in [("fourth", 1), ("topic", 1), ("fourth", 0)] {
        let what = format!("whether {name} could have {partitions} partitions");
        steps.push(ask(what, move |at| {
            create(at, name, partitions, 1).with_validate_only(true)
        }));
    }
    steps
}

fn placing() -> Vec<Step> {
    let placed = |at: &At<'_>, name: &str, partitions: i32, places: &[(i32, &[i32])]| {
        let places = places.iter().map(|(partition, brokers)| {
            CreatableReplicaAssignment::default()
                .with_partition_index(*partition)
                .with_broker_ids(brokers.iter().map(|id| (*id).into()).collect())
        });
        let topic = CreatableTopic::default()
            .with_name(at.topic(name))
            .with_num_partitions(partitions)
            .with_replication_factor(-1)
            .with_assignments(places.collect());
        create_topic(topic)
    };
    vec![
        ask("placed", move |at| {
            placed(at, "placed", -1, &[(0, &[0]), (1, &[0])])
        }),
        // Kafka 2.8 creates these and waits for their leaders, so that they have names of their own
        // and little time.
        ask("placed on nobody", move |at| {
            placed(at, "nobody", -1, &[(0, &[])]).with_timeout_ms(SHORT_MS)
        }),
        ask("placed on an unknown broker", move |at| {
            placed(at, "unknown", -1, &[(0, &[9])]).with_timeout_ms(SHORT_MS)
        }),
        ask("placed twice on one broker", move |at| {
            placed(at, "double", -1, &[(0, &[0, 0])]).with_timeout_ms(SHORT_MS)
        }),
        ask("placed with a gap", move |at| {
            placed(at, "gap", -1, &[(0, &[0]), (2, &[0])]).with_timeout_ms(SHORT_MS)
        }),
        ask("placed and counted", move |at| {
            placed(at, "none", 1, &[(0, &[0])])
        }),
    ]
}

fn metadata() -> Vec<Step> {
    let of = |topics: &[(Option<&'static str>, Option<&'static str>)]| {
        let topics = topics.to_vec();
        move |at: &At<'_>| {
            let topics = topics.iter().map(|(name, id)| {
                MetadataRequestTopic::default()
                    .with_name(name.map(|name| at.topic(name)))
                    .with_topic_id(id.map_or(Uuid::nil(), |id| at.topic_id(id)))
            });
            MetadataRequest::default()
                .with_topics(Some(topics.collect()))
                .with_allow_auto_topic_creation(true)
        }
    };
    vec![
        ask("a topic", of(&[(Some("b"), None)])),
        ask("two topics", of(&[(Some("b"), None), (Some("a"), None)])),
        ask("a topic twice", of(&[(Some("a"), None), (Some("a"), None)])),
        ask("a topic by its id", of(&[(None, Some("b"))])),
        ask("no such topic", of(&[(Some("none"), None)])),
        ask("a bad name", of(&[(Some("no/ne"), None)])),
        ask("no name", of(&[(Some(""), None)])),
        ask("no such id", of(&[(None, Some("none"))])),
        ask(
            "a topic and none",
            of(&[(Some("a"), None), (Some("none"), None)]),
        ),
        ask("neither name nor id", of(&[(None, None)])),
        ask("a topic that may not be created", move |at| {
            of(&[(Some("none"), None)])(at).with_allow_auto_topic_creation(false)
        }),
        ask("what is allowed with a topic", move |at| {
            of(&[(Some("a"), None)])(at).with_include_topic_authorized_operations(true)
        }),
    ]
}

fn growing() -> Vec<Step> {
    let grow = |at: &At<'_>, name: &str, count: i32, places: Option<&[i32]>| {
        let places = places.map(|places| {
            let places = places.iter();
            let place = |id: &i32| {
                CreatePartitionsAssignment::default().with_broker_ids(vec![(*id).into()])
            };
            places.map(place).collect()
        });
        let topic = CreatePartitionsTopic::default()
            .with_name(at.topic(name))
            .with_count(count)
            .with_assignments(places);
        CreatePartitionsRequest::default()
            .with_timeout_ms(TIMEOUT_MS)
            .with_topics(vec![topic])
    };
    let mut steps = Vec::new();
    for (name, count, places) in [
        ("topic", 1, None),
        ("topic", 2, None),
        ("topic", 0, None),
        ("topic", -1, None),
        ("none", 3, None),
        ("", 3, None),
        ("no/ne", 3, None),
        ("topic", 3, Some(&[9][..])),
        ("topic", 3, Some(&[0, 0])),
        ("topic", 3, Some(&[0])),
        ("topic", 4, None),
    ] {
        let what = format!("{name} to {count} at {places:?}");
        steps.push(ask(what, move |at| grow(at, name, count, places)));
    }
    steps.push(ask("whether it could grow", move |at| {
        grow(at, "topic", 9, None).with_validate_only(true)
    }));
    steps.push(ask("the same topic twice", move |at| {
        let mut request = grow(at, "topic", 5, None);
        request.topics.push(request.topics[0].clone());
        request
    }));
    steps.push(ask("no topics", move |at| {
        grow(at, "topic", 5, None).with_topics(Vec::new())
    }));
    steps
}

fn grown() -> Vec<Step> {
    let has_four = |answer: &Tree| {
        let partitions = answer.structs();
        let led = partitions.iter().filter(|it| {
            it.leaf("partition_index").is_some() && it.leaf("error_code") == Some("0")
        });
        led.count() == 4
    };
    vec![repeat("the grown topic", has_four, |at| named(at, "topic"))]
}

fn named(at: &At<'_>, name: &str) -> MetadataRequest {
    let topic = MetadataRequestTopic::default().with_name(Some(at.topic(name)));
    MetadataRequest::default().with_topics(Some(vec![topic]))
}

fn deleting() -> Vec<Step> {
    let delete = |at: &At<'_>, names: &[&str]| {
        let request = DeleteTopicsRequest::default().with_timeout_ms(TIMEOUT_MS);
        let names = names.iter().map(|name| at.topic(name));
        match at.version(ApiKey::DeleteTopics) {
            6.. => {
                let topic = |name| DeleteTopicState::default().with_name(Some(name));
                request.with_topics(names.map(topic).collect())
            }
            _ => request.with_topic_names(names.collect()),
        }
    };
    let by_id = |at: &At<'_>, name: Option<&str>, id| {
        let topic = DeleteTopicState::default()
            .with_name(name.map(|name| at.topic(name)))
            .with_topic_id(id);
        DeleteTopicsRequest::default()
            .with_timeout_ms(TIMEOUT_MS)
            .with_topics(vec![topic])
    };
    vec![
        ask("deleting nothing", move |at| delete(at, &[])),
        ask("no such topic", move |at| delete(at, &["none"])),
        ask("no name", move |at| delete(at, &[""])),
        ask("a topic and none", move |at| delete(at, &["topic", "none"])),
        ask("no such topic twice", move |at| {
            delete(at, &["none", "none", "nobody"])
        }),
        repeat("the deleted topic", is_unknown, |at| named(at, "topic")),
        ask("no such id", move |at| by_id(at, None, UNKNOWN_ID)),
        ask("neither name nor id", move |at| {
            by_id(at, None, Uuid::nil())
        }),
        ask("a name and an id", move |at| {
            by_id(at, Some("other"), at.topic_id("other"))
        }),
        ask("by its id", move |at| by_id(at, None, at.topic_id("other"))),
    ]
}

fn is_unknown(answer: &Tree) -> bool {
    answer.has("error_code", "3")
}

/// Enough for a refusal.
const SHORT_MS: i32 = 50;
