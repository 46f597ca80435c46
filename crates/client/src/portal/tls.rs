//! How the API is reached: which machines are trusted, and what is on this one.

use std::{net::IpAddr, sync::Arc};

use reqwest::Url;
use rustls_platform_verifier::BuilderVerifierExt;

/// TLS with a provider of its own, so that a program need not install one. Without `https` nothing is verified, and the
/// machine's certificates are not loaded, which takes milliseconds.
pub(super) fn tls(url: &Url) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(match url.scheme() {
        "https" => builder.with_platform_verifier()?.with_no_client_auth(),
        _ => builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth(),
    })
}

pub(super) fn is_local(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
    })
}

/// What is to be said about an API that is reached without TLS over a network.
pub(super) fn insecure(url: &Url) -> Option<String> {
    (url.scheme() == "http" && !is_local(url)).then(|| {
        format!(
            "the API at {}://{} is reached without TLS: everybody on the way can read the SDK token; use https",
            url.scheme(),
            url.host_str().unwrap_or_default()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_network_without_tls_is_warned_of() {
        let warned = |url: &str| insecure(&Url::parse(url).expect("a URL")).is_some();
        assert!(warned("http://twinkey.example.com") && warned("http://10.0.0.7:8080"));
        for fine in ["https://twinkey.example.com", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:1"] {
            assert!(!warned(fine), "{fine}");
        }
    }
}
