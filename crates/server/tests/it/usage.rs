//! Who uses which token (B1), whether it may be rotated away (B2), and whether anybody uses a dead one.

use jiff::SignedDuration;
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use twinkey_api::{Role, token_pair::Slot};
use twinkey_kafka_wire::{client::SaslMechanism, scram::Mechanism};
use twinkey_server::usage::flush::flush;
use twinkey_testkit::{Answer, Cluster, Stream, TestServer, kafka::Credentials};

/// What the API says about the tokens of the server's workspace.
async fn usage(server: &TestServer) -> Value {
    server.api.get(&server.own("/workspaces/demo/tokens/usage"), &server.admin).await.ok()
}

/// A request with a user agent.
async fn ask(server: &TestServer, token: &str, agent: &str) -> Answer {
    let path = server.own("/workspaces/demo/broker/librdkafka");
    server.api.send(server.api.request(Method::GET, &path, token).header("User-Agent", agent)).await
}

/// A connection to the broker of a program that calls itself something.
async fn connect(server: &TestServer, token: &str, client_id: &str) -> Stream {
    let credentials = Credentials::of(&server.api, server.workspace(), token).await;
    let mut client = credentials.connect().await.expect("reachable");
    client.set_client_id(client_id);
    let mechanism = SaslMechanism::Scram(Mechanism::Sha256);
    client.sign_in(mechanism, &credentials.username, &credentials.password).await.expect("a valid token signs in");
    Stream { client }
}

/// The client of a token with this name; the token by its place in the list.
fn client<'a>(usage: &'a Value, token: usize, name: &str) -> &'a Value {
    let clients = usage["tokens"][token]["clients"].as_array().expect("a list");
    clients.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name} is missing in {usage:#}"))
}

async fn rotate(server: &TestServer, generation: i64, force: bool) -> Answer {
    let body = json!({"expectedGeneration": generation, "force": force});
    server.api.post(&server.own("/workspaces/demo/tokens/rotate"), &server.admin, &body).await
}

async fn audit(server: &TestServer, action: &str) -> Vec<Value> {
    let log = server.api.get("/audit?limit=1000", &server.admin).await.ok();
    let records = log.as_array().expect("a list").iter().filter(|record| record["action"] == action);
    records.cloned().collect()
}

fn detail(record: &Value) -> Value {
    serde_json::from_str(record["detail"].as_str().expect("a text")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_clients_are_told_apart_by_token_and_name_and_survive_a_restart() {
    let server = TestServer::start().await;
    let [first, second] = [server.token(Slot::Current).await, server.token(Slot::Next).await];
    let fresh = usage(&server).await;
    assert_eq!(fresh["tokens"][0]["clients"], json!([]));
    assert_eq!(fresh["tokens"][0]["lastUsedAt"], Value::Null);
    for _ in 0..3 {
        ask(&server, &first, "app/1.0").await.ok();
    }
    server.advance(SignedDuration::from_secs(10));
    ask(&server, &first, "other/2.0").await.ok();
    ask(&server, &second, "app/1.0").await.ok();

    let check = |usage: &Value| {
        let app = client(usage, 0, "app/1.0");
        assert_eq!((&app["requests"], &app["via"], &app["address"]), (&json!(3), &json!("api"), &json!("127.0.0.1")));
        assert!(app["bytes"].as_u64().expect("a number") > 3 * 200, "{app}");
        assert_eq!(app["credentialsFetchedAt"], app["lastUsedAt"]);
        assert_eq!(client(usage, 0, "other/2.0")["requests"], 1);
        assert!(client(usage, 0, "other/2.0")["lastUsedAt"].as_str() > app["lastUsedAt"].as_str());
        assert_eq!(client(usage, 1, "app/1.0")["requests"], 1);
        assert_eq!(usage["tokens"][0]["requests"], 4);
        assert_eq!(usage["tokens"][0]["lastUsedAt"], client(usage, 0, "other/2.0")["lastUsedAt"]);
    };
    check(&usage(&server).await);
    let server = server.restart().await;
    check(&usage(&server).await);
    // What was seen before the restart and what comes after it are one sum.
    ask(&server, &first, "app/1.0").await.ok();
    assert_eq!(client(&usage(&server).await, 0, "app/1.0")["requests"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_the_last_use_in_the_pair_comes_from_the_same_data() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    ask(&server, &token, "app").await.ok();
    let used = usage(&server).await["tokens"][0]["lastUsedAt"].clone();
    assert!(used.is_string());
    let server = server.restart().await;
    let pair = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
    assert_eq!(pair["current"]["lastUsedAt"], used);
    assert_eq!(pair["next"]["lastUsedAt"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_connections_of_the_embedded_broker_are_counted_and_named() {
    let server = TestServer::start().await;
    if server.kafka().is_some() {
        // Nobody can list connections there: see kafka/usage.rs for what is seen instead.
        return;
    }
    server.api.post("/demo/topics", &server.admin, &json!({"name": "orders"})).await.ok();
    let token = server.token(Slot::Current).await;
    let mut writer = connect(&server, &token, "orders-writer").await;
    let _second = connect(&server, &token, "orders-writer").await;
    let _reader = connect(&server, &token, "billing").await;
    let silent = usage(&server).await;
    let seen = client(&silent, 0, "orders-writer");
    assert_eq!((&seen["openConnections"], &seen["requests"]), (&json!(2), &json!(0)));
    assert_eq!(silent["tokens"][0]["openConnections"], 3);
    assert_eq!(silent["safeToRotate"]["cannotSee"], json!([]));

    for value in 0..5 {
        writer.produce(&server.topic("orders"), &"x".repeat(value * 100)).await.expect("open").expect("stored");
    }
    let seen = usage(&server).await;
    let writer_seen = client(&seen, 0, "orders-writer");
    assert_eq!(writer_seen["requests"], 5);
    assert!(writer_seen["bytes"].as_u64().expect("a number") > 1000, "{writer_seen}");
    drop(writer);
    let sentence = format!("{seen}");
    assert!(sentence.contains("`orders-writer` from 127.0.0.1, 0 s ago, 2 open connections"), "{seen:#}");
    let metrics = server.api.get("/metrics", "").await.text;
    assert!(metrics.contains("twinkey_token_uses_total{via=\"broker\"} 5"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_too_many_clients_are_bounded_and_that_shows() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    for round in 0..3 {
        for number in 0..100 {
            ask(&server, &token, &format!("agent-{round}-{number}")).await.ok();
        }
        server.advance(SignedDuration::from_secs(1));
        usage(&server).await;
    }
    let seen = usage(&server).await;
    let clients = seen["tokens"][0]["clients"].as_array().expect("a list");
    assert_eq!(clients.len(), 200);
    assert!(
        clients.iter().all(|it| !it["name"].as_str().expect("a name").starts_with("agent-0-")),
        "the oldest go first"
    );
    assert_eq!(seen["tokens"][0]["others"]["requests"], 100);
    assert_eq!(seen["tokens"][0]["requests"], 300, "nothing is lost");
    let metrics = server.api.get("/metrics", "").await.text;
    assert!(metrics.contains("twinkey_token_clients_merged_total 100"), "{metrics}");
    // Those that are not told apart are in use all the same.
    let sentence = seen["safeToRotate"]["sentence"].as_str().expect("a sentence");
    assert!(sentence.starts_with("201 clients used Token 1"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_viewers_see_usage_and_strangers_do_not() {
    let server = TestServer::start().await;
    let path = server.own("/workspaces/demo/tokens/usage");
    let viewer = server.user("viewer@example.org", Role::Viewer, None).await;
    let stranger = server.user("stranger@example.org", Role::None, None).await;
    let token = server.token(Slot::Current).await;
    server.api.get(&path, &viewer).await.ok();
    server.api.get(&path, &stranger).await.refused(404);
    server.api.get(&path, &token).await.refused(403);
    server.api.get(&path, "").await.refused(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_a_token_in_use_is_not_rotated_away_unless_that_is_forced() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    ask(&server, &token, "orders-writer").await.ok();
    let refused = rotate(&server, 0, false).await;
    let message = refused.refused(409);
    assert!(message.contains("1 client used Token 1 in the last 15 minutes: `orders-writer`"), "{message}");
    let body = refused.json();
    assert_eq!((&body["code"], &body["safeToRotate"]["safe"]), (&json!("TokenInUse"), &json!(false)));
    let reason = &body["safeToRotate"]["reasons"][0];
    assert_eq!((&reason["because"], &reason["client"]["name"]), (&json!(["usedRecently"]), &json!("orders-writer")));
    assert!(server.api.accepts(server.workspace(), &token).await, "nothing was changed");
    // A stale generation is told first: it is about another token.
    let stale = rotate(&server, 7, false).await;
    assert!(stale.refused(409).contains("generation 0") && stale.json()["code"] == "StaleGeneration", "{}", stale.text);

    rotate(&server, 0, true).await.ok();
    let records = audit(&server, "token.rotated").await;
    assert_eq!(records.len(), 1);
    let forced = detail(&records[0])["forced"].as_str().expect("a sentence").to_owned();
    assert!(forced.contains("orders-writer"), "{forced}");
    // Nobody uses the new Token 1, so that the next one is not forced, and not recorded as such.
    rotate(&server, 1, false).await.ok();
    assert_eq!(detail(&audit(&server, "token.rotated").await[0])["forced"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_the_window_is_a_setting_of_the_workspace() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    ask(&server, &token, "nightly").await.ok();
    server.advance(SignedDuration::from_mins(16));
    let safe = usage(&server).await["safeToRotate"].clone();
    assert_eq!(safe["safe"], true, "{safe}");
    assert!(safe["sentence"].as_str().expect("a sentence").contains("last used 16 min ago by `nightly`"), "{safe}");
    let path = server.own("/workspaces/demo/settings");
    let body = json!({"safeToRotateMinutes": 60});
    server.api.send(server.api.request(Method::PATCH, &path, &server.admin).json(&body)).await.ok();
    let message = rotate(&server, 0, false).await.refused(409);
    assert!(message.contains("in the last 60 minutes") && message.contains("16 min ago"), "{message}");
    server.advance(SignedDuration::from_mins(45));
    rotate(&server, 0, false).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_an_open_connection_counts_however_silent_it_is() {
    let server = TestServer::start().await;
    if server.kafka().is_some() {
        // Nobody can list connections there; what is seen instead is tested for itself.
        return;
    }
    let token = server.token(Slot::Current).await;
    let open = connect(&server, &token, "silent").await;
    server.advance(SignedDuration::from_hours(3));
    let message = rotate(&server, 0, false).await.refused(409);
    assert!(message.contains("`silent` from 127.0.0.1") && message.contains("1 open connection"), "{message}");
    drop(open);
    // The broker may note the last use only after the answer to it, and so by the clock of three hours later.
    let mut answer = rotate(&server, 0, false).await;
    for _ in 0..1000 {
        if answer.status == 200 {
            break;
        }
        server.advance(SignedDuration::from_mins(1));
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        answer = rotate(&server, 0, false).await;
    }
    answer.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_use_of_token_2_does_not_stand_in_the_way() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Next).await;
    ask(&server, &token, "moved").await.ok();
    let _open = connect(&server, &token, "moved").await;
    rotate(&server, 0, false).await.ok();
    assert!(server.api.accepts(server.workspace(), &token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_a_rotation_on_one_replica_sees_the_use_on_another() {
    let cluster = Cluster::start(2).await;
    let [a, b] = [&cluster.replicas[0], &cluster.replicas[1]];
    let token = a.token(Slot::Current).await;
    let request = a.api.request(Method::GET, "/workspaces/demo/broker/librdkafka", &token);
    a.api.send(request.header("User-Agent", "on-a")).await.ok();
    // It is told in batches; until the first one is there, the other replica cannot know.
    let told = async {
        loop {
            let usage = b.api.get("/workspaces/demo/tokens/usage", &b.admin).await.ok();
            if usage["safeToRotate"]["safe"] == false {
                return usage;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let usage = tokio::time::timeout(std::time::Duration::from_mins(1), told).await.expect("told within a minute");
    assert_eq!(client(&usage, 0, "on-a")["requests"], 1);
    let body = json!({"expectedGeneration": 0});
    let refused = b.api.post("/workspaces/demo/tokens/rotate", &b.admin, &body).await.refused(409);
    assert!(refused.contains("`on-a`"), "{refused}");
    // The sums of both come together.
    let request = b.api.request(Method::GET, "/workspaces/demo/broker/librdkafka", &token);
    b.api.send(request.header("User-Agent", "on-a")).await.ok();
    let usage = b.api.get("/workspaces/demo/tokens/usage", &b.admin).await.ok();
    assert_eq!(client(&usage, 0, "on-a")["requests"], 2);
}

async fn rotate_with_key(server: &TestServer, key: &str, body: &Value) -> Answer {
    let path = server.own("/workspaces/demo/tokens/rotate");
    let request = server.api.request(Method::POST, &path, &server.admin).json(body);
    server.api.send(request.header("Idempotency-Key", key)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_the_same_key_has_the_same_answer_and_rotates_once() {
    let server = TestServer::start().await;
    let body = json!({"expectedGeneration": 0, "reason": "x"});
    let first = rotate_with_key(&server, "k-1", &body).await;
    first.ok();
    let server = server.restart().await;
    let again = rotate_with_key(&server, "k-1", &body).await;
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    assert_eq!(server.api.generation(server.workspace(), &server.admin).await, 1);
    assert_eq!(audit(&server, "token.rotated").await.len(), 1);

    let other = rotate_with_key(&server, "k-1", &json!({"expectedGeneration": 1, "reason": "x"})).await;
    assert!(other.refused(422).contains("with another request"), "{}", other.text);
    assert!(rotate_with_key(&server, "k-2", &body).await.refused(409).contains("generation 1"));
    for bad in ["", "x".repeat(256).as_str()] {
        rotate_with_key(&server, bad, &body).await.refused(400);
    }
    // The key of one user means nothing to another one.
    let admin = server.user("admin2@example.org", Role::Admin, None).await;
    let path = server.own("/workspaces/demo/tokens/rotate");
    let request = server.api.request(Method::POST, &path, &admin).json(&body).header("Idempotency-Key", "k-1");
    server.api.send(request).await.refused(409);
    // Emergency rotations have keys too.
    let path = server.own("/workspaces/demo/tokens/emergency-rotation");
    let body = json!({"expectedGeneration": 1, "reason": "leak"});
    let emergency = || server.api.request(Method::POST, &path, &server.admin).json(&body);
    let first = server.api.send(emergency().header("Idempotency-Key", "k-3")).await;
    first.ok();
    assert_eq!(server.api.send(emergency().header("Idempotency-Key", "k-3")).await.text, first.text);
    // A day later it is forgotten; the generation still guards.
    server.advance(SignedDuration::from_hours(25));
    server.api.send(emergency().header("Idempotency-Key", "k-3")).await.refused(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_the_same_key_sent_many_times_at_once_rotates_once() {
    let server = TestServer::start().await;
    let body = json!({"expectedGeneration": 0});
    let answers = futures::future::join_all((0..8).map(|_| rotate_with_key(&server, "k", &body))).await;
    for answer in &answers {
        let answer = answer.ok();
        assert_eq!(answer["generation"], 1);
        assert_eq!(answer["next"]["id"], answers[0].json()["next"]["id"]);
    }
    assert_eq!(server.api.generation(server.workspace(), &server.admin).await, 1);
}

/// A server that dies between the commit and the answer has left what the answer is made up from.
#[tokio::test(flavor = "multi_thread")]
async fn b2_an_answer_that_was_never_given_is_made_up_from_what_was_done() {
    let server = TestServer::start().await;
    let body = json!({"expectedGeneration": 0});
    let given = rotate_with_key(&server, "k", &body).await.ok();
    let transaction = server.app().db.write().await.expect("begun");
    ConnectionTrait::execute_unprepared(&*transaction, "UPDATE idempotency SET answer = NULL").await.expect("changed");
    transaction.commit().await.expect("committed");
    // So late that nobody can be at it any more.
    server.advance(SignedDuration::from_mins(1));
    let made_up = rotate_with_key(&server, "k", &body).await.ok();
    for key in ["generation", "current", "next", "deactivated", "allDeactivated", "cutOff"] {
        assert_eq!(made_up[key], given[key], "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_use_of_a_dead_token_raises_an_alarm_once_and_is_counted() {
    let server = TestServer::start().await;
    let dead = server.token(Slot::Current).await;
    rotate(&server, 0, false).await.ok();
    for _ in 0..5 {
        let answer = ask(&server, &dead, "forgotten/1.0").await;
        assert!(answer.refused(401).contains("rotated out"), "{}", answer.text);
    }
    let seen = usage(&server).await;
    let token = &seen["tokens"][2];
    assert_eq!((&token["label"], &token["refused"], &token["requests"]), (&json!("deactivated"), &json!(5), &json!(0)));
    let client = client(&seen, 2, "forgotten/1.0");
    assert_eq!((&client["address"], &client["lastUsedAt"]), (&json!("127.0.0.1"), &Value::Null));
    assert_eq!(seen["safeToRotate"]["safe"], true, "a dead token is nobody's Token 1");

    let alarms = audit(&server, "token.used_after_deactivation").await;
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert_eq!((&alarms[0]["target"], &alarms[0]["address"]), (&token["id"], &json!("127.0.0.1")));
    let facts = detail(&alarms[0]);
    assert_eq!((&facts["agent"], &facts["proved"]), (&json!("forgotten/1.0"), &json!(true)));
    let metrics = server.api.get("/metrics", "").await.text;
    for line in ["twinkey_dead_token_uses_total{via=\"api\"} 5", "twinkey_dead_token_alarms_total 1"] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
    // Again within the hour: counted. Later: told again.
    ask(&server, &dead, "forgotten/1.0").await.refused(401);
    usage(&server).await;
    assert_eq!(audit(&server, "token.used_after_deactivation").await.len(), 1);
    server.advance(SignedDuration::from_mins(61));
    ask(&server, &dead, "forgotten/1.0").await.refused(401);
    usage(&server).await;
    assert_eq!(audit(&server, "token.used_after_deactivation").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_a_flood_with_a_dead_token_fills_neither_the_database_nor_the_audit_log() {
    let server = TestServer::start().await;
    let dead = server.token(Slot::Current).await;
    rotate(&server, 0, false).await.ok();
    for round in 0..3 {
        for number in 0..120 {
            ask(&server, &dead, &format!("flood-{round}-{number}")).await.refused(401);
        }
        server.advance(SignedDuration::from_secs(1));
        usage(&server).await;
    }
    let seen = usage(&server).await;
    assert_eq!(seen["tokens"][2]["refused"], 360, "all of them are counted");
    assert_eq!(seen["tokens"][2]["clients"].as_array().expect("a list").len(), 200);
    assert_eq!(audit(&server, "token.used_after_deactivation").await.len(), 20);
    // The hour of the first alarms is over, and others come; still no more than so many.
    server.advance(SignedDuration::from_mins(61));
    for number in 0..120 {
        ask(&server, &dead, &format!("flood-3-{number}")).await.refused(401);
    }
    usage(&server).await;
    assert_eq!(audit(&server, "token.used_after_deactivation").await.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_a_sign_in_with_a_dead_principal_is_seen_and_one_that_never_was_is_not() {
    let server = TestServer::start().await;
    if server.kafka().is_some() {
        // Apache Kafka tells nobody whom it has refused.
        return;
    }
    let old = server.token(Slot::Current).await;
    let credentials = Credentials::of(&server.api, server.workspace(), &old).await;
    rotate(&server, 0, true).await.ok();
    let unknown = Credentials { username: "tk-0123456789abcdef".into(), ..credentials.clone() };
    for who in [&credentials, &unknown] {
        assert!(who.sign_in().await.is_err());
    }
    let seen = usage(&server).await;
    assert_eq!(seen["tokens"][2]["refused"], 1);
    let alarms = audit(&server, "token.used_after_deactivation").await;
    assert_eq!(alarms.len(), 1);
    let facts = detail(&alarms[0]);
    assert_eq!((&facts["via"], &facts["proved"]), (&json!("broker"), &json!(false)));
    let metrics = server.api.get("/metrics", "").await.text;
    assert!(metrics.contains("twinkey_dead_token_uses_total{via=\"broker\"} 1"), "{metrics}");
}

/// What could not be stored is stored later, and counted once wherever it is counted.
#[tokio::test(flavor = "multi_thread")]
async fn b1_while_the_database_fails_nothing_is_lost_or_counted_twice() {
    let server = TestServer::start().await;
    let app = server.app();
    let token = server.token(Slot::Current).await;
    let dead = Credentials::of(&server.api, server.workspace(), &token).await;
    rotate(&server, 0, true).await.ok();
    usage(&server).await;
    let fails = async |table: &str, there: bool| {
        let away = format!("{table}_away");
        let (from, to) = if there { (table, away.as_str()) } else { (away.as_str(), table) };
        app.db.execute_unprepared(&format!("ALTER TABLE {from} RENAME TO {to}")).await.expect("renamed");
    };
    fails("token_clients", true).await;
    let current = server.token(Slot::Current).await;
    ask(&server, &current, "app").await.ok();
    ask(&server, &token, "app").await.refused(401);
    for _ in 0..3 {
        assert!(flush(app).await.is_err());
    }
    fails("token_clients", false).await;
    flush(app).await.expect("stored");
    let metrics = server.api.get("/metrics", "").await.text;
    assert!(metrics.contains("twinkey_token_uses_total{via=\"api\"} 2\n"), "{metrics}");
    assert!(metrics.contains("twinkey_dead_token_uses_total{via=\"api\"} 1\n"), "{metrics}");

    if server.kafka().is_some() {
        // Apache Kafka tells nobody whom it has refused.
        return;
    }
    fails("deleted_tokens", true).await;
    assert!(dead.sign_in().await.is_err());
    assert!(flush(app).await.is_err());
    fails("deleted_tokens", false).await;
    flush(app).await.expect("stored");
    assert_eq!(usage(&server).await["tokens"][2]["refused"], 2);
}

/// The tokens of a workspace that is no more: they are known for nothing else but this.
#[tokio::test(flavor = "multi_thread")]
async fn b1_use_of_a_token_of_a_deleted_workspace_raises_an_alarm() {
    let server = TestServer::start().await;
    let acme = server.own("acme");
    let create = async || server.api.post("/workspaces", &server.admin, &json!({"workspaceId": acme})).await.ok();
    create().await;
    let token = server.api.reveal(&acme, Slot::Current, &server.admin).await;
    let credentials = Credentials::of(&server.api, &acme, &token).await;
    let body = json!({"workspaceId": acme});
    let path = format!("/workspaces/{acme}");
    server.api.send(server.api.request(Method::DELETE, &path, &server.admin).json(&body)).await.ok();
    // Another workspace of the same id has nothing to do with it, and is not told.
    create().await;
    let webhook = json!({"url": "https://1.1.1.1/hook"});
    let created = server.api.post(&format!("{path}/webhooks"), &server.admin, &webhook).await.ok();

    for number in 0..30 {
        let request = server.api.request(Method::GET, "/workspaces", &token);
        let answer = server.api.send(request.header("User-Agent", format!("left-{number}"))).await;
        assert_eq!(answer.json()["code"], "WorkspaceDeleted");
    }
    let embedded = server.kafka().is_none();
    if embedded {
        assert!(credentials.sign_in().await.is_err());
    }
    flush(server.app()).await.expect("stored");
    let alarms = audit(&server, "token.used_after_deletion").await;
    assert_eq!(alarms.len(), 20, "no more than so many in an hour");
    let id = credentials.username.split_once('-').expect("a prefix").1;
    assert!(alarms.iter().all(|it| it["target"] == id && it["workspaceId"] == acme.as_str()), "{alarms:#?}");
    let facts = detail(&alarms[0]);
    assert!(facts["deletedAt"].is_string() && facts["agent"].is_string() && facts["attempts"] == 1, "{facts}");
    let metrics = server.api.get("/metrics", "").await.text;
    assert!(metrics.contains("twinkey_dead_token_uses_total{via=\"api\"} 30\n"), "{metrics}");
    assert!(!embedded || metrics.contains("twinkey_dead_token_uses_total{via=\"broker\"} 1\n"), "{metrics}");
    assert!(metrics.contains("twinkey_dead_token_alarms_total 20\n"), "{metrics}");
    let id = created["webhook"]["id"].as_str().expect("an id");
    assert_eq!(server.api.get(&format!("{path}/webhooks/{id}/deliveries"), &server.admin).await.ok(), json!([]));
    let usage = server.api.get(&format!("{path}/tokens/usage"), &server.admin).await.ok();
    assert_eq!(usage["tokens"].as_array().expect("a list").len(), 2, "{usage:#}");
}

/// A client that writes its token where it does not belong must not find it in the database; the test server looks for it.
#[tokio::test(flavor = "multi_thread")]
async fn b7_a_token_in_a_user_agent_is_not_stored() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    ask(&server, &token, &format!("app ({token})")).await.ok();
    let seen = usage(&server).await;
    let name = seen["tokens"][0]["clients"][0]["name"].as_str().expect("a name");
    assert!(name.starts_with("app (sdk-"), "{name}");
    server.stop().await;
}
