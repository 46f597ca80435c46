//! The connections to one broker.
//!
//! Usually one; a second or third while requests are under way at the same time, because Kafka answers one connection's
//! requests one after the other. A connection whose call was cut short is dropped, never put back: its answer may come later.

use std::{
    io,
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use kafka_protocol::{
    messages::{ApiKey, ApiVersionsResponse},
    protocol::Request,
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use twinkey_kafka_wire::{
    client::{Client, ClientError, SaslMechanism},
    frame::FrameError,
};

use crate::{Address, Error, Settings};

/// Connections that are kept open while nobody uses them.
const KEPT: usize = 8;
/// A connection that was used this recently is believed to be alive; an older one is asked first.
const FRESH: Duration = Duration::from_millis(50);
/// How long a connection that rested may take to show that it is alive.
const PING: Duration = Duration::from_millis(500);

/// A broker's address, and the connections to it.
pub(crate) struct Link {
    pub(crate) address: Address,
    settings: Arc<Settings>,
    resting: Mutex<Vec<Connection>>,
}

/// One connection, signed in.
pub(crate) struct Connection {
    client: Client,
    pub(crate) versions: Arc<ApiVersionsResponse>,
    used: Instant,
    /// When the broker ends it because its sign-in is too old (KIP-368).
    expires: Option<Instant>,
}

impl Link {
    pub(crate) fn new(address: Address, settings: Arc<Settings>) -> Self {
        Self { address, settings, resting: Mutex::default() }
    }

    /// A connection that has just proved to be alive, so that an order sent on it is unlikely to get lost.
    pub(crate) async fn ready(&self) -> Result<Connection, Error> {
        while let Some(mut connection) = self.take() {
            if connection.used.elapsed() < FRESH {
                return Ok(connection);
            }
            match timeout(PING, connection.client.api_versions(3)).await {
                Ok(Ok(_)) => return Ok(connection),
                Ok(Err(_)) => {}
                // A broker that is silent on one of them is silent on all.
                Err(_) => self.resting().clear(),
            }
        }
        self.connect().await
    }

    /// Keeps a connection for the next caller.
    pub(crate) fn rest(&self, connection: Connection) {
        let mut resting = self.resting();
        if resting.len() < KEPT {
            resting.push(connection);
        }
    }

    /// Asks on a connection of this broker, once more on a fresh one if a connection turns out to be dead. For questions
    /// only: they may be asked twice.
    pub(crate) async fn ask<R: Request>(
        &self,
        what: &str,
        request: &R,
        versions: RangeInclusive<i16>,
    ) -> Result<R::Response, Error> {
        let mut connection = self.ready().await?;
        match connection.ask(self, what, request, versions.clone()).await {
            Ok(answer) => {
                self.rest(connection);
                Ok(answer)
            }
            Err(Error::Unreachable { .. }) => {
                let mut connection = self.connect().await?;
                let answer = connection.ask(self, what, request, versions).await?;
                self.rest(connection);
                Ok(answer)
            }
            Err(other) => Err(other),
        }
    }

    /// A new connection, signed in.
    pub(crate) async fn connect(&self) -> Result<Connection, Error> {
        let limit = self.settings.timeouts.connect;
        match timeout(limit, self.try_connect()).await {
            Ok(result) => result,
            Err(_) => Err(self.unreachable(format!("no connection within {} ms", limit.as_millis()), false)),
        }
    }

    /// A connection without a sign-in.
    pub(crate) async fn unsigned(&self) -> Result<Client, Error> {
        let limit = self.settings.timeouts.connect;
        match timeout(limit, self.encrypted()).await {
            Ok(result) => result,
            Err(_) => Err(self.unreachable(format!("no connection within {} ms", limit.as_millis()), false)),
        }
    }

    async fn encrypted(&self) -> Result<Client, Error> {
        let tcp = self.open().await?;
        let trust = self.settings.trust.0.clone();
        Client::over(tcp, &self.address.host, trust).await.map_err(|error| self.tls_error(&error))
    }

    async fn try_connect(&self) -> Result<Connection, Error> {
        let mut client = self.encrypted().await?;
        let versions = client.api_versions(3).await.map_err(|error| self.broken(&error))?;
        let account = &self.settings.account;
        client
            .sign_in(account.mechanism, &account.user, account.password.expose())
            .await
            .map_err(|error| self.sign_in_error(&error, account.mechanism))?;
        let used = Instant::now();
        // Well before the end, so that nothing is under way when it comes.
        let expires = client.session_lifetime().map(|lifetime| used + lifetime.mul_f32(0.8));
        Ok(Connection { client, versions: Arc::new(versions), used, expires })
    }

    /// Opens a socket to whichever of the name's addresses answers first.
    async fn open(&self) -> Result<TcpStream, Error> {
        let Address { host, port } = &self.address;
        let addresses: Vec<_> = tokio::net::lookup_host((host.as_str(), *port))
            .await
            .map_err(|error| self.unreachable(format!("the name cannot be resolved ({error})"), false))?
            .collect();
        let mut attempts: FuturesUnordered<_> = addresses.into_iter().map(TcpStream::connect).collect();
        let (mut closed, mut reason) = (true, "the name has no address".to_owned());
        if attempts.is_empty() {
            closed = false;
        }
        while let Some(attempt) = attempts.next().await {
            match attempt {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    closed &= error.kind() == io::ErrorKind::ConnectionRefused;
                    reason = error.to_string();
                }
            }
        }
        Err(self.unreachable(if closed { "connection refused".to_owned() } else { reason }, closed))
    }

    fn take(&self) -> Option<Connection> {
        let mut resting = self.resting();
        resting.retain(|connection| !connection.is_old());
        resting.pop()
    }

    fn resting(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // Nothing in here can be half changed.
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn unreachable(&self, reason: String, port_closed: bool) -> Error {
        Error::Unreachable { address: self.address.to_string(), reason, port_closed }
    }

    fn tls_error(&self, error: &ClientError) -> Error {
        let ClientError::Io(io) = error else { return self.broken(error) };
        match io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(reason)) => {
                Error::Certificate { address: self.address.clone(), reason: reason.to_string() }
            }
            Some(other) => {
                self.unreachable(format!("no TLS ({other}); is this port a listener of type SASL_SSL?"), false)
            }
            None if io.kind() == io::ErrorKind::UnexpectedEof => self.unreachable(
                "closed during the TLS handshake; is this port a listener of type SASL_SSL?".into(),
                false,
            ),
            None => self.broken(error),
        }
    }

    fn sign_in_error(&self, error: &ClientError, mechanism: SaslMechanism) -> Error {
        let reason = match error {
            ClientError::Refused { message, .. } => message.clone(),
            ClientError::Scram(error) => error.to_string(),
            // A listener without SASL takes the first message for an illegal request and hangs up.
            ClientError::Closed => "the connection was closed; is this port a listener of type SASL_SSL?".to_owned(),
            other => return self.broken(other),
        };
        let user = self.settings.account.user.clone();
        Error::SignIn { address: self.address.clone(), user, mechanism: mechanism.name(), reason }
    }

    /// What a failed question means. A connection that ends is no answer, wherever in an answer it ends: another broker may
    /// give one.
    fn broken(&self, error: &ClientError) -> Error {
        match error {
            ClientError::Frame(FrameError::Io(_) | FrameError::Torn) => self.unreachable(error.to_string(), false),
            ClientError::Codec(_) | ClientError::Correlation { .. } | ClientError::Frame(_) => {
                Error::Protocol { address: self.address.clone(), reason: error.to_string() }
            }
            other => self.unreachable(other.to_string(), false),
        }
    }
}

impl Connection {
    /// Asks. Fails without harm: a question changes nothing.
    pub(crate) async fn ask<R: Request>(
        &mut self,
        link: &Link,
        what: &str,
        request: &R,
        versions: RangeInclusive<i16>,
    ) -> Result<R::Response, Error> {
        self.ask_within(link, what, request, versions, link.settings.timeouts.question).await
    }

    /// Asks for something that may take longer than other calls.
    pub(crate) async fn ask_within<R: Request>(
        &mut self,
        link: &Link,
        what: &str,
        request: &R,
        versions: RangeInclusive<i16>,
        limit: Duration,
    ) -> Result<R::Response, Error> {
        let version = self.version::<R>(link, what, versions)?;
        match timeout(limit, self.exchange(request, version)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(link.broken(&error)),
            Err(_) => Err(link.unreachable(format!("no answer within {} ms", limit.as_millis()), false)),
        }
    }

    /// Orders. From here on every failure leaves open what became of it.
    pub(crate) async fn order<R: Request>(
        &mut self,
        link: &Link,
        what: &str,
        request: &R,
        versions: RangeInclusive<i16>,
    ) -> Result<R::Response, Error> {
        let version = self.version::<R>(link, what, versions)?;
        let limit = link.settings.timeouts.call;
        let reason = match timeout(limit, self.exchange(request, version)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} ms", limit.as_millis()),
        };
        Err(Error::UnknownOutcome { what: what.to_owned(), address: link.address.clone(), reason })
    }

    /// Whether the broker will end it soon because its sign-in is too old.
    pub(crate) fn is_old(&self) -> bool {
        self.expires.is_some_and(|end| Instant::now() >= end)
    }

    /// The server's certificates in DER, its own first.
    pub(crate) fn server_certificates(&self) -> Vec<Vec<u8>> {
        self.client.server_certificates()
    }

    async fn exchange<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response, ClientError> {
        let expected = self.client.send(request, version).await?;
        let answer = self.client.receive::<R>(expected, version).await?;
        self.used = Instant::now();
        Ok(answer)
    }

    /// The newest version that both sides speak.
    fn version<R: Request>(&self, link: &Link, what: &str, ours: RangeInclusive<i16>) -> Result<i16, Error> {
        let theirs = self.versions.api_keys.iter().find(|api| api.api_key == R::KEY);
        theirs
            .map(|api| (api.min_version.max(*ours.start()), api.max_version.min(*ours.end())))
            .filter(|(oldest, newest)| oldest <= newest)
            .map(|(_, newest)| newest)
            .ok_or_else(|| Error::Version { address: link.address.clone(), what: what.to_owned() })
    }

    /// The newest version of `api` that the broker has.
    pub(crate) fn newest(&self, api: ApiKey) -> Option<i16> {
        self.versions.api_keys.iter().find(|known| known.api_key == api as i16).map(|known| known.max_version)
    }
}
