//! Handlers that take far longer than a member may go without polling.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::cluster::{Cluster, GroupSeen, Witness, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::guarantee::Instance;
use crate::program::{Order, Pattern, Program, Settings, recording};
use crate::recorder::{CommitWatch, Recorder, judge, wait_until_committed};
use crate::wait::{self, Gate, Look, PATIENCE};

/// All workers are stuck for several times `max.poll.interval.ms`: the members poll on and stay in
/// the group, nothing is assigned anew, and afterwards everything is handled once.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_slow_handler_in_a_pool_causes_no_rebalance(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("slow", 4)?;
    let group = cluster.fresh("slow");
    let mut witness = cluster.witness()?;
    let recorder = Arc::new(Recorder::default());
    let pattern = Pattern::Pool {
        pollers: 2,
        workers: 4,
        order: Order::Key,
    };
    let interval = POLL_INTERVAL.as_millis().to_string();
    let settings = Settings {
        group: &group,
        topic: &topic,
        client_id: "slow",
        pattern,
        properties: &[
            ("max.poll.interval.ms", &interval),
            // Cannot be what ends a membership here.
            ("session.timeout.ms", "60000"),
        ],
    };
    let gate = Arc::new(Gate::default());
    let handle = {
        let gate = Arc::clone(&gate);
        recording(&recorder, Instance(0), pattern, move |_| {
            if gate.pass(PATIENCE.saturating_mul(2)) {
                Ok(())
            } else {
                Err("nobody opened the gate".to_owned())
            }
        })
    };
    let program = Program::start(cluster, &settings, handle)?;
    let before = wait_for_both(&mut witness, &group)?;
    let rebalances = program.stats().rebalances;
    // Not before both are in: what is stuck when the second one joins would be handled twice.
    let filled = fill(&mut witness, &topic, 20_000, KEYS)?;
    let watch = CommitWatch::start(cluster, &recorder, &group, &filled)?;
    wait::throughout(POLL_INTERVAL.saturating_mul(4), || {
        let seen = witness.group(&group)?;
        ensure!(
            seen.is_stable() && members(&seen) == members(&before),
            "the group changed: {before:?}, now {seen:?}"
        );
        Ok(())
    })?;
    ensure!(
        recorder.count() == 0,
        "{} records passed the gate",
        recorder.count()
    );
    gate.open();
    wait_until_committed(&mut witness, &group, &filled, PATIENCE)?;
    let (rebalances, now) = (rebalances, program.stats().rebalances);
    ensure!(now == rebalances, "{} rebalances", now - rebalances);
    program.stop()?;
    let delivery = judge(&filled, &recorder.history(), &watch.stop()?)?;
    ensure!(delivery.duplicates == 0, "{delivery:?}");
    Ok(format!("stuck for {:?}", POLL_INTERVAL.saturating_mul(4)))
}

/// Waits until two members share the partitions.
fn wait_for_both(witness: &mut Witness, group: &str) -> Result<GroupSeen, Failure> {
    wait::until("both pollers in the group", PATIENCE, || {
        let seen = witness.group(group)?;
        let shares = seen.members.iter().map(|member| member.assignment.len());
        let is_shared = seen.is_stable() && shares.eq([2, 2]);
        Ok(if is_shared {
            Look::Seen(seen)
        } else {
            Look::NotYet(format!("{seen:?}"))
        })
    })
}

fn members(seen: &GroupSeen) -> BTreeSet<&str> {
    let members = seen.members.iter();
    members.map(|member| member.member_id.as_str()).collect()
}

/// `max.poll.interval.ms`, far below what is common.
const POLL_INTERVAL: Duration = Duration::from_millis(1_500);

const KEYS: NonZeroU32 = NonZeroU32::new(10).expect("10 is not 0");
