//! The shapes of the requests for brokers, topics and coordinators.

use kafka_protocol::messages::{
    api_versions_request, describe_cluster_request, find_coordinator_request, metadata_request,
};

use super::super::{
    BOOLEAN, INT8, STRING, STRINGS, Shape, UUID, always, array, between, shape, since, until,
};

pub(super) static API_VERSIONS_REQUEST: Shape =
    shape::<api_versions_request::ApiVersionsRequest>(&[
        since(3, "client_software_name", STRING),
        since(3, "client_software_version", STRING),
    ]);

pub(super) static METADATA_REQUEST: Shape = shape::<metadata_request::MetadataRequest>(&[
    always("topics", array(&METADATA_REQUEST_TOPIC)),
    since(4, "allow_auto_topic_creation", BOOLEAN),
    between(8, 10, "include_cluster_authorized_operations", BOOLEAN),
    since(8, "include_topic_authorized_operations", BOOLEAN),
]);

static METADATA_REQUEST_TOPIC: Shape = shape::<metadata_request::MetadataRequestTopic>(&[
    since(10, "topic_id", UUID),
    always("name", STRING),
]);

pub(super) static FIND_COORDINATOR_REQUEST: Shape =
    shape::<find_coordinator_request::FindCoordinatorRequest>(&[
        until(3, "key", STRING),
        since(1, "key_type", INT8),
        since(4, "coordinator_keys", STRINGS),
    ]);

pub(super) static DESCRIBE_CLUSTER_REQUEST: Shape =
    shape::<describe_cluster_request::DescribeClusterRequest>(&[
        always("include_cluster_authorized_operations", BOOLEAN),
        since(1, "endpoint_type", INT8),
        since(2, "include_fenced_brokers", BOOLEAN),
    ]);
