//! What an operator says about the cluster.

use std::{fs, path::PathBuf, time::Duration};

use twinkey_kafka_admin::{
    Account, Address, AddressError, Mechanism, Password, SaslMechanism, Settings, TlsError, Trust,
};
use zeroize::Zeroizing;

use crate::keys::PRINCIPAL_PREFIX;

/// SCRAM iterations of the principals. Kafka's minimum: the passwords are random, so that nobody gains by guessing, and
/// each sign-in costs the client this many rounds.
pub const ITERATIONS: u32 = 4096;
/// How long a cut-off is waited for before the rotation is answered with what is still open.
pub const CUT_OFF_PATIENCE: Duration = Duration::from_secs(3);

/// The cluster, and how Twinkey uses it.
#[derive(Clone)]
pub struct KafkaSettings {
    /// Some brokers, `host:port`, comma separated.
    pub bootstrap: String,
    /// What clients are told instead.
    pub client_bootstrap: Option<String>,
    /// Twinkey's own account.
    pub user: String,
    /// Its password.
    pub password: Zeroizing<String>,
    /// How it signs in.
    pub mechanism: AccountMechanism,
    /// A file with the certificate authority of the brokers; absent: what the system trusts.
    pub ca: Option<PathBuf>,
    /// How the names of principals begin.
    pub principal_prefix: String,
    /// SCRAM iterations of the principals.
    pub iterations: u32,
    /// How long a cut-off is waited for.
    pub cut_off_patience: Duration,
    /// How long a start waits for a cluster that is not there yet.
    pub wait: Duration,
    /// How long a transaction must have stood still after a cut-off to be taken for the dead token's and aborted; zero: none
    /// is aborted, and Kafka ends them by their own time-out.
    pub transaction_watch: Duration,
}

/// The mechanisms for Twinkey's own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountMechanism {
    /// SCRAM-SHA-256.
    ScramSha256,
    /// SCRAM-SHA-512.
    #[default]
    ScramSha512,
    /// PLAIN.
    Plain,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KafkaSettingsError {
    /// The bootstrap list is not one.
    #[error("--kafka-bootstrap: {0}")]
    Bootstrap(AddressError),
    /// The list for clients is not one.
    #[error("--kafka-client-bootstrap: {0}")]
    ClientBootstrap(AddressError),
    /// The CA file cannot be read.
    #[error("cannot read the certificate authority of Kafka in {0}: {1}")]
    CaFile(PathBuf, std::io::Error),
    /// There is no usable certificate in it.
    #[error("the certificate authority of Kafka in {0} cannot be used: {1}")]
    Ca(String, TlsError),
    /// The prefix could name somebody else's users, or is not one that Kafka takes.
    #[error(
        "--kafka-principal-prefix '{0}' is not allowed: 2 to 40 letters, digits, '.', '_' and '-', so that Twinkey's users \
         are told from all others"
    )]
    Prefix(String),
    /// Kafka refuses these.
    #[error("--kafka-scram-iterations {0} is not allowed: Kafka takes 4096 to 16384")]
    Iterations(u32),
}

impl AccountMechanism {
    /// By its name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "SCRAM-SHA-256" => Some(Self::ScramSha256),
            "SCRAM-SHA-512" => Some(Self::ScramSha512),
            "PLAIN" => Some(Self::Plain),
            _ => None,
        }
    }

    fn sasl(self) -> SaslMechanism {
        match self {
            Self::ScramSha256 => SaslMechanism::Scram(Mechanism::Sha256),
            Self::ScramSha512 => SaslMechanism::Scram(Mechanism::Sha512),
            Self::Plain => SaslMechanism::Plain,
        }
    }
}

impl KafkaSettings {
    /// Settings with the defaults for everything that has one.
    pub fn new(bootstrap: &str, user: &str, password: Zeroizing<String>) -> Self {
        Self {
            bootstrap: bootstrap.to_owned(),
            client_bootstrap: None,
            user: user.to_owned(),
            password,
            mechanism: AccountMechanism::default(),
            ca: None,
            principal_prefix: PRINCIPAL_PREFIX.to_owned(),
            iterations: ITERATIONS,
            cut_off_patience: CUT_OFF_PATIENCE,
            wait: Duration::ZERO,
            transaction_watch: twinkey_kafka_admin::transactions::WATCH,
        }
    }

    /// What clients are told to connect to.
    pub fn for_clients(&self) -> &str {
        self.client_bootstrap.as_deref().unwrap_or(&self.bootstrap)
    }

    /// The certificate authority, PEM.
    pub fn ca_pem(&self) -> Result<Option<String>, KafkaSettingsError> {
        let read =
            |path: &PathBuf| fs::read_to_string(path).map_err(|error| KafkaSettingsError::CaFile(path.clone(), error));
        self.ca.as_ref().map(read).transpose()
    }

    /// The same as the cluster's administration takes it; checks everything that can be checked without the cluster.
    pub fn administration(&self) -> Result<Settings, KafkaSettingsError> {
        let bootstrap = Address::list(&self.bootstrap).map_err(KafkaSettingsError::Bootstrap)?;
        if let Some(list) = &self.client_bootstrap {
            Address::list(list).map_err(KafkaSettingsError::ClientBootstrap)?;
        }
        let prefix = &self.principal_prefix;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(2..=40).contains(&prefix.len()) || !prefix.bytes().all(allowed) {
            return Err(KafkaSettingsError::Prefix(prefix.clone()));
        }
        if !(ITERATIONS..=16384).contains(&self.iterations) {
            return Err(KafkaSettingsError::Iterations(self.iterations));
        }
        let account = Account {
            user: self.user.clone(),
            password: Password::new(&**self.password),
            mechanism: self.mechanism.sasl(),
        };
        let unusable = |error| {
            let path = self.ca.as_ref().map_or_else(|| "this system".to_owned(), |path| path.display().to_string());
            KafkaSettingsError::Ca(path, error)
        };
        let trust = match self.ca_pem()? {
            Some(pem) => Trust::authorities(&pem),
            None => Trust::system(),
        };
        let mut settings = Settings::new(bootstrap, account, trust.map_err(unusable)?);
        settings.iterations = self.iterations;
        Ok(settings)
    }
}
