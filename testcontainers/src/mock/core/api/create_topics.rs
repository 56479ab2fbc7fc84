//! CreateTopics: topics with their partitions and configuration.
//!
//! Versions 2 to 7. Any broker takes it, as brokers of today pass it on to the controller. Replicas
//! go where the request says, or to the brokers in turn; there are no policies, and no quotas.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::NodeId;
use weft_client::wire::messages::create_topics_request::CreatableTopic;
use weft_client::wire::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use weft_client::wire::messages::{CreateTopicsRequest, CreateTopicsResponse};
use weft_client::wire::{ErrorCode, StrBytes};

use super::super::cluster::Cluster;
use super::super::configs::{Change, Settings, Told, alter_topic};
use super::super::reply::{Ask, Reply, message, text};
use super::super::topics::Placement;
use super::uuid;

pub(super) fn create_topics(
    cluster: &mut Cluster,
    ask: &Ask,
    request: CreateTopicsRequest,
) -> Reply {
    let validate_only = request.validate_only;
    let mut times = BTreeMap::<StrBytes, usize>::new();
    for topic in &request.topics {
        *times.entry(topic.name.0.clone()).or_default() += 1;
    }
    let is_on_zookeeper = cluster.options.release.is_on_zookeeper();
    // What was named twice is refused once, but by ZooKeeper's controllers each time.
    let mut refused = BTreeSet::new();
    let topics = request.topics.into_iter().filter_map(|asked| {
        let is_repeated = times.get(&asked.name.0).is_some_and(|times| *times > 1);
        if is_repeated && !refused.insert(asked.name.0.clone()) && !is_on_zookeeper {
            return None;
        }
        let created = if is_repeated {
            Err(ErrorCode::INVALID_REQUEST)
        } else {
            create(cluster, &asked, validate_only)
        };
        let result = CreatableTopicResult::default()
            .with_name(asked.name)
            .with_error_message(created.as_ref().err().and_then(|error| message(*error)));
        let with_details = ask.version() >= DETAILS_SINCE;
        Some(match created {
            Ok(created) if with_details => {
                let configs = cluster.topic_configs(&created.settings, ask.broker);
                result
                    .with_topic_id(created.id)
                    .with_num_partitions(created.partitions as i32)
                    .with_replication_factor(created.replicas as i16)
                    .with_configs(Some(configs.iter().map(config).collect()))
            }
            Ok(created) => result.with_topic_id(created.id),
            Err(error) => result.with_error_code(error.0),
        })
    });
    let topics = topics.collect();
    CreateTopicsResponse::default().with_topics(topics).into()
}

/// A topic that was created, or could be.
struct Created {
    id: uuid::Uuid,
    partitions: usize,
    replicas: usize,
    settings: Settings,
}

fn create(
    cluster: &mut Cluster,
    asked: &CreatableTopic,
    validate_only: bool,
) -> Result<Created, ErrorCode> {
    let name = asked.name.as_str();
    let (partitions, placement) = placement(cluster, asked)?;
    cluster.topics.check_new(name, partitions)?;
    placement.check(partitions, &cluster.brokers)?;
    let changes = asked.configs.iter();
    let changes: Vec<Change> = changes
        .map(|config| Change::set(config.name.as_str(), config.value.as_deref()))
        .collect();
    let settings = alter_topic(cluster.options.release, &Settings::new(), &changes);
    let settings = settings.map_err(|refusal| refusal.code)?;
    let replicas = placement.replication_factor();
    let id = if validate_only && cluster.options.release.is_on_zookeeper() {
        uuid::Uuid::nil()
    } else if validate_only {
        uuid(cluster.topics.new_id())
    } else {
        let topics = &mut cluster.topics;
        let topic = topics.create(name, partitions, &placement, &cluster.brokers)?;
        let id = topic.id;
        topics.set(id, settings.clone());
        uuid(id)
    };
    Ok(Created {
        id,
        partitions,
        replicas,
        settings,
    })
}

fn config(told: &Told) -> CreatableTopicConfigs {
    CreatableTopicConfigs::default()
        .with_name(text(told.name))
        .with_value(told.value.as_deref().map(text))
        .with_config_source(told.source as i8)
}

fn placement(cluster: &Cluster, asked: &CreatableTopic) -> Result<(usize, Placement), ErrorCode> {
    if !asked.assignments.is_empty() {
        if asked.num_partitions != -1 || asked.replication_factor != -1 {
            return Err(ErrorCode::INVALID_REQUEST);
        }
        let mut given = asked.assignments.clone();
        given.sort_by_key(|partition| partition.partition_index);
        let is_gapless = (0..).zip(&given).all(|(index, partition)| {
            let expected: i32 = index;
            partition.partition_index == expected
        });
        if !is_gapless {
            return Err(ErrorCode::INVALID_REPLICA_ASSIGNMENT);
        }
        let replicas: Vec<Vec<NodeId>> = given
            .iter()
            .map(|partition| {
                partition
                    .broker_ids
                    .iter()
                    .map(|id| NodeId::new(id.0))
                    .collect()
            })
            .collect();
        return Ok((replicas.len(), Placement::Given(replicas)));
    }
    let partitions = match asked.num_partitions {
        -1 => 1,
        count => usize::try_from(count).map_err(|_| ErrorCode::INVALID_PARTITIONS)?,
    };
    let replication_factor = match asked.replication_factor {
        -1 => cluster.brokers.ids().len().min(REPLICAS_DEFAULT),
        count => usize::try_from(count).map_err(|_| ErrorCode::INVALID_REPLICATION_FACTOR)?,
    };
    Ok((partitions, Placement::Spread { replication_factor }))
}

/// How many replicas partitions have that do not say.
const REPLICAS_DEFAULT: usize = 3;

/// The first version whose answer describes the topic.
const DETAILS_SINCE: i16 = 5;
