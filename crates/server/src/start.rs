//! Starting and stopping a server: data directory, key, database, first start, broker, HTTP.

use std::{
    fs::{self, File, TryLockError},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::RwLock, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use twinkey_api::WorkspaceId;
use twinkey_embedded_broker::{BrokerConfig, Clock};
use zeroize::Zeroizing;

use crate::{
    app::App,
    audit::checkpointer::{self, CheckpointSettings},
    broker::{Broker, Ca, Embedded, Endpoint, Kafka, KafkaSettings, Reconciler, kafka::KafkaStartError, reconciler},
    ca, cli_credential,
    creation::{self, CreationError},
    cut_off::CutOffs,
    db::{self, Db, installation::EMBEDDED},
    files::{open_private, private_directory, write_private},
    first_start::{self, FirstStart},
    following::Following,
    http::{
        self, HttpSettings,
        tls::{ApiTls, TlsError},
    },
    keys::{Keys, MasterKeyError, MasterKeySource, PRINCIPAL_PREFIX},
    last_use::{self, LastUses},
    lifecycle::Lifecycle,
    live::Streams,
    mail::{Mail, MailError, MailSettings},
    messages::Room,
    metrics::Metrics,
    password::Passwords,
    random::Random,
    registry::Registry,
    rekeying,
    replicas::{
        ReplicaMode, Replicas,
        clock::Monotonic,
        member::{Member, MemberError},
        sole::claim_file,
    },
    sign_in::{
        limits::Limits,
        oidc::{OidcSettings, Provider},
    },
    usage::{self, Usage, sign_ins::SignIns},
    watches::{self, Watches},
    webhooks::{self, WebhookSettings},
};

/// What a server needs to know. Listeners, time and randomness are passed beside it.
#[derive(Clone)]
pub struct Config {
    /// Where everything lives that has to survive.
    pub data_dir: PathBuf,
    /// `sqlite:…` or `postgres:…`; `twinkey.db` in the data directory if absent.
    pub database_url: Option<String>,
    /// Where the master key comes from; `master.key` in the data directory if absent.
    pub master_key: Option<MasterKeySource>,
    /// The key that is being replaced, or is about to replace the other: see [`rekeying`].
    pub previous_master_key: Option<MasterKeySource>,
    /// How often tokens under the other key are looked for; [`rekeying::EVERY`] but in tests.
    pub rekey_every: Duration,
    /// The API's listener.
    pub http: HttpSettings,
    /// How browsers and clients reach the API; `http://localhost:{port}` if absent, `https://` with a certificate.
    pub public_url: Option<String>,
    /// How clients reach the embedded broker: host, and port if it differs from the listener's.
    pub broker_advertise: (String, Option<u16>),
    /// The Apache Kafka cluster that takes the embedded broker's place.
    pub kafka: Option<KafkaSettings>,
    /// Whether this installation leaves the broker that it was bound to. Topics and groups do not move with it.
    pub adopt_broker: bool,
    /// The first start's administrator.
    pub admin_email: String,
    /// The first start's password; a random one if absent.
    pub admin_password: Option<Zeroizing<String>>,
    /// The first start's organisation.
    pub organisation: String,
    /// The first start's workspace.
    pub workspace: String,
    /// How invitations are sent by e-mail; not at all if absent.
    pub mail: Option<MailSettings>,
    /// Where people can sign in as well; nowhere if absent.
    pub oidc: Option<OidcSettings>,
    /// How many servers there may be on the database, if it is one for several.
    pub replicas: ReplicaMode,
    /// How long a replica trusts its memory without having asked the database what is new.
    pub replica_lease: Duration,
    /// When the end of the audit log is signed, and where that is kept beside the database.
    pub checkpoints: CheckpointSettings,
    /// Where webhooks may point.
    pub webhooks: WebhookSettings,
    /// For how long after its last proof of the password a session is shown secrets; [`CONFIRM_AFTER`](crate::sign_in::CONFIRM_AFTER) unless the operator
    /// wants it otherwise. `None`: as long as it lasts.
    pub confirm_password_after: Option<Duration>,
}

/// Why a server cannot start. One sentence each, for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be made or written.
    #[error("cannot use the data directory {0}: {1}")]
    DataDir(PathBuf, io::Error),
    /// Another server runs on the same data.
    #[error(
        "another Twinkey server is running on the data directory {0}{1}; stop it, or use --data-dir for another one"
    )]
    Locked(PathBuf, String),
    /// See [`MasterKeyError`].
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] db::OpenError),
    /// The database was opened and then failed.
    #[error("the database failed: {0}")]
    Db(#[from] sea_orm::DbErr),
    /// See [`MemberError`].
    #[error(transparent)]
    Member(#[from] MemberError),
    /// See [`ca::CaError`].
    #[error(transparent)]
    Ca(#[from] ca::CaError),
    /// See [`TlsError`].
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// See [`MailError`].
    #[error(transparent)]
    Mail(#[from] MailError),
    /// There is no client for the OpenID Connect provider.
    #[error("cannot speak to the OpenID Connect provider: {0}")]
    Oidc(#[from] reqwest::Error),
    /// The first workspace's id is not allowed.
    #[error(transparent)]
    Workspace(#[from] twinkey_api::name::BadWorkspaceId),
    /// The embedded broker cannot start.
    #[error("the embedded broker cannot start: {0}")]
    Broker(String),
    /// See [`KafkaStartError`].
    #[error(transparent)]
    Kafka(#[from] KafkaStartError),
    /// The installation's topics are elsewhere.
    #[error(
        "this installation streams through {bound}, not through {found}. Topics, their records and consumer groups stay where \
         they are; if that is what you want, start once with --adopt-broker, and every valid token gets a principal on the \
         other broker"
    )]
    OtherBroker {
        /// To which it is bound.
        bound: String,
        /// What it was started with.
        found: String,
    },
    /// The first workspace was not made on the broker.
    #[error("the first workspace cannot be created: {0}")]
    FirstWorkspace(String),
}

/// The real addresses of a running server; `endpoints.json` in the data directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoints {
    /// The API.
    pub url: String,
    /// The broker, `host:port`.
    pub broker: String,
    /// The server's process.
    pub pid: u32,
}

/// A running server.
pub struct Server {
    /// Its addresses.
    pub endpoints: Endpoints,
    /// Set if this was the first start on its data directory.
    pub first_start: Option<FirstStart>,
    /// Its parts, for tests.
    pub app: Arc<App>,
    /// Cancelled when the server must not go on: another one works on its database, where it has to be alone.
    pub lost: CancellationToken,
    shutdown: CancellationToken,
    http: JoinHandle<()>,
    tls: Option<Arc<ApiTls>>,
    drain_delay: Duration,
    checkpoint_file: PathBuf,
    _background: [AbortOnDropHandle<()>; 6],
    stop_member: CancellationToken,
    // Aborted with a server that is dropped: to others it is then one that was killed.
    member: AbortOnDropHandle<()>,
    cli_credential: Option<String>,
    /// Held until the server is gone.
    _locks: Vec<File>,
}

impl Server {
    /// Starts on listeners that were bound already; the broker's is absent with Apache Kafka. Ready when this returns. The
    /// `monotonic` clock measures for how long memory may be trusted; `clock` may be set by anybody and is for people.
    pub async fn start(
        config: Config,
        http_listener: TcpListener,
        broker_listener: Option<TcpListener>,
        clock: Clock,
        monotonic: Monotonic,
        random: Random,
    ) -> Result<Self, StartError> {
        let directory = &config.data_dir;
        let unusable = |error| StartError::DataDir(directory.clone(), error);
        private_directory(directory).map_err(unusable)?;
        let mut locks = vec![lock(directory)?];
        let api_tls = match config.http.tls.clone() {
            Some(files) => Some(ApiTls::load(files).await?),
            None => None,
        };
        let now = clock();

        let database = directory.join("twinkey.db");
        if config.database_url.is_none() {
            // SQLite itself would make it for everybody to read, and gives its journals the mode that it has.
            open_private(&database).map_err(unusable)?;
        }
        let database_url = config.database_url.clone().unwrap_or_else(|| db::sqlite_url(&database));
        if let Some(file) = db::sqlite_file(&database_url) {
            locks.push(claim_file(&file).map_err(MemberError::from)?);
        }
        let db = Db::open(&database_url).await?;
        let source = config.master_key.clone().unwrap_or_else(|| directory.join("master.key").into());
        // A new key is right only while nothing was encrypted with an older one.
        let may_create = db::organisations::find(&*db).await?.is_none();
        let prefix = config.kafka.as_ref().map_or(PRINCIPAL_PREFIX, |kafka| &kafka.principal_prefix);
        let keys = Keys::load_both(&source, config.previous_master_key.as_ref(), may_create, &random)?;
        let keys = Arc::new(keys.with_principal_prefix(prefix));
        let passwords = Passwords::default();
        let (organisation, first_start) = first_start::make(&db, &config, (&keys, &random), &passwords, now).await?;

        let registry = Arc::new(Registry::new(keys.clone()));
        rekeying::check(&db, &keys, &source).await?;
        let usage = Arc::new(Usage::default());
        let mode = if db.is_shared() { config.replicas } else { ReplicaMode::Exclusive };
        let replicas = Replicas::new(mode, random.id(), replica_name(directory), config.replica_lease, monotonic);
        let member = Member::join(&replicas, &db, &registry).await?;
        rekeying::declare(&db, &keys, now).await?;

        let http_address = http_listener.local_addr().map_err(unusable)?;
        let bound = bind(&db, &config).await?;
        let broker: Arc<dyn Broker> = match (bound, broker_listener) {
            (Some(kafka), _) => Arc::new(kafka),
            (None, Some(listener)) => {
                let sign_ins = SignIns { registry: registry.clone(), usage: usage.clone(), clock: clock.clone() };
                embedded(&config, &organisation.id, listener, sign_ins).await?
            }
            (None, None) => return Err(StartError::Broker("it was not given a listener".into())),
        };
        let endpoints = Endpoints {
            url: config.public_url.clone().unwrap_or_else(|| default_url(http_address, api_tls.is_some())),
            broker: broker.endpoint().address.clone(),
            pid: std::process::id(),
        };
        let oidc = config.oidc.clone().map(|settings| Provider::new(settings, &endpoints.url)).transpose()?;
        let mail = config.mail.as_ref().map(Mail::new).transpose()?;
        let lifecycle = Lifecycle::default();
        let (metrics, cut_offs, reconciler) = (Metrics::default(), CutOffs::default(), Reconciler::new(&random.id()));
        let app = Arc::new(App {
            db,
            keys,
            registry,
            usage,
            replicas,
            broker,
            cut_offs,
            deletions: Following::default(),
            topic_creations: RwLock::default(),
            reconciler,
            passwords,
            sign_in_limits: Limits::default(),
            messages: Room::default(),
            last_uses: LastUses::default(),
            mail,
            oidc,
            public_url: endpoints.url.clone(),
            random,
            started_at: now,
            clock,
            metrics,
            lifecycle,
            webhooks: config.webhooks.clone(),
            confirm_password_after: config.confirm_password_after,
            streams: Streams::default(),
            watches: Watches::default(),
            audit_verification: Arc::default(),
            organisation,
        });
        let (stop_member, lost) = (CancellationToken::new(), CancellationToken::new());
        let member = tokio::spawn(member.run(app.clone(), stop_member.clone(), lost.clone()));
        let member = AbortOnDropHandle::new(member);
        finish_first_workspace(&app, &config).await?;
        reconciler::start(&app);
        let certificate = api_tls.as_ref().map(|tls| tls.certificate());
        let local_url = default_url(http_address, api_tls.is_some());
        let cli_credential = cli_credential::renew(&app, directory, &local_url, certificate).await?;
        write_private(&directory.join("endpoints.json"), &serde_json::to_vec(&endpoints).expect("plain data"))
            .map_err(unusable)?;
        let shutdown = CancellationToken::new();
        if let Some(tls) = &api_tls {
            let (shown, directory) = (tls.clone(), directory.clone());
            tokio::spawn(tls.clone().follow(shutdown.clone(), move || {
                if let Err(error) = cli_credential::set_certificate(&directory, shown.certificate()) {
                    tracing::error!(%error, "the command line on this machine does not know the new certificate");
                }
            }));
        }
        let rekeying = app.lifecycle.spawn(rekeying::run(app.clone(), config.rekey_every, shutdown.clone()));
        let checkpoint_file =
            config.checkpoints.file.clone().unwrap_or_else(|| directory.join(checkpointer::FILE_NAME));
        let checkpoints = checkpointer::run(app.clone(), config.checkpoints, checkpoint_file.clone(), shutdown.clone());
        let checkpoints = app.lifecycle.spawn(checkpoints);
        let webhooks = app.lifecycle.spawn(webhooks::worker::run(app.clone(), config.webhooks, shutdown.clone()));
        let last_uses = app.lifecycle.spawn(last_use::run(app.clone(), shutdown.clone()));
        let flushing = app.lifecycle.spawn(usage::flush::run(app.clone(), shutdown.clone()));
        let watching = app.lifecycle.spawn(watches::run(app.clone(), shutdown.clone()));
        let HttpSettings { trusted_proxies, drain_delay, .. } = config.http;
        let tls_config = api_tls.as_ref().map(ApiTls::server_config);
        let http = http::serve(http_listener, tls_config, trusted_proxies, app.clone(), shutdown.clone());
        Ok(Self {
            endpoints,
            first_start,
            app,
            lost,
            shutdown,
            http: tokio::spawn(http),
            tls: api_tls,
            drain_delay,
            checkpoint_file,
            _background: [rekeying, checkpoints, webhooks, last_uses, flushing, watching].map(AbortOnDropHandle::new),
            stop_member,
            member,
            cli_credential,
            _locks: locks,
        })
    }

    /// Looks at once whether the operator has renewed the API's certificate.
    pub fn reload(&self) {
        if let Some(tls) = &self.tls {
            tls.look_now();
        }
    }

    /// `preferred` if there is such a workspace, else any: for a hint to the person who started the server.
    pub fn some_workspace(&self, preferred: &str) -> String {
        let registry = &self.app.registry;
        let exists = WorkspaceId::parse(preferred).is_ok_and(|id| registry.pair(&id).is_some());
        let other = registry.any_token().filter(|_| !exists).map(|token| token.workspace_id.to_string());
        other.unwrap_or_else(|| preferred.to_owned())
    }

    /// Stops in order: not ready any more, and after the drain delay no new requests; those under way finish, and changes
    /// whose caller has gone too; the others need not wait for this one any more; the broker, the database.
    pub async fn shutdown(mut self) {
        self.app.lifecycle.drain();
        tokio::time::sleep(self.drain_delay).await;
        self.app.lifecycle.stop();
        self.shutdown.cancel();
        if let Err(error) = (&mut self.http).await {
            tracing::error!(%error, "the HTTP task failed");
        }
        self.app.lifecycle.finish_changes().await;
        self.app.cut_offs.stopping.cancel();
        if let Some(id) = &self.cli_credential {
            cli_credential::end(&self.app, id).await;
        }
        self.stop_member.cancel();
        if let Err(error) = (&mut self.member).await {
            tracing::error!(%error, "the task that keeps up with other replicas failed");
        }
        self.app.broker.shutdown().await;
        if let Err(error) = usage::flush::flush(&self.app).await {
            tracing::warn!(%error, "what was counted of the use of tokens since the last time is lost");
        }
        // Last, so that it covers what the end itself has recorded.
        checkpointer::finish(&self.app, &self.checkpoint_file).await;
        if let Err(error) = self.app.db.close().await {
            tracing::error!(%error, "the database did not close cleanly");
        }
    }
}

/// Two servers on one data directory would each believe in their own memory; the second is refused. The lock is the
/// kernel's and ends with the process, however that ends.
fn lock(directory: &Path) -> Result<File, StartError> {
    let unusable = |error| StartError::DataDir(directory.to_owned(), error);
    let path = directory.join("twinkey.lock");
    let file = open_private(&path).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let endpoints = fs::read(directory.join("endpoints.json")).ok();
            let endpoints = endpoints.and_then(|text| serde_json::from_slice::<Endpoints>(&text).ok());
            let who = endpoints.map(|it| format!(" (process {}, {})", it.pid, it.url)).unwrap_or_default();
            Err(StartError::Locked(directory.to_owned(), who))
        }
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Finds the cluster, if there is to be one, and binds the installation to the broker that it was started with.
async fn bind(db: &Db, config: &Config) -> Result<Option<Kafka>, StartError> {
    let kafka = match &config.kafka {
        Some(settings) => Some(Kafka::find(settings.clone()).await?),
        None => None,
    };
    let found = kafka.as_ref().map_or_else(|| EMBEDDED.to_owned(), |(_, it)| format!("kafka:{}", it.id));
    let refuse_other = |installation: Option<db::installation::Model>| {
        let installation = installation.ok_or_else(|| sea_orm::DbErr::Custom("there is no installation".into()))?;
        match &installation.broker {
            Some(bound) if *bound != found && !config.adopt_broker => {
                Err(StartError::OtherBroker { bound: described(bound), found: described(&found) })
            }
            _ => Ok(installation),
        }
    };
    let installation = refuse_other(db::installation::find(&**db).await?)?;
    if let Some((kafka, _)) = &kafka {
        kafka.claim(&installation.id).await?;
    }
    if installation.broker.as_ref() != Some(&found) {
        // Of servers that start together on a fresh database the first one binds it for all, so this is asked again.
        let transaction = db.write().await?;
        refuse_other(db::installation::find(&*transaction).await?)?;
        db::installation::set_broker(&*transaction, Some(&found)).await?;
        transaction.commit().await?;
    }
    Ok(kafka.map(|(kafka, _)| kafka))
}

impl Drop for Server {
    /// Whoever is abandoned must not go on in the background: the next start has the data directory.
    fn drop(&mut self) {
        self.app.lifecycle.stop();
        self.app.cut_offs.stopping.cancel();
    }
}

fn described(bound: &str) -> String {
    match bound.strip_prefix("kafka:") {
        Some(id) => format!("the Apache Kafka cluster {id}"),
        None => "the embedded broker".to_owned(),
    }
}

/// The first start's workspace, if the broker has not heard of it yet: whoever starts a server wants to use it.
async fn finish_first_workspace(app: &Arc<App>, config: &Config) -> Result<(), StartError> {
    let Ok(id) = WorkspaceId::parse(&config.workspace) else { return Ok(()) };
    let workspace = db::workspaces::find(&*app.db, id.as_str()).await?;
    if workspace.is_some_and(|workspace| workspace.state == db::workspaces::CREATING) {
        match creation::finish(app, &id).await {
            Ok(_) | Err(CreationError::Gone) => {}
            Err(error) => return Err(StartError::FirstWorkspace(error.to_string())),
        }
    }
    Ok(())
}

/// The embedded broker, with its certificate authority in the data directory.
async fn embedded(
    config: &Config,
    cluster_id: &str,
    listener: TcpListener,
    sign_ins: SignIns,
) -> Result<Arc<dyn Broker>, StartError> {
    let directory = &config.data_dir;
    let unusable = |error| StartError::DataDir(directory.clone(), error);
    let clock = sign_ins.clock.clone();
    let (host, port) = &config.broker_advertise;
    let tls = ca::load_or_create(directory, host, clock())?;
    let port = port.map_or_else(|| listener.local_addr().map(|address| address.port()), Ok).map_err(unusable)?;
    let data_dir = directory.join("broker");
    private_directory(&data_dir).map_err(unusable)?;
    let broker_config = BrokerConfig {
        data_dir,
        advertised_host: host.clone(),
        advertised_port: port,
        tls: tls.server,
        cluster_id: cluster_id.to_owned(),
        auto_create_topics: false,
        limits: twinkey_embedded_broker::Limits::default(),
    };
    let endpoint = Endpoint { address: format!("{host}:{port}"), ca: Some(Ca::of(&tls.ca_pem)) };
    let broker = Embedded::start(broker_config, endpoint, listener, Arc::new(sign_ins), clock).await;
    Ok(Arc::new(broker.map_err(|error| StartError::Broker(error.to_string()))?))
}

/// What people call this server among others: where it runs.
fn replica_name(directory: &Path) -> String {
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    format!("{}:{}", rustix::system::uname().nodename().to_string_lossy(), directory.display())
}

/// `localhost` for a listener on this machine, else the address itself.
fn default_url(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        format!("{scheme}://localhost:{}", address.port())
    } else {
        format!("{scheme}://{address}")
    }
}
