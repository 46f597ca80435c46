//! kill -9 at random instants of creations and deletions of a workspace: guarantees 1, 6 and 7.
//!
//! `TWINKEY_FAULT_ROUNDS` and `TWINKEY_FAULT_SEED` as in [`super::kill`].

use std::{path::Path, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use twinkey_api::token_pair::Slot;
use twinkey_testkit::{Api, Method, Stream, leaks};

use super::{
    kill::variable,
    process::{Process, run},
};

#[tokio::test(flavor = "multi_thread")]
async fn g1_g6_g7_kill_at_random_points_of_creations_and_deletions() {
    let rounds = variable("TWINKEY_FAULT_ROUNDS").unwrap_or(100) / 2;
    let seed = variable("TWINKEY_FAULT_SEED").unwrap_or_else(rand::random);
    println!("{rounds} rounds, TWINKEY_FAULT_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let (mut dead, mut last, mut interrupted) = (Vec::new(), None, 0);
    let mut process = Process::start(&data_dir).await;
    for round in 0..rounds {
        let load =
            tokio::spawn(keep_making_and_deleting(process.api.clone(), process.admin.clone(), last.take(), dead));
        tokio::time::sleep(Duration::from_micros(rng.random_range(0..150_000))).await;
        process.kill();
        dead = load.await.expect("the load ends with the server");
        process = Process::start(&data_dir).await;
        let deleting = statuses(&process).await.iter().any(|(_, status)| status == "Deleting");
        interrupted += u32::from(deleting);
        last = check(&process, &mut dead).await;
        if round % 10 == 9 {
            check_audit(&process, &data_dir).await;
        }
    }
    println!("{} tokens died, {interrupted} deletions were found half done after {rounds} kills", dead.len());
    check_audit(&process, &data_dir).await;
    assert!(process.terminate().success());
    leaks::assert_none_in(&data_dir);
}

/// Makes a workspace with a topic and deletes it, again and again, until the server is gone; `there`: its token, if it is there.
/// Returns the tokens of workspaces of which the deletion was acknowledged.
async fn keep_making_and_deleting(
    api: Api,
    admin: String,
    there: Option<String>,
    mut dead: Vec<String>,
) -> Vec<String> {
    let mut there = there;
    let send = async |method: Method, path: &str, body: Value| {
        let answer = api.try_send(api.request(method, path, &admin).json(&body)).await.ok()?;
        assert!(matches!(answer.status.as_u16(), 200 | 202 | 400), "{}", answer.text);
        Some(answer.json())
    };
    loop {
        if there.is_none() {
            let Some(_) = send(Method::POST, "/workspaces", json!({"workspaceId": "acme"})).await else { return dead };
            let path = "/workspaces/acme/tokens/current/reveal";
            let Some(token) = send(Method::POST, path, json!({})).await else { return dead };
            there = Some(token["value"].as_str().expect("a value").to_owned());
        }
        // Without waiting for its answer: the deletion comes in between.
        let (made, deleted) = tokio::join!(
            api.try_send(api.request(Method::POST, "/acme/topics", &admin).json(&json!({"name": "orders"}))),
            send(Method::DELETE, "/workspaces/acme", json!({"workspaceId": "acme"}))
        );
        let (Ok(_), Some(_)) = (made, deleted) else { return dead };
        dead.extend(there.take());
    }
}

/// The workspaces and their statuses.
async fn statuses(process: &Process) -> Vec<(String, String)> {
    let listed = process.api.get("/workspaces", &process.admin).await.ok();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    listed.as_array().expect("a list").iter().map(|it| (text(&it["workspaceId"]), text(&it["status"]))).collect()
}

/// What was begun is finished; then the workspace is whole, or nothing of it is there. Returns its Token 1 if it is there.
async fn check(process: &Process, dead: &mut Vec<String>) -> Option<String> {
    let settled = async {
        while statuses(process).await.iter().any(|(_, status)| status != "Ready") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), settled).await.expect("a deletion is finished");
    for token in &*dead {
        assert!(!process.api.accepts("acme", token).await, "a dead token came back");
    }
    let excess = dead.len().saturating_sub(20);
    dead.drain(..excess);
    let there = statuses(process).await.iter().any(|(id, _)| id == "acme");
    if !there {
        // Nothing is found under its name by the next one that is called so.
        process.api.post("/workspaces", &process.admin, &json!({"workspaceId": "acme"})).await.ok();
        assert_eq!(process.api.get("/acme/topics", &process.admin).await.ok(), json!([]), "a topic was left behind");
    }
    for slot in Slot::BOTH {
        let token = process.api.reveal("acme", slot, &process.admin).await;
        Stream::open(&process.api, "acme", &token).await;
    }
    Some(process.api.reveal("acme", Slot::Current, &process.admin).await)
}

/// The chain verifies, and each deletion that began has ended.
async fn check_audit(process: &Process, data_dir: &Path) {
    let output = run(data_dir, &["audit", "verify"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let (mut balance, mut before) = (0, i64::MAX);
    loop {
        let path = format!("/audit?workspaceId=acme&limit=1000&before={before}");
        let page = process.api.get(&path, &process.admin).await.ok();
        let Some(last) = page.as_array().expect("a list").last() else { break };
        before = last["sequence"].as_i64().expect("a number");
        for record in page.as_array().expect("a list") {
            balance += match record["action"].as_str().expect("text") {
                "workspace.deleted" => 1,
                "workspace.deletion_finished" => -1,
                _ => 0,
            };
        }
    }
    assert_eq!(balance, 0, "a deletion began and did not end, or ended twice");
}
