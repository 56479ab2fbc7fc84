//! A member under test with a clock, and a hand to answer its requests with.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_client::cluster::{NodeLoad, NodeLoads};
use weft_client::net::{
    CloseReason, Lane, NetworkEvent, OutboundRequest, RequestError, RequestToken,
};
use weft_client::wire::messages::find_coordinator_response::Coordinator;
use weft_client::wire::messages::join_group_response::JoinGroupResponseMember;
use weft_client::wire::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use weft_client::wire::messages::{
    self, BrokerId, FindCoordinatorResponse, HeartbeatResponse, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupResponse, MetadataResponse, OffsetCommitResponse,
    SyncGroupRequest, SyncGroupResponse,
};
use weft_client::wire::messages::{
    offset_commit_response::OffsetCommitResponsePartition,
    offset_commit_response::OffsetCommitResponseTopic,
};
use weft_client::wire::{Request, Response, StrBytes};
use weft_client::{Error, NodeId, Offset, TopicName, TopicPartition};

use crate::ConsumerConfig;
use crate::assign::{
    Assignor, CooperativeStickyAssignor, MemberAssignment, MemberSubscription, RangeAssignor,
};
use crate::group::protocol::{BlobVersion, encode_assignment, encode_subscription};
use crate::group::{GroupCore, GroupInput, GroupOutput, GroupSettings};
use crate::lane::{
    Change, ChangeId, ChangeKind, Command, CommandId, GroupResult, MembershipOperation, Offsets,
    SubscriptionEpoch,
};

/// Any instant; the tests count from it.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant can be had nowhere else"
)]
pub(super) fn start() -> Instant {
    Instant::now()
}

pub(super) struct Idle;

impl NodeLoads for Idle {
    fn load(&self, _node: NodeId) -> NodeLoad {
        NodeLoad::Ready { in_flight: 0 }
    }
}

/// Every broker waits for its next attempt to connect.
struct Unreachable(Instant);

impl NodeLoads for Unreachable {
    fn load(&self, _node: NodeId) -> NodeLoad {
        NodeLoad::Backoff { until: self.0 }
    }
}

pub(super) struct Bench {
    pub(super) core: GroupCore,
    pub(super) now: Instant,
    pub(super) last_poll: Option<Instant>,
    /// Requests sent and not answered yet.
    pub(super) wire: VecDeque<OutboundRequest>,
    /// What the consumer has not taken yet.
    pub(super) slot: Option<Change>,
    pub(super) results: Vec<GroupResult>,
    pub(super) disconnects: Vec<(i32, Lane)>,
    /// Whether changes can still be withdrawn.
    pub(super) takes_at_once: bool,
    pub(super) is_reachable: bool,
    /// The change that the consumer took last.
    taken: Option<Change>,
}

pub(super) fn eager() -> Vec<Arc<dyn Assignor>> {
    vec![Arc::new(RangeAssignor), Arc::new(CooperativeStickyAssignor)]
}

pub(super) fn cooperative() -> Vec<Arc<dyn Assignor>> {
    vec![Arc::new(CooperativeStickyAssignor)]
}

pub(super) fn settings(properties: &[(&str, &str)]) -> GroupSettings {
    let mut builder = ConsumerConfig::builder()
        .set("bootstrap.servers", "boot:1")
        .set("group.id", "g");
    for (key, value) in properties {
        builder = builder.set(key, value);
    }
    GroupSettings::from_config(&builder.build().unwrap()).unwrap()
}

pub(super) fn bench(assignors: Vec<Arc<dyn Assignor>>, properties: &[(&str, &str)]) -> Bench {
    let now = start();
    Bench {
        core: GroupCore::new(settings(properties), assignors, now, 7),
        now,
        last_poll: Some(now),
        wire: VecDeque::new(),
        slot: None,
        results: Vec::new(),
        disconnects: Vec::new(),
        takes_at_once: false,
        is_reachable: true,
        taken: None,
    }
}

/// An eager member in generation 1 as `m`, owning `partitions`.
pub(super) fn stable_eager(partitions: &[(&str, i32)]) -> Bench {
    let mut bench = bench(eager(), &[]);
    bench.become_member("range", partitions);
    bench
}

/// A cooperative one.
pub(super) fn stable_cooperative(partitions: &[(&str, i32)]) -> Bench {
    let mut bench = bench(cooperative(), &[]);
    bench.become_member("cooperative-sticky", partitions);
    bench
}

pub(super) fn partitions(names: &[(&str, i32)]) -> BTreeSet<TopicPartition> {
    let partition = |(topic, number): &(&str, i32)| TopicPartition::new(*topic, *number);
    names.iter().map(partition).collect()
}

pub(super) fn offsets(names: &[(&str, i32, i64)]) -> Offsets {
    let offset = |(topic, number, offset): &(&str, i32, i64)| {
        let partition = TopicPartition::new(*topic, *number);
        (partition, Offset::new(*offset).into())
    };
    names.iter().map(offset).collect()
}

pub(super) fn topics(names: &[&str]) -> BTreeSet<TopicName> {
    names.iter().map(|name| TopicName::from(*name)).collect()
}

pub(super) fn str_bytes(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(super) fn assignment(names: &[(&str, i32)]) -> Bytes {
    let assignment = MemberAssignment {
        partitions: partitions(names).into_iter().collect(),
        user_data: None,
    };
    encode_assignment(&assignment, BlobVersion::LATEST).unwrap()
}

/// A member of a leader's JoinGroup response.
pub(super) fn group_member(
    id: &str,
    of: &[&str],
    owned: &[(&str, i32)],
) -> JoinGroupResponseMember {
    let subscription = MemberSubscription {
        topics: of.iter().map(|name| TopicName::from(*name)).collect(),
        owned_partitions: partitions(owned).into_iter().collect(),
        ..MemberSubscription::default()
    };
    JoinGroupResponseMember::default()
        .with_member_id(str_bytes(id))
        .with_metadata(encode_subscription(&subscription, BlobVersion::LATEST).unwrap())
}

/// A JoinGroup response for a follower `m`.
pub(super) fn joined(generation: i32, protocol: &str) -> JoinGroupResponse {
    JoinGroupResponse::default()
        .with_generation_id(generation)
        .with_protocol_type(Some(str_bytes("consumer")))
        .with_protocol_name(Some(str_bytes(protocol)))
        .with_leader(str_bytes("other"))
        .with_member_id(str_bytes("m"))
}

/// A metadata response of broker 1, with topics and their numbers of partitions.
pub(super) fn metadata(of: &[(&str, i32)]) -> MetadataResponse {
    let broker = MetadataResponseBroker::default()
        .with_node_id(BrokerId(1))
        .with_host(str_bytes("one"))
        .with_port(9092);
    let partition = |number| {
        MetadataResponsePartition::default()
            .with_partition_index(number)
            .with_leader_id(BrokerId(1))
            .with_replica_nodes(vec![BrokerId(1)])
    };
    let topic = |(name, count): &(&str, i32)| {
        MetadataResponseTopic::default()
            .with_name(Some(messages::TopicName(str_bytes(name))))
            .with_partitions((0..*count).map(partition).collect())
    };
    MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_topics(of.iter().map(topic).collect())
}

/// The same code for each partition of a commit.
pub(super) fn commit_response(request: &OutboundRequest, code: i16) -> OffsetCommitResponse {
    let Request::OffsetCommit(request) = &request.request else {
        panic!("a commit was expected, not {:?}", request.request);
    };
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            OffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code)
        });
        OffsetCommitResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions.collect())
    });
    OffsetCommitResponse::default().with_topics(topics.collect())
}

/// A short name for each kind of request.
pub(super) fn kind(request: &Request) -> &'static str {
    match request {
        Request::Metadata(_) => "metadata",
        Request::FindCoordinator(_) => "find",
        Request::JoinGroup(_) => "join",
        Request::SyncGroup(_) => "sync",
        Request::Heartbeat(_) => "heartbeat",
        Request::LeaveGroup(_) => "leave",
        Request::OffsetCommit(_) => "commit",
        Request::OffsetFetch(_) => "fetch",
        _ => "something else",
    }
}

impl Bench {
    pub(super) fn feed(&mut self, input: GroupInput) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut out = Vec::new();
            let loads: &dyn NodeLoads = if self.is_reachable {
                &Idle
            } else {
                &Unreachable(self.now + Duration::from_secs(1))
            };
            self.core
                .handle(self.now, input, self.last_poll, loads, &mut out);
            for output in out {
                match output {
                    GroupOutput::Send(request) => self.wire.push_back(request),
                    GroupOutput::Disconnect { node, lane } => {
                        self.disconnects.push((node.value(), lane));
                        self.cut(lane, &mut inputs);
                    }
                    GroupOutput::Publish(change) => {
                        assert!(self.slot.is_none(), "the slot is full");
                        self.slot = Some(change);
                    }
                    GroupOutput::Withdraw(change) => {
                        let is_there = |slot: &mut Change| slot.id == change;
                        if self.slot.take_if(is_there).is_some() {
                            inputs.push_front(GroupInput::Withdrawn(change));
                        }
                    }
                    GroupOutput::Result(result) => self.results.push(result),
                }
            }
            if self.takes_at_once && self.slot.is_some() {
                self.taken = self.slot.take();
            }
        }
    }

    /// What a closed connection does to the requests on it.
    fn cut(&mut self, lane: Lane, inputs: &mut VecDeque<GroupInput>) {
        let all = self.wire.drain(..);
        let (cut, kept): (VecDeque<OutboundRequest>, _) =
            all.partition(|request| request.lane == lane);
        self.wire = kept;
        inputs.extend(
            cut.iter()
                .map(|request| failed(request, CloseReason::Requested)),
        );
    }

    pub(super) fn command(&mut self, command: Command) {
        self.feed(GroupInput::Command(command));
    }

    pub(super) fn subscribe(&mut self, names: &[&str]) {
        self.subscribe_in(1, names);
    }

    pub(super) fn subscribe_in(&mut self, epoch: u64, names: &[&str]) {
        self.command(Command::Subscribe {
            epoch: SubscriptionEpoch(epoch),
            topics: topics(names),
        });
    }

    pub(super) fn commit(&mut self, id: u64, retry_for: Option<Duration>) {
        self.command(Command::Commit {
            id: CommandId(id),
            offsets: offsets(&[("t", 0, 5)]),
            retry_until: retry_for.map(|span| self.now + span),
        });
    }

    pub(super) fn ask_committed(&mut self, id: u64) {
        self.ask_committed_within(id, Duration::from_secs(10));
    }

    pub(super) fn ask_committed_within(&mut self, id: u64, span: Duration) {
        self.command(Command::FetchCommitted {
            id: CommandId(id),
            partitions: partitions(&[("t", 0), ("t", 1)]),
            retry_until: self.now + span,
        });
    }

    pub(super) fn leave(&mut self, operation: MembershipOperation, wait: Option<Duration>) {
        self.command(Command::Leave {
            id: CommandId(99),
            reason: "the consumer is being closed".into(),
            operation,
            wait_until: wait.map(|span| self.now + span),
        });
    }

    /// Lets time pass, and the consumer poll in the meantime.
    pub(super) fn pass(&mut self, span: Duration) {
        self.now += span;
        self.last_poll = Some(self.now);
        self.feed(GroupInput::Tick);
    }

    pub(super) fn pass_millis(&mut self, millis: u64) {
        self.pass(Duration::from_millis(millis));
    }

    /// Lets time pass without a poll.
    pub(super) fn pass_without_poll(&mut self, span: Duration) {
        self.now += span;
        self.feed(GroupInput::Tick);
    }

    pub(super) fn kinds(&self) -> Vec<&'static str> {
        self.wire
            .iter()
            .map(|request| kind(&request.request))
            .collect()
    }

    /// The oldest unanswered request of a kind.
    pub(super) fn take(&mut self, wanted: &str) -> OutboundRequest {
        let place = self
            .wire
            .iter()
            .position(|request| kind(&request.request) == wanted);
        let place = place.unwrap_or_else(|| panic!("no {wanted} among {:?}", self.kinds()));
        self.wire.remove(place).unwrap()
    }

    pub(super) fn has(&self, wanted: &str) -> bool {
        self.kinds().contains(&wanted)
    }

    pub(super) fn respond(&mut self, token: RequestToken, response: impl Into<Response>) {
        self.feed(GroupInput::Network(NetworkEvent::Response {
            token,
            response: response.into(),
            bytes: 0,
            throttle: Duration::ZERO,
            latency: Duration::ZERO,
        }));
    }

    pub(super) fn answer(&mut self, wanted: &str, response: impl Into<Response>) -> Request {
        let request = self.take(wanted);
        self.respond(request.token, response);
        request.request
    }

    /// Cuts the connection under the oldest request of a kind.
    pub(super) fn fail(&mut self, wanted: &str) {
        let request = self.take(wanted);
        self.feed(failed(&request, CloseReason::Unresolved("gone".into())));
    }

    pub(super) fn answer_metadata(&mut self, of: &[(&str, i32)]) {
        self.answer("metadata", metadata(of));
    }

    pub(super) fn find_coordinator_code(&mut self, code: i16) {
        let coordinator = Coordinator::default()
            .with_node_id(BrokerId(1))
            .with_host(str_bytes("one"))
            .with_port(9092)
            .with_error_code(code);
        let response = FindCoordinatorResponse::default().with_coordinators(vec![coordinator]);
        self.answer("find", response);
    }

    pub(super) fn find_coordinator(&mut self) {
        self.find_coordinator_code(0);
    }

    pub(super) fn join_code(&mut self, code: i16) {
        let response = JoinGroupResponse::default().with_error_code(code);
        self.answer("join", response);
    }

    pub(super) fn join_as(&mut self, generation: i32, protocol: &str) -> JoinGroupRequest {
        match self.answer("join", joined(generation, protocol)) {
            Request::JoinGroup(request) => request,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn sync_with(&mut self, names: &[(&str, i32)]) -> SyncGroupRequest {
        let response = SyncGroupResponse::default().with_assignment(assignment(names));
        match self.answer("sync", response) {
            Request::SyncGroup(request) => request,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn sync_code(&mut self, code: i16) {
        self.answer("sync", SyncGroupResponse::default().with_error_code(code));
    }

    pub(super) fn heartbeat_code(&mut self, code: i16) {
        self.answer(
            "heartbeat",
            HeartbeatResponse::default().with_error_code(code),
        );
    }

    pub(super) fn commit_code(&mut self, code: i16) {
        let request = self.take("commit");
        self.respond(request.token, commit_response(&request, code));
    }

    pub(super) fn answer_leave(&mut self) {
        self.answer("leave", LeaveGroupResponse::default());
    }

    /// Lets a heartbeat be sent, and answers it.
    pub(super) fn beat(&mut self, code: i16) {
        self.pass_millis(3_000);
        self.heartbeat_code(code);
    }

    pub(super) fn take_change(&mut self) -> Change {
        let change = self.slot.take().or_else(|| self.taken.take());
        change.expect("a change was published")
    }

    /// The kind of the change that waits.
    pub(super) fn change(&self) -> Option<&ChangeKind> {
        self.slot.as_ref().map(|change| &change.kind)
    }

    pub(super) fn answer_change(&mut self, change: ChangeId, owned: &[(&str, i32)]) {
        self.command(Command::Answer {
            change,
            owned: partitions(owned),
        });
    }

    /// Takes the change that waits and answers it.
    pub(super) fn apply(&mut self, owned: &[(&str, i32)]) -> ChangeKind {
        let change = self.take_change();
        self.answer_change(change.id, owned);
        change.kind
    }

    /// From nothing into generation 1 as `m`, the assignment applied, the metadata answered.
    pub(super) fn become_member(&mut self, protocol: &str, owned: &[(&str, i32)]) {
        self.subscribe(&["t", "u"]);
        self.answer_metadata(&[("t", 4), ("u", 4)]);
        self.find_coordinator();
        self.join_as(1, protocol);
        self.sync_with(owned);
        self.apply(owned);
        self.results.clear();
        assert_eq!(self.kinds(), [""; 0]);
    }

    pub(super) fn commit_results(&mut self) -> Vec<(u64, Result<(), Error>)> {
        let mut found = Vec::new();
        for result in std::mem::take(&mut self.results) {
            match result {
                GroupResult::Committed { id, result } => found.push((id.0, result)),
                other => self.results.push(other),
            }
        }
        found
    }

    /// The failures that the user hears of.
    pub(super) fn failures(&mut self) -> Vec<Error> {
        let mut found = Vec::new();
        for result in std::mem::take(&mut self.results) {
            match result {
                GroupResult::Failed(error) => found.push(error),
                other => self.results.push(other),
            }
        }
        found
    }

    pub(super) fn next_in(&self) -> Option<Duration> {
        let deadline = self.core.next_deadline(self.last_poll)?;
        Some(deadline.saturating_duration_since(self.now))
    }
}

pub(super) fn failed(request: &OutboundRequest, reason: CloseReason) -> GroupInput {
    GroupInput::Network(NetworkEvent::Failed {
        token: request.token,
        error: RequestError::Disconnected {
            api_key: request.request.api_key(),
            broker: Arc::clone(&request.broker),
            reason,
        },
    })
}
