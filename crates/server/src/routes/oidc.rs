//! Signing in through an OpenID Connect provider.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{AppendHeaders, IntoResponse, Response},
};
use serde_json::json;
use twinkey_api::{
    auth::{OidcAnswer, SignInMethods},
    error::ErrorBody,
};

use super::broker_settings::NO_STORE;
use crate::{
    app::App,
    db,
    error::ApiError,
    extract::Queried,
    sign_in::{
        self, Origin, cookie,
        oidc::{self, Begun, OidcError, Provider},
    },
};

/// How people can sign in here
#[utoipa::path(get, path = "/auth/methods", tag = "people", security(()), responses((status = 200, body = SignInMethods)))]
pub async fn methods(State(app): State<Arc<App>>) -> Json<SignInMethods> {
    let oidc = app.oidc.as_ref().map(|provider| provider.settings.name.clone());
    Json(SignInMethods { password: true, oidc })
}

/// Begin a sign-in: sends the browser to the OpenID Connect provider
#[utoipa::path(
    get, path = "/auth/oidc", tag = "people", security(()),
    responses((status = 303), (status = 404, body = ErrorBody), (status = 502, body = ErrorBody))
)]
pub async fn begin(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let begun = async {
        let (url, begun) = provider(&app)?.begin(app.now(), &app.random).await.map_err(failed)?;
        let cookie = begun.cookie(&app.public_url);
        Ok::<_, ApiError>((StatusCode::SEE_OTHER, NO_STORE, [(header::SET_COOKIE, cookie)], [(header::LOCATION, url)]))
    };
    begun.await.map_or_else(|error| refused(&app, &headers, error), IntoResponse::into_response)
}

/// Where the provider sends the browser back to: begins a session and sends the browser to the portal
#[utoipa::path(
    get, path = "/auth/oidc/callback", tag = "people", security(()),
    params(OidcAnswer),
    responses((status = 303), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 502, body = ErrorBody))
)]
pub async fn callback(
    State(app): State<Arc<App>>,
    from: Origin,
    Browser(signed_in): Browser,
    headers: HeaderMap,
    Queried(answer): Queried<OidcAnswer>,
) -> Response {
    let finished = finish(&app, from, signed_in, &headers, answer).await;
    finished.map_or_else(|error| refused(&app, &headers, error), IntoResponse::into_response)
}

async fn finish(
    app: &App,
    from: Origin,
    signed_in: Option<String>,
    headers: &HeaderMap,
    answer: OidcAnswer,
) -> Result<impl IntoResponse + use<>, ApiError> {
    let provider = provider(app)?;
    let not_begun = || {
        let message = "This sign-in was not begun in this browser, or too long ago; begin again at /auth/oidc";
        ApiError::bad_request("SignInNotBegun", message)
    };
    let begun = Begun::of(headers, &app.public_url).ok_or_else(not_begun)?;
    if answer.state.as_deref() != Some(&*begun.state) {
        return Err(not_begun());
    }
    if let Some(error) = answer.error {
        let word: String = error.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '_').take(60).collect();
        return Err(ApiError::NotVouchedFor(format!("it says {word}")));
    }
    let identity = provider.finish(app.now(), answer.code.ok_or_else(not_begun)?, &begun).await.map_err(failed)?;
    let (signed_in, address) = (signed_in.as_deref(), from.address.to_string());
    let user = oidc::find_or_make(app, &provider.settings, &identity, signed_in, &address).await?;
    let how = json!({"with": "oidc", "issuer": provider.settings.issuer, "subject": identity.subject});
    let (secret, ..) = sign_in::begin_session(app, from, &user, how).await?;
    app.metrics.authenticated("oidc", "accepted");
    let session = (header::SET_COOKIE, cookie::begin(&app.public_url, &secret, sign_in::SESSION));
    let portal = [(header::LOCATION, format!("{}/portal/", app.public_url))];
    Ok((StatusCode::SEE_OTHER, NO_STORE, portal, AppendHeaders([session, Begun::forget(&app.public_url)])))
}

/// Who is in a browser here came by a link and has no program that reads the body: the sign-in page says what happened.
fn refused(app: &App, headers: &HeaderMap, error: ApiError) -> Response {
    let code = error.code();
    let mut answer = error.into_response();
    let accepts = headers.get(header::ACCEPT).and_then(|types| types.to_str().ok()).unwrap_or_default();
    if !accepts.contains("text/html") {
        return answer;
    }
    let page = format!("{}/portal/sign-in?refused={code}", app.public_url);
    let mut shown = (StatusCode::SEE_OTHER, NO_STORE, [(header::LOCATION, page)]).into_response();
    // The line about the request keeps the id under which the log says more.
    std::mem::swap(shown.extensions_mut(), answer.extensions_mut());
    shown
}

/// To whose account this browser is signed in, by its cookie.
pub struct Browser(Option<String>);

impl FromRequestParts<Arc<App>> for Browser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Some(secret) = cookie::session(parts, app)? else { return Ok(Self(None)) };
        let session = db::sessions::find_valid(&*app.db, &app.keys.hashes(&secret), app.now()).await?;
        Ok(Self(session.map(|session| session.user_id)))
    }
}

fn provider(app: &App) -> Result<&Provider, ApiError> {
    app.oidc.as_ref().ok_or_else(|| ApiError::NotFound("An OpenID Connect provider".into()))
}

fn failed(error: OidcError) -> ApiError {
    match error {
        OidcError::Provider(why) => ApiError::ProviderUnavailable(why),
        OidcError::Refused(why) => {
            tracing::info!(why, "a sign-in through the provider was refused");
            ApiError::NotVouchedFor("its answer was not accepted".into())
        }
    }
}
