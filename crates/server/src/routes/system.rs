//! Health and metrics.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::header::{CONTENT_TYPE, HeaderName},
};
use twinkey_api::error::ErrorBody;

use crate::{app::App, db, error::ApiError};

/// How long the database may take before the server counts as not ready. Below the time-outs that are usual for probes.
const DATABASE: Duration = Duration::from_secs(2);

/// The process is alive
#[utoipa::path(get, path = "/healthz", tag = "system", security(()), responses((status = 200, body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The process may be sent requests: it is not on its way out, and its database answers
#[utoipa::path(get, path = "/readyz", tag = "system", security(()), responses((status = 200, body = String), (status = 503, body = ErrorBody)))]
pub async fn readyz(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    if app.lifecycle.is_draining() {
        return Err(ApiError::NotReady("it is stopping"));
    }
    match tokio::time::timeout(DATABASE, db::organisations::find(&*app.db)).await {
        Ok(Ok(_)) => Ok("ready\n"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: the database refuses");
            Err(ApiError::NotReady("its database refuses; the log says why"))
        }
        Err(_) => Err(ApiError::NotReady("its database does not answer")),
    }
}

/// Metrics in Prometheus' text format
#[utoipa::path(get, path = "/metrics", tag = "system", security(()), responses((status = 200, content_type = "application/openmetrics-text", body = String)))]
pub async fn metrics(State(app): State<Arc<App>>) -> ([(HeaderName, &'static str); 1], String) {
    let text = app.metrics.render(app.registry.len(), app.broker.connections().len());
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}
