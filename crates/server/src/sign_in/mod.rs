//! Signing in: the password is checked within limits, and a session is begun.

pub mod cookie;
pub mod limits;
pub mod oidc;

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use axum::{
    extract::FromRequestParts,
    http::{header::USER_AGENT, request::Parts},
};
use jiff::{SignedDuration, Timestamp};
use twinkey_api::{TokenKind, token::Secret};
use zeroize::Zeroizing;

use crate::{
    app::App,
    audit::{self, Actor, Event},
    db,
    error::ApiError,
    http::proxies::ClientAddress,
};

/// How long a session lasts.
pub const SESSION: SignedDuration = SignedDuration::from_hours(24 * 7);
/// For how long after that a session is shown secrets, unless the operator wants it otherwise.
pub const CONFIRM_AFTER: Duration = Duration::from_mins(15);
/// The longest text of a user agent that is kept, in characters.
const USER_AGENT_MAX: usize = 200;

/// Where an attempt comes from.
pub struct Origin {
    /// The address.
    pub address: IpAddr,
    /// What the program says about itself.
    pub user_agent: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let address = parts.extensions.get::<ClientAddress>().map_or(Ipv4Addr::LOCALHOST.into(), |client| client.0);
        let user_agent = parts.headers.get(USER_AGENT).and_then(|text| text.to_str().ok()).map(str::to_owned);
        Ok(Self { address, user_agent })
    }
}

/// The user with this address and password. The answer and the time that it takes are the same for an account that does not
/// exist and for a wrong password.
pub async fn check_password(
    app: &App,
    from: &Origin,
    email: &str,
    password: Zeroizing<String>,
) -> Result<db::users::Model, ApiError> {
    let (now, email) = (app.now(), email.to_lowercase());
    let user = db::users::find_by_email(&*app.db, &email).await?;
    let id = user.as_ref().map_or("", |user| &user.id);
    let at_home = db::sessions::exists_from(&*app.db, id, &from.address.to_string(), now).await?;
    let attempt = app.sign_in_limits.attempt(now, from.address, &email, at_home).map_err(|seconds| {
        app.metrics.authenticated("password", "limited");
        ApiError::TooManyAttempts { seconds }
    })?;
    let stored = user.as_ref().map(|user| user.password_hash.clone()).filter(|hash| !hash.is_empty());
    let Some(correct) = app.passwords.verify(password, stored, at_home).await else {
        attempt.give_back();
        app.metrics.authenticated("password", "limited");
        return Err(ApiError::TooManyAttempts { seconds: 2 });
    };
    let Some(user) = user.filter(|_| correct) else {
        app.metrics.authenticated("password", "wrong_password");
        tracing::info!(address = %from.address, "sign-in refused");
        return Err(ApiError::WrongPassword);
    };
    attempt.give_back();
    Ok(user)
}

/// The same of somebody who is signed in already. Counted like a sign-in, so that a stolen session is no way to guess the password. A
/// wrong one is 400 in the words `wrong`, not 401, which would say that the credential of the request is not good.
pub async fn check_own_password(
    app: &App,
    from: &Origin,
    user: &db::users::Model,
    password: Zeroizing<String>,
    wrong: impl Fn() -> ApiError,
) -> Result<db::users::Model, ApiError> {
    let checked = check_password(app, from, &user.email, password).await;
    checked.map_err(|error| if matches!(error, ApiError::WrongPassword) { wrong() } else { error })
}

/// Begins a session of a user who has proved who he is. `how` is for the audit log.
pub async fn begin_session(
    app: &App,
    from: Origin,
    proved: &db::users::Model,
    how: serde_json::Value,
) -> Result<(Secret, Timestamp, db::users::Model), ApiError> {
    let now = app.now();
    let expires_at = now + SESSION;
    let secret = app.random.with(|rng| Secret::generate(TokenKind::Session, rng));
    let address = from.address.to_string();
    let session = db::sessions::Model {
        id: app.random.id(),
        user_id: proved.id.clone(),
        hash: app.keys.hash(&secret).to_vec(),
        created_at: now.as_millisecond(),
        expires_at: expires_at.as_millisecond(),
        key_id: Some(app.keys.id().to_owned()),
        address: Some(address.clone()),
        user_agent: from.user_agent.map(|text| text.chars().take(USER_AGENT_MAX).collect()),
        last_used_at: None,
        confirmed_at: None,
    };
    let transaction = app.db.write().await?;
    // Meanwhile the account may be gone, or its password changed, which ends all sessions that the old one began.
    let user = db::users::find_unchanged(&*transaction, proved).await?.ok_or(ApiError::WrongPassword)?;
    let actor = Actor { name: user.email.clone(), credential: format!("session:{}", session.id), address };
    let event = Event { target: Some(&session.id.clone()), detail: how, ..Event::new("session.created") };
    db::sessions::insert(&*transaction, session).await?;
    audit::append(&*transaction, &actor, now, event).await?;
    transaction.commit().await?;
    Ok((secret, db::timestamp(expires_at.as_millisecond()), user))
}
