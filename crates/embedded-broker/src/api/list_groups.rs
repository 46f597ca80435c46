//! `ListGroups`: those of the scope, filtered by state (KIP-518) and type (KIP-848).

use kafka_protocol::messages::{GroupId, ListGroupsRequest, ListGroupsResponse, list_groups_response::ListedGroup};

use super::Context;
use crate::groups::Listing;

/// The type of every group here, as KIP-848 calls it.
const CLASSIC: &str = "classic";

/// The groups of the scope. A filter that names something unknown matches nothing.
pub(crate) async fn handle(ctx: &Context, _version: i16, request: ListGroupsRequest) -> ListGroupsResponse {
    let passes = |filter: &[kafka_protocol::protocol::StrBytes], value: &str| {
        filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    let listed = |listing: Listing| {
        ListedGroup::default()
            .with_group_id(GroupId(listing.group_id.into()))
            .with_protocol_type(listing.protocol_type.into())
            .with_group_state(listing.state.name().into())
            .with_group_type(CLASSIC.into())
    };
    let groups = ctx.broker.groups.list(&ctx.session.scope).into_iter();
    let groups = groups.filter(|group| passes(&request.states_filter, group.state.name()));
    let groups = groups.filter(|_| passes(&request.types_filter, CLASSIC));
    ListGroupsResponse::default().with_groups(groups.map(listed).collect())
}
