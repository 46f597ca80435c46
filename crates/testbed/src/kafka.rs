//! A real Apache Kafka on loopback (TLS, SCRAM, an authorizer), through `scripts/kafka/kafka`.
//!
//! `KAFKA_VERSION` picks the version. Starting takes 10 to 20 s a cluster, so that tests share one where they can: see
//! [`Kafka::shared`].

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use crate::watchdog;

/// The variable that names the directory of a running single-node cluster, for all suites of a `make test`.
pub const SHARED: &str = "TWINKEY_TEST_KAFKA";

/// The variable that names the directory of a running cluster of three nodes, for repeated runs of tests that stop nodes.
pub const THREE: &str = "TWINKEY_TEST_KAFKA_THREE";

/// A cluster. It ends when this is dropped, or with the test process, unless it was running already.
#[derive(Debug)]
pub struct Kafka {
    directory: PathBuf,
    nodes: usize,
    /// Whether it ends with this value.
    ours: bool,
    bootstrap: String,
    user: String,
    password: String,
    authorities: String,
}

impl Kafka {
    /// Starts a cluster of `nodes` nodes and waits until it answers.
    ///
    /// # Panics
    /// If it does not start; the message says what is missing.
    pub fn start(nodes: usize) -> Self {
        Self::start_with(nodes, &[])
    }

    /// Starts a cluster with further lines (`key=value`) in every node's `server.properties`.
    pub fn start_with(nodes: usize, properties: &[&str]) -> Self {
        let directory =
            tempfile::Builder::new().prefix("twinkey-kafka-").tempdir().expect("a temporary directory").keep();
        watchdog::watch(&directory).expect("sh");
        let mut arguments = vec!["start".to_owned(), path(&directory), nodes.to_string()];
        arguments.extend(properties.iter().map(ToString::to_string));
        run(&arguments).unwrap_or_else(|message| {
            end(&directory);
            panic!("no Apache Kafka for this test: {message}");
        });
        Self::read(directory, nodes, true)
    }

    /// The single-node cluster that all tests of this process share: the one that [`SHARED`] names, or one that is
    /// started now and ends with the process. Tests take names of their own on it.
    pub fn shared() -> &'static Self {
        static CLUSTER: OnceLock<Kafka> = OnceLock::new();
        CLUSTER.get_or_init(|| match std::env::var_os(SHARED) {
            Some(directory) => Self::read(directory.into(), 1, false),
            None => Self::start(1),
        })
    }

    /// A cluster of three nodes for this process alone, to pause and kill: the one that [`THREE`] names, or a new one.
    pub fn three() -> Self {
        match std::env::var_os(THREE) {
            Some(directory) => Self::read(directory.into(), 3, false),
            None => Self::start(3),
        }
    }

    /// `host:port` of each node, separated by commas.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// `host:port` of one node, numbered from 1.
    pub fn address(&self, node: usize) -> &str {
        self.bootstrap.split(',').nth(node - 1).expect("a node of this cluster")
    }

    /// The super user's name. It has SCRAM-SHA-256 and -512.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The super user's password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The certificate authority, in PEM.
    pub fn authorities(&self) -> &str {
        &self.authorities
    }

    /// The file with the certificate authority.
    pub fn authorities_file(&self) -> PathBuf {
        self.directory.join("ca.cert")
    }

    /// The cluster's files: `1.log`, `1.properties`, …
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// How many nodes it was started with.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// Kills a node with SIGKILL.
    pub fn kill(&self, node: usize) {
        self.signal(node, "-KILL");
    }

    /// Stops a node in the middle of whatever it does (SIGSTOP); its sockets stay open.
    pub fn pause(&self, node: usize) {
        self.signal(node, "-STOP");
    }

    /// Lets a paused node go on.
    pub fn resume(&self, node: usize) {
        self.signal(node, "-CONT");
    }

    /// Starts a killed node again. Does not wait until it serves.
    pub fn start_node(&self, node: usize) {
        run(&["node".to_owned(), path(&self.directory), node.to_string()]).expect("the node starts");
    }

    /// Ends the cluster and removes its files.
    pub fn stop(self) {
        drop(self);
    }

    fn signal(&self, node: usize, signal: &str) {
        let pid = fs::read_to_string(self.directory.join(format!("{node}.pid"))).expect("a node of this cluster");
        let done = Command::new("kill").args([signal, pid.trim()]).status().expect("kill");
        assert!(done.success(), "kill {signal} of node {node}");
    }

    fn read(directory: PathBuf, nodes: usize, ours: bool) -> Self {
        let text = fs::read_to_string(directory.join("env"))
            .unwrap_or_else(|error| panic!("{} is not the directory of a cluster: {error}", directory.display()));
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_else(|| panic!("{name} is missing in the cluster's file env")).to_owned()
        };
        let authorities = fs::read_to_string(value("KAFKA_CA")).expect("the cluster's certificate authority");
        Self {
            nodes,
            ours,
            bootstrap: value("KAFKA_BOOTSTRAP"),
            user: value("KAFKA_ADMIN_USER"),
            password: value("KAFKA_ADMIN_PASSWORD"),
            authorities,
            directory,
        }
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        if self.ours {
            end(&self.directory);
        }
    }
}

/// Kills the nodes whose ids stand in the directory, and removes it. The watchdog sees that and goes home.
fn end(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "pid") {
            let pid = fs::read_to_string(entry.path()).unwrap_or_default();
            let command = fs::read_to_string(format!("/proc/{}/cmdline", pid.trim())).unwrap_or_default();
            if command.contains(&path(directory)) {
                let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
            }
        }
    }
    let _ = fs::remove_dir_all(directory);
}

/// Runs the script; its words if it fails.
///
/// Tests start many nodes and drive none of them hard: without the second compiler a start costs half the processor time.
fn run(arguments: &[String]) -> Result<(), String> {
    let heap = std::env::var("KAFKA_HEAP").unwrap_or_else(|_| "-Xms256m -Xmx512m -XX:TieredStopAtLevel=1".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/kafka/kafka");
    let output = Command::new(&script)
        .args(arguments)
        .env("KAFKA_HEAP", heap)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{} cannot be run: {error}", script.display()))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}

fn path(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}
