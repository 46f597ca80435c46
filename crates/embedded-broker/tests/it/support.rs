//! A broker on a free port with a certificate authority of its own, and clients for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use kafka_protocol::{messages::TopicName, protocol::StrBytes};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;
use tokio::net::TcpListener;
use twinkey_embedded_broker::{Broker, BrokerConfig, KnownPrincipal, Limits, Principals, Scope};
use twinkey_kafka_wire::{
    client::{Client, ClientError, SaslMechanism},
    scram::Mechanism,
    tls,
};

pub const SCRAM: SaslMechanism = SaslMechanism::Scram(Mechanism::Sha256);

/// Who may sign in; the password of `name` is `name-password`.
#[derive(Default)]
pub struct People {
    names: Mutex<BTreeMap<String, String>>,
}

impl People {
    pub fn add(&self, name: &str, workspace: &str) {
        self.names.lock().unwrap().insert(name.to_owned(), workspace.to_owned());
    }
    pub fn remove(&self, name: &str) {
        self.names.lock().unwrap().remove(name);
    }
}

impl Principals for People {
    fn find(&self, name: &str) -> Option<KnownPrincipal> {
        let workspace = self.names.lock().unwrap().get(name)?.clone();
        Some(KnownPrincipal { password: password_of(name), scope: Scope::of_workspace(&workspace) })
    }
}

pub fn password_of(name: &str) -> String {
    format!("{name}-password")
}

pub struct Server {
    pub broker: Broker,
    pub people: Arc<People>,
    authority: String,
    _dir: TempDir,
}

/// The usual limits, but refused clients are not kept waiting.
pub fn limits() -> Limits {
    Limits { refusal_delay: Duration::ZERO, linger: Duration::from_millis(50), ..Limits::default() }
}

/// A broker for `tk-1` and `tk-2` of workspace `w`, and `tk-x` of workspace `other`.
pub async fn start() -> Server {
    start_with(limits(), false).await
}

pub async fn start_with(limits: Limits, auto_create_topics: bool) -> Server {
    let (authority, chain, key) = certificates();
    let dir = TempDir::new().unwrap();
    let people = Arc::new(People::default());
    for (name, workspace) in [("tk-1", "w"), ("tk-2", "w"), ("tk-x", "other")] {
        people.add(name, workspace);
    }
    let config = BrokerConfig {
        data_dir: dir.path().to_owned(),
        advertised_host: "localhost".to_owned(),
        advertised_port: 0,
        tls: tls::server_config(&chain, &key).unwrap(),
        cluster_id: "test-cluster".to_owned(),
        auto_create_topics,
        limits,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clock: twinkey_embedded_broker::Clock = Arc::new(|| jiff::Timestamp::from_second(1_700_000_000).unwrap());
    let broker = Broker::start(config, listener, Arc::clone(&people) as _, clock).await.unwrap();
    Server { broker, people, authority, _dir: dir }
}

fn certificates() -> (String, String, String) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    (authority, leaf.pem(), key.serialize_pem())
}

impl Server {
    /// Inside TLS, but nothing said yet.
    pub async fn connect(&self) -> Client {
        let tls = tls::client_config(&self.authority).unwrap();
        Client::connect(self.broker.local_addr(), "localhost", tls).await.unwrap()
    }

    pub async fn try_sign_in(
        &self,
        mechanism: SaslMechanism,
        user: &str,
        password: &str,
    ) -> Result<Client, ClientError> {
        let mut client = self.connect().await;
        client.api_versions(3).await?;
        client.sign_in(mechanism, user, password).await?;
        Ok(client)
    }

    /// Signed in by SCRAM.
    pub async fn client(&self, user: &str) -> Client {
        self.try_sign_in(SCRAM, user, &password_of(user)).await.unwrap()
    }
}

pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

/// The connection was closed by the broker, whatever the way in which that shows.
#[expect(clippy::needless_pass_by_value, reason = "reads well around a call")]
pub fn assert_closed<T: std::fmt::Debug>(outcome: Result<T, ClientError>) {
    assert!(matches!(outcome, Err(ClientError::Closed | ClientError::Io(_) | ClientError::Frame(_))), "{outcome:?}");
}
