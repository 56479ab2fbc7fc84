//! Configurations through frames: how they are described and changed, and what follows from them.

use weft_client::record::{Batches, Decompressor, TimestampType};
use weft_client::wire::ErrorCode;
use weft_client::wire::messages::alter_configs_request;
use weft_client::wire::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use weft_client::wire::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use weft_client::wire::messages::describe_configs_request::DescribeConfigsResource;
use weft_client::wire::messages::describe_configs_response::DescribeConfigsResourceResult;
use weft_client::wire::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use weft_client::wire::messages::{
    AlterConfigsRequest, CreateTopicsRequest, DeleteRecordsRequest, DescribeConfigsRequest,
    IncrementalAlterConfigsRequest, TopicName,
};

use super::fetching::{TOPIC, bench, fetch, partitions, produce, produced};
use super::*;

/// Topics and brokers on the wire.
const OF_TOPIC: i8 = 2;
const OF_BROKER: i8 = 4;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

fn described(
    bench: &mut Bench,
    kind: i8,
    name: &str,
    key: &str,
) -> Result<Option<DescribeConfigsResourceResult>, ErrorCode> {
    let wire = bench.connect(0);
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(string(name))
        .with_configuration_keys(Some(vec![string(key)]));
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![resource])
        .with_include_synonyms(true);
    let Response::DescribeConfigs(mut response) = bench.ask(wire, request) else {
        panic!("another answer");
    };
    let mut result = response.results.remove(0);
    match ErrorCode(result.error_code) {
        ErrorCode::NONE => Ok(result.configs.pop()),
        error => Err(error),
    }
}

/// The value of a configuration, where it comes from, and how many would count.
fn value(bench: &mut Bench, kind: i8, name: &str, key: &str) -> (String, i8, usize) {
    let config = described(bench, kind, name, key).unwrap().unwrap();
    let value = config.value.unwrap().as_str().to_owned();
    (value, config.config_source, config.synonyms.len())
}

/// The error of one change.
fn change(
    bench: &mut Bench,
    (kind, name): (i8, &str),
    (key, operation, value): (&str, i8, Option<&str>),
) -> ErrorCode {
    let wire = bench.connect(0);
    let config = AlterableConfig::default()
        .with_name(string(key))
        .with_config_operation(operation)
        .with_value(value.map(string));
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(string(name))
        .with_configs(vec![config]);
    let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
    let Response::IncrementalAlterConfigs(response) = bench.ask(wire, request) else {
        panic!("another answer");
    };
    ErrorCode(response.responses[0].error_code)
}

fn set(bench: &mut Bench, key: &str, value: &str) {
    let changed = change(bench, (OF_TOPIC, TOPIC), (key, SET, Some(value)));
    assert_eq!(changed, ErrorCode::NONE);
}

#[test]
fn the_most_particular_value_counts() {
    let mut bench = bench();
    let of_topic = |bench: &mut Bench| value(bench, OF_TOPIC, TOPIC, "max.message.bytes");
    let order = |bench: &mut Bench, kind: i8, name: &str, key: &str, value: &str| {
        let changed = change(bench, (kind, name), (key, SET, Some(value)));
        assert_eq!(changed, ErrorCode::NONE);
    };

    assert_eq!(of_topic(&mut bench), ("1048588".into(), 5, 1));
    order(&mut bench, OF_BROKER, "", "message.max.bytes", "3000");
    assert_eq!(of_topic(&mut bench), ("3000".into(), 3, 2));
    order(&mut bench, OF_BROKER, "0", "message.max.bytes", "2000");
    assert_eq!(of_topic(&mut bench), ("2000".into(), 2, 3));
    order(&mut bench, OF_TOPIC, TOPIC, "max.message.bytes", "1000");
    assert_eq!(of_topic(&mut bench), ("1000".into(), 1, 4));
    let of_broker = value(&mut bench, OF_BROKER, "0", "message.max.bytes");
    assert_eq!(of_broker, ("2000".into(), 2, 3));
    let of_all = value(&mut bench, OF_BROKER, "", "message.max.bytes");
    assert_eq!(of_all, ("3000".into(), 3, 1));
}

#[test]
fn lists_grow_and_shrink_and_deleted_values_are_the_defaults_again() {
    let mut bench = bench();
    let key = "cleanup.policy";
    for (operation, given, expected) in [
        (APPEND, Some("compact"), "delete,compact"),
        (APPEND, Some("compact"), "delete,compact"),
        (SUBTRACT, Some("delete"), "compact"),
        (DELETE, None, "delete"),
    ] {
        let changed = change(&mut bench, (OF_TOPIC, TOPIC), (key, operation, given));
        assert_eq!(changed, ErrorCode::NONE);
        assert_eq!(value(&mut bench, OF_TOPIC, TOPIC, key).0, expected);
    }
}

#[test]
fn changes_that_make_no_sense_are_refused_and_change_nothing() {
    let mut bench = bench();
    for (resource, config, expected) in [
        (
            (OF_TOPIC, TOPIC),
            ("colour", SET, Some("red")),
            ErrorCode::INVALID_CONFIG,
        ),
        (
            (OF_TOPIC, TOPIC),
            ("retention.ms", SET, Some("-2")),
            ErrorCode::INVALID_CONFIG,
        ),
        (
            (OF_TOPIC, TOPIC),
            ("retention.ms", SET, Some("long")),
            ErrorCode::INVALID_CONFIG,
        ),
        (
            (OF_TOPIC, TOPIC),
            ("cleanup.policy", SET, Some("burn")),
            ErrorCode::INVALID_CONFIG,
        ),
        (
            (OF_TOPIC, TOPIC),
            ("retention.ms", APPEND, Some("1")),
            ErrorCode::INVALID_CONFIG,
        ),
        (
            (OF_TOPIC, TOPIC),
            ("retention.ms", SET, None),
            ErrorCode::INVALID_REQUEST,
        ),
        (
            (OF_TOPIC, TOPIC),
            ("retention.ms", 9, Some("1")),
            ErrorCode::INVALID_REQUEST,
        ),
        (
            (OF_TOPIC, "none"),
            ("retention.ms", SET, Some("1")),
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ),
        (
            (OF_TOPIC, ""),
            ("retention.ms", SET, Some("1")),
            ErrorCode::INVALID_REQUEST,
        ),
        (
            (OF_BROKER, "1"),
            ("log.retention.ms", SET, Some("1")),
            ErrorCode::INVALID_REQUEST,
        ),
        (
            (OF_BROKER, "0"),
            ("log.retention.ms", SET, Some("?")),
            ErrorCode::INVALID_REQUEST,
        ),
        (
            (OF_BROKER, ""),
            ("num.partitions", SET, Some("3")),
            ErrorCode::INVALID_REQUEST,
        ),
        (
            (7, "group"),
            ("retention.ms", SET, Some("1")),
            ErrorCode::INVALID_REQUEST,
        ),
    ] {
        let refused = change(&mut bench, resource, config);
        assert_eq!(refused, expected, "{resource:?} {config:?}");
    }
    let unchanged = value(&mut bench, OF_TOPIC, TOPIC, "retention.ms");
    assert_eq!(unchanged, ("604800000".into(), 5, 0));
    for (kind, name, expected) in [
        (OF_TOPIC, "none", ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        (OF_TOPIC, "?", ErrorCode::INVALID_TOPIC_EXCEPTION),
        (OF_BROKER, "1", ErrorCode::INVALID_REQUEST),
        (OF_BROKER, "one", ErrorCode::INVALID_REQUEST),
        (7, "group", ErrorCode::INVALID_REQUEST),
    ] {
        assert_eq!(
            described(&mut bench, kind, name, "retention.ms"),
            Err(expected)
        );
    }
}

#[test]
fn an_old_alteration_replaces_everything_unless_it_only_asks() {
    let mut bench = bench();
    let wire = bench.connect(0);
    set(&mut bench, "retention.ms", "1000");
    let alter = |bench: &mut Bench, configs: &[(&str, &str)], validate_only: bool| {
        let configs = configs.iter().map(|(name, value)| {
            alter_configs_request::AlterableConfig::default()
                .with_name(string(name))
                .with_value(Some(string(value)))
        });
        let resource = alter_configs_request::AlterConfigsResource::default()
            .with_resource_type(OF_TOPIC)
            .with_resource_name(string(TOPIC))
            .with_configs(configs.collect());
        let request = AlterConfigsRequest::default()
            .with_resources(vec![resource])
            .with_validate_only(validate_only);
        let Response::AlterConfigs(response) = bench.ask(wire, request) else {
            panic!("another answer");
        };
        ErrorCode(response.responses[0].error_code)
    };

    let bytes = ("max.message.bytes", "1000");
    assert_eq!(alter(&mut bench, &[bytes], true), ErrorCode::NONE);
    assert_eq!(value(&mut bench, OF_TOPIC, TOPIC, "retention.ms").0, "1000");
    let twice = alter(&mut bench, &[bytes, bytes], false);
    assert_eq!(twice, ErrorCode::INVALID_REQUEST);
    assert_eq!(alter(&mut bench, &[bytes], false), ErrorCode::NONE);
    assert_eq!(
        value(&mut bench, OF_TOPIC, TOPIC, "max.message.bytes").0,
        "1000"
    );
    let replaced = value(&mut bench, OF_TOPIC, TOPIC, "retention.ms");
    assert_eq!(replaced.0, "604800000");
}

#[test]
fn a_topic_is_created_with_its_configuration_or_not_at_all() {
    let mut bench = bench();
    let wire = bench.connect(0);
    for (key, given, expected) in [
        ("retention.ms", "77", ErrorCode::NONE),
        ("retention.ms", "?", ErrorCode::INVALID_CONFIG),
    ] {
        let config = CreatableTopicConfig::default()
            .with_name(string(key))
            .with_value(Some(string(given)));
        let name = format!("of-{}", expected.0);
        let topic = CreatableTopic::default()
            .with_name(TopicName(string(&name)))
            .with_num_partitions(1)
            .with_replication_factor(1)
            .with_configs(vec![config]);
        let request = CreateTopicsRequest::default().with_topics(vec![topic]);
        let Response::CreateTopics(response) = bench.ask(wire, request) else {
            panic!("another answer");
        };
        let created = &response.topics[0];
        assert_eq!(ErrorCode(created.error_code), expected);
        let exists = bench.cluster.topics.by_name(&name).is_some();
        assert_eq!(exists, expected == ErrorCode::NONE);
        if exists {
            let told = created.configs.as_ref().unwrap().iter();
            let mut told = told.filter(|config| config.name.as_str() == key);
            assert_eq!(told.next().unwrap().value, Some(string(given)));
            assert_eq!(value(&mut bench, OF_TOPIC, &name, key).0, given);
        }
    }
}

/// What becomes of a batch of one record of this key and time.
fn written(bench: &mut Bench, key: Option<&[u8]>, timestamp: i64) -> ErrorCode {
    let mut builder = BatchBuilder::new();
    builder.append(timestamp, key, Some(b"value"), &[]).unwrap();
    let records = builder.build(Compression::None, &mut Compressor::default());
    let wire = bench.connect(0);
    let request = produce(bench, 0, records.unwrap()).with_acks(-1);
    produced(bench, wire, request).0
}

#[test]
fn producers_keep_to_what_their_topic_is_set_to() {
    let mut bench = bench();
    let now = bench.cluster.clock.timestamp(bench.now);
    let hour = 3_600_000;
    assert_eq!(written(&mut bench, None, 0), ErrorCode::NONE);
    assert_eq!(written(&mut bench, None, now + hour), ErrorCode::NONE);
    let later = written(&mut bench, None, now + hour + 1);
    assert_eq!(later, ErrorCode::INVALID_TIMESTAMP);
    for (key, given, expected) in [
        ("max.message.bytes", "10", ErrorCode::MESSAGE_TOO_LARGE),
        ("cleanup.policy", "compact", ErrorCode::INVALID_RECORD),
        ("min.insync.replicas", "3", ErrorCode::NOT_ENOUGH_REPLICAS),
        (
            "message.timestamp.before.max.ms",
            "1000",
            ErrorCode::INVALID_TIMESTAMP,
        ),
    ] {
        set(&mut bench, key, given);
        assert_eq!(written(&mut bench, None, now - 1001), expected, "{key}");
        let back = change(&mut bench, (OF_TOPIC, TOPIC), (key, DELETE, None));
        assert_eq!(back, ErrorCode::NONE);
    }
    set(&mut bench, "cleanup.policy", "compact");
    assert_eq!(written(&mut bench, Some(b"key"), now), ErrorCode::NONE);
}

#[test]
fn records_of_a_topic_that_is_only_compacted_are_not_deleted() {
    let mut bench = bench();
    let wire = bench.connect(0);
    set(&mut bench, "cleanup.policy", "compact");
    let partition = DeleteRecordsPartition::default().with_offset(-1);
    let topic = DeleteRecordsTopic::default()
        .with_name(TopicName(string(TOPIC)))
        .with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![topic]);
    let Response::DeleteRecords(response) = bench.ask(wire, request) else {
        panic!("another answer");
    };
    let refused = response.topics[0].partitions[0].error_code;
    assert_eq!(ErrorCode(refused), ErrorCode::POLICY_VIOLATION);
}

#[test]
fn the_broker_stamps_and_compresses_where_the_topic_says_so() {
    let mut bench = bench();
    let wire = bench.connect(0);
    set(&mut bench, "message.timestamp.type", "LogAppendTime");
    set(&mut bench, "compression.type", "gzip");
    bench.wait(Duration::from_millis(5));
    let now = bench.cluster.clock.timestamp(bench.now);

    let request = produce(&bench, 0, batch(3));
    let Response::Produce(response) = bench.ask(wire, request) else {
        panic!("another answer");
    };

    let told = &response.responses[0].partition_responses[0];
    assert_eq!((told.error_code, told.log_append_time_ms), (0, now));
    let request = fetch(&bench, &[(0, 0)]);
    let read = partitions(bench.ask(wire, request)).remove(0);
    let batch = Batches::new(read.records.unwrap()).next().unwrap().unwrap();
    batch.check_crc().unwrap();
    let header = batch.header();
    assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(header.compression(), Ok(Compression::Gzip));
    let records = batch.records(&mut Decompressor::default()).unwrap();
    let records = records.validate_all().unwrap();
    let values = records
        .iter()
        .map(|record| (record.timestamp(), record.value()));
    assert_eq!(values.collect::<Vec<_>>(), [(now, Some(&b"value"[..])); 3]);
}
