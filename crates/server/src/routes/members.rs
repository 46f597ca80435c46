//! Members of the organisation.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde_json::json;
use twinkey_api::{
    Role,
    error::ErrorBody,
    people::{ChangeRole, Member, MemberQuery, WorkspaceRole},
};

use super::page_size;
use crate::{
    app::App,
    audit::{self, Event},
    db,
    error::ApiError,
    extract::{Body, InOrganisation, Params, Queried, workspace::Manager},
    people::{self, Scope},
};

/// The members of the organisation, sorted by e-mail address
#[utoipa::path(
    get, path = "/organisations/current/members", tag = "people",
    params(MemberQuery),
    responses((status = 200, body = Vec<Member>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    _access: InOrganisation<Manager>,
    Queried(query): Queried<MemberQuery>,
) -> Result<Json<Vec<Member>>, ApiError> {
    let after = query.after.unwrap_or_default().to_lowercase();
    let users = db::users::list(&*app.db, &app.organisation.id, &after, page_size(query.limit)?).await?;
    let mut members = Vec::new();
    for user in users {
        members.push(describe(&app, user).await?);
    }
    Ok(Json(members))
}

/// One member
#[utoipa::path(
    get, path = "/organisations/current/members/{user_id}", tag = "people",
    params(("user_id" = String, Path)),
    responses((status = 200, body = Member), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn get(
    State(app): State<Arc<App>>,
    _access: InOrganisation<Manager>,
    Params(id): Params<String>,
) -> Result<Json<Member>, ApiError> {
    let user = find(&app, &*app.db, &id).await?;
    Ok(Json(describe(&app, user).await?))
}

/// Give a member another role in the organisation, not above one's own
#[utoipa::path(
    patch, path = "/organisations/current/members/{user_id}", tag = "people",
    params(("user_id" = String, Path)), request_body = ChangeRole,
    responses((status = 200, body = Member), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn change(
    State(app): State<Arc<App>>,
    access: InOrganisation<Manager>,
    Params(id): Params<String>,
    Body(body): Body<ChangeRole>,
) -> Result<Json<Member>, ApiError> {
    let (caller, transaction) = (access.user, app.db.write().await?);
    let (giver, own) = people::authority(&*transaction, &caller, Scope::Organisation).await?;
    people::require(own, &[])?;
    let user = find(&app, &*transaction, &id).await?;
    let (before, after) = (user.organisation_role(), body.role);
    people::require(own, &[before, after])?;
    if after > before {
        people::require_everywhere(&*transaction, &giver, after).await?;
    }
    people::keep_an_admin(&*transaction, &user, Scope::Organisation, (before, after)).await?;
    if before != after {
        db::users::set_role(&*transaction, &id, after).await?;
        let detail = json!({"email": user.email, "before": before, "after": after});
        let event = Event { target: Some(&id), detail, ..Event::new("member.role_changed") };
        audit::append(&*transaction, &caller.actor(), app.now(), event).await?;
    }
    transaction.commit().await?;
    Ok(Json(describe(&app, find(&app, &*app.db, &id).await?).await?))
}

/// Remove a member: the account, its roles, its sessions and personal access tokens
#[utoipa::path(
    delete, path = "/organisations/current/members/{user_id}", tag = "people",
    params(("user_id" = String, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    access: InOrganisation<Manager>,
    Params(id): Params<String>,
) -> Result<StatusCode, ApiError> {
    let (caller, transaction) = (access.user, app.db.write().await?);
    let (_, own) = people::authority(&*transaction, &caller, Scope::Organisation).await?;
    people::require(own, &[])?;
    let user = find(&app, &*transaction, &id).await?;
    let role = user.organisation_role();
    people::require(own, &[role])?;
    people::keep_an_admin(&*transaction, &user, Scope::Organisation, (role, Role::None)).await?;
    let narrower = db::users::memberships_of(&*transaction, &id).await?;
    for (workspace_id, role) in &narrower {
        let Ok(workspace_id) = twinkey_api::WorkspaceId::parse(workspace_id) else { continue };
        let scope = Scope::Workspace(&workspace_id);
        if *role > Role::Manager {
            // He would lose there what the caller could not take.
            let (_, own) = people::authority(&*transaction, &caller, scope).await?;
            people::require(own, &[*role])?;
        }
        people::keep_an_admin(&*transaction, &user, scope, (*role, Role::None)).await?;
    }
    db::users::delete(&*transaction, &id).await?;
    let workspaces: Vec<_> = narrower.iter().map(|(id, role)| json!({"workspaceId": id, "role": role})).collect();
    let detail = json!({"email": user.email, "role": role, "workspaces": workspaces});
    let event = Event { target: Some(&id), detail, ..Event::new("member.removed") };
    audit::append(&*transaction, &caller.actor(), app.now(), event).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(app: &App, db: &impl sea_orm::ConnectionTrait, id: &str) -> Result<db::users::Model, ApiError> {
    let user = db::users::find(db, id).await?.filter(|user| user.organisation_id == app.organisation.id);
    user.ok_or_else(|| ApiError::NotFound("This member".into()))
}

async fn describe(app: &App, user: db::users::Model) -> Result<Member, ApiError> {
    let narrower = db::users::memberships_of(&*app.db, &user.id).await?;
    Ok(Member {
        role: user.organisation_role(),
        user_id: user.id,
        email: user.email,
        name: user.name,
        created_at: db::timestamp(user.created_at),
        workspaces: narrower.into_iter().map(|(workspace_id, role)| WorkspaceRole { workspace_id, role }).collect(),
    })
}
