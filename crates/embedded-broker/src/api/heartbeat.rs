//! `Heartbeat`: a member's sign of life, answered with what it has to do.

use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};

use super::Context;
use crate::groups::{Caller, GroupError, code_of};

/// Renews the member's session.
pub(crate) async fn handle(ctx: &Context, _version: i16, request: HeartbeatRequest) -> HeartbeatResponse {
    let result = if ctx.session.scope.contains(&request.group_id) {
        let caller = Caller {
            generation: request.generation_id,
            member_id: request.member_id.to_string(),
            instance_id: request.group_instance_id.map(|id| id.to_string()),
        };
        ctx.broker.groups.heartbeat(&request.group_id, &caller)
    } else {
        Err(GroupError::NotAuthorized)
    };
    HeartbeatResponse::default().with_error_code(code_of(&result))
}
