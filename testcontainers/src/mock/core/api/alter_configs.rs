//! AlterConfigs: everything that a topic or a broker is set to, anew (KIP-133).
//!
//! All versions. What is not named is no longer set, which is why IncrementalAlterConfigs replaced
//! it.

use weft_client::wire::messages::alter_configs_request::AlterConfigsResource;
use weft_client::wire::messages::alter_configs_response::AlterConfigsResourceResponse;
use weft_client::wire::messages::{AlterConfigsRequest, AlterConfigsResponse};

use super::super::cluster::Cluster;
use super::super::configs::{Change, Refusal};
use super::super::reply::{Ask, Reply};
use super::resource::{Alteration, alter, check_once, resource, words};

pub(super) fn alter_configs(
    cluster: &mut Cluster,
    ask: &Ask,
    request: &AlterConfigsRequest,
) -> Reply {
    let responses = request.resources.iter().map(|asked| {
        let response = AlterConfigsResourceResponse::default()
            .with_resource_type(asked.resource_type)
            .with_resource_name(asked.resource_name.clone());
        match replace(cluster, ask, request, asked) {
            Ok(()) => response.with_error_message(None),
            Err(refusal) => response
                .with_error_code(refusal.code.0)
                .with_error_message(words(&refusal)),
        }
    });
    let responses = responses.collect();
    AlterConfigsResponse::default()
        .with_responses(responses)
        .into()
}

fn replace(
    cluster: &mut Cluster,
    ask: &Ask,
    request: &AlterConfigsRequest,
    asked: &AlterConfigsResource,
) -> Result<(), Refusal> {
    let named = |asked: &AlterConfigsResource| asked.resource_type;
    let all = request.resources.iter();
    let all = all.map(|other| (named(other), other.resource_name.as_str()));
    let name = asked.resource_name.as_str();
    check_once(all, (named(asked), name))?;
    let resource = resource(ask, asked.resource_type, name)?;
    let changes = asked.configs.iter();
    let changes: Vec<Change> = changes
        .map(|config| Change::set(config.name.as_str(), config.value.as_deref()))
        .collect();
    let only = request.validate_only;
    alter(cluster, resource, &changes, Alteration::Replace, only)
}
