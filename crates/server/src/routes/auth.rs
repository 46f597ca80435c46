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
    auth::{ConfirmPassword, SignIn, SignedIn as SignedInBody, User},
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

/// Confirm the password of the session that this request is made with
///
/// For a while after that (`TWINKEY_CONFIRM_PASSWORD_AFTER`, 15 minutes by default), and after a sign-in, a session may reveal tokens and
/// broker credentials, and create personal access tokens. Attempts are limited as those to sign in are.
#[utoipa::path(
    post, path = "/auth/confirm", tag = "people", request_body = ConfirmPassword,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody))
)]
pub async fn confirm(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    from: Origin,
    Body(body): Body<ConfirmPassword>,
) -> Result<StatusCode, ApiError> {
    if caller.kind != TokenKind::Session {
        let message = "Only a session can confirm a password; a personal access token is never asked for one";
        return Err(ApiError::bad_request("NotASession", message));
    }
    let wrong = || ApiError::bad_request("WrongPassword", "The password is wrong");
    let user = sign_in::check_own_password(&app, &from, &caller.user, body.password.into(), wrong).await?;
    let now = app.now();
    let transaction = app.db.write().await?;
    // Meanwhile the password may have been changed.
    db::users::find_unchanged(&*transaction, &user).await?.ok_or_else(wrong)?;
    if !db::sessions::confirm(&*transaction, &caller.credential_id, now).await? {
        return Err(ApiError::Unauthenticated);
    }
    let event = Event { target: Some(&caller.credential_id), ..Event::new("session.confirmed") };
    audit::append(&*transaction, &caller.actor(), now, event).await?;
    transaction.commit().await?;
    app.metrics.authenticated("confirmation", "accepted");
    Ok(StatusCode::NO_CONTENT)
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
