//! DeleteGroups: empty groups, with all that they have committed.
//!
//! Versions 0 to 2.

use std::collections::BTreeSet;

use weft_client::wire::messages::delete_groups_response::DeletableGroupResult;
use weft_client::wire::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::super::cluster::Cluster;
use super::super::reply::{Ask, Reply};
use super::membership::check_any_group;

pub(super) fn delete_groups(
    cluster: &mut Cluster,
    ask: &Ask,
    request: DeleteGroupsRequest,
) -> Reply {
    let mut seen = BTreeSet::new();
    let names = request.groups_names.into_iter();
    let once_each = names.filter(|id| seen.insert(id.clone()));
    let results = once_each.map(|id| {
        let deleted = check_any_group(cluster, ask, id.as_str())
            .and_then(|group_id| cluster.groups.delete(group_id.as_str()));
        DeletableGroupResult::default()
            .with_group_id(id)
            .with_error_code(deleted.err().map_or(0, |error| error.0))
    });
    let results = results.collect();
    DeleteGroupsResponse::default().with_results(results).into()
}
