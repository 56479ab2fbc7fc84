//! A group that changes its assignor without ever stopping.

use super::group::Group;
use super::groups::said;
use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::outside::{MemberKind, OutsideClient};

/// A group of Weft and Java goes from `range`, where all is handed over at each rebalance, to
/// `cooperative-sticky`, where what stays is kept, as KIP-429 has it: each member is restarted
/// with both assignors, and then each with the new one only. Records come all the time.
///
/// # Errors
///
/// If one is lost or comes twice without a reason, a partition has two owners, or the group does
/// not agree on what all its members know.
pub fn rolls_from_range_to_cooperative_sticky(cluster: &Cluster) -> Outcome {
    let mut group = Group::new(cluster, "range")?;
    for (kind, ids) in MEMBERS {
        group.join(kind, ids[0])?;
    }
    group.wave()?;
    roll(&mut group, 1, "cooperative-sticky,range")?;
    roll(&mut group, 2, "cooperative-sticky")?;
    Ok(said(&[group.finish()?]))
}

/// Restarts the members one after the other. As long as one of them knows nothing but `range`, the
/// group stays with it.
fn roll(group: &mut Group<'_>, round: usize, assignors: &str) -> Result<(), Failure> {
    for (restarted, (kind, ids)) in (1..).zip(MEMBERS) {
        group.close(ids[round - 1])?;
        group.join_with(kind, ids[round], assignors)?;
        if round > 1 || restarted == MEMBERS.len() {
            group.expect_assignor("cooperative-sticky");
        }
        group.wait_for_division()?;
    }
    group.wave()
}

/// Each with the names that it has before the first restart, after it, and after the second.
const MEMBERS: [(MemberKind, [&str; 3]); 4] = [
    (MemberKind::Weft, ["weft-1", "weft-1-both", "weft-1-new"]),
    (JAVA, ["java-1", "java-1-both", "java-1-new"]),
    (MemberKind::Weft, ["weft-2", "weft-2-both", "weft-2-new"]),
    (JAVA, ["java-2", "java-2-both", "java-2-new"]),
];

const JAVA: MemberKind = MemberKind::Outside(OutsideClient::Java);
