//! Accepting an invitation: with a new account, or with the one that the caller is signed in to.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, OptionalFromRequestParts, State},
    http::{StatusCode, header, request::Parts},
    response::IntoResponse,
};
use jiff::Timestamp;
use sea_orm::ConnectionTrait;
use serde_json::json;
use twinkey_api::{
    Role, TokenKind, WorkspaceId,
    auth::User,
    error::ErrorBody,
    people::{AcceptInvitation, AcceptedInvitation, InvitationContents, InvitationState, LookAtInvitation},
    token::Secret,
};

use super::broker_settings::NO_STORE;
use crate::{
    app::App,
    audit::{self, Actor, Event},
    db,
    error::ApiError,
    extract::{Body, OwnAccount, UserCaller},
    http::proxies::Address,
    password,
    people::{self, Scope},
    sign_in::cookie,
};

/// Nobody without a credential; somebody with one that is good.
impl OptionalFromRequestParts<Arc<App>> for OwnAccount {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Option<Self>, ApiError> {
        let anonymous = !parts.headers.contains_key(header::AUTHORIZATION) && cookie::session(parts, app)?.is_none();
        if anonymous {
            return Ok(None);
        }
        <Self as FromRequestParts<Arc<App>>>::from_request_parts(parts, app).await.map(Some)
    }
}

/// Look at an invitation: who is invited into what, and by whom
///
/// The link's secret is enough for it, as it is for a new account. It changes nothing.
#[utoipa::path(
    post, path = "/invitations/look", tag = "people", security(()),
    request_body = LookAtInvitation,
    responses((status = 200, body = InvitationContents), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 410, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn look(
    State(app): State<Arc<App>>,
    Body(body): Body<LookAtInvitation>,
) -> Result<impl IntoResponse, ApiError> {
    let row = find(&app, &*app.db, &parse(&body.secret)?).await?;
    let inviter = db::users::find(&*app.db, &row.invited_by).await?.ok_or_else(not_found)?;
    let account_exists = db::users::find_by_email(&*app.db, &row.email).await?.is_some();
    let contents = InvitationContents {
        role: row.role(),
        email: row.email,
        workspace_id: row.workspace_id,
        invited_by: inviter.email,
        expires_at: db::timestamp(row.expires_at),
        account_exists,
    };
    Ok((NO_STORE, Json(contents)))
}

/// Accept an invitation
///
/// Without a credential this makes an account, with a name and a password. Whoever has an account already signs in first and
/// accepts with its credential; its address must be the one that was invited.
#[utoipa::path(
    post, path = "/invitations/accept", tag = "people", security((), ("token" = [])),
    request_body = AcceptInvitation,
    responses((status = 200, body = AcceptedInvitation), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 410, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn accept(
    State(app): State<Arc<App>>,
    caller: Option<OwnAccount>,
    Address(address): Address,
    Body(body): Body<AcceptInvitation>,
) -> Result<Json<AcceptedInvitation>, ApiError> {
    let secret = parse(&body.secret)?;
    let user = match caller {
        Some(OwnAccount(caller)) => join(&app, &caller, &secret).await?,
        None => sign_up(&app, &secret, body.name, body.password, address).await?,
    };
    Ok(Json(user))
}

/// Refuses an invitation that was used, withdrawn or left lying.
pub fn must_be_open(row: &db::invitations::Model, now: Timestamp) -> Result<(), ApiError> {
    match row.state(now) {
        InvitationState::Open => Ok(()),
        InvitationState::Accepted => Err(ApiError::InvitationGone("has been accepted already and works only once")),
        InvitationState::Revoked => Err(ApiError::InvitationGone("was withdrawn or replaced by a newer one")),
        InvitationState::Expired => Err(ApiError::InvitationGone("has expired")),
    }
}

fn not_found() -> ApiError {
    ApiError::NotFound("This invitation".into())
}

/// The secret of a link; anything else belongs to no invitation.
fn parse(text: &str) -> Result<Secret, ApiError> {
    let secret = Secret::parse(text.trim()).ok().filter(|secret| secret.kind() == TokenKind::Invitation);
    secret.ok_or_else(not_found)
}

/// The invitation behind a link, if it can be accepted now.
async fn find(app: &App, db: &impl ConnectionTrait, secret: &Secret) -> Result<db::invitations::Model, ApiError> {
    let row = db::invitations::find_by_secret(db, secret).await?.ok_or_else(not_found)?;
    must_count(app, db, &row).await?;
    Ok(row)
}

/// The invitations that somebody with this verified address can accept now.
pub async fn open_for(
    app: &App,
    db: &impl ConnectionTrait,
    email: &str,
) -> Result<Vec<db::invitations::Model>, ApiError> {
    let mut open = Vec::new();
    for row in db::invitations::list_for(db, email).await? {
        match must_count(app, db, &row).await {
            Ok(()) => open.push(row),
            Err(ApiError::InvitationGone(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(open)
}

/// Refuses an invitation that cannot be accepted any longer.
async fn must_count(app: &App, db: &impl ConnectionTrait, row: &db::invitations::Model) -> Result<(), ApiError> {
    must_be_open(row, app.now())?;
    // What the inviter may not give any longer, his invitation does not give either.
    let workspace_id = workspace(row)?;
    let scope = workspace_id.as_ref().map_or(Scope::Organisation, Scope::Workspace);
    let void = || ApiError::InvitationGone("does not count any longer, because of who sent it");
    let inviter = db::users::find(db, &row.invited_by).await?.ok_or_else(void)?;
    let own = people::role_of(db, &inviter, scope).await?;
    people::require(own, &[row.role()]).map_err(|_| void())?;
    if workspace_id.is_some() {
        return Ok(());
    }
    match people::require_everywhere(db, &inviter, row.role()).await {
        Err(ApiError::Invalid { .. }) => Err(void()),
        outcome => outcome,
    }
}

fn workspace(row: &db::invitations::Model) -> Result<Option<WorkspaceId>, ApiError> {
    let id = row.workspace_id.as_deref().map(WorkspaceId::parse).transpose();
    id.map_err(|error| ApiError::Internal(error.to_string()))
}

async fn sign_up(
    app: &App,
    secret: &Secret,
    name: Option<String>,
    password: Option<String>,
    address: String,
) -> Result<AcceptedInvitation, ApiError> {
    // Before the password is hashed, so that only who was invited can cause that work.
    let row = find(app, &*app.db, secret).await?;
    let exists = || ApiError::Invalid {
        code: "AccountExists",
        status: StatusCode::CONFLICT,
        message: format!("{} has an account already: sign in to it, and accept the invitation then", row.email),
    };
    if db::users::find_by_email(&*app.db, &row.email).await?.is_some() {
        return Err(exists());
    }
    let name = name.as_deref().map(people::name).transpose()?;
    let password = password.ok_or_else(|| {
        ApiError::bad_request("PasswordMissing", "A new account needs a password of at least 8 characters")
    })?;
    password::check_new(&password).map_err(|why| ApiError::bad_request("InvalidPassword", why))?;
    let hash = app.passwords.hash(password.into(), &app.random).await;

    let transaction = app.db.write().await?;
    let row = find(app, &*transaction, secret).await?;
    if db::users::find_by_email(&*transaction, &row.email).await?.is_some() {
        return Err(exists());
    }
    let (id, organisation) = (app.random.id(), &app.organisation.id);
    db::users::insert(&*transaction, &id, organisation, &row.email, hash, Role::None, app.now()).await?;
    if let Some(name) = name {
        db::users::set_name(&*transaction, &id, name).await?;
    }
    let actor = Actor { name: row.email.clone(), credential: format!("invitation:{}", row.id), address };
    take(app, &*transaction, &row, &id, &actor, true).await?;
    transaction.commit().await?;
    answer(app, row, &id).await
}

async fn join(app: &App, caller: &UserCaller, secret: &Secret) -> Result<AcceptedInvitation, ApiError> {
    let transaction = app.db.write().await?;
    let row = find(app, &*transaction, secret).await?;
    let user = db::users::find(&*transaction, &caller.user.id).await?.ok_or(ApiError::Unauthenticated)?;
    if user.email != row.email {
        return Err(ApiError::Invalid {
            code: "OtherAddress",
            status: StatusCode::FORBIDDEN,
            message: format!("This invitation is for another address than yours, which is {}", user.email),
        });
    }
    let workspace_id = workspace(&row)?;
    let scope = workspace_id.as_ref().map_or(Scope::Organisation, Scope::Workspace);
    let before = people::role_of(&*transaction, &user, scope).await?;
    people::keep_an_admin(&*transaction, &user, scope, (before, row.role())).await?;
    take(app, &*transaction, &row, &user.id, &caller.actor(), false).await?;
    transaction.commit().await?;
    answer(app, row, &user.id).await
}

/// Gives the account what the invitation says.
pub async fn take(
    app: &App,
    transaction: &impl ConnectionTrait,
    row: &db::invitations::Model,
    user_id: &str,
    actor: &Actor,
    new_account: bool,
) -> Result<(), ApiError> {
    let now = app.now();
    match &row.workspace_id {
        Some(workspace_id) => db::users::set_membership(transaction, user_id, workspace_id, row.role()).await?,
        None => db::users::set_role(transaction, user_id, row.role()).await?,
    }
    db::invitations::set_accepted(transaction, &row.id, now).await?;
    let event = Event {
        workspace_id: row.workspace_id.as_deref(),
        target: Some(user_id),
        detail: json!({"invitation": row.id, "email": row.email, "role": row.role(), "newAccount": new_account}),
        ..Event::new("invitation.accepted")
    };
    Ok(audit::append(transaction, actor, now, event).await?)
}

async fn answer(app: &App, row: db::invitations::Model, user_id: &str) -> Result<AcceptedInvitation, ApiError> {
    let user = db::users::find(&*app.db, user_id).await?.ok_or(ApiError::Unauthenticated)?;
    let role = user.organisation_role();
    let user = User { user_id: user.id, email: user.email, name: user.name, role };
    Ok(AcceptedInvitation { user, role: row.role(), workspace_id: row.workspace_id })
}
