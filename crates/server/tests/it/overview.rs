//! All workspaces at a glance: what each caller may see, page by page, with the same verdict as that on one workspace.

use jiff::SignedDuration;
use serde_json::{Value, json};
use twinkey_api::{Role, token_pair::Slot};
use twinkey_testkit::TestServer;

async fn overview(server: &TestServer, query: &str, credential: &str) -> Vec<Value> {
    let found = server.api.get(&format!("/workspaces/overview{query}"), credential).await.ok();
    found.as_array().expect("a list").clone()
}

fn ids(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["workspaceId"].as_str().expect("an id")).collect()
}

async fn make(server: &TestServer, names: &[&str]) -> Vec<String> {
    let mut made = Vec::new();
    for name in names {
        let id = format!("{}{name}", server.own("acme"));
        server.api.post("/workspaces", &server.admin, &json!({"workspaceId": id})).await.ok();
        made.push(id);
    }
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_the_overview_says_the_same_as_each_workspace_by_itself() {
    let server = TestServer::start().await;
    let [used, unused, rotated] = &make(&server, &["1", "2", "3"]).await[..] else { panic!("three") };
    let token = server.api.reveal(used, Slot::Current, &server.admin).await;
    assert!(server.api.accepts(used, &token).await);
    let old = server.api.reveal(rotated, Slot::Current, &server.admin).await;
    server.advance(SignedDuration::from_secs(5));
    server.api.rotate(rotated, &server.admin, 0).await.ok();
    for _ in 0..3 {
        assert!(!server.api.accepts(rotated, &old).await);
    }
    let all = overview(&server, "", &server.admin).await;
    let entry = |id: &str| all.iter().find(|it| it["workspaceId"] == id).unwrap_or_else(|| panic!("{id}: {all:?}"));
    // What Apache Kafka could tell is not asked for here.
    let safe = if server.kafka().is_none() { json!(true) } else { Value::Null };
    assert_eq!((&entry(used)["safeToRotate"], &entry(used)["clientsOfToken1"]), (&json!(false), &json!(1)));
    assert_eq!((&entry(unused)["safeToRotate"], &entry(unused)["clientsOfToken1"]), (&safe, &json!(0)));
    assert_eq!((&entry(unused)["rotatedAt"], &entry(unused)["deadTokenUses"]), (&Value::Null, &json!(0)));
    assert_eq!((&entry(rotated)["generation"], &entry(rotated)["deadTokenUses"]), (&json!(1), &json!(3)));
    let pair = server.api.get(&format!("/workspaces/{rotated}/tokens"), &server.admin).await.ok();
    assert_eq!(entry(rotated)["rotatedAt"], pair["next"]["createdAt"]);
    assert_eq!((&entry(used)["status"], &entry(used)["role"]), (&json!("Ready"), &json!("Admin")));
    for entry in &all {
        let path = format!("/workspaces/{}/tokens/usage", entry["workspaceId"].as_str().expect("an id"));
        let usage = server.api.get(&path, &server.admin).await.ok();
        let (own, thorough) = (&entry["safeToRotate"], &usage["safeToRotate"]["safe"]);
        assert!(own == thorough || own.is_null(), "{entry}\n{usage}");
    }

    // The window of each workspace is its own, and uses of dead tokens count for a day.
    let settings = format!("/workspaces/{used}/settings");
    let settings = server.api.request(twinkey_testkit::Method::PATCH, &settings, &server.admin);
    server.api.send(settings.json(&json!({"safeToRotateMinutes": 60}))).await.ok();
    server.advance(SignedDuration::from_mins(30));
    let later = overview(&server, "", &server.admin).await;
    let entry = |id: &str| later.iter().find(|it| it["workspaceId"] == id).expect("there").clone();
    assert_eq!(entry(used)["safeToRotate"], false);
    server.advance(SignedDuration::from_hours(26));
    let later = overview(&server, "", &server.admin).await;
    let entry = |id: &str| later.iter().find(|it| it["workspaceId"] == id).expect("there").clone();
    assert_eq!((entry(used)["safeToRotate"].clone(), entry(rotated)["deadTokenUses"].clone()), (safe, json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_open_connections_are_in_the_overview_where_the_broker_can_tell() {
    let server = TestServer::start().await;
    let next = server.token(Slot::Next).await;
    let stream = server.stream(&next).await;
    let entry = overview(&server, "", &server.admin).await[0].clone();
    if server.kafka().is_some() {
        assert_eq!(entry["openConnections"], Value::Null);
        return;
    }
    // Those of Token 2 do not stand in the way of a rotation.
    assert_eq!((&entry["openConnections"], &entry["safeToRotate"]), (&json!(1), &json!(true)));
    let current = server.token(Slot::Current).await;
    let silent = server.stream(&current).await;
    server.advance(SignedDuration::from_hours(3));
    let entry = overview(&server, "", &server.admin).await[0].clone();
    let expected = (&json!(2), &json!(false), &json!(1));
    assert_eq!((&entry["openConnections"], &entry["safeToRotate"], &entry["clientsOfToken1"]), expected);
    drop((stream, silent));
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_in_pages_what_he_may_see() {
    let server = TestServer::start().await;
    let made = make(&server, &["1", "2", "3", "4"]).await;
    let mut all = made.clone();
    all.push(server.workspace().to_owned());
    all.sort();

    let mut seen = Vec::new();
    loop {
        let after = seen.last().map_or_else(String::new, |last| format!("&after={last}"));
        let page = overview(&server, &format!("?limit=2{after}"), &server.admin).await;
        assert!(page.len() <= 2);
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        if page.len() < 2 {
            break;
        }
    }
    assert_eq!(seen, all);

    // A role in one workspace only; one that is taken away in one; a personal access token for one.
    let only = server.user("only@example.org", Role::None, Some((&made[1], Role::Editor))).await;
    let entries = overview(&server, "", &only).await;
    assert_eq!((ids(&entries), &entries[0]["role"]), (vec![made[1].as_str()], &json!("Editor")));
    assert!(overview(&server, &format!("?after={}", made[1]), &only).await.is_empty());
    let but = server.user("but@example.org", Role::Viewer, Some((&made[0], Role::None))).await;
    let entries = overview(&server, "?limit=2", &but).await;
    assert_eq!((entries.len(), &entries[0]["workspaceId"]), (2, &json!(made[1])));
    let body = json!({"name": "one", "workspaceId": made[2], "role": "Viewer"});
    let pat = server.api.post("/profile/tokens", &server.admin, &body).await.ok()["value"].clone();
    let entries = overview(&server, "", pat.as_str().expect("text")).await;
    assert_eq!((ids(&entries), &entries[0]["role"]), (vec![made[2].as_str()], &json!("Viewer")));
    let nobody = server.user("nobody@example.org", Role::None, None).await;
    assert!(overview(&server, "", &nobody).await.is_empty());

    for query in ["?limit=0", "?limit=1001", "?limit=x"] {
        server.api.get(&format!("/workspaces/overview{query}"), &server.admin).await.refused(400);
    }
    let token = server.token(Slot::Current).await;
    server.api.get("/workspaces/overview", &token).await.refused(403);
    // No workspace can take the name of this route.
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": "overview"})).await.refused(400);
}
