//! The processes of members: how they start, end and crash, and what a handler in them does.

use std::collections::BTreeMap;
use std::time::Duration;

use weft_client::host::simulated::ThreadId;
use weft_client::{Offset, TopicPartition};
use weft_consumer::{ConsumerConfig, WakeupHandle};

use super::history::number_of;
use super::inner::Inner;
use super::network::FIRST_PORT;
use super::plan::{Commits, Kind, Plan};
use super::world::{Moment, World};
use super::{GROUP, patterns, plain};
use crate::guarantee::{Handled, Instance, Lane};

/// One run of a member's program.
pub(super) struct Process {
    pub(super) member: usize,
    /// It has not crashed.
    pub(super) is_alive: bool,
    /// It was asked to end.
    pub(super) is_stopping: bool,
    pub(super) has_ended: bool,
    /// How far its clock runs ahead, once it is dead.
    pub(super) ahead: Duration,
    /// It gets no processor until then.
    pub(super) frozen_until: Moment,
    /// Until when handling takes longer, and how long.
    pub(super) slow: (Moment, Duration),
    /// How many handlings still fail, and whether for good.
    pub(super) failing: (usize, bool),
    /// It is to go back to what is committed.
    pub(super) is_rewinding: bool,
    /// Until when it wants no records.
    pub(super) paused_until: Moment,
    /// What comes next of each partition, as a plain consumer was given it.
    pub(super) expected: BTreeMap<i32, Offset>,
    pub(super) main: Option<ThreadId>,
    pub(super) wakeup: Option<WakeupHandle>,
}

/// What came of handling a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    Done,
    Failed,
    FailedForGood,
}

impl Inner {
    /// The living process of a member.
    pub(super) fn process_of(&self, member: usize) -> Option<usize> {
        self.processes
            .iter()
            .position(|process| process.member == member && process.is_alive && !process.has_ended)
    }

    /// Starts a process for a member, unless one lives. Its thread comes to life after this step.
    pub(super) fn start(&mut self, member: usize) {
        if self.process_of(member).is_none() {
            self.start_another(member);
        }
    }

    /// Starts a process for a member, whatever other processes it has.
    pub(super) fn start_another(&mut self, member: usize) {
        let process = self.processes.len();
        self.processes.push(Process {
            member,
            is_alive: true,
            is_stopping: false,
            has_ended: false,
            ahead: Duration::ZERO,
            frozen_until: Moment::ZERO,
            slow: (Moment::ZERO, Duration::ZERO),
            failing: (0, false),
            is_rewinding: false,
            paused_until: Moment::ZERO,
            expected: BTreeMap::new(),
            main: None,
            wakeup: None,
        });
        let (now, kind) = (self.now, self.plan.members[member].kind);
        self.coverage.count("program", &kind.to_string());
        self.history.note(now, || {
            format!("m{member} starts as process {process}: {kind}")
        });
        self.to_start.push(process);
    }

    pub(super) fn stop(&mut self, member: usize) {
        if let Some(process) = self.process_of(member) {
            self.stop_process(process);
        }
    }

    pub(super) fn stop_process(&mut self, process: usize) {
        self.processes[process].is_stopping = true;
        if let Some(main) = self.processes[process].main {
            self.wake_thread(main);
        }
    }

    pub(super) fn crash(&mut self, member: usize, is_noticed: bool) {
        let Some(process) = self.process_of(member) else {
            return;
        };
        self.processes[process].is_alive = false;
        self.processes[process].frozen_until = Moment::ZERO;
        self.thaw(process);
        if is_noticed {
            self.reset(process, None);
        } else {
            self.network.silence(process);
        }
        // Whatever its threads wait for, they are to find out that it is all over.
        let threads: Vec<ThreadId> = self
            .threads
            .iter()
            .filter(|(_, thread)| thread.process == process && !thread.has_ended)
            .map(|(id, _)| *id)
            .collect();
        for thread in threads {
            self.wake_thread(thread);
        }
    }
}

impl World {
    /// Brings processes to life that were started, and ends calls that are to be ended.
    pub(super) fn follow_up(&self) {
        let (to_start, to_wake) = {
            let mut inner = self.inner.borrow_mut();
            let to_start = std::mem::take(&mut inner.to_start);
            (to_start, std::mem::take(&mut inner.to_wake))
        };
        for process in to_start {
            let name = format!("main of process {process}");
            let main = self.spawn(process, name, Box::new(move || main(process)));
            self.inner.borrow_mut().processes[process].main = Some(main);
        }
        for process in to_wake {
            let wakeup = self.inner.borrow().processes[process].wakeup.clone();
            if let Some(wakeup) = wakeup {
                wakeup.wakeup();
            }
        }
    }

    /// Whether a process is to wind up, in order or not.
    pub(super) fn is_over(&self, process: usize) -> bool {
        let inner = self.inner.borrow();
        let process = &inner.processes[process];
        process.is_stopping || !process.is_alive
    }

    /// Whether a process has not crashed.
    pub(super) fn is_alive(&self, process: usize) -> bool {
        self.inner.borrow().processes[process].is_alive
    }

    /// Counts an error that a program saw.
    pub(super) fn saw_error(&self, process: usize, call: &str, error: &weft_client::Error) {
        if !self.is_alive(process) {
            return;
        }
        let mut inner = self.inner.borrow_mut();
        let now = inner.now;
        let kind = format!("{:?}", error.kind());
        inner.coverage.count("error", &format!("{call}: {kind}"));
        inner
            .history
            .note(now, || format!("p{process} {call} failed: {error}"));
        let text = error.to_string();
        if text.contains("please report") || text.contains("panicked") {
            inner.complain("no panic", &text);
        }
    }

    /// Handles one record, as the handler of any program does here: takes some time, and fails if
    /// that was ordered. `is_last` says that a failure is the end of the record.
    pub(super) fn handle(
        &self,
        (process, instance): (usize, Instance),
        partition: &TopicPartition,
        offset: Offset,
        key: Option<&[u8]>,
    ) -> Handling {
        let number = number_of(partition.topic().as_str(), partition.partition());
        let (started, work, handling) = {
            let mut inner = self.inner.borrow_mut();
            let started = inner.history.tick();
            let work = inner.work_of(process);
            let state = &mut inner.processes[process];
            let handling = match state.failing {
                (0, _) => Handling::Done,
                (left, is_for_good) => {
                    state.failing = (left - 1, is_for_good);
                    if is_for_good {
                        Handling::FailedForGood
                    } else {
                        Handling::Failed
                    }
                }
            };
            (started, work, handling)
        };
        if !work.is_zero() {
            self.sleep(work);
        }
        let mut inner = self.inner.borrow_mut();
        if !inner.processes[process].is_alive || handling == Handling::Failed {
            return handling;
        }
        inner.check_given(process, number, offset);
        let (now, ended) = (inner.now, inner.history.tick());
        inner.history.handled.push(Handled {
            instance,
            partition: number,
            offset,
            lane: lane_of(key),
            started,
            ended,
        });
        inner.history.progressed_at = now;
        inner.history.mark(now, offset.value().unsigned_abs());
        inner
            .history
            .note(now, || format!("p{process} handled {partition}@{offset}"));
        handling
    }
}

impl Inner {
    /// How long handling a record takes.
    fn work_of(&mut self, process: usize) -> Duration {
        let (until, work) = self.processes[process].slow;
        if self.now < until {
            return work;
        }
        match self.random.below(8) {
            0 => Duration::from_micros(self.random.below(20_000) as u64),
            _ => Duration::ZERO,
        }
    }
}

fn lane_of(key: Option<&[u8]>) -> Lane {
    let text = key.and_then(|key| std::str::from_utf8(key).ok());
    let number = text.and_then(|text| text.strip_prefix("key-"));
    Lane(number.and_then(|number| number.parse().ok()).unwrap_or(0))
}

/// The main thread of a process.
fn main(process: usize) {
    let (plan, member) = super::world::with(|world| {
        let inner = world.inner.borrow();
        let member = inner.processes[process].member;
        (std::rc::Rc::clone(&inner.plan), member)
    });
    match plan.members[member].kind {
        Kind::Plain(commits) => plain::run(process, &plan, member, commits),
        Kind::PerThread(threads) => patterns::per_thread(process, &plan, member, threads),
        Kind::WorkerPool(pollers, workers) => {
            patterns::worker_pool(process, &plan, member, (pollers, workers));
        }
    }
    super::world::with(|world| {
        let mut inner = world.inner.borrow_mut();
        let now = inner.now;
        inner.processes[process].has_ended = true;
        inner.processes[process].wakeup = None;
        inner
            .history
            .note(now, || format!("process {process} ended"));
    });
}

/// The options of a member's consumers.
pub(super) fn config(plan: &Plan, member: usize, is_auto: bool) -> ConsumerConfig {
    let brokers = (0..plan.brokers).map(|broker| {
        let port = i32::from(FIRST_PORT) + broker;
        format!("127.0.0.1:{port}")
    });
    let bootstrap: Vec<String> = brokers.collect();
    let milliseconds = |duration: Duration| duration.as_millis().to_string();
    let mut builder = ConsumerConfig::builder()
        .set("bootstrap.servers", &bootstrap.join(","))
        .set("group.id", GROUP)
        .set("client.id", &format!("m{member}"))
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", &is_auto.to_string())
        .set("auto.commit.interval.ms", "1000")
        .set("partition.assignment.strategy", plan.assignor)
        .set("session.timeout.ms", &milliseconds(plan.session_timeout))
        .set("heartbeat.interval.ms", "1500")
        .set(
            "max.poll.interval.ms",
            &milliseconds(plan.max_poll_interval),
        )
        .set("max.poll.records", &plan.max_poll_records.to_string())
        .set("fetch.max.bytes", &plan.fetch_max_bytes.to_string())
        .set("fetch.max.wait.ms", "1000")
        .set("request.timeout.ms", "5000")
        .set("default.api.timeout.ms", "12000")
        .set("metadata.max.age.ms", "20000");
    if plan.is_transactional {
        builder = builder.set("isolation.level", "read_committed");
    }
    if plan.members[member].is_static {
        builder = builder.set("group.instance.id", &format!("i{member}"));
    }
    builder.build().expect("the options of a plan are valid")
}

/// Whether a program of this kind commits with `enable.auto.commit`.
pub(super) fn is_auto(commits: Commits) -> bool {
    commits == Commits::Auto
}
