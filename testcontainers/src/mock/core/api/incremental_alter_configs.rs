//! IncrementalAlterConfigs: single changes of what a topic or a broker is set to (KIP-339).
//!
//! All versions. The changes of one resource are made together or not at all.

use weft_client::wire::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use weft_client::wire::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use weft_client::wire::messages::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

use super::super::cluster::Cluster;
use super::super::configs::{Change, Operation, Refusal};
use super::super::reply::{Ask, Reply};
use super::resource::{Alteration, alter, check_once, invalid, resource, words};

pub(super) fn incremental_alter_configs(
    cluster: &mut Cluster,
    ask: &Ask,
    request: &IncrementalAlterConfigsRequest,
) -> Reply {
    let responses = request.resources.iter().map(|asked| {
        let response = AlterConfigsResourceResponse::default()
            .with_resource_type(asked.resource_type)
            .with_resource_name(asked.resource_name.clone());
        match change(cluster, ask, request, asked) {
            Ok(()) => response.with_error_message(None),
            Err(refusal) => response
                .with_error_code(refusal.code.0)
                .with_error_message(words(&refusal)),
        }
    });
    let responses = responses.collect();
    IncrementalAlterConfigsResponse::default()
        .with_responses(responses)
        .into()
}

fn change(
    cluster: &mut Cluster,
    ask: &Ask,
    request: &IncrementalAlterConfigsRequest,
    asked: &AlterConfigsResource,
) -> Result<(), Refusal> {
    let all = request.resources.iter();
    let all = all.map(|other| (other.resource_type, other.resource_name.as_str()));
    let name = asked.resource_name.as_str();
    check_once(all, (asked.resource_type, name))?;
    let resource = resource(ask, asked.resource_type, name)?;
    let changes = asked.configs.iter().map(wanted);
    let changes = changes.collect::<Result<Vec<Change>, Refusal>>()?;
    let only = request.validate_only;
    alter(cluster, resource, &changes, Alteration::Incremental, only)
}

fn wanted(config: &AlterableConfig) -> Result<Change, Refusal> {
    let operation = match config.config_operation {
        0 => Operation::Set,
        1 => Operation::Delete,
        2 => Operation::Append,
        3 => Operation::Subtract,
        unknown => return Err(invalid(format!("Unknown operations type {unknown}"))),
    };
    Ok(Change {
        operation,
        ..Change::set(config.name.as_str(), config.value.as_deref())
    })
}
