//! Signing in and out.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use jiff::SignedDuration;
use serde_json::json;
use twinkey_api::{
    TokenKind,
    auth::{SignIn, SignedIn as SignedInBody, User},
    error::ErrorBody,
    token::Secret,
};

use super::broker_settings::NO_STORE;
use crate::{
    app::App,
    audit::{self, Actor, Event},
    db,
    error::ApiError,
    extract::{Body, SignedIn},
    http::proxies::Address,
};

/// How long a session lasts.
const SESSION: Duration = Duration::from_hours(24 * 7);

/// Sign in with e-mail address and password
#[utoipa::path(
    post, path = "/auth/sign-in", tag = "people", security(()),
    request_body = SignIn,
    responses((status = 200, body = SignedInBody), (status = 401, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn sign_in(
    State(app): State<Arc<App>>,
    Address(address): Address,
    Body(body): Body<SignIn>,
) -> Result<impl IntoResponse, ApiError> {
    let user = db::users::find_by_email(&*app.db, &body.email).await?;
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let correct = app.passwords.verify(body.password.into(), stored).await;
    let Some(user) = user.filter(|_| correct) else {
        app.metrics.authenticated("password", "wrong_password");
        tracing::info!(address, "sign-in refused");
        return Err(ApiError::WrongPassword);
    };
    let now = app.now();
    let expires_at = now + SignedDuration::try_from(SESSION).expect("a week is in range");
    let secret = app.random.with(|rng| Secret::generate(TokenKind::Session, rng));
    let session = db::sessions::Model {
        id: app.random.id(),
        user_id: user.id.clone(),
        hash: app.keys.hash(&secret).to_vec(),
        created_at: now.as_millisecond(),
        expires_at: expires_at.as_millisecond(),
        key_id: Some(app.keys.id().to_owned()),
    };
    let actor = Actor { name: user.email.clone(), credential: format!("session:{}", session.id), address };
    let transaction = app.db.write().await?;
    let event = Event { target: Some(&session.id.clone()), ..Event::new("session.created") };
    db::sessions::insert(&*transaction, session).await?;
    audit::append(&*transaction, &actor, now, event).await?;
    transaction.commit().await?;
    app.metrics.authenticated("password", "accepted");
    let role = user.organisation_role();
    let user = User { user_id: user.id, email: user.email, role };
    Ok((
        NO_STORE,
        Json(SignedInBody {
            token: secret.expose().to_owned(),
            expires_at: db::timestamp(expires_at.as_millisecond()),
            user,
        }),
    ))
}

/// End the session that this request is made with
#[utoipa::path(
    post, path = "/auth/sign-out", tag = "people",
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn sign_out(State(app): State<Arc<App>>, SignedIn(user): SignedIn) -> Result<StatusCode, ApiError> {
    if user.kind != TokenKind::Session {
        let message = "Only a session can sign out; end a personal access token with DELETE /profile/tokens/{id}";
        return Err(ApiError::bad_request("NotASession", message));
    }
    let transaction = app.db.write().await?;
    db::sessions::delete(&*transaction, &user.credential_id).await?;
    let event = Event { target: Some(&user.credential_id), detail: json!({}), ..Event::new("session.ended") };
    audit::append(&*transaction, &user.actor(), app.now(), event).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
