//! Health, metrics, and the installation as a whole.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::header::{CONTENT_TYPE, HeaderName},
};
use twinkey_api::{error::ErrorBody, system::SystemStatus};

use crate::{
    app::App,
    db,
    error::ApiError,
    extract::{InOrganisation, workspace::Admin},
    installation,
};

/// The installation: program, database, broker, replicas, keys, audit log, and what an operator should look at
#[utoipa::path(
    get, path = "/system", tag = "system",
    responses((status = 200, body = SystemStatus), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn status(
    State(app): State<Arc<App>>,
    _access: InOrganisation<Admin>,
) -> Result<Json<SystemStatus>, ApiError> {
    installation::look(&app).await.map(Json)
}

/// The process is alive
#[utoipa::path(get, path = "/healthz", tag = "system", security(()), responses((status = 200, body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The process may be sent requests: it is not on its way out, and can tell which tokens are valid
#[utoipa::path(get, path = "/readyz", tag = "system", security(()), responses((status = 200, body = String), (status = 503, body = ErrorBody)))]
pub async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    if app.lifecycle.is_draining() {
        return Err(ApiError::NotReady("it is stopping"));
    }
    app.replicas.may_answer(&app.db).await.map_err(|error| {
        tracing::warn!(%error, "not ready: the database does not answer");
        ApiError::NotReady("its database does not answer")
    })?;
    Ok("ready\n")
}

/// Metrics in Prometheus' text format
#[utoipa::path(get, path = "/metrics", tag = "system", security(()), responses((status = 200, content_type = "application/openmetrics-text", body = String)))]
pub async fn metrics(State(app): State<Arc<App>>) -> ([(HeaderName, &'static str); 1], String) {
    if app.keys.previous_id().is_some()
        && let Ok((_, left)) = db::key_use::count_tokens(&*app.db, app.keys.id()).await
    {
        app.metrics.tokens_under_other_keys.set(left as i64);
    }
    app.metrics.open_streams.set(app.streams.open() as i64);
    let text = app.metrics.render(app.registry.len(), app.broker.connections().len(), app.cut_offs.open());
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}
