//! Which version of an API to speak with a broker: what Weft knows, what the broker announced, and
//! what the request at hand needs. It never writes or reads a message.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use kafka_protocol::messages::{ApiKey, ApiVersionsResponse};

use super::error::WireError;
use super::message::Request;
#[cfg(any(test, feature = "broker"))]
use super::message::schema_range;

/// The versions of `api_key` that Weft speaks; empty for an API that it does not speak.
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
/// Empty for an API that Weft does not speak.
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

    /// What the broker speaks of `api_key`; `None` if it does not know it.
    pub fn range(&self, api_key: ApiKey) -> Option<RangeInclusive<i16>> {
        self.ranges.get(&(api_key as i16)).cloned()
    }

    /// The newest version that both sides speak and that can carry this request.
    ///
    /// # Errors
    ///
    /// [`WireError::Unsupported`], naming what the request needs and what the broker has.
    pub fn negotiate(&self, request: &Request) -> Result<i16, WireError> {
        let api_key = request.api_key();
        let needed = ours(api_key);
        let broker = self.range(api_key);
        let common = broker.as_ref().map(|broker| {
            let lowest = *needed.start().max(broker.start());
            let highest = *needed.end().min(broker.end());
            lowest..=highest
        });
        match common {
            Some(common) if !common.is_empty() => Ok(*common.end()),
            _ => Err(WireError::Unsupported {
                api_key,
                needed,
                broker,
                feature: "this client",
            }),
        }
    }
}

#[expect(
    clippy::reversed_empty_ranges,
    reason = "no version at all is what it stands for"
)]
const NOTHING: RangeInclusive<i16> = 0..=-1;
