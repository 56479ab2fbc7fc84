//! The codes with which brokers refuse: their names, their meaning, and whether asking again can
//! help. What a machine does about one is decided by `reaction.rs` alone.

use std::fmt;

/// An error code of the protocol. A code that nobody here knows is kept, and printed as its number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(pub i16);

impl ErrorCode {
    /// Kafka's name for the code; `None` if it is not known here.
    pub fn name(self) -> Option<&'static str> {
        self.known().map(|known| known.name)
    }

    /// What the code means, as the end of a sentence; `None` if it is not known here.
    pub fn meaning(self) -> Option<&'static str> {
        self.known().map(|known| known.meaning)
    }

    /// Whether the code means that the request was carried out.
    pub const fn is_none(self) -> bool {
        self.0 == Self::NONE.0
    }

    /// Whether the same request may succeed later.
    pub fn is_retriable(self) -> bool {
        self.known()
            .is_some_and(|known| known.class != Class::Final)
    }

    /// Whether the same request may succeed once the metadata was updated. Implies
    /// [`is_retriable`](Self::is_retriable).
    pub fn is_invalid_metadata(self) -> bool {
        self.known()
            .is_some_and(|known| known.class == Class::Metadata)
    }

    fn known(self) -> Option<&'static Known> {
        let index = i32::from(self.0) - i32::from(FIRST_CODE);
        KNOWN.get(usize::try_from(index).ok()?)
    }
}

impl From<i16> for ErrorCode {
    fn from(code: i16) -> Self {
        Self(code)
    }
}

impl fmt::Display for ErrorCode {
    /// Writes the name and its meaning, for the log and for error texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some(known) => write!(f, "{} ({})", known.name, known.meaning),
            None => write!(f, "unknown error code {}", self.0),
        }
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "ErrorCode({})", self.0),
        }
    }
}

struct Known {
    name: &'static str,
    class: Class,
    meaning: &'static str,
}

/// What asking again would do.
#[derive(PartialEq, Eq)]
enum Class {
    /// The same answer would come again.
    Final,
    /// It may succeed later.
    Retry,
    /// It may succeed after an update of the metadata.
    Metadata,
}

macro_rules! codes {
    ($($code:literal $name:ident $class:ident $meaning:literal)*) => {
        impl ErrorCode {
            $(
                #[doc = concat!("Code ", $code, ": ", $meaning, ".")]
                pub const $name: Self = Self($code);
            )*
        }

        /// Every known code, in the order of the numbers and without a gap.
        const KNOWN: &[Known] = &[
            $(Known { name: stringify!($name), class: Class::$class, meaning: $meaning },)*
        ];

        #[cfg(test)]
        const NUMBERS: &[i16] = &[$($code),*];
    };
}

/// The number of the first entry of the table.
const FIRST_CODE: i16 = -1;

codes! {
    -1 UNKNOWN_SERVER_ERROR Final "the broker failed and does not say how"
    0 NONE Final "no error"
    1 OFFSET_OUT_OF_RANGE Final "the offset lies outside the log of the partition"
    2 CORRUPT_MESSAGE Retry "a record batch fails its checksum or its structure"
    3 UNKNOWN_TOPIC_OR_PARTITION Metadata "the broker does not host this topic or partition"
    4 INVALID_FETCH_SIZE Final "the fetch asks for a negative size"
    5 LEADER_NOT_AVAILABLE Metadata "a leader is being elected"
    6 NOT_LEADER_OR_FOLLOWER Metadata "the broker no longer leads or replicates the partition"
    7 REQUEST_TIMED_OUT Retry "the broker ran out of time for the request"
    8 BROKER_NOT_AVAILABLE Final "the broker is not available"
    9 REPLICA_NOT_AVAILABLE Metadata "the replica is not available on this broker"
    10 MESSAGE_TOO_LARGE Final "a batch is larger than the topic allows"
    11 STALE_CONTROLLER_EPOCH Final "the controller moved on to another broker"
    12 OFFSET_METADATA_TOO_LARGE Final "the text of a committed offset is too long"
    13 NETWORK_EXCEPTION Metadata "the connection was lost before the answer"
    14 COORDINATOR_LOAD_IN_PROGRESS Retry "the coordinator is still loading its state"
    15 COORDINATOR_NOT_AVAILABLE Retry "there is no coordinator at the moment"
    16 NOT_COORDINATOR Retry "this broker is not the coordinator"
    17 INVALID_TOPIC_EXCEPTION Final "the name of the topic is not allowed"
    18 RECORD_LIST_TOO_LARGE Final "the batch is larger than a segment of the log"
    19 NOT_ENOUGH_REPLICAS Retry "fewer replicas are in sync than required"
    20 NOT_ENOUGH_REPLICAS_AFTER_APPEND Retry "written, but to fewer replicas in sync than required"
    21 INVALID_REQUIRED_ACKS Final "the number of required acknowledgements is not allowed"
    22 ILLEGAL_GENERATION Final "the generation of the group is another one"
    23 INCONSISTENT_GROUP_PROTOCOL Final "the member has no protocol in common with its group"
    24 INVALID_GROUP_ID Final "the group id is not allowed"
    25 UNKNOWN_MEMBER_ID Final "the coordinator does not know this member"
    26 INVALID_SESSION_TIMEOUT Final "the session timeout is outside the broker's limits"
    27 REBALANCE_IN_PROGRESS Final "the group is rebalancing, so rejoin"
    28 INVALID_COMMIT_OFFSET_SIZE Final "a committed offset is too large to be stored"
    29 TOPIC_AUTHORIZATION_FAILED Final "not allowed to do this with the topic"
    30 GROUP_AUTHORIZATION_FAILED Final "not allowed to do this with the group"
    31 CLUSTER_AUTHORIZATION_FAILED Final "not allowed to do this with the cluster"
    32 INVALID_TIMESTAMP Final "the timestamp of a record is outside the allowed range"
    33 UNSUPPORTED_SASL_MECHANISM Final "the broker does not offer this SASL mechanism"
    34 ILLEGAL_SASL_STATE Final "the request is not allowed at this point of authentication"
    35 UNSUPPORTED_VERSION Final "the broker does not know this version of the API"
    36 TOPIC_ALREADY_EXISTS Final "a topic of this name exists"
    37 INVALID_PARTITIONS Final "the number of partitions is not allowed"
    38 INVALID_REPLICATION_FACTOR Final "the replication factor is not possible"
    39 INVALID_REPLICA_ASSIGNMENT Final "the assignment of replicas is not possible"
    40 INVALID_CONFIG Final "the configuration is not allowed"
    41 NOT_CONTROLLER Retry "this broker is not the controller"
    42 INVALID_REQUEST Final "the request makes no sense to the broker"
    43 UNSUPPORTED_FOR_MESSAGE_FORMAT Final "the format of the stored records cannot do this"
    44 POLICY_VIOLATION Final "a policy of the broker forbids it"
    45 OUT_OF_ORDER_SEQUENCE_NUMBER Final "a batch of the producer is missing before this one"
    46 DUPLICATE_SEQUENCE_NUMBER Final "the broker has this batch already"
    47 INVALID_PRODUCER_EPOCH Final "the epoch of the producer is an old one"
    48 INVALID_TXN_STATE Final "the transaction is not in a state that allows this"
    49 INVALID_PRODUCER_ID_MAPPING Final "the producer id belongs to another transactional id"
    50 INVALID_TRANSACTION_TIMEOUT Final "the transaction timeout is above the broker's limit"
    51 CONCURRENT_TRANSACTIONS Retry "the previous transaction is still being completed"
    52 TRANSACTION_COORDINATOR_FENCED Final "the transaction coordinator was replaced"
    53 TRANSACTIONAL_ID_AUTHORIZATION_FAILED Final "not allowed to use the transactional id"
    54 SECURITY_DISABLED Final "security features are switched off"
    55 OPERATION_NOT_ATTEMPTED Final "not tried, because another part of the request failed"
    56 KAFKA_STORAGE_ERROR Metadata "the disk of the broker failed"
    57 LOG_DIR_NOT_FOUND Final "the log directory does not exist"
    58 SASL_AUTHENTICATION_FAILED Final "the credentials are wrong"
    59 UNKNOWN_PRODUCER_ID Final "the broker has forgotten this producer"
    60 REASSIGNMENT_IN_PROGRESS Final "the partition is being moved"
    61 DELEGATION_TOKEN_AUTH_DISABLED Final "delegation tokens are switched off"
    62 DELEGATION_TOKEN_NOT_FOUND Final "the broker does not know the delegation token"
    63 DELEGATION_TOKEN_OWNER_MISMATCH Final "the delegation token belongs to someone else"
    64 DELEGATION_TOKEN_REQUEST_NOT_ALLOWED Final "not on this kind of connection"
    65 DELEGATION_TOKEN_AUTHORIZATION_FAILED Final "not allowed to use the token"
    66 DELEGATION_TOKEN_EXPIRED Final "the delegation token has expired"
    67 INVALID_PRINCIPAL_TYPE Final "the type of principal is not supported"
    68 NON_EMPTY_GROUP Final "the group still has members"
    69 GROUP_ID_NOT_FOUND Final "there is no such group"
    70 FETCH_SESSION_ID_NOT_FOUND Retry "the broker has forgotten the fetch session"
    71 INVALID_FETCH_SESSION_EPOCH Retry "the epoch of the fetch session is not the next one"
    72 LISTENER_NOT_FOUND Metadata "the leader has no listener like the one that was asked"
    73 TOPIC_DELETION_DISABLED Final "the broker does not delete topics"
    74 FENCED_LEADER_EPOCH Metadata "the leader epoch of the request is older than the broker's"
    75 UNKNOWN_LEADER_EPOCH Retry "the leader epoch of the request is newer than the broker's"
    76 UNSUPPORTED_COMPRESSION_TYPE Final "the version of the request cannot carry this compression"
    77 STALE_BROKER_EPOCH Final "the broker epoch is an old one"
    78 OFFSET_NOT_AVAILABLE Retry "the new leader has not caught up with the high watermark"
    79 MEMBER_ID_REQUIRED Final "join again, with the member id in the answer"
    80 PREFERRED_LEADER_NOT_AVAILABLE Metadata "the preferred leader is not available"
    81 GROUP_MAX_SIZE_REACHED Final "the group has as many members as allowed"
    82 FENCED_INSTANCE_ID Final "another member took over the group instance id"
    83 ELIGIBLE_LEADERS_NOT_AVAILABLE Metadata "no replica may become the leader"
    84 ELECTION_NOT_NEEDED Metadata "the partition has its leader already"
    85 NO_REASSIGNMENT_IN_PROGRESS Final "the partition is not being moved"
    86 GROUP_SUBSCRIBED_TO_TOPIC Final "the group is subscribed to the topic"
    87 INVALID_RECORD Final "the broker refuses a record"
    88 UNSTABLE_OFFSET_COMMIT Retry "a transaction has not decided on the offset yet"
    89 THROTTLING_QUOTA_EXCEEDED Retry "the quota is used up for now"
    90 PRODUCER_FENCED Final "another producer took over the transactional id"
    91 RESOURCE_NOT_FOUND Final "there is no such resource"
    92 DUPLICATE_RESOURCE Final "the resource exists"
    93 UNACCEPTABLE_CREDENTIAL Final "the credential does not meet the requirements"
    94 INCONSISTENT_VOTER_SET Final "the set of voters is another one"
    95 INVALID_UPDATE_VERSION Final "the version of the update is not allowed"
    96 FEATURE_UPDATE_FAILED Final "the features could not be updated"
    97 PRINCIPAL_DESERIALIZATION_FAILURE Final "a forwarded principal could not be read"
    98 SNAPSHOT_NOT_FOUND Final "there is no such snapshot"
    99 POSITION_OUT_OF_RANGE Final "the position lies outside the snapshot"
    100 UNKNOWN_TOPIC_ID Metadata "the broker does not host a topic of this id"
    101 DUPLICATE_BROKER_REGISTRATION Final "a broker of this id is registered"
    102 BROKER_ID_NOT_REGISTERED Final "no broker of this id is registered"
    103 INCONSISTENT_TOPIC_ID Metadata "the topic id is not that of the log"
    104 INCONSISTENT_CLUSTER_ID Final "the cluster id is another one"
    105 TRANSACTIONAL_ID_NOT_FOUND Final "there is no such transactional id"
    106 FETCH_SESSION_TOPIC_ID_ERROR Retry "the fetch session mixes topics with and without ids"
    107 INELIGIBLE_REPLICA Final "the replica may not join those in sync"
    108 NEW_LEADER_ELECTED Final "the change made another replica the leader"
    109 OFFSET_MOVED_TO_TIERED_STORAGE Final "the offset is in remote storage only"
    110 FENCED_MEMBER_EPOCH Final "the coordinator has fenced the member"
    111 UNRELEASED_INSTANCE_ID Final "another member still uses the group instance id"
    112 UNSUPPORTED_ASSIGNOR Final "the group does not support the assignor"
    113 STALE_MEMBER_EPOCH Final "the member epoch is an old one"
    114 MISMATCHED_ENDPOINT_TYPE Final "a controller where a broker was meant, or the reverse"
    115 UNSUPPORTED_ENDPOINT_TYPE Final "the type of endpoint is not supported"
    116 UNKNOWN_CONTROLLER_ID Final "there is no such controller"
    117 UNKNOWN_SUBSCRIPTION_ID Final "the telemetry subscription is an old one"
    118 TELEMETRY_TOO_LARGE Final "the telemetry is larger than the broker accepts"
    119 INVALID_REGISTRATION Final "the controller refuses the registration of the broker"
    120 TRANSACTION_ABORTABLE Final "the transaction failed and can be aborted"
    121 INVALID_RECORD_STATE Final "the record cannot be acknowledged in its state"
    122 SHARE_SESSION_NOT_FOUND Retry "the broker has forgotten the share session"
    123 INVALID_SHARE_SESSION_EPOCH Retry "the epoch of the share session is not the next one"
    124 FENCED_STATE_EPOCH Final "the state epoch of the share group is another one"
    125 INVALID_VOTER_KEY Final "the key of the voter is another one"
    126 DUPLICATE_VOTER Final "the voter is in the set already"
    127 VOTER_NOT_FOUND Final "the voter is not in the set"
    128 INVALID_REGULAR_EXPRESSION Final "the regular expression is not valid"
    129 REBOOTSTRAP_REQUIRED Final "this is another cluster, so bootstrap again"
    130 STREAMS_INVALID_TOPOLOGY Final "the topology is not valid"
    131 STREAMS_INVALID_TOPOLOGY_EPOCH Final "the topology epoch is not valid"
    132 STREAMS_TOPOLOGY_FENCED Final "the topology epoch is an old one"
    133 SHARE_SESSION_LIMIT_REACHED Retry "the broker has as many share sessions as allowed"
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::error::ResponseError;

    #[test]
    fn the_table_has_no_gap_so_that_a_code_is_its_index() {
        let expected: Vec<i16> = (FIRST_CODE..).take(KNOWN.len()).collect();

        assert_eq!(NUMBERS, expected);
    }

    #[test]
    fn names_and_retriability_agree_with_the_schema_library() {
        let mut disagreements = Vec::new();
        for &number in NUMBERS {
            let code = ErrorCode(number);
            let Some(oracle) = ResponseError::try_from_code(number) else {
                assert_eq!(code, ErrorCode::NONE);
                continue;
            };
            let name = code.name().unwrap().replace('_', "");
            assert_eq!(format!("{oracle:?}").to_uppercase(), name, "{number}");
            if oracle.is_retriable() != code.is_retriable() {
                disagreements.push(code);
            }
        }

        // Java made this one retriable in a later version than the library was generated from.
        assert_eq!(disagreements, [ErrorCode::CONCURRENT_TRANSACTIONS]);
    }

    #[test]
    fn an_unknown_code_is_kept_and_printed() {
        let code = ErrorCode(4711);

        assert_eq!(code.to_string(), "unknown error code 4711");
        assert_eq!(format!("{code:?}"), "ErrorCode(4711)");
        assert!(!code.is_retriable());
        assert_eq!(ErrorCode(i16::MIN).name(), None);
    }

    #[test]
    fn a_known_code_says_what_it_means() {
        assert_eq!(
            ErrorCode::NOT_COORDINATOR.to_string(),
            "NOT_COORDINATOR (this broker is not the coordinator)"
        );
        assert!(ErrorCode::NOT_LEADER_OR_FOLLOWER.is_invalid_metadata());
        assert!(!ErrorCode::NOT_COORDINATOR.is_invalid_metadata());
    }
}
