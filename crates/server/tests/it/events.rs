//! The stream of what changes in a workspace: it tells names, to whom it may, for as long as he may see it.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use twinkey_api::{Role, token_pair::Slot};
use twinkey_testkit::{Cluster, Events, TestServer, server::ADMIN_PASSWORD};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

fn path(server: &TestServer) -> String {
    server.own("/workspaces/demo/events")
}

async fn open(server: &TestServer) -> Events {
    server.api.events(&path(server), &server.admin).await
}

/// Reads up to an event that names this.
async fn told(events: &mut Events, what: &str) -> Value {
    let names = |data: &Value| data["what"].as_array().is_some_and(|it| it.contains(&json!(what)));
    events.until(|event| event.name == "changed" && names(&event.data)).await.data
}

/// Waits until no stream is open on the server any more.
async fn all_are_closed(server: &TestServer) {
    let deadline = Instant::now() + PATIENCE;
    while server.app().streams.open() > 0 || server.app().watches.count().await > 0 {
        assert!(Instant::now() < deadline, "a stream stays open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn session(server: &TestServer) -> String {
    let body = json!({"email": "admin@localhost", "password": ADMIN_PASSWORD});
    let signed_in = server.api.post("/auth/sign-in", "", &body).await.ok();
    signed_in["token"].as_str().expect("a token").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_told_by_its_name_and_nothing_else() {
    let server = TestServer::start().await;
    let mut events = open(&server).await;
    assert!(server.api.get("/metrics", "").await.text.contains("\ntwinkey_open_streams 1\n"));
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    let data = told(&mut events, "tokens").await;
    assert_eq!(data.as_object().expect("an object").len(), 1, "names only: {data}");

    let settings = server.api.request(Method::PATCH, &server.own("/workspaces/demo/settings"), &server.admin);
    server.api.send(settings.json(&json!({"safeToRotateMinutes": 60}))).await.ok();
    told(&mut events, "settings").await;

    let member = server.user("ada@example.org", Role::None, None).await;
    let ada = server.api.get("/profile", &member).await.ok()["userId"].as_str().expect("an id").to_owned();
    let role = server.own(&format!("/workspaces/demo/members/{ada}"));
    let role = server.api.request(Method::PUT, &role, &server.admin).json(&json!({"role": "Viewer"}));
    server.api.send(role).await.ok();
    told(&mut events, "members").await;

    let hook = json!({"url": "https://1.1.1.1/hook", "events": ["token.cut_off_proved"]});
    server.api.post(&server.own("/workspaces/demo/webhooks"), &server.admin, &hook).await.ok();
    told(&mut events, "webhooks").await;

    // A use is told when it is stored, which happens by itself.
    let token = server.token(Slot::Current).await;
    assert!(server.api.accepts(server.workspace(), &token).await);
    told(&mut events, "usage").await;

    if server.kafka().is_none() {
        server.create_topic("orders").await;
        told(&mut events, "topics").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_another_workspaces_changes_are_not_told() {
    let server = TestServer::start().await;
    let other = server.own("acme");
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": other})).await.ok();
    let mut events = open(&server).await;
    server.api.rotate(&other, &server.admin, 0).await.ok();
    let settings = server.api.request(Method::PATCH, &format!("/workspaces/{other}/settings"), &server.admin);
    server.api.send(settings.json(&json!({"safeToRotateMinutes": 60}))).await.ok();
    let token = server.api.reveal(&other, Slot::Current, &server.admin).await;
    assert!(server.api.accepts(&other, &token).await);
    // Whatever there was to be told of the other one would be told before this.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let own = server.own("/workspaces/demo/webhooks");
    server
        .api
        .post(&own, &server.admin, &json!({"url": "https://1.1.1.1/hook", "events": ["token.cut_off_proved"]}))
        .await
        .ok();
    assert_eq!(events.expect("changed").await, json!({"what": ["webhooks"]}));
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_only_who_may_see_the_workspace_is_told() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    server.api.get(&path(&server), &token).await.refused(403);
    server.api.get(&path(&server), "").await.refused(401);
    let stranger = server.user("stranger@example.org", Role::None, None).await;
    server.api.get(&path(&server), &stranger).await.refused(404);
    let viewer = server.user("viewer@example.org", Role::Viewer, None).await;
    let answer = server.api.get(&path(&server), &viewer).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["cache-control"]), (200, &"no-store".parse().expect("text")));
    all_are_closed(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_ends_the_stream() {
    let server = TestServer::start().await;
    let session = session(&server).await;
    let mut events = server.api.events(&path(&server), &session).await;
    server.api.post("/auth/sign-out", &session, &json!({})).await;
    let end = events.expect("end").await;
    assert_eq!((&end["reason"], &end["again"]), (&json!("rightEnded"), &json!(false)), "{end}");
    assert_eq!(events.next().await, None);
    all_are_closed(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_expires_and_a_role_that_is_taken_end_the_stream() {
    let server = TestServer::start().await;
    let viewer = server.user("viewer@example.org", Role::None, Some((server.workspace(), Role::Viewer))).await;
    let id = server.api.get("/profile", &viewer).await.ok()["userId"].as_str().expect("an id").to_owned();
    let mut events = server.api.events(&path(&server), &viewer).await;
    let role = server.own(&format!("/workspaces/demo/members/{id}"));
    let taken = server.api.send(server.api.request(Method::DELETE, &role, &server.admin)).await;
    assert!(taken.status.is_success(), "{}", taken.text);
    let end = events.until(|event| event.name == "end").await.data;
    assert_eq!(end["reason"], "rightEnded");

    let session = session(&server).await;
    let mut events = server.api.events(&path(&server), &session).await;
    server.advance(SignedDuration::from_hours(24 * 8));
    assert_eq!(events.until(|event| event.name == "end").await.data["reason"], "rightEnded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_is_deleted_ends_the_stream() {
    let server = TestServer::start().await;
    let mut events = open(&server).await;
    let delete = server.api.request(Method::DELETE, &server.own("/workspaces/demo"), &server.admin);
    let deleted = server.api.send(delete.json(&json!({"workspaceId": server.workspace()}))).await;
    assert!(deleted.status.is_success(), "{}", deleted.text);
    assert_eq!(events.until(|event| event.name == "end").await.data["reason"], "rightEnded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_ends_its_streams_and_is_not_held_up() {
    let mut server = TestServer::start().await;
    let mut events = open(&server).await;
    let running = server.server.take().expect("running");
    let stopping = tokio::spawn(running.shutdown());
    let end = events.until(|event| event.name == "end").await.data;
    assert_eq!((&end["reason"], &end["again"]), (&json!("stopping"), &json!(true)));
    assert_eq!(events.next().await, None);
    tokio::time::timeout(PATIENCE, stopping).await.expect("it ends").expect("without a panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded_and_a_place_is_free_again_when_a_page_is_closed() {
    let server = TestServer::start().await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(open(&server).await);
    }
    let refused = server.api.get(&path(&server), &server.admin).await;
    assert!(refused.refused(429).contains("close some"), "{}", refused.text);
    assert_eq!(refused.json()["code"], "TooManyStreams");
    // Somebody else is not concerned.
    let viewer = server.user("viewer@example.org", Role::Viewer, None).await;
    drop(server.api.events(&path(&server), &viewer).await);
    streams.clear();
    all_are_closed(&server).await;
    drop(open(&server).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_a_rotation_on_another_replica_is_told_when_this_one_knows_the_new_tokens() {
    let cluster = Cluster::start(2).await;
    let [first, second] = &cluster.replicas[..] else { panic!("two") };
    let mut events = first.api.events("/workspaces/demo/events", &first.admin).await;
    second.rotate().await;
    told(&mut events, "tokens").await;
    assert_eq!(first.api.generation("demo", &first.admin).await, 1, "what is asked for now is new");
    // What people change elsewhere, and who uses the tokens elsewhere.
    let hook = json!({"url": "https://1.1.1.1/hook", "events": ["token.cut_off_proved"]});
    second.api.post("/workspaces/demo/webhooks", &second.admin, &hook).await.ok();
    told(&mut events, "webhooks").await;
    let token = second.token(Slot::Current).await;
    assert!(second.api.accepts("demo", &token).await);
    told(&mut events, "usage").await;
}
