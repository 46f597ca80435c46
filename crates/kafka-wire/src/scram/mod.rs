//! SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677), server and client, without I/O.
//!
//! A server calls [`server::Exchange::begin`] with the client's first message and [`server::Exchange::finish`] with its
//! last; a client does the same with [`client::Exchange`]. Neither knows where nonces, salts or time come from.

pub mod client;
mod message;
pub mod server;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

/// Kafka's minimum, and what Twinkey uses: the password is derived from 190 random bits, stretching adds nothing.
pub const ITERATIONS: u32 = 4096;
/// A client refuses more, so that a server cannot make it work for hours.
const MAX_ITERATIONS: u32 = 1_000_000;

/// The hash that an exchange uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mechanism {
    /// SCRAM-SHA-256 (RFC 7677).
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

impl Mechanism {
    /// The mechanism's name in SASL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        const ANY_LENGTH: &str = "HMAC takes keys of any length";
        match self {
            Self::Sha256 => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key).expect(ANY_LENGTH);
                mac.update(data);
                mac.finalize().into_bytes().to_vec()
            }
            Self::Sha512 => {
                let mut mac = Hmac::<Sha512>::new_from_slice(key).expect(ANY_LENGTH);
                mac.update(data);
                mac.finalize().into_bytes().to_vec()
            }
        }
    }

    fn hash(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha512 => Sha512::digest(data).to_vec(),
        }
    }

    /// The salted password, which is what an administrator sends to Kafka instead of the password. Takes milliseconds:
    /// not for an async thread.
    pub fn salted_password(self, password: &str, salt: &[u8], iterations: u32) -> Zeroizing<Vec<u8>> {
        self.stretch(password.as_bytes(), salt, iterations)
    }

    fn stretch(self, password: &[u8], salt: &[u8], iterations: u32) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Sha256 => {
                let mut key = Zeroizing::new(vec![0; 32]);
                pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut key);
                key
            }
            Self::Sha512 => {
                let mut key = Zeroizing::new(vec![0; 64]);
                pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, iterations, &mut key);
                key
            }
        }
    }
}

/// Why an exchange failed. The texts hold nothing that the peer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScramError {
    /// The message does not follow the grammar of RFC 5802.
    #[error("malformed SCRAM message: {0}")]
    Malformed(&'static str),
    /// The client demands channel binding, which this server does not offer.
    #[error("channel binding is not supported")]
    ChannelBinding,
    /// The client wants to act as somebody else.
    #[error("an authorisation identity other than the user is not supported")]
    AuthorisationIdentity,
    /// The nonce of the peer's message is not of this exchange.
    #[error("the nonce does not belong to this exchange")]
    Nonce,
    /// The peer did not prove that it knows the password (or, for a client, the server did not).
    #[error("wrong proof")]
    Proof,
    /// The server wants too few or too many iterations.
    #[error("the server asks for {0} iterations")]
    Iterations(u32),
    /// The server refused.
    #[error("the server refused the sign-in")]
    Refused,
}

/// What a server must know of a password: enough to check a proof, not enough to make one.
#[derive(Clone, zeroize::ZeroizeOnDrop)]
pub struct Keys {
    stored: Vec<u8>,
    server: Vec<u8>,
}

impl Keys {
    /// Derives the keys of `password`. Takes milliseconds: not for an async thread.
    pub fn derive(mechanism: Mechanism, password: &str, salt: &[u8], iterations: u32) -> Self {
        let salted = mechanism.stretch(password.as_bytes(), salt, iterations);
        let client = Zeroizing::new(mechanism.hmac(&salted, b"Client Key"));
        Self { stored: mechanism.hash(&client), server: mechanism.hmac(&salted, b"Server Key") }
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// A keyed hash of `text` for the purpose `label`: salts that a stranger cannot foresee, and fingerprints of secrets.
pub fn keyed_hash(key: &[u8], label: &str, text: &str) -> Vec<u8> {
    Mechanism::Sha256.hmac(key, format!("{label}\0{text}").as_bytes())
}

fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right).map(|(l, r)| l ^ r).collect()
}

#[cfg(test)]
mod tests;
