//! The audit log.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use twinkey_api::{
    audit::{AuditQuery, AuditRecord},
    error::ErrorBody,
};

use crate::{
    app::App,
    db,
    error::ApiError,
    extract::{InOrganisation, workspace::Admin},
};

/// The audit log, newest first
#[utoipa::path(
    get, path = "/audit", tag = "audit",
    params(AuditQuery),
    responses((status = 200, body = Vec<AuditRecord>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    _access: InOrganisation<Admin>,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Json<Vec<AuditRecord>>, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::bad_request("InvalidQuery", rejection.body_text()))?;
    let limit = query.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(ApiError::bad_request("InvalidQuery", "limit must be 1 to 1000"));
    }
    Ok(Json(db::audit::list(&*app.db, query.workspace_id.as_deref(), query.before, limit).await?))
}
