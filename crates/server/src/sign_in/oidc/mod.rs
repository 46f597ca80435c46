//! Signing in through an OpenID Connect provider: authorisation code with PKCE.
//!
//! What belongs to one sign-in (state, nonce, the PKCE verifier) is kept by the browser, in a cookie for ten minutes: so a
//! sign-in that was begun in one browser cannot be finished in another, and any replica can finish it.

mod account;
mod provider;

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use twinkey_api::Role;
use zeroize::Zeroizing;

pub use self::{
    account::find_or_make,
    provider::{Identity, OidcError, Provider},
};
use super::cookie;

/// How long somebody may take at the provider.
const MINUTES: i64 = 10;

/// A provider, and what Twinkey is to it.
#[derive(Clone)]
pub struct OidcSettings {
    /// The provider's issuer URL, as it says itself in `/.well-known/openid-configuration`.
    pub issuer: String,
    /// Twinkey's client id there.
    pub client_id: String,
    /// Its secret; absent for a public client.
    pub client_secret: Option<Zeroizing<String>>,
    /// What people are shown as the provider's name.
    pub name: String,
    /// The role of somebody whom nobody has invited; absent: only members and invited people get in.
    pub default_role: Option<Role>,
}

/// What the browser keeps until the provider sends it back.
#[derive(Serialize, Deserialize)]
pub struct Begun {
    /// Comes back in the URL.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// Proves to the provider that who began is who ends.
    pub verifier: String,
}

impl Begun {
    /// The cookie that keeps it.
    pub fn cookie(&self, public_url: &str) -> HeaderValue {
        let json = serde_json::to_vec(self).expect("plain data");
        cookie::set(public_url, NAME, &URL_SAFE_NO_PAD.encode(json), 60 * MINUTES)
    }

    /// What the cookie of a request keeps.
    pub fn of(headers: &HeaderMap, public_url: &str) -> Option<Self> {
        let text = cookie::values(headers, &cookie::full_name(public_url, NAME)).into_iter().next()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }

    /// The cookie that forgets it.
    pub fn forget(public_url: &str) -> (header::HeaderName, HeaderValue) {
        (header::SET_COOKIE, cookie::set(public_url, NAME, "", 0))
    }
}

const NAME: &str = "twinkey-oidc";
