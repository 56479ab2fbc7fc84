//! Every version of every API is answered, and every order to fail can be written.

use weft_client::wire::messages::create_topics_request::CreatableTopic;
use weft_client::wire::messages::delete_topics_request::DeleteTopicState;
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic};
use weft_client::wire::messages::join_group_request::JoinGroupRequestProtocol;
use weft_client::wire::messages::leave_group_request::MemberIdentity;
use weft_client::wire::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use weft_client::wire::messages::metadata_request::MetadataRequestTopic;
use weft_client::wire::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use weft_client::wire::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use weft_client::wire::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use weft_client::wire::messages::produce_request::{PartitionProduceData, TopicProduceData};
use weft_client::wire::messages::*;
use weft_client::wire::{ErrorCode, ours};

use super::*;

const TOPIC: &str = "topic";

/// One meaningful request of each API, in the canonical shape.
pub(super) fn requests(bench: &Bench) -> Vec<Request> {
    let id = bench.cluster.topics.by_name(TOPIC).unwrap().id.0;
    let id = uuid::Uuid::from_bytes(id);
    let topic = || TopicName(string(TOPIC));
    let group = || GroupId(string("group"));
    let mut fetch = FetchRequest::default()
        .with_max_bytes(1000)
        .with_session_epoch(-1);
    fetch.topics.push(
        FetchTopic::default()
            .with_topic(topic())
            .with_topic_id(id)
            .with_partitions(vec![
                FetchPartition::default().with_partition_max_bytes(1000),
            ]),
    );
    vec![
        ApiVersionsRequest::default().into(),
        MetadataRequest::default()
            .with_topics(Some(vec![
                MetadataRequestTopic::default().with_name(Some(topic())),
            ]))
            .with_allow_auto_topic_creation(true)
            .into(),
        ProduceRequest::default()
            .with_acks(-1)
            .with_topic_data(vec![
                TopicProduceData::default()
                    .with_name(topic())
                    .with_topic_id(id)
                    .with_partition_data(vec![
                        PartitionProduceData::default().with_records(Some(batch(2))),
                    ]),
            ])
            .into(),
        fetch.into(),
        ListOffsetsRequest::default()
            .with_topics(vec![
                ListOffsetsTopic::default()
                    .with_name(topic())
                    .with_partitions(vec![ListOffsetsPartition::default().with_timestamp(-1)]),
            ])
            .into(),
        OffsetForLeaderEpochRequest::default()
            .with_topics(vec![
                OffsetForLeaderTopic::default()
                    .with_topic(topic())
                    .with_partitions(vec![OffsetForLeaderPartition::default()]),
            ])
            .into(),
        FindCoordinatorRequest::default()
            .with_coordinator_keys(vec![string("group")])
            .into(),
        JoinGroupRequest::default()
            .with_group_id(group())
            .with_session_timeout_ms(10_000)
            .with_rebalance_timeout_ms(10_000)
            .with_protocol_type(string("consumer"))
            .with_protocols(vec![
                JoinGroupRequestProtocol::default().with_name(string("range")),
            ])
            .into(),
        SyncGroupRequest::default().with_group_id(group()).into(),
        HeartbeatRequest::default().with_group_id(group()).into(),
        LeaveGroupRequest::default()
            .with_group_id(group())
            .with_members(vec![MemberIdentity::default()])
            .into(),
        OffsetCommitRequest::default()
            .with_group_id(group())
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![
                OffsetCommitRequestTopic::default()
                    .with_name(topic())
                    .with_partitions(vec![OffsetCommitRequestPartition::default()]),
            ])
            .into(),
        OffsetFetchRequest::default()
            .with_groups(vec![
                OffsetFetchRequestGroup::default()
                    .with_group_id(group())
                    .with_topics(Some(vec![
                        OffsetFetchRequestTopics::default()
                            .with_name(topic())
                            .with_partition_indexes(vec![0, 1]),
                    ])),
            ])
            .into(),
        CreateTopicsRequest::default()
            .with_topics(vec![
                CreatableTopic::default()
                    .with_name(topic())
                    .with_num_partitions(1)
                    .with_replication_factor(1),
            ])
            .into(),
        DeleteTopicsRequest::default()
            .with_topics(vec![
                DeleteTopicState::default().with_name(Some(TopicName(string("none")))),
            ])
            .into(),
        CreatePartitionsRequest::default().into(),
        DescribeGroupsRequest::default()
            .with_groups(vec![group()])
            .into(),
        ListGroupsRequest::default().into(),
        DeleteGroupsRequest::default()
            .with_groups_names(vec![GroupId(string("none"))])
            .into(),
        InitProducerIdRequest::default()
            .with_transactional_id(None)
            .with_producer_id((-1).into())
            .into(),
        DescribeClusterRequest::default().into(),
    ]
}

fn bench() -> Bench {
    let mut bench = Bench::new(1);
    bench.cluster.create_topic(TOPIC, 1).unwrap();
    bench
}

#[test]
fn every_version_of_every_api_is_answered() {
    let count = requests(&bench()).len();
    assert_eq!(count, 21, "one of each");
    for index in 0..count {
        let api_key = requests(&bench())[index].api_key();
        for version in ours(api_key) {
            let mut bench = bench();
            let request = requests(&bench).swap_remove(index);
            let wire = bench.connect(0);

            let response = bench.ask_in(wire, version, request);

            assert_eq!(response.api_key(), api_key, "v{version}");
            assert_eq!(bench.cluster.violations(), [""; 0]);
            assert_eq!(bench.cluster.requests(api_key), 1);
        }
    }
}

#[test]
fn every_api_can_be_refused_in_every_version_and_then_changes_nothing() {
    let count = requests(&bench()).len();
    for index in 0..count {
        let api_key = requests(&bench())[index].api_key();
        for version in ours(api_key) {
            let mut bench = bench();
            let request = requests(&bench).swap_remove(index);
            let wire = bench.connect(0);
            let code = ErrorCode::NOT_COORDINATOR;
            let fault = Fault::new(api_key, FaultAction::Answer(code)).hits(Hits::First(1));
            bench.cluster.faults.set(fault).unwrap();

            let response = bench.ask_in(wire, version, request);

            let written = format!("{response:?}");
            let code = format!("error_code: {}", code.0);
            // The oldest answers of two APIs have no place for it.
            let has_place = !matches!(
                (api_key, version),
                (ApiKey::OffsetFetch, 1) | (ApiKey::CreatePartitions, _)
            );
            assert_eq!(
                written.contains(&code),
                has_place,
                "{api_key:?} v{version}: {written}"
            );
            assert_eq!(bench.cluster.violations(), [""; 0]);
            assert_eq!(bench.cluster.end_offset(TOPIC, 0).unwrap().value(), 0);
        }
    }
}

#[test]
fn a_version_of_api_versions_from_the_future_is_answered_in_the_oldest() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let future = Bytes::from_static(&[0, 18, 0, 99, 0, 0, 0, 5, 0xff, 0xff, 1, 2, 3]);

    let out = bench.feed(Input::Request(wire.id, future));

    let Some(Response::ApiVersions(answer)) = answer_to(wire, ApiKey::ApiVersions, 4, &out) else {
        panic!("{out:?}");
    };
    assert_eq!(ErrorCode(answer.error_code), ErrorCode::UNSUPPORTED_VERSION);
    let known = &answer.api_keys[0];
    assert_eq!((known.api_key, known.max_version), (18, 4));
    assert_eq!(bench.cluster.violations(), [""; 0]);
}

#[test]
fn bytes_that_are_no_request_end_the_connection_and_are_noted() {
    let request = frame(9, &requests(&bench())[1]);
    for length in 0..request.len() {
        let mut bench = bench();
        let wire = bench.connect(0);

        let out = bench.feed(Input::Request(wire.id, request.slice(..length)));

        assert_eq!(out, [Output::Close(wire.id)], "{length} bytes");
        assert_eq!(bench.cluster.violations().len(), 1);
        let after = bench.feed(Input::Request(wire.id, request.clone()));
        assert_eq!(after, [], "what comes after the end is not served");
    }
}

#[test]
fn requests_with_any_bytes_changed_never_panic_and_always_have_an_outcome() {
    // Marsaglia's xorshift, the same on every machine.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut roll = |sides: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % sides as u64) as usize
    };
    let frames: Vec<Bytes> = requests(&bench())
        .iter()
        .flat_map(|request| {
            let versions = ours(request.api_key());
            [*versions.start(), *versions.end()].map(|version| frame(version, request))
        })
        .chain(further::cases().map(|(version, request)| frame(version, &request)))
        .collect();
    let mut bench = bench();
    let mut wire = bench.connect(0);
    for round in 0..20_000 {
        let mut bytes = frames[roll(frames.len())].to_vec();
        for _ in 0..roll(4) {
            // The first bytes choose the API, which is chosen already.
            let at = 8 + roll(bytes.len() - 8);
            bytes[at] = [0, 1, 0x7f, 0x80, 0xff, roll(256) as u8][roll(6)];
        }
        let api_key = i16::from_be_bytes([bytes[0], bytes[1]]);

        let out = bench.feed(Input::Request(wire.id, bytes.into()));

        let is_settled = out.iter().any(|output| match output {
            Output::Answer(id, _) | Output::NoAnswer(id) | Output::Close(id) => *id == wire.id,
            Output::StopListening(_) => false,
        });
        let may_wait = [ApiKey::Fetch, ApiKey::JoinGroup, ApiKey::SyncGroup];
        let may_wait = may_wait.iter().any(|known| *known as i16 == api_key);
        assert!(is_settled || may_wait, "round {round}: {out:?}");
        if !is_settled || out.contains(&Output::Close(wire.id)) {
            bench.feed(Input::Closed(wire.id));
            wire = bench.connect(0);
        }
        if roll(10) == 0 {
            bench.wait(Duration::from_millis(roll(20_000) as u64));
        }
    }
}
