//! The coordinator of one group as this member sees it. The other members are what it gives
//! partitions to; they do everything at once.
//!
//! It judges what it is asked: a joining member owns what it says it owns, an accepted commit is
//! one of the present generation, never goes back, and never tells of a record that nobody got.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::TopicPartition;
use weft_client::net::OutboundRequest;
use weft_client::wire::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};
use weft_client::wire::messages::{
    HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, LeaveGroupResponse,
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse,
    SyncGroupRequest, SyncGroupResponse,
};
use weft_client::wire::{Request, Response};

use super::super::bench::{assignment, commit_response, joined, partitions, str_bytes};
use crate::assign::RebalanceProtocol;
use crate::group::protocol::decode_subscription;

/// All partitions there are.
pub(super) const ALL: [(&str, i32); 2] = [("t", 0), ("t", 1)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Stable,
    /// Members are expected to join.
    Joining,
    /// Those that joined are expected to take their assignment.
    Syncing,
}

#[derive(Clone, Debug)]
pub(super) struct Coordinator {
    protocol: RebalanceProtocol,
    pub(super) generation: i32,
    /// The member id, if it knows the member.
    pub(super) member: Option<String>,
    members_named: u32,
    phase: Phase,
    /// What the member said it owned when it joined.
    claimed: BTreeSet<TopicPartition>,
    /// What it was given in this generation.
    pub(super) given: BTreeSet<TopicPartition>,
    /// What others own, as far as the member had a say in it.
    pub(super) others: BTreeSet<TopicPartition>,
    pub(super) committed: BTreeMap<TopicPartition, i64>,
    /// How far records were ever handed out.
    pub(super) delivered: BTreeMap<TopicPartition, i64>,
}

impl Coordinator {
    pub(super) fn new(protocol: RebalanceProtocol) -> Self {
        Self {
            protocol,
            generation: 0,
            member: None,
            members_named: 0,
            phase: Phase::Joining,
            claimed: BTreeSet::new(),
            given: BTreeSet::new(),
            others: BTreeSet::new(),
            committed: BTreeMap::new(),
            delivered: BTreeMap::new(),
        }
    }

    pub(super) fn rebalance(&mut self) {
        self.phase = Phase::Joining;
    }

    pub(super) fn is_stable(&self) -> bool {
        self.phase == Phase::Stable && self.member.is_some()
    }

    pub(super) fn evict(&mut self) {
        self.member = None;
        self.phase = Phase::Joining;
    }

    fn refusal(&self, member: &str, generation: i32) -> i16 {
        if self.member.as_deref() != Some(member) {
            UNKNOWN_MEMBER_ID
        } else if generation != self.generation {
            ILLEGAL_GENERATION
        } else {
            0
        }
    }

    /// Carries a request out.
    pub(super) fn serve(&mut self, request: &OutboundRequest) -> Response {
        match &request.request {
            Request::JoinGroup(join) => self.join(join).into(),
            Request::SyncGroup(sync) => self.sync(sync).into(),
            Request::Heartbeat(beat) => {
                let refusal = self.refusal(&beat.member_id, beat.generation_id);
                let code = match (refusal, self.phase) {
                    (0, Phase::Joining) => REBALANCE_IN_PROGRESS,
                    (refusal, _) => refusal,
                };
                HeartbeatResponse::default().with_error_code(code).into()
            }
            Request::OffsetCommit(commit) => self.commit(request, commit).into(),
            Request::OffsetFetch(fetch) => self.fetch(fetch).into(),
            Request::LeaveGroup(_) => {
                self.evict();
                LeaveGroupResponse::default().into()
            }
            other => panic!("not for a coordinator: {other:?}"),
        }
    }

    fn protocol_name(&self) -> &'static str {
        match self.protocol {
            RebalanceProtocol::Eager => "range",
            RebalanceProtocol::Cooperative => "cooperative-sticky",
        }
    }

    /// What a member that joins says it owns.
    fn claims(&self, join: &JoinGroupRequest) -> BTreeSet<TopicPartition> {
        let mut protocols = join.protocols.iter();
        let offered = protocols.find(|offered| &*offered.name == self.protocol_name());
        let metadata = offered.expect("the assignor is offered").metadata.clone();
        let subscription = decode_subscription(metadata).unwrap();
        subscription.owned_partitions.into_iter().collect()
    }

    /// Looks at a JoinGroup when it is sent, with what the consumer owns then.
    pub(super) fn check_join(&self, join: &JoinGroupRequest, owned: &BTreeSet<TopicPartition>) {
        assert_eq!(
            &self.claims(join),
            owned,
            "a joining member tells what it owns"
        );
        let keeps = self.protocol == RebalanceProtocol::Cooperative && !join.member_id.is_empty();
        assert!(keeps || owned.is_empty(), "a joining member owns something");
    }

    fn join(&mut self, join: &JoinGroupRequest) -> JoinGroupResponse {
        let is_new = join.member_id.is_empty();
        if !is_new && self.member.as_deref() != Some(&*join.member_id) {
            return JoinGroupResponse::default().with_error_code(UNKNOWN_MEMBER_ID);
        }
        if is_new {
            self.members_named += 1;
            self.member = Some(format!("m{}", self.members_named));
        }
        self.claimed = self.claims(join);
        self.generation += 1;
        self.phase = Phase::Syncing;
        let member = self.member.as_deref().unwrap_or_default();
        joined(self.generation, self.protocol_name()).with_member_id(str_bytes(member))
    }

    fn sync(&mut self, sync: &SyncGroupRequest) -> SyncGroupResponse {
        let code = match (
            self.refusal(&sync.member_id, sync.generation_id),
            self.phase,
        ) {
            (0, Phase::Joining) => REBALANCE_IN_PROGRESS,
            (refusal, _) => refusal,
        };
        if code != 0 {
            return SyncGroupResponse::default().with_error_code(code);
        }
        self.phase = Phase::Stable;
        // All of them, or all but one. The others give up at once what is not theirs any more, and
        // get what this member neither has nor is given.
        let given = match self.generation % 2 {
            0 => &ALL[..1],
            _ => &ALL[..],
        };
        self.given = partitions(given);
        let is_free = |partition: &TopicPartition| {
            !self.given.contains(partition) && !self.claimed.contains(partition)
        };
        self.others = partitions(&ALL).into_iter().filter(is_free).collect();
        SyncGroupResponse::default().with_assignment(assignment(given))
    }

    fn commit(
        &mut self,
        request: &OutboundRequest,
        commit: &OffsetCommitRequest,
    ) -> OffsetCommitResponse {
        let refusal = self.refusal(&commit.member_id, commit.generation_id_or_member_epoch);
        let code = match (refusal, self.phase) {
            (0, Phase::Syncing) => REBALANCE_IN_PROGRESS,
            (refusal, _) => refusal,
        };
        if code == 0 {
            for topic in &commit.topics {
                for partition in &topic.partitions {
                    let name = TopicPartition::new(&topic.name, partition.partition_index);
                    self.take_commit(&name, partition.committed_offset);
                }
            }
        }
        commit_response(request, code)
    }

    fn take_commit(&mut self, partition: &TopicPartition, offset: i64) {
        assert!(
            !self.others.contains(partition),
            "a commit for {partition}, which somebody else owns"
        );
        let delivered = self.delivered.get(partition).copied().unwrap_or_default();
        assert!(
            offset <= delivered,
            "{partition}@{offset} was not delivered"
        );
        let before = self.committed.insert(partition.clone(), offset);
        assert!(
            before <= Some(offset),
            "the commit of {partition} went back"
        );
    }

    fn fetch(&self, fetch: &OffsetFetchRequest) -> OffsetFetchResponse {
        let asked = fetch.groups.first().and_then(|group| group.topics.as_ref());
        let topics = asked.into_iter().flatten().map(|topic| {
            let partitions = topic.partition_indexes.iter().map(|number| {
                let name = TopicPartition::new(&topic.name, *number);
                let committed = self.committed.get(&name).copied().unwrap_or(-1);
                OffsetFetchResponsePartitions::default()
                    .with_partition_index(*number)
                    .with_committed_offset(committed)
            });
            OffsetFetchResponseTopics::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions.collect())
        });
        let group = OffsetFetchResponseGroup::default().with_topics(topics.collect());
        OffsetFetchResponse::default().with_groups(vec![group])
    }
}

const ILLEGAL_GENERATION: i16 = 22;
const UNKNOWN_MEMBER_ID: i16 = 25;
const REBALANCE_IN_PROGRESS: i16 = 27;
