//! The two SDK tokens of a workspace.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use serde_json::json;
use twinkey_api::{
    error::ErrorBody,
    timeline::{HOURS_MAX, TimelineQuery, UsageTimeline},
    token_pair::{
        CutOffState, EmergencyPreview, EmergencyRotation, EndingToken, OpenConnection, RevealedToken, Rotate, Rotated,
        Slot, TokenPair, UndoRotation,
    },
    usage::TokenUsage,
};

use super::{broker_settings::NO_STORE, to_its_end};
use crate::{
    app::App,
    audit::{self, Event},
    cut_off, db,
    error::ApiError,
    extract::{
        Body, Manage, Queried, UserCaller,
        workspace::{Admin, Editor, Viewer},
    },
    rotation::{self, Kind, Order, repeated::Key},
    usage::{report, timeline},
};

/// The longest reason, in bytes.
pub(super) const REASON_MAX: usize = 1000;

/// Both tokens, without their values
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/tokens", tag = "tokens",
    params(("workspace_id" = String, Path)),
    responses((status = 200, body = TokenPair), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn show(State(app): State<Arc<App>>, access: Manage<Viewer>) -> Result<Json<TokenPair>, ApiError> {
    let open = db::principals::list_open_of(&*app.db, &access.workspace_id).await?;
    let pair = report::with_last_use(&app, access.pair.describe()).await?;
    Ok(Json(TokenPair { cutting_off: cut_off::describe(open), ..pair }))
}

/// Who uses which token, and whether Token 1 may be rotated away
///
/// Both tokens, and those that died or were tried in the last seven days. What this server has seen is in it up to this moment, what
/// other replicas have seen up to a few seconds ago.
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/tokens/usage", tag = "tokens",
    params(("workspace_id" = String, Path)),
    responses((status = 200, body = TokenUsage), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn usage(State(app): State<Arc<App>>, access: Manage<Viewer>) -> Result<Json<TokenUsage>, ApiError> {
    report::report(&app, &access.workspace_id, &access.pair).await.map(Json)
}

/// The use of the tokens over time, and when they were rotated
///
/// Sums by the minute are kept for two days, sums by the hour for ninety. Up to this moment of this server, a few seconds old of others.
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/tokens/usage/timeline", tag = "tokens",
    params(("workspace_id" = String, Path), TimelineQuery),
    responses((status = 200, body = UsageTimeline), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn usage_timeline(
    State(app): State<Arc<App>>,
    access: Manage<Viewer>,
    Queried(query): Queried<TimelineQuery>,
) -> Result<Json<UsageTimeline>, ApiError> {
    let hours = query.hours.unwrap_or(24);
    if !(1..=HOURS_MAX).contains(&hours) {
        return Err(ApiError::bad_request("InvalidQuery", format!("hours must be 1 to {HOURS_MAX}")));
    }
    timeline::timeline(&app, &access.workspace_id, &access.pair, hours).await.map(Json)
}

/// The value of a token; the audit log keeps who asked
///
/// 403 with the code `PasswordConfirmationNeeded`: this session has not proved the password for a while; `POST /auth/confirm` does that.
/// `SignInAgainNeeded`: the same for an account without a password.
#[utoipa::path(
    post, path = "/workspaces/{workspace_id}/tokens/{slot}/reveal", tag = "tokens",
    params(("workspace_id" = String, Path), ("slot" = Slot, Path)),
    responses((status = 200, body = RevealedToken), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn reveal(
    State(app): State<Arc<App>>,
    access: Manage<Editor>,
    Path(path): Path<(String, String)>,
) -> Result<impl IntoResponse, ApiError> {
    access.user.proved_lately(&app)?;
    let (_, slot) = path;
    let slot = Slot::BOTH.into_iter().find(|known| known.name() == slot);
    let slot = slot.ok_or_else(|| ApiError::NotFound("This slot (use current or next)".into()))?;
    let token = access.pair.token(slot);
    let secret = app.registry.reveal(token);
    let secret = secret.ok_or_else(|| ApiError::Internal(format!("token {} does not open with this key", token.id)))?;
    // First the record, then the value: a reveal that was not recorded must not happen.
    let transaction = app.db.write().await?;
    if !db::tokens::note_reveal(&*transaction, &token.id, app.now()).await? {
        return Err(ApiError::NotFound("This token (it was rotated out a moment ago)".into()));
    }
    let event = Event {
        action: "token.revealed",
        workspace_id: Some(access.workspace_id.as_str()),
        target: Some(&token.id),
        detail: json!({"slot": slot.name()}),
    };
    audit::append(&*transaction, &access.user.actor(), app.now(), event).await?;
    transaction.commit().await?;
    Ok((NO_STORE, Json(RevealedToken { id: token.id.clone(), value: secret.expose().to_owned() })))
}

/// Deactivate Token 1, promote Token 2, generate a new Token 2
///
/// When the answer is 200, the old Token 1 is dead on the API and on the broker, open connections included. 202: it is dead on
/// the API, and `cutOff` names the brokers that have not shown yet that they do not serve it; Twinkey goes on until they have.
/// 409: Token 1 is in use, `safeToRotate` says by whom, and nothing was changed; `force` rotates all the same. 503: the broker is
/// away, and nothing was changed. With an `Idempotency-Key` the same request has the same answer for 24 hours.
#[utoipa::path(
    post, path = "/workspaces/{workspace_id}/tokens/rotate", tag = "tokens",
    params(("workspace_id" = String, Path), ("Idempotency-Key" = Option<String>, Header, max_length = 255)), request_body = Rotate,
    responses((status = 200, body = Rotated), (status = 202, body = Rotated), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody))
)]
pub async fn rotate(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
    headers: HeaderMap,
    Body(body): Body<Rotate>,
) -> Result<(StatusCode, Json<Rotated>), ApiError> {
    let order = Order {
        workspace_id: access.workspace_id,
        expected_generation: body.expected_generation,
        kind: Kind::Normal,
        force: body.force,
        reason: body.reason,
        key: None,
    };
    run(app, access.user, &headers, order).await
}

/// Replace both tokens at once, because both may have leaked
///
/// Every client of the workspace stops until it gets a new token.
#[utoipa::path(
    post, path = "/workspaces/{workspace_id}/tokens/emergency-rotation", tag = "tokens",
    params(("workspace_id" = String, Path), ("Idempotency-Key" = Option<String>, Header, max_length = 255)), request_body = EmergencyRotation,
    responses((status = 200, body = Rotated), (status = 202, body = Rotated), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody))
)]
pub async fn emergency_rotation(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
    headers: HeaderMap,
    Body(body): Body<EmergencyRotation>,
) -> Result<(StatusCode, Json<Rotated>), ApiError> {
    let order = Order {
        workspace_id: access.workspace_id,
        expected_generation: body.expected_generation,
        kind: Kind::Emergency,
        force: true,
        reason: Some(body.reason),
        key: None,
    };
    run(app, access.user, &headers, order).await
}

/// Bring the deactivated Token 1 back as Token 2, after a rotation by mistake
///
/// Possible for `undoMinutes` (a setting of the workspace, off by default) after a normal rotation, and only while nobody was shown the
/// fresh Token 2, which dies by it. The former Token 1 is valid again, as Token 2, with a new principal on the broker: clients that
/// hold it fetch their settings anew when they are started. The generation goes up.
#[utoipa::path(
    post, path = "/workspaces/{workspace_id}/tokens/undo-rotation", tag = "tokens",
    params(("workspace_id" = String, Path), ("Idempotency-Key" = Option<String>, Header, max_length = 255)), request_body = UndoRotation,
    responses((status = 200, body = Rotated), (status = 202, body = Rotated), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody))
)]
pub async fn undo_rotation(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
    headers: HeaderMap,
    Body(body): Body<UndoRotation>,
) -> Result<(StatusCode, Json<Rotated>), ApiError> {
    let order = Order {
        workspace_id: access.workspace_id,
        expected_generation: body.expected_generation,
        kind: Kind::Undo,
        force: true,
        reason: body.reason,
        key: None,
    };
    run(app, access.user, &headers, order).await
}

/// What an emergency rotation would break
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/tokens/emergency-rotation", tag = "tokens",
    params(("workspace_id" = String, Path)),
    responses((status = 200, body = EmergencyPreview), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn preview_emergency_rotation(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
) -> Result<Json<EmergencyPreview>, ApiError> {
    let pair = report::with_last_use(&app, access.pair.describe()).await?;
    let connections = app.broker.connections();
    let tokens = [pair.current, pair.next].map(|token| {
        let open = connections.iter().filter(|connection| connection.principal == token.principal);
        let open = open.map(|connection| OpenConnection {
            address: connection.peer.to_string(),
            client_id: connection.client_id.clone(),
            software: connection.software_name.clone(),
            since: db::timestamp(connection.since.as_millisecond()),
        });
        EndingToken { open_connections: open.collect(), token }
    });
    Ok(Json(EmergencyPreview {
        workspace_id: access.workspace_id.to_string(),
        generation: access.pair.generation,
        tokens: tokens.into(),
        connections_known: app.broker.kafka().is_none(),
    }))
}

async fn run(
    app: Arc<App>,
    user: UserCaller,
    headers: &HeaderMap,
    mut order: Order,
) -> Result<(StatusCode, Json<Rotated>), ApiError> {
    if order.reason.as_ref().is_some_and(|reason| reason.len() > REASON_MAX) {
        return Err(ApiError::bad_request("InvalidReason", format!("The reason may have at most {REASON_MAX} bytes")));
    }
    order.key = Key::of(headers, &user.user.id, &order)?;
    let rotated = to_its_end(&app.clone(), async move { rotation::rotate(&app, &user.actor(), &order).await }).await?;
    let status = match rotated.cut_off.state {
        CutOffState::Proved => StatusCode::OK,
        CutOffState::Pending => StatusCode::ACCEPTED,
    };
    Ok((status, Json(rotated)))
}
