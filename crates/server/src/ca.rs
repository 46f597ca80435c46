//! The broker's certificate authority: made once, kept in the data directory, and the server certificate it signs at each
//! start, so that a changed host name needs no step by hand.

use std::{fs, io, path::Path, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};

use crate::files::write_private;

/// How long certificates are valid, in years. Clients cache the CA for ever (quix-api.md §1.4), so it has to last.
const VALID_YEARS: i32 = 10;

/// The CA and the TLS settings of the broker's listener.
pub struct BrokerTls {
    /// The CA certificate that clients trust, PEM.
    pub ca_pem: String,
    /// Settings with a server certificate for the advertised host.
    pub server: Arc<ServerConfig>,
}

/// Why there is no usable CA.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// A file could not be read or made.
    #[error("cannot read or create the broker's CA in {0}: {1}")]
    File(String, io::Error),
    /// The files are there but are not a CA.
    #[error("the broker's CA in {0} cannot be used: {1}")]
    Unusable(String, String),
}

/// Reads the CA of `directory`, or makes it, and issues a server certificate for `host`.
pub fn load_or_create(directory: &Path, host: &str, now: Timestamp) -> Result<BrokerTls, CaError> {
    let (certificate_path, key_path) = (directory.join("broker-ca.pem"), directory.join("broker-ca.key"));
    let file = |error| CaError::File(directory.display().to_string(), error);
    let unusable =
        |error: &dyn std::fmt::Display| CaError::Unusable(directory.display().to_string(), error.to_string());

    // The certificate is written last: while it is missing, the CA has never been handed out and can be made anew.
    let (ca_pem, ca_key) = if certificate_path.exists() {
        let key = KeyPair::from_pem(&fs::read_to_string(&key_path).map_err(file)?).map_err(|error| unusable(&error))?;
        (fs::read_to_string(&certificate_path).map_err(file)?, key)
    } else {
        let key = KeyPair::generate().map_err(|error| unusable(&error))?;
        let pem = ca_params(now).self_signed(&key).map_err(|error| unusable(&error))?.pem();
        write_private(&key_path, key.serialize_pem().as_bytes()).map_err(file)?;
        write_private(&certificate_path, pem.as_bytes()).map_err(file)?;
        (pem, key)
    };
    let issuer = Issuer::from_ca_cert_pem(&ca_pem, ca_key).map_err(|error| unusable(&error))?;
    let key = KeyPair::generate().map_err(|error| unusable(&error))?;
    let certificate = server_params(host, now)
        .and_then(|params| params.signed_by(&key, &issuer))
        .map_err(|error| unusable(&error))?;
    let key_der = PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| unusable(&error))?;
    let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(vec![CertificateDer::from(certificate.der().to_vec())], key_der)
        })
        .map_err(|error| unusable(&error))?;
    Ok(BrokerTls { ca_pem, server: Arc::new(server) })
}

fn ca_params(now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(&format!("Twinkey broker CA {}", now.as_second()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    // Python 3.13 verifies strictly and refuses a CA without key usage.
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_validity(&mut params, now);
    params
}

fn server_params(host: &str, now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = common_name("Twinkey broker");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now);
    Ok(params)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished_name = DistinguishedName::new();
    distinguished_name.push(DnType::CommonName, name);
    distinguished_name
}

/// From the day before (clocks differ) for [`VALID_YEARS`].
fn set_validity(params: &mut CertificateParams, now: Timestamp) {
    let yesterday = TimeZone::UTC.to_datetime(now).date().yesterday().unwrap_or(jiff::civil::Date::MIN);
    let (month, day) = (yesterday.month().unsigned_abs(), yesterday.day().unsigned_abs().min(28));
    params.not_before = date_time_ymd(i32::from(yesterday.year()), month, day);
    params.not_after = date_time_ymd(i32::from(yesterday.year()) + VALID_YEARS, month, day);
}
