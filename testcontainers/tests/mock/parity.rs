//! The same requests to the mock and to a real broker: the answers must be the same, but for ids
//! and addresses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_client::net::{Lane, NetworkClient, NetworkEvent, OutboundRequest, RequestToken};
use weft_client::record::{BatchBuilder, Compression, Compressor};
use weft_client::wire::messages::create_partitions_request::CreatePartitionsTopic;
use weft_client::wire::messages::create_topics_request::CreatableTopic;
use weft_client::wire::messages::delete_topics_request::DeleteTopicState;
use weft_client::wire::messages::describe_groups_response::DescribedGroupMember;
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
use weft_client::wire::messages::sync_group_request::SyncGroupRequestAssignment;
use weft_client::wire::messages::*;
use weft_client::wire::{ErrorCode, Request, Response, StrBytes};
use weft_client::{Broker, ClientConfig, NodeId};
use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion};
use weft_testcontainers::mock::MockCluster;

/// One broker, asked one question after the other.
struct Witness {
    network: NetworkClient,
    broker: Arc<Broker>,
    topic_id: uuid::Uuid,
    /// What was asked, and what came, without what must differ.
    told: Vec<(String, String)>,
    /// Answers by the number of their request.
    settled: BTreeMap<u64, Response>,
    asked: u64,
}

impl Witness {
    fn new(address: &str) -> Self {
        let config = ClientConfig::builder()
            .bootstrap_servers(address)
            .build()
            .unwrap();
        let (host, port) = address.rsplit_once(':').unwrap();
        Self {
            network: NetworkClient::new(&config).unwrap(),
            broker: Arc::new(Broker {
                id: NodeId::new(0),
                host: host.into(),
                port: port.parse().unwrap(),
                rack: None,
            }),
            topic_id: uuid::Uuid::nil(),
            told: Vec::new(),
            settled: BTreeMap::new(),
            asked: 0,
        }
    }

    fn send(&mut self, lane: Lane, request: Request) -> u64 {
        self.asked += 1;
        let request = OutboundRequest {
            token: RequestToken::new(self.asked),
            broker: Arc::clone(&self.broker),
            lane,
            request,
            timeout: PATIENCE,
        };
        self.network.send(Instant::now(), request);
        self.asked
    }

    fn wait(&mut self, token: u64) -> Response {
        let give_up_at = Instant::now() + PATIENCE;
        loop {
            if let Some(response) = self.settled.remove(&token) {
                return response;
            }
            assert!(Instant::now() < give_up_at, "nothing is answered");
            let mut events = Vec::new();
            self.network.poll(Duration::from_millis(100), &mut events);
            for event in events {
                match event {
                    NetworkEvent::Response {
                        token, response, ..
                    } => drop(self.settled.insert(token.value(), response)),
                    NetworkEvent::Failed { error, .. } => panic!("{error}"),
                    _ => {}
                }
            }
        }
    }

    fn ask_quietly(&mut self, request: impl Into<Request>) -> Response {
        let token = self.send(Lane::General, request.into());
        self.wait(token)
    }

    fn ask(&mut self, what: &str, request: impl Into<Request>) -> Response {
        let response = self.ask_quietly(request);
        self.tell(what, &response);
        response
    }

    /// Asks until the broker is no longer loading what it needs for the answer.
    fn ask_when_ready(&mut self, what: &str, request: &InitProducerIdRequest) {
        let give_up_at = Instant::now() + PATIENCE;
        loop {
            let response = self.ask_quietly(request.clone());
            match &response {
                Response::InitProducerId(answer)
                    if ErrorCode(answer.error_code) == ErrorCode::COORDINATOR_LOAD_IN_PROGRESS => {}
                _ => return self.tell(what, &response),
            }
            assert!(Instant::now() < give_up_at, "{response:?}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn tell(&mut self, what: &str, response: &Response) {
        let mut text = match response.clone() {
            // A broker keeps members in no order.
            Response::DescribeGroups(mut response) => {
                for group in &mut response.groups {
                    let by_assignment =
                        |member: &DescribedGroupMember| member.member_assignment.clone();
                    group.members.sort_by_key(by_assignment);
                }
                format!("{response:?}")
            }
            response => format!("{response:?}"),
        };
        for field in DIFFERENT {
            text = redacted(&text, field);
        }
        self.told.push((what.to_owned(), text));
    }
}

/// `text` with the values of `field` taken out.
pub(crate) fn redacted(text: &str, field: &str) -> String {
    let name = format!(" {field}: ");
    let mut pieces = text.split(&name);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let value = if piece.starts_with("Some(\"") {
            piece.find("\")").map_or(0, |end| end + 2)
        } else {
            piece.find([',', '}']).unwrap_or(piece.len())
        };
        out += &format!("{name}*{}", &piece[value..]);
    }
    out
}

fn string(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic_name(name: &str) -> TopicName {
    TopicName(string(name))
}

fn group(name: &str) -> GroupId {
    GroupId(string(name))
}

fn batch() -> Bytes {
    let mut builder = BatchBuilder::new();
    for timestamp in [1_000, 3_000, 2_000] {
        builder.append(timestamp, None, Some(b"v"), &[]).unwrap();
    }
    builder
        .build(Compression::None, &mut Compressor::default())
        .unwrap()
}

fn fetch(topic_id: uuid::Uuid, partition: i32, offset: i64, epoch: i32) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_partition(partition)
        .with_fetch_offset(offset)
        .with_current_leader_epoch(epoch)
        .with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default()
        .with_topic(topic_name("topic"))
        .with_topic_id(topic_id)
        .with_partitions(vec![partition]);
    FetchRequest::default()
        .with_max_wait_ms(1)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

fn produce(topic_id: uuid::Uuid, partition: i32, records: Bytes) -> ProduceRequest {
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(records));
    let topic = TopicProduceData::default()
        .with_name(topic_name("topic"))
        .with_topic_id(topic_id)
        .with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(10_000)
        .with_topic_data(vec![topic])
}

fn init_producer_id() -> InitProducerIdRequest {
    InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_transaction_timeout_ms(1_000)
        .with_producer_id((-1).into())
        .with_producer_epoch(-1)
}

fn topics(witness: &mut Witness) {
    let create = |name: &str, partitions, replicas| {
        CreateTopicsRequest::default()
            .with_timeout_ms(30_000)
            .with_topics(vec![
                CreatableTopic::default()
                    .with_name(topic_name(name))
                    .with_num_partitions(partitions)
                    .with_replication_factor(replicas),
            ])
    };
    let Response::CreateTopics(created) = witness.ask_quietly(create("topic", 2, 1)) else {
        panic!("no topic");
    };
    witness.topic_id = created.topics[0].topic_id;
    witness.ask("a topic that exists", create("topic", 2, 1));
    witness.ask("no partitions", create("none", 0, 1));
    witness.ask("too many replicas", create("none", 1, 2));
    witness.ask("a bad name", create("no/ne", 1, 1));
    let ask = |name: Option<&str>, id| {
        let topic = MetadataRequestTopic::default()
            .with_name(name.map(topic_name))
            .with_topic_id(id);
        MetadataRequest::default()
            .with_topics(Some(vec![topic]))
            .with_allow_auto_topic_creation(true)
    };
    let unknown = uuid::Uuid::from_bytes([7; 16]);
    let nothing = uuid::Uuid::nil();
    // A real broker learns of a new topic a moment after its controller.
    thread::sleep(Duration::from_millis(500));
    witness.ask("metadata", ask(Some("topic"), nothing));
    let by_id = ask(None, witness.topic_id);
    witness.ask("metadata by id", by_id);
    witness.ask("metadata of nothing", ask(Some("none"), nothing));
    witness.ask("metadata of a bad name", ask(Some("no/ne"), nothing));
    witness.ask("metadata of an unknown id", ask(None, unknown));
    let none = DeleteTopicState::default().with_name(Some(topic_name("none")));
    let delete = DeleteTopicsRequest::default()
        .with_timeout_ms(30_000)
        .with_topics(vec![none]);
    witness.ask("deleting nothing", delete);
    for (name, count) in [("topic", 1), ("topic", 2), ("none", 3), ("topic", 3)] {
        let topic = CreatePartitionsTopic::default()
            .with_name(topic_name(name))
            .with_count(count)
            .with_assignments(None);
        let grow = CreatePartitionsRequest::default()
            .with_timeout_ms(30_000)
            .with_topics(vec![topic]);
        witness.ask(&format!("{name} with {count} partitions"), grow);
    }
    witness.ask("the cluster", DescribeClusterRequest::default());
    witness.ask_when_ready("a producer id", &init_producer_id());
}

fn records(witness: &mut Witness) {
    let id = witness.topic_id;
    let unknown = uuid::Uuid::from_bytes([7; 16]);
    let mut corrupt = batch().to_vec();
    *corrupt.last_mut().unwrap() ^= 1;
    witness.ask("produce", produce(id, 0, batch()));
    witness.ask("produce more", produce(id, 0, batch()));
    witness.ask("produce corrupt", produce(id, 0, corrupt.into()));
    witness.ask("produce nowhere", produce(id, 9, batch()));
    witness.ask("produce to an unknown id", produce(unknown, 0, batch()));
    witness.ask("fetch", fetch(id, 0, 0, -1));
    witness.ask("fetch the second batch", fetch(id, 0, 4, 0));
    witness.ask("fetch the end", fetch(id, 0, 6, -1));
    witness.ask("fetch behind the end", fetch(id, 0, 7, -1));
    witness.ask("fetch nowhere", fetch(id, 9, 0, -1));
    witness.ask("fetch an unknown id", fetch(unknown, 0, 0, -1));
    witness.ask("fetch a future epoch", fetch(id, 0, 0, 5));
    let session = fetch(id, 0, 0, -1).with_session_id(5).with_session_epoch(3);
    witness.ask("fetch in no session", session);
    let committed = fetch(id, 0, 0, -1).with_isolation_level(1);
    witness.ask("fetch committed", committed);
    for (name, partition, timestamp) in [
        ("topic", 0, -1),
        ("topic", 0, -2),
        ("topic", 0, -3),
        ("topic", 0, -4),
        ("topic", 0, 0),
        ("topic", 0, 1_500),
        ("topic", 0, 9_999),
        ("topic", 1, -1),
        ("topic", 1, -3),
        ("topic", 9, -1),
        ("none", 0, -1),
    ] {
        let partition_asked = ListOffsetsPartition::default()
            .with_partition_index(partition)
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp);
        let topic = ListOffsetsTopic::default()
            .with_name(topic_name(name))
            .with_partitions(vec![partition_asked]);
        let request = ListOffsetsRequest::default()
            .with_replica_id((-1).into())
            .with_topics(vec![topic]);
        let what = format!("offset of {timestamp} in {name}-{partition}");
        witness.ask(&what, request);
    }
    for (current, epoch) in [(-1, 0), (0, 0), (-1, 1), (4, 0)] {
        let partition = OffsetForLeaderPartition::default()
            .with_current_leader_epoch(current)
            .with_leader_epoch(epoch);
        let topic = OffsetForLeaderTopic::default()
            .with_topic(topic_name("topic"))
            .with_partitions(vec![partition]);
        let request = OffsetForLeaderEpochRequest::default()
            .with_replica_id((-1).into())
            .with_topics(vec![topic]);
        let what = format!("the end of epoch {epoch} seen from {current}");
        witness.ask(&what, request);
    }
}

fn join(member_id: &str, protocol: &str) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(string(protocol))
        .with_metadata(Bytes::from_static(b"\0\0\0\0\0\0\xff\xff\xff\xff"));
    JoinGroupRequest::default()
        .with_group_id(group("group"))
        .with_member_id(string(member_id))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(string("consumer"))
        .with_protocols(vec![protocol])
}

fn heartbeat(member_id: &StrBytes, generation: i32) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(group("group"))
        .with_member_id(member_id.clone())
        .with_generation_id(generation)
}

fn sync(member_id: &StrBytes, generation: i32, protocol: &str) -> SyncGroupRequest {
    let assignment = SyncGroupRequestAssignment::default()
        .with_member_id(member_id.clone())
        .with_assignment(Bytes::from_static(b"assignment"));
    SyncGroupRequest::default()
        .with_group_id(group("group"))
        .with_member_id(member_id.clone())
        .with_generation_id(generation)
        .with_protocol_type(Some(string("consumer")))
        .with_protocol_name(Some(string(protocol)))
        .with_assignments(vec![assignment])
}

fn commit(
    group_name: &str,
    member_id: &StrBytes,
    generation: i32,
    topic: &str,
) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default()
        .with_committed_offset(3)
        .with_committed_leader_epoch(0)
        .with_committed_metadata(Some(string("text")));
    let topic = OffsetCommitRequestTopic::default()
        .with_name(topic_name(topic))
        .with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(group(group_name))
        .with_member_id(member_id.clone())
        .with_generation_id_or_member_epoch(generation)
        .with_topics(vec![topic])
}

fn leave(member_id: &StrBytes, instance_id: Option<&str>) -> LeaveGroupRequest {
    let member = MemberIdentity::default()
        .with_member_id(member_id.clone())
        .with_group_instance_id(instance_id.map(string));
    LeaveGroupRequest::default()
        .with_group_id(group("group"))
        .with_members(vec![member])
}

fn describe(name: &str) -> DescribeGroupsRequest {
    DescribeGroupsRequest::default().with_groups(vec![group(name)])
}

fn joined(response: Response) -> JoinGroupResponse {
    match response {
        Response::JoinGroup(response) => response,
        other => panic!("{other:?}"),
    }
}

/// Waits until a real broker has made itself the coordinator of the groups used here.
fn find_coordinator(witness: &mut Witness) {
    let give_up_at = Instant::now() + PATIENCE;
    loop {
        let keys = ["group", "offsets"].map(string).to_vec();
        let find = FindCoordinatorRequest::default().with_coordinator_keys(keys);
        let Response::FindCoordinator(found) = witness.ask_quietly(find) else {
            panic!("no coordinator");
        };
        let nobody = StrBytes::default();
        let Response::OffsetCommit(committed) =
            witness.ask_quietly(commit("offsets", &nobody, -1, "topic"))
        else {
            panic!("no commit");
        };
        let is_found = found.coordinators.iter().all(|it| it.error_code == 0);
        if is_found && committed.topics[0].partitions[0].error_code == 0 {
            witness.tell("the coordinators", &found.into());
            return;
        }
        assert!(Instant::now() < give_up_at, "{found:?} {committed:?}");
        thread::sleep(Duration::from_millis(100));
    }
}

fn group_of_nobody(witness: &mut Witness) {
    let nobody = StrBytes::default();
    let stranger = string("stranger");
    witness.ask("a heartbeat of nobody", heartbeat(&stranger, 1));
    witness.ask("a sync of nobody", sync(&stranger, 1, "range"));
    witness.ask("nobody leaves", leave(&stranger, None));
    witness.ask("a stranger commits", commit("group", &stranger, 1, "topic"));
    witness.ask("a stranger joins", join("stranger", "range"));
    witness.ask("no group", describe("none"));
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group("none")]);
    witness.ask("deleting no group", delete);
    let short = join("", "range").with_session_timeout_ms(10);
    witness.ask("a short session", short);
    let no_name = join("", "range").with_group_id(group(""));
    witness.ask("a group without a name", no_name);
    let no_protocols = join("", "range").with_protocols(Vec::new());
    witness.ask("a join without protocols", no_protocols);
    witness.ask(
        "offsets of no topic",
        commit("offsets", &nobody, -1, "none"),
    );
    for (name, topics) in [
        (
            "offsets",
            Some(vec![("topic", vec![0, 1, 9]), ("none", vec![0])]),
        ),
        ("offsets", None),
        ("none", Some(vec![("topic", vec![0])])),
        ("none", None),
    ] {
        let topics = topics.map(|topics| {
            topics
                .into_iter()
                .map(|(topic, partitions)| {
                    OffsetFetchRequestTopics::default()
                        .with_name(topic_name(topic))
                        .with_partition_indexes(partitions)
                })
                .collect()
        });
        let asked = OffsetFetchRequestGroup::default()
            .with_group_id(group(name))
            .with_topics(topics);
        let request = OffsetFetchRequest::default().with_groups(vec![asked]);
        witness.ask(&format!("the offsets of {name}"), request);
    }
}

fn group_of_two(witness: &mut Witness) {
    let nobody = StrBytes::default();
    let refused = joined(witness.ask("a first join", join("", "range")));
    let id = refused.member_id;
    let member = joined(witness.ask("a join with the id", join(&id, "range")));
    let generation = member.generation_id;
    witness.ask(
        "a commit before the sync",
        commit("group", &id, generation, "topic"),
    );
    witness.ask("a heartbeat before the sync", heartbeat(&id, generation));
    witness.ask("a join once more", join(&id, "range"));
    witness.ask(
        "a sync with another protocol",
        sync(&id, generation, "other"),
    );
    witness.ask("a sync", sync(&id, generation, "range"));
    witness.ask("a sync once more", sync(&id, generation, "range"));
    witness.ask("a heartbeat", heartbeat(&id, generation));
    witness.ask("an old heartbeat", heartbeat(&id, generation - 1));
    witness.ask("a commit", commit("group", &id, generation, "topic"));
    witness.ask(
        "an old commit",
        commit("group", &id, generation - 1, "topic"),
    );
    witness.ask("a stranger's commit", commit("group", &nobody, -1, "topic"));
    witness.ask("another protocol", join("", "other"));
    witness.ask("the group", describe("group"));
    for (states, types) in [
        ("Stable", ""),
        ("stable", "classic"),
        ("Dead", ""),
        ("", "share"),
    ] {
        let filter = |value: &str| match value {
            "" => Vec::new(),
            value => vec![string(value)],
        };
        let list = ListGroupsRequest::default()
            .with_states_filter(filter(states))
            .with_types_filter(filter(types));
        witness.ask(&format!("groups {states} {types}"), list);
    }
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group("group")]);
    witness.ask("deleting the group", delete);

    let second = joined(witness.ask_quietly(join("", "range"))).member_id;
    let joining = witness.send(Lane::Fetch, join(&second, "range").into());
    // Until the second one waits for the first.
    loop {
        let Response::Heartbeat(answer) = witness.ask_quietly(heartbeat(&id, generation)) else {
            panic!("no heartbeat");
        };
        if answer.error_code != 0 {
            break;
        }
    }
    witness.ask("a heartbeat in a rebalance", heartbeat(&id, generation));
    witness.ask(
        "a commit in a rebalance",
        commit("group", &id, generation, "topic"),
    );
    witness.ask("a sync in a rebalance", sync(&id, generation, "range"));
    witness.ask("the group in a rebalance", describe("group"));
    witness.ask("the first leaves", leave(&id, None));
    let alone = witness.wait(joining);
    witness.tell("the second is alone", &alone);
    let generation = joined(alone).generation_id;
    witness.ask(
        "the first is no member any more",
        heartbeat(&id, generation),
    );
    witness.ask("the first leaves again", leave(&id, None));
    witness.ask("the group of one", describe("group"));
    witness.ask("the second leaves", leave(&second, None));
    witness.ask("the empty group", describe("group"));
    witness.ask(
        "a commit afterwards",
        commit("group", &second, generation, "topic"),
    );
}

fn static_member(witness: &mut Witness) {
    let join = |member_id: &str| {
        join(member_id, "range")
            .with_group_id(group("group"))
            .with_group_instance_id(Some(string("instance")))
    };
    let first = joined(witness.ask("a static join", join("")));
    let id = first.member_id.clone();
    let of = |id: &StrBytes| {
        sync(id, first.generation_id, "range").with_group_instance_id(Some(string("instance")))
    };
    witness.ask("a static sync", of(&id));
    let back = joined(witness.ask("a static member is back", join("")));
    assert_ne!(back.member_id, id);
    witness.ask("its sync", of(&back.member_id));
    witness.ask("the sync of its former self", of(&id));
    witness.ask("the join of its former self", join(&id));
    witness.ask("its former self leaves", leave(&id, Some("instance")));
    witness.ask(
        "an unknown instance leaves",
        leave(&StrBytes::default(), Some("none")),
    );
    witness.ask(
        "it is taken out",
        leave(&StrBytes::default(), Some("instance")),
    );
    witness.ask("the group it left", describe("group"));
}

fn told_by(address: &str) -> Vec<(String, String)> {
    let mut witness = Witness::new(address);
    topics(&mut witness);
    records(&mut witness);
    find_coordinator(&mut witness);
    group_of_nobody(&mut witness);
    group_of_two(&mut witness);
    static_member(&mut witness);
    witness.told
}

#[test]
fn the_mock_answers_as_a_real_broker_does() {
    if !super::java::has_java() {
        return;
    }
    let mock = MockCluster::builder().start().unwrap();
    let by_mock = told_by(&mock.bootstrap());
    let real = KafkaCluster::builder()
        .version(KafkaVersion::V4_4_0)
        .start()
        .unwrap();
    let by_real = told_by(&real.bootstrap());

    let differences: Vec<String> = by_mock
        .iter()
        .zip(&by_real)
        .filter(|(mock, real)| mock != real)
        .map(|((what, mock), (_, real))| format!("{what}:\n  mock {mock}\n  real {real}"))
        .collect();
    println!("{} answers compared", by_mock.len());
    assert_eq!(by_mock.len(), by_real.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Fields that differ between clusters, or say something in words.
const DIFFERENT: [&str; 13] = [
    "producer_id",
    "topic_id",
    "member_id",
    "leader",
    "host",
    "port",
    "cluster_id",
    "throttle_time_ms",
    "error_message",
    "client_host",
    "node_id",
    "controller_id",
    "log_append_time_ms",
];

const PATIENCE: Duration = Duration::from_secs(60);
