//! ApiVersions: what this broker speaks, which is what the mock and the release that it pretends to
//! be have in common.

use std::ops::RangeInclusive;

use weft_client::wire::messages::ApiVersionsResponse;
use weft_client::wire::messages::api_versions_response::ApiVersion;
use weft_client::wire::{ApiKey, ErrorCode};

use super::super::cluster::Cluster;
use super::super::release::KafkaRelease;
use super::super::reply::Reply;

pub(super) fn api_versions(cluster: &Cluster) -> Reply {
    let release = cluster.options.release;
    let ranges = SPOKEN.iter().filter_map(|api_key| range(release, *api_key));
    ApiVersionsResponse::default()
        .with_api_keys(ranges.collect())
        .into()
}

/// The answer to a version that is too new: which ones would do, since 2.4 (KIP-511).
pub(in crate::mock::core) fn unsupported(release: KafkaRelease) -> Reply {
    let ranges = range(release, ApiKey::ApiVersions);
    let ranges = ranges.filter(|_| release >= KafkaRelease::V2_4);
    ApiVersionsResponse::default()
        .with_error_code(ErrorCode::UNSUPPORTED_VERSION.0)
        .with_api_keys(ranges.into_iter().collect())
        .into()
}

/// The versions of an API that the brokers serve. The wire layer reads more than that.
pub(in crate::mock::core) fn spoken(
    release: KafkaRelease,
    api_key: ApiKey,
) -> Option<RangeInclusive<i16>> {
    let is_spoken = SPOKEN.contains(&api_key);
    release.versions(api_key).filter(|_| is_spoken)
}

fn range(release: KafkaRelease, api_key: ApiKey) -> Option<ApiVersion> {
    let versions = spoken(release, api_key)?;
    let first = match api_key {
        // Every broker announces it, also those that do not serve it: some clients compress nothing
        // unless it is there.
        ApiKey::Produce => 0,
        _ => *versions.start(),
    };
    let range = ApiVersion::default()
        .with_api_key(api_key as i16)
        .with_min_version(first)
        .with_max_version(*versions.end());
    Some(range)
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
