//! Workspace ids: the rules that keep workspaces apart.

use std::time::Duration;

use serde_json::json;
use twinkey_api::{Role, WorkspaceId};
use twinkey_server::{audit::Actor, tokens};
use twinkey_testkit::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_checked_and_the_other_workspace_is_named() {
    let server = TestServer::start().await;
    let create = async |id: &str| server.api.post("/workspaces", &server.admin, &json!({"workspaceId": id})).await;
    create(&server.own("acme-dev")).await.ok();
    for (id, part) in [
        ("Acme", "lower-case"),
        ("a--b", "lower-case"),
        ("", "lower-case"),
        ("workspaces", "reserved"),
        ("portal", "reserved"),
        (&server.own("acme-dev"), "already exists"),
        (&server.own("acme-dev-eu"), &server.own("workspace 'acme-dev' exists")),
        (&server.own("acme"), &server.own("workspace 'acme-dev' exists")),
        (&server.topic("x"), &server.own("workspace 'demo' exists")),
    ] {
        let message = create(id).await.refused(400);
        assert!(message.contains(part), "{id}: {message}");
    }
    create(&server.own("acme-devx")).await.ok();
    create(&server.own("acme2")).await.ok();
    let too_long = create(&"x".repeat(61)).await.refused(400);
    assert!(too_long.contains("60 characters"), "{too_long}");
}

#[tokio::test(flavor = "multi_thread")]
async fn managers_create_and_members_see_what_they_may() {
    let server = TestServer::start().await;
    let manager = server.user("manager@example.org", Role::Manager, None).await;
    let editor = server.user("editor@example.org", Role::Editor, Some((server.workspace(), Role::None))).await;
    server.api.post("/workspaces", &manager, &json!({"workspaceId": &server.own("acme"), "name": "Acme"})).await.ok();
    let refused = server.api.post("/workspaces", &editor, &json!({"workspaceId": "other"})).await.refused(403);
    assert!(refused.contains("Manager"), "{refused}");
    let seen = server.api.get("/workspaces", &editor).await.ok();
    let ids: Vec<_> = seen.as_array().expect("a list").iter().map(|it| &it["workspaceId"]).collect();
    assert_eq!(ids, [&server.own("acme")]);
    let hidden = server.api.get(&server.own("/workspaces/demo"), &editor).await.refused(404);
    let missing = server.api.get("/workspaces/nothing", &editor).await.refused(404);
    assert_eq!(hidden.replace(server.workspace(), "nothing"), missing);
}

/// A script that lists very many workspaces is shown broker credentials for each. All of that is in the audit log, in records that stay
/// far below the longest line that a verification of an export reads.
#[tokio::test(flavor = "multi_thread")]
async fn b7_what_a_list_of_very_many_workspaces_reveals_is_recorded_in_pieces() {
    let server = TestServer::start_on(None).await;
    let app = server.app();
    let transaction = app.db.write().await.expect("begun");
    for number in 0..2_100 {
        let id = WorkspaceId::parse(&format!("many{number}")).expect("an id");
        let (makers, named) = ((&*app.keys, &app.random), (&id, "many"));
        let organisation = &app.organisation.id;
        tokens::insert_workspace(&*transaction, makers, &Actor::system(), organisation, named, false, app.now())
            .await
            .expect("stored");
    }
    transaction.commit().await.expect("committed");
    app.registry.load(&*app.db).await.expect("loaded");
    let seen = server.api.get("/workspaces", &server.admin).await.ok();
    let mut shown: Vec<_> =
        seen.as_array().expect("a list").iter().map(|it| it["broker"]["username"].clone()).collect();
    assert_eq!(shown.len(), 2_101);
    let log = server.api.get("/audit?action=broker_credentials.revealed", &server.admin).await.ok();
    let mut recorded = Vec::new();
    for record in log.as_array().expect("a list") {
        let detail = record["detail"].as_str().expect("text");
        assert!(detail.len() < 64 * 1024, "{} bytes", detail.len());
        let detail: serde_json::Value = serde_json::from_str(detail).expect("JSON");
        recorded.extend(detail["principals"].as_array().expect("a list").clone());
    }
    let text = |it: &serde_json::Value| it.as_str().expect("text").to_owned();
    shown.sort_by_key(text);
    recorded.sort_by_key(text);
    assert!(log.as_array().is_some_and(|log| log.len() == 3) && shown == recorded, "{} are missing", shown.len());
}

/// Guarantee 1 while clients come and go: a workspace that is in the database is in memory too, with its two tokens.
#[tokio::test(flavor = "multi_thread")]
async fn g1_a_client_that_hangs_up_leaves_no_workspace_without_tokens() {
    let server = TestServer::start().await;
    for number in 0..40 {
        let create = server.api.post("/workspaces", &server.admin, &json!({"workspaceId": format!("w{number}")})).await;
        create.ok();
        let id = format!("gone{number}");
        let body = json!({ "workspaceId": id });
        let request = server.api.request(reqwest::Method::POST, "/workspaces", &server.admin).json(&body);
        // Wherever the time limit strikes, before, in or behind the commit, the outcome must be whole.
        let _ = request.timeout(Duration::from_micros(300 * number)).send().await;
    }
    // Whatever those requests began has ended when a further one is through: writers take turns.
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": "last"})).await.ok();
    let seen = server.api.get("/workspaces", &server.admin).await.ok();
    for workspace in seen.as_array().expect("a list") {
        let id = workspace["workspaceId"].as_str().expect("an id");
        server.api.get(&format!("/workspaces/{id}/tokens"), &server.admin).await.ok();
    }
}
