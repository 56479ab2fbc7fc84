//! ApiVersions: what this broker speaks, which is what the mock and the release that it pretends to
//! be have in common.
//!
//! Versions 0 to 4. A version that the release does not know is answered in version 0 (KIP-511);
//! the name and version of the client's software are not looked at.

use std::ops::RangeInclusive;

use weft_client::wire::messages::ApiVersionsResponse;
use weft_client::wire::messages::api_versions_response::{
    ApiVersion, FinalizedFeatureKey, SupportedFeatureKey,
};
use weft_client::wire::{ApiKey, ErrorCode};

use super::super::cluster::Cluster;
use super::super::release::KafkaRelease;
use super::super::reply::{Ask, Reply, text};
use super::super::transaction::TransactionVersion;
use super::transaction::{ADDS_SINCE, BUMPS_SINCE};

pub(super) fn api_versions(cluster: &Cluster, ask: &Ask) -> Reply {
    let release = cluster.options.release;
    let ranges = SPOKEN.iter().filter_map(|api_key| range(release, *api_key));
    let response = ApiVersionsResponse::default().with_api_keys(ranges.collect());
    if transaction_version(release) == TransactionVersion::V1 {
        return response.into();
    }
    let supported = SupportedFeatureKey::default()
        .with_name(text(TRANSACTION_VERSION))
        .with_min_version(0)
        .with_max_version(TRANSACTION_LEVEL);
    // Older clients take a feature that may be off for a mistake.
    let supported = if ask.version() >= OPTIONAL_FEATURES_SINCE {
        vec![supported]
    } else {
        Vec::new()
    };
    response
        .with_finalized_features_epoch(FEATURES_EPOCH)
        .with_finalized_features(vec![
            FinalizedFeatureKey::default()
                .with_name(text(TRANSACTION_VERSION))
                .with_min_version_level(TRANSACTION_LEVEL)
                .with_max_version_level(TRANSACTION_LEVEL),
        ])
        .with_supported_features(supported)
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

/// The rules of transactions that the announced versions allow (KIP-890).
pub(in crate::mock::core) fn transaction_version(release: KafkaRelease) -> TransactionVersion {
    let speaks = |api_key, version| {
        release
            .versions(api_key)
            .is_some_and(|versions| *versions.end() >= version)
    };
    if speaks(ApiKey::EndTxn, BUMPS_SINCE) && speaks(ApiKey::Produce, ADDS_SINCE) {
        TransactionVersion::V2
    } else {
        TransactionVersion::V1
    }
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

/// The feature that tells a producer which rules of transactions hold.
const TRANSACTION_VERSION: &str = "transaction.version";

/// The level of it that stands for the second version of transactions.
const TRANSACTION_LEVEL: i16 = 2;

/// The features never change, and any epoch tells a client that they are known.
const FEATURES_EPOCH: i64 = 0;

/// The first version of ApiVersions that can tell of a feature with the level 0.
const OPTIONAL_FEATURES_SINCE: i16 = 4;

const SPOKEN: [ApiKey; 36] = [
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
    ApiKey::ElectLeaders,
    ApiKey::DescribeConfigs,
    ApiKey::AlterConfigs,
    ApiKey::IncrementalAlterConfigs,
    ApiKey::OffsetDelete,
    ApiKey::DeleteRecords,
    ApiKey::DescribeTopicPartitions,
    ApiKey::DescribeCluster,
    ApiKey::AddPartitionsToTxn,
    ApiKey::AddOffsetsToTxn,
    ApiKey::EndTxn,
    ApiKey::WriteTxnMarkers,
    ApiKey::TxnOffsetCommit,
    ApiKey::DescribeProducers,
    ApiKey::DescribeTransactions,
    ApiKey::ListTransactions,
];
