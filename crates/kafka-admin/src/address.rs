//! Addresses of brokers.

use std::{fmt, str::FromStr};

/// Host and port of a broker. The host is kept as it is written: it is what the certificate must name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// The text is not `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address of the form host:port")]
pub struct AddressError(String);

impl Address {
    /// Reads a list of addresses separated by commas, as `bootstrap.servers` has it.
    pub fn list(text: &str) -> Result<Vec<Self>, AddressError> {
        let list: Result<Vec<_>, _> =
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::parse).collect();
        match list {
            Ok(list) if list.is_empty() => Err(AddressError(text.to_owned())),
            other => other,
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AddressError(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(host) => host,
            // Several colons without brackets: an IPv6 address whose last group would be taken for the port.
            None if host.contains(':') => return Err(wrong()),
            None => host,
        };
        let port: u16 = port.parse().map_err(|_| wrong())?;
        if host.is_empty() || port == 0 || host.contains(|c: char| c.is_whitespace() || c == '/') {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_kafka_writes_them() {
        let list = Address::list("kafka-0.example.net:9093, 10.0.0.1:1,[::1]:2").unwrap();
        let written: Vec<_> = list.iter().map(Address::to_string).collect();
        assert_eq!(written, ["kafka-0.example.net:9093", "10.0.0.1:1", "[::1]:2"]);
        assert_eq!(list[2].host, "::1");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", ",", "host", "host:", ":9092", "host:0", "host:65536", "::1:9092", "SSL://host:9092"] {
            assert!(Address::list(text).is_err(), "{text}");
        }
    }
}
