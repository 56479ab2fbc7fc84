//! DeleteTopics: topics with all their records, and what groups have committed for them.
//!
//! Versions 1 to 6, by name or by id. Any broker takes it. The topic is gone at once, and one of
//! the same name is another topic.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::delete_topics_request::DeleteTopicState;
use weft_client::wire::messages::delete_topics_response::DeletableTopicResult;
use weft_client::wire::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};

use super::super::cluster::Cluster;
use super::super::reply::{Ask, Reply, message, text};
use super::repeated::joined;
use super::{topic_id, uuid};

pub(super) fn delete_topics(
    cluster: &mut Cluster,
    ask: &Ask,
    request: DeleteTopicsRequest,
) -> Reply {
    let asked: Vec<DeleteTopicState> = if ask.version() >= STATES_SINCE {
        request.topics
    } else {
        let names = request.topic_names.into_iter();
        names
            .map(|name| DeleteTopicState::default().with_name(Some(name)))
            .collect()
    };
    let is_on_zookeeper = cluster.options.release.is_on_zookeeper();
    let responses: Vec<_> = if is_on_zookeeper {
        let responses = asked.iter().map(|asked| {
            let deleted = delete(cluster, asked).with_error_message(None);
            // Only the id that was asked for is told.
            deleted.with_topic_id(asked.topic_id)
        });
        responses.collect()
    } else {
        delete_each(cluster, asked)
    };
    DeleteTopicsResponse::default()
        .with_responses(responses)
        .into()
}

/// What is named twice is refused once.
fn delete_each(cluster: &mut Cluster, asked: Vec<DeleteTopicState>) -> Vec<DeletableTopicResult> {
    let counted = asked.into_iter().map(|asked| (asked, 1));
    let counted = joined(
        counted.collect(),
        |(asked, _)| (asked.name.clone(), asked.topic_id),
        |(_, times), _| *times += 1,
    );
    let responses = counted.into_iter().map(|(asked, times)| match times {
        1 => delete(cluster, &asked),
        _ => DeletableTopicResult::default()
            .with_name(asked.name)
            .with_topic_id(asked.topic_id)
            .with_error_code(ErrorCode::INVALID_REQUEST.0)
            .with_error_message(message(ErrorCode::INVALID_REQUEST)),
    });
    responses.collect()
}

fn delete(cluster: &mut Cluster, asked: &DeleteTopicState) -> DeletableTopicResult {
    let result = DeletableTopicResult::default()
        .with_name(asked.name.clone())
        .with_topic_id(asked.topic_id);
    let found = match &asked.name {
        Some(name) if asked.topic_id.is_nil() => cluster
            .topics
            .by_name(name.as_str())
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        None if !asked.topic_id.is_nil() => cluster
            .topics
            .by_id(topic_id(asked.topic_id))
            .ok_or(ErrorCode::UNKNOWN_TOPIC_ID),
        None if cluster.options.release.is_on_zookeeper() => {
            // It took the nil id for one of a topic that must not be seen.
            Err(ErrorCode::TOPIC_AUTHORIZATION_FAILED)
        }
        // It is either the name or the id that says which topic is meant.
        _ => Err(ErrorCode::INVALID_REQUEST),
    };
    let (id, name) = match found {
        Ok(topic) => (topic.id, topic.name.clone()),
        Err(error) => {
            return result
                .with_error_code(error.0)
                .with_error_message(message(error));
        }
    };
    cluster.topics.delete(name.as_str());
    cluster.groups.forget_topic(name.as_str());
    result
        .with_name(Some(TopicName(text(name.as_str()))))
        .with_topic_id(uuid(id))
}

/// The first version that deletes by name or by id.
const STATES_SINCE: i16 = 6;
