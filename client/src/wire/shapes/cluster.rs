//! The shapes of the responses for brokers, topics and coordinators.

use kafka_protocol::messages::{
    api_versions_response, describe_cluster_response, find_coordinator_response, metadata_response,
};

use super::{
    BOOLEAN, INT8, INT16, INT32, INT32S, INT64, STRING, Shape, UUID, always, array, between, shape,
    since, tagged, until,
};

pub(super) static API_VERSIONS_RESPONSE: Shape =
    shape::<api_versions_response::ApiVersionsResponse>(&[
        always("error_code", INT16),
        always("api_keys", array(&API_VERSION)),
        since(1, "throttle_time_ms", INT32),
        tagged(0, 3, "supported_features", array(&SUPPORTED_FEATURE_KEY)),
        tagged(1, 3, "finalized_features_epoch", INT64),
        tagged(2, 3, "finalized_features", array(&FINALIZED_FEATURE_KEY)),
        tagged(3, 3, "zk_migration_ready", BOOLEAN),
    ]);

static API_VERSION: Shape = shape::<api_versions_response::ApiVersion>(&[
    always("api_key", INT16),
    always("min_version", INT16),
    always("max_version", INT16),
]);

static SUPPORTED_FEATURE_KEY: Shape = shape::<api_versions_response::SupportedFeatureKey>(&[
    since(3, "name", STRING),
    since(3, "min_version", INT16),
    since(3, "max_version", INT16),
]);

static FINALIZED_FEATURE_KEY: Shape = shape::<api_versions_response::FinalizedFeatureKey>(&[
    since(3, "name", STRING),
    since(3, "max_version_level", INT16),
    since(3, "min_version_level", INT16),
]);

pub(super) static METADATA_RESPONSE: Shape = shape::<metadata_response::MetadataResponse>(&[
    since(3, "throttle_time_ms", INT32),
    always("brokers", array(&METADATA_RESPONSE_BROKER)),
    since(2, "cluster_id", STRING),
    since(1, "controller_id", INT32),
    always("topics", array(&METADATA_RESPONSE_TOPIC)),
    between(8, 10, "cluster_authorized_operations", INT32),
    since(13, "error_code", INT16),
]);

static METADATA_RESPONSE_BROKER: Shape = shape::<metadata_response::MetadataResponseBroker>(&[
    always("node_id", INT32),
    always("host", STRING),
    always("port", INT32),
    since(1, "rack", STRING),
]);

static METADATA_RESPONSE_TOPIC: Shape = shape::<metadata_response::MetadataResponseTopic>(&[
    always("error_code", INT16),
    always("name", STRING),
    since(10, "topic_id", UUID),
    since(1, "is_internal", BOOLEAN),
    always("partitions", array(&METADATA_RESPONSE_PARTITION)),
    since(8, "topic_authorized_operations", INT32),
]);

static METADATA_RESPONSE_PARTITION: Shape =
    shape::<metadata_response::MetadataResponsePartition>(&[
        always("error_code", INT16),
        always("partition_index", INT32),
        always("leader_id", INT32),
        since(7, "leader_epoch", INT32),
        always("replica_nodes", INT32S),
        always("isr_nodes", INT32S),
        since(5, "offline_replicas", INT32S),
    ]);

pub(super) static FIND_COORDINATOR_RESPONSE: Shape =
    shape::<find_coordinator_response::FindCoordinatorResponse>(&[
        since(1, "throttle_time_ms", INT32),
        until(3, "error_code", INT16),
        between(1, 3, "error_message", STRING),
        until(3, "node_id", INT32),
        until(3, "host", STRING),
        until(3, "port", INT32),
        since(4, "coordinators", array(&COORDINATOR)),
    ]);

static COORDINATOR: Shape = shape::<find_coordinator_response::Coordinator>(&[
    since(4, "key", STRING),
    since(4, "node_id", INT32),
    since(4, "host", STRING),
    since(4, "port", INT32),
    since(4, "error_code", INT16),
    since(4, "error_message", STRING),
]);

pub(super) static DESCRIBE_CLUSTER_RESPONSE: Shape =
    shape::<describe_cluster_response::DescribeClusterResponse>(&[
        always("throttle_time_ms", INT32),
        always("error_code", INT16),
        always("error_message", STRING),
        since(1, "endpoint_type", INT8),
        always("cluster_id", STRING),
        always("controller_id", INT32),
        always("brokers", array(&DESCRIBE_CLUSTER_BROKER)),
        always("cluster_authorized_operations", INT32),
    ]);

static DESCRIBE_CLUSTER_BROKER: Shape =
    shape::<describe_cluster_response::DescribeClusterBroker>(&[
        always("broker_id", INT32),
        always("host", STRING),
        always("port", INT32),
        always("rack", STRING),
        since(2, "is_fenced", BOOLEAN),
    ]);
