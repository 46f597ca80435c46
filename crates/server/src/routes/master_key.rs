//! How far a change of the master key is.

use std::sync::Arc;

use axum::{Json, extract::State};
use twinkey_api::{error::ErrorBody, master_key::MasterKeys};

use super::to_its_end;
use crate::{
    app::App,
    error::ApiError,
    extract::{InOrganisation, workspace::Admin},
    rekeying,
};

/// What still needs another master key than the one in use
#[utoipa::path(
    get, path = "/system/keys", tag = "system",
    responses((status = 200, body = MasterKeys), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn status(State(app): State<Arc<App>>, _access: InOrganisation<Admin>) -> Result<Json<MasterKeys>, ApiError> {
    rekeying::status(&app).await.map(Json)
}

/// End the personal access tokens and sessions that still need the previous master key
///
/// They are those that nobody has used since the key was changed. Refused while SDK tokens need it.
#[utoipa::path(
    post, path = "/system/keys/finish", tag = "system",
    responses((status = 200, body = MasterKeys), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub async fn finish(State(app): State<Arc<App>>, access: InOrganisation<Admin>) -> Result<Json<MasterKeys>, ApiError> {
    to_its_end(&app.clone(), async move { rekeying::finish(&app, &access.user.actor()).await }).await.map(Json)
}
