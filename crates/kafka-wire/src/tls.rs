//! rustls configurations from PEM. The provider (ring) is passed explicitly: a library must not set a process-wide default.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// Why a configuration could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The text is not PEM of the kind that is needed, or there is none in it.
    #[error("no usable PEM: {0}")]
    Pem(rustls_pki_types::pem::Error),
    /// rustls refuses the certificates or the key.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
    /// The system has no certificate authorities where they are looked for.
    #[error("this system has no certificate authorities: install them (ca-certificates) or name a CA file")]
    NoRoots,
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(TlsError::Pem)?;
    if found.is_empty() {
        return Err(TlsError::Pem(rustls_pki_types::pem::Error::NoItemsFound));
    }
    Ok(found)
}

/// A server's configuration: TLS 1.2 and 1.3, no client certificates. `chain` begins with the server's own certificate.
pub fn server_config(chain: &str, key: &str) -> Result<Arc<ServerConfig>, TlsError> {
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(TlsError::Pem)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates(chain)?, key)?;
    Ok(Arc::new(config))
}

/// A client's configuration that trusts the certificate authorities in `authorities` and no others.
pub fn client_config(authorities: &str) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authorities)? {
        roots.add(certificate)?;
    }
    trusting(roots)
}

/// A client's configuration that trusts what this system trusts.
///
/// The system's own store rather than a list compiled in (webpki-roots): a Kafka cluster's certificate is more often
/// from a company's CA, which its administrators put into that store, than from a public one.
pub fn system_client_config() -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    // Stores hold the odd certificate that nobody can parse; one of them is no reason to trust nobody.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoRoots) } else { trusting(roots) }
}

fn trusting(roots: RootCertStore) -> Result<Arc<ClientConfig>, TlsError> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_no_pem_is_refused() {
        assert!(client_config("").is_err());
        assert!(client_config("hello").is_err());
        assert!(server_config("", "").is_err());
    }
}
