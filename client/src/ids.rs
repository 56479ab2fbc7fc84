//! The names and numbers by which Kafka knows things: one type each, so that none can be passed
//! where another is meant.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps the name; clones share one allocation.
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether the name is the empty text.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self::new(name)
            }
        }
    };
}

macro_rules! number_type {
    ($(#[$doc:meta])* $name:ident($number:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($number);

        impl $name {
            /// Wraps the number as the protocol carries it.
            pub const fn new(value: $number) -> Self {
                Self(value)
            }

            /// The number as the protocol carries it.
            pub const fn value(self) -> $number {
                self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl From<$number> for $name {
            fn from(value: $number) -> Self {
                Self(value)
            }
        }
    };
}

name_type!(
    /// The name of a topic.
    TopicName
);
name_type!(
    /// The name of a consumer group, `group.id`.
    GroupId
);
name_type!(
    /// The id of a group member, given by the coordinator; empty before the first join.
    MemberId
);
name_type!(
    /// The id that makes a group member static (KIP-345), `group.instance.id`.
    GroupInstanceId
);

number_type!(
    /// The id of a broker. Negative ids are bootstrap addresses whose real id is not known yet.
    NodeId(i32)
);
number_type!(
    /// The position of a record in its partition.
    Offset(i64)
);
number_type!(
    /// The epoch of a partition's leader (KIP-320). Never negative: an absent epoch is `None`.
    LeaderEpoch(i32)
);
number_type!(
    /// The generation of a classic consumer group; -1 before the first join.
    GenerationId(i32)
);
number_type!(
    /// The number that ties a response to its request on one connection.
    CorrelationId(i32)
);

impl NodeId {
    /// Whether this is a bootstrap address rather than a broker of the cluster.
    pub const fn is_bootstrap(self) -> bool {
        self.0 < 0
    }
}

impl LeaderEpoch {
    /// Reads the wire form, in which a negative number means "unknown".
    pub const fn from_wire(value: i32) -> Option<Self> {
        if value < 0 { None } else { Some(Self(value)) }
    }

    /// Writes the wire form, in which -1 means "unknown".
    pub const fn to_wire(epoch: Option<Self>) -> i32 {
        match epoch {
            Some(Self(value)) => value,
            None => -1,
        }
    }
}

impl Offset {
    /// The first offset of a partition that never lost a record.
    pub const ZERO: Self = Self(0);

    /// The offset after this one. Saturates, since a peer may send the largest number there is.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl GenerationId {
    /// The generation of a member that has not joined.
    pub const NONE: Self = Self(-1);
}

/// The 128-bit id of a topic (KIP-516). All zeros means "unknown".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    /// The id of a topic whose id is not known.
    pub const UNKNOWN: Self = Self([0; 16]);

    /// Whether the id stands for "not known".
    pub fn is_unknown(self) -> bool {
        self == Self::UNKNOWN
    }
}

/// One partition of one topic. Cloning is cheap: the topic's name is shared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    topic: TopicName,
    partition: i32,
}

impl TopicPartition {
    /// Names partition `partition` (counted from 0) of `topic`.
    pub fn new(topic: impl Into<TopicName>, partition: i32) -> Self {
        Self {
            topic: topic.into(),
            partition,
        }
    }

    /// The topic's name.
    pub fn topic(&self) -> &TopicName {
        &self.topic
    }

    /// The partition's number, counted from 0.
    pub fn partition(&self) -> i32 {
        self.partition
    }
}

impl fmt::Debug for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// What is committed for a partition: the next offset to read, and what travels with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetAndMetadata {
    /// The offset of the next record to read.
    pub offset: Offset,
    /// The leader epoch of the last record read, if it is known (KIP-320).
    pub leader_epoch: Option<LeaderEpoch>,
    /// Text that the committer chose; empty if none.
    pub metadata: String,
}

impl OffsetAndMetadata {
    /// An offset without epoch and without text.
    pub const fn new(offset: Offset) -> Self {
        Self {
            offset,
            leader_epoch: None,
            metadata: String::new(),
        }
    }
}

impl From<Offset> for OffsetAndMetadata {
    fn from(offset: Offset) -> Self {
        Self::new(offset)
    }
}

/// Where a broker listens, and how the cluster knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Broker {
    /// The broker's id, negative for a bootstrap address.
    pub id: NodeId,
    /// Host name or address, without brackets.
    pub host: Arc<str>,
    /// TCP port.
    pub port: u16,
    /// The rack it announces, if any.
    pub rack: Option<Arc<str>>,
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.id.is_bootstrap() {
            write!(f, "bootstrap {}:{}", self.host, self.port)
        } else {
            write!(f, "node {} at {}:{}", self.id, self.host, self.port)
        }
    }
}
