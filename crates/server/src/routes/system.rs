//! Health and metrics.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header::{CONTENT_TYPE, HeaderName},
};
use twinkey_api::error::ErrorBody;

use crate::{app::App, db, error::ApiError};

/// The process is alive
#[utoipa::path(get, path = "/healthz", tag = "system", security(()), responses((status = 200, body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The process can answer truthfully: its database works
#[utoipa::path(get, path = "/readyz", tag = "system", security(()), responses((status = 200, body = String), (status = 500, body = ErrorBody)))]
pub async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    db::organisations::find(&*app.db).await?;
    Ok("ready\n")
}

/// Metrics in Prometheus' text format
#[utoipa::path(get, path = "/metrics", tag = "system", security(()), responses((status = 200, content_type = "application/openmetrics-text", body = String)))]
pub async fn metrics(State(app): State<Arc<App>>) -> ([(HeaderName, &'static str); 1], String) {
    let text = app.metrics.render(app.registry.len(), app.broker.connections().len(), app.cut_offs.open());
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}
