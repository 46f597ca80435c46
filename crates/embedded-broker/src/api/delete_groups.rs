//! `DeleteGroups`: groups without members, with their offsets.

use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, delete_groups_response::DeletableGroupResult,
};

use super::Context;
use crate::groups::{GroupError, code_of};

/// Deletes each group by itself.
pub(crate) async fn handle(ctx: &Context, _version: i16, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let results = request.groups_names.into_iter().map(|group_id| {
        let permitted = ctx.session.scope.contains(&group_id);
        let result = if permitted { ctx.broker.groups.delete(&group_id) } else { Err(GroupError::NotAuthorized) };
        DeletableGroupResult::default().with_group_id(group_id).with_error_code(code_of(&result))
    });
    DeleteGroupsResponse::default().with_results(results.collect())
}
