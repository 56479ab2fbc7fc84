//! DescribeConfigs: what topics and brokers are set to (KIP-133).
//!
//! Versions 1 to 4. Of topics everything is told but `message.format.version`; of brokers what
//! topics take their defaults from, and what the mock itself follows. There is no documentation,
//! and no loggers, client metrics or groups.

use weft_client::NodeId;
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::describe_configs_request::DescribeConfigsResource;
use weft_client::wire::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use weft_client::wire::messages::{DescribeConfigsRequest, DescribeConfigsResponse};

use super::super::cluster::Cluster;
use super::super::configs::{Refusal, Told};
use super::super::reply::{Ask, Reply, text};
use super::super::topics::is_valid_name;
use super::resource::{Resource, resource};

pub(super) fn describe_configs(
    cluster: &Cluster,
    ask: &Ask,
    request: &DescribeConfigsRequest,
) -> Reply {
    let results = request.resources.iter().map(|asked| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(asked.resource_type)
            .with_resource_name(asked.resource_name.clone());
        match describe(cluster, ask, asked) {
            Ok(configs) => {
                let told = configs.into_iter();
                let told = told.map(|told| entry(ask, told, request.include_synonyms));
                result.with_configs(told.collect())
            }
            Err(refusal) => result
                .with_error_code(refusal.code.0)
                .with_error_message(Some(text(&refusal.message))),
        }
    });
    DescribeConfigsResponse::default()
        .with_results(results.collect())
        .into()
}

fn describe(
    cluster: &Cluster,
    ask: &Ask,
    asked: &DescribeConfigsResource,
) -> Result<Vec<Told>, Refusal> {
    let name = asked.resource_name.as_str();
    let mut told = match resource(ask, asked.resource_type, name)? {
        Resource::Topic(name) => of_topic(cluster, ask.broker, name)?,
        Resource::Broker(Some(id)) => cluster.broker_configs(id),
        Resource::Broker(None) => cluster.configs_of_all_brokers(),
    };
    let keys = asked.configuration_keys.as_deref().unwrap_or_default();
    if !keys.is_empty() {
        told.retain(|told| keys.iter().any(|key| key.as_str() == told.name));
    }
    Ok(told)
}

fn of_topic(cluster: &Cluster, broker: NodeId, name: &str) -> Result<Vec<Told>, Refusal> {
    if !is_valid_name(name) {
        let message = format!("The topic name {name} is not allowed.");
        return Err(Refusal::new(ErrorCode::INVALID_TOPIC_EXCEPTION, message));
    }
    let topic = cluster.topics.by_name(name);
    let unknown = || Refusal::new(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, "");
    let topic = topic.ok_or_else(unknown)?;
    Ok(cluster.topic_configs(&topic.settings, broker))
}

fn entry(ask: &Ask, told: Told, with_synonyms: bool) -> DescribeConfigsResourceResult {
    let synonyms = told.synonyms.into_iter().filter(|_| with_synonyms);
    let synonyms = synonyms.map(|(name, value, source)| {
        DescribeConfigsSynonym::default()
            .with_name(text(name))
            .with_value(Some(text(&value)))
            .with_source(source as i8)
    });
    let entry = DescribeConfigsResourceResult::default()
        .with_name(text(told.name))
        .with_value(told.value.as_deref().map(text))
        .with_read_only(told.is_read_only)
        .with_config_source(told.source as i8)
        .with_documentation(None)
        .with_synonyms(synonyms.collect());
    if ask.version() >= TYPES_SINCE {
        entry.with_config_type(told.kind.on_wire())
    } else {
        entry
    }
}

/// The first version that tells types.
const TYPES_SINCE: i16 = 3;
