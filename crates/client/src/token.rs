//! The SDK token, and where it comes from.

use std::{fmt, path::PathBuf, sync::Arc};

use zeroize::Zeroizing;

use crate::Error;

/// An SDK token. It is a password: wiped from memory when dropped, never shown by `Debug`, and opaque to the client, which
/// takes a token of any shape.
#[derive(Clone, PartialEq, Eq)]
pub struct SdkToken(Zeroizing<String>);

impl SdkToken {
    /// A token as it was copied from Topics → Broker settings; surrounding white space is not part of it.
    pub fn new(value: impl AsRef<str>) -> Self {
        Self(Zeroizing::new(value.as_ref().trim().to_owned()))
    }

    /// The token itself. Everything that calls this hands a secret to somebody.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// What may be shown of it: the last four characters, of a token that is long enough to have that many to spare.
    pub fn masked(&self) -> String {
        let characters = self.0.chars().count();
        if characters < 16 {
            "…".into()
        } else {
            format!("…{}", self.0.chars().skip(characters - 4).collect::<String>())
        }
    }
}

impl fmt::Debug for SdkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SdkToken({})", self.masked())
    }
}

impl<T: AsRef<str>> From<T> for SdkToken {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// What a callback answers: the token that is valid now, or why there is none.
pub type TokenResult = Result<SdkToken, Box<dyn std::error::Error + Send + Sync>>;

/// Where a token comes from. All but the first let a program pick up a new token without a restart.
#[derive(Clone)]
#[non_exhaustive]
pub enum TokenSource {
    /// A token that never changes.
    Fixed(SdkToken),
    /// A file that holds a token and nothing else, as secrets are mounted into containers. It is read again every second,
    /// and when a token is refused.
    File(PathBuf),
    /// A function that is asked once at the start, and again when a token is refused.
    Callback(Arc<dyn Fn() -> TokenResult + Send + Sync>),
}

impl TokenSource {
    /// The token that this source holds now.
    pub(crate) fn read(&self) -> Result<SdkToken, Error> {
        let token = match self {
            Self::Fixed(token) => token.clone(),
            Self::File(path) => {
                let text = std::fs::read_to_string(path).map(Zeroizing::new);
                SdkToken::new(
                    text.map_err(|error| Error::TokenSource(format!("{}: {error}", path.display())))?.as_str(),
                )
            }
            Self::Callback(callback) => callback().map_err(|error| Error::TokenSource(error.to_string()))?,
        };
        if token.expose().is_empty() {
            return Err(Error::NoToken);
        }
        Ok(token)
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(token) => write!(f, "Fixed({token:?})"),
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Callback(_) => f.write_str("Callback"),
        }
    }
}

impl From<SdkToken> for TokenSource {
    fn from(token: SdkToken) -> Self {
        Self::Fixed(token)
    }
}

impl From<&str> for TokenSource {
    fn from(token: &str) -> Self {
        Self::Fixed(token.into())
    }
}

impl From<String> for TokenSource {
    fn from(token: String) -> Self {
        Self::Fixed(token.into())
    }
}

impl From<PathBuf> for TokenSource {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s7_a_token_is_never_shown() {
        let token = SdkToken::new(" sdk-0123456789ABCDEFGHIJKLMNOPQRSTUV3uaJwH\n");
        assert_eq!(token.expose().len(), 42);
        assert_eq!(
            format!("{token:?} {:?}", TokenSource::from(token.clone())),
            "SdkToken(…aJwH) Fixed(SdkToken(…aJwH))"
        );
        assert_eq!(SdkToken::new("sdk-12345").masked(), "…");
    }

    #[test]
    fn a_file_is_read_anew() {
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        let source = TokenSource::from(file.path().to_owned());
        assert!(matches!(source.read(), Err(Error::NoToken)));
        std::fs::write(file.path(), "sdk-one\n").expect("written");
        assert_eq!(source.read().expect("read").expose(), "sdk-one");
        let missing = TokenSource::File("/nowhere/token".into()).read().expect_err("missing");
        assert!(missing.to_string().contains("/nowhere/token"), "{missing}");
    }
}
