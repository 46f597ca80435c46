//! How to reach a cluster, and as whom.

use std::{fmt, sync::Arc, time::Duration};

use rustls::ClientConfig;
use twinkey_kafka_wire::{
    client::SaslMechanism,
    scram::ITERATIONS,
    tls::{self, TlsError},
};
use zeroize::Zeroizing;

use crate::Address;

/// A password. Its `Debug` shows nothing, and its memory is wiped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes `text` as a password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Who administers the cluster.
#[derive(Debug, Clone)]
pub struct Account {
    /// Kafka's user name.
    pub user: String,
    /// Its password.
    pub password: Password,
    /// How it is proved.
    pub mechanism: SaslMechanism,
}

/// Whose certificates are believed.
#[derive(Clone)]
pub struct Trust(pub(crate) Arc<ClientConfig>);

impl Trust {
    /// The authorities in this PEM text, and no others.
    pub fn authorities(pem: &str) -> Result<Self, TlsError> {
        tls::client_config(pem).map(Self)
    }

    /// What this system trusts.
    pub fn system() -> Result<Self, TlsError> {
        tls::system_client_config().map(Self)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust(…)")
    }
}

/// How long things may take. Nothing here waits without a bound.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// From a closed socket to a connection that is signed in.
    pub connect: Duration,
    /// One order, sent to answered.
    pub call: Duration,
    /// One question, sent to answered; after that another broker is asked.
    pub question: Duration,
    /// How long a definite refusal that is known to pass (a controller that fails over, 10.7 s were seen) is tried again.
    pub retry: Duration,
    /// How long a grant waits for one broker to show it, before that broker is named and passed by.
    pub settle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            call: Duration::from_secs(10),
            question: Duration::from_secs(2),
            retry: Duration::from_secs(15),
            settle: Duration::from_secs(1),
        }
    }
}

/// All that a [`crate::Cluster`] needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Some brokers of the cluster; the others are asked for.
    pub bootstrap: Vec<Address>,
    /// Who administers.
    pub account: Account,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// SCRAM iterations of the credentials that are written. Kafka's minimum is enough for passwords that are random.
    pub iterations: u32,
    /// How long a cut-off waits between the end of the rights and the quota, which silences consumers. An idle consumer
    /// is told the cause of its end only if its fetch returns in between: with half a second (clients' `fetch.max.wait.ms`) all
    /// of them are told, with none only those whose topics are busy. The cut-off takes that much longer.
    pub grace: Duration,
}

impl Settings {
    /// Settings with Kafka's minimum of iterations and the default time-outs.
    pub fn new(bootstrap: Vec<Address>, account: Account, trust: Trust) -> Self {
        Self { bootstrap, account, trust, timeouts: Timeouts::default(), iterations: ITERATIONS, grace: Duration::ZERO }
    }
}
