//! The grammar of RFC 5802 §7, as far as both sides need it.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::ScramError;

/// Longer messages are refused: no honest one comes near.
const MAX_MESSAGE: usize = 8 * 1024;

pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(super) fn decode(text: &str) -> Result<Vec<u8>, ScramError> {
    STANDARD.decode(text).map_err(|_| ScramError::Malformed("base64"))
}

/// The message as text.
pub(super) fn text(message: &[u8]) -> Result<&str, ScramError> {
    if message.len() > MAX_MESSAGE {
        return Err(ScramError::Malformed("too long"));
    }
    std::str::from_utf8(message).map_err(|_| ScramError::Malformed("not UTF-8"))
}

/// The value of the attribute `name` at the head of `attributes`, and what follows it.
pub(super) fn attribute<'a>(
    attributes: &mut impl Iterator<Item = &'a str>,
    name: &'static str,
) -> Result<&'a str, ScramError> {
    let missing = ScramError::Malformed("an attribute is missing");
    attributes.next().and_then(|part| part.strip_prefix(name)?.strip_prefix('=')).ok_or(missing)
}

/// A nonce: printable ASCII without a comma.
pub(super) fn nonce(text: &str) -> Result<&str, ScramError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') {
        return Err(ScramError::Malformed("nonce"));
    }
    Ok(text)
}

/// `=` and `,` escaped, so that a name can stand in a message.
pub(super) fn escape_name(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// Undoes [`escape_name`]; any other use of `=` is an error.
pub(super) fn unescape_name(escaped: &str) -> Result<String, ScramError> {
    let mut parts = escaped.split('=');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (character, rest) = match (part.strip_prefix("2C"), part.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            _ => return Err(ScramError::Malformed("user name")),
        };
        name.push(character);
        name.push_str(rest);
    }
    if name.is_empty() {
        return Err(ScramError::Malformed("user name"));
    }
    Ok(name)
}
