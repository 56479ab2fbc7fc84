//! Whole programs that are killed, asked to end, or started with nonsense.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use weft_client::Offset;

use crate::cluster::{Cluster, Filled, Witness, fill};
use crate::consume::{self, ConsumeProcess, RecordLog};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::guarantee::{
    CommitSeen, Handled, Instance, Tick, at_least_once, committed_is_finished,
    committed_is_not_replayed, no_regress, order_per_lane,
};
use crate::program::{Order, Pattern};
use crate::scenario::bad_input::with_every_peer;
use crate::wait::PATIENCE;

/// A program with one consumer per thread is killed in the middle, twice, and started again: no
/// record is lost, partitions stay in order, and only what was not committed comes again.
///
/// # Errors
///
/// If it is otherwise.
pub fn killed_threads_lose_nothing(cluster: &Cluster) -> Outcome {
    killed_and_restarted(cluster, PER_THREAD)
}

/// The same for pollers and workers, and keys.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_killed_pool_loses_nothing(cluster: &Cluster) -> Outcome {
    killed_and_restarted(cluster, POOL)
}

/// A program with one consumer per thread is asked to end in the middle: it commits all that it
/// handled, leaves the group, says what it did and exits with success.
///
/// # Errors
///
/// If it is otherwise.
pub fn terminated_threads_drain_and_leave(cluster: &Cluster) -> Outcome {
    terminated(cluster, PER_THREAD)
}

/// The same for pollers and workers.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_terminated_pool_drains_and_leaves(cluster: &Cluster) -> Outcome {
    terminated(cluster, POOL)
}

fn killed_and_restarted(cluster: &Cluster, pattern: Pattern) -> Outcome {
    let mut place = Place::new(cluster, pattern)?;
    let mut history: Vec<Handled> = Vec::new();
    let mut commits: Vec<CommitSeen> = Vec::new();
    let mut at_risk = 0;
    let mut said = Vec::new();
    for kill in 1..=KILLS {
        let mut process = place.start(&[])?;
        let lines = place.filled.records() as usize * kill / (KILLS + 1);
        process.wait_for_lines(&place.log, lines, PATIENCE)?;
        said.push(process.kill()?);
        history.extend(place.new_lines(history.len(), kill)?);
        let seen = place.committed(&history)?;
        at_risk += records_at_risk(&history, &seen)?;
        commits.extend(seen);
    }
    let process = place.start(&["--until-end"])?;
    let ended = process.wait(PATIENCE.saturating_mul(2))?;
    ensure!(ended.code == Some(0), "{ended:?}");
    ended.summary()?;
    said.push(ended);
    history.extend(place.new_lines(history.len(), KILLS + 1)?);
    commits.extend(place.committed(&history)?);

    let delivery = at_least_once(&place.filled.ends, &history).map_err(|illegal| {
        let text = format!("{commits:?}, {said:?}");
        Failure::from(illegal).during(text)
    })?;
    order_per_lane(&history)?;
    no_regress(&commits)?;
    committed_is_finished(&commits, &history)?;
    committed_is_not_replayed(&commits, &history)?;
    ensure!(
        delivery.duplicates <= at_risk,
        "{} duplicates, although only {at_risk} records were at risk",
        delivery.duplicates
    );
    Ok(format!(
        "{} records, {KILLS} kills, {} duplicates",
        delivery.records, delivery.duplicates
    ))
}

/// How many records were handled and not committed when a process was killed. None of them may have
/// been finished long before that.
fn records_at_risk(history: &[Handled], commits: &[CommitSeen]) -> Result<u64, Failure> {
    let committed = |partition| {
        let mut commits = commits.iter();
        let found = commits.find(|commit| commit.partition == partition);
        found.map_or(Offset::ZERO, |commit| commit.committed)
    };
    let killed_at = history
        .iter()
        .map(|record| record.ended.0)
        .max()
        .unwrap_or(0);
    let mut count = 0;
    for record in history {
        if record.offset >= committed(record.partition) {
            let age = Duration::from_micros(killed_at - record.ended.0);
            ensure!(
                age < COMMITTED_WITHIN,
                "{record:?} was not committed for {age:?}"
            );
            count += 1;
        }
    }
    Ok(count)
}

fn terminated(cluster: &Cluster, pattern: Pattern) -> Outcome {
    let mut place = Place::new(cluster, pattern)?;
    let mut process = place.start(&[])?;
    let lines = place.filled.records() as usize / 3;
    process.wait_for_lines(&place.log, lines, PATIENCE)?;
    process.terminate()?;
    let ended = process.wait(PATIENCE)?;
    ensure!(ended.code == Some(0), "{ended:?}");
    let summary = ended.summary()?;
    let number = |name: &str| summary[name].as_u64();
    ensure!(summary["error"].is_null(), "{summary}");

    let history = place.new_lines(0, 0)?;
    let handled = history.len() as u64;
    ensure!(
        handled < place.filled.records(),
        "all was handled before the signal"
    );
    ensure!(
        number("records") == Some(handled),
        "{handled} lines and {summary}"
    );
    let commits = place.committed(&history)?;
    committed_is_finished(&commits, &history)?;
    let committed: i64 = commits.iter().map(|commit| commit.committed.value()).sum();
    let repeated = handled - committed.unsigned_abs();
    ensure!(
        number("repeated") == Some(repeated),
        "{committed} of {handled} are committed after {summary}"
    );
    let left = place.witness.group(&place.group)?;
    ensure!(left.state == "Empty" && left.members.is_empty(), "{left:?}");

    let process = place.start(&["--until-end"])?;
    let ended = process.wait(PATIENCE.saturating_mul(2))?;
    ensure!(ended.code == Some(0), "{ended:?}");
    let mut all = place.new_lines(history.len(), 1)?;
    all.extend(history);
    let delivery = at_least_once(&place.filled.ends, &all)?;
    order_per_lane(&all)?;
    ensure!(
        delivery.duplicates == repeated,
        "{delivery:?}, {repeated} told"
    );
    Ok(format!("{handled} records drained, {repeated} repeated"))
}

/// The topic, the group and the log of one scenario.
struct Place<'a> {
    cluster: &'a Cluster,
    witness: Witness,
    pattern: Pattern,
    filled: Filled,
    group: String,
    log: RecordLog,
}

impl<'a> Place<'a> {
    fn new(cluster: &'a Cluster, pattern: Pattern) -> Result<Self, Failure> {
        let topic = cluster.create_topic("process", 4)?;
        let mut witness = cluster.witness()?;
        let filled = fill(&mut witness, &topic, RECORDS, KEYS)?;
        Ok(Self {
            cluster,
            witness,
            pattern,
            filled,
            group: cluster.fresh("process"),
            log: RecordLog::new(&topic),
        })
    }

    fn start(&self, more: &[&str]) -> Result<ConsumeProcess, Failure> {
        let mut arguments = vec![
            "--handler-us",
            HANDLER_US,
            "--commit-interval-ms",
            "200",
            "--set",
            "session.timeout.ms=2000",
            "--set",
            "heartbeat.interval.ms=300",
        ];
        arguments.extend(more);
        let place = (self.group.as_str(), self.filled.topic.as_str());
        ConsumeProcess::start(self.cluster, place, self.pattern, &self.log, &arguments)
    }

    /// The lines behind the first `known`, as the history of the process with this number.
    fn new_lines(&self, known: usize, process: usize) -> Result<Vec<Handled>, Failure> {
        let instance = Instance(u32::try_from(process)?);
        self.log.history(known, instance, self.pattern)
    }

    /// What is committed now that a process is gone: behind everything in the history.
    fn committed(&mut self, history: &[Handled]) -> Result<Vec<CommitSeen>, Failure> {
        let partitions = self.filled.partitions();
        let seen: BTreeMap<i32, Offset> =
            self.witness
                .committed(&self.group, &self.filled.topic, partitions)?;
        let now = history.iter().map(|record| record.ended).max();
        let now = now.unwrap_or(Tick(0));
        let seen = seen.into_iter();
        Ok(seen
            .map(|(partition, committed)| CommitSeen {
                partition,
                committed,
                asked: now,
                answered: now,
            })
            .collect())
    }
}

/// Started with nonsense, or where no broker is, the program says so and names the address, in its
/// time and with a code that is not success.
///
/// # Errors
///
/// If it does not.
pub fn nonsense_ends_the_program_with_a_reason() -> Outcome {
    let peers = with_every_peer(|address| {
        let arguments = ["--bootstrap", address, "--topic", "t", "--group", "g"];
        refused(&arguments, address)
    })?;
    for (arguments, reason) in [
        (&["--topic", "t", "--group", "g"][..], "--bootstrap"),
        (&["--bootstrap", "a:1", "--group", "g"], "--topic"),
        (
            &["--bootstrap", "nowhere", "--topic", "t", "--group", "g"],
            "bootstrap.servers",
        ),
        (
            &["--bootstrap", "a:1", "--topic", "t", "--group", " "],
            "group.id",
        ),
        (
            &[
                "--bootstrap",
                "a:1",
                "--topic",
                "t",
                "--group",
                "g",
                "--set",
                "no.such=1",
            ],
            "no.such",
        ),
    ] {
        refused(arguments, reason)?;
    }
    Ok(peers)
}

/// Where there is a cluster, a topic that does not exist is named, and so is an impossible number
/// of threads.
///
/// # Errors
///
/// If it is not.
pub fn nonsense_about_a_cluster_ends_the_program(cluster: &Cluster) -> Outcome {
    let (bootstrap, missing) = (cluster.bootstrap(), cluster.fresh("missing"));
    refused(
        &[
            "--bootstrap",
            &bootstrap,
            "--topic",
            &missing,
            "--group",
            "g",
        ],
        &missing,
    )?;
    let there = cluster.create_topic("there", 1)?;
    let place = ["--bootstrap", &bootstrap, "--topic", &there, "--group", "g"];
    for (arguments, reason) in [
        (&["--workers", "0"][..], "workers"),
        (&["--pattern", "per-thread", "--threads", "0"], "threads"),
        (&["--order", "sometimes"], "--order"),
    ] {
        refused(&[&place, arguments].concat(), reason)?;
    }
    Ok(String::new())
}

fn refused(arguments: &[&str], reason: &str) -> Result<(), Failure> {
    let limited = [arguments, &["--timeout-s", "2"]].concat();
    let ended = consume::run(&limited, Duration::from_secs(10))?;
    ensure!(
        ended.code.is_some_and(|code| code != 0) && ended.stderr.contains(reason),
        "no {reason} in what {arguments:?} ended with: {ended:?}"
    );
    ensure!(!ended.stderr.contains("panicked"), "{ended:?}");
    Ok(())
}

const PER_THREAD: Pattern = Pattern::PerThread { threads: 2 };

const POOL: Pattern = Pattern::Pool {
    pollers: 1,
    workers: 4,
    order: Order::Key,
};

const RECORDS: u32 = 12_000;

/// One record's handler, in microseconds.
const HANDLER_US: &str = "1000";

/// How long a finished record may stay uncommitted: the commit interval, the window, and a slow
/// machine.
const COMMITTED_WITHIN: Duration = Duration::from_secs(1);

const KEYS: NonZeroU32 = NonZeroU32::new(25).expect("25 is not 0");

const KILLS: usize = 2;
