//! Three replicas, PostgreSQL, three Kafka nodes: real processes, each replica with a network of its own to PostgreSQL.

use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::RngExt;
use serde_json::json;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use twinkey_api::token::LENGTH;
use twinkey_testbed::{
    kafka::Kafka,
    postgres::{Database, Postgres},
    proxy::Proxy,
    watchdog,
};
use twinkey_testkit::{Api, Method, leaks};

/// So many replicas.
pub const REPLICAS: usize = 3;
/// So many Kafka nodes.
pub const NODES: usize = 3;
/// Each has one partition, so that the leaders are spread over the nodes.
pub const TOPICS: [&str; 3] = ["demo-orders", "demo-parcels", "demo-bills"];
/// How long the installation may take to be ready the first time.
const PATIENCE: Duration = Duration::from_mins(2);
/// So much of a log is told when a run fails.
const TAIL: usize = 12_000;
/// A log that has grown beyond this is begun anew once it was scanned.
const LOG: u64 = 64 << 20;
const ADMIN: &str = "admin@localhost";

/// Everything that runs. It ends with this value, or with the test process.
pub struct Installation {
    /// Kafka.
    pub kafka: Kafka,
    /// PostgreSQL, reached by the test itself without a proxy.
    pub postgres: Postgres,
    /// The installation's database.
    pub database: Database,
    /// A personal access token of the administrator, for every replica.
    pub admin: String,
    replicas: Vec<Replica>,
    secrets: Secrets,
    /// Data directories and logs.
    _directory: TempDir,
}

/// One `twinkey serve`.
pub struct Replica {
    /// Its HTTP API; the address stays the same when it is started again.
    pub api: Api,
    /// Its network to PostgreSQL.
    pub proxy: Proxy,
    /// Its data directory.
    pub data_dir: PathBuf,
    log: PathBuf,
    scanned: Mutex<u64>,
    child: Mutex<Option<Child>>,
    variables: Vec<(&'static str, String)>,
}

/// What must not be found in any log, besides tokens.
struct Secrets {
    master_key: String,
    admin_password: String,
    kafka_password: String,
}

impl Installation {
    /// Starts it, with the replicas at the same time, and makes the topics.
    pub async fn start() -> Arc<Self> {
        let kafka = tokio::task::spawn_blocking(|| Kafka::start(NODES));
        let postgres = tokio::task::spawn_blocking(Postgres::start);
        let (kafka, postgres) = (kafka.await.expect("Kafka starts"), postgres.await.expect("PostgreSQL starts"));
        let database = postgres.create_database();
        let directory = tempfile::Builder::new().prefix("twinkey-faults-").tempdir().expect("a temporary directory");
        watchdog::watch(directory.path()).expect("sh");
        let mut bytes = [0; 32];
        rand::rng().fill(&mut bytes);
        let secrets = Secrets {
            master_key: URL_SAFE_NO_PAD.encode(bytes),
            admin_password: format!("password-{:016x}", rand::rng().random::<u64>()),
            kafka_password: kafka.password().to_owned(),
        };
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, postgres.port()));
        let mut replicas = Vec::new();
        for number in 1..=REPLICAS {
            let proxy = Proxy::start(target).await.expect("a free port");
            let url = database.url.replace(&format!(":{}/", postgres.port()), &format!(":{}/", proxy.address().port()));
            assert_ne!(url, database.url, "the database's URL has no port");
            let listen = format!("127.0.0.1:{}", free_port());
            let data_dir = directory.path().join(format!("replica{number}"));
            let variables = vec![
                ("TWINKEY_LISTEN", listen.clone()),
                ("TWINKEY_DATA_DIR", data_dir.display().to_string()),
                ("TWINKEY_DATABASE_URL", url),
                ("TWINKEY_MASTER_KEY", secrets.master_key.clone()),
                ("TWINKEY_ADMIN_PASSWORD", secrets.admin_password.clone()),
                ("TWINKEY_KAFKA_BOOTSTRAP", kafka.bootstrap().to_owned()),
                ("TWINKEY_KAFKA_USER", kafka.user().to_owned()),
                ("TWINKEY_KAFKA_PASSWORD", kafka.password().to_owned()),
                ("TWINKEY_KAFKA_CA", kafka.authorities_file().display().to_string()),
                // Each line of the HTTP library at trace level would be a measurement of the disk.
                ("TWINKEY_LOG", "debug,hyper=info,hyper_util=info,h2=info".to_owned()),
            ];
            replicas.push(Replica {
                api: Api::at(&format!("http://{listen}")),
                proxy,
                log: directory.path().join(format!("replica{number}.log")),
                data_dir,
                scanned: Mutex::new(0),
                child: Mutex::new(None),
                variables,
            });
        }
        let mut installation =
            Self { kafka, postgres, database, admin: String::new(), replicas, secrets, _directory: directory };
        installation.replicas.iter().for_each(Replica::start);
        for number in 1..=REPLICAS {
            let deadline = Instant::now() + PATIENCE;
            while let Some(seen) = installation.replica(number).not_ready().await {
                let ended = installation.replica(number).ended();
                let patient = ended.is_none() && Instant::now() < deadline;
                assert!(patient, "replica {number} is not ready: {seen}, {ended:?}\n{}", installation.tails());
                sleep(Duration::from_millis(50)).await;
            }
        }
        installation.admin = installation.sign_in().await;
        for topic in TOPICS {
            let name = topic.strip_prefix("demo-").expect("a topic of the workspace demo");
            let body = json!({"name": name, "configuration": {"partitions": 1}});
            let answer = installation.replica(1).api.post("/demo/topics", &installation.admin, &body).await;
            assert!(answer.status.is_success(), "{}\n{}", answer.text, installation.tails());
        }
        Arc::new(installation)
    }

    /// A replica, numbered from 1.
    pub fn replica(&self, number: usize) -> &Replica {
        &self.replicas[number - 1]
    }

    /// All replicas with their numbers.
    pub fn replicas(&self) -> impl Iterator<Item = (usize, &Replica)> {
        (1..).zip(&self.replicas)
    }

    /// Ends the connections that listen for announcements. Their owners are not told why.
    pub fn end_listeners(&self) {
        self.database.query(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE query ILIKE 'LISTEN%' AND pid <> pg_backend_pid()",
        );
    }

    /// Whether the audit chain verifies, in the words of the command.
    pub fn verify_audit(&self) -> Result<(), String> {
        let mut command = twinkey();
        command.args(["audit", "verify"]).env("TWINKEY_DATABASE_URL", &self.database.url);
        command.env("TWINKEY_DATA_DIR", &self.replicas[0].data_dir).env("TWINKEY_MASTER_KEY", &self.secrets.master_key);
        let output = command.output().expect("runs");
        let words = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        if output.status.success() { Ok(()) } else { Err(words) }
    }

    /// Scans what the replicas have logged since the last scan; sentences about what should not stand there.
    pub fn scan_logs(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (number, replica) in self.replicas() {
            found.extend(replica.scan_log(&self.secrets).into_iter().map(|what| format!("replica {number}: {what}")));
        }
        found
    }

    /// Panics if a plaintext token lies in a data directory, the database or a log of PostgreSQL or Kafka.
    pub fn scan_rest(&self) {
        for (_, replica) in self.replicas() {
            leaks::assert_none_in(&replica.data_dir);
        }
        let mut texts = vec![("the database".to_owned(), self.database.dump())];
        texts.push(("PostgreSQL's log".to_owned(), self.postgres.log()));
        for node in 1..=NODES {
            let log = self.kafka.directory().join(format!("{node}.log"));
            texts.push((format!("the log of Kafka node {node}"), fs::read_to_string(log).unwrap_or_default()));
        }
        for (place, text) in texts {
            let tokens = leaks::find_tokens(text.as_bytes());
            assert!(tokens.is_empty(), "{place} contains {} plaintext token(s)", tokens.len());
        }
    }

    /// The ends of all logs.
    pub fn tails(&self) -> String {
        let mut logs: Vec<(String, String)> =
            self.replicas().map(|(number, it)| (format!("replica {number}"), tail(&it.log))).collect();
        logs.push(("PostgreSQL".to_owned(), self.postgres.log()));
        for node in 1..=NODES {
            logs.push((format!("Kafka node {node}"), tail(&self.kafka.directory().join(format!("{node}.log")))));
        }
        let mut text = String::new();
        for (name, log) in logs {
            let from = log.len().saturating_sub(TAIL);
            let from = (from..log.len()).find(|at| log.is_char_boundary(*at)).unwrap_or(log.len());
            let _ = writeln!(text, "\n── the end of the log of {name}\n{}", &log[from..]);
        }
        text
    }

    /// Copies all logs to the directory that `TWINKEY_FAULT_LOGS` names, if it names one.
    pub fn keep_logs(&self) {
        let Some(to) = std::env::var_os("TWINKEY_FAULT_LOGS").map(PathBuf::from) else { return };
        let nodes =
            (1..=NODES).map(|node| (format!("kafka{node}.log"), self.kafka.directory().join(format!("{node}.log"))));
        for (name, from) in
            self.replicas().map(|(number, it)| (format!("replica{number}.log"), it.log.clone())).chain(nodes)
        {
            fs::create_dir_all(&to).and_then(|()| fs::copy(from, to.join(name))).expect("kept");
        }
        fs::write(to.join("postgres.log"), self.postgres.log()).expect("kept");
    }

    async fn sign_in(&self) -> String {
        let api = &self.replica(1).api;
        let body = json!({"email": ADMIN, "password": self.secrets.admin_password});
        let session = api.post("/auth/sign-in", "", &body).await.ok();
        let session = session["token"].as_str().expect("a session").to_owned();
        let pat = api.post("/profile/tokens", &session, &json!({"name": "faults"})).await.ok();
        pat["value"].as_str().expect("a PAT").to_owned()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        for replica in &self.replicas {
            replica.kill();
        }
    }
}

impl Replica {
    /// Starts the process. Does not wait until it is ready.
    pub fn start(&self) {
        let log = OpenOptions::new().create(true).append(true).open(&self.log).expect("a log");
        let mut child = twinkey();
        // The data directory as an argument too: the watchdog knows the process by it.
        child.args(["serve", "--data-dir"]).arg(&self.data_dir).envs(self.variables.iter().map(|(k, v)| (k, v)));
        child.stdout(log.try_clone().expect("a log")).stderr(log).stdin(Stdio::null());
        let child = child.spawn().expect("starts");
        fs::write(self.data_dir.with_extension("pid"), child.id().to_string()).expect("written");
        *self.child() = Some(child);
    }

    /// Ends it as a power cut would, as far as the process is concerned.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) {
        if let Some(child) = &*self.child() {
            let status = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
            assert!(status.expect("kill runs").success());
        }
    }

    /// How the process ended, if it did so by itself.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.child().as_mut().and_then(|child| child.try_wait().expect("a child"))
    }

    /// What it answers when it is asked whether it is ready; `None`: it is.
    pub async fn not_ready(&self) -> Option<String> {
        let request = self.api.request(Method::GET, "/readyz", "").timeout(Duration::from_secs(2));
        match self.api.try_send(request).await {
            Ok(answer) if answer.status == 200 => None,
            Ok(answer) => Some(format!("/readyz answers {} {}", answer.status, answer.text)),
            Err(error) => Some(format!("/readyz is not answered: {error:?}")),
        }
    }

    /// Looks through what was logged since the last time, with a little of what was seen before: a token may have been
    /// written half.
    fn scan_log(&self, secrets: &Secrets) -> Vec<&'static str> {
        let mut scanned = self.scanned.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = Vec::new();
        let mut file = File::open(&self.log).expect("a log");
        file.seek(SeekFrom::Start(scanned.saturating_sub(LENGTH as u64))).expect("a file");
        file.read_to_end(&mut bytes).expect("readable");
        *scanned = file.stream_position().expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        let contains = |secret: &String| text.contains(secret);
        let mut found = Vec::new();
        if !leaks::find_tokens(&bytes).is_empty() {
            found.push("a plaintext token was logged");
        }
        if contains(&secrets.master_key) {
            found.push("the master key was logged");
        }
        if contains(&secrets.admin_password) {
            found.push("the administrator's password was logged");
        }
        if contains(&secrets.kafka_password) {
            found.push("Kafka's password was logged");
        }
        if *scanned > LOG {
            // The process appends, so that it goes on at the new end.
            let keep = &bytes[bytes.len().saturating_sub(TAIL)..];
            let file = OpenOptions::new().write(true).open(&self.log).expect("a log");
            file.set_len(0).expect("begun anew");
            (&file).write_all(keep).expect("written");
            *scanned = 0;
        }
        found
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The binary under test, with none of the caller's settings.
fn twinkey() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinkey"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TWINKEY_")) {
        command.env_remove(name);
    }
    command
}

fn tail(path: &std::path::Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(4 * TAIL)..]).into_owned()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port()
}
