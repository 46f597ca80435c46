//! What every handler can reach.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use twinkey_embedded_broker::{Broker, Clock};

use crate::{
    db::Db, keys::Keys, lifecycle::Lifecycle, metrics::Metrics, password::Passwords, random::Random,
    registry::Registry, replicas::Replicas,
};

/// The parts of a running server.
pub struct App {
    /// The database.
    pub db: Db,
    /// Keys derived from the master key.
    pub keys: Arc<Keys>,
    /// What valid SDK tokens mean.
    pub registry: Arc<Registry>,
    /// This server among others.
    pub replicas: Replicas,
    /// The embedded broker.
    pub broker: Broker,
    /// Password hashing.
    pub passwords: Passwords,
    /// Randomness.
    pub random: Random,
    /// Time.
    pub clock: Clock,
    /// Counters.
    pub metrics: Metrics,
    /// Whether it is on its way out.
    pub lifecycle: Lifecycle,
    /// The organisation of this installation.
    pub organisation: crate::db::organisations::Model,
    /// What clients are told about the broker.
    pub endpoint: BrokerEndpoint,
}

/// How clients reach the broker.
pub struct BrokerEndpoint {
    /// `host:port`.
    pub address: String,
    /// The CA certificate, PEM in base64.
    pub ca_base64: String,
    /// A zip archive with the CA certificate as `ca.cert`.
    pub ca_zip: Bytes,
}

impl App {
    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }
}
