//! The configurations of topics as the mock and the real releases describe and change them.

use std::collections::BTreeMap;
use weft_client::wire::messages::describe_configs_request::DescribeConfigsResource;
use weft_client::wire::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use weft_client::wire::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};
use weft_client::wire::{ErrorCode, Response, StrBytes};
use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion};
use weft_testcontainers::mock::{KafkaRelease, MockCluster};

use super::raw::ask;

fn string(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Value, source, type, and the names of what would count.
type Config = (Option<String>, i8, i8, Vec<String>);

fn described(address: &str) -> BTreeMap<String, Config> {
    let resource = DescribeConfigsResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(string("topic"))
        .with_configuration_keys(None);
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true);
    let Response::DescribeConfigs(mut response) = ask(address, 4, &request.into()) else {
        panic!("another answer");
    };
    let result = response.results.remove(0);
    assert_eq!(result.error_code, 0);
    let configs = result.configs.into_iter().map(|config| {
        assert!(!config.read_only && !config.is_sensitive);
        let synonyms = config.synonyms.iter();
        let synonyms = synonyms.map(|synonym| synonym.name.as_str().to_owned());
        let value = config.value.map(|value| value.as_str().to_owned());
        let (source, kind) = (config.config_source, config.config_type);
        let told = (value, source, kind, synonyms.collect());
        (config.name.as_str().to_owned(), told)
    });
    configs.collect()
}

/// What comes of changing a topic in each of these ways.
fn changed(address: &str) -> Vec<(&'static str, ErrorCode)> {
    let changes = CHANGES.iter().map(|(what, name, operation, value)| {
        let config = AlterableConfig::default()
            .with_name(string(name))
            .with_config_operation(*operation)
            .with_value(value.map(string));
        let resource = AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(string("topic"))
            .with_configs(vec![config]);
        let request = IncrementalAlterConfigsRequest::default()
            .with_resources(vec![resource])
            .with_validate_only(true);
        let Response::IncrementalAlterConfigs(response) = ask(address, 1, &request.into()) else {
            panic!("another answer");
        };
        (*what, ErrorCode(response.responses[0].error_code))
    });
    changes.collect()
}

#[test]
fn topics_are_configured_as_those_of_the_real_releases() {
    if !super::java::has_java() {
        return;
    }
    for (version, release) in [
        (KafkaVersion::V2_8_2, KafkaRelease::V2_8),
        (KafkaVersion::V3_9_1, KafkaRelease::V3_9),
        (KafkaVersion::V4_4_0, KafkaRelease::V4_4),
    ] {
        let cluster = KafkaCluster::builder().version(version).start().unwrap();
        cluster.create_topic("topic", 1).unwrap();
        let address = cluster.bootstrap();
        let (mut real, real_changes) = (described(&address), changed(&address));
        drop(cluster);
        let mock = MockCluster::builder().release(release).topic("topic", 1);
        let mock = mock.start().unwrap();
        let address = mock.bootstrap();
        let mut pretended = described(&address);

        assert_eq!(real_changes, changed(&address), "{version}");
        // Not known to the mock, as the format of messages never changes there.
        real.remove("message.format.version");
        let count = real.len();
        real.retain(|name, (_, source, kind, _)| {
            // The real cluster was started with a few that are not the default.
            let is_default = *source == DEFAULT;
            if !is_default {
                let ours = pretended.remove(name);
                assert_eq!(ours.map(|ours| ours.2), Some(*kind), "{name}");
            }
            is_default
        });
        assert_eq!(pretended, real, "{version}");
        assert_eq!(mock.violations(), [""; 0]);
        let changes = CHANGES.len();
        println!("Kafka {version}: {count} configurations and {changes} changes are the same");
    }
}

const TOPIC: i8 = 2;

/// The source of a value that nobody has set.
const DEFAULT: i8 = 5;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

const CHANGES: [(&str, &str, i8, Option<&str>); 17] = [
    ("a number", "retention.ms", SET, Some("1000")),
    ("no limit", "retention.ms", SET, Some("-1")),
    ("below it", "retention.ms", SET, Some("-2")),
    ("no number", "retention.ms", SET, Some("long")),
    ("null", "retention.ms", SET, None),
    ("nothing set", "retention.ms", DELETE, None),
    ("an unknown one", "colour", SET, Some("red")),
    ("no list", "retention.ms", APPEND, Some("1")),
    ("a list", "cleanup.policy", APPEND, Some("compact")),
    ("no policy", "cleanup.policy", SET, Some("burn")),
    (
        "less of a list",
        "cleanup.policy",
        SUBTRACT,
        Some("compact"),
    ),
    ("a codec", "compression.type", SET, Some("zstd")),
    ("no codec", "compression.type", SET, Some("rar")),
    ("a small segment", "segment.bytes", SET, Some("100000")),
    ("a ratio", "min.cleanable.dirty.ratio", SET, Some("0.7")),
    ("no ratio", "min.cleanable.dirty.ratio", SET, Some("1.1")),
    ("no replicas", "min.insync.replicas", SET, Some("0")),
];
