//! Settings of a workspace.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use serde_json::json;
use twinkey_api::{
    error::ErrorBody,
    settings::{
        ChangeWorkspaceSettings, SAFE_TO_ROTATE_MINUTES, SAFE_TO_ROTATE_MINUTES_MAX, UNDO_MINUTES_MAX,
        WorkspaceSettings,
    },
};

use super::to_its_end;
use crate::{
    app::App,
    audit::{self, Event},
    broker::reconciler,
    db,
    error::ApiError,
    extract::{
        Body, Manage,
        workspace::{Admin, Viewer},
    },
    replicas::leader::Fence,
    rotation::undo,
};

/// How long an answer waits until the rights on the cluster have followed a setting.
const PATIENCE: Duration = Duration::from_secs(10);

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
    if let Some(Some(minutes)) = body.undo_minutes
        && !(1..=UNDO_MINUTES_MAX).contains(&minutes)
    {
        let message = format!("undoMinutes must be 1 to {UNDO_MINUTES_MAX}, or null to turn it off");
        return Err(ApiError::bad_request("InvalidSettings", message));
    }
    to_its_end(&app.clone(), async move {
        let settings = store(&app, &access, &body).await?;
        if body.any_transactional_id.is_some() && app.broker.kafka().is_some() {
            follow_rights(&app).await;
        }
        Ok(settings)
    })
    .await
    .map(Json)
}

/// The rights on the cluster follow the setting: at once if that is quick, else soon, and in any case with the reconciliation of the
/// next minute.
async fn follow_rights(app: &Arc<App>) {
    let work = app.clone();
    // In a task of its own: giving rights must not be broken off in the middle.
    let pass = app.lifecycle.spawn(async move { reconciler::reconcile(&work, &Fence::unleased()).await });
    let _ = tokio::time::timeout(PATIENCE, pass).await;
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
    if let Some(any) = body.any_transactional_id {
        changed.any_transactional_id = any.unwrap_or_default();
        db::workspaces::set_any_transactional_id(&*transaction, id, changed.any_transactional_id).await?;
    }
    if let Some(minutes) = body.undo_minutes {
        changed.undo_minutes = minutes.map(Into::into);
        db::workspaces::set_undo_minutes(&*transaction, id, changed.undo_minutes).await?;
        if minutes.is_none() {
            undo::remember(&*transaction, id.as_str(), None).await?;
        }
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
    WorkspaceSettings {
        safe_to_rotate_minutes: minutes.unwrap_or(SAFE_TO_ROTATE_MINUTES),
        any_transactional_id: row.any_transactional_id,
        undo_minutes: row.undo_minutes.and_then(|minutes| u32::try_from(minutes).ok()),
    }
}
