//! What happens in topics: how much is in them, and where.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use twinkey_api::{
    activity::{TopicPartitions, TopicsActivity},
    error::ErrorBody,
};

use super::topics::{find, refused};
use crate::{
    activity,
    app::App,
    error::ApiError,
    extract::{Manage, workspace::Viewer},
};

/// How much is in the workspace's topics, and how far consumer groups lag behind
///
/// All topics in one answer: two of them some seconds apart give rates.
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/topics/activity", tag = "topics",
    params(("workspace_id" = String, Path)),
    responses((status = 200, body = TopicsActivity), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 503, body = ErrorBody))
)]
pub async fn topics(State(app): State<Arc<App>>, access: Manage<Viewer>) -> Result<Json<TopicsActivity>, ApiError> {
    let topics = activity::topics(&app, &access.workspace_id).await.map_err(|error| refused(error, ""))?;
    Ok(Json(topics))
}

/// The partitions of a topic, with their first and last offsets
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/topics/{name}/partitions", tag = "topics",
    params(("workspace_id" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = TopicPartitions), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 503, body = ErrorBody))
)]
pub async fn partitions(
    State(app): State<Arc<App>>,
    access: Manage<Viewer>,
    Path(path): Path<(String, String)>,
) -> Result<Json<TopicPartitions>, ApiError> {
    let (_, name) = path;
    let topic = find(&app, &access.workspace_id, &name).await?;
    let partitions = activity::partitions(&app, &topic.name).await.map_err(|error| refused(error, &name))?;
    Ok(Json(partitions))
}
