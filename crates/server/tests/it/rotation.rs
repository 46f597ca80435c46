//! Rotation: S8, S11, B4, B6, B7 and the guarantees 1 to 3.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use twinkey_api::{Role, token_pair::Slot};
use twinkey_testkit::{
    TestServer,
    kafka::{Credentials, fetch_request, record_bytes},
};

#[tokio::test(flavor = "multi_thread")]
async fn s8_token_1_dies_token_2_is_promoted_a_new_token_2_is_made() {
    let server = TestServer::start().await;
    let [first, second] = [server.token(Slot::Current).await, server.token(Slot::Next).await];
    let before = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
    let rotated = server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    assert_eq!(rotated["generation"], 1);
    assert_eq!(rotated["current"]["id"], before["next"]["id"]);
    assert_eq!(rotated["deactivated"]["id"], before["current"]["id"]);
    let deactivated_at = rotated["deactivated"]["deactivatedAt"].as_str().expect("a time");
    assert_eq!(server.token(Slot::Current).await, second);
    let third = server.token(Slot::Next).await;
    assert!(third != first && third != second);
    for (token, valid) in [(&first, false), (&second, true), (&third, true)] {
        assert_eq!(server.api.accepts(server.workspace(), token).await, valid);
    }
    let message = server.api.get("/workspaces", &first).await.refused(401);
    assert!(
        message.contains(&format!("rotated out at {deactivated_at}")) && message.contains("Topics → Broker settings"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn s11_only_an_admin_can_rotate() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    for (email, role, narrower, may) in [
        ("viewer@example.org", Role::Viewer, None, false),
        ("editor@example.org", Role::Editor, None, false),
        ("manager@example.org", Role::Manager, None, false),
        ("narrow@example.org", Role::Admin, Some((server.workspace(), Role::Manager)), false),
        ("wide@example.org", Role::Viewer, Some((server.workspace(), Role::Admin)), true),
        ("admin@example.org", Role::Admin, None, true),
    ] {
        let user = server.user(email, role, narrower).await;
        let generation = server.api.generation(server.workspace(), &server.admin).await;
        let answer = server.api.rotate(server.workspace(), &user, generation).await;
        let emergency = json!({"expectedGeneration": generation, "reason": "test"});
        if may {
            answer.ok();
        } else {
            assert!(answer.refused(403).contains("Admin"), "{email}");
            server
                .api
                .post(&server.own("/workspaces/demo/tokens/emergency-rotation"), &user, &emergency)
                .await
                .refused(403);
            assert!(server.api.accepts(server.workspace(), &token).await, "{email}");
        }
    }
    server.user("stranger@example.org", Role::None, None).await;
    let stranger = server.user("other@example.org", Role::Admin, Some((server.workspace(), Role::None))).await;
    server.api.rotate(server.workspace(), &stranger, 2).await.refused(404);
}

/// Clients that keep trying with a dead token show these words to their users.
#[tokio::test(flavor = "multi_thread")]
async fn s9_a_dead_token_is_refused_with_an_error_that_says_so() {
    let server = TestServer::start().await;
    let old = server.token(Slot::Current).await;
    let credentials = Credentials::of(&server.api, server.workspace(), &old).await;
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    let on_the_api = server.api.get(&server.own("/demo/topics"), &old).await.refused(401);
    let on_the_broker = credentials.sign_in().await.err().expect("refused").to_string();
    // Apache Kafka has words of its own: error 58, an authentication that failed.
    let all = if server.kafka().is_some() { vec![on_the_api] } else { vec![on_the_api, on_the_broker] };
    for message in all {
        assert!(message.contains("rotated out") && message.contains("Topics → Broker settings"), "{message}");
    }
}

/// The cut-off: API, sign-in, and the connection that was open, with a request parked on it.
#[tokio::test(flavor = "multi_thread")]
async fn b4_when_rotate_returns_the_old_token_is_dead_on_open_connections_too() {
    let server = TestServer::start().await;
    server.create_topic("orders").await;
    let old = server.token(Slot::Current).await;
    let credentials = Credentials::of(&server.api, server.workspace(), &old).await;
    let mut parked = server.stream(&old).await;
    let mut idle = server.stream(&old).await;
    let waiting = parked.client.send(&fetch_request(&server.topic("orders"), 0, 60_000), 11).await.expect("sent");

    let rotated = server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    assert_eq!(rotated["connectionsClosed"], if server.kafka().is_some() { 0 } else { 2 });
    assert_eq!(rotated["cutOff"], json!({"state": "proved", "open": []}));

    assert!(!server.api.accepts(server.workspace(), &old).await);
    let refused = credentials.sign_in().await.err().expect("the sign-in fails").to_string();
    assert!(refused.contains("58"), "{refused}");
    let late = idle.produce(&server.topic("orders"), "late").await;
    assert!(!matches!(late, Ok(Ok(_))), "the open connection still works: {late:?}");
    let mut stream = server.stream(&server.token(Slot::Current).await).await;
    assert!(stream.read_all(&server.topic("orders")).await.is_empty(), "a record was accepted after the cut-off");
    stream.produce(&server.topic("orders"), "secret").await.expect("connected").expect("accepted");
    // On the embedded broker the connection is gone. On Apache Kafka the parked request is answered, and has nothing in it.
    let answer = parked.client.receive::<kafka_protocol::messages::FetchRequest>(waiting, 11).await;
    let records = answer.map(|answer| record_bytes(&answer));
    assert!(records.unwrap_or_default() == 0, "the parked request got a record");
}

/// g3: somebody streams with Token 2 all the while and must not notice.
#[tokio::test(flavor = "multi_thread")]
async fn s10_g3_the_holder_of_token_2_notices_nothing() {
    let server = TestServer::start().await;
    server.create_topic("orders").await;
    let next = server.token(Slot::Next).await;
    let mut stream = server.stream(&next).await;
    let done = Arc::new(AtomicBool::new(false));
    let (workspace, topic) = (server.workspace().to_owned(), server.topic("orders"));
    let streaming = tokio::spawn({
        let (done, topic) = (done.clone(), topic.clone());
        async move {
            let mut sent = 0;
            while !done.load(Ordering::Relaxed) {
                let offset = stream.produce(&topic, &sent.to_string()).await.expect("the connection stays");
                assert_eq!(offset, Ok(sent), "no error, nothing lost, nothing twice");
                sent += 1;
            }
            (stream, sent)
        }
    });
    let calling = tokio::spawn({
        let (done, api, next) = (done.clone(), server.api.clone(), next.clone());
        async move {
            while !done.load(Ordering::Relaxed) {
                assert!(api.accepts(&workspace, &next).await);
            }
        }
    });
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    tokio::time::sleep(Duration::from_millis(100)).await;
    done.store(true, Ordering::Relaxed);
    calling.await.expect("no error on the API");
    let (mut stream, sent) = streaming.await.expect("no error on the broker");
    assert_eq!(stream.read_all(&server.topic("orders")).await.len() as i64, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_generation_changes_nothing_and_names_both() {
    let server = TestServer::start().await;
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    let before = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
    let audit = server.api.get("/audit?limit=1", &server.admin).await.ok();
    let message = server.api.rotate(server.workspace(), &server.admin, 0).await.refused(409);
    assert!(message.contains("generation 1") && message.contains("expected 0"), "{message}");
    assert_eq!(
        server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok()["generation"],
        before["generation"]
    );
    assert_eq!(server.api.get("/audit?limit=1", &server.admin).await.ok(), audit);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_rotations_exactly_one_wins() {
    let server = TestServer::start().await;
    for generation in 0..5 {
        let attempts = (0..8).map(|_| {
            let (api, admin) = (server.api.clone(), server.admin.clone());
            let workspace = server.workspace().to_owned();
            tokio::spawn(async move { api.rotate(&workspace, &admin, generation).await.status.as_u16() })
        });
        let mut statuses = Vec::new();
        for attempt in attempts.collect::<Vec<_>>() {
            statuses.push(attempt.await.expect("no panic"));
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
        assert_eq!(server.api.generation(server.workspace(), &server.admin).await, generation + 1);
    }
}

/// A caller that hangs up in the middle must not leave a rotation half done: it ends, and the old token is dead.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_ends_although_its_caller_hangs_up() {
    let server = TestServer::start().await;
    for generation in 0..20 {
        let old = server.token(Slot::Current).await;
        let (api, admin) = (server.api.clone(), server.admin.clone());
        let workspace = server.workspace().to_owned();
        let call = tokio::spawn(async move { api.rotate(&workspace, &admin, generation).await.status });
        tokio::time::sleep(Duration::from_micros(300 * u64::try_from(generation).expect("positive"))).await;
        call.abort();
        // The request may not have arrived at all; then this rotation is the first to be begun.
        let status = server.api.rotate(server.workspace(), &server.admin, generation).await.status.as_u16();
        assert!(status == 200 || status == 409, "{status}");
        assert_eq!(server.api.generation(server.workspace(), &server.admin).await, generation + 1);
        assert!(!server.api.accepts(server.workspace(), &old).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_an_emergency_rotation_replaces_both() {
    let server = TestServer::start().await;
    let old = [server.token(Slot::Current).await, server.token(Slot::Next).await];
    let mut open = [server.stream(&old[0]).await, server.stream(&old[1]).await];
    let body = json!({"expectedGeneration": 0, "reason": "both in a public repository"});
    let rotated =
        server.api.post(&server.own("/workspaces/demo/tokens/emergency-rotation"), &server.admin, &body).await.ok();
    let closed = if server.kafka().is_some() { 0 } else { 2 };
    assert_eq!((&rotated["generation"], &rotated["connectionsClosed"]), (&json!(1), &json!(closed)));
    assert_eq!(rotated["allDeactivated"].as_array().expect("a list").len(), 2);
    for (token, stream) in old.iter().zip(&mut open) {
        assert!(!server.api.accepts(server.workspace(), token).await);
        assert!(!matches!(stream.fetch(&server.topic("orders"), 0, 0).await, Ok(Ok(_))));
    }
    for slot in Slot::BOTH {
        assert!(server.api.accepts(server.workspace(), &server.token(slot).await).await);
    }
    let stale = server.api.post(&server.own("/workspaces/demo/tokens/emergency-rotation"), &server.admin, &body).await;
    stale.refused(409);
}

/// g7: what happened is in the log, with who and why; a changed record is found.
#[tokio::test(flavor = "multi_thread")]
async fn b7_g7_rotations_and_reveals_are_audited_and_the_chain_verifies() {
    use sea_orm::ConnectionTrait;
    let server = TestServer::start().await;
    server.token(Slot::Next).await;
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    let records = server.api.get("/audit?limit=1000", &server.admin).await.ok();
    let actions: Vec<_> =
        records.as_array().expect("a list").iter().map(|it| it["action"].as_str().expect("text")).collect();
    assert_eq!(actions, ["token.rotated", "token.revealed", "pat.created", "workspace.created", "user.created"]);
    assert_eq!(records[0]["actor"], "admin@localhost");
    assert!(records[0]["detail"].as_str().expect("text").contains("\"reason\":\"test\""));
    assert_eq!(records[0]["address"], "127.0.0.1");

    let verify = async || twinkey_server::audit::verify(&*server.app().db).await.expect("readable");
    assert!(matches!(verify().await, twinkey_server::audit::Verdict::Intact { records: 5, .. }));
    let change = "UPDATE audit SET actor = 'mallory@localhost' WHERE sequence = 4";
    server.app().db.execute_unprepared(change).await.expect("changed behind its back");
    assert!(matches!(verify().await, twinkey_server::audit::Verdict::Broken { sequence: 4, .. }));
}

/// The audit record and the effect are one transaction: when the record cannot be written, nothing has happened.
#[tokio::test(flavor = "multi_thread")]
async fn g7_without_a_record_there_is_no_effect() {
    use sea_orm::ConnectionTrait;
    let server = TestServer::start().await;
    let [current, next] = [server.token(Slot::Current).await, server.token(Slot::Next).await];
    let app = server.app();
    app.db.execute_unprepared("ALTER TABLE audit RENAME TO hidden").await.expect("hidden");
    server.api.rotate(server.workspace(), &server.admin, 0).await.refused(500);
    server.api.post(&server.own("/workspaces/demo/tokens/next/reveal"), &server.admin, &json!({})).await.refused(500);
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": &server.own("acme")})).await.refused(500);
    server.api.get(&server.own("/workspaces/demo/broker/librdkafka"), &server.admin).await.refused(500);
    app.db.execute_unprepared("ALTER TABLE hidden RENAME TO audit").await.expect("back");
    assert_eq!(server.api.generation(server.workspace(), &server.admin).await, 0);
    for token in [current, next] {
        assert!(server.api.accepts(server.workspace(), &token).await);
    }
    server.api.get(&server.own("/workspaces/acme"), &server.admin).await.refused(404);
}

/// g2: a request that was authenticated before the rotation and whose body comes after it must have no effect.
#[tokio::test(flavor = "multi_thread")]
async fn g2_a_slow_body_does_not_outlive_its_token() {
    let server = TestServer::start().await;
    let old = server.token(Slot::Current).await;
    let address = server.api.url.trim_start_matches("http://").replace("localhost", "127.0.0.1");
    let mut slow = TcpStream::connect(&address).await.expect("connected");
    let body = r#"{"name":"late"}"#;
    let workspace = server.workspace();
    let head = format!(
        "POST /{workspace}/topics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {old}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    slow.write_all(head.as_bytes()).await.expect("written");
    let authenticated = "twinkey_authentications_total{kind=\"sdk\",outcome=\"accepted\"} 1";
    while !server.api.get("/metrics", "").await.text.contains(authenticated) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    slow.write_all(body.as_bytes()).await.expect("written");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert_eq!(server.api.get(&server.own("/demo/topics"), &server.admin).await.ok(), json!([]));
}

/// Numbers at the edge of the type are stale generations like any other, not defects.
#[tokio::test(flavor = "multi_thread")]
async fn generations_that_never_were_are_stale() {
    let server = TestServer::start().await;
    for expected in [i64::MIN, -1, 1, i64::MAX] {
        let message = server.api.rotate(server.workspace(), &server.admin, expected).await.refused(409);
        assert!(message.contains("generation 0") && message.contains(&expected.to_string()), "{message}");
    }
}

/// A commit whose outcome was never learned leaves memory behind the database; the next rotation builds on the database.
#[tokio::test(flavor = "multi_thread")]
async fn g1_memory_that_is_behind_catches_up() {
    let server = TestServer::start().await;
    let workspace_id = twinkey_api::WorkspaceId::parse(server.workspace()).expect("an id");
    let tokens = [server.token(Slot::Current).await, server.token(Slot::Next).await];
    let behind = server.app().registry.pair(&workspace_id).expect("a pair");
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    server.app().registry.forget_all();
    server.app().registry.set(behind);
    server.api.rotate(server.workspace(), &server.admin, 1).await.ok();
    for token in &tokens {
        assert!(!server.api.accepts(server.workspace(), token).await);
    }
    let shown = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
    let server = server.restart().await;
    let stored = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
    for slot in ["current", "next"] {
        assert_eq!(shown[slot]["id"], stored[slot]["id"]);
    }
}
