//! What a request is about: the topics, groups and transactional ids that it names.

use weft_client::wire::messages::fetch_request::FetchTopic;
use weft_client::wire::messages::{self, FindCoordinatorRequest, ProduceRequest};
use weft_client::wire::{Request, StrBytes};
use weft_client::{GroupId, TopicName};

use super::super::api::topic_id;
use super::super::topics::Topics;
use super::super::transaction::TransactionalId;

/// See the module's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subjects {
    /// With the partitions that are named; none if the topic is named as a whole.
    pub(crate) topics: Vec<(TopicName, Vec<i32>)>,
    pub(crate) groups: Vec<GroupId>,
    pub(crate) transactional_ids: Vec<TransactionalId>,
}

impl Subjects {
    /// Reads them out of a request. Topics named by an id that nobody knows are left out. `wanted`
    /// is what a fetch is about, if its session knows more than itself (KIP-227).
    pub(crate) fn of(request: &Request, wanted: Option<&[FetchTopic]>, topics: &Topics) -> Self {
        Self {
            topics: match wanted {
                Some(wanted) => fetched(wanted, topics),
                None => topics_of(request, topics),
            },
            groups: groups_of(request),
            transactional_ids: transactional_ids_of(request),
        }
    }

    pub(crate) fn has_group(&self, id: &GroupId) -> bool {
        self.groups.contains(id)
    }

    pub(crate) fn has_transactional_id(&self, id: &TransactionalId) -> bool {
        self.transactional_ids.contains(id)
    }

    /// Whether the topic is named, and if one is given also the partition, by its number or with
    /// its topic.
    pub(crate) fn has_partition(&self, topic: &TopicName, partition: Option<i32>) -> bool {
        self.topics.iter().any(|(name, partitions)| {
            name == topic
                && partition
                    .is_none_or(|index| partitions.is_empty() || partitions.contains(&index))
        })
    }

    /// How many names and numbers there are.
    pub(crate) fn count(&self) -> usize {
        let partitions = self.topics.iter().map(|(_, partitions)| partitions.len());
        let others = self.groups.len() + self.transactional_ids.len();
        self.topics.len() + partitions.sum::<usize>() + others
    }
}

type Named = Vec<(TopicName, Vec<i32>)>;

fn topics_of(request: &Request, topics: &Topics) -> Named {
    match request {
        Request::Metadata(request) => {
            let asked = request.topics.iter().flatten();
            let names = asked.filter_map(|asked| match &asked.name {
                Some(name) => Some(TopicName::from(name)),
                None => Some(topics.by_id(topic_id(asked.topic_id))?.name.clone()),
            });
            whole(names)
        }
        Request::Produce(request) => produced(request, topics),
        Request::Fetch(request) => fetched(&request.topics, topics),
        Request::ListOffsets(request) => named(&request.topics, |topic| {
            let partitions = topic.partitions.iter();
            (
                &topic.name,
                partitions.map(|asked| asked.partition_index).collect(),
            )
        }),
        Request::OffsetForLeaderEpoch(request) => named(&request.topics, |topic| {
            let partitions = topic.partitions.iter();
            (
                &topic.topic,
                partitions.map(|asked| asked.partition).collect(),
            )
        }),
        Request::OffsetCommit(request) => named(&request.topics, |topic| {
            let partitions = topic.partitions.iter();
            (
                &topic.name,
                partitions.map(|asked| asked.partition_index).collect(),
            )
        }),
        Request::OffsetFetch(request) => {
            let single = request.topics.iter().flatten();
            let single = single.map(|topic| (&topic.name, &topic.partition_indexes));
            let batched = request
                .groups
                .iter()
                .flat_map(|group| &group.topics)
                .flatten();
            let batched = batched.map(|topic| (&topic.name, &topic.partition_indexes));
            let all = single.chain(batched);
            all.map(|(name, indexes)| (name.into(), indexes.clone()))
                .collect()
        }
        Request::TxnOffsetCommit(request) => named(&request.topics, |topic| {
            let partitions = topic.partitions.iter();
            (
                &topic.name,
                partitions.map(|asked| asked.partition_index).collect(),
            )
        }),
        Request::AddPartitionsToTxn(request) => {
            let batched = request
                .transactions
                .iter()
                .flat_map(|transaction| &transaction.topics);
            let all = request.v3_and_below_topics.iter().chain(batched);
            all.map(|topic| ((&topic.name).into(), topic.partitions.clone()))
                .collect()
        }
        Request::DescribeProducers(request) => named(&request.topics, |topic| {
            (&topic.name, topic.partition_indexes.clone())
        }),
        _ => administered(request, topics),
    }
}

/// The topics of the calls that administer them.
fn administered(request: &Request, topics: &Topics) -> Named {
    match request {
        Request::CreateTopics(request) => whole(request.topics.iter().map(|topic| &topic.name)),
        Request::DeleteTopics(request) => {
            let states = request.topics.iter().filter_map(|topic| match &topic.name {
                Some(name) => Some(TopicName::from(name)),
                None => Some(topics.by_id(topic_id(topic.topic_id))?.name.clone()),
            });
            whole(states.chain(request.topic_names.iter().map(TopicName::from)))
        }
        Request::CreatePartitions(request) => whole(request.topics.iter().map(|topic| &topic.name)),
        Request::DescribeTopicPartitions(request) => {
            whole(request.topics.iter().map(|topic| &topic.name))
        }
        Request::OffsetDelete(request) => named(&request.topics, |topic| {
            let partitions = topic.partitions.iter();
            (
                &topic.name,
                partitions.map(|asked| asked.partition_index).collect(),
            )
        }),
        Request::DeleteRecords(request) => named(&request.topics, |topic| {
            let partitions = topic.partitions.iter();
            (
                &topic.name,
                partitions.map(|asked| asked.partition_index).collect(),
            )
        }),
        Request::ElectLeaders(request) => {
            let asked: Vec<_> = request.topic_partitions.iter().flatten().collect();
            named(&asked, |topic| (&topic.topic, topic.partitions.clone()))
        }
        Request::DescribeConfigs(request) => configured(request.resources.iter(), |resource| {
            (resource.resource_type, resource.resource_name.as_str())
        }),
        Request::AlterConfigs(request) => configured(request.resources.iter(), |resource| {
            (resource.resource_type, resource.resource_name.as_str())
        }),
        Request::IncrementalAlterConfigs(request) => {
            configured(request.resources.iter(), |resource| {
                (resource.resource_type, resource.resource_name.as_str())
            })
        }
        _ => Vec::new(),
    }
}

fn produced(request: &ProduceRequest, topics: &Topics) -> Named {
    let asked = request.topic_data.iter().filter_map(|topic| {
        let name = name_of(&topic.name, topic.topic_id, topics)?;
        let partitions = topic.partition_data.iter().map(|data| data.index);
        Some((name, partitions.collect()))
    });
    asked.collect()
}

fn fetched(asked: &[FetchTopic], topics: &Topics) -> Named {
    let asked = asked.iter().filter_map(|topic| {
        let name = name_of(&topic.topic, topic.topic_id, topics)?;
        let partitions = topic.partitions.iter().map(|asked| asked.partition);
        Some((name, partitions.collect()))
    });
    asked.collect()
}

/// Newer versions leave the name empty and give the id.
fn name_of(name: &messages::TopicName, id: uuid::Uuid, topics: &Topics) -> Option<TopicName> {
    if id.is_nil() {
        Some(name.into())
    } else {
        Some(topics.by_id(topic_id(id))?.name.clone())
    }
}

fn groups_of(request: &Request) -> Vec<GroupId> {
    let one = |id: &messages::GroupId| vec![GroupId::from(id.as_str())];
    let all = |ids: &[messages::GroupId]| ids.iter().map(|id| id.as_str().into()).collect();
    match request {
        Request::FindCoordinator(request) => {
            looked_up(request, GROUP_KEY).map(GroupId::from).collect()
        }
        Request::JoinGroup(request) => one(&request.group_id),
        Request::SyncGroup(request) => one(&request.group_id),
        Request::Heartbeat(request) => one(&request.group_id),
        Request::LeaveGroup(request) => one(&request.group_id),
        Request::OffsetCommit(request) => one(&request.group_id),
        Request::OffsetFetch(request) if request.groups.is_empty() => one(&request.group_id),
        Request::OffsetFetch(request) => {
            let groups = request.groups.iter();
            groups.map(|group| group.group_id.as_str().into()).collect()
        }
        Request::DescribeGroups(request) => all(&request.groups),
        Request::DeleteGroups(request) => all(&request.groups_names),
        Request::TxnOffsetCommit(request) => one(&request.group_id),
        Request::AddOffsetsToTxn(request) => one(&request.group_id),
        Request::OffsetDelete(request) => one(&request.group_id),
        _ => Vec::new(),
    }
}

fn transactional_ids_of(request: &Request) -> Vec<TransactionalId> {
    let one = |id: &messages::TransactionalId| vec![TransactionalId::from(id.as_str())];
    let perhaps = |id: &Option<messages::TransactionalId>| id.as_ref().map(one).unwrap_or_default();
    match request {
        Request::FindCoordinator(request) => looked_up(request, TRANSACTION_KEY)
            .map(TransactionalId::from)
            .collect(),
        Request::InitProducerId(request) => perhaps(&request.transactional_id),
        Request::Produce(request) => perhaps(&request.transactional_id),
        Request::AddPartitionsToTxn(request) if request.transactions.is_empty() => {
            one(&request.v3_and_below_transactional_id)
        }
        Request::AddPartitionsToTxn(request) => {
            let transactions = request.transactions.iter();
            let ids = transactions.map(|transaction| transaction.transactional_id.as_str());
            ids.map(TransactionalId::from).collect()
        }
        Request::AddOffsetsToTxn(request) => one(&request.transactional_id),
        Request::TxnOffsetCommit(request) => one(&request.transactional_id),
        Request::EndTxn(request) => one(&request.transactional_id),
        Request::DescribeTransactions(request) => {
            let ids = request.transactional_ids.iter();
            ids.map(|id| TransactionalId::from(id.as_str())).collect()
        }
        _ => Vec::new(),
    }
}

/// The keys that are looked up, if they are of this type: one, or several in newer versions.
fn looked_up(request: &FindCoordinatorRequest, key_type: i8) -> impl Iterator<Item = &str> {
    let keys = &request.coordinator_keys;
    let single = keys.is_empty().then_some(&request.key);
    let keys = single.into_iter().chain(keys);
    let is_of_type = request.key_type == key_type;
    keys.filter(move |_| is_of_type).map(StrBytes::as_str)
}

fn whole<N: Into<TopicName>>(names: impl Iterator<Item = N>) -> Named {
    names.map(|name| (name.into(), Vec::new())).collect()
}

fn named<T>(asked: &[T], read: impl Fn(&T) -> (&messages::TopicName, Vec<i32>)) -> Named {
    let read = asked.iter().map(read);
    read.map(|(name, partitions)| (name.into(), partitions))
        .collect()
}

fn configured<'a, T: 'a>(
    resources: impl Iterator<Item = &'a T>,
    read: impl Fn(&'a T) -> (i8, &'a str),
) -> Named {
    let topics = resources.map(read).filter(|(of, _)| *of == TOPIC_RESOURCE);
    whole(topics.map(|(_, name)| name))
}

/// The type of a coordinator's key that names a group.
const GROUP_KEY: i8 = 0;

/// The type of a coordinator's key that is a transactional id.
const TRANSACTION_KEY: i8 = 1;

/// The type of a configuration's resource that is a topic.
const TOPIC_RESOURCE: i8 = 2;
