//! The states of a group: every request in every state, and what time does.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use weft_client::wire::{ApiKey, ErrorCode, RequestHead, StrBytes};
use weft_client::{CorrelationId, GenerationId, GroupId, GroupInstanceId, MemberId, NodeId};

use super::super::reply::{Ask, ConnectionId};
use super::super::violations::Violations;
use super::*;

const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(60);

struct Bench {
    group: Group,
    now: Instant,
    violations: Violations,
    asked: u64,
    initial_delay: Duration,
    version: i16,
}

/// What came of a request, or of time: who is answered, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Joined {
        member: String,
        generation: i32,
        leader: String,
        members: Vec<String>,
    },
    Synced(String),
    Refused(ErrorCode, String),
}

impl Bench {
    fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "any time will do as the first")]
        let now = Instant::now();
        Self {
            group: Group::new(GroupId::from("group")),
            now,
            violations: Violations::default(),
            asked: 0,
            initial_delay: Duration::ZERO,
            version: 9,
        }
    }

    fn ask(&mut self) -> Ask {
        self.asked += 1;
        let head = RequestHead {
            api_key: ApiKey::JoinGroup,
            api_version: self.version,
            correlation_id: CorrelationId::new(0),
            client_id: None,
        };
        Ask::new(self.now, ConnectionId(self.asked), NodeId::new(0), head)
    }

    fn request(&mut self, member_id: &str, instance_id: Option<&str>, protocols: &[&str]) -> Join {
        let ask = self.ask();
        Join {
            fresh_id: MemberId::from(format!("fresh{}", self.asked)),
            ask,
            identity: identity(member_id, instance_id),
            session_timeout: SESSION,
            rebalance_timeout: REBALANCE,
            protocol_type: "consumer".to_owned(),
            protocols: protocols
                .iter()
                .map(|name| Protocol {
                    name: StrBytes::from_string((*name).to_owned()),
                    metadata: Bytes::new(),
                })
                .collect(),
            initial_delay: self.initial_delay,
        }
    }

    fn send(&mut self, join: Join) -> Vec<Seen> {
        let mut out = Vec::new();
        self.group
            .join(self.now, join, &mut self.violations, &mut out);
        out.into_iter().map(seen).collect()
    }

    /// Joins with the protocol that everybody offers.
    fn join(&mut self, member_id: &str) -> Vec<Seen> {
        let join = self.request(member_id, None, &["range"]);
        self.send(join)
    }

    /// Joins as a dynamic member that is told its id first.
    fn join_new(&mut self) -> (String, Vec<Seen>) {
        let refused = self.join("");
        let [Seen::Refused(ErrorCode::MEMBER_ID_REQUIRED, id)] = &refused[..] else {
            panic!("{refused:?}");
        };
        let seen = self.join(id);
        (id.clone(), seen)
    }

    fn sync(&mut self, member_id: &str, generation: i32, assignments: &[&str]) -> Vec<Seen> {
        let sync = GroupSync {
            ask: self.ask(),
            identity: identity(member_id, None),
            generation: GenerationId::new(generation),
            protocol_type: Some("consumer".to_owned()),
            protocol: Some("range".to_owned()),
            assignments: assignments
                .iter()
                .map(|id| (MemberId::from(*id), Bytes::from((*id).to_owned())))
                .collect::<BTreeMap<_, _>>(),
        };
        let mut out = Vec::new();
        self.group
            .sync(self.now, sync, &mut self.violations, &mut out);
        out.into_iter().map(seen).collect()
    }

    fn heartbeat(&mut self, member_id: &str, generation: i32) -> ErrorCode {
        let generation = GenerationId::new(generation);
        let identity = identity(member_id, None);
        self.group
            .heartbeat(self.now, &identity, generation, &mut self.violations)
    }

    fn leave(&mut self, member_id: &str, instance_id: Option<&str>) -> (ErrorCode, Vec<Seen>) {
        let mut out = Vec::new();
        let identity = identity(member_id, instance_id);
        let error = self
            .group
            .leave(self.now, &identity, &mut self.violations, &mut out);
        (error, out.into_iter().map(seen).collect())
    }

    fn commit(&mut self, member_id: &str, generation: i32) -> Result<(), ErrorCode> {
        let committer = Committer {
            identity: identity(member_id, None),
            generation: GenerationId::new(generation),
        };
        self.group
            .check_commit(self.now, &committer, &mut self.violations)
    }

    fn wait(&mut self, time: Duration) -> Vec<Seen> {
        self.now += time;
        let mut out = Vec::new();
        self.group.expire(self.now, &mut self.violations, &mut out);
        out.into_iter().map(seen).collect()
    }

    /// A stable group of two in generation 2; the first leads.
    fn stable_pair(&mut self) -> (String, String) {
        let (first, _) = self.join_new();
        self.sync(&first, 1, &[&first]);
        let (second, seen) = self.join_new();
        assert_eq!(seen, []);
        let answered = self.join(&first);
        assert_eq!(answered.len(), 2, "{answered:?}");
        assert_eq!(self.sync(&second, 2, &[]), []);
        let synced = self.sync(&first, 2, &[&first, &second]);
        assert_eq!(
            synced,
            [Seen::Synced(first.clone()), Seen::Synced(second.clone())]
        );
        self.check(GroupState::Stable);
        (first, second)
    }

    /// The state is as expected, and nobody broke a rule.
    fn check(&self, state: GroupState) {
        assert_eq!(self.group.state(), state);
        assert_eq!(self.violations.texts(), [""; 0]);
    }
}

fn identity(member_id: &str, instance_id: Option<&str>) -> Identity {
    Identity {
        member_id: MemberId::from(member_id),
        instance_id: instance_id.map(GroupInstanceId::from),
    }
}

fn seen(answer: GroupAnswer) -> Seen {
    match answer {
        GroupAnswer::Join(_, answer) if answer.error.is_none() => Seen::Joined {
            member: answer.member_id.as_str().to_owned(),
            generation: answer.generation.value(),
            leader: answer.leader,
            members: answer
                .members
                .iter()
                .map(|member| member.member_id.as_str().to_owned())
                .collect(),
        },
        GroupAnswer::Join(_, answer) => {
            Seen::Refused(answer.error, answer.member_id.as_str().to_owned())
        }
        GroupAnswer::Sync(_, answer) if answer.error.is_none() => {
            Seen::Synced(String::from_utf8(answer.assignment.to_vec()).unwrap())
        }
        GroupAnswer::Sync(_, answer) => Seen::Refused(answer.error, String::new()),
    }
}

fn joined(member: &str, generation: i32, leader: &str, members: &[&str]) -> Seen {
    Seen::Joined {
        member: member.to_owned(),
        generation,
        leader: leader.to_owned(),
        members: members.iter().map(|id| (*id).to_owned()).collect(),
    }
}

#[test]
fn the_first_member_leads_the_first_generation() {
    let mut bench = Bench::new();
    let (first, seen) = bench.join_new();

    assert_eq!(seen, [joined(&first, 1, &first, &[&first])]);
    bench.check(GroupState::CompletingRebalance);
    assert_eq!(
        bench.sync(&first, 1, &[&first]),
        [Seen::Synced(first.clone())]
    );
    bench.check(GroupState::Stable);
}

#[test]
fn older_clients_and_static_members_join_at_once() {
    let mut bench = Bench::new();
    bench.version = 3;
    assert_eq!(bench.join(""), [joined("fresh1", 1, "fresh1", &["fresh1"])]);

    let mut bench = Bench::new();
    let join = bench.request("", Some("instance"), &["range"]);
    assert_eq!(
        bench.send(join),
        [joined("fresh1", 1, "fresh1", &["fresh1"])]
    );
}

#[test]
fn a_rebalance_waits_until_every_member_has_joined_again() {
    let mut bench = Bench::new();
    let (first, _) = bench.join_new();
    bench.sync(&first, 1, &[&first]);
    let (second, seen) = bench.join_new();
    assert_eq!(seen, []);
    bench.check(GroupState::PreparingRebalance);
    assert_eq!(bench.heartbeat(&first, 1), ErrorCode::REBALANCE_IN_PROGRESS);

    assert_eq!(
        bench.join(&first),
        [
            joined(&first, 2, &first, &[&first, &second]),
            joined(&second, 2, &first, &[]),
        ]
    );
    bench.check(GroupState::CompletingRebalance);
}

#[test]
fn a_rebalance_waits_for_those_who_were_given_an_id() {
    let mut bench = Bench::new();
    let (first, _) = bench.join_new();
    bench.sync(&first, 1, &[&first]);
    let (second, _) = bench.join_new();
    let third = bench.join("");
    let [Seen::Refused(_, third)] = &third[..] else {
        panic!("{third:?}");
    };

    assert_eq!(bench.join(&first), [], "the third is still to come");
    assert_eq!(bench.join(third).len(), 3);

    bench.check(GroupState::CompletingRebalance);
    assert_ne!(&second, third);
}

#[test]
fn members_that_do_not_join_in_time_are_thrown_out() {
    let mut bench = Bench::new();
    let (first, second) = bench.stable_pair();
    assert_eq!(bench.join(&first), [], "the leader starts a rebalance");

    let mut seen = Vec::new();
    for _ in 0..12 {
        bench.heartbeat(&second, 2);
        seen.extend(bench.wait(REBALANCE / 12));
    }

    assert_eq!(seen, [joined(&first, 3, &first, &[&first])]);
    assert_eq!(bench.heartbeat(&second, 3), ErrorCode::UNKNOWN_MEMBER_ID);
    bench.check(GroupState::CompletingRebalance);
}

#[test]
fn a_member_that_is_silent_for_its_session_is_thrown_out() {
    let mut bench = Bench::new();
    let (first, second) = bench.stable_pair();
    bench.wait(SESSION / 2);
    assert_eq!(bench.heartbeat(&first, 2), ErrorCode::NONE);
    bench.wait(SESSION / 2);

    bench.check(GroupState::PreparingRebalance);
    assert_eq!(bench.heartbeat(&second, 2), ErrorCode::UNKNOWN_MEMBER_ID);
    assert_eq!(bench.join(&first), [joined(&first, 3, &first, &[&first])]);
}

#[test]
fn a_member_that_waits_for_the_others_need_not_show_that_it_lives() {
    let mut bench = Bench::new();
    let (first, second) = bench.stable_pair();
    assert_eq!(bench.join(&first), []);
    for _ in 0..4 {
        assert_eq!(
            bench.heartbeat(&second, 2),
            ErrorCode::REBALANCE_IN_PROGRESS
        );
        assert_eq!(bench.wait(SESSION / 2), []);
    }

    assert_eq!(bench.join(&second).len(), 2);
    bench.check(GroupState::CompletingRebalance);
}

#[test]
fn members_that_never_ask_for_their_assignment_are_thrown_out() {
    let mut bench = Bench::new();
    let (first, second) = bench.stable_pair();
    bench.join(&first);
    bench.join(&second);
    bench.sync(&first, 3, &[&first, &second]);
    bench.check(GroupState::Stable);
    for _ in 0..12 {
        bench.heartbeat(&first, 3);
        bench.heartbeat(&second, 3);
        bench.wait(REBALANCE / 12);
    }

    bench.check(GroupState::PreparingRebalance);
    assert_eq!(bench.heartbeat(&second, 3), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn the_first_rebalance_waits_and_longer_while_members_come() {
    let mut bench = Bench::new();
    bench.initial_delay = Duration::from_secs(3);
    let (first, seen) = bench.join_new();
    assert_eq!(seen, []);
    bench.wait(Duration::from_secs(2));
    let (second, seen) = bench.join_new();
    assert_eq!(seen, [], "although all have joined");
    assert_eq!(bench.wait(Duration::from_secs(1)), [], "one more has come");

    assert_eq!(
        bench.wait(Duration::from_secs(3)),
        [
            joined(&first, 1, &first, &[&first, &second]),
            joined(&second, 1, &first, &[]),
        ]
    );
}

#[test]
fn the_last_member_leaves_an_empty_group() {
    let mut bench = Bench::new();
    let (first, second) = bench.stable_pair();
    assert_eq!(bench.leave(&first, None), (ErrorCode::NONE, vec![]));
    bench.check(GroupState::PreparingRebalance);
    assert_eq!(bench.join(&second).len(), 1);

    assert_eq!(bench.leave(&second, None), (ErrorCode::NONE, vec![]));
    bench.check(GroupState::Empty);
    assert_eq!(bench.leave(&second, None).0, ErrorCode::UNKNOWN_MEMBER_ID);
    assert_eq!(
        bench.join(&second),
        [Seen::Refused(ErrorCode::UNKNOWN_MEMBER_ID, second.clone())]
    );
    assert_eq!(bench.group.next_deadline(), None);
}

#[test]
fn whoever_waits_for_the_assignment_is_told_that_the_group_rebalances_again() {
    let mut bench = Bench::new();
    let (first, second) = bench.stable_pair();
    bench.join(&first);
    bench.join(&second);
    assert_eq!(bench.sync(&second, 3, &[]), []);

    let (error, seen) = bench.leave(&first, None);

    assert_eq!(error, ErrorCode::NONE);
    let told = Seen::Refused(ErrorCode::REBALANCE_IN_PROGRESS, String::new());
    assert_eq!(seen, [told]);
    bench.check(GroupState::PreparingRebalance);
}

#[test]
fn a_follower_that_asks_again_changes_nothing_but_a_leader_does() {
    let mut bench = Bench::new();
    let (first, second) = bench.stable_pair();

    assert_eq!(bench.join(&second), [joined(&second, 2, &first, &[])]);
    bench.check(GroupState::Stable);
    assert_eq!(bench.join(&first), []);
    bench.check(GroupState::PreparingRebalance);
    bench.join(&second);

    assert_eq!(
        bench.join(&first),
        [joined(&first, 3, &first, &[&first, &second])],
        "the answer again"
    );
    bench.check(GroupState::CompletingRebalance);
}

#[test]
fn commits_go_by_the_state_of_the_group() {
    let mut bench = Bench::new();
    assert_eq!(bench.commit("", -1), Ok(()), "no group management");
    let (first, second) = bench.stable_pair();

    assert_eq!(bench.commit(&first, 2), Ok(()));
    assert_eq!(bench.commit("", -1), Err(ErrorCode::UNKNOWN_MEMBER_ID));
    assert_eq!(bench.commit("x", 2), Err(ErrorCode::UNKNOWN_MEMBER_ID));
    assert_eq!(bench.commit(&first, 1), Err(ErrorCode::ILLEGAL_GENERATION));

    bench.join(&first);
    bench.check(GroupState::PreparingRebalance);
    assert_eq!(bench.commit(&second, 2), Ok(()), "the old generation");

    bench.join(&second);
    bench.check(GroupState::CompletingRebalance);
    assert_eq!(bench.commit(&second, 2), Err(ErrorCode::ILLEGAL_GENERATION));
    assert_eq!(
        bench.commit(&second, 3),
        Err(ErrorCode::REBALANCE_IN_PROGRESS)
    );
}

#[test]
fn a_protocol_must_be_known_to_all_and_the_majority_chooses() {
    let mut bench = Bench::new();
    bench.version = 3;
    let join = bench.request("", None, &["a", "b"]);
    bench.send(join);
    let join = bench.request("", None, &["c"]);
    let refused = bench.send(join);
    assert_eq!(
        refused,
        [Seen::Refused(
            ErrorCode::INCONSISTENT_GROUP_PROTOCOL,
            String::new()
        )]
    );
    for _ in 0..2 {
        let join = bench.request("", None, &["b", "a", "c"]);
        assert_eq!(bench.send(join), []);
    }
    let join = bench.request("fresh1", None, &["a", "b"]);
    assert_eq!(bench.send(join).len(), 3);

    assert_eq!(bench.group.protocol(), Some("b"));
    bench.check(GroupState::CompletingRebalance);
}

#[test]
fn a_static_member_that_comes_back_takes_its_place_without_a_rebalance() {
    let mut bench = Bench::new();
    let join = bench.request("", Some("instance"), &["range"]);
    let first = bench.send(join);
    assert_eq!(first, [joined("fresh1", 1, "fresh1", &["fresh1"])]);
    let sync = |bench: &mut Bench, member_id: &str| {
        let sync = GroupSync {
            ask: bench.ask(),
            identity: identity(member_id, Some("instance")),
            generation: GenerationId::new(1),
            protocol_type: None,
            protocol: None,
            assignments: BTreeMap::from([(MemberId::from(member_id), Bytes::from("mine"))]),
        };
        let mut out = Vec::new();
        bench
            .group
            .sync(bench.now, sync, &mut bench.violations, &mut out);
        out.into_iter().map(seen).collect::<Vec<_>>()
    };
    let seen_mine = [Seen::Synced("mine".to_owned())];
    assert_eq!(sync(&mut bench, "fresh1"), seen_mine);

    let join = bench.request("", Some("instance"), &["range"]);
    let id = join.fresh_id.as_str().to_owned();
    let mut out = Vec::new();
    bench
        .group
        .join(bench.now, join, &mut bench.violations, &mut out);

    let [GroupAnswer::Join(_, answer)] = &out[..] else {
        panic!("{out:?}");
    };
    assert!(answer.skip_assignment, "it leads, and keeps the assignment");
    assert_eq!(answer.generation, GenerationId::new(1));
    assert_eq!(answer.leader, id);
    bench.check(GroupState::Stable);
    assert_eq!(sync(&mut bench, &id), seen_mine);
    assert_eq!(
        sync(&mut bench, "fresh1"),
        [Seen::Refused(ErrorCode::FENCED_INSTANCE_ID, String::new())]
    );
}

#[test]
fn an_older_static_leader_that_comes_back_does_not_take_itself_for_the_leader() {
    let mut bench = Bench::new();
    bench.version = 8;
    let join = bench.request("", Some("instance"), &["range"]);
    bench.send(join);
    let mut out = Vec::new();
    let sync = GroupSync {
        ask: bench.ask(),
        identity: identity("fresh1", Some("instance")),
        generation: GenerationId::new(1),
        protocol_type: None,
        protocol: None,
        assignments: BTreeMap::new(),
    };
    bench
        .group
        .sync(bench.now, sync, &mut bench.violations, &mut out);

    let join = bench.request("", Some("instance"), &["range"]);
    assert_eq!(bench.send(join), [joined("fresh3", 1, "fresh1", &[])]);
}

#[test]
fn a_static_member_leaves_by_its_instance_id_alone() {
    let mut bench = Bench::new();
    let join = bench.request("", Some("instance"), &["range"]);
    bench.send(join);

    let (error, _) = bench.leave("", Some("other"));
    assert_eq!(error, ErrorCode::UNKNOWN_MEMBER_ID);
    let (error, _) = bench.leave("somebody", Some("instance"));
    assert_eq!(error, ErrorCode::FENCED_INSTANCE_ID);
    let (error, _) = bench.leave("", Some("instance"));
    assert_eq!(error, ErrorCode::NONE);
    bench.check(GroupState::Empty);
}

#[test]
fn what_no_correct_client_does_is_noted() {
    let noted = |act: fn(&mut Bench, &str, &str)| {
        let mut bench = Bench::new();
        let (first, second) = bench.stable_pair();
        act(&mut bench, &first, &second);
        bench.violations.texts().to_vec()
    };

    let texts = [
        noted(|bench, first, _| {
            let refused = bench.commit(first, 7);
            assert_eq!(refused, Err(ErrorCode::ILLEGAL_GENERATION));
        }),
        noted(|bench, first, _| {
            bench.heartbeat(first, 3);
        }),
        noted(|bench, first, second| {
            bench.join(first);
            bench.join(second);
            bench.sync(second, 3, &[second]);
        }),
        noted(|bench, first, _| {
            bench.join(first);
            bench.join(first);
        }),
        noted(|bench, first, second| {
            bench.join(first);
            bench.join(second);
            bench.sync(first, 3, &[first, "nobody"]);
        }),
    ];

    for (texts, expected) in texts.iter().zip([
        "OffsetCommit of group group in generation 7",
        "Heartbeat of group group in generation 3",
        "is not the leader",
        "joins a second time",
        "assigns to nobody",
    ]) {
        assert_eq!(texts.len(), 1, "{texts:?}");
        assert!(texts[0].contains(expected), "{texts:?}");
    }
}

#[test]
fn another_coordinator_asks_the_members_of_an_unfinished_rebalance_again() {
    let mut bench = Bench::new();
    let (first, second) = bench.stable_pair();
    bench.join(&first);
    bench.group.forget_connection(ConnectionId(bench.asked));

    bench
        .group
        .move_to_another_broker(bench.now, &mut Vec::new());

    bench.check(GroupState::PreparingRebalance);
    assert_eq!(bench.join(&second), [], "the first has to join again");
    assert_eq!(bench.join(&first).len(), 2);
}

/// The subscription of a consumer that owns partitions of `topic` since `generation`.
fn subscription(owned: &[i32], generation: i32) -> Bytes {
    let mut bytes = Vec::new();
    bytes.extend(2_i16.to_be_bytes());
    bytes.extend(1_i32.to_be_bytes());
    bytes.extend(5_i16.to_be_bytes());
    bytes.extend(b"topic");
    bytes.extend((-1_i32).to_be_bytes());
    bytes.extend(partitions(owned));
    bytes.extend(generation.to_be_bytes());
    bytes.into()
}

fn assignment(assigned: &[i32]) -> Bytes {
    let mut bytes = 1_i16.to_be_bytes().to_vec();
    bytes.extend(partitions(assigned));
    bytes.extend((-1_i32).to_be_bytes());
    bytes.into()
}

fn partitions(partitions: &[i32]) -> Vec<u8> {
    let mut bytes = 1_i32.to_be_bytes().to_vec();
    bytes.extend(5_i16.to_be_bytes());
    bytes.extend(b"topic");
    bytes.extend((partitions.len() as i32).to_be_bytes());
    for partition in partitions {
        bytes.extend(partition.to_be_bytes());
    }
    bytes
}

/// What is noted when two cooperative members own these partitions since generation 2, and the
/// leader then hands out others. Their subscriptions are cut by `cut` bytes.
fn noted_of(owned: [&[i32]; 2], assigned: [&[i32]; 2], cut: usize) -> Vec<String> {
    let mut bench = Bench::new();
    bench.version = 3;
    for _ in 0..2 {
        let join = bench.request("", None, &["cooperative-sticky"]);
        bench.send(join);
    }
    let join = bench.request("fresh1", None, &["cooperative-sticky"]);
    bench.send(join);
    for (member_id, owned) in ["fresh1", "fresh2"].iter().zip(owned) {
        let mut join = bench.request(member_id, None, &["cooperative-sticky"]);
        let metadata = subscription(owned, 2);
        join.protocols[0].metadata = metadata.slice(..metadata.len() - cut);
        bench.send(join);
    }
    let sync = GroupSync {
        ask: bench.ask(),
        identity: identity("fresh1", None),
        generation: GenerationId::new(3),
        protocol_type: None,
        protocol: None,
        assignments: ["fresh1", "fresh2"]
            .map(MemberId::from)
            .into_iter()
            .zip(assigned.map(assignment))
            .collect(),
    };
    let mut out = Vec::new();
    bench
        .group
        .sync(bench.now, sync, &mut bench.violations, &mut out);
    assert_eq!(bench.group.state(), GroupState::Stable);
    bench.violations.texts().to_vec()
}

#[test]
fn members_and_leaders_that_lie_about_partitions_are_noted() {
    let fine = noted_of([&[0, 1], &[2]], [&[0, 1], &[2, 3]], 0);
    assert_eq!(fine, [""; 0]);

    let both_own = noted_of([&[0, 1], &[1]], [&[0], &[]], 0);
    assert_eq!(both_own.len(), 1, "{both_own:?}");
    assert!(both_own[0].contains("both own topic-1"), "{both_own:?}");

    let given_twice = noted_of([&[], &[]], [&[0], &[0]], 0);
    assert_eq!(given_twice.len(), 1, "{given_twice:?}");
    assert!(given_twice[0].contains("gives topic-0 to both"));

    let not_revoked = noted_of([&[0], &[]], [&[], &[0]], 0);
    assert_eq!(not_revoked.len(), 1, "{not_revoked:?}");
    assert!(not_revoked[0].contains("gives topic-0 to fresh2 while fresh1 owns it"));
}

#[test]
fn subscriptions_that_cannot_be_read_are_passed_over() {
    let length = subscription(&[0], 2).len();
    for cut in 1..length {
        assert_eq!(noted_of([&[0], &[0]], [&[0], &[1]], cut), [""; 0], "{cut}");
    }
}

/// A generator that is the same on every machine (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

#[test]
fn whatever_happens_every_waiting_member_is_answered_in_bounded_time() {
    for seed in 1..=300 {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut bench = Bench::new();
        let mut ids: Vec<String> = vec![String::new()];
        for _ in 0..200 {
            let id = ids[dice.roll(ids.len())].clone();
            let generation = bench.group.generation.value() - dice.roll(3) as i32 / 2;
            let instance = (dice.roll(4) == 0).then_some("instance");
            let seen = match dice.roll(9) {
                0..=2 => {
                    bench.version = if dice.roll(2) == 0 { 3 } else { 9 };
                    let join = bench.request(&id, instance, &["range"]);
                    bench.send(join)
                }
                3 => bench.sync(&id, generation, &[]),
                4 => bench.sync(&id, generation, &[&id]),
                5 => bench.leave(&id, instance).1,
                6 => {
                    bench.heartbeat(&id, generation);
                    Vec::new()
                }
                7 => {
                    bench
                        .group
                        .move_to_another_broker(bench.now, &mut Vec::new());
                    Vec::new()
                }
                _ => bench.wait(SESSION / 4 * dice.roll(30) as u32),
            };
            ids.extend(seen.into_iter().filter_map(|seen| match seen {
                Seen::Joined { member, .. } | Seen::Refused(_, member) => Some(member),
                Seen::Synced(_) => None,
            }));
            let next = bench.group.next_deadline();
            assert!(next.is_none_or(|at| at > bench.now), "seed {seed} spins");
        }
        // Alone with time, the group comes to rest.
        let mut steps = 0;
        while let Some(at) = bench.group.next_deadline() {
            bench.now = at;
            bench.wait(Duration::ZERO);
            steps += 1;
            assert!(steps < 1_000, "seed {seed} never rests");
        }
        assert_eq!(bench.group.state(), GroupState::Empty, "seed {seed}");
    }
}
