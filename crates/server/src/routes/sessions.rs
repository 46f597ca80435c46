//! The caller's sign-in sessions, and the password that begins them.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde_json::json;
use twinkey_api::{
    TokenKind,
    error::ErrorBody,
    people::{ChangePassword, PageQuery, Session},
};

use super::{page_size, unknown_cursor};
use crate::{
    app::App,
    audit::{self, Event},
    db,
    error::ApiError,
    extract::{Body, OwnAccount, Params, Queried},
    password,
    sign_in::{self, Origin},
};

/// The caller's sessions, the newest first
#[utoipa::path(
    get, path = "/profile/sessions", tag = "people",
    params(PageQuery),
    responses((status = 200, body = Vec<Session>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    OwnAccount(caller): OwnAccount,
    Queried(query): Queried<PageQuery>,
) -> Result<Json<Vec<Session>>, ApiError> {
    let (limit, before) = (page_size(query.limit)?, query.before.as_deref());
    let rows = db::sessions::list(&*app.db, &caller.user.id, app.now(), before, limit).await?;
    let describe = |row: db::sessions::Model| Session {
        current: caller.kind == TokenKind::Session && row.id == caller.credential_id,
        last_used_at: app.last_uses.newest(TokenKind::Session, &row.id, row.last_used_at),
        id: row.id,
        created_at: db::timestamp(row.created_at),
        expires_at: db::timestamp(row.expires_at),
        address: row.address,
        user_agent: row.user_agent,
    };
    Ok(Json(rows.ok_or_else(unknown_cursor)?.into_iter().map(describe).collect()))
}

/// End one of the caller's sessions
#[utoipa::path(
    delete, path = "/profile/sessions/{id}", tag = "people",
    params(("id" = String, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn end(
    State(app): State<Arc<App>>,
    OwnAccount(caller): OwnAccount,
    Params(id): Params<String>,
) -> Result<StatusCode, ApiError> {
    let transaction = app.db.write().await?;
    if !db::sessions::delete_own(&*transaction, &caller.user.id, &id).await? {
        return Err(ApiError::NotFound("This session".into()));
    }
    let event = Event { target: Some(&id), ..Event::new("session.ended") };
    audit::append(&*transaction, &caller.actor(), app.now(), event).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change the password; ends every session but the one of this request
///
/// Personal access tokens stay. An account without a password, which signs in by another way, keeps none.
#[utoipa::path(
    post, path = "/profile/password", tag = "people", request_body = ChangePassword,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody))
)]
pub async fn change_password(
    State(app): State<Arc<App>>,
    OwnAccount(caller): OwnAccount,
    from: Origin,
    Body(body): Body<ChangePassword>,
) -> Result<StatusCode, ApiError> {
    password::check_new(&body.new_password).map_err(|why| ApiError::bad_request("InvalidPassword", why))?;
    let wrong = || ApiError::bad_request("WrongPassword", "The current password is wrong");
    let user = sign_in::check_own_password(&app, &from, &caller.user, body.current_password.into(), wrong).await?;
    let hash = app.passwords.hash(body.new_password.into(), &app.random).await;
    let transaction = app.db.write().await?;
    db::users::find_unchanged(&*transaction, &user).await?.ok_or_else(wrong)?;
    db::users::set_password_hash(&*transaction, &user.id, &hash).await?;
    let but = (caller.kind == TokenKind::Session).then_some(&*caller.credential_id);
    if let Some(session) = but {
        // The old password was a proof.
        db::sessions::confirm(&*transaction, session, app.now()).await?;
    }
    let ended = db::sessions::delete_of(&*transaction, &user.id, but).await?;
    let event =
        Event { target: Some(&user.id), detail: json!({"endedSessions": ended}), ..Event::new("password.changed") };
    audit::append(&*transaction, &caller.actor(), app.now(), event).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
