//! Programs of both patterns that consume a lot while others of their kind come and go.

use std::num::NonZeroU32;
use std::sync::Arc;

use weft_client::TopicPartition;

use crate::cluster::{Cluster, Filled, Target, Witness, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::guarantee::{CommitSeen, Delivery, Instance, no_overlap, order_per_lane};
use crate::program::{Order, Pattern, Program, Settings, recording};
use crate::recorder::{CommitWatch, Recorder, judge, wait_until_committed};
use crate::wait::{self, Look, PATIENCE};

/// One consumer per thread, four threads: a million records over twelve partitions, nothing lost,
/// partitions in order, while a second program joins and leaves again and again.
///
/// # Errors
///
/// If a guarantee is broken.
pub fn a_million_records_by_four_threads(cluster: &Cluster) -> Outcome {
    comings_and_goings(cluster, Pattern::PerThread { threads: 4 })
}

/// Two pollers feed eight workers: the same, keys in order.
///
/// # Errors
///
/// If a guarantee is broken.
pub fn a_million_records_by_two_pollers_and_eight_workers(cluster: &Cluster) -> Outcome {
    let pattern = Pattern::Pool {
        pollers: 2,
        workers: 8,
        order: Order::Key,
    };
    comings_and_goings(cluster, pattern)
}

fn comings_and_goings(cluster: &Cluster, pattern: Pattern) -> Outcome {
    let topic = cluster.create_topic("million", 12)?;
    let group = cluster.fresh("million");
    let mut witness = cluster.witness()?;
    let recorder = Arc::new(Recorder::default());
    let batch = records(cluster) / ROUNDS / 2;
    let filled = fill(&mut witness, &topic, batch, KEYS)?;
    let watch = CommitWatch::start(cluster, &recorder, &group, &filled)?;
    let start = |client_id, instance| {
        let settings = Settings {
            group: &group,
            topic: &topic,
            client_id,
            pattern,
            properties: &[("partition.assignment.strategy", "cooperative-sticky")],
        };
        let handle = recording(&recorder, instance, pattern, |_| Ok(()));
        Program::start(cluster, &settings, handle)
    };

    let main = start("main", Instance(0))?;
    let mut filled = filled;
    let mut commit_failures = 0;
    for round in 1..=ROUNDS {
        let instance = Instance(round);
        // It joins while the first one is at work, and leaves while both are.
        let guest = start("guest", instance)?;
        wait_for_share(&mut witness, &group, "guest")?;
        filled = fill(&mut witness, &topic, batch, KEYS)?;
        wait::until("the guest taking part", PATIENCE, || {
            let count = recorder.count_of(instance);
            Ok(Look::at(count > 0, || "it handled nothing".to_owned()))
        })?;
        commit_failures += guest.stop()?.commit_failures;
        if round < ROUNDS {
            filled = fill(&mut witness, &topic, batch, KEYS)?;
        }
    }
    wait_until_committed(&mut witness, &group, &filled, PATIENCE.saturating_mul(2))?;
    commit_failures += main.stop()?.commit_failures;
    let commits = watch.stop()?;
    let delivery = judge_program(&recorder, &filled, &commits)?;
    // What is finished since the last commit is handled again if a last commit fails.
    ensure!(
        delivery.duplicates == 0 || commit_failures > 0,
        "{} duplicates although every commit succeeded",
        delivery.duplicates
    );
    ensure!(
        delivery.duplicates <= filled.records() / 10,
        "{} duplicates of {} records",
        delivery.duplicates,
        delivery.records
    );
    Ok(format!(
        "{} records, {} duplicates after {commit_failures} failed commits",
        delivery.records, delivery.duplicates
    ))
}

fn judge_program(
    recorder: &Recorder,
    filled: &Filled,
    commits: &[CommitSeen],
) -> Result<Delivery, Failure> {
    let history = recorder.history();
    let delivery = judge(filled, &history, commits)?;
    order_per_lane(&history)?;
    no_overlap(&history, &[])?;
    Ok(delivery)
}

/// Waits until members whose `client.id` begins so have partitions, as the coordinator sees it.
pub(super) fn wait_for_share(
    witness: &mut Witness,
    group: &str,
    client_id: &str,
) -> Result<(), Failure> {
    wait::until("a guest with partitions", PATIENCE, || {
        let seen = witness.group(group)?;
        let guests = seen.members.iter();
        let shares: Vec<&TopicPartition> = guests
            .filter(|member| member.client_id.starts_with(client_id))
            .flat_map(|member| &member.assignment)
            .collect();
        let has_share = seen.is_stable() && !shares.is_empty();
        Ok(Look::at(has_share, || format!("{seen:?}")))
    })
}

/// About how many records there are in all.
fn records(cluster: &Cluster) -> u32 {
    match cluster.target() {
        // It keeps everything in memory, and is there to be quick.
        Target::Mock { .. } | Target::Pretended(_) => 200_000,
        Target::OneKafka(_) | Target::ProxiedKafka | Target::ThreeKafkas => 1_000_000,
    }
}

/// How often a guest comes and goes.
const ROUNDS: u32 = 4;

/// How many keys there are in each partition.
const KEYS: NonZeroU32 = NonZeroU32::new(50).expect("50 is not 0");
