//! The real server, in-process, on free ports, with its own data directory and a clock that the test holds.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::net::TcpListener;
use twinkey_api::{Role, WorkspaceId, token_pair::Slot};
use twinkey_server::{
    Clock,
    audit::checkpointer::CheckpointSettings,
    broker::KafkaSettings,
    cli_credential::CliCredential,
    db,
    http::HttpSettings,
    random::Random,
    replicas::{
        LEASE, ReplicaMode,
        clock::{Monotonic, since_boot},
        member::MemberError,
    },
    sign_in::CONFIRM_AFTER,
    start::{Config, Server, StartError},
    webhooks::WebhookSettings,
};
use twinkey_testbed::{
    kafka::Kafka,
    postgres::{Database, Postgres},
};

use crate::{Api, Stream, broker::TestBroker, leaks};

/// The administrator's password on every test server.
pub const ADMIN_PASSWORD: &str = "correct horse battery staple";

/// Where the clock of a test server starts: now, because its certificates are verified by clients with clocks of their own.
#[expect(clippy::disallowed_methods, reason = "this is where the clock of the tests comes from")]
pub(crate) fn start_time() -> Arc<AtomicI64> {
    Arc::new(AtomicI64::new(Timestamp::now().as_millisecond()))
}

/// A running server. When it goes out of scope its data directory and the process's logs are scanned for tokens.
pub struct TestServer {
    /// Its HTTP API.
    pub api: Api,
    /// A personal access token of the administrator.
    pub admin: String,
    /// The server itself.
    pub server: Option<Server>,
    directory: Arc<TempDir>,
    database: Option<Arc<Database>>,
    broker: TestBroker,
    now: Arc<AtomicI64>,
}

impl TestServer {
    /// A server on a fresh data directory. Its database is SQLite there, or a fresh one on PostgreSQL if the variable
    /// `TWINKEY_TEST_DATABASE` says `postgres`. Its broker is the embedded one, or Apache Kafka if the variable
    /// `TWINKEY_TEST_BROKER` says `kafka`: see [`TestBroker`].
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// The same with settings of the test's own.
    pub async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        let database = match std::env::var("TWINKEY_TEST_DATABASE").as_deref() {
            Ok("postgres") => Some(Arc::new(Database::create(Postgres::shared_url()))),
            Ok("sqlite") | Err(_) => None,
            Ok(other) => panic!("TWINKEY_TEST_DATABASE={other} is neither sqlite nor postgres"),
        };
        let directory = Arc::new(tempfile::tempdir().expect("temporary directory"));
        Self::start_adjusted(directory, database, TestBroker::from_environment().await, start_time(), adjust).await
    }

    /// A server on a fresh data directory and this database; `None`: SQLite in that directory. For tests that are about the
    /// database: the broker is always the embedded one.
    pub async fn start_on(database: Option<Arc<Database>>) -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("temporary directory"));
        Self::start_in(directory, database, TestBroker::embedded(), start_time()).await
    }

    /// A server on a fresh data directory and a cluster of the test's own, which some settings differ for.
    pub async fn start_on_kafka(kafka: &Kafka, change: impl FnOnce(&mut KafkaSettings)) -> Self {
        let directory = Arc::new(tempfile::tempdir().expect("temporary directory"));
        let mut broker = TestBroker::on(kafka);
        broker.kafka.as_mut().map(change);
        Self::start_in(directory, None, broker, start_time()).await
    }

    async fn start_in(
        directory: Arc<TempDir>,
        database: Option<Arc<Database>>,
        broker: TestBroker,
        now: Arc<AtomicI64>,
    ) -> Self {
        Self::start_adjusted(directory, database, broker, now, |_| ()).await
    }

    async fn start_adjusted(
        directory: Arc<TempDir>,
        database: Option<Arc<Database>>,
        broker: TestBroker,
        now: Arc<AtomicI64>,
        adjust: impl FnOnce(&mut Config),
    ) -> Self {
        leaks::watch_logs();
        let mut config = Config {
            database_url: database.as_ref().map(|it| it.url.clone()),
            workspace: broker.own("demo"),
            kafka: broker.kafka.clone(),
            ..config(&directory.path().join("data"))
        };
        adjust(&mut config);
        let server = start_when_free(config, now.clone()).await;
        let server = server.unwrap_or_else(|error| panic!("cannot start: {error}"));
        let file = std::fs::read(directory.path().join("data/cli.json")).expect("written at the start");
        let credential: CliCredential = serde_json::from_slice(&file).expect("a credential");
        Self {
            api: Api::at(&credential.url),
            admin: credential.token,
            server: Some(server),
            directory,
            database,
            broker,
            now,
        }
    }

    /// The settings of its cluster, if it has one.
    pub fn kafka(&self) -> Option<&KafkaSettings> {
        self.broker.kafka.as_ref()
    }

    /// The id of the workspace that its first start made: `demo`, or one of its own where it shares the broker.
    pub fn workspace(&self) -> &str {
        &self.broker.workspace
    }

    /// The full name of a topic of that workspace.
    pub fn topic(&self, name: &str) -> String {
        format!("{}-{name}", self.workspace())
    }

    /// A text with this server's own ids in the place of `demo` and `acme`: see [`TestBroker`].
    pub fn own(&self, text: &str) -> String {
        self.broker.own(text)
    }

    /// Its parts.
    pub fn app(&self) -> &Arc<twinkey_server::app::App> {
        &self.server.as_ref().expect("running").app
    }

    /// Its data directory.
    pub fn data_dir(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    /// Its database on PostgreSQL, if it is there. Lives as long as somebody holds it.
    pub fn database(&self) -> Option<Arc<Database>> {
        self.database.clone()
    }

    /// The URL of its database.
    pub fn database_url(&self) -> String {
        let sqlite = || db::sqlite_url(&self.data_dir().join("twinkey.db"));
        self.database.as_ref().map_or_else(sqlite, |it| it.url.clone())
    }

    /// Moves the clock.
    pub fn advance(&self, by: SignedDuration) {
        self.now.fetch_add(by.as_millis() as i64, Ordering::Relaxed);
    }

    /// Stops it in order.
    pub async fn stop(mut self) {
        self.server.take().expect("running").shutdown().await;
    }

    /// Stops it in order and starts it again on the same data.
    pub async fn restart(mut self) -> Self {
        self.server.take().expect("running").shutdown().await;
        Self::start_in(self.directory.clone(), self.database.clone(), self.broker.clone(), self.now.clone()).await
    }

    /// Stops it in order, unless it was taken out of [`TestServer::server`], and starts it again on the same data with settings
    /// of the test's own.
    pub async fn restart_with(mut self, adjust: impl FnOnce(&mut Config)) -> Self {
        if let Some(server) = self.server.take() {
            server.shutdown().await;
        }
        let (directory, database, broker) = (self.directory.clone(), self.database.clone(), self.broker.clone());
        Self::start_adjusted(directory, database, broker, self.now.clone(), adjust).await
    }

    /// Stops it in order, and says why it does not start again with settings of the test's own. Start it again after that.
    pub async fn refuses_to_start_with(&mut self, adjust: impl FnOnce(&mut Config)) -> StartError {
        if let Some(server) = self.server.take() {
            server.shutdown().await;
        }
        let mut config = Config {
            database_url: Some(self.database_url()),
            workspace: self.broker.own("demo"),
            kafka: self.broker.kafka.clone(),
            ..config(&self.data_dir())
        };
        adjust(&mut config);
        try_start(config, self.now.clone()).await.err().expect("refused")
    }

    /// Starts again on the same data after the server was taken out of [`TestServer::server`] and abandoned.
    pub async fn restart_after_crash(self) -> Self {
        Self::start_in(self.directory.clone(), self.database.clone(), self.broker.clone(), self.now.clone()).await
    }

    /// Stops it in order and copies its data directory.
    pub async fn stop_and_copy(mut self, to: &Path) {
        self.server.take().expect("running").shutdown().await;
        let status = std::process::Command::new("cp").arg("-a").arg(self.data_dir()).arg(to).status();
        assert!(status.expect("cp runs").success());
    }

    /// The value of a token of its workspace.
    pub async fn token(&self, slot: Slot) -> String {
        self.api.reveal(self.workspace(), slot, &self.admin).await
    }

    /// A Kafka connection with a token of its workspace.
    pub async fn stream(&self, token: &str) -> Stream {
        Stream::open(&self.api, self.workspace(), token).await
    }

    /// Makes a topic in its workspace.
    pub async fn create_topic(&self, name: &str) {
        let path = format!("/{}/topics", self.workspace());
        self.api.post(&path, &self.admin, &serde_json::json!({ "name": name })).await.ok();
    }

    /// A user with a role in the organisation and, if given, another one in a workspace; returns a PAT.
    pub async fn user(&self, email: &str, role: Role, narrower: Option<(&str, Role)>) -> String {
        let app = self.app();
        let id = app.random.id();
        let password_hash = app.passwords.hash(ADMIN_PASSWORD.to_owned().into(), &app.random).await;
        let organisation = &app.organisation.id;
        db::users::insert(&*app.db, &id, organisation, email, password_hash, role, app.now()).await.expect("stored");
        if let Some((workspace_id, role)) = narrower {
            let workspace_id = WorkspaceId::parse(workspace_id).expect("a workspace id");
            db::users::set_membership(&*app.db, &id, workspace_id.as_str(), role).await.expect("stored");
        }
        let body = serde_json::json!({"email": email, "password": ADMIN_PASSWORD});
        let session = self.api.post("/auth/sign-in", "", &body).await.ok();
        let session = session["token"].as_str().expect("a session").to_owned();
        let body = serde_json::json!({"name": "test"});
        let pat = self.api.post("/profile/tokens", &session, &body).await.ok();
        pat["value"].as_str().expect("a PAT").to_owned()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            leaks::assert_none_in(self.directory.path());
            if let Some(database) = &self.database {
                let tokens = leaks::find_tokens(database.dump().as_bytes());
                assert!(tokens.is_empty(), "the database contains {} plaintext token(s)", tokens.len());
            }
            leaks::assert_none_logged();
        }
    }
}

/// The settings of a test server on `data_dir`.
pub fn config(data_dir: &Path) -> Config {
    Config {
        data_dir: data_dir.to_owned(),
        database_url: None,
        master_key: None,
        previous_master_key: None,
        rekey_every: twinkey_server::rekeying::EVERY,
        http: HttpSettings::default(),
        public_url: None,
        broker_advertise: ("localhost".into(), None),
        kafka: None,
        adopt_broker: false,
        admin_email: "admin@localhost".into(),
        admin_password: Some(ADMIN_PASSWORD.to_owned().into()),
        organisation: "demo".into(),
        workspace: "demo".into(),
        mail: None,
        oidc: None,
        replicas: ReplicaMode::Exclusive,
        replica_lease: LEASE,
        checkpoints: CheckpointSettings::default(),
        webhooks: WebhookSettings::default(),
        confirm_password_after: Some(CONFIRM_AFTER),
    }
}

/// Starts a server with these settings on free ports, with the system's randomness and a clock at `now` milliseconds.
pub async fn try_start(config: Config, now: Arc<AtomicI64>) -> Result<Server, StartError> {
    try_start_with(config, now, Arc::new(since_boot)).await
}

/// [`try_start`], once the locks of the server before it are free. Another test of this process may just be starting a program:
/// until that has come to its own code it holds every file that was open here, the locked ones of a server that ended included.
async fn start_when_free(config: Config, now: Arc<AtomicI64>) -> Result<Server, StartError> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match try_start(config.clone(), now.clone()).await {
            Err(StartError::Locked(..) | StartError::Member(MemberError::NotAlone(_))) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            outcome => return outcome,
        }
    }
}

/// [`try_start`] with a monotonic clock as well.
pub async fn try_start_with(config: Config, now: Arc<AtomicI64>, monotonic: Monotonic) -> Result<Server, StartError> {
    // With a fraction of a millisecond, as every real clock shows: what is stored has none.
    let fraction = SignedDuration::from_nanos(123_456);
    let clock: Clock =
        Arc::new(move || Timestamp::from_millisecond(now.load(Ordering::Relaxed)).expect("in range") + fraction);
    let http = bind().await;
    let broker = if config.kafka.is_some() { None } else { Some(bind().await) };
    Box::pin(Server::start(config, http, broker, clock, monotonic, Random::from_system())).await
}

/// [`try_start`] with a clock of its own.
pub async fn try_start_now(config: Config) -> Result<Server, StartError> {
    try_start(config, start_time()).await
}

async fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}
