//! The messages that Weft reads and writes, as one enum for each direction. It names them and never
//! looks inside.
//!
//! The client speaks the first part of them. The rest is for brokers only and exists with the
//! feature `broker`: nobody else pays for its decoders.

use kafka_protocol::messages::{self, ApiKey};
#[cfg(any(test, feature = "broker"))]
use kafka_protocol::protocol::{Message, VersionRange};

macro_rules! messages {
    ($($(#[$gate:meta])? $api:ident($request:ident, $response:ident),)*) => {
        /// A request to a broker, in the one shape that the machines build (see [`super`]).
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request {
            $(
                #[doc = concat!("`", stringify!($request), "`")]
                $(#[$gate])?
                $api(messages::$request),
            )*
        }

        /// A broker's answer, in the one shape that the machines read (see [`super`]).
        #[derive(Clone, Debug, PartialEq)]
        pub enum Response {
            $(
                #[doc = concat!("`", stringify!($response), "`")]
                $(#[$gate])?
                $api(messages::$response),
            )*
        }

        impl Request {
            /// The API that the request belongs to.
            pub const fn api_key(&self) -> ApiKey {
                match self {
                    $($(#[$gate])? Self::$api(_) => ApiKey::$api,)*
                }
            }
        }

        impl Response {
            /// The API that the response belongs to.
            pub const fn api_key(&self) -> ApiKey {
                match self {
                    $($(#[$gate])? Self::$api(_) => ApiKey::$api,)*
                }
            }
        }

        /// The versions in which the schemas know both the request and the response; `None` for an
        /// API that is not listed here.
        #[cfg(any(test, feature = "broker"))]
        pub(super) fn schema_range(api_key: ApiKey) -> Option<VersionRange> {
            match api_key {
                $(
                    ApiKey::$api => Some(
                        messages::$request::VERSIONS.intersect(&messages::$response::VERSIONS),
                    ),
                )*
                _ => None,
            }
        }

        /// Every request and its response, with nothing but defaults.
        #[cfg(test)]
        pub(super) fn defaults() -> Vec<(Request, Response)> {
            vec![$((
                Request::$api(messages::$request::default()),
                Response::$api(messages::$response::default()),
            ),)*]
        }

        $(
            $(#[$gate])?
            impl From<messages::$request> for Request {
                fn from(message: messages::$request) -> Self {
                    Self::$api(message)
                }
            }

            $(#[$gate])?
            impl From<messages::$response> for Response {
                fn from(message: messages::$response) -> Self {
                    Self::$api(message)
                }
            }
        )*
    };
}

/// Calls the macro `$callback` with the name of every API, behind its feature where it has one.
macro_rules! for_each_api {
    ($callback:ident) => {
        $callback! {
            ApiVersions, Metadata, Produce, Fetch, ListOffsets, FindCoordinator, JoinGroup,
            SyncGroup, Heartbeat, LeaveGroup, OffsetCommit, OffsetFetch, OffsetForLeaderEpoch,
            CreateTopics, DeleteTopics, CreatePartitions, DescribeGroups, ListGroups,
            DeleteGroups, InitProducerId, DescribeCluster,
            #[cfg(any(test, feature = "broker"))] AddPartitionsToTxn,
            #[cfg(any(test, feature = "broker"))] AddOffsetsToTxn,
            #[cfg(any(test, feature = "broker"))] EndTxn,
            #[cfg(any(test, feature = "broker"))] TxnOffsetCommit,
            #[cfg(any(test, feature = "broker"))] WriteTxnMarkers,
            #[cfg(any(test, feature = "broker"))] DescribeProducers,
            #[cfg(any(test, feature = "broker"))] DescribeTransactions,
            #[cfg(any(test, feature = "broker"))] ListTransactions,
            #[cfg(any(test, feature = "broker"))] OffsetDelete,
            #[cfg(any(test, feature = "broker"))] DeleteRecords,
            #[cfg(any(test, feature = "broker"))] ElectLeaders,
            #[cfg(any(test, feature = "broker"))] DescribeTopicPartitions,
            #[cfg(any(test, feature = "broker"))] DescribeConfigs,
            #[cfg(any(test, feature = "broker"))] AlterConfigs,
            #[cfg(any(test, feature = "broker"))] IncrementalAlterConfigs,
        }
    };
}

pub(super) use for_each_api;

messages! {
    ApiVersions(ApiVersionsRequest, ApiVersionsResponse),
    Metadata(MetadataRequest, MetadataResponse),
    Produce(ProduceRequest, ProduceResponse),
    Fetch(FetchRequest, FetchResponse),
    ListOffsets(ListOffsetsRequest, ListOffsetsResponse),
    FindCoordinator(FindCoordinatorRequest, FindCoordinatorResponse),
    JoinGroup(JoinGroupRequest, JoinGroupResponse),
    SyncGroup(SyncGroupRequest, SyncGroupResponse),
    Heartbeat(HeartbeatRequest, HeartbeatResponse),
    LeaveGroup(LeaveGroupRequest, LeaveGroupResponse),
    OffsetCommit(OffsetCommitRequest, OffsetCommitResponse),
    OffsetFetch(OffsetFetchRequest, OffsetFetchResponse),
    OffsetForLeaderEpoch(OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse),
    CreateTopics(CreateTopicsRequest, CreateTopicsResponse),
    DeleteTopics(DeleteTopicsRequest, DeleteTopicsResponse),
    CreatePartitions(CreatePartitionsRequest, CreatePartitionsResponse),
    DescribeGroups(DescribeGroupsRequest, DescribeGroupsResponse),
    ListGroups(ListGroupsRequest, ListGroupsResponse),
    DeleteGroups(DeleteGroupsRequest, DeleteGroupsResponse),
    InitProducerId(InitProducerIdRequest, InitProducerIdResponse),
    DescribeCluster(DescribeClusterRequest, DescribeClusterResponse),
    #[cfg(any(test, feature = "broker"))]
    AddPartitionsToTxn(AddPartitionsToTxnRequest, AddPartitionsToTxnResponse),
    #[cfg(any(test, feature = "broker"))]
    AddOffsetsToTxn(AddOffsetsToTxnRequest, AddOffsetsToTxnResponse),
    #[cfg(any(test, feature = "broker"))]
    EndTxn(EndTxnRequest, EndTxnResponse),
    #[cfg(any(test, feature = "broker"))]
    TxnOffsetCommit(TxnOffsetCommitRequest, TxnOffsetCommitResponse),
    #[cfg(any(test, feature = "broker"))]
    WriteTxnMarkers(WriteTxnMarkersRequest, WriteTxnMarkersResponse),
    #[cfg(any(test, feature = "broker"))]
    DescribeProducers(DescribeProducersRequest, DescribeProducersResponse),
    #[cfg(any(test, feature = "broker"))]
    DescribeTransactions(DescribeTransactionsRequest, DescribeTransactionsResponse),
    #[cfg(any(test, feature = "broker"))]
    ListTransactions(ListTransactionsRequest, ListTransactionsResponse),
    #[cfg(any(test, feature = "broker"))]
    OffsetDelete(OffsetDeleteRequest, OffsetDeleteResponse),
    #[cfg(any(test, feature = "broker"))]
    DeleteRecords(DeleteRecordsRequest, DeleteRecordsResponse),
    #[cfg(any(test, feature = "broker"))]
    ElectLeaders(ElectLeadersRequest, ElectLeadersResponse),
    #[cfg(any(test, feature = "broker"))]
    DescribeTopicPartitions(DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse),
    #[cfg(any(test, feature = "broker"))]
    DescribeConfigs(DescribeConfigsRequest, DescribeConfigsResponse),
    #[cfg(any(test, feature = "broker"))]
    AlterConfigs(AlterConfigsRequest, AlterConfigsResponse),
    #[cfg(any(test, feature = "broker"))]
    IncrementalAlterConfigs(IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse),
}
