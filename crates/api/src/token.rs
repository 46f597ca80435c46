//! The shape of every secret that Twinkey hands out: `sdk-…`, `pat-…`, `ses-…`, `inv-…`.
//!
//! A prefix that names the kind, 32 random base62 characters (190 bits), and 6 base62 characters of the CRC32 (IEEE) over
//! all that precedes. Prefix and checksum let a scanner find a leaked token and verify it offline, and let the server refuse a
//! mistyped one without looking anything up. The checksum is no protection against forgery.

use std::fmt;

use rand::{CryptoRng, RngExt, distr::Alphanumeric};
use zeroize::Zeroizing;

const RANDOM_LENGTH: usize = 32;
const CHECKSUM_LENGTH: usize = 6;
const PREFIX_LENGTH: usize = 4;
/// How many characters a token has.
pub const LENGTH: usize = PREFIX_LENGTH + RANDOM_LENGTH + CHECKSUM_LENGTH;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The regular expression that finds Twinkey tokens of every kind in text; confirm a match with [`Secret::parse`].
pub const SCANNER_REGEX: &str = r"\b(?:sdk|pat|ses|inv)-[0-9A-Za-z]{38}\b";

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// An SDK token: authenticates the streaming API of one workspace and its broker principal.
    Sdk,
    /// A personal access token: acts for a user.
    Pat,
    /// A sign-in session of a user.
    Session,
    /// An invitation: whoever holds it may accept it, once. Authenticates nothing.
    Invitation,
}

impl TokenKind {
    const ALL: [Self; 4] = [Self::Sdk, Self::Pat, Self::Session, Self::Invitation];

    /// The first four characters of every secret of this kind.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Sdk => "sdk-",
            Self::Pat => "pat-",
            Self::Session => "ses-",
            Self::Invitation => "inv-",
        }
    }
}

/// Why a text is not a Twinkey token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAToken {
    /// It begins with none of the known prefixes.
    #[error("it does not begin with sdk-, pat-, ses- or inv-")]
    Prefix,
    /// It has another length.
    #[error("it is not {LENGTH} characters long")]
    Length,
    /// It contains something other than letters and digits behind the prefix.
    #[error("it contains characters other than letters and digits")]
    Characters,
    /// The last six characters do not match the rest: mistyped, cut or invented.
    #[error("its checksum does not match, so it is mistyped or was never issued")]
    Checksum,
}

/// A plaintext token. Wiped from memory when dropped; `Debug` and `Display` show only [`Secret::masked`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    kind: TokenKind,
    value: Zeroizing<String>,
}

impl Secret {
    /// A fresh secret of this kind.
    pub fn generate(kind: TokenKind, rng: &mut dyn CryptoRng) -> Self {
        let mut value = Zeroizing::new(String::with_capacity(LENGTH));
        value.push_str(kind.prefix());
        value.extend((0..RANDOM_LENGTH).map(|_| char::from(rng.sample(Alphanumeric))));
        let checksum = checksum(value.as_bytes());
        value.extend(checksum.map(char::from));
        Self { kind, value }
    }

    /// Reads a token and verifies prefix, length, alphabet and checksum. Says nothing about whether it was ever issued.
    ///
    /// ```
    /// use twinkey_api::token::{NotAToken, Secret};
    /// assert_eq!(Secret::parse("sdk-12345"), Err(NotAToken::Length));
    /// ```
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        let kind = TokenKind::ALL.into_iter().find(|kind| text.starts_with(kind.prefix())).ok_or(NotAToken::Prefix)?;
        if text.len() != LENGTH {
            return Err(NotAToken::Length);
        }
        if !text.bytes().skip(PREFIX_LENGTH).all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(NotAToken::Characters);
        }
        let (body, claimed) = text.split_at(LENGTH - CHECKSUM_LENGTH);
        if claimed.as_bytes() != checksum(body.as_bytes()) {
            return Err(NotAToken::Checksum);
        }
        Ok(Self { kind, value: Zeroizing::new(text.to_owned()) })
    }

    /// What it is for.
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The plaintext. Everything that calls this hands a secret to somebody: keep the callers few.
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// Prefix and last four characters, enough for a person to tell two tokens apart: `sdk-…x9Qa`.
    pub fn masked(&self) -> String {
        masked(self.kind, &self.value)
    }
}

/// See [`Secret::masked`]; of the four characters shown, all belong to the checksum.
fn masked(kind: TokenKind, value: &str) -> String {
    format!("{}…{}", kind.prefix(), &value[LENGTH - 4..])
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.masked())
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// CRC32 of `body` in base62, most significant digit first. 62^6 exceeds 2^32, so six digits always suffice.
fn checksum(body: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut rest = crc32fast::hash(body);
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn generate(kind: TokenKind, seed: u64) -> Secret {
        Secret::generate(kind, &mut StdRng::seed_from_u64(seed))
    }

    /// Anybody who verifies offline depends on this exact format; changing it invalidates every token in use.
    #[test]
    fn b6_the_format_is_pinned() {
        let body = "sdk-0123456789ABCDEFGHIJKLMNOPQRSTUV";
        let token = format!("{body}{}", std::str::from_utf8(&checksum(body.as_bytes())).expect("base62"));
        assert_eq!(token, "sdk-0123456789ABCDEFGHIJKLMNOPQRSTUV3uaJwH");
        assert_eq!(Secret::parse(&token).expect("valid").kind(), TokenKind::Sdk);
    }

    #[test]
    fn debug_and_display_do_not_show_the_value() {
        let secret = generate(TokenKind::Sdk, 1);
        for shown in [format!("{secret:?}"), secret.to_string()] {
            assert!(!shown.contains(&secret.expose()[4..38]), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn what_is_generated_parses(seed: u64) {
            for kind in TokenKind::ALL {
                let secret = generate(kind, seed);
                prop_assert_eq!(Secret::parse(secret.expose()), Ok(secret.clone()));
            }
        }

        #[test]
        fn one_wrong_character_is_noticed(seed: u64, at in 4usize..LENGTH, with in "[0-9A-Za-z]") {
            let mut text = generate(TokenKind::Sdk, seed).expose().to_owned();
            prop_assume!(text[at..=at] != with);
            text.replace_range(at..=at, &with);
            prop_assert_eq!(Secret::parse(&text), Err(NotAToken::Checksum));
        }

        #[test]
        fn arbitrary_text_never_panics(text: String) {
            let _ = Secret::parse(&text);
        }
    }
}
