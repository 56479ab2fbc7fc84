//! DescribeConfigs, AlterConfigs and IncrementalAlterConfigs, for the settings that the mock knows.

use weft_client::wire::ApiKey;
use weft_client::wire::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};
use weft_client::wire::messages::describe_configs_request::DescribeConfigsResource;
use weft_client::wire::messages::incremental_alter_configs_request as incremental;
use weft_client::wire::messages::{
    AlterConfigsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest,
};

use super::super::case::{At, Case, Step, ask};
use super::{case, text, topic};

pub(super) fn cases() -> Vec<Case> {
    vec![case(
        "configurations",
        &[
            ApiKey::DescribeConfigs,
            ApiKey::AlterConfigs,
            ApiKey::IncrementalAlterConfigs,
        ],
        vec![topic("topic", 1), describing(), altering(), describing()],
    )]
}

fn describe(at: &At<'_>, kind: i8, name: &str, keys: &[&str]) -> DescribeConfigsRequest {
    let name = match kind {
        TOPIC => at.name(name),
        _ => text(name),
    };
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(name)
        .with_configuration_keys(Some(keys.iter().map(|key| text(key)).collect()));
    DescribeConfigsRequest::default().with_resources(vec![resource])
}

fn describing() -> Vec<Step> {
    let mut steps = Vec::new();
    for (kind, name, key) in [
        (TOPIC, "topic", "cleanup.policy"),
        (TOPIC, "topic", "max.message.bytes"),
        (TOPIC, "topic", "no.such.thing"),
        (TOPIC, "none", "cleanup.policy"),
        (TOPIC, "no/ne", "cleanup.policy"),
        (TOPIC, "", "cleanup.policy"),
        (BROKER, "0", "no.such.thing"),
        (BROKER, "9", "no.such.thing"),
        (BROKER, "nobody", "no.such.thing"),
        (77, "topic", "cleanup.policy"),
    ] {
        let what = format!("{key} of '{name}' of kind {kind}");
        steps.push(ask(what, move |at| describe(at, kind, name, &[key])));
    }
    steps
}

fn altering() -> Vec<Step> {
    let replace = |at: &At<'_>, name: &str, key: &str, value: Option<&str>| {
        let config = AlterableConfig::default()
            .with_name(text(key))
            .with_value(value.map(text));
        let resource = AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(at.name(name))
            .with_configs(vec![config]);
        AlterConfigsRequest::default().with_resources(vec![resource])
    };
    let change = |at: &At<'_>, key: &str, operation: i8, value: Option<&str>| {
        let config = incremental::AlterableConfig::default()
            .with_name(text(key))
            .with_config_operation(operation)
            .with_value(value.map(text));
        let resource = incremental::AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(at.name("topic"))
            .with_configs(vec![config]);
        IncrementalAlterConfigsRequest::default().with_resources(vec![resource])
    };
    let mut steps = Vec::new();
    for (name, key, value) in [
        ("topic", "max.message.bytes", Some("5000")),
        ("topic", "max.message.bytes", Some("many")),
        ("topic", "no.such.thing", Some("1")),
        ("none", "max.message.bytes", Some("5000")),
    ] {
        let what = format!("replacing {key} of {name} by {value:?}");
        steps.push(ask(what, move |at| replace(at, name, key, value)));
    }
    for (key, operation, value) in [
        ("cleanup.policy", SET, Some("compact")),
        ("cleanup.policy", APPEND, Some("delete")),
        ("cleanup.policy", SUBTRACT, Some("compact")),
        ("max.message.bytes", APPEND, Some("1")),
        ("max.message.bytes", SET, Some("-5")),
        ("max.message.bytes", DELETE, None),
        ("no.such.thing", SET, Some("1")),
        ("cleanup.policy", 9, Some("compact")),
    ] {
        let what = format!("operation {operation} on {key} with {value:?}");
        steps.push(ask(what, move |at| change(at, key, operation, value)));
    }
    steps
}

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;
