//! `FindCoordinator`: this node, for every group of the scope.

use kafka_protocol::{
    error::ResponseError,
    messages::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse, find_coordinator_response::Coordinator},
    protocol::StrBytes,
};

use super::Context;

/// Kinds of keys; newer kinds (share groups) are unknown here.
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// Answers for one key (to v3) or for several (KIP-699).
pub(crate) async fn handle(ctx: &Context, version: i16, request: FindCoordinatorRequest) -> FindCoordinatorResponse {
    if version >= 4 {
        let coordinators =
            request.coordinator_keys.into_iter().map(|key| coordinator(ctx, request.key_type, key)).collect();
        return FindCoordinatorResponse::default().with_coordinators(coordinators);
    }
    let found = coordinator(ctx, request.key_type, request.key);
    FindCoordinatorResponse::default()
        .with_error_code(found.error_code)
        .with_error_message(found.error_message)
        .with_node_id(found.node_id)
        .with_host(found.host)
        .with_port(found.port)
}

fn coordinator(ctx: &Context, key_type: i8, key: StrBytes) -> Coordinator {
    let refusal = match (key_type, ctx.session.scope.contains(&key)) {
        (GROUP, true) => None,
        (GROUP, false) => {
            Some((ResponseError::GroupAuthorizationFailed, "The group is outside of this token's workspace."))
        }
        (TRANSACTION, false) => {
            let sentence = "The transactional id is outside of this token's workspace.";
            Some((ResponseError::TransactionalIdAuthorizationFailed, sentence))
        }
        // Of all errors only this one ends the attempt in librdkafka; it takes the others for a coordinator that is on
        // its way and asks until its time is up.
        (TRANSACTION, true) => {
            Some((ResponseError::TransactionalIdAuthorizationFailed, "This broker does not support transactions."))
        }
        _ => Some((ResponseError::InvalidRequest, "This broker does not know this type of coordinator.")),
    };
    match refusal {
        Some((error, sentence)) => Coordinator::default()
            .with_key(key)
            .with_node_id(BrokerId(-1))
            .with_port(-1)
            .with_error_code(error.code())
            .with_error_message(Some(StrBytes::from_static_str(sentence))),
        None => Coordinator::default()
            .with_key(key)
            .with_node_id(super::NODE_ID)
            .with_host(StrBytes::from_string(ctx.broker.config.advertised_host.clone()))
            .with_port(i32::from(ctx.broker.advertised_port))
            .with_error_message(None),
    }
}
