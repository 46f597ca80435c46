//! A `twinkey serve` process of a test's own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use twinkey_testkit::{Api, leaks};

/// How long a process may take for anything before the test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// The binary under test, with none of the caller's settings.
pub fn twinkey() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twinkey"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TWINKEY_")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command of the command line against the server of a data directory.
pub fn run(data_dir: &Path, arguments: &[&str]) -> Output {
    twinkey().args(arguments).env("TWINKEY_DATA_DIR", data_dir).output().expect("runs")
}

/// A running server, logging at trace level.
pub struct Process {
    child: Child,
    /// Its HTTP API.
    pub api: Api,
    /// A personal access token of the administrator.
    pub admin: String,
    /// What it printed when it was ready.
    pub stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts on free ports and waits until it is ready. Logs go beside the data directory.
    pub async fn start(data_dir: &Path) -> Self {
        Self::start_with(data_dir, &[]).await
    }

    /// The same with more settings.
    pub async fn start_with(data_dir: &Path, settings: &[&str]) -> Self {
        let _ = fs::remove_file(data_dir.join("endpoints.json"));
        let [stdout, stderr] = ["out", "err"].map(|name| data_dir.with_extension(name));
        let mut child = twinkey()
            .args(["serve", "--listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .args(settings)
            .env("TWINKEY_LOG", "trace")
            .stdout(File::create(&stdout).expect("made"))
            .stderr(File::create(&stderr).expect("made"))
            .stdin(Stdio::null())
            .spawn()
            .expect("starts");
        let deadline = Instant::now() + PATIENCE;
        while !fs::read_to_string(&stdout).is_ok_and(|text| text.contains("Try it")) {
            let ended = child.try_wait().expect("a child");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{}",
                fs::read_to_string(&stderr).unwrap_or_default()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let credential: Value =
            serde_json::from_slice(&fs::read(data_dir.join("cli.json")).expect("written")).expect("JSON");
        let text = |key: &str| credential[key].as_str().expect("text").to_owned();
        Self { child, api: Api::at(&text("url")), admin: text("token"), stdout, stderr }
    }

    /// Ends it as a power cut would, as far as the process is concerned.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
        self.scan_logs();
    }

    /// Sends it a signal, `-HUP` for instance.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill runs").success());
    }

    /// Asks it to stop, as a service manager does, and waits.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal("-TERM");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                self.scan_logs();
                return status;
            }
            assert!(Instant::now() < deadline, "it does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn scan_logs(&self) {
        for path in [&self.stdout, &self.stderr] {
            let tokens = leaks::find_tokens(&fs::read(path).expect("readable"));
            assert!(tokens.is_empty(), "{} contains a plaintext token", path.display());
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A test that failed leaves no server behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
