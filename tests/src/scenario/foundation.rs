//! What the other scenarios stand on, shown without the client under test.

use std::num::NonZeroU32;

use weft_testcontainers::kafka::{JavaAssignor, JavaCommand};

use crate::cluster::{Cluster, fill};
use crate::ensure;
use crate::failure::Outcome;
use crate::wait::{self, Look, PATIENCE};

/// A Java member reads and commits what [`fill`] wrote, and the witness sees it come, read and go.
///
/// # Errors
///
/// If it does not.
pub fn java_reads_what_the_suite_writes(cluster: &Cluster) -> Outcome {
    let topic = cluster.create_topic("foundation", 4)?;
    let mut witness = cluster.witness()?;
    let keys = NonZeroU32::new(100).expect("100 is not 0");
    let filled = fill(&mut witness, &topic, 12_000, keys)?;
    ensure!(filled.records() == 12_000, "{filled:?}");

    let group = cluster.fresh("foundation");
    let unknown = witness.group(&group)?;
    ensure!(unknown.members.is_empty(), "{unknown:?}");
    let command = JavaCommand::consume(&group, &[&topic], JavaAssignor::Range);
    let mut java = cluster.start_java(&command)?;
    java.wait_for("ASSIGNED", PATIENCE)?;
    let described = witness.group(&group)?;
    let assigned = described.assignment_of(&format!("{group}-java"));
    ensure!(
        described.is_stable() && described.assignor == "range",
        "{described:?}"
    );
    ensure!(
        assigned.is_some_and(|assigned| assigned.len() == 4),
        "{described:?}"
    );
    wait::until("all committed", PATIENCE, || {
        let committed = witness.committed(&group, &topic, filled.partitions())?;
        Ok(Look::at(committed == filled.ends, || {
            format!("{committed:?}")
        }))
    })?;
    java.stop(PATIENCE)?;
    let described = witness.group(&group)?;
    ensure!(described.state == "Empty", "{described:?}");
    Ok(String::new())
}
