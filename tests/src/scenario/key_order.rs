//! The order of keys while members join and leave.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use weft_consumer::ConsumerRecord;

use crate::cluster::{Cluster, fill};
use crate::failure::Outcome;
use crate::guarantee::{Instance, no_overlap, order_per_lane};
use crate::program::{Order, Pattern, Program, Settings, Verdict, recording};
use crate::recorder::{CommitWatch, Recorder, judge, wait_until_committed};
use crate::scenario::comings::wait_for_share;
use crate::wait::{self, Look, PATIENCE};

/// Records take turns at being quick and slow, so that a pool without order would let them overtake
/// each other at once. While members join and leave the records of each key stay in order, and no
/// two members have a key in their hands at the same time. The assignor is eager.
///
/// # Errors
///
/// If it is otherwise.
pub fn keys_stay_in_order_under_eager_rebalances(cluster: &Cluster) -> Outcome {
    keys_stay_in_order(cluster, "range")
}

/// The same where members keep what they have during a rebalance.
///
/// # Errors
///
/// If it is otherwise.
pub fn keys_stay_in_order_under_cooperative_rebalances(cluster: &Cluster) -> Outcome {
    keys_stay_in_order(cluster, "cooperative-sticky")
}

fn keys_stay_in_order(cluster: &Cluster, assignor: &str) -> Outcome {
    let topic = cluster.create_topic("keys", 6)?;
    let group = cluster.fresh("keys");
    let mut witness = cluster.witness()?;
    let filled = fill(&mut witness, &topic, 60_000, KEYS)?;
    let recorder = Arc::new(Recorder::default());
    let watch = CommitWatch::start(cluster, &recorder, &group, &filled)?;
    let pattern = Pattern::Pool {
        pollers: 1,
        workers: 6,
        order: Order::Key,
    };
    let properties = [("partition.assignment.strategy", assignor)];
    let start = |client_id, instance| {
        let settings = Settings {
            group: &group,
            topic: &topic,
            client_id,
            pattern,
            properties: &properties,
        };
        let handle = recording(&recorder, Instance(instance), pattern, work);
        Program::start(cluster, &settings, handle)
    };
    let main = start("main", 0)?;
    for (guest, name) in [(1, "first guest"), (2, "second guest")] {
        let program = start(name, guest)?;
        wait_for_share(&mut witness, &group, name)?;
        wait::until("the guest taking part", PATIENCE, || {
            let count = recorder.count_of(Instance(guest));
            Ok(Look::at(count >= 500, || format!("{count} records")))
        })?;
        program.stop()?;
    }
    wait_until_committed(&mut witness, &group, &filled, PATIENCE)
        .map_err(|failure| failure.during(format!("{:?}", main.stats())))?;
    main.stop()?;
    let history = recorder.history();
    let delivery = judge(&filled, &history, &watch.stop()?)?;
    order_per_lane(&history)?;
    no_overlap(&history, &[])?;
    Ok(format!(
        "{} records, {} duplicates",
        delivery.records, delivery.duplicates
    ))
}

/// Every seventh record takes long.
#[expect(
    clippy::disallowed_methods,
    reason = "stands for work, not for waiting"
)]
fn work(record: &ConsumerRecord<'_>) -> Verdict {
    if record.offset().value() % 7 == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

const KEYS: NonZeroU32 = NonZeroU32::new(20).expect("20 is not 0");
