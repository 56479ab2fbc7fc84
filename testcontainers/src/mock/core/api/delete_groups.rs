//! DeleteGroups: empty groups, with all that they have committed.
//!
//! Versions 0 to 2.

use weft_client::wire::messages::delete_groups_response::DeletableGroupResult;
use weft_client::wire::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::super::cluster::Cluster;
use super::super::reply::{Ask, Reply};
use super::membership::check_group;

pub(super) fn delete_groups(
    cluster: &mut Cluster,
    ask: &Ask,
    request: DeleteGroupsRequest,
) -> Reply {
    let results = request.groups_names.into_iter().map(|id| {
        let deleted = check_group(cluster, ask, id.as_str())
            .and_then(|group_id| cluster.groups.delete(group_id.as_str()));
        DeletableGroupResult::default()
            .with_group_id(id)
            .with_error_code(deleted.err().map_or(0, |error| error.0))
    });
    let results = results.collect();
    DeleteGroupsResponse::default().with_results(results).into()
}
