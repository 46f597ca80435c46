//! ApiVersions: which APIs there are. Answered before the sign-in too.

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    error::ResponseError,
    messages::{ApiVersionsRequest, ApiVersionsResponse, ProduceRequest, api_versions_response::ApiVersion},
    protocol::Request,
};

use super::{
    Header,
    codec::encode_as,
    decode,
    dispatch::{SUPPORTED, Supported},
    encode, supports,
};
use crate::{Software, connection::Closed};

/// Names and versions of clients longer than this are not kept.
const MAX_SOFTWARE: usize = 128;

/// Answers on a signed-in connection.
pub(crate) fn handle(header: &Header, body: Bytes) -> Result<BytesMut, Closed> {
    if !supports::<ApiVersionsRequest>(header.version) {
        return unknown_version(header);
    }
    let request: ApiVersionsRequest = decode(header, body)?;
    encode(header, &answer(header.version, &request))
}

/// The answer to a version that is known.
///
/// The codec leaves out tagged fields that hold their default. It must stay so: librdkafka 1.9.2, which the original
/// QuixStreamingClient carries, cannot parse an answer that has them (a test compares the bytes).
pub(crate) fn answer(version: i16, request: &ApiVersionsRequest) -> ApiVersionsResponse {
    if version >= 3 && software(version, request).is_none() {
        return ApiVersionsResponse::default().with_error_code(ResponseError::InvalidRequest.code());
    }
    ApiVersionsResponse::default().with_api_keys(SUPPORTED.iter().copied().map(advertised).collect())
}

fn advertised(api: Supported) -> ApiVersion {
    // librdkafka compresses only if Produce v0 is advertised, though it never sends it; Kafka 4 claims it for the same
    // reason (KAFKA-18659).
    let min = if api.key == ProduceRequest::KEY { 0 } else { api.min };
    ApiVersion::default().with_api_key(api.key).with_min_version(min).with_max_version(api.max)
}

/// The answer to an unknown version: a body of version 0 with error 35 and the versions of ApiVersions itself, so that
/// the client can ask again on the same connection (KIP-511).
pub(crate) fn unknown_version(header: &Header) -> Result<BytesMut, Closed> {
    let own = SUPPORTED.iter().copied().filter(|api| api.key == ApiVersionsRequest::KEY).map(advertised).collect();
    let response =
        ApiVersionsResponse::default().with_error_code(ResponseError::UnsupportedVersion.code()).with_api_keys(own);
    encode_as(header, 0, &response)
}

/// What the client says it is, or `None` if that does not follow KIP-511. Versions before 3 say nothing.
pub(crate) fn software(version: i16, request: &ApiVersionsRequest) -> Option<Software> {
    if version < 3 {
        return Some(Software::default());
    }
    let valid = |text: &str| {
        let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        text.len() <= MAX_SOFTWARE
            && ends(text.bytes().next())
            && ends(text.bytes().last())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
    };
    let (name, version) = (request.client_software_name.as_str(), request.client_software_version.as_str());
    (valid(name) && valid(version)).then(|| Software { name: Some(name.to_owned()), version: Some(version.to_owned()) })
}

#[cfg(test)]
mod tests {
    use kafka_protocol::{messages::ApiKey, protocol::StrBytes};

    use super::*;

    fn header(version: i16) -> Header {
        Header { api: ApiKey::ApiVersions, version, correlation_id: 7, client_id: None }
    }

    #[test]
    fn no_default_is_sent_as_a_tagged_field() {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str("librdkafka"))
            .with_client_software_version(StrBytes::from_static_str("1.9.2"));
        for version in [3, 4] {
            let frame = encode(&header(version), &answer(version, &request)).unwrap();
            // length, correlation id (header v0: no tags), error, count, 7 bytes for each API, throttle, no tags
            let count = u8::try_from(SUPPORTED.len() + 1).unwrap();
            assert_eq!(frame[4..11], [0, 0, 0, 7, 0, 0, count]);
            assert_eq!(frame.len(), 4 + 4 + 2 + 1 + 7 * SUPPORTED.len() + 4 + 1);
            assert_eq!(frame[frame.len() - 5..], [0; 5]);
        }
    }

    #[test]
    fn an_unknown_version_is_answered_as_version_0() {
        let frame = unknown_version(&header(99)).unwrap();
        assert_eq!(frame[4..], [0, 0, 0, 7, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4]);
    }

    #[test]
    fn names_that_break_the_rule_are_refused() {
        for (name, version, valid) in
            [("librdkafka", "2.6.1", true), ("", "1", false), ("a b", "1", false), ("a", "-1", false)]
        {
            let request = ApiVersionsRequest::default()
                .with_client_software_name(StrBytes::from_static_str(name))
                .with_client_software_version(StrBytes::from_static_str(version));
            assert_eq!(software(3, &request).is_some(), valid);
            assert_eq!(answer(3, &request).error_code == 42, !valid);
        }
    }

    #[test]
    fn transactions_are_not_advertised() {
        for key in [ApiKey::AddPartitionsToTxn, ApiKey::AddOffsetsToTxn, ApiKey::EndTxn, ApiKey::TxnOffsetCommit] {
            assert!(!SUPPORTED.iter().any(|api| api.key == key as i16));
        }
    }
}
