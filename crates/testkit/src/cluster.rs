//! Several replicas of the real server on one PostgreSQL, each behind a network and with a monotonic clock that the test can
//! spoil.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use twinkey_api::token_pair::Slot;
use twinkey_server::{
    app::App,
    cli_credential::CliCredential,
    keys::MasterKeySource,
    replicas::{
        ReplicaMode,
        clock::{Monotonic, since_boot},
    },
    start::{Config, Server},
};
use twinkey_testbed::{
    postgres::{Database, Postgres},
    proxy::Proxy,
};

use crate::{
    Api, leaks,
    server::{config, start_time, try_start_with},
};

/// The replicas, and what they share.
pub struct Cluster {
    /// In the order of their start.
    pub replicas: Vec<Replica>,
    /// What they share.
    pub database: Arc<Database>,
    master_key: Option<String>,
}

/// One replica.
pub struct Replica {
    /// Its HTTP API.
    pub api: Api,
    /// A personal access token of the administrator, of its own.
    pub admin: String,
    /// The server itself; dropped, it is one that was killed.
    pub server: Option<Server>,
    /// The network between it and the database.
    pub proxy: Proxy,
    /// How far its monotonic clock is ahead, in milliseconds.
    ahead: Arc<AtomicU64>,
    directory: TempDir,
}

impl Cluster {
    /// So many replicas on a fresh database.
    pub async fn start(count: usize) -> Self {
        leaks::watch_logs();
        let database = Arc::new(Database::create(Postgres::shared_url()));
        let mut cluster = Self { replicas: Vec::new(), database, master_key: None };
        for _ in 0..count {
            cluster.add().await;
        }
        cluster
    }

    /// One more.
    pub async fn add(&mut self) -> &Replica {
        self.add_with(|_| ()).await
    }

    /// One more, with settings of the test's own.
    pub async fn add_with(&mut self, adjust: impl FnOnce(&mut Config)) -> &Replica {
        let directory = tempfile::tempdir().expect("temporary directory");
        let data_dir = directory.path().join("data");
        let proxy = Proxy::start(address(&self.database.url)).await.expect("a free port");
        let ahead = Arc::new(AtomicU64::new(0));
        let monotonic: Monotonic = {
            let ahead = ahead.clone();
            Arc::new(move || since_boot() + Duration::from_millis(ahead.load(Ordering::Relaxed)))
        };
        let mut config = Config {
            database_url: Some(through(&proxy, &self.database.url)),
            master_key: self.master_key.clone().map(|key| MasterKeySource::Value(key.into())),
            replicas: ReplicaMode::Leased,
            ..config(&data_dir)
        };
        adjust(&mut config);
        let server = try_start_with(config, start_time(), monotonic).await;
        let server = server.unwrap_or_else(|error| panic!("cannot start: {error}"));
        if self.master_key.is_none() {
            self.master_key = Some(std::fs::read_to_string(data_dir.join("master.key")).expect("made"));
        }
        let file = std::fs::read(data_dir.join("cli.json")).expect("written at the start");
        let credential: CliCredential = serde_json::from_slice(&file).expect("a credential");
        let (api, admin) = (Api::at(&credential.url), credential.token);
        self.replicas.push(Replica { api, admin, server: Some(server), proxy, ahead, directory });
        self.replicas.last().expect("pushed")
    }

    /// The master key that all of them were started with.
    pub fn master_key(&self) -> String {
        self.master_key.clone().expect("there are replicas")
    }

    /// The ids of the replicas that the database knows.
    pub fn registered(&self) -> Vec<String> {
        self.database.query("SELECT id FROM replicas ORDER BY started_at").lines().map(str::to_owned).collect()
    }
}

impl Replica {
    /// Its parts.
    pub fn app(&self) -> &Arc<App> {
        &self.server.as_ref().expect("running").app
    }

    /// The id under which it is registered.
    pub fn id(&self) -> &str {
        &self.app().replicas.id
    }

    /// Its data directory.
    pub fn data_dir(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    /// Moves its monotonic clock.
    pub fn advance(&self, by: Duration) {
        self.ahead.fetch_add(by.as_millis() as u64, Ordering::Relaxed);
    }

    /// The value of a token of the workspace `demo`.
    pub async fn token(&self, slot: Slot) -> String {
        self.api.reveal("demo", slot, &self.admin).await
    }

    /// Rotates the workspace `demo`; must succeed.
    pub async fn rotate(&self) {
        let generation = self.api.generation("demo", &self.admin).await;
        self.api.rotate("demo", &self.admin, generation).await.ok();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            for replica in &self.replicas {
                leaks::assert_none_in(replica.directory.path());
            }
            let tokens = leaks::find_tokens(self.database.dump().as_bytes());
            assert!(tokens.is_empty(), "the database contains {} plaintext token(s)", tokens.len());
            leaks::assert_none_logged();
        }
    }
}

/// Where the server of a URL is.
fn address(url: &str) -> SocketAddr {
    let (_, rest) = url.rsplit_once('@').expect("a URL with a user");
    let (address, _) = rest.split_once('/').expect("a URL with a database");
    address.parse().expect("an address with a port")
}

/// The same database, by way of a proxy.
fn through(proxy: &Proxy, url: &str) -> String {
    url.replace(&address(url).to_string(), &proxy.address().to_string())
}
