//! What a broker's certificate says.

use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer};

use super::Report;
use crate::Address;

const DAY: i64 = 24 * 60 * 60;
/// Sooner than this is worth a warning.
const SOON: i64 = 30 * DAY;

/// The chain was accepted already, names and all; what is left is when that ends.
pub(super) fn check(address: &Address, chain: &[Vec<u8>], now: i64, report: &mut Report) {
    let parsed: Vec<_> = chain.iter().filter_map(|der| Some(X509Certificate::from_der(der).ok()?.1)).collect();
    let Some(own) = parsed.first() else {
        report.warning("certificate", format!("the certificate of {address} cannot be read"));
        return;
    };
    // An intermediate that ends earlier ends the chain.
    let end = parsed.iter().map(|certificate| certificate.validity().not_after.timestamp()).min().unwrap_or(i64::MAX);
    let (days, names) = ((end - now).div_euclid(DAY), names(own).join(", "));
    let sentence = format!("the certificate of {address} is for {names} and accepted for another {days} days");
    if end - now < SOON {
        report.warning("certificate", format!("{sentence}: renew it, or every client will be refused"));
    } else {
        report.ok("certificate", sentence);
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternatives)) = certificate.subject_alternative_name() else { return vec!["no name".to_owned()] };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|octets| std::net::Ipv6Addr::from(octets).to_string()),
        },
        _ => None,
    };
    alternatives.value.general_names.iter().filter_map(name).collect()
}
