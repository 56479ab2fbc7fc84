//! Groups with members that others wrote.

use std::collections::BTreeMap;

use super::group::{Group, Lived};
use super::matrix::{Cell, cells};
use super::together::together;
use crate::cluster::Cluster;
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::outside::{MemberKind, OutsideClient};

/// Two members of the same client share the partitions, one leaves, and nothing comes twice.
///
/// # Errors
///
/// If they do not.
pub fn shares_a_group_with_its_like(cluster: &Cluster, client: OutsideClient) -> Outcome {
    let kind = MemberKind::Outside(client);
    let mut group = Group::new(cluster, "range")?;
    group.join(kind, "first")?;
    group.wait_for_division()?;
    group.fill()?;
    group.join(kind, "second")?;
    group.wave()?;
    group.close("first")?;
    group.wave()?;
    Ok(said(&[group.finish()?]))
}

/// The client and Weft share a group for each of [`cells`], all of which live at once: members of
/// both join, leave and are killed, records come before, between and while that happens, and who
/// joined first leads.
///
/// # Errors
///
/// If a record is lost, a partition has two owners, a commit is not what the next one finds, or
/// somebody else leads.
pub fn shares_groups_with_weft(cluster: &Cluster, client: OutsideClient) -> Outcome {
    let lived = together(&mut cells(cluster.target(), client), |cell| {
        live(cluster, *cell).map_err(|failure| failure.during(*cell))
    })?;
    Ok(said(&lived))
}

/// In the words of the report.
pub(super) fn said(lived: &[Lived]) -> String {
    let records: u64 = lived.iter().map(|lived| lived.delivery.records).sum();
    let duplicates: u64 = lived.iter().map(|lived| lived.delivery.duplicates).sum();
    let refused: usize = lived.iter().map(|lived| lived.commits_failed).sum();
    format!(
        "{} groups, {records} records, {duplicates} duplicates, {refused} commits refused",
        lived.len()
    )
}

fn live(cluster: &Cluster, cell: Cell) -> Result<Lived, Failure> {
    let [leader, other] = cell.kinds();
    let mut group = Group::new(cluster, cell.assignor)?;
    group.join(leader, "a")?;
    group.wave()?;
    group.join(other, "b")?;
    check_found(&mut group, "b", "a", leader)?;
    group.wave()?;
    group.fill()?;
    group.join(leader, "c")?;
    group.wave()?;
    group.kill("b")?;
    group.wave()?;
    group.fill()?;
    group.join(other, "d")?;
    group.wave()?;
    check_leader(&group, &BTreeMap::new(), ("a", leader))?;
    group.close("a")?;
    group.wave()?;
    let before = group.divided();
    group.close("c")?;
    group.wave()?;
    check_leader(&group, &before, ("d", other))?;
    group.finish()
}

/// The one that took partitions over at rest finds there what the other one has committed: offset,
/// epoch and metadata. kcat has no metadata, and of epochs only newer ones know.
fn check_found(
    group: &mut Group<'_>,
    id: &str,
    committer: &str,
    committer_kind: MemberKind,
) -> Result<(), Failure> {
    let Some(found) = group.found_by(id)? else {
        return Ok(());
    };
    let is_kcat = committer_kind == MemberKind::Outside(OutsideClient::Kcat);
    let committed = group.look_at_commits()?;
    for (partition, found) in &found {
        let end = group.filled.ends[partition];
        let metadata = if is_kcat { "" } else { committer };
        ensure!(
            found.offset == end && found.metadata == metadata,
            "{id} found {found:?} for partition {partition}, not {metadata:?} and {end}"
        );
        ensure!(
            Some(found) == committed.get(partition) && (is_kcat || found.leader_epoch.is_some()),
            "{id} found {found:?}, but the coordinator has {committed:?}"
        );
    }
    ensure!(!found.is_empty(), "{id} found nothing");
    Ok(())
}

/// Nobody else than this one, if it can tell, has divided the partitions since.
fn check_leader(
    group: &Group<'_>,
    before: &BTreeMap<&'static str, usize>,
    (id, kind): (&'static str, MemberKind),
) -> Result<(), Failure> {
    let mut since = group.divided();
    since.retain(|id, times| before.get(id) != Some(times));
    let leaders: Vec<&str> = since.into_keys().collect();
    let is_silent = kind == MemberKind::Outside(OutsideClient::Kcat);
    let expected = if is_silent { vec![] } else { vec![id] };
    ensure!(
        leaders == expected,
        "{leaders:?} have led, not {id}, which is {kind}"
    );
    Ok(())
}
