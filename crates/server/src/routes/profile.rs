//! The caller's own account, and personal access tokens.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::IntoResponse,
};
use jiff::Timestamp;
use serde_json::json;
use twinkey_api::{
    TokenKind,
    auth::{CreatedPat, NewPat, Organisation, Pat, User},
    error::ErrorBody,
    token::Secret,
};

use super::broker_settings::NO_STORE;
use crate::{
    app::App,
    audit::{self, Event},
    cli_credential::TOKEN_NAME,
    db,
    error::ApiError,
    extract::{Body, SignedIn},
};

/// The longest name of a personal access token, in bytes.
const NAME_MAX: usize = 100;

/// Who the caller is
#[utoipa::path(
    get, path = "/profile", tag = "people",
    responses((status = 200, body = User), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn get(SignedIn(caller): SignedIn) -> Json<User> {
    let role = caller.user.organisation_role();
    Json(User { user_id: caller.user.id, email: caller.user.email, role })
}

/// The organisation of this installation
#[utoipa::path(
    get, path = "/organisations/current", tag = "people",
    responses((status = 200, body = Organisation), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn organisation(State(app): State<Arc<App>>, _caller: SignedIn) -> Json<Organisation> {
    Json(Organisation { organisation_id: app.organisation.id.clone(), name: app.organisation.name.clone() })
}

/// The caller's personal access tokens, without their values
#[utoipa::path(
    get, path = "/profile/tokens", tag = "people",
    responses((status = 200, body = Vec<Pat>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn list_pats(State(app): State<Arc<App>>, SignedIn(caller): SignedIn) -> Result<Json<Vec<Pat>>, ApiError> {
    let rows = db::pats::list(&*app.db, &caller.user.id).await?;
    let describe = |row: db::pats::Model| Pat {
        id: row.id,
        name: row.name,
        created_at: db::timestamp(row.created_at),
        expires_at: row.expires_at.map(db::timestamp),
    };
    Ok(Json(rows.into_iter().map(describe).collect()))
}

/// Create a personal access token; its value is in this answer and nowhere else
#[utoipa::path(
    post, path = "/profile/tokens", tag = "people",
    request_body = NewPat,
    responses((status = 200, body = CreatedPat), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn create_pat(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Body(body): Body<NewPat>,
) -> Result<impl IntoResponse, ApiError> {
    let now = app.now();
    if body.name.trim().is_empty() || body.name.len() > NAME_MAX {
        let message = format!("The name must have 1 to {NAME_MAX} bytes; say what the token is for");
        return Err(ApiError::bad_request("InvalidName", message));
    }
    // Each start replaces all tokens of this name.
    if body.name == TOKEN_NAME {
        return Err(ApiError::bad_request(
            "InvalidName",
            format!("The name '{TOKEN_NAME}' is the server's own; choose another"),
        ));
    }
    if body.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(ApiError::bad_request("InvalidExpiry", "expiresAt is in the past"));
    }
    // Whoever holds a token that ends must not be able to turn it into one that does not.
    let limit = caller.expires_at.filter(|_| caller.kind == TokenKind::Pat);
    if let Some(limit) = limit.filter(|limit| body.expires_at.is_none_or(|expires_at| expires_at > *limit)) {
        let message =
            format!("A token made with a personal access token must not outlive it: set expiresAt to {limit} at most");
        return Err(ApiError::bad_request("InvalidExpiry", message));
    }
    let secret = app.random.with(|rng| Secret::generate(TokenKind::Pat, rng));
    let row = db::pats::Model {
        id: app.random.id(),
        user_id: caller.user.id.clone(),
        name: body.name,
        hash: app.keys.hash(&secret).to_vec(),
        created_at: now.as_millisecond(),
        expires_at: body.expires_at.map(Timestamp::as_millisecond),
        key_id: Some(app.keys.id().to_owned()),
    };
    let answer = CreatedPat {
        id: row.id.clone(),
        name: row.name.clone(),
        value: secret.expose().to_owned(),
        expires_at: row.expires_at.map(db::timestamp),
    };
    let transaction = app.db.write().await?;
    let event = Event { target: Some(&answer.id), detail: json!({"name": row.name}), ..Event::new("pat.created") };
    db::pats::insert(&*transaction, row).await?;
    audit::append(&*transaction, &caller.actor(), now, event).await?;
    transaction.commit().await?;
    Ok((NO_STORE, Json(answer)))
}

/// End a personal access token
#[utoipa::path(
    delete, path = "/profile/tokens/{id}", tag = "people",
    params(("id" = String, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn delete_pat(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let Path(id) = id.map_err(|rejection| ApiError::bad_request("InvalidPath", rejection.body_text()))?;
    let transaction = app.db.write().await?;
    if !db::pats::delete(&*transaction, &caller.user.id, &id).await? {
        return Err(ApiError::NotFound("This personal access token".into()));
    }
    let event = Event { target: Some(&id), ..Event::new("pat.ended") };
    audit::append(&*transaction, &caller.actor(), app.now(), event).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
