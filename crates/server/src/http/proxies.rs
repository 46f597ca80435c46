//! Whose word is taken for where a request comes from.
//!
//! Behind a reverse proxy every connection comes from the proxy, and the client's address stands in `X-Forwarded-For`. Anybody
//! can send that header, so it counts only from proxies that the operator has named, and of its entries only those
//! that such a proxy has added. `Forwarded` (RFC 7239) is not read: a proxy that sets one of the two headers passes the
//! other on as the client sent it, so a server that reads both believes the client.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{extract::FromRequestParts, http::request::Parts};
use hyper::HeaderMap;
use ipnet::IpNet;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies that are believed. With none of them the header means nothing.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// These networks, and nobody else.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Where a request comes from that `peer` sent: the rightmost address that is not a trusted proxy's. An entry that is not
    /// an address ends the search, because nothing to its left was added by somebody who is believed.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if self.0.is_empty() {
            return client;
        }
        // Several lines of the same header are one list, in their order.
        let lines: Vec<_> = headers.get_all(X_FORWARDED_FOR).iter().collect();
        let entries = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        for entry in entries {
            if !self.trusts(client) {
                break;
            }
            let Some(before) = std::str::from_utf8(entry).ok().and_then(address) else { break };
            client = before;
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// An entry as proxies write it: an address, or an address with a port, IPv6 with or without brackets.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse::<IpAddr>().or_else(|_| entry.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    address.ok().map(|address| address.to_canonical())
}

/// Where a request comes from, as the audit log names it.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The address of a request; unspecified where there is no network.
    pub fn ip(parts: &Parts) -> IpAddr {
        parts.extensions.get::<Self>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.0)
    }

    /// The address of a request, as text.
    pub fn of(parts: &Parts) -> String {
        parts.extensions.get::<Self>().map_or_else(|| "local".into(), |client| client.0.to_string())
    }
}

/// [`ClientAddress`] as text, for handlers.
pub struct Address(pub String);

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(ClientAddress::of(parts)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, lines: &[&str]) -> String {
        let networks = trusted.iter().map(|network| network.parse().expect("a network")).collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, line.parse().expect("a header"));
        }
        TrustedProxies::new(networks).client(peer.parse().expect("an address"), &headers).to_string()
    }

    #[test]
    fn nobody_is_believed_unless_named() {
        assert_eq!(client(&[], "10.0.0.1", &["192.0.2.1"]), "10.0.0.1");
        assert_eq!(client(&["10.0.0.0/8"], "198.51.100.7", &["192.0.2.1"]), "198.51.100.7");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client(&["10.0.0.0/8"], "10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn of_a_chain_only_what_trusted_proxies_added_counts() {
        let trusted = ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"];
        // The client wrote the first entry itself; the outer proxy added the second, the inner one the third.
        assert_eq!(client(&trusted, "127.0.0.1", &["8.8.8.8, 192.0.2.1, 10.1.1.1"]), "192.0.2.1");
        assert_eq!(client(&trusted, "127.0.0.1", &["8.8.8.8", "192.0.2.1,10.1.1.1"]), "192.0.2.1");
        assert_eq!(client(&trusted, "fd00::1", &["2001:db8::1, fd00::2"]), "2001:db8::1");
        // Only proxies: the outermost of them asked by itself.
        assert_eq!(client(&trusted, "127.0.0.1", &["10.0.0.1, 10.0.0.2"]), "10.0.0.1");
    }

    #[test]
    fn entries_as_proxies_write_them() {
        let from = |line| client(&["10.0.0.0/8"], "10.0.0.1", &[line]);
        for (line, expected) in [
            ("192.0.2.1:4711", "192.0.2.1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(from(line), expected, "{line}");
        }
        // A socket that listens on IPv6 shows peers of IPv4 like this.
        assert_eq!(client(&["10.0.0.0/8"], "::ffff:10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn what_is_no_address_ends_the_search() {
        let from = |line| client(&["10.0.0.0/8"], "10.0.0.1", &[line]);
        for line in ["", ",", "unknown", "_hidden", "localhost", "192.0.2.1, nonsense", "1.2.3.4.5", "192.0.2.1:port"] {
            assert_eq!(from(line), "10.0.0.1", "{line}");
        }
        assert_eq!(from("192.0.2.1, nonsense, 10.0.0.9"), "10.0.0.9");
    }
}
