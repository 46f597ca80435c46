//! The master key, what is derived from it, and how tokens are kept at rest.
//!
//! A token is looked up by a keyed hash and shown again from an authenticated ciphertext; the two keys are derived from
//! the master key by HKDF-SHA-256 with different labels. While the master key is being changed there are two: what is new is
//! made under the primary one, and what exists is recognised under both ([`crate::rekeying`]). The password of a token's broker principal is derived from the
//! token itself, so that no further secret has to be stored or moved when the master key changes.

mod source;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use twinkey_api::token::Secret;
use zeroize::Zeroizing;

pub use self::source::{MasterKeyError, MasterKeySource, generate};
use crate::{audit::checkpoint::Signer, random::Random};

const NONCE_LENGTH: usize = 24;
/// How the names of principals begin, unless the operator wants it otherwise.
pub const PRINCIPAL_PREFIX: &str = "tk-";

/// The keyed hash of a token: what the database and the registry know it by.
pub type TokenHash = [u8; 32];

/// The keys in use.
pub struct Keys {
    principal_prefix: String,
    primary: MasterKey,
    /// Present while the master key is being changed.
    previous: Option<MasterKey>,
}

/// What is derived from one master key.
struct MasterKey {
    id: String,
    hash: Hmac<Sha256>,
    seal: XChaCha20Poly1305,
    audit: Signer,
}

impl Keys {
    /// Reads the master key, or makes its file if there is none and `may_create`, and derives the rest.
    pub fn load(source: &MasterKeySource, may_create: bool, random: &Random) -> Result<Self, MasterKeyError> {
        let primary = MasterKey::derive(&source.read(may_create, random)?);
        Ok(Self { principal_prefix: PRINCIPAL_PREFIX.to_owned(), primary, previous: None })
    }

    /// [`Keys::load`], together with the key that is to be replaced.
    pub fn load_both(
        source: &MasterKeySource,
        previous: Option<&MasterKeySource>,
        may_create: bool,
        random: &Random,
    ) -> Result<Self, MasterKeyError> {
        let mut keys = Self::load(source, may_create, random)?;
        if let Some(previous) = previous {
            let key = MasterKey::derive(&previous.read(false, random)?);
            if key.id == keys.primary.id {
                return Err(MasterKeyError::Same { primary: source.name(), previous: previous.name() });
            }
            keys.previous = Some(key);
        }
        Ok(keys)
    }

    /// The id of the key that everything new is made under: what rows carry as `key_id`.
    pub fn id(&self) -> &str {
        &self.primary.id
    }

    /// The id of the other key, while there is one.
    pub fn previous_id(&self) -> Option<&str> {
        self.previous.as_ref().map(|key| &*key.id)
    }

    /// Whether one of the keys has this id.
    pub fn know(&self, id: &str) -> bool {
        self.id() == id || self.previous_id() == Some(id)
    }

    /// The same keys with principals whose names begin otherwise.
    #[must_use]
    pub fn with_principal_prefix(self, prefix: &str) -> Self {
        Self { principal_prefix: prefix.to_owned(), ..self }
    }

    /// The broker principal of the token with this public id.
    pub fn principal(&self, token_id: &str) -> String {
        format!("{}{token_id}", self.principal_prefix)
    }

    /// The public id of the token that a principal of this name would belong to.
    pub fn token_of_principal<'a>(&self, principal: &'a str) -> Option<&'a str> {
        principal.strip_prefix(self.principal_prefix.as_str())
    }

    /// The keyed hash that `token` is looked up by.
    pub fn hash(&self, token: &Secret) -> TokenHash {
        self.primary.hash(token)
    }

    /// The hash that `token` has if it was stored under the other key, while there is one.
    pub fn previous_hash(&self, token: &Secret) -> Option<TokenHash> {
        self.previous.as_ref().map(|key| key.hash(token))
    }

    /// Every hash that `token` may be stored under.
    pub fn hashes(&self, token: &Secret) -> Vec<TokenHash> {
        [Some(self.hash(token)), self.previous_hash(token)].into_iter().flatten().collect()
    }

    /// What checkpoints of the audit log are signed with: by both keys, while there are two.
    pub fn signers(&self) -> Vec<&Signer> {
        [Some(&self.primary), self.previous.as_ref()].into_iter().flatten().map(|key| &key.audit).collect()
    }

    /// Encrypts `token` for storage under its public `id`: nonce, then ciphertext. The id is authenticated too, so that a
    /// ciphertext cannot be moved to another row.
    pub fn seal(&self, id: &str, token: &Secret, random: &Random) -> Vec<u8> {
        self.seal_bytes(id, token.expose().as_bytes(), random)
    }

    /// Decrypts what [`Keys::seal`] made. `None`: another key, another id, or changed bytes.
    pub fn unseal(&self, id: &str, sealed: &[u8]) -> Option<Secret> {
        let plaintext = self.unseal_bytes(id, sealed)?;
        Secret::parse(std::str::from_utf8(&plaintext).ok()?).ok()
    }

    /// [`Keys::seal`] for a secret that is not a token. Its `id` must tell it from tokens.
    pub fn seal_bytes(&self, id: &str, secret: &[u8], random: &Random) -> Vec<u8> {
        let nonce: [u8; NONCE_LENGTH] = random.bytes();
        let payload = Payload { msg: secret, aad: id.as_bytes() };
        let ciphertext =
            self.primary.seal.encrypt(&XNonce::from(nonce), payload).expect("a secret is far below the AEAD's limit");
        [&nonce[..], &ciphertext].concat()
    }

    /// Decrypts what [`Keys::seal_bytes`] made.
    pub fn unseal_bytes(&self, id: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let previous = || self.previous.as_ref()?.unseal(id, sealed);
        self.primary.unseal(id, sealed).or_else(previous)
    }
}

impl MasterKey {
    fn derive(master: &[u8]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, master);
        let expand = |label: &str, key: &mut [u8]| {
            hkdf.expand(label.as_bytes(), key).expect("32 bytes is a valid length for HKDF-SHA-256");
        };
        let derive = |label: &str| {
            let mut key = Zeroizing::new([0; 32]);
            expand(label, &mut *key);
            key
        };
        // Not a part of the key, and nothing can be worked out from it.
        let mut id = [0; 6];
        expand("twinkey master key id v1", &mut id);
        Self {
            id: hex::encode(id),
            hash: Hmac::new_from_slice(&*derive("twinkey token hash v1")).expect("HMAC takes keys of any length"),
            seal: XChaCha20Poly1305::new_from_slice(&*derive("twinkey token seal v1")).expect("the key has 32 bytes"),
            audit: Signer::from_seed(&derive("twinkey audit checkpoint v1")),
        }
    }

    fn hash(&self, token: &Secret) -> TokenHash {
        self.hash.clone().chain_update(token.expose()).finalize().into_bytes().into()
    }

    fn unseal(&self, id: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LENGTH>()?;
        let payload = Payload { msg: ciphertext, aad: id.as_bytes() };
        self.seal.decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }
}

/// The password of a token's broker principal: 32 bytes of HKDF-SHA-256 over the token, base64url.
pub fn broker_password(token: &Secret) -> Zeroizing<String> {
    let mut password = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, token.expose().as_bytes())
        .expand(b"twinkey broker password v1", &mut *password)
        .expect("32 bytes is a valid length for HKDF-SHA-256");
    Zeroizing::new(URL_SAFE_NO_PAD.encode(password))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use twinkey_api::TokenKind;

    use super::*;

    fn keys(source: &MasterKeySource, may_create: bool) -> Result<Keys, MasterKeyError> {
        Keys::load(source, may_create, &Random::from_seed(1))
    }

    #[test]
    fn the_file_is_made_once_with_mode_0600_and_then_kept() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("master.key");
        let token = Random::from_seed(2).with(|rng| Secret::generate(TokenKind::Sdk, rng));
        let first = keys(&path.clone().into(), true).expect("made");
        assert_eq!(fs::metadata(&path).expect("exists").permissions().mode() & 0o777, 0o600);
        let second = keys(&path.clone().into(), false).expect("read");
        assert_eq!(first.hash(&token), second.hash(&token));
        fs::remove_file(&path).expect("removed");
        let missing = keys(&path.into(), false);
        assert!(matches!(missing, Err(MasterKeyError::Missing(_))));
    }

    #[test]
    fn a_ciphertext_opens_only_under_its_id_and_unchanged() {
        let random = Random::from_seed(3);
        let keys = keys(&MasterKeySource::Value(Zeroizing::new("A".repeat(43))), false).expect("a key");
        let token = random.with(|rng| Secret::generate(TokenKind::Sdk, rng));
        let mut sealed = keys.seal("one", &token, &random);
        assert_eq!(keys.unseal("one", &sealed), Some(token));
        assert_eq!(keys.unseal("two", &sealed), None);
        *sealed.last_mut().expect("not empty") ^= 1;
        assert_eq!(keys.unseal("one", &sealed), None);
        assert_eq!(keys.unseal("one", &[]), None);
    }

    #[test]
    fn with_both_keys_everything_is_recognised_and_new_things_are_under_the_primary() {
        let random = Random::from_seed(4);
        let [old, new] = ["A", "E"].map(|letter| MasterKeySource::Value(Zeroizing::new(letter.repeat(43))));
        let alone = keys(&old, false).expect("a key");
        let both = Keys::load_both(&new, Some(&old), false, &random).expect("two keys");
        let token = random.with(|rng| Secret::generate(TokenKind::Sdk, rng));
        assert_eq!(both.previous_hash(&token), Some(alone.hash(&token)));
        assert_eq!(both.previous_id(), Some(alone.id()));
        assert!(both.know(alone.id()) && both.know(both.id()) && !alone.know(both.id()));
        assert_eq!(both.unseal("id", &alone.seal("id", &token, &random)), Some(token.clone()));
        assert_eq!(alone.unseal("id", &both.seal("id", &token, &random)), None);
        let twice = Keys::load_both(&old, Some(&old), false, &random);
        assert!(matches!(twice, Err(MasterKeyError::Same { .. })));
    }

    #[test]
    fn a_generated_file_replaces_none() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = directory.path().join("new.key");
        generate(&path, &Random::from_seed(5)).expect("made");
        assert_eq!(fs::metadata(&path).expect("exists").permissions().mode() & 0o777, 0o600);
        keys(&path.clone().into(), false).expect("a key");
        assert!(generate(&path, &Random::from_seed(6)).is_err());
    }

    #[test]
    fn a_malformed_key_names_its_source() {
        let error =
            keys(&MasterKeySource::Value(Zeroizing::new("short".into())), false).err().expect("refused").to_string();
        assert!(error.contains("TWINKEY_MASTER_KEY"), "{error}");
    }
}
