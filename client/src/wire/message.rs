//! The messages that Weft speaks, as one enum for each direction. It names them and never looks
//! inside.

use kafka_protocol::messages::{self, ApiKey};
#[cfg(any(test, feature = "broker"))]
use kafka_protocol::protocol::{Message, VersionRange};

macro_rules! messages {
    ($($api:ident($request:ident, $response:ident),)*) => {
        /// A request to a broker, in the one shape that the machines build (see [`super`]).
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request {
            $(
                #[doc = concat!("`", stringify!($request), "`")]
                $api(messages::$request),
            )*
        }

        /// A broker's answer, in the one shape that the machines read (see [`super`]).
        #[derive(Clone, Debug, PartialEq)]
        pub enum Response {
            $(
                #[doc = concat!("`", stringify!($response), "`")]
                $api(messages::$response),
            )*
        }

        impl Request {
            /// The API that the request belongs to.
            pub const fn api_key(&self) -> ApiKey {
                match self {
                    $(Self::$api(_) => ApiKey::$api,)*
                }
            }
        }

        impl Response {
            /// The API that the response belongs to.
            pub const fn api_key(&self) -> ApiKey {
                match self {
                    $(Self::$api(_) => ApiKey::$api,)*
                }
            }
        }

        /// The versions in which the schemas know both the request and the response; `None` for an
        /// API that Weft does not speak.
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
            impl From<messages::$request> for Request {
                fn from(message: messages::$request) -> Self {
                    Self::$api(message)
                }
            }

            impl From<messages::$response> for Response {
                fn from(message: messages::$response) -> Self {
                    Self::$api(message)
                }
            }
        )*
    };
}

/// Calls the macro `$callback` with the name of every API that Weft speaks.
macro_rules! for_each_api {
    ($callback:ident) => {
        $callback! {
            ApiVersions, Metadata, Produce, Fetch, ListOffsets, FindCoordinator, JoinGroup,
            SyncGroup, Heartbeat, LeaveGroup, OffsetCommit, OffsetFetch, OffsetForLeaderEpoch,
            CreateTopics, DeleteTopics, CreatePartitions, DescribeGroups, ListGroups,
            DeleteGroups, InitProducerId, DescribeCluster,
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
}
