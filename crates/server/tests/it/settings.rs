//! Settings of a workspace.

use reqwest::Method;
use serde_json::{Value, json};
use twinkey_api::Role;
use twinkey_testkit::{Answer, TestServer};

async fn change(server: &TestServer, token: &str, body: &Value) -> Answer {
    let path = server.own("/workspaces/demo/settings");
    server.api.send(server.api.request(Method::PATCH, &path, token).json(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_have_defaults_are_changed_one_by_one_and_audited() {
    let server = TestServer::start().await;
    let path = server.own("/workspaces/demo/settings");
    assert_eq!(server.api.get(&path, &server.admin).await.ok()["safeToRotateMinutes"], 15);
    let changed = change(&server, &server.admin, &json!({"SafeToRotateMinutes": 60})).await.ok();
    assert_eq!(changed["safeToRotateMinutes"], 60);
    let unchanged = change(&server, &server.admin, &json!({})).await.ok();
    assert_eq!(unchanged["safeToRotateMinutes"], 60, "what is not named stays");
    assert_eq!(server.api.get(&path, &server.admin).await.ok()["safeToRotateMinutes"], 60);
    let default = change(&server, &server.admin, &json!({"safeToRotateMinutes": null})).await.ok();
    assert_eq!(default["safeToRotateMinutes"], 15, "null is the default again");
    assert_eq!(default["anyTransactionalId"], false);

    let log = server.api.get("/audit", &server.admin).await.ok();
    let records = log.as_array().expect("a list").iter();
    let details: Vec<Value> = records
        .filter(|record| record["action"] == "workspace.settings_changed")
        .map(|record| serde_json::from_str(record["detail"].as_str().expect("a text")).expect("JSON"))
        .collect();
    // Newest first, and none of the request that changed nothing.
    assert_eq!(details.len(), 2, "{details:?}");
    for (detail, before, after) in [(&details[0], 60, 15), (&details[1], 15, 60)] {
        assert_eq!(detail["before"]["safeToRotateMinutes"], before);
        assert_eq!(detail["after"]["safeToRotateMinutes"], after);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_read_by_viewers_and_changed_by_admins() {
    let server = TestServer::start().await;
    let path = server.own("/workspaces/demo/settings");
    let manager = server.user("manager@example.org", Role::Manager, None).await;
    let viewer = server.user("viewer@example.org", Role::Viewer, None).await;
    server.api.get(&path, &viewer).await.ok();
    for user in [&manager, &viewer] {
        let refused = change(&server, user, &json!({"safeToRotateMinutes": 1})).await.refused(403);
        assert!(refused.contains("Admin"), "{refused}");
    }
    for minutes in [json!(0), json!(43_201)] {
        let refused = change(&server, &server.admin, &json!({"safeToRotateMinutes": minutes})).await.refused(400);
        assert!(refused.contains("1 to 43200"), "{refused}");
    }
    for body in [json!({"safeToRotateMinutes": -1}), json!({"safeToRotateMinutes": "x"}), json!({"other": 1})] {
        change(&server, &server.admin, &body).await.refused(422);
    }
}
