//! The caller's own account, and personal access tokens.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use jiff::Timestamp;
use serde_json::json;
use twinkey_api::{
    Role, TokenKind, WorkspaceId,
    auth::{CreatedPat, NewPat, Organisation, Pat, User},
    error::ErrorBody,
    people::PageQuery,
    token::Secret,
};

use super::{broker_settings::NO_STORE, page_size, unknown_cursor};
use crate::{
    app::App,
    audit::{self, Event},
    cli_credential::TOKEN_NAME,
    db,
    error::ApiError,
    extract::{Body, OwnAccount, Params, Queried, SignedIn, UserCaller},
};

/// The longest name of a personal access token, in bytes.
const NAME_MAX: usize = 100;

/// Who the caller is
#[utoipa::path(
    get, path = "/profile", tag = "people",
    responses((status = 200, body = User), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn get(SignedIn(caller): SignedIn) -> Json<User> {
    let role = caller.organisation_role();
    Json(User { user_id: caller.user.id, email: caller.user.email, name: caller.user.name, role })
}

/// The organisation of this installation
#[utoipa::path(
    get, path = "/organisations/current", tag = "people",
    responses((status = 200, body = Organisation), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn organisation(State(app): State<Arc<App>>, _caller: SignedIn) -> Json<Organisation> {
    Json(Organisation { organisation_id: app.organisation.id.clone(), name: app.organisation.name.clone() })
}

/// The caller's personal access tokens, without their values, the newest first
#[utoipa::path(
    get, path = "/profile/tokens", tag = "people",
    params(PageQuery),
    responses((status = 200, body = Vec<Pat>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn list_pats(
    State(app): State<Arc<App>>,
    OwnAccount(caller): OwnAccount,
    Queried(query): Queried<PageQuery>,
) -> Result<Json<Vec<Pat>>, ApiError> {
    let (limit, before) = (page_size(query.limit)?, query.before.as_deref());
    let rows = db::pats::list(&*app.db, &caller.user.id, before, limit).await?;
    let describe = |row: db::pats::Model| Pat {
        last_used_at: app.last_uses.newest(TokenKind::Pat, &row.id, row.last_used_at),
        id: row.id,
        name: row.name,
        created_at: db::timestamp(row.created_at),
        expires_at: row.expires_at.map(db::timestamp),
        workspace_id: row.workspace_id,
        role: row.role.as_deref().map(Role::from_stored),
    };
    Ok(Json(rows.ok_or_else(unknown_cursor)?.into_iter().map(describe).collect()))
}

/// Create a personal access token; its value is in this answer and nowhere else
///
/// 403 with the code `PasswordConfirmationNeeded` or `SignInAgainNeeded`: as for revealing a token.
#[utoipa::path(
    post, path = "/profile/tokens", tag = "people",
    request_body = NewPat,
    responses((status = 200, body = CreatedPat), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn create_pat(
    State(app): State<Arc<App>>,
    OwnAccount(caller): OwnAccount,
    Body(body): Body<NewPat>,
) -> Result<impl IntoResponse, ApiError> {
    caller.proved_lately(&app)?;
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
    if body.role == Some(Role::None) {
        return Err(ApiError::bad_request("InvalidRole", "A token that is limited to the role None could do nothing"));
    }
    if let Some(id) = &body.workspace_id {
        must_see(&app, &caller, id).await?;
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
        workspace_id: body.workspace_id,
        role: body.role.map(|role| role.name().to_owned()),
        last_used_at: None,
    };
    let answer = CreatedPat {
        id: row.id.clone(),
        name: row.name.clone(),
        value: secret.expose().to_owned(),
        expires_at: row.expires_at.map(db::timestamp),
        workspace_id: row.workspace_id.clone(),
        role: body.role,
    };
    let detail =
        json!({"name": row.name, "expiresAt": answer.expires_at, "limitedTo": row.workspace_id, "role": row.role});
    let transaction = app.db.write().await?;
    // Meanwhile the account may be gone.
    db::users::find(&*transaction, &caller.user.id).await?.ok_or(ApiError::Unauthenticated)?;
    let event = Event { target: Some(&answer.id), detail, ..Event::new("pat.created") };
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
    OwnAccount(caller): OwnAccount,
    Params(id): Params<String>,
) -> Result<StatusCode, ApiError> {
    let transaction = app.db.write().await?;
    if !db::pats::delete(&*transaction, &caller.user.id, &id).await? {
        return Err(ApiError::NotFound("This personal access token".into()));
    }
    let event = Event { target: Some(&id), ..Event::new("pat.ended") };
    audit::append(&*transaction, &caller.actor(), app.now(), event).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A workspace that a token is limited to must be one that its user can see.
async fn must_see(app: &App, caller: &UserCaller, id: &str) -> Result<(), ApiError> {
    let not_found = || ApiError::NotFound(format!("Workspace '{id}'"));
    let id = WorkspaceId::parse(id).map_err(|_| not_found())?;
    let exists = db::workspaces::find(&*app.db, id.as_str()).await?.is_some();
    let visible = exists && caller.role_in(&*app.db, &id).await? >= Role::Viewer;
    if visible { Ok(()) } else { Err(not_found()) }
}
