//! What a seed stands for: the cluster, the members, and everything that is going to be done to
//! them. It is drawn up before anything runs, so that parts of it can be left out one by one.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use weft_client::backoff::Random;
use weft_client::wire::{ApiKey, ErrorCode};
use weft_runtime::route::Ordering;
use weft_testcontainers::mock::{FaultAction, KafkaRelease};

use super::fault::{Fault, refusals};
use super::transactions::Transaction;
use super::world::Moment;

/// See the module's text.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) brokers: i32,
    pub(super) release: KafkaRelease,
    /// The partitions of each topic.
    pub(super) partitions: Vec<i32>,
    pub(super) keys: NonZeroU32,
    pub(super) assignor: &'static str,
    pub(super) members: Vec<Member>,
    /// What every pool of workers keeps in order.
    pub(super) ordering: Ordering,
    /// There are transactions, and members read only what is committed.
    pub(super) is_transactional: bool,
    /// Nothing but members that come and go: then even more is promised.
    pub(super) is_calm: bool,
    pub(super) max_poll_records: u32,
    pub(super) session_timeout: Duration,
    pub(super) max_poll_interval: Duration,
    pub(super) fetch_max_bytes: u32,
    pub(super) initial_rebalance_delay: Duration,
    /// In the order of their moments; the last one is the end of all faults.
    pub(super) events: Vec<(Moment, Fault)>,
    /// Those of them that do not happen.
    pub(super) without: BTreeSet<usize>,
}

/// One member of the group, through all its processes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) kind: Kind,
    /// How many of the topics it subscribes to, from the first on.
    pub(super) topics: usize,
    /// It keeps its membership over restarts (KIP-345).
    pub(super) is_static: bool,
}

/// What kind of program a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A consumer in a loop of its own, and how it commits.
    Plain(Commits),
    /// Pattern 1 with so many threads.
    PerThread(usize),
    /// Pattern 2 with so many pollers and workers.
    WorkerPool(usize, usize),
}

/// How a plain consumer commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commits {
    Sync,
    Async,
    Auto,
    /// Now and then, and when partitions are revoked.
    OnRevocation,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(commits) => write!(f, "plain consumer, commits {commits:?}"),
            Self::PerThread(threads) => write!(f, "{threads} thread(s) with a consumer each"),
            Self::WorkerPool(pollers, workers) => {
                write!(f, "{pollers} poller(s) and {workers} worker(s)")
            }
        }
    }
}

impl Plan {
    /// What this seed stands for.
    pub(super) fn of(seed: u64) -> Self {
        let mut dice = Dice(Random::new(seed));
        // The first numbers of neighbouring seeds differ in all bits already.
        let is_calm = dice.chance(5);
        let brokers = 1 + dice.below(3);
        let topics = 1 + usize::from(dice.chance(3));
        let partitions: Vec<i32> = (0..topics).map(|_| 1 + dice.below(4)).collect();
        let release = dice.pick(&KafkaRelease::ALL);
        // Static members came with 2.3.
        let is_plain = is_calm || matches!(release, KafkaRelease::V2_1 | KafkaRelease::V2_2);
        let members = (0..1 + dice.below(4))
            .map(|number| dice.member(is_plain, number, topics))
            .collect();
        let mut plan = Self {
            seed,
            brokers,
            release,
            partitions,
            keys: NonZeroU32::new(1 + dice.below(5).unsigned_abs()).unwrap_or(NonZeroU32::MIN),
            assignor: dice.pick(&["range", "roundrobin", "sticky", "cooperative-sticky"]),
            members,
            ordering: dice.pick(&[Ordering::Key, Ordering::Partition, Ordering::None]),
            is_transactional: seed % 4 == 2,
            is_calm,
            max_poll_records: dice.pick(&[1, 5, 50, 500]),
            session_timeout: Duration::from_secs(dice.pick(&[6, 10])),
            max_poll_interval: Duration::from_secs(dice.pick(&[15, 30])),
            fetch_max_bytes: dice.pick(&[300, 5_000, 1_000_000]),
            initial_rebalance_delay: Duration::from_millis(dice.pick(&[0, 0, 500, 3_000])),
            events: Vec::new(),
            without: BTreeSet::new(),
        };
        plan.draw_up_events(&mut dice);
        plan
    }

    fn draw_up_events(&mut self, dice: &mut Dice) {
        let end = Duration::from_secs(8 + u64::from(dice.below(22).unsigned_abs()));
        let mut events = Vec::new();
        for member in 0..self.members.len() {
            events.push((dice.moment(Duration::from_secs(2)), Fault::Start(member)));
        }
        for (topic, partitions) in self.partitions.iter().enumerate() {
            for partition in 0..*partitions {
                for _ in 0..1 + dice.below(6) {
                    let records = 1 + dice.below(12).unsigned_abs();
                    let early = dice.chance(2);
                    let within = if early { Duration::from_secs(1) } else { end };
                    events.push((
                        dice.moment(within),
                        Fault::Produce(topic, partition, records),
                    ));
                }
            }
        }
        let faults = if self.is_calm { 4 } else { 2 + dice.below(14) };
        for _ in 0..faults {
            let fault = if self.is_calm {
                dice.coming_or_going(self)
            } else {
                dice.fault(self)
            };
            events.push((dice.moment(end), fault));
        }
        if self.is_transactional {
            self.draw_up_transactions(end, &mut events);
        }
        events.sort_by_key(|(at, _)| *at);
        events.push((end, Fault::Calm));
        self.events = events;
    }
}

impl Plan {
    /// Has dice of its own, so that a plan is otherwise what it would be without.
    fn draw_up_transactions(&self, end: Duration, events: &mut Vec<(Moment, Fault)>) {
        let mut dice = Dice(Random::new(self.seed ^ 0x7a_ac7e));
        for _ in 0..2 + dice.below(8) {
            let topic = dice.0.below(self.partitions.len());
            let transaction = Transaction {
                topic,
                partition: dice.below(self.partitions[topic]),
                records: 1 + dice.below(6).unsigned_abs(),
                is_committed: !dice.chance(2),
                open_for: Duration::from_millis(dice.pick(&[0, 1, 30, 700, 5_000])),
            };
            events.push((dice.moment(end), Fault::Transact(transaction)));
        }
    }
}

/// Draws what a plan is made of.
struct Dice(Random);

impl Dice {
    fn below(&mut self, bound: i32) -> i32 {
        let bound = usize::try_from(bound).unwrap_or_default();
        i32::try_from(self.0.below(bound)).unwrap_or_default()
    }

    /// One in so many.
    fn chance(&mut self, one_in: usize) -> bool {
        self.0.below(one_in) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.0.below(from.len())]
    }

    fn moment(&mut self, end: Duration) -> Moment {
        end.mul_f64(self.0.fraction())
    }

    fn member(&mut self, is_plain: bool, number: i32, topics: usize) -> Member {
        let commits = [
            Commits::Sync,
            Commits::Async,
            Commits::Auto,
            Commits::OnRevocation,
        ];
        let kind = match self.0.below(5) {
            0 | 1 => Kind::Plain(self.pick(&commits)),
            2 => Kind::PerThread(1 + self.0.below(2)),
            _ => Kind::WorkerPool(1 + self.0.below(2), 1 + self.0.below(3)),
        };
        // The first member can keep everything going alone.
        let is_choosy = number > 0 && self.chance(3);
        Member {
            kind,
            topics: if is_choosy { 1 } else { topics },
            is_static: !is_plain && self.chance(5),
        }
    }

    fn coming_or_going(&mut self, plan: &Plan) -> Fault {
        let member = self.0.below(plan.members.len());
        if self.chance(2) {
            Fault::Stop(member)
        } else {
            Fault::Start(member)
        }
    }

    fn fault(&mut self, plan: &Plan) -> Fault {
        let member = self.0.below(plan.members.len());
        let broker = self.below(plan.brokers);
        let seconds = Duration::from_secs(self.pick(&[1, 3, 8, 20]));
        if self.chance(3) {
            return self.order(plan, member, broker);
        }
        match self.0.below(17) {
            0 => Fault::Stop(member),
            1 | 2 => Fault::Start(member),
            3 => Fault::Crash(member, self.chance(2)),
            4 => Fault::Freeze(member, seconds),
            5 => {
                let work = Duration::from_millis(self.pick(&[50, 300, 2_000]));
                Fault::Slow(member, work, seconds)
            }
            6 => Fault::Failing(member, 1 + self.0.below(10), self.chance(5)),
            7 => Fault::CutLink(member, broker, seconds),
            8 => Fault::CutBroker(broker, seconds),
            9 => Fault::Reset(member, self.chance(2).then_some(broker)),
            10 => Fault::KillBroker(broker),
            11 => Fault::RestartBroker(broker),
            12 => self.refusal(),
            13..=15 => self.spoiling(),
            _ => Fault::Wakeup(member),
        }
    }

    fn spoiling(&mut self) -> Fault {
        let delay = Duration::from_millis(self.pick(&[20, 400, 4_000, 7_000]));
        let action = self.pick(&[
            FaultAction::DelayBefore(delay),
            FaultAction::DelayAfter(delay),
            FaultAction::Silence,
            FaultAction::LoseAnswer,
            FaultAction::CutBefore,
            FaultAction::CutAfter,
            FaultAction::HalfFrame,
            FaultAction::Throttle(delay),
        ]);
        Fault::Spoil(self.api_key(), action, 1 + self.0.below(4) as u64)
    }

    fn order(&mut self, plan: &Plan, member: usize, broker: i32) -> Fault {
        let topic = self.0.below(plan.partitions.len());
        let partition = self.below(plan.partitions[topic]);
        let seconds = Duration::from_secs(self.pick(&[1, 3, 8]));
        match self.0.below(12) {
            0 => Fault::FreezeBroker(broker, seconds),
            1 => Fault::ThawBroker(broker),
            2 | 3 => Fault::MoveLeader(topic, partition, broker),
            4 => Fault::MoveCoordinator(broker),
            5 => Fault::LoadCoordinator(seconds),
            6 => Fault::Rebalance,
            7 => Fault::ExpireMember,
            8 => Fault::Grow(topic),
            9 => Fault::DeleteRecords(topic, partition),
            10 => Fault::Rewind(member),
            _ => Fault::Pause(member, seconds),
        }
    }

    fn refusal(&mut self) -> Fault {
        let all = refusals();
        let (api_key, codes) = all[self.0.below(all.len())];
        let code: ErrorCode = self.pick(codes);
        Fault::Refuse(api_key, code, 1 + self.0.below(3))
    }

    fn api_key(&mut self) -> ApiKey {
        let all = refusals();
        all[self.0.below(all.len())].0
    }
}
