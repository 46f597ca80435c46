//! A small asynchronous connection to one broker, for tests and administration.
//!
//! One request at a time. Answers are trusted to be a broker's: unlike requests on the server's side, their inner counts
//! are not checked against [`crate::shape`].

use std::{fmt, io, sync::Arc, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader, SaslAuthenticateRequest,
        SaslHandshakeRequest,
    },
    protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes},
};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    frame::{self, FrameError, FrameReader},
    scram::{self, Mechanism, ScramError},
};

/// Answers of more than this are refused.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The answer is not a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The broker closed the connection.
    #[error("the broker closed the connection")]
    Closed,
    /// The codec refuses the request or the answer.
    #[error("codec: {0}")]
    Codec(String),
    /// The answer belongs to another request.
    #[error("the answer has correlation id {received}, expected {expected}")]
    Correlation {
        /// Of the request.
        expected: i32,
        /// Of the answer.
        received: i32,
    },
    /// The host name cannot be one.
    #[error("{0:?} is not a host name")]
    Host(String),
    /// The broker refused the sign-in, with Kafka's error code and its words.
    #[error("the broker refused the sign-in (error {code}): {message}")]
    Refused {
        /// Kafka's error code, for example 58.
        code: i16,
        /// What the broker says.
        message: String,
    },
    /// The SCRAM exchange failed on this side.
    #[error(transparent)]
    Scram(#[from] ScramError),
}

/// How to prove who one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    /// The password itself; only sensible inside TLS.
    Plain,
    /// A proof that one knows the password.
    Scram(Mechanism),
}

impl SaslMechanism {
    /// The mechanism's name in SASL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram(mechanism) => mechanism.name(),
        }
    }
}

/// One connection.
pub struct Client {
    stream: TlsStream<TcpStream>,
    reader: FrameReader,
    correlation_id: i32,
    id: String,
    session_lifetime: Option<Duration>,
}

impl Client {
    /// Connects to `address`, with TLS to a server whose certificate names `host`.
    pub async fn connect(
        address: impl tokio::net::ToSocketAddrs,
        host: &str,
        tls: Arc<ClientConfig>,
    ) -> Result<Self, ClientError> {
        Self::over(TcpStream::connect(address).await?, host, tls).await
    }

    /// Begins TLS on a connection that is open already, for a caller that must know at which step an attempt failed.
    pub async fn over(tcp: TcpStream, host: &str, tls: Arc<ClientConfig>) -> Result<Self, ClientError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ClientError::Host(host.to_owned()))?;
        tcp.set_nodelay(true)?;
        let stream = TlsConnector::from(tls).connect(name, tcp).await?;
        let (reader, id) = (FrameReader::new(MAX_ANSWER), "twinkey".to_owned());
        Ok(Self { stream, reader, correlation_id: 0, id, session_lifetime: None })
    }

    /// How long the broker keeps the connection without a new sign-in (KIP-368), if it set a limit at the sign-in.
    pub fn session_lifetime(&self) -> Option<Duration> {
        self.session_lifetime
    }

    /// The server's certificates in DER, its own first.
    pub fn server_certificates(&self) -> Vec<Vec<u8>> {
        let certificates = self.stream.get_ref().1.peer_certificates().unwrap_or_default();
        certificates.iter().map(|certificate| certificate.to_vec()).collect()
    }

    /// Sets the `client.id` of the requests that follow.
    pub fn set_client_id(&mut self, client_id: &str) {
        client_id.clone_into(&mut self.id);
    }

    /// Which APIs the broker has, asked with `version`.
    pub async fn api_versions(&mut self, version: i16) -> Result<ApiVersionsResponse, ClientError> {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str("twinkey"))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        self.call(request, version).await
    }

    /// Signs in.
    pub async fn sign_in(&mut self, mechanism: SaslMechanism, user: &str, password: &str) -> Result<(), ClientError> {
        let handshake = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(mechanism.name()));
        let answer = self.call(handshake, 1).await?;
        if answer.error_code != 0 {
            let offered: Vec<_> = answer.mechanisms.iter().map(StrBytes::as_str).collect();
            let message = format!("the broker offers {}", offered.join(", "));
            return Err(ClientError::Refused { code: answer.error_code, message });
        }
        match mechanism {
            SaslMechanism::Plain => {
                self.authenticate(format!("\0{user}\0{password}").into_bytes()).await?;
            }
            SaslMechanism::Scram(mechanism) => {
                let nonce = format!("{:032x}", rand::random::<u128>());
                let (exchange, first) = scram::client::Exchange::begin(mechanism, user, password, &nonce);
                let challenge = self.authenticate(first).await?;
                let (verifier, last) = exchange.prove(&challenge)?;
                let proof = self.authenticate(last).await?;
                verifier.verify(&proof)?;
            }
        }
        Ok(())
    }

    /// Which SASL mechanisms the broker offers. It closes the connection after that: they are told to somebody who wishes
    /// for one that does not exist.
    pub async fn mechanisms(&mut self) -> Result<Vec<String>, ClientError> {
        let wish = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("?"));
        let answer = self.call(wish, 1).await?;
        Ok(answer.mechanisms.iter().map(ToString::to_string).collect())
    }

    /// One SASL message and the broker's.
    pub async fn authenticate(&mut self, message: Vec<u8>) -> Result<Bytes, ClientError> {
        let answer = self.call(SaslAuthenticateRequest::default().with_auth_bytes(message.into()), 2).await?;
        if answer.error_code == 0 {
            self.session_lifetime =
                u64::try_from(answer.session_lifetime_ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
            return Ok(answer.auth_bytes);
        }
        let message = answer.error_message.map(|text| text.to_string()).unwrap_or_default();
        Err(ClientError::Refused { code: answer.error_code, message })
    }

    /// Sends `request` in `version` and waits for the answer.
    pub async fn call<R: Request>(&mut self, request: R, version: i16) -> Result<R::Response, ClientError> {
        let expected = self.send(&request, version).await?;
        self.receive::<R>(expected, version).await
    }

    /// Sends `request` without waiting; gives the correlation id for [`Client::receive`].
    pub async fn send<R: Request>(&mut self, request: &R, version: i16) -> Result<i32, ClientError> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(StrBytes::from_string(self.id.clone())));
        let mut payload = BytesMut::new();
        header.encode(&mut payload, R::header_version(version)).map_err(codec)?;
        request.encode(&mut payload, version).map_err(codec)?;
        frame::write(&mut self.stream, &payload).await?;
        Ok(self.correlation_id)
    }

    /// Waits for the answer to the request `expected`.
    pub async fn receive<R: Request>(&mut self, expected: i32, version: i16) -> Result<R::Response, ClientError> {
        let mut answer = self.receive_raw().await?;
        let header = ResponseHeader::decode(&mut answer, R::Response::header_version(version)).map_err(codec)?;
        if header.correlation_id != expected {
            return Err(ClientError::Correlation { expected, received: header.correlation_id });
        }
        let response = R::Response::decode(&mut answer, version).map_err(codec)?;
        if answer.has_remaining() {
            return Err(ClientError::Codec(format!("{} bytes after the answer", answer.remaining())));
        }
        Ok(response)
    }

    /// Sends bytes as they are, without a length: for tests that misbehave.
    pub async fn send_raw(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    /// The next frame from the broker, header included; [`ClientError::Closed`] when it has closed the connection.
    pub async fn receive_raw(&mut self) -> Result<Bytes, ClientError> {
        self.reader.next(&mut self.stream).await?.ok_or(ClientError::Closed)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("client_id", &self.id).finish_non_exhaustive()
    }
}

fn codec(error: impl fmt::Display) -> ClientError {
    ClientError::Codec(error.to_string())
}
