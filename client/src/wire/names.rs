//! Bridges between Weft's ids and the newtypes that the message structs carry.

use kafka_protocol::messages;
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::ids::{GroupId, NodeId, TopicId, TopicName};

impl From<&TopicName> for messages::TopicName {
    /// Copies the text.
    fn from(name: &TopicName) -> Self {
        Self(StrBytes::from_string(name.as_str().to_owned()))
    }
}

impl From<&messages::TopicName> for TopicName {
    /// Copies the text, so that the name does not keep the frame it came in alive.
    fn from(name: &messages::TopicName) -> Self {
        Self::new(name.0.as_str())
    }
}

impl From<&GroupId> for messages::GroupId {
    /// Copies the text.
    fn from(group: &GroupId) -> Self {
        Self(StrBytes::from_string(group.as_str().to_owned()))
    }
}

impl From<TopicId> for Uuid {
    fn from(id: TopicId) -> Self {
        Self::from_bytes(id.0)
    }
}

impl From<Uuid> for TopicId {
    fn from(id: Uuid) -> Self {
        Self(id.into_bytes())
    }
}

impl From<NodeId> for messages::BrokerId {
    fn from(node: NodeId) -> Self {
        Self(node.value())
    }
}

impl From<messages::BrokerId> for NodeId {
    fn from(broker: messages::BrokerId) -> Self {
        Self::new(broker.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_name_and_a_topic_id_survive_the_way_to_the_schema_and_back() {
        let name = TopicName::new("orders");
        let id = TopicId(*b"0123456789abcdef");

        assert_eq!(TopicName::from(&messages::TopicName::from(&name)), name);
        assert_eq!(TopicId::from(Uuid::from(id)), id);
    }
}
