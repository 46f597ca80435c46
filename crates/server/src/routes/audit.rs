//! The audit log.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    http::header::{CONTENT_TYPE, HeaderName},
};
use bytes::Bytes;
use futures::{Stream, stream};
use sea_orm::DbErr;
use twinkey_api::{
    audit::{AfterQuery, AuditKeys, AuditQuery, AuditRecord, Checkpoints},
    error::ErrorBody,
};

use crate::{
    app::App,
    db,
    error::ApiError,
    extract::{InOrganisation, Queried, workspace::Admin},
};

/// Records that are read and sent at a time.
const PAGE: u64 = 500;
/// Checkpoints in one answer.
const CHECKPOINTS: u64 = 1000;
/// The longest beginning of an action that can be asked for.
const ACTION_MAX: usize = 100;

/// The audit log, newest first
#[utoipa::path(
    get, path = "/audit", tag = "audit",
    params(AuditQuery),
    responses((status = 200, body = Vec<AuditRecord>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    _access: InOrganisation<Admin>,
    Queried(query): Queried<AuditQuery>,
) -> Result<Json<Vec<AuditRecord>>, ApiError> {
    let limit = query.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(ApiError::bad_request("InvalidQuery", "limit must be 1 to 1000"));
    }
    if query.action.as_ref().is_some_and(|action| action.len() > ACTION_MAX) {
        return Err(ApiError::bad_request("InvalidQuery", format!("action may have at most {ACTION_MAX} bytes")));
    }
    Ok(Json(db::audit::list(&*app.db, &query, limit).await?))
}

/// The audit log as JSON lines, oldest first, for `twinkey audit verify`
///
/// Ends with the record that was the newest when the export began.
#[utoipa::path(
    get, path = "/audit/export", tag = "audit",
    params(AfterQuery),
    responses((status = 200, content_type = "application/x-ndjson", body = String), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn export(
    State(app): State<Arc<App>>,
    _access: InOrganisation<Admin>,
    Queried(query): Queried<AfterQuery>,
) -> Result<([(HeaderName, &'static str); 1], Body), ApiError> {
    let last = db::audit::last(&*app.db).await?.map_or(0, |last| last.sequence);
    // What somebody inserted in front of the first record is to be seen.
    let after = query.after.unwrap_or(i64::MIN);
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines(app, after, last))))
}

/// Page by page, as the reader takes them. An error breaks the answer off, so that a part is never taken for the whole.
fn lines(app: Arc<App>, after: i64, last: i64) -> impl Stream<Item = Result<Bytes, DbErr>> {
    stream::try_unfold((app, after), move |(app, after)| async move {
        if after >= last {
            return Ok(None);
        }
        let mut records = db::audit::list_after(&*app.db, after, PAGE).await?;
        records.retain(|record| record.sequence <= last);
        let Some(next) = records.last().map(|record| record.sequence) else { return Ok(None) };
        let mut text = Vec::new();
        for record in &records {
            serde_json::to_writer(&mut text, record).expect("plain data");
            text.push(b'\n');
        }
        Ok(Some((Bytes::from(text), (app, next))))
    })
}

/// The public keys that checkpoints of the log are signed with
#[utoipa::path(
    get, path = "/audit/keys", tag = "audit",
    responses((status = 200, body = AuditKeys), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn keys(State(app): State<Arc<App>>, _access: InOrganisation<Admin>) -> Result<Json<AuditKeys>, ApiError> {
    let installation = db::installation::find(&*app.db).await?;
    let installation = installation.ok_or_else(|| ApiError::Internal("there is no installation".into()))?.id;
    let public_keys = app.keys.signers().into_iter().map(|signer| signer.public_key.clone()).collect();
    Ok(Json(AuditKeys { installation, public_keys }))
}

/// Signed checkpoints of the log, oldest first, 1000 at a time
#[utoipa::path(
    get, path = "/audit/checkpoints", tag = "audit",
    params(AfterQuery),
    responses((status = 200, body = Checkpoints), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn checkpoints(
    State(app): State<Arc<App>>,
    _access: InOrganisation<Admin>,
    Queried(query): Queried<AfterQuery>,
) -> Result<Json<Checkpoints>, ApiError> {
    let after = query.after.unwrap_or(0);
    Ok(Json(Checkpoints { checkpoints: db::checkpoints::list_after(&*app.db, after, CHECKPOINTS).await? }))
}
