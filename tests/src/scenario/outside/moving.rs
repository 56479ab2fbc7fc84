//! Groups shared with Weft whose brokers die, come back and hand over.

use super::group::{Group, Lived};
use super::groups::said;
use super::matrix::{CLIENTS, Cell, cells};
use super::together::together;
use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};

/// Groups of Weft with every client, all at once: while members join, leave and are killed, two
/// brokers die one after the other and come back, and where that can be ordered all leaders and
/// coordinators move. Nothing is lost, no partition has two owners, and commits go on with the
/// epochs of the leaders there are.
///
/// # Errors
///
/// If it is otherwise.
pub fn shared_groups_outlive_brokers(cluster: &Cluster) -> Outcome {
    let cells = CLIENTS.map(|client| cells(cluster.target(), client));
    let mut groups = together(&mut cells.concat(), |cell| {
        let group = begin(cluster, *cell).map_err(|failure| failure.during(*cell))?;
        Ok((*cell, group))
    })?;
    lose(cluster, 0, &mut groups, |cell, group| {
        group.join(cell.kinds()[0], "c")
    })?;
    lose(cluster, 1, &mut groups, |_, group| group.kill("b"))?;
    each(&mut groups, |_, group| {
        if group.move_brokers()? {
            group.wave()?;
        }
        group.close("a")?;
        group.wave()
    })?;
    let mut groups: Vec<_> = groups.into_iter().map(Some).collect();
    let lived: Vec<Lived> = together(&mut groups, |group| {
        let (cell, group) = group.take().expect("each group ends once");
        group.finish().map_err(|failure| failure.during(cell))
    })?;
    Ok(said(&lived))
}

fn begin(cluster: &Cluster, cell: Cell) -> Result<Group<'_>, Failure> {
    let [leader, other] = cell.kinds();
    let mut group = Group::new(cluster, cell.assignor)?;
    group.expect_losses();
    group.join(leader, "a")?;
    group.wait_for_division()?;
    group.join(other, "b")?;
    group.wave()?;
    Ok(group)
}

/// Kills a broker while records come, lets something happen to the groups, and brings it back.
fn lose(
    cluster: &Cluster,
    victim: i32,
    groups: &mut [(Cell, Group<'_>)],
    change: fn(&Cell, &mut Group<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    each(groups, |_, group| group.fill())?;
    cluster.kill_broker(victim)?;
    let lived = each(groups, |cell, group| {
        change(cell, group)?;
        group.fill()?;
        group.wait_until_handled()
    });
    // Others go on with the same brokers, also if this failed.
    cluster.restart_broker(victim)?;
    lived?;
    each(groups, |_, group| group.wave())
}

fn each(
    groups: &mut [(Cell, Group<'_>)],
    body: impl Fn(&Cell, &mut Group<'_>) -> Result<(), Failure> + Sync,
) -> Result<(), Failure> {
    together(groups, |(cell, group)| {
        body(cell, group).map_err(|failure| failure.during(*cell))
    })
    .map(drop)
}
