//! `twinkey tokens usage` and `twinkey tokens rotate` while Token 1 is in use.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
    time::Duration,
};

use twinkey_api::token_pair::Slot;
use twinkey_server::db::{self, Db};
use twinkey_testkit::{Method, Stream};

use super::process::{Process, run, twinkey};

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A fresh server, and a program that uses Token 1.
async fn in_use(data_dir: &std::path::Path) -> (Process, Stream) {
    let process = Process::start(data_dir).await;
    let token = process.api.reveal("demo", Slot::Current, &process.admin).await;
    // One minute, so that what is used is over soon; what is open stays.
    let settings = process.api.request(Method::PATCH, "/workspaces/demo/settings", &process.admin);
    process.api.send(settings.json(&serde_json::json!({"safeToRotateMinutes": 1}))).await.ok();
    let open = Stream::open(&process.api, "demo", &token).await;
    (process, open)
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_b2_usage_is_shown_and_a_rotation_refused_with_a_status_of_its_own() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let (process, _open) = in_use(&data_dir).await;

    let shown = run(&data_dir, &["tokens", "usage", "demo"]);
    let table = text(&shown);
    for part in [
        "Token 1: sdk-",
        "Token 2: sdk-",
        "127.0.0.1",
        "Not safe to rotate: 2 clients used Token 1",
        "1 open connection",
    ] {
        assert!(table.contains(part), "{part} is missing in\n{table}");
    }
    assert_eq!(shown.status.code(), Some(3));
    let json = run(&data_dir, &["tokens", "usage", "demo", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((&json["safeToRotate"]["safe"], &json["tokens"][0]["openConnections"]), (&false.into(), &1.into()));

    let refused = run(&data_dir, &["tokens", "rotate", "demo", "--yes"]);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    assert!(text(&refused).contains("Nothing was changed") && text(&refused).contains("--force"), "{}", text(&refused));
    assert_eq!(process.api.generation("demo", &process.admin).await, 0);
    let forced = run(&data_dir, &["tokens", "rotate", "demo", "--yes", "--force"]);
    assert!(forced.status.success() && text(&forced).contains("1 open connections were closed"), "{}", text(&forced));
    assert_eq!(run(&data_dir, &["tokens", "usage", "demo"]).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_waiting_ends_with_a_rotation_or_with_nothing_changed() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let (process, open) = in_use(&data_dir).await;
    let wait = || {
        let mut command = twinkey();
        command.args(["tokens", "rotate", "demo", "--yes", "--wait", "--data-dir"]).arg(&data_dir);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs")
    };
    // Ctrl-C as soon as it waits.
    let mut interrupted = wait();
    let lines = BufReader::new(interrupted.stdout.take().expect("piped")).lines();
    let waiting = tokio::task::spawn_blocking(move || {
        lines.map_while(Result::ok).find(|line| line.starts_with("Waiting: ")).expect("it waits")
    });
    assert!(waiting.await.expect("read").contains("used Token 1"));
    let pid = interrupted.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    let ended = tokio::task::spawn_blocking(move || interrupted.wait_with_output().expect("ends")).await.expect("ends");
    assert_eq!(ended.status.code(), Some(130), "{}", text(&ended));
    assert!(text(&ended).contains("Nothing was changed"), "{}", text(&ended));
    assert_eq!(process.api.generation("demo", &process.admin).await, 0);

    // It goes on when the connection is closed and the last use is a minute ago.
    let waiting = wait();
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(open);
    let rotated = tokio::task::spawn_blocking(move || waiting.wait_with_output().expect("ends")).await.expect("ends");
    assert!(rotated.status.success() && text(&rotated).contains("generation 1"), "{}", text(&rotated));
}

/// Ctrl-C while the server was asked already, and takes its time: the wait is over, and nobody is told that nothing was changed.
#[tokio::test(flavor = "multi_thread")]
async fn b2_an_interrupted_rotation_does_not_go_on_unheard() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start(&data_dir).await;
    // Somebody holds the database up.
    let db = Db::open(&db::sqlite_url(&data_dir.join("twinkey.db"))).await.expect("opened");
    let holding = db.write().await.expect("begun");
    let mut command = twinkey();
    command.args(["tokens", "rotate", "demo", "--yes", "--wait", "--data-dir"]).arg(&data_dir);
    let mut rotating = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
    let lines = BufReader::new(rotating.stdout.take().expect("piped")).lines();
    let safe =
        tokio::task::spawn_blocking(move || lines.map_while(Result::ok).any(|it| it.starts_with("Safe to rotate")));
    assert!(safe.await.expect("read"));
    // By then it has looked once more and asked; if not, nothing was changed, which is right too.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let pid = rotating.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
    let ended = tokio::task::spawn_blocking(move || rotating.wait_with_output().expect("ends"));
    let ended = tokio::time::timeout(Duration::from_secs(5), ended).await.expect("at once").expect("ends");
    assert_eq!(ended.status.code(), Some(130), "{}", text(&ended));
    let told = text(&ended);
    assert!(told.contains("twinkey tokens show demo") || told.contains("Nothing was changed"), "{told}");
    drop(holding);
    drop(process);
}
