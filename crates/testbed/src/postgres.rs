//! A real PostgreSQL from Debian's packages, on a free loopback port, with a data directory of its own.
//!
//! It ends with the test process whatever happens to that: a small shell waits for the end of a pipe that only the test
//! process holds open, and then ends exactly this server and removes its directory.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use rand::RngExt;
use tempfile::TempDir;

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_mins(1);
/// The superuser of every server that is started here; its password is the same.
const SUPERUSER: &str = "postgres";

/// Ends the server `$1/data` runs, when the pipe on standard input ends.
const WATCHDOG: &str = r#"
cat > /dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2> /dev/null) || pid=
if [ -n "$pid" ] && tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null | grep -qF "$1/data"; then
  kill -CONT "$pid"; kill -QUIT "$pid"
  for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" 2> /dev/null || break; sleep 0.5; done
fi
rm -rf "$1"
"#;

/// A running server.
pub struct Postgres {
    directory: TempDir,
    port: u16,
    child: Mutex<Option<Child>>,
    _watchdog: ChildStdin,
}

/// A database on some server, dropped with this value.
pub struct Database {
    /// Where it is, with user and password.
    pub url: String,
    admin_url: String,
    name: String,
}

impl Postgres {
    /// Makes a data directory and starts a server on it.
    pub fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("twinkey-postgres-").tempdir().expect("temporary directory");
        let path = directory.path();
        if let Some((uid, gid)) = unprivileged() {
            chown(path, Some(uid), Some(gid)).expect("owned by the server's user");
        }
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", WATCHDOG, "sh"]).arg(path).stdin(Stdio::piped()).process_group(0);
        let watchdog = watchdog.spawn().expect("sh runs").stdin.take().expect("a pipe");

        let password_file = path.join("password");
        fs::write(&password_file, SUPERUSER).expect("written");
        let mut init = server_command("initdb");
        init.arg("-D").arg(path.join("data")).args(["-U", SUPERUSER, "--no-sync", "--encoding=UTF8"]);
        init.arg("--locale=C.UTF-8");
        // Not the order of bytes, where the version can: whoever relies on that finds out.
        if newest().0 >= 15 {
            init.args(["--locale-provider=icu", "--icu-locale=en-US"]);
        }
        init.args(["--auth-host=scram-sha-256", "--auth-local=trust", "--pwfile"]).arg(&password_file);
        let output = init.current_dir(path).output().expect("initdb runs");
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));

        let port = free_port();
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\nfsync = on\n\
             max_connections = 300\nlog_line_prefix = '%m [%p] '\n",
            path.display()
        );
        let mut file = fs::OpenOptions::new().append(true).open(path.join("data/postgresql.conf")).expect("made");
        file.write_all(settings.as_bytes()).expect("written");
        let server = Self { directory, port, child: Mutex::new(None), _watchdog: watchdog };
        server.resume_or_start();
        server
    }

    /// The server that all tests of this process share: the one whose administrator's URL is in `TWINKEY_TEST_POSTGRES`, else
    /// one that is started now. A test that stops or pauses it needs one of its own.
    pub fn shared_url() -> &'static str {
        static URL: OnceLock<String> = OnceLock::new();
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        URL.get_or_init(|| {
            std::env::var("TWINKEY_TEST_POSTGRES").unwrap_or_else(|_| SERVER.get_or_init(Self::start).url("postgres"))
        })
    }

    /// The URL of a database, as the superuser.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}:{SUPERUSER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A fresh database.
    pub fn create_database(&self) -> Database {
        Database::create(&self.url("postgres"))
    }

    /// From now on new connections may be encrypted, with this certificate and key in PEM.
    pub fn encrypt(&self, certificate: &str, key: &str) {
        let directory = self.data_directory();
        for (name, pem) in [("server.crt", certificate), ("server.key", key)] {
            let path = directory.join(name);
            fs::write(&path, pem).expect("written");
            // PostgreSQL takes no key that others may read.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
            if let Some((uid, gid)) = unprivileged() {
                chown(&path, Some(uid), Some(gid)).expect("owned by the server's user");
            }
        }
        query(&self.url("postgres"), "ALTER SYSTEM SET ssl = on");
        self.stop();
        self.resume_or_start();
    }

    /// Its data directory.
    pub fn data_directory(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Ends it in order: clients are cut off, what they had not committed is undone.
    pub fn stop(&self) {
        self.end("INT");
    }

    /// Ends it as a power cut would, as far as its processes are concerned.
    pub fn kill(&self) {
        self.end("KILL");
    }

    /// Stops every process of it where it is; connections stay open and nobody answers.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`Postgres::pause`].
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Starts it again after [`Postgres::stop`] or [`Postgres::kill`], and waits until it answers.
    pub fn resume_or_start(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            // It ends at once while a process of a killed predecessor is still there.
            let running = child.as_mut().is_some_and(|it| it.try_wait().expect("a child").is_none());
            if !running {
                *child = Some(self.spawn());
            }
            if ready(self.port) && child.as_mut().is_some_and(|it| it.try_wait().expect("a child").is_none()) {
                return;
            }
            assert!(Instant::now() < deadline, "PostgreSQL does not start:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn spawn(&self) -> Child {
        let log = fs::OpenOptions::new().append(true).create(true).open(self.directory.path().join("log"));
        let mut command = server_command("postgres");
        command.arg("-D").arg(self.data_directory()).current_dir(self.directory.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.expect("a log")).process_group(0);
        command.spawn().expect("postgres runs")
    }

    fn end(&self, signal: &str) {
        self.signal("CONT");
        self.signal(signal);
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut child) = child {
            child.wait().expect("ended");
        }
    }

    /// The postmaster and, where it does not pass the signal on itself, its children, which are in groups of their own.
    fn signal(&self, signal: &str) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pid) = child.as_ref().map(Child::id) else { return };
        let mut pids = vec![pid.to_string()];
        if signal != "INT" && signal != "QUIT" {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            pids.extend(children.split_whitespace().map(str::to_owned));
        }
        // A child may have ended by itself in between.
        let _ = Command::new("kill").arg(format!("-{signal}")).args(pids).stderr(Stdio::null()).status();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end("QUIT");
    }
}

impl Database {
    /// A fresh database on the server of this administrator's URL.
    pub fn create(admin_url: &str) -> Self {
        let name = format!("twinkey_test_{:016x}", rand::rng().random::<u64>());
        query(admin_url, &format!("CREATE DATABASE {name}"));
        let (server, parameters) = admin_url.split_once('?').unwrap_or((admin_url, ""));
        let (server, _) = server.rsplit_once('/').expect("a URL with a database");
        let parameters = if parameters.is_empty() { String::new() } else { format!("?{parameters}") };
        let url = format!("{server}/{name}{parameters}");
        Self { url, admin_url: admin_url.to_owned(), name }
    }

    /// What a statement returns, as psql prints it without decoration.
    pub fn query(&self, sql: &str) -> String {
        query(&self.url, sql)
    }

    /// Every row of every table as JSON text, for a test that looks for what must not be stored.
    pub fn dump(&self) -> String {
        let tables = self.query(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables \
             WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
        );
        let mut text = String::new();
        for table in tables.lines() {
            // Bytes as text too, as far as they are text.
            text += &self.query(&format!("SET bytea_output = 'escape'; SELECT to_jsonb(it) FROM {table} it"));
        }
        text
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The server may be gone already; then so is the database.
        let _ = psql(&self.admin_url, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)).output();
    }
}

fn query(url: &str, sql: &str) -> String {
    let output = psql(url, sql).output().expect("psql runs");
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn psql(url: &str, sql: &str) -> Command {
    let mut command = Command::new(tool("psql"));
    command.args([url, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1", "-c", sql]);
    command
}

/// A program of the newest PostgreSQL that is installed.
pub fn tool(name: &str) -> PathBuf {
    newest().1.join(name)
}

/// The newest PostgreSQL that is installed with its server: its version and where its programs are.
fn newest() -> (u32, PathBuf) {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions =
        versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))));
    let newest = versions.filter(|(_, programs): &(u32, PathBuf)| programs.join("initdb").exists()).max();
    newest.expect("PostgreSQL is missing: install Debian's package postgresql, or run scripts/setup test")
}

/// PostgreSQL refuses to run as root; then it runs as the user of its package.
fn server_command(name: &str) -> Command {
    let Some((uid, gid)) = unprivileged() else { return Command::new(tool(name)) };
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={uid}"), &format!("--regid={gid}"), "--clear-groups", "--"]).arg(tool(name));
    command
}

/// The user and group to run as, when this process is root's.
fn unprivileged() -> Option<(u32, u32)> {
    let number = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().expect("id runs");
        String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().ok()
    };
    (number(&["-u"]) == Some(0)).then(|| {
        let user = if number(&["-u", "postgres"]).is_some() { "postgres" } else { "nobody" };
        (number(&["-u", user]).expect("a user"), number(&["-g", user]).expect("a group"))
    })
}

fn ready(port: u16) -> bool {
    let mut command = Command::new(tool("pg_isready"));
    command.args(["--quiet", "--host=127.0.0.1", &format!("--port={port}")]);
    command.status().is_ok_and(|status| status.success())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port()
}

#[cfg(test)]
mod tests {
    use std::{io::Read, path::Path};

    use super::*;

    /// The directory goes with the server, and so does every process.
    #[test]
    fn it_starts_stops_is_killed_and_leaves_nothing() {
        let server = Postgres::start();
        let directory = server.directory.path().to_owned();
        let database = server.create_database();
        database.query("CREATE TABLE it (number int); INSERT INTO it VALUES (42)");
        server.stop();
        server.resume_or_start();
        server.kill();
        server.resume_or_start();
        assert!(database.dump().contains("42"));
        drop((database, server));
        assert!(!directory.exists());
        assert!(!running_on(&directory));
    }

    fn running_on(directory: &Path) -> bool {
        let processes = fs::read_dir("/proc").expect("readable").flatten();
        processes.into_iter().any(|entry| {
            let mut line = Vec::new();
            let _ = fs::File::open(entry.path().join("cmdline")).and_then(|mut file| file.read_to_end(&mut line));
            line.starts_with(b"/usr/lib/postgresql")
                && String::from_utf8_lossy(&line).contains(&*directory.to_string_lossy())
        })
    }
}
