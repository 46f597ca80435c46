//! What tells one client of a token from another.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use twinkey_api::{token::Secret, usage::Via};
use twinkey_embedded_broker::ConnectionInfo;

/// How much of what a client says about itself is kept, in characters.
const TEXT_MAX: usize = 200;

/// Where a client is and what it says about itself, as it came: looked up without taking memory.
#[derive(Clone, Copy, Hash)]
pub struct Seen<'a> {
    /// How it came.
    pub via: Via,
    /// Where from.
    pub address: IpAddr,
    /// The user agent, or the `client.id`.
    pub agent: &'a [u8],
    /// Name and version of the client software, where the protocol tells.
    pub software: (&'a str, &'a str),
}

/// The same, to be kept: shortened, printable, and without any token that a program put there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// How it came.
    pub via: Via,
    /// Where from.
    pub address: String,
    /// The user agent, or the `client.id`; empty: none.
    pub agent: String,
    /// Name and version of the client software; empty: not told.
    pub software: String,
}

impl<'a> Seen<'a> {
    /// A connection of the embedded broker.
    pub fn connection(info: &'a ConnectionInfo) -> Self {
        let text = |text: &'a Option<String>| text.as_deref().unwrap_or_default();
        Self {
            via: Via::Broker,
            address: info.peer.ip().to_canonical(),
            agent: text(&info.client_id).as_bytes(),
            software: (text(&info.software_name), text(&info.software_version)),
        }
    }
}

impl From<Seen<'_>> for Identity {
    fn from(seen: Seen<'_>) -> Self {
        let (name, version) = seen.software;
        Self {
            via: seen.via,
            address: seen.address.to_string(),
            agent: kept(&String::from_utf8_lossy(seen.agent)),
            software: kept(&format!("{name} {version}")),
        }
    }
}

impl Identity {
    /// A connection of the embedded broker.
    pub fn of_connection(info: &ConnectionInfo) -> Self {
        Seen::connection(info).into()
    }

    /// The same on every replica and after each start: the client's part of the key in the database.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for part in [self.via.name(), &self.address, &self.agent, &self.software] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        hex::encode(&digest.finalize()[..16])
    }
}

/// Shortened, without control characters (PostgreSQL stores no NUL, terminals obey others), and tokens masked: whoever puts his
/// token into a user agent must not find it in the database.
fn kept(text: &str) -> String {
    let printable: String =
        text.trim().chars().take(4 * TEXT_MAX).map(|it| if it.is_control() { '\u{fffd}' } else { it }).collect();
    let mut kept = String::new();
    let word = |it: char| it.is_ascii_alphanumeric() || it == '-';
    for piece in printable.split_inclusive(|it| !word(it)) {
        let bare = piece.trim_end_matches(|it| !word(it));
        match Secret::parse(bare) {
            Ok(secret) => kept.push_str(&piece.replace(bare, &secret.masked())),
            Err(_) => kept.push_str(piece),
        }
    }
    kept.chars().take(TEXT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};
    use twinkey_api::TokenKind;

    use super::*;

    fn seen<'a>(agent: &'a [u8], software: (&'a str, &'a str)) -> Identity {
        Seen { via: Via::Broker, address: [10, 0, 3, 7].into(), agent, software }.into()
    }

    #[test]
    fn b7_what_is_kept_of_a_client_is_short_printable_and_holds_no_token() {
        let secret = Secret::generate(TokenKind::Sdk, &mut StdRng::seed_from_u64(1));
        let told = format!("app/1 ({}) \0\x1b[2J", secret.expose());
        let kept = seen(told.as_bytes(), ("", "")).agent;
        assert_eq!(kept, format!("app/1 ({}) \u{fffd}\u{fffd}[2J", secret.masked()));
        assert_eq!(seen(&[b'x'; 100_000], ("", "")).agent.len(), TEXT_MAX);
        assert_eq!(seen(b"\xff", ("librdkafka", "2.6.1")).software, "librdkafka 2.6.1");
    }

    #[test]
    fn clients_that_differ_in_anything_have_different_digests() {
        let all = [
            seen(b"a", ("", "")),
            seen(b"", ("a", "")),
            seen(b"ab", ("", "")),
            seen(b"a", ("b", "")),
            Identity { address: "10.0.3.8".into(), ..seen(b"a", ("", "")) },
            Identity { via: Via::Api, ..seen(b"a", ("", "")) },
        ];
        let digests: std::collections::HashSet<_> = all.iter().map(Identity::digest).collect();
        assert_eq!(digests.len(), all.len());
        assert_eq!(all[0].digest(), seen(b"a", ("", "")).digest());
    }
}
