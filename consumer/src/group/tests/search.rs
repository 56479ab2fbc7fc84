//! A random walk over the member with a tiny consumer and a tiny coordinator, which checks the
//! properties of the lanes after every step. A failure prints the seed that replays it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use weft_client::TopicPartition;
use weft_client::backoff::Random;
use weft_client::net::{CloseReason, Lane, OutboundRequest};
use weft_client::wire::messages::{HeartbeatResponse, JoinGroupResponse, SyncGroupResponse};
use weft_client::wire::{Request, Response};

use super::bench::*;
use crate::assign::RebalanceProtocol;
use crate::lane::{Change, ChangeKind, Command, CommandId, GroupResult, MembershipOperation};

/// How many walks, and how long each is.
const WALKS: u64 = 400;
const STEPS: usize = 250;

const ALL: [(&str, i32); 4] = [("t", 0), ("t", 1), ("u", 0), ("u", 1)];

/// The whole world: a member, its consumer, its coordinator.
struct World {
    bench: Bench,
    random: Random,
    protocol: RebalanceProtocol,
    /// What the consumer owns, and in which generation it came to own it.
    owned: BTreeSet<TopicPartition>,
    owned_in: Option<i32>,
    /// The change that the consumer applies at the moment.
    applying: Option<Change>,
    epoch: u64,
    is_subscribed: bool,
    /// Commands without answer.
    waiting: BTreeMap<u64, &'static str>,
    next_command: u64,
    generation: i32,
    /// How far the requests on the wire have been checked.
    checked: BTreeSet<u64>,
    changes_unanswered: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (assignors, protocol) = if random.below(2) == 0 {
            (eager(), RebalanceProtocol::Eager)
        } else {
            (cooperative(), RebalanceProtocol::Cooperative)
        };
        Self {
            bench: bench(assignors, &[]),
            random,
            protocol,
            owned: BTreeSet::new(),
            owned_in: None,
            applying: None,
            epoch: 1,
            is_subscribed: false,
            waiting: BTreeMap::new(),
            next_command: 100,
            generation: 0,
            checked: BTreeSet::new(),
            changes_unanswered: 0,
        }
    }

    fn step(&mut self) {
        match self.random.below(12) {
            0 => self.subscribe(),
            1 | 2 => self.take_or_answer(),
            3 => self.commit(),
            4 => self.ask(),
            5 => self.leave(),
            6 => self.let_time_pass(),
            7 => self.lose_connection(),
            _ => self.coordinator_answers(),
        }
        self.note();
        self.check_wire();
    }

    fn command_id(&mut self, what: &'static str) -> u64 {
        self.next_command += 1;
        self.waiting.insert(self.next_command, what);
        self.next_command
    }

    fn subscribe(&mut self) {
        let names: &[&str] = if self.random.below(3) == 0 {
            &["t"]
        } else {
            &["t", "u"]
        };
        self.is_subscribed = true;
        self.bench.subscribe_in(self.epoch, names);
    }

    /// The consumer polls: takes the change that waits, or ends the callbacks of the last.
    fn take_or_answer(&mut self) {
        self.bench.last_poll = Some(self.bench.now);
        if let Some(change) = self.applying.take() {
            match &change.kind {
                ChangeKind::Revoke(gone) | ChangeKind::Lost(gone) => {
                    self.owned.retain(|partition| !gone.contains(partition));
                    if self.owned.is_empty() {
                        self.owned_in = None;
                    }
                }
                ChangeKind::Assign { assignment, group } => {
                    self.owned.clone_from(assignment);
                    self.owned_in = Some(group.generation.value());
                }
            }
            self.changes_unanswered -= 1;
            self.bench.command(Command::Answer {
                change: change.id,
                owned: self.owned.clone(),
            });
        } else if let Some(change) = self.bench.slot.take() {
            assert_eq!(
                change.epoch.0, self.epoch,
                "a stale change stayed in the slot"
            );
            self.changes_unanswered += 1;
            assert_eq!(self.changes_unanswered, 1, "two changes are unanswered");
            if let ChangeKind::Revoke(gone) = &change.kind {
                assert!(
                    gone.is_subset(&self.owned),
                    "only what is owned can be revoked"
                );
            }
            self.applying = Some(change);
        }
    }

    /// A consumer commits what it owns; one that owns nothing has nothing to commit.
    fn commit(&mut self) {
        if self.is_subscribed && self.owned.is_empty() {
            return;
        }
        let id = self.command_id("commit");
        let is_retried = self.random.below(2) == 0;
        let retry_for = is_retried.then_some(Duration::from_secs(5));
        // The offset tells in which generation the consumer owned what it commits.
        let offset = i64::from(self.owned_in.unwrap_or(0));
        self.bench.command(Command::Commit {
            id: CommandId(id),
            offsets: offsets(&[("t", 0, offset)]),
            retry_until: retry_for.map(|span| self.bench.now + span),
        });
    }

    fn ask(&mut self) {
        let id = self.command_id("question");
        self.bench.ask_committed(id);
    }

    fn leave(&mut self) {
        if self.applying.is_some() || self.random.below(3) != 0 {
            return;
        }
        let id = self.command_id("leave");
        self.owned.clear();
        self.owned_in = None;
        self.is_subscribed = false;
        self.epoch += 1;
        let waits = self.random.below(2) == 0;
        self.bench.command(Command::Leave {
            id: CommandId(id),
            reason: "unsubscribed".into(),
            operation: MembershipOperation::Default,
            wait_until: waits.then(|| self.bench.now + Duration::from_secs(3)),
        });
    }

    fn let_time_pass(&mut self) {
        let millis = [10, 100, 1_000, 3_000, 50_000, 310_000][self.random.below(6)];
        if self.random.below(4) == 0 {
            self.bench.pass_without_poll(Duration::from_millis(millis));
        } else {
            self.bench.pass_millis(millis.min(50_000));
        }
    }

    fn lose_connection(&mut self) {
        if self.random.below(3) == 0
            && let Some(request) = self.pick_request()
        {
            let reason = CloseReason::Unresolved("gone".into());
            self.bench.feed(failed(&request, reason));
        }
    }

    /// The oldest request on one of the connections: answers come in the order of the requests.
    fn pick_request(&mut self) -> Option<OutboundRequest> {
        let lanes = [Lane::General, Lane::Coordinator];
        let lane = lanes[self.random.below(2)];
        let place = self
            .bench
            .wire
            .iter()
            .position(|request| request.lane == lane)?;
        self.bench.wire.remove(place)
    }

    fn code(&mut self, codes: &[i16]) -> i16 {
        if self.random.below(3) == 0 {
            codes[self.random.below(codes.len())]
        } else {
            0
        }
    }

    fn coordinator_answers(&mut self) {
        let Some(request) = self.pick_request() else {
            return;
        };
        let response: Response = match &request.request {
            Request::Metadata(_) => metadata(&[("t", 2), ("u", 2)]).into(),
            Request::FindCoordinator(_) => {
                let code = self.code(&[15, 14]);
                self.bench.wire.push_front(request);
                self.bench.find_coordinator_code(code);
                return;
            }
            Request::JoinGroup(_) => {
                let code = self.code(&[27, 25, 16, 14, 79]);
                self.generation += 1;
                let name = match self.protocol {
                    RebalanceProtocol::Eager => "range",
                    RebalanceProtocol::Cooperative => "cooperative-sticky",
                };
                let mut response: JoinGroupResponse = joined(self.generation, name);
                if self.random.below(2) == 0 {
                    response.leader = str_bytes("m");
                    response.members = vec![group_member("m", &["t", "u"], &[])];
                }
                response.with_error_code(code).into()
            }
            Request::SyncGroup(_) => {
                let code = self.code(&[27, 22, 25, 16]);
                let mut given = ALL.to_vec();
                given.retain(|_| self.random.below(2) == 0);
                SyncGroupResponse::default()
                    .with_error_code(code)
                    .with_assignment(assignment(&given))
                    .into()
            }
            Request::Heartbeat(_) => {
                let code = self.code(&[27, 27, 22, 25, 16, 30]);
                HeartbeatResponse::default().with_error_code(code).into()
            }
            Request::OffsetCommit(_) => {
                let code = self.code(&[27, 22, 25, 16, 14, 3, 12]);
                commit_response(&request, code).into()
            }
            Request::OffsetFetch(_) => {
                let code = self.code(&[16, 14, 30]);
                fetched(code).into()
            }
            _ => weft_client::wire::messages::LeaveGroupResponse::default().into(),
        };
        self.bench.respond(request.token, response);
    }

    /// Strikes off what was answered.
    fn note(&mut self) {
        for result in self.bench.results.drain(..) {
            let id = match result {
                GroupResult::Committed { id, .. }
                | GroupResult::Fetched { id, .. }
                | GroupResult::Left { id } => id,
                GroupResult::Membership(_) | GroupResult::Failed(_) => continue,
            };
            assert!(
                self.waiting.remove(&id.0).is_some(),
                "{id:?} was answered twice"
            );
        }
    }

    /// Looks at every request when it is first seen, and at those that are together on the wire.
    fn check_wire(&mut self) {
        let mut joins = 0;
        let mut commits = 0;
        for request in &self.bench.wire {
            let is_new = self.checked.insert(request.token.value());
            match &request.request {
                Request::JoinGroup(join) => {
                    joins += 1;
                    if is_new {
                        let is_pending = self.bench.slot.is_some() || self.applying.is_some();
                        assert!(!is_pending, "a join while a change is unanswered");
                        let keeps = self.protocol == RebalanceProtocol::Cooperative
                            && self.owned_in.is_some()
                            && !join.member_id.is_empty();
                        assert!(
                            keeps || self.owned.is_empty(),
                            "a joining member owns something"
                        );
                    }
                }
                Request::OffsetCommit(commit) => {
                    commits += 1;
                    let generation = commit.generation_id_or_member_epoch;
                    if is_new && self.is_subscribed {
                        assert!(generation >= 0, "a member commits without a generation");
                        if self.protocol == RebalanceProtocol::Eager {
                            let owned_in = commit.topics[0].partitions[0].committed_offset;
                            assert_eq!(i64::from(generation), owned_in, "a foreign generation");
                        }
                    }
                }
                _ => {}
            }
        }
        assert!(joins <= 1, "two joins at once");
        // Those of the time before the last leave may still be there; no join waits for them.
        let is_member = self.is_subscribed && joins == 1;
        assert!(
            !is_member || commits == 0,
            "a commit on the wire during a join"
        );
        let next = self.bench.next_in();
        assert_ne!(next, Some(Duration::ZERO), "the thread would spin");
    }

    /// From here on nothing goes wrong: the consumer closes, and everything gets its answer.
    fn close(&mut self) {
        while self.applying.is_some() {
            self.take_or_answer();
        }
        let id = self.command_id("leave");
        self.epoch += 1;
        self.is_subscribed = false;
        self.bench.command(Command::Leave {
            id: CommandId(id),
            reason: "closed".into(),
            operation: MembershipOperation::Default,
            wait_until: Some(self.bench.now + Duration::from_secs(3)),
        });
        self.bench.pass(Duration::from_secs(3));
        self.note();
        assert!(
            self.waiting.is_empty(),
            "never answered: {:?}",
            self.waiting
        );
    }

    /// From here on nothing goes wrong: the member settles in a generation.
    fn settle(&mut self) {
        self.subscribe();
        for _ in 0..2_000 {
            self.take_or_answer();
            self.bench.pass_millis(20);
            self.settle_one();
            self.note();
            self.check_wire();
        }
        assert!(
            self.owned_in.is_some(),
            "the member never got an assignment"
        );
        let left = self.waiting.values().filter(|what| **what != "leave");
        assert_eq!(left.count(), 0, "never answered: {:?}", self.waiting);
    }

    fn settle_one(&mut self) {
        let Some(request) = self.bench.wire.pop_front() else {
            return;
        };
        let response: Response = match &request.request {
            Request::FindCoordinator(_) => {
                self.bench.wire.push_front(request);
                self.bench.find_coordinator();
                return;
            }
            Request::Metadata(_) => metadata(&[("t", 2), ("u", 2)]).into(),
            Request::JoinGroup(_) => {
                self.generation += 1;
                let name = match self.protocol {
                    RebalanceProtocol::Eager => "range",
                    RebalanceProtocol::Cooperative => "cooperative-sticky",
                };
                joined(self.generation, name).into()
            }
            Request::SyncGroup(_) => SyncGroupResponse::default()
                .with_assignment(assignment(&[("t", 0), ("t", 1)]))
                .into(),
            Request::Heartbeat(_) => HeartbeatResponse::default().into(),
            Request::OffsetCommit(_) => commit_response(&request, 0).into(),
            Request::OffsetFetch(_) => fetched(0).into(),
            _ => weft_client::wire::messages::LeaveGroupResponse::default().into(),
        };
        self.bench.respond(request.token, response);
    }
}

fn fetched(code: i16) -> weft_client::wire::messages::OffsetFetchResponse {
    use weft_client::wire::messages::offset_fetch_response::OffsetFetchResponseGroup;
    let group = OffsetFetchResponseGroup::default().with_error_code(code);
    weft_client::wire::messages::OffsetFetchResponse::default().with_groups(vec![group])
}

fn walk(seed: u64, end: fn(&mut World)) {
    let run = || {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        end(&mut world);
    };
    if let Err(panic) = std::panic::catch_unwind(run) {
        println!("replay this walk with seed {seed}");
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn wherever_a_walk_leads_closing_answers_everything() {
    for seed in 0..WALKS {
        walk(seed, World::close);
    }
}

#[test]
fn wherever_a_walk_leads_a_group_that_behaves_settles() {
    for seed in 0..WALKS / 4 {
        walk(seed + 1_000_000, World::settle);
    }
}
