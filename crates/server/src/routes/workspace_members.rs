//! Members of one workspace: who has access to it, and the roles that were given there.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use sea_orm::ConnectionTrait;
use serde_json::json;
use twinkey_api::{
    Role, WorkspaceId,
    error::ErrorBody,
    people::{ChangeRole, MemberQuery, WorkspaceMember},
};

use super::page_size;
use crate::{
    app::App,
    audit::{self, Event},
    db,
    error::ApiError,
    extract::{Body, Manage, Params, Queried, UserCaller, workspace::Manager},
    people::{self, Scope},
};

/// Who has access to a workspace, or a role there, sorted by e-mail address
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/members", tag = "people",
    params(("workspace_id" = String, Path), MemberQuery),
    responses((status = 200, body = Vec<WorkspaceMember>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    access: Manage<Manager>,
    Queried(query): Queried<MemberQuery>,
) -> Result<Json<Vec<WorkspaceMember>>, ApiError> {
    let (limit, after) = (page_size(query.limit)?, query.after.unwrap_or_default().to_lowercase());
    let rows = db::users::list_in(&*app.db, &app.organisation.id, &access.workspace_id, &after, limit).await?;
    Ok(Json(rows.into_iter().map(|(user, narrower)| describe(user, narrower)).collect()))
}

/// Give a member a role in this workspace, not above one's own; it wins over the role in the organisation
#[utoipa::path(
    put, path = "/workspaces/{workspace_id}/members/{user_id}", tag = "people",
    params(("workspace_id" = String, Path), ("user_id" = String, Path)), request_body = ChangeRole,
    responses((status = 200, body = WorkspaceMember), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn set(
    State(app): State<Arc<App>>,
    access: Manage<Manager>,
    Params(path): Params<(String, String)>,
    Body(body): Body<ChangeRole>,
) -> Result<Json<WorkspaceMember>, ApiError> {
    change(&app, &access.user, &access.workspace_id, &path.1, Some(body.role)).await.map(Json)
}

/// Take a member the role that was given in this workspace; the role in the organisation counts again
#[utoipa::path(
    delete, path = "/workspaces/{workspace_id}/members/{user_id}", tag = "people",
    params(("workspace_id" = String, Path), ("user_id" = String, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    access: Manage<Manager>,
    Params(path): Params<(String, String)>,
) -> Result<StatusCode, ApiError> {
    change(&app, &access.user, &access.workspace_id, &path.1, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the role `new` in a workspace, or takes the one that was given there.
async fn change(
    app: &App,
    caller: &UserCaller,
    workspace_id: &WorkspaceId,
    id: &str,
    new: Option<Role>,
) -> Result<WorkspaceMember, ApiError> {
    let not_found = || ApiError::NotFound(format!("A member with this id in workspace '{workspace_id}'"));
    let scope = Scope::Workspace(workspace_id);
    let transaction = app.db.write().await?;
    let (_, own) = people::authority(&*transaction, caller, scope).await?;
    people::require(own, &[])?;
    let user = db::users::find(&*transaction, id).await?.filter(|user| user.organisation_id == app.organisation.id);
    let user = user.ok_or_else(not_found)?;
    let old = db::users::narrower_role(&*transaction, id, workspace_id.as_str()).await?;
    let inherited = user.organisation_role();
    let outside = old.is_none() && inherited == Role::None;
    if (outside && !may_see_all(&*transaction, caller).await?) || (old.is_none() && new.is_none()) {
        return Err(not_found());
    }
    let (before, after) = (Role::effective(inherited, old), Role::effective(inherited, new));
    people::require(own, &[before, after])?;
    if after < before && inherited == Role::Admin {
        // Else an Admin of one workspace could shut all those of the organisation out of it, who could then not even remove him.
        let (_, everywhere) = people::authority(&*transaction, caller, Scope::Organisation).await?;
        people::require(everywhere, &[Role::Admin])?;
    }
    people::keep_an_admin(&*transaction, &user, scope, (before, after)).await?;
    if old != new {
        match new {
            Some(role) => db::users::set_membership(&*transaction, id, workspace_id.as_str(), role).await?,
            None => db::users::delete_membership(&*transaction, id, workspace_id.as_str()).await?,
        }
        let event = Event {
            workspace_id: Some(workspace_id.as_str()),
            target: Some(id),
            detail: json!({"email": user.email, "before": old, "after": new, "inOrganisation": inherited}),
            ..Event::new("member.role_changed")
        };
        audit::append(&*transaction, &caller.actor(), app.now(), event).await?;
    }
    transaction.commit().await?;
    Ok(describe(user, new))
}

/// Whoever manages only this workspace must not learn who else is in the organisation.
async fn may_see_all(db: &impl ConnectionTrait, caller: &UserCaller) -> Result<bool, ApiError> {
    let (_, role) = people::authority(db, caller, Scope::Organisation).await?;
    Ok(role >= Role::Manager)
}

fn describe(user: db::users::Model, narrower: Option<Role>) -> WorkspaceMember {
    let organisation_role = user.organisation_role();
    WorkspaceMember {
        user_id: user.id,
        email: user.email,
        name: user.name,
        role: Role::effective(organisation_role, narrower),
        organisation_role,
        workspace_role: narrower,
    }
}
