//! `twinkey audit`, `twinkey webhooks` and the logs of the real process.

use std::{collections::HashSet, fs, path::Path, process::Output};

use serde_json::{Value, json};

use super::process::{Process, run, twinkey};

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// Waits until the checkpoint file covers the whole log.
async fn until_signed(data_dir: &Path, process: &Process) {
    let file = data_dir.join("audit-checkpoints.jsonl");
    for _ in 0..1000 {
        let newest = process.api.get("/audit?limit=1", &process.admin).await.ok()[0]["sequence"].clone();
        let text = fs::read_to_string(&file).unwrap_or_default();
        let last = text.lines().last().and_then(|line| serde_json::from_str::<Value>(line).ok());
        if last.is_some_and(|last| last["sequence"] == newest) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no checkpoint of the newest record");
}

/// An auditor's day: the log is exported, verified elsewhere, and somebody has meddled with it.
#[tokio::test(flavor = "multi_thread")]
async fn b7_an_auditor_verifies_with_nothing_but_files_and_a_public_key() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start_with(&data_dir, &["--audit-checkpoint-every", "1"]).await;
    stdout(&run(&data_dir, &["tokens", "rotate", "demo", "--yes", "--reason", "leaked in a ticket"]));

    let listed = stdout(&run(&data_dir, &["audit", "list", "--workspace", "demo", "--action", "token."]));
    assert!(listed.contains("token.rotated") && listed.contains("leaked in a ticket"), "{listed}");
    assert!(!listed.contains("pat.created"), "{listed}");
    let lines = stdout(&run(&data_dir, &["audit", "list", "--action", "token.rotated", "--output", "json"]));
    let record: Value = serde_json::from_str(lines.trim()).expect("one line of JSON");
    assert_eq!(record["action"], "token.rotated");

    until_signed(&data_dir, &process).await;
    let key = stdout(&run(&data_dir, &["audit", "keys"])).trim().to_owned();
    let away = directory.path().join("auditor");
    fs::create_dir(&away).expect("made");
    let [export, checkpoints] = ["audit.jsonl", "checkpoints.jsonl"].map(|name| away.join(name));
    let export_path = export.to_str().expect("text");
    stdout(&run(&data_dir, &["audit", "export", "--file", export_path]));
    assert!(!run(&data_dir, &["audit", "export", "--file", export_path]).status.success(), "it exists");
    fs::write(&checkpoints, stdout(&run(&data_dir, &["audit", "checkpoints"]))).expect("written");
    let kept = fs::read_to_string(data_dir.join("audit-checkpoints.jsonl")).expect("kept");
    assert_eq!(kept, fs::read_to_string(&checkpoints).expect("written"));
    assert_eq!(stdout(&run(&data_dir, &["audit", "export"])), fs::read_to_string(&export).expect("written"));

    // The auditor has no server and no secret.
    let verify = |arguments: &[&str]| {
        let output = twinkey().args(["audit", "verify"]).args(arguments).current_dir(&away).output().expect("runs");
        (output.status.code(), text(&output))
    };
    let (status, said) = verify(&["audit.jsonl", "--checkpoint", "checkpoints.jsonl", "--public-key", &key]);
    assert!(status == Some(0) && said.contains("intact") && said.contains("confirm the first"), "{said}");
    let (status, said) = verify(&["audit.jsonl"]);
    assert!(status == Some(0) && said.contains("No checkpoint from outside"), "{said}");
    let (status, said) = verify(&["audit.jsonl", "--checkpoint", "checkpoints.jsonl", "--public-key", &"0".repeat(64)]);
    assert!(status == Some(1) && said.contains("no key that you trust vouches"), "{said}");

    // Whoever names a key wants something that was signed by it.
    let (status, said) = verify(&["audit.jsonl", "--public-key", &key]);
    assert!(status == Some(1) && said.contains("NOT CONFIRMED") && said.contains("--checkpoint"), "{said}");

    // Cut off at its end.
    let whole = fs::read_to_string(&export).expect("written");
    let lines: Vec<_> = whole.lines().collect();
    let cut = lines[..lines.len() - 1].join("\n");
    fs::write(&export, cut).expect("written");
    let (status, said) = verify(&["audit.jsonl"]);
    assert!(status == Some(0) && said.contains("No checkpoint from outside"), "nothing shows: {said}");
    let (status, said) = verify(&["audit.jsonl", "--checkpoint", "checkpoints.jsonl"]);
    assert!(status == Some(1) && said.contains(&format!("BROKEN at record {}", lines.len())), "{said}");
    assert!(said.contains("cut off"), "{said}");
    // Changed.
    fs::write(&export, whole.replace("leaked in a ticket", "leaked in a tickeT")).expect("written");
    let (status, said) = verify(&["audit.jsonl", "--checkpoint", "checkpoints.jsonl", "--public-key", &key]);
    let changed = record["sequence"].to_string();
    assert!(
        status == Some(1) && said.contains(&format!("BROKEN at record {changed}: its content was changed")),
        "{said}"
    );
    // In pieces, and from standard input.
    let (first, second) = lines.split_at(3);
    fs::write(away.join("1"), first.join("\n")).expect("written");
    fs::write(away.join("2"), second.join("\n")).expect("written");
    assert_eq!(verify(&["1", "2"]).0, Some(0));
    assert_eq!(verify(&["2"]).0, Some(1));

    // The database itself, with the server's own file.
    let file = data_dir.join("audit-checkpoints.jsonl");
    let live = run(&data_dir, &["audit", "verify", "--checkpoint", file.to_str().expect("text"), "--public-key", &key]);
    assert!(stdout(&live).contains("confirm the first"));
    assert!(process.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_on_the_command_line() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start_with(&data_dir, &["--webhook-allow-private"]).await;
    let twinkey = |arguments: &[&str]| {
        let output = run(&data_dir, &[&["webhooks"], arguments].concat());
        (output.status.success(), text(&output))
    };
    // Nobody listens there.
    let (done, created) = twinkey(&["create", "demo", "http://127.0.0.1:9/hook", "--event", "token.rotated"]);
    assert!(done && created.contains("whsec_"), "{created}");
    let id = created.split_whitespace().nth(1).expect("an id").trim_end_matches('.').to_owned();
    let (done, listed) = twinkey(&["list", "demo"]);
    assert!(done && listed.contains(&id) && listed.contains("enabled") && !listed.contains("whsec_"), "{listed}");
    let (done, tested) = twinkey(&["test", "demo", &id]);
    assert!(done && tested.contains("msg_"), "{tested}");
    let delivery = tested.split_whitespace().nth(1).expect("an id").trim_end_matches('.').to_owned();
    let mut log = String::new();
    for _ in 0..500 {
        log = twinkey(&["deliveries", "demo", &id, "--output", "json"]).1;
        if log.contains("\"attempts\":1") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let entry: Value = serde_json::from_str(log.trim()).expect("one line of JSON");
    assert_eq!((&entry["id"], &entry["state"]), (&json!(delivery), &json!("pending")), "{log}");
    assert!(twinkey(&["redeliver", "demo", &id, &delivery]).0);
    assert!(twinkey(&["disable", "demo", &id]).0);
    let (done, refused) = twinkey(&["test", "demo", &id]);
    assert!(!done && refused.contains("disabled by admin@localhost"), "{refused}");
    assert!(twinkey(&["enable", "demo", &id]).0 && twinkey(&["delete", "demo", &id]).0);
    let (done, refused) = twinkey(&["delete", "demo", "../x"]);
    assert!(!done && refused.contains("letters"), "{refused}");
    let (done, refused) = twinkey(&["create", "demo", "ftp://127.0.0.1/"]);
    assert!(!done && refused.contains("https://"), "{refused}");
    assert!(process.terminate().success());
}

/// What a person quotes from an error finds the lines about it.
#[tokio::test(flavor = "multi_thread")]
async fn g5_logs_as_json_carry_the_correlation_id_of_the_error_and_no_token() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start_with(&data_dir, &["--log-format", "json"]).await;
    let (api, admin) = (&process.api, &process.admin);
    let token = api.reveal("demo", twinkey_api::token_pair::Slot::Current, admin).await;
    let refused = api.rotate("demo", admin, 7).await;
    let changing = refused.json()["correlationId"].as_str().expect("text").to_owned();
    refused.refused(409);
    api.rotate("demo", admin, 0).await.ok();
    let dead = api.get("/workspaces/demo/broker/librdkafka", &token).await;
    let reading = dead.json()["correlationId"].as_str().expect("text").to_owned();
    dead.refused(401);
    // Scans the log for tokens as well.
    assert!(process.terminate().success());

    let log = fs::read_to_string(data_dir.with_extension("err")).expect("readable");
    let lines: Vec<Value> = log
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(lines.len() > 10, "{log}");
    let about = |id: &str, message: &str| {
        let mut found = lines.iter().filter(|line| line["correlation_id"] == id && line["message"] == message);
        found.next().unwrap_or_else(|| panic!("nothing about {id}")).clone()
    };
    let line = about(&changing, "request refused");
    assert_eq!((&line["route"], &line["status"]), (&json!("/workspaces/{workspace_id}/tokens/rotate"), &json!(409)));
    let line = about(&reading, "request refused");
    assert_eq!((&line["method"], &line["status"]), (&json!("GET"), &json!(401)));
    // What a rotation says of itself carries the request's id too, from the task in which it runs to its end.
    let rotated = lines.iter().find(|line| line["message"] == "rotated").expect("logged");
    assert_eq!(rotated["span"]["correlation_id"].as_str().map(str::len), Some(8), "{rotated}");
    let ids: HashSet<_> = lines.iter().filter_map(|line| line["span"]["correlation_id"].as_str()).collect();
    assert!(ids.len() >= 2, "each request has its own: {ids:?}");
}

#[test]
fn completions_for_each_shell_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&twinkey().args(["completions", shell]).output().expect("runs"));
        for word in ["twinkey", "webhooks", "rotate", "checkpoint"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    assert!(!twinkey().args(["completions", "cmd"]).output().expect("runs").status.success());
}
