//! Signing in and out.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::SET_COOKIE},
    response::IntoResponse,
};
use serde_json::json;
use twinkey_api::{
    TokenKind,
    auth::{SignIn, SignedIn as SignedInBody, User},
    error::ErrorBody,
};

use super::broker_settings::NO_STORE;
use crate::{
    app::App,
    audit::{self, Event},
    db,
    error::ApiError,
    extract::{Body, SignedIn},
    sign_in::{self, Origin, cookie},
};

/// Sign in with e-mail address and password
///
/// The session comes in the body, and for browsers in a cookie as well.
#[utoipa::path(
    post, path = "/auth/sign-in", tag = "people", security(()),
    request_body = SignIn,
    responses((status = 200, body = SignedInBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody))
)]
pub async fn sign_in(
    State(app): State<Arc<App>>,
    from: Origin,
    Body(body): Body<SignIn>,
) -> Result<impl IntoResponse, ApiError> {
    let user = sign_in::check_password(&app, &from, &body.email, body.password.into()).await?;
    let (secret, expires_at, user) = sign_in::begin_session(&app, from, &user, json!({"with": "password"})).await?;
    app.metrics.authenticated("password", "accepted");
    let cookie = [(SET_COOKIE, cookie::begin(&app.public_url, &secret, sign_in::SESSION))];
    let role = user.organisation_role();
    let user = User { user_id: user.id, email: user.email, name: user.name, role };
    Ok((NO_STORE, cookie, Json(SignedInBody { token: secret.expose().to_owned(), expires_at, user })))
}

/// End the session that this request is made with
#[utoipa::path(
    post, path = "/auth/sign-out", tag = "people",
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn sign_out(State(app): State<Arc<App>>, SignedIn(user): SignedIn) -> Result<impl IntoResponse, ApiError> {
    if user.kind != TokenKind::Session {
        let message = "Only a session can sign out; end a personal access token with DELETE /profile/tokens/{id}";
        return Err(ApiError::bad_request("NotASession", message));
    }
    let transaction = app.db.write().await?;
    db::sessions::delete(&*transaction, &user.credential_id).await?;
    let event = Event { target: Some(&user.credential_id), detail: json!({}), ..Event::new("session.ended") };
    audit::append(&*transaction, &user.actor(), app.now(), event).await?;
    transaction.commit().await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie::end(&app.public_url))]))
}
