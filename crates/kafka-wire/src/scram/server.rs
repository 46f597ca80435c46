//! The server's side of an exchange.

use subtle::ConstantTimeEq;

use super::{Keys, Mechanism, ScramError, message, xor};

/// The client's first message, taken apart.
#[derive(Debug)]
pub struct ClientFirst {
    /// The user name, unescaped.
    pub user: String,
    nonce: String,
    /// The header that the client must repeat in its last message.
    gs2: String,
    /// The message without that header; a part of what is signed.
    bare: String,
}

impl ClientFirst {
    /// Reads `[n|y],[a=…],n=user,r=nonce[,extensions]`.
    pub fn parse(message: &[u8]) -> Result<Self, ScramError> {
        let text = message::text(message)?;
        let mut parts = text.splitn(3, ',');
        let (Some(flag), Some(identity), Some(bare)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(ScramError::Malformed("an attribute is missing"));
        };
        match flag {
            "n" | "y" => {}
            _ if flag.starts_with("p=") => return Err(ScramError::ChannelBinding),
            _ => return Err(ScramError::Malformed("channel binding flag")),
        }
        let mut attributes = bare.split(',');
        // Extensions that a client declares mandatory would stand first, as `m=`: they fail here as they must.
        let user = message::unescape_name(message::attribute(&mut attributes, "n")?)?;
        let nonce = message::nonce(message::attribute(&mut attributes, "r")?)?.to_owned();
        if !identity.is_empty() {
            let claimed = identity.strip_prefix("a=").ok_or(ScramError::Malformed("authorisation identity"))?;
            if message::unescape_name(claimed)? != user {
                return Err(ScramError::AuthorisationIdentity);
            }
        }
        Ok(Self { user, nonce, gs2: format!("{flag},{identity},"), bare: bare.to_owned() })
    }
}

/// An exchange whose first half is done.
#[derive(Debug)]
pub struct Exchange {
    mechanism: Mechanism,
    gs2: String,
    /// The nonce that the server sent: the client's and its own.
    nonce: String,
    /// The first two messages, as both sides sign them.
    signed: String,
}

impl Exchange {
    /// Answers the client's first message. `server_nonce` must be fresh randomness in printable ASCII without commas.
    pub fn begin(
        mechanism: Mechanism,
        first: ClientFirst,
        server_nonce: &str,
        salt: &[u8],
        iterations: u32,
    ) -> (Self, Vec<u8>) {
        let nonce = format!("{}{server_nonce}", first.nonce);
        let answer = format!("r={nonce},s={},i={iterations}", message::encode(salt));
        let signed = format!("{},{answer}", first.bare);
        (Self { mechanism, gs2: first.gs2, nonce, signed }, answer.into_bytes())
    }

    /// Checks the client's last message; the answer proves to the client that the server knows the password too.
    ///
    /// The nonce of the message must *end with* the nonce that the server sent, instead of being equal to it: librdkafka
    /// before 2.6.1 sends its own nonce twice. The server's fresh part is in it all the same, so that nothing can be
    /// replayed, and the proof is computed over the message as it was received.
    pub fn finish(self, keys: &Keys, message: &[u8]) -> Result<Vec<u8>, ScramError> {
        let text = message::text(message)?;
        // The proof is always the last attribute.
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(ScramError::Malformed("no proof"))?;
        let mut attributes = without_proof.split(',');
        if message::decode(message::attribute(&mut attributes, "c")?)? != self.gs2.as_bytes() {
            return Err(ScramError::ChannelBinding);
        }
        if !message::nonce(message::attribute(&mut attributes, "r")?)?.ends_with(&self.nonce) {
            return Err(ScramError::Nonce);
        }
        let proof = message::decode(proof)?;
        let signed = format!("{},{without_proof}", self.signed);
        let signature = self.mechanism.hmac(&keys.stored, signed.as_bytes());
        // A proof of another length would be cut by the exclusive or below; an empty one must never get so far.
        if proof.len() != signature.len() {
            return Err(ScramError::Proof);
        }
        let claimed = self.mechanism.hash(&xor(&proof, &signature));
        if !bool::from(claimed.ct_eq(&keys.stored)) {
            return Err(ScramError::Proof);
        }
        let verifier = self.mechanism.hmac(&keys.server, signed.as_bytes());
        Ok(format!("v={}", message::encode(&verifier)).into_bytes())
    }
}
