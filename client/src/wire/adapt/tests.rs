use bytes::BytesMut;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::metadata_response::{
    MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponsePartition;
use kafka_protocol::messages::{GroupId, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::*;
use crate::ids::CorrelationId;
use crate::wire::{
    RequestHead, WireError, decode_request, decode_response, encode_request, encode_response, ours,
};

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn topic(name: &'static str) -> TopicName {
    TopicName(text(name))
}

fn head(request: &Request, api_version: i16) -> RequestHead {
    RequestHead {
        api_key: request.api_key(),
        api_version,
        correlation_id: CorrelationId::new(3),
        client_id: Some(text("weft")),
    }
}

/// What a broker reads when the request is sent in this version.
fn as_sent(request: impl Into<Request>, version: i16) -> Result<Request, WireError> {
    let request = request.into();
    let head = head(&request, version);
    let mut frame = BytesMut::new();
    encode_request(&head, &request, &mut frame)?;
    let (received, request) = decode_request(frame.freeze().slice(4..)).unwrap();
    assert_eq!(received, head);
    Ok(request)
}

/// What a client reads when a broker answers with the response in this version.
fn as_received(response: impl Into<Response>, version: i16) -> Response {
    let response = response.into();
    let head = RequestHead {
        api_key: response.api_key(),
        api_version: version,
        correlation_id: CorrelationId::new(3),
        client_id: None,
    };
    let mut frame = BytesMut::new();
    encode_response(&head, &response, &mut frame).unwrap();
    let frame = frame.freeze().slice(4..);
    let (correlation_id, response) = decode_response(head.api_key, version, frame).unwrap();
    assert_eq!(correlation_id, head.correlation_id);
    response
}

#[test]
fn a_coordinator_key_is_sent_alone_where_lists_are_unknown() {
    let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![text("group")]);
    let single = FindCoordinatorRequest::default().with_key(text("group"));

    for version in 0..=3 {
        assert_eq!(
            as_sent(request.clone(), version),
            Ok(single.clone().into()),
            "v{version}"
        );
    }
    for version in 4..=6 {
        assert_eq!(
            as_sent(request.clone(), version),
            Ok(request.clone().into()),
            "v{version}"
        );
    }
}

#[test]
fn several_coordinator_keys_are_refused_where_lists_are_unknown() {
    let request =
        FindCoordinatorRequest::default().with_coordinator_keys(vec![text("a"), text("b")]);

    assert_eq!(
        as_sent(request, 3),
        Err(WireError::Unsupported {
            api_key: kafka_protocol::messages::ApiKey::FindCoordinator,
            needed: 4..=6,
            broker: Some(3..=3),
            feature: "looking up several coordinators at once (KIP-699)",
        })
    );
}

#[test]
fn a_coordinator_is_found_in_the_list_whatever_the_version() {
    let old = FindCoordinatorResponse::default()
        .with_node_id(5.into())
        .with_host(text("broker"))
        .with_port(9092);
    let coordinator = Coordinator::default()
        .with_node_id(5.into())
        .with_host(text("broker"))
        .with_port(9092);
    let canonical = FindCoordinatorResponse::default().with_coordinators(vec![coordinator]);

    for version in 0..=3 {
        assert_eq!(
            as_received(old.clone(), version),
            canonical.clone().into(),
            "v{version}"
        );
    }
    assert_eq!(as_received(canonical.clone(), 4), canonical.into());
}

#[test]
fn a_member_leaves_alone_where_lists_are_unknown() {
    let request = LeaveGroupRequest::default()
        .with_group_id(GroupId(text("group")))
        .with_members(vec![
            MemberIdentity::default().with_member_id(text("member")),
        ]);
    let single = LeaveGroupRequest::default()
        .with_group_id(GroupId(text("group")))
        .with_member_id(text("member"));

    assert_eq!(as_sent(request.clone(), 2), Ok(single.into()));
    assert_eq!(as_sent(request.clone(), 3), Ok(request.into()));
}

#[test]
fn a_member_that_left_is_in_the_list_whatever_the_version() {
    let refused = LeaveGroupResponse::default().with_error_code(25);
    let canonical = refused
        .clone()
        .with_members(vec![MemberResponse::default().with_error_code(25)]);

    assert_eq!(as_received(refused, 2), canonical.into());
}

fn offset_fetch(groups: &[&'static str]) -> OffsetFetchRequest {
    let topics = OffsetFetchRequestTopics::default()
        .with_name(topic("orders"))
        .with_partition_indexes(vec![0, 7]);
    let groups = groups.iter().map(|group| {
        OffsetFetchRequestGroup::default()
            .with_group_id(GroupId(text(group)))
            .with_topics(Some(vec![topics.clone()]))
    });
    OffsetFetchRequest::default()
        .with_groups(groups.collect())
        .with_require_stable(true)
}

#[test]
fn offsets_are_asked_for_one_group_where_lists_are_unknown() {
    let topics = OffsetFetchRequestTopic::default()
        .with_name(topic("orders"))
        .with_partition_indexes(vec![0, 7]);
    let single = OffsetFetchRequest::default()
        .with_group_id(GroupId(text("group")))
        .with_topics(Some(vec![topics]));
    let request = offset_fetch(&["group"]);

    for version in 1..=6 {
        assert_eq!(
            as_sent(request.clone(), version),
            Ok(single.clone().into()),
            "v{version}"
        );
    }
    assert_eq!(
        as_sent(request.clone(), 7),
        Ok(single.with_require_stable(true).into())
    );
    assert_eq!(as_sent(request.clone(), 8), Ok(request.into()));
    assert!(as_sent(offset_fetch(&["a", "b"]), 7).is_err());
}

#[test]
fn fetched_offsets_are_in_the_list_of_groups_whatever_the_version() {
    let partition = OffsetFetchResponsePartition::default()
        .with_partition_index(7)
        .with_committed_offset(42)
        .with_committed_leader_epoch(-1)
        .with_metadata(Some(text("note")))
        .with_error_code(88);
    let old = OffsetFetchResponse::default()
        .with_error_code(16)
        .with_topics(vec![
            OffsetFetchResponseTopic::default()
                .with_name(topic("orders"))
                .with_partitions(vec![partition]),
        ]);
    let partition = OffsetFetchResponsePartitions::default()
        .with_partition_index(7)
        .with_committed_offset(42)
        .with_committed_leader_epoch(-1)
        .with_metadata(Some(text("note")))
        .with_error_code(88);
    let group = OffsetFetchResponseGroup::default()
        .with_error_code(16)
        .with_topics(vec![
            OffsetFetchResponseTopics::default()
                .with_name(topic("orders"))
                .with_partitions(vec![partition]),
        ]);
    let canonical = OffsetFetchResponse::default().with_groups(vec![group]);

    for version in 2..=7 {
        assert_eq!(
            as_received(old.clone(), version),
            canonical.clone().into(),
            "v{version}"
        );
    }
}

#[test]
fn a_fetch_leaves_out_what_an_old_version_lacks() {
    let partition = FetchPartition::default()
        .with_partition(1)
        .with_fetch_offset(9)
        .with_last_fetched_epoch(4);
    let fetch_topic = FetchTopic::default()
        .with_topic(topic("orders"))
        .with_topic_id(uuid::Uuid::from_u128(6))
        .with_partitions(vec![partition.clone()]);
    let request = FetchRequest::default().with_topics(vec![fetch_topic]);
    let sent = |version| match as_sent(request.clone(), version) {
        Ok(Request::Fetch(request)) => request.topics.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    };

    let old = sent(4);
    assert_eq!(old.topic, topic("orders"));
    assert_eq!(
        old.partitions,
        [partition.clone().with_last_fetched_epoch(-1)]
    );
    assert_eq!(sent(12).partitions, [partition]);
    assert_eq!(sent(12).topic, topic("orders"));
    assert_eq!(sent(13).topic, topic(""));
    assert_eq!(sent(13).topic_id, uuid::Uuid::from_u128(6));
}

#[test]
fn topics_are_deleted_by_name_in_every_version() {
    let request = DeleteTopicsRequest::default().with_topics(vec![
        DeleteTopicState::default().with_name(Some(topic("orders"))),
    ]);
    let names = DeleteTopicsRequest::default().with_topic_names(vec![topic("orders")]);

    assert_eq!(as_sent(request.clone(), 5), Ok(names.into()));
    assert_eq!(as_sent(request.clone(), 6), Ok(request.into()));
}

#[test]
fn a_request_that_asks_for_nothing_special_can_be_sent_in_every_version() {
    for (request, _) in crate::wire::message::defaults() {
        let request = match request {
            Request::FindCoordinator(request) => {
                request.with_coordinator_keys(vec![text("group")]).into()
            }
            Request::LeaveGroup(request) => {
                request.with_members(vec![MemberIdentity::default()]).into()
            }
            Request::OffsetFetch(_) => offset_fetch(&["group"]).into(),
            request => request,
        };
        for version in ours(request.api_key()) {
            assert!(
                as_sent(request.clone(), version).is_ok(),
                "{:?} v{version}",
                request.api_key()
            );
        }
    }
}

#[test]
fn leader_epochs_of_brokers_before_2_4_are_not_looked_at() {
    let partition = MetadataResponsePartition::default().with_leader_epoch(7);
    let topic = MetadataResponseTopic::default()
        .with_name(Some(topic("t")))
        .with_partitions(vec![partition]);
    let response = MetadataResponse::default().with_topics(vec![topic]);
    let received = |version| match as_received(response.clone(), version) {
        Response::Metadata(response) => response.topics[0].partitions[0].leader_epoch,
        other => panic!("{other:?}"),
    };
    assert_eq!([7, 8, 9, 12].map(received), [-1, -1, 7, 7]);
}
