//! The one error type that leaves this crate, and the vocabulary of what can go wrong.
//!
//! It decides which failures are worth another attempt and which end the client. It never decides
//! what a machine does about a broker's code: that is the reaction table of `wire`.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::ids::{OffsetAndMetadata, TopicName, TopicPartition};
use crate::wire::ErrorCode;

/// Why a call failed: a kind to match on, a sentence that says what was asked of whom, and where it
/// applies the partition or topics concerned.
///
/// It is one pointer wide. Cloning it copies its text but shares its source, so that one failure
/// can be reported to every record of a batch.
#[derive(Clone)]
pub struct Error(Box<Content>);

#[derive(Clone)]
struct Content {
    kind: ErrorKind,
    text: Cow<'static, str>,
    topic_partition: Option<TopicPartition>,
    divergent_offset: Option<OffsetAndMetadata>,
    /// Where it concerns several: all of them.
    topic_partitions: Vec<TopicPartition>,
    topics: Vec<TopicName>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What went wrong, for `match`. More kinds may come, so a match needs a last arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Options were missing, out of range, unknown or contradict each other.
    Configuration,
    /// The call is not allowed in the state that the client is in.
    IllegalState,
    /// An argument makes no sense, whatever the state.
    IllegalArgument,
    /// What the call asks for does not exist under the options chosen.
    UnsupportedOperation,
    /// The time given for the call, or for one request, was over.
    Timeout,
    /// A connection was lost, or could not be opened.
    Disconnected,
    /// No broker could be reached at all.
    NoBrokerAvailable,
    /// The broker does not speak a version that the call needs.
    UnsupportedVersion,
    /// A peer sent bytes that are not what the protocol allows.
    MalformedResponse,
    /// A broker answered with this code, and no other kind stands for it.
    Broker(ErrorCode),
    /// The broker does not accept who we say we are.
    Authentication,
    /// We may not do this to the cluster or to a transactional id.
    Authorization,
    /// We may not do this to the topics listed by [`Error::topics`].
    TopicAuthorization,
    /// We may not do this with the group.
    GroupAuthorization,
    /// The topics listed by [`Error::topics`] have names that Kafka refuses.
    InvalidTopic,
    /// The topic or partition does not exist, as far as the brokers know.
    UnknownTopicOrPartition,
    /// A group id is needed, or the one given is refused.
    InvalidGroupId,
    /// Offsets were not committed, and another attempt with the same membership cannot succeed.
    CommitFailed,
    /// Offsets were not committed, and another attempt may succeed.
    RetriableCommitFailed,
    /// The group is rebalancing; poll so that it can finish.
    RebalanceInProgress,
    /// Another member took over this `group.instance.id`.
    FencedInstanceId,
    /// Another producer took over this producer's identity.
    FencedProducer,
    /// The member's assignors or protocol type do not fit those of its group.
    InconsistentGroupProtocol,
    /// The group has as many members as the broker allows.
    GroupMaxSizeReached,
    /// The position lies outside the partition, and no reset policy is set.
    OffsetOutOfRange,
    /// There is no position, no committed offset, and no reset policy.
    NoOffsetForPartition,
    /// The partition lost records that were already read, and no reset policy is set.
    LogTruncation,
    /// A record batch fails its checksum or its structure.
    CorruptRecord,
    /// A record cannot fit where it has to go.
    RecordTooLarge,
    /// Key or value of a record could not be turned into what the caller wants.
    Deserialization,
    /// Key or value of a record could not be turned into bytes.
    Serialization,
    /// The bounded buffer had no room in the time given.
    BufferExhausted,
    /// `wakeup` was called.
    Wakeup,
    /// The client was closed.
    Closed,
    /// No address of `bootstrap.servers` could be used.
    Bootstrap,
    /// The operating system refused something, such as another socket or thread.
    Io,
    /// A callback of the user's failed.
    Callback,
}

impl Error {
    /// An error of a kind, with a sentence for people. The sentence names what was asked, and of
    /// whom.
    pub fn new(kind: ErrorKind, text: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Content {
            kind,
            text: text.into(),
            topic_partition: None,
            divergent_offset: None,
            topic_partitions: Vec::new(),
            topics: Vec::new(),
            source: None,
        }))
    }

    /// An error for a code that a broker answered with; the kind is the one that stands for it.
    pub fn broker(code: impl Into<ErrorCode>, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::from(code.into()), text)
    }

    /// Adds the error underneath.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// Adds the partition concerned.
    #[must_use]
    pub fn with_topic_partition(mut self, partition: TopicPartition) -> Self {
        self.0.topic_partition = Some(partition);
        self
    }

    /// Adds the offset up to which the log still is what was read, with its epoch.
    #[must_use]
    pub fn with_divergent_offset(mut self, offset: OffsetAndMetadata) -> Self {
        self.0.divergent_offset = Some(offset);
        self
    }

    /// Adds the partitions concerned, in place of those known so far. The first one becomes
    /// [`topic_partition`](Self::topic_partition).
    #[must_use]
    pub fn with_topic_partitions(
        mut self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Self {
        self.0.topic_partitions = partitions.into_iter().collect();
        self.0.topic_partition = self.0.topic_partitions.first().cloned();
        self
    }

    /// Adds the topics concerned.
    #[must_use]
    pub fn with_topics(mut self, topics: impl IntoIterator<Item = TopicName>) -> Self {
        self.0.topics = topics.into_iter().collect();
        self
    }

    /// Puts what was being done before the text: `context: text`.
    #[must_use]
    pub fn with_context(mut self, context: impl fmt::Display) -> Self {
        self.0.text = Cow::Owned(format!("{context}: {}", self.0.text));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same call may succeed when made again, with nothing changed.
    pub fn is_retriable(&self) -> bool {
        self.0.kind.is_retriable()
    }

    /// Whether the client that returned this can do nothing more: close it.
    pub fn is_fatal(&self) -> bool {
        self.0.kind.is_fatal()
    }

    /// The partition concerned, if it is one; the first if there are several.
    pub fn topic_partition(&self) -> Option<&TopicPartition> {
        self.0.topic_partition.as_ref()
    }

    /// Of a log that was truncated ([`ErrorKind::LogTruncation`]): the offset up to which it still
    /// is what was read, and the epoch of the record before it, if the leader could tell. Seek
    /// there to go on with what took the place of the lost records.
    pub fn divergent_offset(&self) -> Option<&OffsetAndMetadata> {
        self.0.divergent_offset.as_ref()
    }

    /// The partitions concerned, all of them where there are several
    /// ([`ErrorKind::NoOffsetForPartition`]).
    pub fn topic_partitions(&self) -> &[TopicPartition] {
        if self.0.topic_partitions.is_empty() {
            return self.0.topic_partition.as_slice();
        }
        &self.0.topic_partitions
    }

    /// The topics concerned: those listed, or none.
    pub fn topics(&self) -> &[TopicName] {
        &self.0.topics
    }

    /// The sentence alone, without kind, partition or source.
    pub fn text(&self) -> &str {
        &self.0.text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)?;
        match self.topic_partitions() {
            [] => {}
            [partition] => write!(f, " (partition {partition})")?,
            [first, others @ ..] => {
                write!(f, " (partitions {first}")?;
                others.iter().try_for_each(|other| write!(f, ", {other}"))?;
                f.write_str(")")?;
            }
        }
        if !self.0.topics.is_empty() {
            write!(f, " (topics {:?})", self.0.topics)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        let mut source = StdError::source(self);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source: &(dyn StdError + Send + Sync) = self.0.source.as_deref()?;
        Some(source)
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind, kind.sentence())
    }
}

impl ErrorKind {
    /// Whether the same call may succeed when made again, with nothing changed.
    pub fn is_retriable(self) -> bool {
        match self {
            Self::Timeout
            | Self::Disconnected
            | Self::NoBrokerAvailable
            | Self::RetriableCommitFailed
            | Self::UnknownTopicOrPartition
            | Self::CorruptRecord
            | Self::BufferExhausted => true,
            Self::Broker(code) => code.is_retriable(),
            _ => false,
        }
    }

    /// Whether a client that failed with this can do nothing more.
    pub const fn is_fatal(self) -> bool {
        matches!(
            self,
            Self::Configuration
                | Self::Authentication
                | Self::FencedInstanceId
                | Self::FencedProducer
                | Self::InconsistentGroupProtocol
                | Self::UnsupportedVersion
                | Self::Bootstrap
                | Self::Closed
        )
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Wakeup => "the call was ended by wakeup",
            Self::Closed => "the client is closed",
            Self::Timeout => "the time for the call is over",
            Self::RebalanceInProgress => "the group is rebalancing: poll, then try again",
            Self::NoBrokerAvailable => "no broker is available",
            _ => "the call failed",
        }
    }
}

impl From<ErrorCode> for ErrorKind {
    /// The kind that stands for a broker's code; [`ErrorKind::Broker`] where none does.
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::OFFSET_OUT_OF_RANGE => Self::OffsetOutOfRange,
            ErrorCode::CORRUPT_MESSAGE => Self::CorruptRecord,
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => Self::UnknownTopicOrPartition,
            ErrorCode::MESSAGE_TOO_LARGE | ErrorCode::RECORD_LIST_TOO_LARGE => Self::RecordTooLarge,
            ErrorCode::INVALID_TOPIC_EXCEPTION => Self::InvalidTopic,
            ErrorCode::INCONSISTENT_GROUP_PROTOCOL => Self::InconsistentGroupProtocol,
            ErrorCode::INVALID_GROUP_ID => Self::InvalidGroupId,
            ErrorCode::REBALANCE_IN_PROGRESS => Self::RebalanceInProgress,
            ErrorCode::TOPIC_AUTHORIZATION_FAILED => Self::TopicAuthorization,
            ErrorCode::GROUP_AUTHORIZATION_FAILED => Self::GroupAuthorization,
            ErrorCode::CLUSTER_AUTHORIZATION_FAILED
            | ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED => Self::Authorization,
            ErrorCode::UNSUPPORTED_SASL_MECHANISM
            | ErrorCode::ILLEGAL_SASL_STATE
            | ErrorCode::SASL_AUTHENTICATION_FAILED => Self::Authentication,
            ErrorCode::UNSUPPORTED_VERSION => Self::UnsupportedVersion,
            ErrorCode::INVALID_PRODUCER_EPOCH | ErrorCode::PRODUCER_FENCED => Self::FencedProducer,
            ErrorCode::GROUP_MAX_SIZE_REACHED => Self::GroupMaxSizeReached,
            ErrorCode::FENCED_INSTANCE_ID => Self::FencedInstanceId,
            other => Self::Broker(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer_wide_and_crosses_threads() {
        fn crosses<T: Send + Sync + Clone + 'static>() {}
        crosses::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn the_text_names_the_partition_and_debug_shows_the_sources() {
        let error = Error::new(
            ErrorKind::Disconnected,
            "Fetch to node 1 at b:9092 was cut off",
        )
        .with_source(std::io::Error::other("reset"))
        .with_topic_partition(TopicPartition::new("t", 3));
        let text = "Fetch to node 1 at b:9092 was cut off (partition t-3)";
        assert_eq!(error.to_string(), text);
        assert_eq!(format!("{error:?}"), format!("Disconnected: {text}: reset"));
    }

    #[test]
    fn an_error_of_several_partitions_names_them_all() {
        let names = [TopicPartition::new("t", 1), TopicPartition::new("u", 0)];
        let one =
            Error::from(ErrorKind::NoOffsetForPartition).with_topic_partition(names[0].clone());
        assert_eq!(one.topic_partitions(), &names[..1]);
        let both = Error::new(ErrorKind::NoOffsetForPartition, "no offsets");
        assert_eq!(both.topic_partitions(), []);
        let both = both.with_topic_partitions(names.clone());
        assert_eq!(both.topic_partitions(), names);
        assert_eq!(both.topic_partition(), Some(&names[0]));
        assert_eq!(both.to_string(), "no offsets (partitions t-1, u-0)");
    }

    #[test]
    fn codes_become_the_kind_that_stands_for_them() {
        for (code, kind, retriable, fatal) in [
            (1, ErrorKind::OffsetOutOfRange, false, false),
            (3, ErrorKind::UnknownTopicOrPartition, true, false),
            (6, ErrorKind::Broker(ErrorCode(6)), true, false),
            (22, ErrorKind::Broker(ErrorCode(22)), false, false),
            (29, ErrorKind::TopicAuthorization, false, false),
            (58, ErrorKind::Authentication, false, true),
            (82, ErrorKind::FencedInstanceId, false, true),
            (9999, ErrorKind::Broker(ErrorCode(9999)), false, false),
        ] {
            let error = Error::broker(ErrorCode(code), "x");
            let found = (error.kind(), error.is_retriable(), error.is_fatal());
            assert_eq!(found, (kind, retriable, fatal), "code {code}");
        }
    }
}
