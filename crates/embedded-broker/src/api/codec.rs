//! Request headers, and bodies in and out of the codec.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{ApiKey, RequestHeader, ResponseHeader},
    protocol::{Decodable, Encodable, HeaderVersion, Message, Request},
};
use twinkey_kafka_wire::shape;

use crate::connection::Closed;

/// How many array elements and tagged fields one request may hold in all. A commit or fetch of every partition of a
/// thousand large topics stays below it; the memory that the codec takes for so many stays in the tens of megabytes.
const MAX_ELEMENTS: usize = 200_000;

/// The head of a request.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    /// Which API.
    pub api: ApiKey,
    /// In which version.
    pub version: i16,
    /// What the answer must carry.
    pub correlation_id: i32,
    /// The `client.id`, if the client has one.
    pub client_id: Option<String>,
}

impl Header {
    /// Takes the header from the head of a frame.
    pub(crate) fn take(frame: &mut Bytes) -> Result<Self, Closed> {
        let (api, version) = match frame.first_chunk::<4>() {
            Some([a, b, c, d]) => (i16::from_be_bytes([*a, *b]), i16::from_be_bytes([*c, *d])),
            None => return Err(Closed::Protocol("a frame without a header")),
        };
        let api = ApiKey::try_from(api).map_err(|()| Closed::Protocol("an unknown API"))?;
        let header = RequestHeader::decode(frame, api.request_header_version(version))
            .map_err(|_| Closed::Protocol("a malformed header"))?;
        Ok(Self {
            api,
            version,
            correlation_id: header.correlation_id,
            client_id: header.client_id.map(|client_id| client_id.to_string()),
        })
    }
}

/// Whether the codec has `version` of this message.
pub(crate) fn supports<M: Message>(version: i16) -> bool {
    (M::VERSIONS.min..=M::VERSIONS.max).contains(&version)
}

/// The body of a request, checked before the codec takes memory for it.
pub(crate) fn decode<R: Request>(header: &Header, mut body: Bytes) -> Result<R, Closed> {
    if !supports::<R>(header.version) {
        return Err(Closed::Protocol("an unsupported version"));
    }
    shape::check(R::KEY, header.version, &body, MAX_ELEMENTS)?;
    R::decode(&mut body, header.version).map_err(|_| Closed::Protocol("a malformed request"))
}

/// An answer as a whole frame.
pub(crate) fn encode<A>(header: &Header, answer: &A) -> Result<BytesMut, Closed>
where
    A: Encodable + HeaderVersion,
{
    encode_as(header, header.version, answer)
}

/// An answer in another version than the request's.
pub(crate) fn encode_as<A>(header: &Header, version: i16, answer: &A) -> Result<BytesMut, Closed>
where
    A: Encodable + HeaderVersion,
{
    let failed = |error| {
        tracing::error!(api = ?header.api, version, %error, "an answer could not be encoded");
        Closed::Protocol("an answer that cannot be encoded")
    };
    let head = ResponseHeader::default().with_correlation_id(header.correlation_id);
    let size = answer.compute_size(version).map_err(failed)?;
    let mut frame = BytesMut::with_capacity(4 + 8 + size);
    frame.put_i32(0);
    head.encode(&mut frame, A::header_version(version)).map_err(failed)?;
    answer.encode(&mut frame, version).map_err(failed)?;
    finish(frame)
}

/// Bare bytes as a frame.
pub(crate) fn frame_of(payload: &[u8]) -> Result<BytesMut, Closed> {
    let mut frame = BytesMut::with_capacity(4 + payload.len());
    frame.put_i32(0);
    frame.put_slice(payload);
    finish(frame)
}

/// Fills in the length, for which room was left.
fn finish(mut frame: BytesMut) -> Result<BytesMut, Closed> {
    let length = i32::try_from(frame.len() - 4).map_err(|_| Closed::Protocol("an answer over 2 GiB"))?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}
