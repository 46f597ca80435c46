//! The command line as a person types it.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    process::{Output, Stdio},
};

use twinkey_testbed::postgres::{Database, Postgres};

use super::process::{Process, run, twinkey};

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_five_minutes() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start(&data_dir).await;

    let banner = fs::read_to_string(&process.stdout).expect("printed");
    for part in
        ["Twinkey is ready.", "reference: http://localhost:", "SASL_SSL, SCRAM-SHA-256", "(shown once)", "env demo"]
    {
        assert!(banner.contains(part), "{part} is missing in\n{banner}");
    }
    for file in ["cli.json", "master.key", "broker-ca.key", "endpoints.json"] {
        let mode = fs::metadata(data_dir.join(file)).expect("made").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }

    // Signed in already, on this machine and account.
    let export = text(&run(&data_dir, &["env", "demo"]));
    assert!(export.starts_with("export Quix__Sdk__Token=sdk-"), "{export}");
    let json: serde_json::Value =
        serde_json::from_str(&text(&run(&data_dir, &["env", "demo", "--format", "json"]))).expect("JSON");
    assert_eq!(json["Quix__Workspace__Id"], "demo");
    let token = json["Quix__Sdk__Token"].as_str().expect("text");
    assert!(process.api.accepts("demo", token).await);
    let dotenv = text(&run(&data_dir, &["env", "demo", "--format", "dotenv"]));
    assert_eq!(dotenv.lines().count(), 3);

    let rotated = text(&run(&data_dir, &["tokens", "rotate", "demo", "--yes", "--force", "--reason", "test"]));
    assert!(rotated.contains("generation 1") && rotated.contains("dead on the API and on the broker"), "{rotated}");
    assert!(!process.api.accepts("demo", token).await);
    let shown = text(&run(&data_dir, &["tokens", "show", "demo"]));
    assert!(shown.contains("Token 1") && shown.contains("Token 2") && shown.contains("generation 1"), "{shown}");

    let created = run(&data_dir, &["workspaces", "create", "acme", "--name", "Acme"]);
    assert!(created.status.success(), "{}", text(&created));
    assert!(text(&run(&data_dir, &["workspaces", "list"])).contains("Acme"));
    let refused = run(&data_dir, &["workspaces", "create", "acme-x"]);
    assert!(!refused.status.success() && text(&refused).contains("workspace 'acme' exists"), "{}", text(&refused));

    let verified = run(&data_dir, &["audit", "verify"]);
    assert!(verified.status.success() && text(&verified).contains("intact"), "{}", text(&verified));

    // Elsewhere: sign in with the password that was printed.
    let password = banner.lines().find_map(|line| line.split_once("password: ")).expect("printed").1;
    let password = password.split_whitespace().next().expect("a word");
    let home = directory.path().join("home");
    let mut login = twinkey()
        .args(["login", &process.api.url, "--password-stdin"])
        .env("XDG_CONFIG_HOME", &home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    writeln!(login.stdin.take().expect("piped"), "{password}").expect("written");
    let login = login.wait_with_output().expect("ends");
    assert!(login.status.success(), "{}", text(&login));
    let list = twinkey()
        .args(["workspaces", "list"])
        .env("XDG_CONFIG_HOME", &home)
        .current_dir(&directory)
        .output()
        .expect("runs");
    assert!(text(&list).contains("demo"), "{}", text(&list));

    assert!(process.terminate().success());
    // The second start has the same data and does not show the password again.
    let process = Process::start(&data_dir).await;
    assert!(!fs::read_to_string(&process.stdout).expect("printed").contains("password"));
    assert_eq!(process.api.generation("demo", &process.admin).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_come_and_go_and_mistakes_are_undone() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start(&data_dir).await;
    let run = |arguments: &[&str]| {
        let output = twinkey().args(arguments).env("TWINKEY_DATA_DIR", &data_dir).stdin(Stdio::null()).output();
        output.expect("runs")
    };
    assert!(run(&["workspaces", "create", "acme"]).status.success());
    let renamed = run(&["workspaces", "rename", "acme", "Orders and returns"]);
    assert!(renamed.status.success() && text(&renamed).contains("'Orders and returns'"), "{}", text(&renamed));
    let body = serde_json::json!({"name": "orders"});
    process.api.post("/acme/topics", &process.admin, &body).await.ok();

    // Without a terminal nothing is asked, and nothing happens without --yes.
    let refused = run(&["workspaces", "delete", "acme"]);
    let said = text(&refused);
    assert!(!refused.status.success() && said.contains("topic orders") && said.contains("--yes"), "{said}");
    assert!(text(&run(&["workspaces", "list"])).contains("Orders and returns"));
    let deleted = run(&["workspaces", "delete", "acme", "--yes", "--reason", "test"]);
    assert!(deleted.status.success() && text(&deleted).contains("Workspace acme is deleted"), "{}", text(&deleted));
    assert!(!text(&run(&["workspaces", "list"])).contains("acme"));

    let first = process.api.reveal("demo", twinkey_api::token_pair::Slot::Current, &process.admin).await;
    let refused = run(&["tokens", "undo", "demo"]);
    assert!(!refused.status.success() && text(&refused).contains("undoMinutes"), "{}", text(&refused));
    let request = process.api.request(twinkey_testkit::Method::PATCH, "/workspaces/demo/settings", &process.admin);
    process.api.send(request.json(&serde_json::json!({"undoMinutes": 5}))).await.ok();
    assert!(run(&["tokens", "rotate", "demo", "--yes", "--force"]).status.success());
    assert!(!process.api.accepts("demo", &first).await);
    let undone = run(&["tokens", "undo", "demo"]);
    assert!(undone.status.success() && text(&undone).contains("which nobody had seen, is dead"), "{}", text(&undone));
    assert!(process.api.accepts("demo", &first).await);

    let refused = run(&["tokens", "emergency-rotate", "demo", "--reason", "leaked"]);
    let said = text(&refused);
    assert!(!refused.status.success() && said.contains("Token 2") && said.contains("unnamed"), "{said}");
    assert!(process.api.accepts("demo", &first).await);
    let rotated = run(&["tokens", "emergency-rotate", "demo", "--reason", "leaked", "--yes"]);
    assert!(rotated.status.success() && text(&rotated).contains("The old tokens"), "{}", text(&rotated));
    assert!(!process.api.accepts("demo", &first).await);
    process.terminate();
}

#[test]
fn b6_tokens_can_be_verified_offline() {
    let verify = |input: &str| {
        let mut child = twinkey()
            .args(["tokens", "verify-format"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("runs");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
        child.wait_with_output().expect("ends")
    };
    let token = "sdk-0123456789ABCDEFGHIJKLMNOPQRSTUV3uaJwH";
    let good = verify(&format!("{token}\n"));
    assert!(good.status.success() && text(&good).contains("is a Twinkey token"), "{}", text(&good));
    assert!(!text(&good).contains(token), "the output repeats the secret");
    let bad = verify(&format!("{token}\nsdk-0123456789ABCDEFGHIJKLMNOPQRSTUV3uaJwI\n"));
    assert_eq!(bad.status.code(), Some(1));
    assert!(text(&bad).contains("line 2: not a Twinkey token"), "{}", text(&bad));
}

#[test]
fn what_cannot_work_is_said_in_one_line() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let serve = |arguments: &[&str]| {
        let output = twinkey().arg("serve").args(arguments).current_dir(&directory).output().expect("runs");
        assert!(!output.status.success());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        stderr
    };
    let message = serve(&["--listen", &address]);
    assert!(message.contains(&address) && message.contains("--listen"), "{message}");
    let free = ["--listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0"];
    let message = serve(&[&free[..], &["--data-dir", "/proc/nowhere"]].concat());
    assert!(message.contains("/proc/nowhere"), "{message}");
    let message = serve(&[&free[..], &["--database-url", "mysql://localhost/twinkey"]].concat());
    assert!(message.contains("mysql") && message.contains("postgres://"), "{message}");
    let message = serve(&[&free[..], &["--workspace", "Not Valid"]].concat());
    assert!(message.contains("Not Valid"), "{message}");
    let message = serve(&["--config", "missing.toml"]);
    assert!(message.contains("missing.toml"), "{message}");

    let output = run(&directory.path().join("nothing"), &["env", "demo"]);
    assert!(!output.status.success() && text(&output).contains("twinkey login"), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_surroundings() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start(&data_dir).await;
    let command = || {
        let mut command = twinkey();
        command.args(["tokens", "show", "demo"]).env("TWINKEY_DATA_DIR", &data_dir);
        command
    };
    // A proxy of the environment is not for this machine.
    let proxied = command().env("http_proxy", "http://127.0.0.1:1").output().expect("runs");
    assert!(proxied.status.success(), "{}", text(&proxied));
    // A reader that has seen enough is nothing to complain about.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let unread = command().stdout(writer).output().expect("runs");
    assert!(unread.status.code() == Some(141) && unread.stderr.is_empty(), "{}", text(&unread));
    // What cannot be a workspace's id never becomes part of a path.
    for id in ["", "../x", "demo?", "Demo"] {
        let refused = run(&data_dir, &["env", id]);
        assert!(!refused.status.success() && text(&refused).contains("lower-case"), "{}", text(&refused));
    }
    process.terminate();
}

/// Backup and move as docs/backup.md and docs/operations.md tell them.
#[tokio::test(flavor = "multi_thread")]
async fn an_installation_is_backed_up_and_moved() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start(&data_dir).await;
    let backup = directory.path().join("backup.db").display().to_string();
    let made = run(&data_dir, &["data", "backup", &backup]);
    assert!(made.status.success() && text(&made).contains("intact"), "{}", text(&made));
    let head = text(&made).split("head ").nth(1).expect("a head").split_whitespace().next().expect("a head").to_owned();

    let database = Database::create(Postgres::shared_url());
    let from = format!("sqlite://{}", data_dir.join("twinkey.db").display());
    let copy = ["data", "copy", "--from", &from, "--to", &database.url];
    let refused = run(&data_dir, &copy);
    assert!(!refused.status.success() && text(&refused).contains("in use by a running server"), "{}", text(&refused));
    process.terminate();
    let copied = run(&data_dir, &copy);
    assert!(copied.status.success() && text(&copied).contains("Copied and verified"), "{}", text(&copied));
    let refused = run(&data_dir, &copy);
    assert!(!refused.status.success() && text(&refused).contains("not empty"), "{}", text(&refused));

    let verify = ["audit", "verify", "--database-url", &database.url];
    let verified = run(&data_dir, &verify);
    assert!(verified.status.success() && text(&verified).contains(&head), "{}", text(&verified));
    database.query("DELETE FROM audit WHERE sequence = 2");
    let broken = run(&data_dir, &verify);
    assert!(broken.status.code() == Some(1) && text(&broken).contains("BROKEN at record 3"), "{}", text(&broken));
}
