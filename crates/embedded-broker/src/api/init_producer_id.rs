//! `InitProducerId`: an id for an idempotent producer (KIP-98). Transactional producers are refused as long as there are
//! no transactions.

use kafka_protocol::{
    ResponseError,
    messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId},
};

use super::Context;

/// The newest version to advertise.
pub(crate) const NEWEST: i16 = 5;

/// Without a transactional id every request gets a new id, also where it names an old one (KIP-360 leaves that to us).
#[expect(clippy::unused_async, reason = "every handler has this shape")]
pub(crate) async fn handle(ctx: &Context, _version: i16, request: InitProducerIdRequest) -> InitProducerIdResponse {
    let answer = InitProducerIdResponse::default();
    match producer_id(ctx, &request) {
        Ok(id) => answer.with_producer_id(ProducerId(id)).with_producer_epoch(0),
        Err(error) => answer.with_error_code(error.code()).with_producer_id(ProducerId(-1)).with_producer_epoch(-1),
    }
}

fn producer_id(ctx: &Context, request: &InitProducerIdRequest) -> Result<i64, ResponseError> {
    if let Some(id) = &request.transactional_id {
        let inside = ctx.session.scope.contains(id);
        return Err(if inside {
            ResponseError::UnsupportedVersion
        } else {
            ResponseError::TransactionalIdAuthorizationFailed
        });
    }
    ctx.broker.topics.next_producer_id().map_err(|error| {
        tracing::error!(%error, "producer ids could not be set aside");
        // Clients try again after this one.
        ResponseError::CoordinatorNotAvailable
    })
}
