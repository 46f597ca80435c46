//! The conversation with the provider; the protocol itself is the `openidconnect` crate's.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use openidconnect::{
    AccessTokenHash, AsyncHttpClient, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreIdTokenVerifier, CoreProviderMetadata, CoreUserInfoClaims},
};
use tokio::sync::Mutex;

use super::{Begun, OidcSettings};
use crate::random::Random;

/// How long the provider may take for an answer.
const LIMIT: Duration = Duration::from_secs(10);
/// The longest answer, in bytes.
const ANSWER_MAX: usize = 1024 * 1024;
/// How long the provider's own description and its keys are believed.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// A provider.
pub struct Provider {
    /// Its settings.
    pub settings: OidcSettings,
    redirect: String,
    http: Http,
    description: Mutex<Option<(Timestamp, Arc<CoreProviderMetadata>)>>,
}

/// Whom the provider vouches for.
pub struct Identity {
    /// The account at the provider; never changes.
    pub subject: String,
    /// The address, if the provider has verified it.
    pub verified_email: Option<String>,
    /// What people call the user.
    pub name: Option<String>,
}

/// Why a sign-in failed. For the log, and for the person at the browser only where it is about what he did.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider does not answer, or not as the protocol says.
    #[error("the provider cannot be used: {0}")]
    Provider(String),
    /// What it says does not hold.
    #[error("the provider's answer was not accepted: {0}")]
    Refused(String),
}

impl Provider {
    /// Nothing is asked yet: the provider need not be there when Twinkey starts.
    pub fn new(settings: OidcSettings, public_url: &str) -> Result<Self, reqwest::Error> {
        // Whoever follows redirects can be sent to addresses inside the network.
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(LIMIT).build()?;
        let redirect = format!("{public_url}/auth/oidc/callback");
        Ok(Self { settings, redirect, http: Http(http), description: Mutex::default() })
    }

    /// Where to send the browser, and what it has to keep meanwhile.
    pub async fn begin(&self, now: Timestamp, random: &Random) -> Result<(String, Begun), OidcError> {
        let client = self.client(now, false).await?;
        let secret = || hex::encode(random.bytes::<32>());
        let begun = Begun { state: secret(), nonce: secret(), verifier: secret() };
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(begun.verifier.clone()));
        let (state, nonce) = (CsrfToken::new(begun.state.clone()), Nonce::new(begun.nonce.clone()));
        let request = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || state, || nonce)
            .add_scope(Scope::new("email".into()))
            .add_scope(Scope::new("profile".into()))
            .set_pkce_challenge(challenge);
        Ok((request.url().0.to_string(), begun))
    }

    /// Whom the provider vouches for, in exchange for the code that the browser has brought back.
    pub async fn finish(&self, now: Timestamp, code: String, begun: &Begun) -> Result<Identity, OidcError> {
        let client = self.client(now, false).await?;
        let exchange = client.exchange_code(AuthorizationCode::new(code)).map_err(refused)?;
        let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(begun.verifier.clone()));
        let tokens = exchange.request_async(&self.http).await.map_err(refused)?;
        let id_token = tokens.id_token().ok_or_else(|| OidcError::Refused("it sent no ID token".into()))?;
        let nonce = Nonce::new(begun.nonce.clone());
        let newer;
        let mut verifier = verifier(&client, now);
        // The provider may have begun to sign with a key that it did not have when it was asked last.
        if id_token.claims(&verifier, &nonce).is_err() {
            newer = self.client(now, true).await?;
            verifier = self::verifier(&newer, now);
        }
        let claims = id_token.claims(&verifier, &nonce).map_err(refused)?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = id_token.signing_alg().map_err(refused)?;
            let key = id_token.signing_key(&verifier).map_err(refused)?;
            let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key).map_err(refused)?;
            if actual != *expected {
                return Err(OidcError::Refused("the access token is not the ID token's".into()));
            }
        }
        let subject = claims.subject().to_string();
        let mut email = claims.email().map(|email| email.to_string()).filter(|_| claims.email_verified() == Some(true));
        let mut name = claims.name().and_then(|name| name.get(None)).map(|name| name.to_string());
        if email.is_none() {
            // Many providers keep these out of the ID token. The crate checks that it is about the same subject.
            if let Ok(request) = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone())) {
                let more: CoreUserInfoClaims = request.request_async(&self.http).await.map_err(refused)?;
                email = more.email().map(|email| email.to_string()).filter(|_| more.email_verified() == Some(true));
                name = name.or_else(|| more.name().and_then(|name| name.get(None)).map(|name| name.to_string()));
            }
        }
        Ok(Identity { subject, verified_email: email, name })
    }

    /// The provider as it describes itself, asked anew if that is too long ago or `anew`.
    async fn client(&self, now: Timestamp, anew: bool) -> Result<Client, OidcError> {
        let mut description = self.description.lock().await;
        let known = description.as_ref().filter(|(at, _)| !anew && now.duration_since(*at).abs() < FRESH);
        let metadata = if let Some((_, metadata)) = known {
            metadata.clone()
        } else {
            let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(unusable)?;
            let metadata = CoreProviderMetadata::discover_async(issuer, &self.http).await.map_err(unusable)?;
            let metadata = Arc::new(metadata);
            *description = Some((now, metadata.clone()));
            metadata
        };
        let secret = self.settings.client_secret.as_ref().map(|secret| ClientSecret::new(secret.to_string()));
        let id = ClientId::new(self.settings.client_id.clone());
        let redirect = RedirectUrl::new(self.redirect.clone()).map_err(unusable)?;
        Ok(CoreClient::from_provider_metadata((*metadata).clone(), id, secret).set_redirect_uri(redirect))
    }
}

/// How the `openidconnect` crate is to send requests: with the HTTP client that everything else here uses, and bounds.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = reqwest::Error;
    type Future = BoxFuture<'c, Result<HttpResponse, reqwest::Error>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let mut response = self.0.execute(request.try_into()?).await?;
            let mut answer = HttpResponse::new(Vec::new());
            *answer.status_mut() = response.status();
            *answer.headers_mut() = response.headers().clone();
            while let Some(chunk) = response.chunk().await? {
                answer.body_mut().extend_from_slice(&chunk);
                if answer.body().len() > ANSWER_MAX {
                    // What was cut off is not valid JSON any longer, so it is refused.
                    break;
                }
            }
            Ok(answer)
        })
    }
}

fn verifier(client: &Client, now: Timestamp) -> CoreIdTokenVerifier<'_> {
    let now = chrono::DateTime::from_timestamp(now.as_second(), 0).unwrap_or_default();
    client.id_token_verifier().set_time_fn(move || now)
}

fn unusable(error: impl std::error::Error) -> OidcError {
    OidcError::Provider(chain(&error))
}

fn refused(error: impl std::error::Error) -> OidcError {
    OidcError::Refused(chain(&error))
}

/// An error with its causes, which alone say what is wrong.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
