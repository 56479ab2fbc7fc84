//! Which requests are meant: by what they ask, of whom, about what, and who asks.

use std::ops::RangeInclusive;

use weft_client::wire::ApiKey;
use weft_client::{GroupId, NodeId, TopicName};

use super::super::transaction::TransactionalId;
use super::subjects::Subjects;

/// Chooses requests. Each property that is set must agree; one without any chooses all.
///
/// ```
/// use weft_testcontainers::mock::RequestFilter;
/// use weft_client::wire::ApiKey;
///
/// let fetches_of_one = RequestFilter::api(ApiKey::Fetch).partition("orders", 0).client_id("a");
/// # let _ = fetches_of_one;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFilter {
    pub(crate) api_key: Option<ApiKey>,
    pub(crate) versions: Option<RangeInclusive<i16>>,
    pub(crate) broker: Option<NodeId>,
    pub(crate) topic: Option<TopicName>,
    pub(crate) partition: Option<i32>,
    pub(crate) group: Option<GroupId>,
    pub(crate) transactional_id: Option<TransactionalId>,
    pub(crate) client_id: Option<String>,
}

/// What a filter looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) broker: NodeId,
    pub(crate) api_key: ApiKey,
    pub(crate) api_version: i16,
    pub(crate) client_id: &'a str,
    pub(crate) subjects: &'a Subjects,
}

impl RequestFilter {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// The requests of one API.
    pub fn api(api_key: ApiKey) -> Self {
        Self {
            api_key: Some(api_key),
            ..Self::default()
        }
    }

    /// Those in one of these versions.
    #[must_use]
    pub fn versions(mut self, versions: RangeInclusive<i16>) -> Self {
        self.versions = Some(versions);
        self
    }

    /// Those that come to this broker.
    #[must_use]
    pub fn broker(mut self, broker: impl Into<NodeId>) -> Self {
        self.broker = Some(broker.into());
        self
    }

    /// Those that name this topic, by its name or by its id. A request about all topics, such as a
    /// Metadata request without a list, names none.
    #[must_use]
    pub fn topic(mut self, topic: impl Into<TopicName>) -> Self {
        self.topic = Some(topic.into());
        self.partition = None;
        self
    }

    /// Those that name this partition, or its topic as a whole, as Metadata does.
    #[must_use]
    pub fn partition(mut self, topic: impl Into<TopicName>, partition: i32) -> Self {
        self.topic = Some(topic.into());
        self.partition = Some(partition);
        self
    }

    /// Those that name this group.
    #[must_use]
    pub fn group(mut self, group: impl Into<GroupId>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Those that name this `transactional.id`: of its producer, about its transaction, or looking
    /// for its coordinator. A ListTransactions request names none, whatever its filters are.
    #[must_use]
    pub fn transactional_id(mut self, transactional_id: &str) -> Self {
        self.transactional_id = Some(transactional_id.into());
        self
    }

    /// Those of clients that call themselves so (`client.id`). A client without a name is `""`.
    #[must_use]
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Whether a request is one of them.
    pub(crate) fn chooses(&self, asked: &Asked<'_>) -> bool {
        let Asked { subjects, .. } = asked;
        let versions = self.versions.as_ref();
        let topic = self.topic.as_ref();
        self.api_key.is_none_or(|api_key| api_key == asked.api_key)
            && versions.is_none_or(|versions| versions.contains(&asked.api_version))
            && self.broker.is_none_or(|broker| broker == asked.broker)
            && self
                .client_id
                .as_ref()
                .is_none_or(|id| id == asked.client_id)
            && self.group.as_ref().is_none_or(|id| subjects.has_group(id))
            && self
                .transactional_id
                .as_ref()
                .is_none_or(|id| subjects.has_transactional_id(id))
            && topic.is_none_or(|topic| subjects.has_partition(topic, self.partition))
    }
}

impl From<ApiKey> for RequestFilter {
    fn from(api_key: ApiKey) -> Self {
        Self::api(api_key)
    }
}
