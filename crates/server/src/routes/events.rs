//! What changes in a workspace while somebody looks at it.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use twinkey_api::error::ErrorBody;

use crate::{
    app::App,
    error::ApiError,
    extract::{Manage, workspace::Viewer},
    live, watches,
};

/// What of the workspace has changed, as it happens (server-sent events)
///
/// The event `changed` carries a `Changed`: names of what to ask for again, never contents; one a second at most. What changed before
/// the stream was open is not told. The event `end` carries a `StreamEnd` and is the last one: after 15 minutes, when the caller may not
/// see the workspace any longer, and when the server stops. A comment shows every 15 seconds that the stream is alive. 429: this
/// user has too many streams open. 503: this server has.
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/events", tag = "workspaces",
    params(("workspace_id" = String, Path)),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody))
)]
pub async fn follow(State(app): State<Arc<App>>, access: Manage<Viewer>) -> Result<Response, ApiError> {
    let changes = app.watches.subscribe(&app, &access.workspace_id).await?;
    live::answer(&app, access, watches::events(changes))
}
