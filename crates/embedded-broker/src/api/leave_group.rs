//! `LeaveGroup`: one member (to v2) or several, which an administrator may name by instance id (KIP-345).

use kafka_protocol::messages::{
    LeaveGroupRequest, LeaveGroupResponse, leave_group_request::MemberIdentity, leave_group_response::MemberResponse,
};

use super::Context;
use crate::groups::{GroupError, Leaver, code_of};

/// The version from which several members may leave at once.
const BATCH: i16 = 3;

/// Removes the members.
pub(crate) async fn handle(ctx: &Context, version: i16, request: LeaveGroupRequest) -> LeaveGroupResponse {
    let response = LeaveGroupResponse::default();
    if !ctx.session.scope.contains(&request.group_id) {
        return response.with_error_code(GroupError::NotAuthorized.code());
    }
    let members = if version >= BATCH {
        request.members
    } else {
        vec![MemberIdentity::default().with_member_id(request.member_id).with_group_instance_id(None)]
    };
    let leaver = |member: &MemberIdentity| Leaver {
        member_id: member.member_id.to_string(),
        instance_id: member.group_instance_id.as_ref().map(ToString::to_string),
    };
    let leavers: Vec<Leaver> = members.iter().map(leaver).collect();
    let results = ctx.broker.groups.leave(&request.group_id, &leavers);
    if version < BATCH {
        return response.with_error_code(results.first().map_or(0, code_of));
    }
    let answers = members.into_iter().zip(&results).map(|(member, result)| {
        MemberResponse::default()
            .with_member_id(member.member_id)
            .with_group_instance_id(member.group_instance_id)
            .with_error_code(code_of(result))
    });
    response.with_members(answers.collect())
}
