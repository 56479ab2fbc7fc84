//! What every message looks like on the wire, field by field: just enough for `guard.rs` to walk
//! it. The tables know no values and no defaults, and take every text and list for
//! nullable; the schemas are stricter, and come after.

#[cfg(any(test, feature = "broker"))]
mod broker;
mod cluster;
mod fetch;
mod group;
mod offsets;
mod produce;
#[cfg(any(test, feature = "broker"))]
mod requests;
mod topics;

use std::mem::size_of;

use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::StrBytes;

#[cfg(any(test, feature = "broker"))]
pub(super) use requests::request;

/// A struct: its fields in the order of the wire. In a flexible version tagged fields end it.
pub(super) struct Shape {
    pub(super) fields: &'static [Field],
    /// Bytes of memory that the decoded struct takes.
    pub(super) memory: usize,
}

pub(super) struct Field {
    pub(super) name: &'static str,
    /// The first version that has it.
    pub(super) since: i16,
    /// The last version that has it.
    pub(super) until: i16,
    /// Its tag, if it is not at a fixed place.
    pub(super) tag: Option<u32>,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// So many bytes.
    Fixed(usize),
    /// A length of two bytes, or a compact one, and so many bytes.
    Text,
    /// A length of four bytes, or a compact one, and so many bytes.
    Bytes,
    /// A count of four bytes, or a compact one, and so many elements.
    List(Element),
    Struct(&'static Shape),
    /// A byte that says whether the struct follows: 1 if it does.
    #[cfg(any(test, feature = "broker"))]
    NullableStruct(&'static Shape),
}

#[derive(Clone, Copy)]
pub(super) enum Element {
    Fixed(usize),
    #[cfg_attr(
        not(any(test, feature = "broker")),
        expect(dead_code, reason = "only requests have lists of texts")
    )]
    Text,
    Struct(&'static Shape),
}

impl Field {
    pub(super) const fn is_in(&self, version: i16) -> bool {
        self.since <= version && version <= self.until
    }
}

impl Element {
    /// Bytes of memory that one decoded element takes in its list.
    pub(super) const fn memory(self) -> usize {
        match self {
            Self::Fixed(size) => size,
            Self::Text => size_of::<StrBytes>(),
            Self::Struct(shape) => shape.memory,
        }
    }
}

/// The shape of a response; `None` for an API that is not known here.
pub(super) fn response(api_key: ApiKey) -> Option<&'static Shape> {
    Some(match api_key {
        ApiKey::ApiVersions => &cluster::API_VERSIONS_RESPONSE,
        ApiKey::Metadata => &cluster::METADATA_RESPONSE,
        ApiKey::FindCoordinator => &cluster::FIND_COORDINATOR_RESPONSE,
        ApiKey::DescribeCluster => &cluster::DESCRIBE_CLUSTER_RESPONSE,
        ApiKey::Fetch => &fetch::FETCH_RESPONSE,
        ApiKey::ListOffsets => &fetch::LIST_OFFSETS_RESPONSE,
        ApiKey::OffsetForLeaderEpoch => &fetch::OFFSET_FOR_LEADER_EPOCH_RESPONSE,
        ApiKey::JoinGroup => &group::JOIN_GROUP_RESPONSE,
        ApiKey::SyncGroup => &group::SYNC_GROUP_RESPONSE,
        ApiKey::Heartbeat => &group::HEARTBEAT_RESPONSE,
        ApiKey::LeaveGroup => &group::LEAVE_GROUP_RESPONSE,
        ApiKey::DescribeGroups => &group::DESCRIBE_GROUPS_RESPONSE,
        ApiKey::ListGroups => &group::LIST_GROUPS_RESPONSE,
        ApiKey::DeleteGroups => &group::DELETE_GROUPS_RESPONSE,
        ApiKey::OffsetCommit => &offsets::OFFSET_COMMIT_RESPONSE,
        ApiKey::OffsetFetch => &offsets::OFFSET_FETCH_RESPONSE,
        ApiKey::Produce => &produce::PRODUCE_RESPONSE,
        ApiKey::InitProducerId => &produce::INIT_PRODUCER_ID_RESPONSE,
        ApiKey::CreateTopics => &topics::CREATE_TOPICS_RESPONSE,
        ApiKey::DeleteTopics => &topics::DELETE_TOPICS_RESPONSE,
        ApiKey::CreatePartitions => &topics::CREATE_PARTITIONS_RESPONSE,
        #[cfg(any(test, feature = "broker"))]
        other => return broker::response(other),
        #[cfg(not(any(test, feature = "broker")))]
        _ => return None,
    })
}

/// A shape whose decoded form is a `T`.
const fn shape<T>(fields: &'static [Field]) -> Shape {
    Shape {
        fields,
        memory: size_of::<T>(),
    }
}

/// A field of every version.
const fn always(name: &'static str, kind: Kind) -> Field {
    between(0, i16::MAX, name, kind)
}

/// A field of this and all later versions.
const fn since(version: i16, name: &'static str, kind: Kind) -> Field {
    between(version, i16::MAX, name, kind)
}

/// A field of this and all earlier versions.
const fn until(version: i16, name: &'static str, kind: Kind) -> Field {
    between(0, version, name, kind)
}

/// A field of these versions, both ends included.
const fn between(first: i16, last: i16, name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        since: first,
        until: last,
        tag: None,
        kind,
    }
}

/// A tagged field of this and all later versions.
const fn tagged(tag: u32, version: i16, name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        since: version,
        until: i16::MAX,
        tag: Some(tag),
        kind,
    }
}

/// A list of structs.
const fn array(element: &'static Shape) -> Kind {
    Kind::List(Element::Struct(element))
}

const BOOLEAN: Kind = Kind::Fixed(1);
const INT8: Kind = Kind::Fixed(1);
const INT16: Kind = Kind::Fixed(2);
const INT32: Kind = Kind::Fixed(4);
const INT64: Kind = Kind::Fixed(8);
const UUID: Kind = Kind::Fixed(16);
const STRING: Kind = Kind::Text;
const BYTES: Kind = Kind::Bytes;
const INT32S: Kind = Kind::List(Element::Fixed(4));
#[cfg(any(test, feature = "broker"))]
const INT64S: Kind = Kind::List(Element::Fixed(8));
#[cfg(any(test, feature = "broker"))]
const STRINGS: Kind = Kind::List(Element::Text);
