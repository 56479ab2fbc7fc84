//! Which version of an API to speak with a broker: what Weft knows, what the broker announced, and
//! what the request at hand needs. It never writes or reads a message.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use kafka_protocol::messages::{ApiKey, ApiVersionsResponse};

use super::error::WireError;
use super::error_code::ErrorCode;
use super::message::Request;
#[cfg(any(test, feature = "broker"))]
use super::message::schema_range;
use super::needs::Needs;

/// The versions of `api_key` that Weft's client speaks; empty for an API that it does not speak,
/// although the mock broker may.
pub const fn ours(api_key: ApiKey) -> RangeInclusive<i16> {
    match api_key {
        ApiKey::ApiVersions => 0..=4,
        ApiKey::Metadata => 1..=13,
        ApiKey::Produce => 3..=13,
        ApiKey::Fetch => 4..=18,
        ApiKey::ListOffsets => 1..=10,
        ApiKey::FindCoordinator => 0..=6,
        ApiKey::JoinGroup => 0..=9,
        ApiKey::SyncGroup => 0..=5,
        ApiKey::Heartbeat => 0..=4,
        ApiKey::LeaveGroup => 0..=5,
        // Version 10 names topics by id only; the classic protocol commits by name.
        ApiKey::OffsetCommit => 2..=9,
        ApiKey::OffsetFetch => 1..=9,
        ApiKey::OffsetForLeaderEpoch => 2..=4,
        ApiKey::CreateTopics => 2..=7,
        ApiKey::DeleteTopics => 1..=6,
        ApiKey::CreatePartitions => 0..=3,
        ApiKey::DescribeGroups => 0..=6,
        ApiKey::ListGroups => 0..=5,
        ApiKey::DeleteGroups => 0..=2,
        ApiKey::InitProducerId => 0..=5,
        ApiKey::DescribeCluster => 0..=2,
        _ => NOTHING,
    }
}

/// The versions of `api_key` that the schemas can write and read, which the mock broker may speak.
/// Empty for an API that neither the client nor the mock broker knows.
#[cfg(any(test, feature = "broker"))]
pub fn schema_versions(api_key: ApiKey) -> RangeInclusive<i16> {
    schema_range(api_key).map_or(NOTHING, |range| range.min..=range.max)
}

/// What one broker speaks, as it announced it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct BrokerVersions {
    ranges: BTreeMap<i16, RangeInclusive<i16>>,
}

impl BrokerVersions {
    /// Reads the broker's announcement. APIs that Weft does not speak are kept as well.
    pub fn from_response(response: &ApiVersionsResponse) -> Self {
        let ranges = response
            .api_keys
            .iter()
            .map(|api| (api.api_key, api.min_version..=api.max_version))
            .collect();
        Self { ranges }
    }

    /// The version in which to ask again, if the broker refused ApiVersions in version `asked`
    /// (KIP-511). `None` if it did not refuse, or if there is no older version left to ask in.
    ///
    /// It is always older than `asked`, so that asking again comes to an end.
    pub fn version_to_ask_again(response: &ApiVersionsResponse, asked: i16) -> Option<i16> {
        if ErrorCode(response.error_code) != ErrorCode::UNSUPPORTED_VERSION || asked <= 0 {
            return None;
        }
        let known = Self::from_response(response).latest(ApiKey::ApiVersions);
        // Brokers before 2.4 do not say what they know, and all know version 0.
        Some(known.unwrap_or(0).min(asked - 1))
    }

    /// What the broker speaks of `api_key`; `None` if it does not know it.
    pub fn range(&self, api_key: ApiKey) -> Option<RangeInclusive<i16>> {
        self.ranges.get(&(api_key as i16)).cloned()
    }

    /// The newest version of `api_key` that both sides speak, whatever the request.
    pub fn latest(&self, api_key: ApiKey) -> Option<i16> {
        let (ours, theirs) = (ours(api_key), self.range(api_key)?);
        let latest = *ours.end().min(theirs.end());
        (latest >= *ours.start() && latest >= *theirs.start()).then_some(latest)
    }

    /// The newest version that both sides speak and that can carry this request.
    ///
    /// # Errors
    ///
    /// [`WireError::Unsupported`], naming what the request needs and what the broker has.
    pub fn negotiate(&self, request: &Request) -> Result<i16, WireError> {
        Needs::of(request).newest_in(request, self.range(request.api_key()))
    }
}

#[expect(
    clippy::reversed_empty_ranges,
    reason = "no version at all is what it stands for"
)]
const NOTHING: RangeInclusive<i16> = 0..=-1;

#[cfg(test)]
mod tests;
