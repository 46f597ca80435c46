//! From the first byte to a session: ApiVersions, SaslHandshake and SaslAuthenticate, and nothing else.

use std::{net::SocketAddr, sync::Arc};

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    error::ResponseError,
    messages::{
        ApiKey, ApiVersionsRequest, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
        SaslHandshakeResponse,
    },
    protocol::StrBytes,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::sleep,
};
use twinkey_kafka_wire::frame::FrameReader;

use super::{
    Closed, ConnectionInfo, Place, Session, Software,
    sasl::{Exchange, MECHANISMS, Proved, Step},
    send,
};
use crate::{
    api::{self, Header, api_versions},
    broker::Shared,
};

/// What a connection without a session has said so far.
struct SignIn<'a> {
    broker: &'a Shared,
    peer: SocketAddr,
    place: &'a Place,
    software: Software,
    /// The `client.id` of its last request.
    client_id: Option<String>,
    exchange: Option<Exchange>,
    /// After a SaslHandshake v0 the tokens come bare, each in a frame of its own.
    bare: bool,
}

/// What to do after an answer.
enum Next {
    Read,
    Serve(Arc<Session>, Option<String>),
    /// The client must be able to read the refusal before the connection closes.
    Refuse(&'static str),
}

/// Answers what comes before the sign-in, until the client has proved who it is; with its session comes its `client.id`.
pub(super) async fn sign_in<S>(
    broker: &Shared,
    peer: SocketAddr,
    place: &Place,
    reader: &mut FrameReader,
    stream: &mut S,
) -> Result<(Arc<Session>, Option<String>), Closed>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let software = Software::default();
    let mut sign_in = SignIn { broker, peer, place, software, client_id: None, exchange: None, bare: false };
    loop {
        let frame = reader.next(stream).await?.ok_or(Closed::ByPeer)?;
        let (answer, next) = sign_in.answer(frame).await?;
        if matches!(next, Next::Refuse(_)) {
            sleep(broker.config.limits.refusal_delay).await;
        }
        if let Some(answer) = answer {
            send(stream, answer, broker.config.limits.write_stall).await?;
        }
        match next {
            Next::Read => {}
            Next::Serve(session, client_id) => return Ok((session, client_id)),
            Next::Refuse(why) => return Err(Closed::Refused(why)),
        }
    }
}

impl SignIn<'_> {
    async fn answer(&mut self, mut frame: Bytes) -> Result<(Option<BytesMut>, Next), Closed> {
        if self.bare
            && let Some(exchange) = self.exchange.take()
        {
            return self.bare_token(exchange, &frame).await;
        }
        let header = Header::take(&mut frame)?;
        self.client_id.clone_from(&header.client_id);
        match header.api {
            ApiKey::ApiVersions => self.api_versions(&header, frame),
            ApiKey::SaslHandshake => {
                let request: SaslHandshakeRequest = api::decode(&header, frame)?;
                let (response, exchange) = handshake(&request);
                let next = if exchange.is_some() { Next::Read } else { Next::Refuse("unsupported mechanism") };
                self.bare = header.version == 0;
                self.exchange = exchange;
                Ok((Some(api::encode(&header, &response)?), next))
            }
            ApiKey::SaslAuthenticate => {
                let request: SaslAuthenticateRequest = api::decode(&header, frame)?;
                let Some(exchange) = self.exchange.take() else {
                    let response = refused(
                        ResponseError::IllegalSaslState,
                        "SaslAuthenticate must follow SaslHandshake".to_owned(),
                    );
                    return Ok((Some(api::encode(&header, &response)?), Next::Refuse("no handshake")));
                };
                let mechanism = exchange.mechanism();
                let (token, next) = self.step(exchange, &request.auth_bytes).await;
                let response = match next {
                    Next::Refuse(_) => refused(ResponseError::SaslAuthenticationFailed, Exchange::refusal(mechanism)),
                    _ => SaslAuthenticateResponse::default().with_error_message(None).with_auth_bytes(token.into()),
                };
                Ok((Some(api::encode(&header, &response)?), next))
            }
            _ => Err(Closed::Protocol("a request before the sign-in")),
        }
    }

    fn api_versions(&mut self, header: &Header, body: Bytes) -> Result<(Option<BytesMut>, Next), Closed> {
        if !api::supports::<ApiVersionsRequest>(header.version) {
            return Ok((Some(api_versions::unknown_version(header)?), Next::Read));
        }
        let request: ApiVersionsRequest = api::decode(header, body)?;
        if let Some(software) = api_versions::software(header.version, &request) {
            self.software = software;
        }
        let response = api_versions::answer(header.version, &request);
        Ok((Some(api::encode(header, &response)?), Next::Read))
    }

    async fn bare_token(&mut self, exchange: Exchange, token: &[u8]) -> Result<(Option<BytesMut>, Next), Closed> {
        let (answer, next) = self.step(exchange, token).await;
        if let Next::Refuse(why) = next {
            // There is no way to say why in a bare exchange (KIP-152 came to change that).
            return Err(Closed::Refused(why));
        }
        Ok((Some(api::frame_of(&answer)?), next))
    }

    /// One message of the exchange. A success becomes a session.
    async fn step(&mut self, exchange: Exchange, message: &[u8]) -> (Vec<u8>, Next) {
        match exchange.step(self.broker, message).await {
            Step::Continue(exchange, token) => {
                self.exchange = Some(exchange);
                (token, Next::Read)
            }
            Step::Refused(why) => (Vec::new(), Next::Refuse(why)),
            Step::Unknown(principal) => {
                let software = std::mem::take(&mut self.software);
                self.broker.principals.unknown(ConnectionInfo {
                    principal,
                    peer: self.peer,
                    client_id: self.client_id.take(),
                    software_name: software.name,
                    software_version: software.version,
                    since: (self.broker.clock)(),
                });
                (Vec::new(), Next::Refuse("unknown principal"))
            }
            Step::Done(Proved { principal, scope }, token) => {
                let session = Arc::new(Session {
                    connection_id: self.place.id(),
                    principal,
                    scope,
                    peer: self.peer,
                    software: std::mem::take(&mut self.software),
                    since: (self.broker.clock)(),
                });
                let client_id = self.client_id.take();
                // Invariant of the cut-off: first into the table, then asked once more. A cut-off makes the principal
                // unknown first and then looks into the table, so that one of the two sees the other, whatever the order.
                self.place.signed_in(Arc::clone(&session), client_id.clone());
                if !self.broker.principals.signed_in(&session.principal) {
                    return (Vec::new(), Next::Refuse("cut off during the sign-in"));
                }
                (token, Next::Serve(session, client_id))
            }
        }
    }
}

/// The answer to a SaslHandshake, and the exchange that it begins.
pub(super) fn handshake(request: &SaslHandshakeRequest) -> (SaslHandshakeResponse, Option<Exchange>) {
    let exchange = Exchange::new(&request.mechanism);
    let code = if exchange.is_some() { 0 } else { ResponseError::UnsupportedSaslMechanism.code() };
    let offered = MECHANISMS.into_iter().map(StrBytes::from_static_str).collect();
    (SaslHandshakeResponse::default().with_error_code(code).with_mechanisms(offered), exchange)
}

/// A refusal of a SaslAuthenticate.
pub(super) fn refused(error: ResponseError, message: String) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse::default()
        .with_error_code(error.code())
        .with_error_message(Some(StrBytes::from_string(message)))
}
