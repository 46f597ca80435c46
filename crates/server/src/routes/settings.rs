//! Settings of a workspace.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde_json::json;
use twinkey_api::{
    error::ErrorBody,
    settings::{ChangeWorkspaceSettings, SAFE_TO_ROTATE_MINUTES, SAFE_TO_ROTATE_MINUTES_MAX, WorkspaceSettings},
};

use super::to_its_end;
use crate::{
    app::App,
    audit::{self, Event},
    db,
    error::ApiError,
    extract::{
        Body, Manage,
        workspace::{Admin, Viewer},
    },
};

/// The settings of a workspace
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/settings", tag = "workspaces",
    params(("workspace_id" = String, Path)),
    responses((status = 200, body = WorkspaceSettings), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn get(State(app): State<Arc<App>>, access: Manage<Viewer>) -> Result<Json<WorkspaceSettings>, ApiError> {
    let row = db::workspaces::find_ready(&*app.db, &access.workspace_id).await?;
    let row = row.ok_or_else(|| ApiError::NotFound(format!("Workspace '{}'", access.workspace_id)))?;
    Ok(Json(describe(&row)))
}

/// Change settings of a workspace; what is not named stays
#[utoipa::path(
    patch, path = "/workspaces/{workspace_id}/settings", tag = "workspaces",
    params(("workspace_id" = String, Path)), request_body = ChangeWorkspaceSettings,
    responses((status = 200, body = WorkspaceSettings), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn change(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
    Body(body): Body<ChangeWorkspaceSettings>,
) -> Result<Json<WorkspaceSettings>, ApiError> {
    if let Some(Some(minutes)) = body.safe_to_rotate_minutes
        && !(1..=SAFE_TO_ROTATE_MINUTES_MAX).contains(&minutes)
    {
        let message = format!("safeToRotateMinutes must be 1 to {SAFE_TO_ROTATE_MINUTES_MAX}");
        return Err(ApiError::bad_request("InvalidSettings", message));
    }
    to_its_end(&app.clone(), async move { store(&app, &access, &body).await }).await.map(Json)
}

async fn store(
    app: &App,
    access: &Manage<Admin>,
    body: &ChangeWorkspaceSettings,
) -> Result<WorkspaceSettings, ApiError> {
    let id = &access.workspace_id;
    let transaction = app.db.write().await?;
    let row = db::workspaces::find_ready(&*transaction, id).await?;
    let row = row.ok_or_else(|| ApiError::NotFound(format!("Workspace '{id}'")))?;
    let before = describe(&row);
    let mut changed = row.clone();
    if let Some(minutes) = body.safe_to_rotate_minutes {
        changed.safe_to_rotate_minutes = minutes.map(Into::into);
        db::workspaces::set_safe_to_rotate_minutes(&*transaction, id, changed.safe_to_rotate_minutes).await?;
    }
    if changed == row {
        return Ok(before);
    }
    let after = describe(&changed);
    let event = Event {
        action: "workspace.settings_changed",
        workspace_id: Some(id.as_str()),
        target: Some(id.as_str()),
        detail: json!({"before": before, "after": after}),
    };
    audit::append(&*transaction, &access.user.actor(), app.now(), event).await?;
    transaction.commit().await?;
    Ok(after)
}

/// The settings in force, defaults filled in.
pub fn describe(row: &db::workspaces::Model) -> WorkspaceSettings {
    let minutes = row.safe_to_rotate_minutes.and_then(|minutes| u32::try_from(minutes).ok());
    WorkspaceSettings { safe_to_rotate_minutes: minutes.unwrap_or(SAFE_TO_ROTATE_MINUTES) }
}
