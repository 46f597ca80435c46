//! The client's side of an exchange.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{ITERATIONS, MAX_ITERATIONS, Mechanism, ScramError, message, xor};

/// An exchange that has sent its first message.
pub struct Exchange {
    mechanism: Mechanism,
    password: Zeroizing<String>,
    nonce: String,
    bare: String,
}

impl Exchange {
    /// The first message for `user`. `nonce` must be fresh randomness in printable ASCII without commas.
    pub fn begin(mechanism: Mechanism, user: &str, password: &str, nonce: &str) -> (Self, Vec<u8>) {
        let bare = format!("n={},r={nonce}", message::escape_name(user));
        let first = format!("n,,{bare}").into_bytes();
        (Self { mechanism, password: Zeroizing::new(password.to_owned()), nonce: nonce.to_owned(), bare }, first)
    }

    /// Answers the server's first message. Stretches the password, which takes milliseconds.
    pub fn prove(self, server_first: &[u8]) -> Result<(Verifier, Vec<u8>), ScramError> {
        let text = message::text(server_first)?;
        let mut attributes = text.split(',');
        let nonce = message::nonce(message::attribute(&mut attributes, "r")?)?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(ScramError::Nonce);
        }
        let salt = message::decode(message::attribute(&mut attributes, "s")?)?;
        let iterations =
            message::attribute(&mut attributes, "i")?.parse().map_err(|_| ScramError::Malformed("iterations"))?;
        if !(ITERATIONS..=MAX_ITERATIONS).contains(&iterations) {
            return Err(ScramError::Iterations(iterations));
        }
        let without_proof = format!("c={},r={nonce}", message::encode(b"n,,"));
        let signed = format!("{},{text},{without_proof}", self.bare);
        let salted = self.mechanism.stretch(self.password.as_bytes(), &salt, iterations);
        let client_key = Zeroizing::new(self.mechanism.hmac(&salted, b"Client Key"));
        let signature = self.mechanism.hmac(&self.mechanism.hash(&client_key), signed.as_bytes());
        let proof = message::encode(&xor(&client_key, &signature));
        let server_key = self.mechanism.hmac(&salted, b"Server Key");
        let expected = self.mechanism.hmac(&server_key, signed.as_bytes());
        Ok((Verifier { expected }, format!("{without_proof},p={proof}").into_bytes()))
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

/// What the server's last message must prove.
pub struct Verifier {
    expected: Vec<u8>,
}

impl Verifier {
    /// Checks the server's last message: a server that does not know the password is refused.
    pub fn verify(self, server_final: &[u8]) -> Result<(), ScramError> {
        let text = message::text(server_final)?;
        if text.starts_with("e=") {
            return Err(ScramError::Refused);
        }
        let verifier = message::decode(message::attribute(&mut text.split(','), "v")?)?;
        if bool::from(verifier.ct_eq(&self.expected)) { Ok(()) } else { Err(ScramError::Proof) }
    }
}
