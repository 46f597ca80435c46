//! `SyncGroup`: waits until the leader has sent the assignment.

use bytes::Bytes;
use kafka_protocol::{
    messages::{SyncGroupRequest, SyncGroupResponse},
    protocol::StrBytes,
};

use super::Context;
use crate::groups::{Caller, GroupError, Sync};

/// The version from which the protocol is named (KIP-559).
const NAMES_PROTOCOL: i16 = 5;

/// The member's assignment, or why it has none.
pub(crate) async fn handle(ctx: &Context, version: i16, request: SyncGroupRequest) -> SyncGroupResponse {
    let answer = if ctx.session.scope.contains(&request.group_id) {
        let group_id = request.group_id.to_string();
        ctx.broker.groups.sync(&group_id, sync_of(request)).await
    } else {
        Err(GroupError::NotAuthorized)
    };
    let response = SyncGroupResponse::default();
    match answer {
        Ok(synced) if version >= NAMES_PROTOCOL => response
            .with_protocol_type(Some(synced.protocol_type.into()))
            .with_protocol_name(Some(synced.protocol.into()))
            .with_assignment(synced.assignment),
        Ok(synced) => response.with_assignment(synced.assignment),
        Err(error) => response.with_error_code(error.code()),
    }
}

fn sync_of(request: SyncGroupRequest) -> Sync {
    let text = |text: Option<StrBytes>| text.map(|text| text.to_string());
    Sync {
        caller: Caller {
            generation: request.generation_id,
            member_id: request.member_id.to_string(),
            instance_id: text(request.group_instance_id),
        },
        protocol_type: text(request.protocol_type),
        protocol: text(request.protocol_name),
        // Copies: the group keeps them, and slices would keep the whole frame.
        assignments: request
            .assignments
            .into_iter()
            .map(|assignment| (assignment.member_id.to_string(), Bytes::copy_from_slice(&assignment.assignment)))
            .collect(),
    }
}
