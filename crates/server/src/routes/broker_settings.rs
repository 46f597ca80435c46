//! How to reach the broker: what turns one token into a Kafka connection.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName},
    },
    response::{IntoResponse, Response},
};
use serde_json::json;
use twinkey_api::{
    error::ErrorBody,
    token_pair::Slot,
    workspace::{LibrdkafkaConfig, LibrdkafkaQuery},
};
use zeroize::Zeroizing;

use crate::{
    app::App,
    audit::{self, Event},
    error::ApiError,
    extract::{
        Caller, Queried, Streaming, UserCaller,
        workspace::{Editor, Viewer},
    },
    keys::broker_password,
    registry::KnownToken,
    validity,
};

/// So many principals are named in one audit record.
const NAMED_AT_ONCE: usize = 1000;

/// Answers with secrets are not to be kept by anything on the way.
pub const NO_STORE: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

/// Broker address, credentials and CA as librdkafka settings
///
/// An SDK token gets its own principal; a user with at least the role Editor gets those of Token 1, or of the token in `slot`, and the audit log says so. A session may be
/// asked for its password first: 403 with the code `PasswordConfirmationNeeded` or `SignInAgainNeeded`.
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/broker/librdkafka", tag = "streaming",
    params(("workspace_id" = String, Path), LibrdkafkaQuery),
    responses((status = 200, body = LibrdkafkaConfig), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn librdkafka(
    State(app): State<Arc<App>>,
    access: Streaming<Editor>,
    Queried(query): Queried<LibrdkafkaQuery>,
) -> Result<impl IntoResponse, ApiError> {
    let token = match (&access.caller, query.slot) {
        (Caller::User(_), Some(Slot::Next)) => &next_of(&app, &access).await?,
        _ => access.token(),
    };
    match &access.caller {
        Caller::User(user) => {
            user.proved_lately(&app)?;
            audit_reveal(&app, user, token, json!({"route": "librdkafka"})).await?;
        }
        Caller::Sdk(sdk) => sdk.client.fetched(app.now()),
    }
    let config = LibrdkafkaConfig {
        bootstrap_servers: app.broker.endpoint().address.clone(),
        security_protocol: "SASL_SSL".into(),
        sasl_mechanism: "SCRAM-SHA-256".into(),
        sasl_username: token.principal.clone(),
        sasl_password: password_of(&app, token)?.to_string(),
        // With the token's public id: on Apache Kafka nothing else tells which token a member of a group has come with.
        client_id: format!("{}.{}", access.workspace_id, token.id),
        ssl_ca_cert: app.broker.endpoint().ca.as_ref().map(|ca| ca.base64.clone()),
    };
    Ok((NO_STORE, Json(config)))
}

/// Token 2 of the workspace.
async fn next_of(app: &App, access: &Streaming<Editor>) -> Result<Arc<KnownToken>, ApiError> {
    let pair = validity::pair(app, &access.workspace_id).await?;
    Ok(pair.ok_or_else(|| ApiError::NotFound(format!("Workspace '{}'", access.workspace_id)))?.next)
}

/// The broker's CA certificate, as `ca.cert` in a zip archive; 204 where clients trust the broker's certificate anyway
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/certificates", tag = "streaming",
    params(("workspace_id" = String, Path)),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn certificates(State(app): State<Arc<App>>, _access: Streaming<Viewer>) -> Response {
    match &app.broker.endpoint().ca {
        Some(ca) => ([(CONTENT_TYPE, "application/zip")], ca.zip.clone()).into_response(),
        // Not an empty archive: older C# clients keep that for ever and fail on it at each start (quix-api.md §1.4).
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

/// The password of a valid token's principal.
pub fn password_of(app: &App, token: &KnownToken) -> Result<Zeroizing<String>, ApiError> {
    let secret = app.registry.reveal(token);
    let secret = secret.ok_or_else(|| ApiError::Internal(format!("token {} does not open with this key", token.id)))?;
    Ok(broker_password(&secret))
}

/// Records that a person was shown broker credentials. A program with an SDK token is only given its own, which it could
/// derive itself; that is use, not disclosure.
pub async fn audit_reveal(
    app: &App,
    user: &UserCaller,
    token: &KnownToken,
    detail: serde_json::Value,
) -> Result<(), ApiError> {
    let transaction = app.db.write().await?;
    let event = Event {
        action: "broker_credentials.revealed",
        workspace_id: Some(token.workspace_id.as_str()),
        target: Some(token.principal.as_str()),
        detail,
    };
    audit::append(&*transaction, &user.actor(), app.now(), event).await?;
    Ok(transaction.commit().await?)
}

/// The same for a list of workspaces, which may be long: in several records, because one must stay a line that can be read.
pub async fn audit_reveals(app: &App, user: &UserCaller, principals: &[String]) -> Result<(), ApiError> {
    let transaction = app.db.write().await?;
    for principals in principals.chunks(NAMED_AT_ONCE) {
        let detail = json!({"route": "workspaces", "principals": principals});
        let event = Event { detail, ..Event::new("broker_credentials.revealed") };
        audit::append(&*transaction, &user.actor(), app.now(), event).await?;
    }
    Ok(transaction.commit().await?)
}
