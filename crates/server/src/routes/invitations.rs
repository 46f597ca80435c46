//! Invitations into the organisation or into one workspace.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use jiff::SignedDuration;
use serde_json::json;
use twinkey_api::{
    Role, TokenKind, WorkspaceId,
    error::ErrorBody,
    people::{CreatedInvitation, Invitation, NewInvitation, PageQuery},
    token::Secret,
};

use super::{broker_settings::NO_STORE, page_size, unknown_cursor};
use crate::{
    app::App,
    audit::{self, Event},
    db,
    error::ApiError,
    extract::{Body, InOrganisation, Manage, Params, Queried, UserCaller, workspace::Manager},
    people::{self, Scope},
};

/// For how many days a link works unless it is said.
const DAYS: u8 = 7;
const DAYS_MAX: u8 = 30;

/// Invite somebody into the organisation; the answer has the link
#[utoipa::path(
    post, path = "/organisations/current/invitations", tag = "people", request_body = NewInvitation,
    responses((status = 200, body = CreatedInvitation), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn create(
    State(app): State<Arc<App>>,
    access: InOrganisation<Manager>,
    Body(body): Body<NewInvitation>,
) -> Result<impl IntoResponse, ApiError> {
    invite(&app, &access.user, None, body).await
}

/// Invite somebody into one workspace; the answer has the link
#[utoipa::path(
    post, path = "/workspaces/{workspace_id}/invitations", tag = "people",
    params(("workspace_id" = String, Path)), request_body = NewInvitation,
    responses((status = 200, body = CreatedInvitation), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn create_in_workspace(
    State(app): State<Arc<App>>,
    access: Manage<Manager>,
    Body(body): Body<NewInvitation>,
) -> Result<impl IntoResponse, ApiError> {
    invite(&app, &access.user, Some(&access.workspace_id), body).await
}

/// Invitations into the organisation, the newest first
#[utoipa::path(
    get, path = "/organisations/current/invitations", tag = "people",
    params(PageQuery),
    responses((status = 200, body = Vec<Invitation>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    _access: InOrganisation<Manager>,
    Queried(query): Queried<PageQuery>,
) -> Result<Json<Vec<Invitation>>, ApiError> {
    list_within(&app, None, query).await.map(Json)
}

/// Invitations into one workspace, the newest first
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/invitations", tag = "people",
    params(("workspace_id" = String, Path), PageQuery),
    responses((status = 200, body = Vec<Invitation>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn list_in_workspace(
    State(app): State<Arc<App>>,
    access: Manage<Manager>,
    Queried(query): Queried<PageQuery>,
) -> Result<Json<Vec<Invitation>>, ApiError> {
    list_within(&app, Some(&access.workspace_id), query).await.map(Json)
}

/// Withdraw an invitation into the organisation
#[utoipa::path(
    delete, path = "/organisations/current/invitations/{id}", tag = "people",
    params(("id" = String, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 410, body = ErrorBody))
)]
pub async fn revoke(
    State(app): State<Arc<App>>,
    access: InOrganisation<Manager>,
    Params(id): Params<String>,
) -> Result<StatusCode, ApiError> {
    withdraw(&app, &access.user, None, &id).await
}

/// Withdraw an invitation into one workspace
#[utoipa::path(
    delete, path = "/workspaces/{workspace_id}/invitations/{id}", tag = "people",
    params(("workspace_id" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 410, body = ErrorBody))
)]
pub async fn revoke_in_workspace(
    State(app): State<Arc<App>>,
    access: Manage<Manager>,
    Params(path): Params<(String, String)>,
) -> Result<StatusCode, ApiError> {
    withdraw(&app, &access.user, Some(&access.workspace_id), &path.1).await
}

async fn invite(
    app: &App,
    caller: &UserCaller,
    workspace_id: Option<&WorkspaceId>,
    body: NewInvitation,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let email = people::email(&body.email)?;
    let days = body.expires_in_days.unwrap_or(DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(ApiError::bad_request("InvalidExpiry", format!("expiresInDays must be 1 to {DAYS_MAX}")));
    }
    if body.role == Role::None {
        return Err(ApiError::bad_request(
            "InvalidRole",
            "An invitation must give a role: Viewer, Editor, Manager or Admin",
        ));
    }
    let scope = workspace_id.map_or(Scope::Organisation, Scope::Workspace);
    let (now, secret) = (app.now(), app.random.with(|rng| Secret::generate(TokenKind::Invitation, rng)));
    let row = db::invitations::Model {
        id: app.random.id(),
        organisation_id: app.organisation.id.clone(),
        workspace_id: workspace_id.map(ToString::to_string),
        email,
        role: body.role.name().to_owned(),
        hash: db::invitations::hash(&secret),
        invited_by: caller.user.id.clone(),
        created_at: now.as_millisecond(),
        expires_at: (now + SignedDuration::from_hours(24 * i64::from(days))).as_millisecond(),
        accepted_at: None,
        revoked_at: None,
    };
    let transaction = app.db.write().await?;
    let (giver, own) = people::authority(&*transaction, caller, scope).await?;
    people::require(own, &[body.role])?;
    if workspace_id.is_none() {
        people::require_everywhere(&*transaction, &giver, body.role).await?;
    }
    db::invitations::insert(&*transaction, row.clone()).await?;
    let event = Event {
        workspace_id: row.workspace_id.as_deref(),
        target: Some(&row.id),
        detail: json!({"email": row.email, "role": body.role}),
        ..Event::new("invitation.created")
    };
    audit::append(&*transaction, &caller.actor(), now, event).await?;
    transaction.commit().await?;

    let link = format!("{}/portal/invitation#{}", app.public_url, secret.expose());
    let emailed = match &app.mail {
        Some(mail) => Some(mail.send(&row.email, "An invitation to Twinkey", text(app, &giver, &row, &link)).await),
        None => None,
    };
    let invitation = describe(row, Some(giver.email), now);
    Ok((NO_STORE, Json(CreatedInvitation { invitation, link, emailed })))
}

/// The e-mail. Nothing in it is a name that the inviter could have written a text of his own into.
fn text(app: &App, giver: &db::users::Model, row: &db::invitations::Model, link: &str) -> String {
    let place = row.workspace_id.as_ref().map_or("the organisation".to_owned(), |id| format!("the workspace {id}"));
    format!(
        "{} invites you to {place} on {} with the role {}.\n\nOpen this link to accept; it works once, until {}:\n\n{link}\n\n\
         Without a browser: twinkey invitations accept {}\n\nIf you do not know who this is, ignore this message.\n",
        giver.email,
        app.public_url,
        row.role,
        db::timestamp(row.expires_at),
        app.public_url,
    )
}

async fn list_within(
    app: &App,
    workspace_id: Option<&WorkspaceId>,
    query: PageQuery,
) -> Result<Vec<Invitation>, ApiError> {
    let (limit, scope) = (page_size(query.limit)?, (&*app.organisation.id, workspace_id.map(WorkspaceId::as_str)));
    let rows = db::invitations::list(&*app.db, scope, query.before.as_deref(), limit).await?;
    let mut invitations = Vec::new();
    for row in rows.ok_or_else(unknown_cursor)? {
        let inviter = db::users::find(&*app.db, &row.invited_by).await?;
        invitations.push(describe(row, inviter.map(|user| user.email), app.now()));
    }
    Ok(invitations)
}

async fn withdraw(
    app: &App,
    caller: &UserCaller,
    workspace_id: Option<&WorkspaceId>,
    id: &str,
) -> Result<StatusCode, ApiError> {
    let now = app.now();
    let transaction = app.db.write().await?;
    let scope = workspace_id.map_or(Scope::Organisation, Scope::Workspace);
    let (_, own) = people::authority(&*transaction, caller, scope).await?;
    people::require(own, &[])?;
    let within = (&*app.organisation.id, workspace_id.map(WorkspaceId::as_str));
    let row = db::invitations::find_in(&*transaction, within, id).await?;
    let row = row.ok_or_else(|| ApiError::NotFound("This invitation".into()))?;
    people::require(own, &[row.role()])?;
    super::accept::must_be_open(&row, now)?;
    db::invitations::revoke(&*transaction, id, now).await?;
    let event = Event {
        workspace_id: row.workspace_id.as_deref(),
        target: Some(id),
        detail: json!({"email": row.email, "role": row.role()}),
        ..Event::new("invitation.revoked")
    };
    audit::append(&*transaction, &caller.actor(), now, event).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn describe(row: db::invitations::Model, invited_by: Option<String>, now: jiff::Timestamp) -> Invitation {
    Invitation {
        role: row.role(),
        state: row.state(now),
        id: row.id,
        email: row.email,
        workspace_id: row.workspace_id,
        invited_by,
        created_at: db::timestamp(row.created_at),
        expires_at: db::timestamp(row.expires_at),
    }
}
