//! Messages in a topic, for people who look at them: a page, and live.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use twinkey_api::{
    error::ErrorBody,
    message::{LiveQuery, Messages, MessagesQuery},
};

use super::topics::{find, refused};
use crate::{
    app::App,
    error::ApiError,
    extract::{Manage, Queried, workspace::Viewer},
    live,
    messages::{self, live::Watched},
};

/// What browsers send when they come back to a stream.
const LAST_EVENT_ID: &str = "last-event-id";
/// The most bytes of a key or value in a live stream.
const LIVE_BYTES: u32 = 1 << 16;

/// Messages of a topic
///
/// From its beginning, an offset, a time, or the last ones; `next` leads to the page behind. Of transactions only what was committed
/// is shown.
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/topics/{name}/messages", tag = "topics",
    params(("workspace_id" = String, Path), ("name" = String, Path), MessagesQuery),
    responses((status = 200, body = Messages), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 503, body = ErrorBody))
)]
pub async fn page(
    State(app): State<Arc<App>>,
    access: Manage<Viewer>,
    Path(path): Path<(String, String)>,
    Queried(query): Queried<MessagesQuery>,
) -> Result<Json<Messages>, ApiError> {
    let (_, name) = path;
    let wanted = messages::Wanted::of(&query)?;
    let topic = find(&app, &access.workspace_id, &name).await?;
    Ok(Json(messages::page(&app, &topic.name, wanted).await.map_err(|error| refused(error, &name))?))
}

/// Messages of a topic as they come, as server-sent events
///
/// Events `messages` carry `LiveMessages` and an id to come back with; the last event, `end`, carries `StreamEnd`. Whoever falls
/// behind gets the newest messages and the number of those that were left out.
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/topics/{name}/messages/live", tag = "topics",
    params(("workspace_id" = String, Path), ("name" = String, Path), LiveQuery),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody))
)]
pub async fn live(
    State(app): State<Arc<App>>,
    access: Manage<Viewer>,
    Path(path): Path<(String, String)>,
    Queried(query): Queried<LiveQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (_, name) = path;
    let last = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let at = last.or(query.at.as_deref()).map(messages::places).transpose()?.unwrap_or_default();
    let limits = messages::parts(query.max_bytes, LIVE_BYTES)?;
    let topic = find(&app, &access.workspace_id, &name).await?.name;
    let watched = Watched { topic, partition: query.partition, at, limits };
    let events = messages::live::events(&app, watched).await.map_err(|error| refused(error, &name))?;
    live::answer(&app, access, events)
}
