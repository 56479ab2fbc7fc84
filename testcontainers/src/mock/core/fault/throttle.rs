//! Writes into an answer for how long the client is throttled (KIP-219).

use std::time::Duration;

use weft_client::wire::Response;

/// Sets `throttle_time_ms`. Versions of an API that have no such field do not show it, and
/// WriteTxnMarkers, which only brokers send, has none at all.
pub(crate) fn throttle(response: &mut Response, time: Duration) {
    macro_rules! set {
        ($($api:ident)*) => {
            match response {
                $(Response::$api(response) => response.throttle_time_ms = milliseconds(time),)*
                Response::WriteTxnMarkers(_) => {}
            }
        };
    }
    set! {
        ApiVersions Metadata Produce Fetch ListOffsets FindCoordinator JoinGroup SyncGroup
        Heartbeat LeaveGroup OffsetCommit OffsetFetch OffsetForLeaderEpoch CreateTopics
        DeleteTopics CreatePartitions DescribeGroups ListGroups DeleteGroups InitProducerId
        DescribeCluster AddPartitionsToTxn AddOffsetsToTxn EndTxn TxnOffsetCommit
        DescribeProducers DescribeTransactions ListTransactions OffsetDelete DeleteRecords
        ElectLeaders DescribeTopicPartitions DescribeConfigs AlterConfigs IncrementalAlterConfigs
    }
}

/// As the wire has it; more than it can say is its largest.
pub(crate) fn milliseconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}
