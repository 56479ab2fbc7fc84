//! ApiVersions: what this broker speaks, which is what the schemas know.

use weft_client::wire::messages::ApiVersionsResponse;
use weft_client::wire::messages::api_versions_response::ApiVersion;
use weft_client::wire::{ApiKey, ErrorCode, schema_versions};

use super::super::reply::Reply;

pub(super) fn api_versions() -> Reply {
    ApiVersionsResponse::default()
        .with_api_keys(SPOKEN.map(range).to_vec())
        .into()
}

/// The answer to a version that is too new: which ones would do (KIP-511).
pub(in crate::mock::core) fn unsupported() -> Reply {
    ApiVersionsResponse::default()
        .with_error_code(ErrorCode::UNSUPPORTED_VERSION.0)
        .with_api_keys(vec![range(ApiKey::ApiVersions)])
        .into()
}

/// Whether the brokers know the API. The wire layer reads more of them than the brokers serve.
pub(in crate::mock::core) fn is_spoken(api_key: ApiKey) -> bool {
    SPOKEN.contains(&api_key)
}

fn range(api_key: ApiKey) -> ApiVersion {
    let versions = schema_versions(api_key);
    ApiVersion::default()
        .with_api_key(api_key as i16)
        .with_min_version(*versions.start())
        .with_max_version(*versions.end())
}

const SPOKEN: [ApiKey; 21] = [
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::ListOffsets,
    ApiKey::Metadata,
    ApiKey::OffsetCommit,
    ApiKey::OffsetFetch,
    ApiKey::FindCoordinator,
    ApiKey::JoinGroup,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::SyncGroup,
    ApiKey::DescribeGroups,
    ApiKey::ListGroups,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::InitProducerId,
    ApiKey::OffsetForLeaderEpoch,
    ApiKey::CreatePartitions,
    ApiKey::DeleteGroups,
    ApiKey::DescribeCluster,
];
