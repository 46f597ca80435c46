//! `JoinGroup`: waits until the group's rebalance has completed.

use bytes::Bytes;
use kafka_protocol::{
    messages::{JoinGroupRequest, JoinGroupResponse, join_group_response::JoinGroupResponseMember},
    protocol::StrBytes,
};

use super::Context;
use crate::groups::{GroupError, Join};

/// The version from which a member must come back with the id that it is given (KIP-394).
const KNOWN_ID: i16 = 4;
/// The version from which a leader may be told to skip the assignment (KIP-814).
const SKIP_ASSIGNMENT: i16 = 9;
/// The version from which the protocol's name may be null.
const NULL_PROTOCOL: i16 = 7;

/// Joins, or says why not.
pub(crate) async fn handle(ctx: &Context, version: i16, request: JoinGroupRequest) -> JoinGroupResponse {
    let member_id = request.member_id.clone();
    let answer = if ctx.session.scope.contains(&request.group_id) {
        let group_id = request.group_id.to_string();
        ctx.broker.groups.join(&ctx.session.scope, &group_id, join_of(ctx, version, request)).await
    } else {
        Err(GroupError::NotAuthorized)
    };
    let response = JoinGroupResponse::default();
    match answer {
        Ok(joined) => {
            let members = joined.members.into_iter().map(|member| {
                JoinGroupResponseMember::default()
                    .with_member_id(member.member_id.into())
                    .with_group_instance_id(member.instance_id.map(StrBytes::from_string))
                    .with_metadata(member.metadata)
            });
            response
                .with_generation_id(joined.generation)
                .with_protocol_type((version >= NULL_PROTOCOL).then(|| joined.protocol_type.into()))
                .with_protocol_name(Some(joined.protocol.into()))
                .with_leader(joined.leader.into())
                .with_skip_assignment(joined.skip_assignment)
                .with_member_id(joined.member_id.into())
                .with_members(members.collect())
        }
        Err(error) => response
            .with_error_code(error.code())
            .with_generation_id(-1)
            .with_protocol_type(None)
            .with_protocol_name((version < NULL_PROTOCOL).then(StrBytes::new))
            .with_member_id(match error {
                GroupError::MemberIdRequired(id) => id.into(),
                _ => member_id,
            }),
    }
}

fn join_of(ctx: &Context, version: i16, request: JoinGroupRequest) -> Join {
    Join {
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.map(|id| id.to_string()),
        client_id: ctx.client_id.clone().unwrap_or_default(),
        client_host: format!("/{}", ctx.session.peer.ip()),
        principal: ctx.session.principal.clone(),
        session_timeout_ms: request.session_timeout_ms,
        // Version 0 had one time-out for both.
        rebalance_timeout_ms: if version == 0 { request.session_timeout_ms } else { request.rebalance_timeout_ms },
        protocol_type: request.protocol_type.to_string(),
        protocols: request
            .protocols
            .into_iter()
            // A copy: the group keeps it, and a slice would keep the whole frame.
            .map(|protocol| (protocol.name.to_string(), Bytes::copy_from_slice(&protocol.metadata)))
            .collect(),
        needs_known_id: version >= KNOWN_ID,
        can_skip_assignment: version >= SKIP_ASSIGNMENT,
    }
}
