//! Where a webhook may point. Whoever may make one must not be able to reach, by way of the server, what only the server can
//! reach: its own ports, its network, the cloud's metadata service.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;
use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::Url;

/// The longest URL.
const URL_MAX: usize = 2000;
/// How long the name may take to be resolved.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Turns a host's name and a port into addresses.
pub type Resolve = Arc<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// What the operator decides about webhooks.
#[derive(Clone)]
pub struct WebhookSettings {
    /// Whether internal addresses, and `http://`, are allowed.
    pub allow_private: bool,
    /// How names are resolved: by the system, but in tests.
    pub resolve: Resolve,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self { allow_private: false, resolve: Arc::new(|host, port| Box::pin(by_the_system(host, port))) }
    }
}

async fn by_the_system(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

/// A URL whose addresses were looked at. A connection to it must go to exactly these.
#[derive(Debug)]
pub struct Target {
    /// The URL.
    pub url: Url,
    /// What it resolved to.
    pub addresses: Vec<SocketAddr>,
}

/// Why a URL is refused. One sentence each, for whoever typed it.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Not a URL.
    #[error("the URL must be like https://host/path, of at most {URL_MAX} bytes")]
    Syntax,
    /// Neither https nor, where it is allowed, http.
    #[error("the URL must begin with https://; http:// only where the server runs with --webhook-allow-private")]
    Scheme,
    /// User and password in the URL.
    #[error("the URL must not contain a user or a password; deliveries are signed instead")]
    Credentials,
    /// No address.
    #[error("the host {0} cannot be resolved: {1}")]
    Unresolved(String, String),
    /// An internal address.
    #[error(
        "{host} is, or resolves to, the internal address {address}, which webhooks must not reach; if that is meant, the server \
         must run with --webhook-allow-private"
    )]
    Internal {
        /// The URL's host.
        host: String,
        /// The address.
        address: IpAddr,
    },
}

/// Looks at a URL and at everything that its host resolves to now. A host with a single internal address is refused, because
/// which of its addresses would be used is not in our hands.
pub async fn check(settings: &WebhookSettings, text: &str) -> Result<Target, Refused> {
    // The parser overlooks or escapes what a terminal on which the URL is shown may obey.
    let plain = text.len() <= URL_MAX && !text.chars().any(|it| it.is_control() || it.is_whitespace());
    let url = Url::parse(text).ok().filter(|_| plain).ok_or(Refused::Syntax)?;
    match url.scheme() {
        "https" => {}
        "http" if settings.allow_private => {}
        _ => return Err(Refused::Scheme),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Credentials);
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return Err(Refused::Syntax) };
    // The parser has brought every spelling of an address, such as 0x7f.1, into the usual one.
    let addresses = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => resolve(settings, host, port).await?,
    };
    let internal = addresses.iter().map(SocketAddr::ip).find(|address| !is_public(*address));
    match internal {
        Some(address) if !settings.allow_private => Err(Refused::Internal { host: host.to_owned(), address }),
        _ => Ok(Target { url, addresses }),
    }
}

async fn resolve(settings: &WebhookSettings, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
    let unresolved = |why: String| Refused::Unresolved(host.to_owned(), why);
    let resolved = tokio::time::timeout(RESOLVE_TIMEOUT, (settings.resolve)(host.to_owned(), port)).await;
    let resolved = resolved.map_err(|_| unresolved("the name service does not answer".into()))?;
    let resolved = resolved.map_err(|error| unresolved(error.to_string()))?;
    if resolved.is_empty() { Err(unresolved("it has no address".into())) } else { Ok(resolved) }
}

/// IPv4 networks that are not the Internet: <https://www.iana.org/assignments/iana-ipv4-special-registry>. The metadata
/// services of clouds are in 169.254.0.0/16 and 100.64.0.0/10. And one that is public and yet each virtual machine's own: the `WireServer`
/// of Azure, which hands out a machine's certificates and settings.
const SPECIAL_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Of IPv6 only global unicast is the Internet, and of that not what carries an IPv4 address (6to4, Teredo) or documents.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Whether an address is on the Internet.
pub fn is_public(address: IpAddr) -> bool {
    let v6 = |(network, length)| Ipv6Net::new_assert(network, length);
    match address.to_canonical() {
        IpAddr::V4(address) => {
            SPECIAL_V4.iter().all(|(network, length)| !Ipv4Net::new_assert(*network, *length).contains(&address))
        }
        IpAddr::V6(address) => {
            v6(GLOBAL_V6).contains(&address) && SPECIAL_V6.iter().all(|network| !v6(*network).contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_addresses_in_every_spelling() {
        for address in [
            "127.0.0.1",
            "127.8.9.10",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "192.0.0.192",
            "168.63.129.16",
            "198.18.0.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:7f00:1::",
            "2001:db8::1",
            "fec0::1",
            "100::1",
        ] {
            assert!(!is_public(address.parse().expect("an address")), "{address}");
        }
        for address in ["93.184.216.34", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::5"]
        {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
    }

    #[tokio::test]
    async fn urls_to_internal_addresses_are_refused_however_they_are_written() {
        let settings = WebhookSettings::default();
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/x",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://localhost/",
            "https://LOCALHOST:8443/",
            "https://１２７.0.0.1/",
        ] {
            let refused = check(&settings, url).await.expect_err(url);
            assert!(matches!(refused, Refused::Internal { .. }), "{url}: {refused}");
        }
        for url in ["http://1.1.1.1/", "ftp://1.1.1.1/", "file:///etc/passwd", "gopher://1.1.1.1/"] {
            assert!(matches!(check(&settings, url).await.expect_err(url), Refused::Scheme), "{url}");
        }
        for url in ["", "hooks", "https://", "https:///x"] {
            assert!(check(&settings, url).await.is_err(), "{url}");
        }
        assert!(matches!(check(&settings, "https://u:p@1.1.1.1/").await.expect_err("refused"), Refused::Credentials));
        let target = check(&settings, "https://1.1.1.1/x?y").await.expect("public");
        assert_eq!(target.addresses, ["1.1.1.1:443".parse().expect("an address")]);
    }

    #[tokio::test]
    async fn a_name_with_one_internal_address_among_others_is_refused() {
        let resolve: Resolve = Arc::new(|_, port| {
            Box::pin(async move { Ok(vec![([1, 1, 1, 1], port).into(), ([10, 0, 0, 1], port).into()]) })
        });
        let settings = WebhookSettings { allow_private: false, resolve };
        assert!(matches!(check(&settings, "https://two.example/").await, Err(Refused::Internal { .. })));
        let allowed = WebhookSettings { allow_private: true, ..settings };
        assert_eq!(check(&allowed, "http://two.example:81/").await.expect("allowed").addresses.len(), 2);
    }
}
