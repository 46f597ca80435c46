//! The master key, what is derived from it, and how tokens are kept at rest.
//!
//! A token is looked up by a keyed hash and shown again from an authenticated ciphertext; the two keys are derived from
//! the master key by HKDF-SHA-256 with different labels. The password of a token's broker principal is derived from the
//! token itself, so that no further secret has to be stored or moved when the master key changes.

use std::{fs, io, path::PathBuf};

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

use crate::{files::write_private, random::Random};

const NONCE_LENGTH: usize = 24;
/// How the names of principals begin, unless the operator wants it otherwise.
pub const PRINCIPAL_PREFIX: &str = "tk-";

/// Where the master key comes from.
#[derive(Clone)]
pub enum MasterKeySource {
    /// A file with 43 base64url characters, mode 0600.
    File(PathBuf),
    /// The same 43 characters, from the variable `TWINKEY_MASTER_KEY`.
    Value(Zeroizing<String>),
}

/// Why there is no usable master key; the sentences say which file or variable.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file is not there although there is data that needs it.
    #[error(
        "the master key file {0} is missing, and the database needs the key it was created with; restore the file, or set TWINKEY_MASTER_KEY"
    )]
    Missing(PathBuf),
    /// The file cannot be read or made.
    #[error("cannot read or create the master key file {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text is not a key.
    #[error("the master key in {0} is not valid: it must be 32 bytes in base64url (43 characters)")]
    Form(String),
    /// It is a key, but not the one that encrypted this database.
    #[error("the master key in {0} is not the one that this database was created with")]
    Wrong(String),
}

impl From<PathBuf> for MasterKeySource {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl MasterKeySource {
    /// What to call it in an error.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Value(_) => "TWINKEY_MASTER_KEY".to_owned(),
        }
    }

    fn text(&self, may_create: bool, random: &Random) -> Result<Zeroizing<String>, MasterKeyError> {
        let path = match self {
            Self::File(path) => path,
            Self::Value(text) => return Ok(text.clone()),
        };
        let failed = |source| MasterKeyError::File { path: path.clone(), source };
        match fs::read_to_string(path) {
            Ok(text) => Ok(Zeroizing::new(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && may_create => {
                let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(Zeroizing::new(random.bytes::<32>())));
                write_private(path, text.as_bytes()).map_err(failed)?;
                Ok(text)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(MasterKeyError::Missing(path.clone())),
            Err(error) => Err(failed(error)),
        }
    }
}

/// The keyed hash of a token: what the database and the registry know it by.
pub type TokenHash = [u8; 32];

/// The keys in use.
pub struct Keys {
    principal_prefix: String,
    hash: Hmac<Sha256>,
    seal: XChaCha20Poly1305,
}

impl Keys {
    /// Reads the master key, or makes its file if there is none and `may_create`, and derives the rest.
    pub fn load(source: &MasterKeySource, may_create: bool, random: &Random) -> Result<Self, MasterKeyError> {
        let text = source.text(may_create, random)?;
        let form = || MasterKeyError::Form(source.name());
        let master = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| form())?);
        if master.len() != 32 {
            return Err(form());
        }
        let hkdf = Hkdf::<Sha256>::new(None, &master);
        let derive = |label: &str| {
            let mut key = Zeroizing::new([0; 32]);
            hkdf.expand(label.as_bytes(), &mut *key).expect("32 bytes is a valid length for HKDF-SHA-256");
            key
        };
        Ok(Self {
            principal_prefix: PRINCIPAL_PREFIX.to_owned(),
            hash: Hmac::new_from_slice(&*derive("twinkey token hash v1")).expect("HMAC takes keys of any length"),
            seal: XChaCha20Poly1305::new_from_slice(&*derive("twinkey token seal v1")).expect("the key has 32 bytes"),
        })
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

    /// The keyed hash that `token` is looked up by.
    pub fn hash(&self, token: &Secret) -> TokenHash {
        self.hash.clone().chain_update(token.expose()).finalize().into_bytes().into()
    }

    /// Encrypts `token` for storage under its public `id`: nonce, then ciphertext. The id is authenticated too, so that a
    /// ciphertext cannot be moved to another row.
    pub fn seal(&self, id: &str, token: &Secret, random: &Random) -> Vec<u8> {
        let nonce: [u8; NONCE_LENGTH] = random.bytes();
        let payload = Payload { msg: token.expose().as_bytes(), aad: id.as_bytes() };
        let ciphertext =
            self.seal.encrypt(&XNonce::from(nonce), payload).expect("a token is far below the AEAD's limit");
        [&nonce[..], &ciphertext].concat()
    }

    /// Decrypts what [`Keys::seal`] made. `None`: another key, another id, or changed bytes.
    pub fn unseal(&self, id: &str, sealed: &[u8]) -> Option<Secret> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LENGTH>()?;
        let payload = Payload { msg: ciphertext, aad: id.as_bytes() };
        let plaintext = Zeroizing::new(self.seal.decrypt(&XNonce::from(*nonce), payload).ok()?);
        Secret::parse(std::str::from_utf8(&plaintext).ok()?).ok()
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
    use std::os::unix::fs::PermissionsExt;

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
    fn a_malformed_key_names_its_source() {
        let error =
            keys(&MasterKeySource::Value(Zeroizing::new("short".into())), false).err().expect("refused").to_string();
        assert!(error.contains("TWINKEY_MASTER_KEY"), "{error}");
    }
}
