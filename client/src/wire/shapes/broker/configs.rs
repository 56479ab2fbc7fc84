//! The shapes of the messages for configurations.

use kafka_protocol::messages::{
    alter_configs_request, alter_configs_response, describe_configs_request,
    describe_configs_response, incremental_alter_configs_request,
    incremental_alter_configs_response,
};

use super::super::{
    BOOLEAN, INT8, INT16, INT32, STRING, STRINGS, Shape, always, array, shape, since,
};

pub(super) static DESCRIBE_CONFIGS_REQUEST: Shape =
    shape::<describe_configs_request::DescribeConfigsRequest>(&[
        always("resources", array(&DESCRIBE_CONFIGS_RESOURCE)),
        always("include_synonyms", BOOLEAN),
        since(3, "include_documentation", BOOLEAN),
    ]);

static DESCRIBE_CONFIGS_RESOURCE: Shape =
    shape::<describe_configs_request::DescribeConfigsResource>(&[
        always("resource_type", INT8),
        always("resource_name", STRING),
        always("configuration_keys", STRINGS),
    ]);

pub(super) static DESCRIBE_CONFIGS_RESPONSE: Shape =
    shape::<describe_configs_response::DescribeConfigsResponse>(&[
        always("throttle_time_ms", INT32),
        always("results", array(&DESCRIBE_CONFIGS_RESULT)),
    ]);

static DESCRIBE_CONFIGS_RESULT: Shape =
    shape::<describe_configs_response::DescribeConfigsResult>(&[
        always("error_code", INT16),
        always("error_message", STRING),
        always("resource_type", INT8),
        always("resource_name", STRING),
        always("configs", array(&DESCRIBE_CONFIGS_RESOURCE_RESULT)),
    ]);

static DESCRIBE_CONFIGS_RESOURCE_RESULT: Shape =
    shape::<describe_configs_response::DescribeConfigsResourceResult>(&[
        always("name", STRING),
        always("value", STRING),
        always("read_only", BOOLEAN),
        always("config_source", INT8),
        always("is_sensitive", BOOLEAN),
        always("synonyms", array(&DESCRIBE_CONFIGS_SYNONYM)),
        since(3, "config_type", INT8),
        since(3, "documentation", STRING),
    ]);

static DESCRIBE_CONFIGS_SYNONYM: Shape =
    shape::<describe_configs_response::DescribeConfigsSynonym>(&[
        always("name", STRING),
        always("value", STRING),
        always("source", INT8),
    ]);

pub(super) static ALTER_CONFIGS_REQUEST: Shape =
    shape::<alter_configs_request::AlterConfigsRequest>(&[
        always("resources", array(&ALTER_CONFIGS_RESOURCE)),
        always("validate_only", BOOLEAN),
    ]);

static ALTER_CONFIGS_RESOURCE: Shape = shape::<alter_configs_request::AlterConfigsResource>(&[
    always("resource_type", INT8),
    always("resource_name", STRING),
    always("configs", array(&ALTERABLE_CONFIG)),
]);

static ALTERABLE_CONFIG: Shape = shape::<alter_configs_request::AlterableConfig>(&[
    always("name", STRING),
    always("value", STRING),
]);

pub(super) static ALTER_CONFIGS_RESPONSE: Shape =
    shape::<alter_configs_response::AlterConfigsResponse>(&[
        always("throttle_time_ms", INT32),
        always("responses", array(&ALTER_CONFIGS_RESOURCE_RESPONSE)),
    ]);

static ALTER_CONFIGS_RESOURCE_RESPONSE: Shape =
    shape::<alter_configs_response::AlterConfigsResourceResponse>(&[
        always("error_code", INT16),
        always("error_message", STRING),
        always("resource_type", INT8),
        always("resource_name", STRING),
    ]);

pub(super) static INCREMENTAL_ALTER_CONFIGS_REQUEST: Shape =
    shape::<incremental_alter_configs_request::IncrementalAlterConfigsRequest>(&[
        always("resources", array(&INCREMENTAL_ALTER_CONFIGS_RESOURCE)),
        always("validate_only", BOOLEAN),
    ]);

static INCREMENTAL_ALTER_CONFIGS_RESOURCE: Shape =
    shape::<incremental_alter_configs_request::AlterConfigsResource>(&[
        always("resource_type", INT8),
        always("resource_name", STRING),
        always("configs", array(&INCREMENTAL_ALTERABLE_CONFIG)),
    ]);

static INCREMENTAL_ALTERABLE_CONFIG: Shape =
    shape::<incremental_alter_configs_request::AlterableConfig>(&[
        always("name", STRING),
        always("config_operation", INT8),
        always("value", STRING),
    ]);

pub(super) static INCREMENTAL_ALTER_CONFIGS_RESPONSE: Shape =
    shape::<incremental_alter_configs_response::IncrementalAlterConfigsResponse>(&[
        always("throttle_time_ms", INT32),
        always(
            "responses",
            array(&INCREMENTAL_ALTER_CONFIGS_RESOURCE_RESPONSE),
        ),
    ]);

static INCREMENTAL_ALTER_CONFIGS_RESOURCE_RESPONSE: Shape =
    shape::<incremental_alter_configs_response::AlterConfigsResourceResponse>(&[
        always("error_code", INT16),
        always("error_message", STRING),
        always("resource_type", INT8),
        always("resource_name", STRING),
    ]);
