//! What a receiver knows a delivery by: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.
//!
//! The scheme is five lines over the HMAC that is here anyway; the crate `standardwebhooks` verifies them in the tests.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{keys::Keys, random::Random};

/// A webhook's signing key. Shown once, as `whsec_…`; sealed at rest like a token.
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

impl WebhookSecret {
    /// A new one.
    pub fn generate(random: &Random) -> Self {
        Self(Zeroizing::new(random.bytes::<32>().to_vec()))
    }

    /// As receivers are given it.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("whsec_{}", BASE64_STANDARD.encode(&*self.0)))
    }

    /// For storage with the webhook `id`.
    pub fn seal(&self, keys: &Keys, id: &str, random: &Random) -> Vec<u8> {
        keys.seal_bytes(&sealed_under(id), &self.0, random)
    }

    /// What [`WebhookSecret::seal`] made; `None`: another key, another webhook, or changed bytes.
    pub fn unseal(keys: &Keys, id: &str, sealed: &[u8]) -> Option<Self> {
        keys.unseal_bytes(&sealed_under(id), sealed).map(Self)
    }

    /// The signature of a delivery.
    fn sign(&self, id: &str, at: Timestamp, payload: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        let mac = mac.chain_update(format!("{id}.{}.{payload}", at.as_second()));
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// The header `webhook-signature` with the signature of each secret: a receiver accepts a delivery if one of them is right.
pub fn sign_with_all(secrets: &[WebhookSecret], id: &str, at: Timestamp, payload: &str) -> String {
    secrets.iter().map(|secret| secret.sign(id, at, payload)).collect::<Vec<_>>().join(" ")
}

/// Tells it from a token of the same id.
fn sealed_under(id: &str) -> String {
    format!("webhook:{id}")
}
