//! Consumer groups: who is in them, how far they have come, and the end of those that nobody uses.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::json;
use twinkey_api::{
    activity::{ConsumerGroups, GroupsQuery},
    error::ErrorBody,
};
use twinkey_embedded_broker::Scope;

use super::topics::{find, record, refused};
use crate::{
    activity,
    app::App,
    error::ApiError,
    extract::{
        Manage, Queried,
        workspace::{Editor, Viewer},
    },
};

/// The workspace's consumer groups: members, committed offsets and lag
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/groups", tag = "topics",
    params(("workspace_id" = String, Path), GroupsQuery),
    responses((status = 200, body = ConsumerGroups), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 503, body = ErrorBody))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    access: Manage<Viewer>,
    Queried(query): Queried<GroupsQuery>,
) -> Result<Json<ConsumerGroups>, ApiError> {
    let topic = match &query.topic {
        Some(name) => Some(find(&app, &access.workspace_id, name).await?.name),
        None => None,
    };
    let groups = activity::groups(&app, &access.workspace_id, &access.pair, topic.as_deref()).await;
    Ok(Json(groups.map_err(|error| refused(error, ""))?))
}

/// Delete a consumer group that nobody is in, and the offsets that it has committed
#[utoipa::path(
    delete, path = "/workspaces/{workspace_id}/groups/{id}", tag = "topics",
    params(("workspace_id" = String, Path), ("id" = String, Path, description = "The full id, or the name inside the workspace")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 503, body = ErrorBody))
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    access: Manage<Editor>,
    Path(path): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (_, asked) = path;
    let scope = Scope::of_workspace(access.workspace_id.as_str());
    let id = if scope.contains(&asked) { asked } else { format!("{}-{asked}", access.workspace_id) };
    super::to_its_end(&app.clone(), async move {
        app.broker.delete_group(&id).await?;
        record(&app, &access.user.actor(), "group.deleted", &access.workspace_id, &id, json!({})).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
