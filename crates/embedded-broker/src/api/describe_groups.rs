//! `DescribeGroups`.

use kafka_protocol::{
    messages::{
        DescribeGroupsRequest, DescribeGroupsResponse, GroupId,
        describe_groups_response::{DescribedGroup, DescribedGroupMember},
    },
    protocol::StrBytes,
};

use super::Context;
use crate::{
    authorize::operations,
    groups::{Description, GroupError, State},
};

/// The version from which a group that does not exist is an error rather than dead (KIP-1043).
const UNKNOWN_IS_ERROR: i16 = 6;

/// Each group's state and members.
pub(crate) async fn handle(ctx: &Context, version: i16, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let operations = if request.include_authorized_operations { operations::GROUP } else { operations::NOT_ASKED };
    let groups = request.groups.into_iter().map(|group_id| {
        if !ctx.session.scope.contains(&group_id) {
            return empty(group_id, operations::NOT_ASKED).with_error_code(GroupError::NotAuthorized.code());
        }
        let description = ctx.broker.groups.describe(&group_id);
        let group = empty(group_id, operations);
        if description.state == State::Dead && version >= UNKNOWN_IS_ERROR {
            let sentence = StrBytes::from_static_str("There is no such group.");
            return group
                .with_group_state(State::Dead.name().into())
                .with_error_code(GroupError::UnknownGroup.code())
                .with_error_message(Some(sentence));
        }
        described(group, description)
    });
    DescribeGroupsResponse::default().with_groups(groups.collect())
}

fn empty(group_id: GroupId, operations: i32) -> DescribedGroup {
    DescribedGroup::default().with_group_id(group_id).with_error_message(None).with_authorized_operations(operations)
}

fn described(group: DescribedGroup, description: Description) -> DescribedGroup {
    let members = description.members.into_iter().map(|member| {
        DescribedGroupMember::default()
            .with_member_id(member.member_id.into())
            .with_group_instance_id(member.instance_id.map(StrBytes::from_string))
            .with_client_id(member.client_id.into())
            .with_client_host(member.client_host.into())
            .with_member_metadata(member.metadata)
            .with_member_assignment(member.assignment)
    });
    group
        .with_group_state(description.state.name().into())
        .with_protocol_type(description.protocol_type.into())
        .with_protocol_data(description.protocol.into())
        .with_members(members.collect())
}
