//! Which versions of each API the releases of Kafka announce: since when there is which newest
//! version, and since when the oldest have gone (KIP-896). Versions that a release calls unstable
//! are not announced, and not listed here until they are stable.

use weft_client::wire::ApiKey;

use super::KafkaRelease::{self, *};

/// The oldest and the newest version of an API in a release. `None` before it had the API.
pub(super) fn versions(release: KafkaRelease, api_key: ApiKey) -> Option<(i16, i16)> {
    let reached = |steps: &[(KafkaRelease, i16)]| {
        let reached = steps.iter().take_while(|(since, _)| *since <= release);
        reached.last().map(|(_, version)| *version)
    };
    let last = reached(last(api_key))?;
    let is_trimmed = release >= V4_0;
    let first = if is_trimmed {
        first_since_4_0(api_key)
    } else {
        0
    };
    Some((first, last))
}

/// The newest versions, each with the first release that has it.
const fn last(api_key: ApiKey) -> &'static [(KafkaRelease, i16)] {
    match api_key {
        ApiKey::Produce => &[
            (V2_1, 7),
            (V2_4, 8),
            (V2_8, 9),
            (V3_7, 10),
            (V3_8, 11),
            (V4_0, 12),
            (V4_1, 13),
        ],
        ApiKey::Fetch => &[
            (V2_1, 10),
            (V2_3, 11),
            (V2_7, 12),
            (V3_1, 13),
            (V3_5, 15),
            (V3_7, 16),
            (V3_9, 17),
            (V4_1, 18),
        ],
        ApiKey::ListOffsets => &[
            (V2_1, 4),
            (V2_2, 5),
            (V2_8, 6),
            (V3_0, 7),
            (V3_5, 8),
            (V3_9, 9),
            (V4_0, 10),
            (V4_2, 11),
        ],
        ApiKey::Metadata => &[
            (V2_1, 7),
            (V2_3, 8),
            (V2_4, 9),
            (V2_8, 11),
            (V3_1, 12),
            (V4_0, 13),
        ],
        ApiKey::OffsetForLeaderEpoch => &[(V2_1, 2), (V2_3, 3), (V2_8, 4)],
        ApiKey::ApiVersions => &[(V2_1, 2), (V2_4, 3), (V3_9, 4), (V4_4, 5)],
        _ => last_of_groups(api_key),
    }
}

const fn last_of_groups(api_key: ApiKey) -> &'static [(KafkaRelease, i16)] {
    match api_key {
        ApiKey::OffsetCommit => &[(V2_1, 6), (V2_3, 7), (V2_4, 8), (V3_7, 9), (V4_2, 10)],
        ApiKey::OffsetFetch => &[
            (V2_1, 5),
            (V2_4, 6),
            (V2_5, 7),
            (V3_0, 8),
            (V3_7, 9),
            (V4_2, 10),
        ],
        ApiKey::FindCoordinator => &[(V2_1, 2), (V2_4, 3), (V3_0, 4), (V3_8, 5), (V3_9, 6)],
        ApiKey::JoinGroup => &[
            (V2_1, 3),
            (V2_2, 4),
            (V2_3, 5),
            (V2_4, 6),
            (V2_5, 7),
            (V3_2, 9),
        ],
        ApiKey::Heartbeat => &[(V2_1, 2), (V2_3, 3), (V2_4, 4)],
        ApiKey::LeaveGroup => &[(V2_1, 2), (V2_4, 4), (V3_2, 5)],
        ApiKey::SyncGroup => &[(V2_1, 2), (V2_3, 3), (V2_4, 4), (V2_5, 5)],
        ApiKey::DescribeGroups => &[(V2_1, 2), (V2_3, 3), (V2_4, 5), (V4_0, 6)],
        ApiKey::ListGroups => &[(V2_1, 2), (V2_4, 3), (V2_6, 4), (V3_8, 5)],
        ApiKey::DeleteGroups => &[(V2_1, 1), (V2_4, 2), (V4_4, 3)],
        ApiKey::OffsetDelete => &[(V2_4, 0)],
        _ => last_of_transactions(api_key),
    }
}

const fn last_of_transactions(api_key: ApiKey) -> &'static [(KafkaRelease, i16)] {
    match api_key {
        ApiKey::InitProducerId => &[(V2_1, 1), (V2_4, 2), (V2_5, 3), (V2_7, 4), (V3_8, 5)],
        ApiKey::AddPartitionsToTxn => &[(V2_1, 1), (V2_7, 2), (V2_8, 3), (V3_6, 4), (V3_8, 5)],
        ApiKey::AddOffsetsToTxn => &[(V2_1, 1), (V2_7, 2), (V2_8, 3), (V3_8, 4)],
        ApiKey::EndTxn => &[(V2_1, 1), (V2_7, 2), (V2_8, 3), (V3_8, 4), (V4_0, 5)],
        ApiKey::TxnOffsetCommit => &[(V2_1, 2), (V2_5, 3), (V3_8, 4), (V4_0, 5), (V4_4, 6)],
        ApiKey::WriteTxnMarkers => &[(V2_1, 0), (V2_8, 1), (V4_2, 2)],
        ApiKey::DescribeProducers => &[(V2_8, 0)],
        ApiKey::DescribeTransactions => &[(V3_0, 0)],
        ApiKey::ListTransactions => &[(V3_0, 0), (V3_8, 1), (V4_1, 2)],
        _ => last_of_administration(api_key),
    }
}

const fn last_of_administration(api_key: ApiKey) -> &'static [(KafkaRelease, i16)] {
    match api_key {
        ApiKey::CreateTopics => &[(V2_1, 3), (V2_4, 5), (V2_7, 6), (V2_8, 7)],
        ApiKey::DeleteTopics => &[(V2_1, 3), (V2_4, 4), (V2_7, 5), (V2_8, 6)],
        ApiKey::CreatePartitions => &[(V2_1, 1), (V2_5, 2), (V2_7, 3)],
        ApiKey::DeleteRecords => &[(V2_1, 1), (V2_6, 2)],
        ApiKey::DescribeConfigs => &[(V2_1, 2), (V2_6, 3), (V2_8, 4)],
        ApiKey::AlterConfigs => &[(V2_1, 1), (V2_8, 2)],
        ApiKey::IncrementalAlterConfigs => &[(V2_3, 0), (V2_4, 1)],
        ApiKey::ElectLeaders => &[(V2_2, 0), (V2_4, 2)],
        ApiKey::DescribeCluster => &[(V2_8, 0), (V3_7, 1), (V4_0, 2)],
        ApiKey::DescribeTopicPartitions => &[(V3_8, 0)],
        _ => &[],
    }
}

/// The oldest versions that Kafka 4.0 left (KIP-896).
const fn first_since_4_0(api_key: ApiKey) -> i16 {
    match api_key {
        ApiKey::Fetch => 4,
        ApiKey::Produce => 3,
        ApiKey::OffsetCommit | ApiKey::OffsetForLeaderEpoch | ApiKey::CreateTopics => 2,
        ApiKey::ListOffsets
        | ApiKey::OffsetFetch
        | ApiKey::DeleteTopics
        | ApiKey::WriteTxnMarkers
        | ApiKey::DescribeConfigs => 1,
        _ => 0,
    }
}
