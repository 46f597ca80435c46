//! PostgreSQL that is killed, paused or cut off, and commits whose outcome nobody knows.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};
use twinkey_api::token_pair::Slot;
use twinkey_server::db::{self, Db, Failure};
use twinkey_testbed::postgres::{Database, Postgres};
use twinkey_testkit::TestServer;

use super::commit_proxy::{CommitProxy, Fate};

/// How long anything may take to recover before a test gives up.
const PATIENCE: Duration = Duration::from_mins(1);

async fn insert(transaction: &db::WriteTransaction<'_>, id: &str) -> Result<(), sea_orm::DbErr> {
    db::organisations::insert(&**transaction, id, id, Timestamp::UNIX_EPOCH).await
}

/// Whoever is paused inside a write transaction loses it; the others go on.
#[tokio::test(flavor = "multi_thread")]
async fn g6_a_paused_writer_does_not_stop_the_others() {
    let database = Database::create(Postgres::shared_url());
    let [paused, other] =
        [Db::open(&database.url).await.expect("opened"), Db::open(&database.url).await.expect("opened")];
    let held = paused.write().await.expect("begun");
    insert(&held, "paused").await.expect("stored");
    // Waits until the server has ended the transaction above, which says nothing any more.
    let transaction = other.write().await.expect("the turn of the other one");
    insert(&transaction, "other").await.expect("stored");
    transaction.commit().await.expect("committed");
    let error = held.commit().await.expect_err("the server has ended it");
    assert_eq!(db::failure(&error), Failure::OutcomeUnknown);
    let settled = paused.settled().await.expect("settled");
    assert_eq!(db::organisations::find(&*settled).await.expect("read").expect("one").id, "other");
    drop(settled);
    assert_eq!(database.query("SELECT count(*) FROM organisations").trim(), "1");
}

/// The server recovers by itself, tokens work all the while, and what cannot be stored is refused before anything changed.
#[tokio::test(flavor = "multi_thread")]
async fn g1_g6_postgresql_is_stopped_and_killed_while_the_server_runs() {
    let postgres = Postgres::start();
    let server = TestServer::start_on(Some(Arc::new(postgres.create_database()))).await;
    let mut generation = 0;
    for kill in [false, true, false, true] {
        let token = server.token(Slot::Next).await;
        end(&postgres, kill);
        assert!(server.api.accepts("demo", &token).await, "what is known needs no database");
        let answer = server.api.rotate("demo", &server.admin, generation).await;
        assert!(answer.refused(503).contains("Nothing was changed"), "{}", answer.text);
        assert_eq!(answer.json()["code"], "Unavailable");
        postgres.resume_or_start();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = server.api.rotate("demo", &server.admin, generation).await;
            if answer.status == 200 {
                break;
            }
            assert_eq!(answer.status, 503, "{}", answer.text);
            assert!(tokio::time::Instant::now() < deadline, "it does not recover: {}", answer.text);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        generation += 1;
        assert_eq!(server.api.generation("demo", &server.admin).await, generation);
        assert!(server.api.accepts("demo", &token).await);
    }
    server.stop().await;
}

fn end(postgres: &Postgres, kill: bool) {
    if kill {
        postgres.kill();
    } else {
        postgres.stop();
    }
}

/// The same in the middle of rotations: each one says whether it took effect, and is right.
#[tokio::test(flavor = "multi_thread")]
async fn g1_g6_rotations_under_way_say_whether_they_took_effect() {
    let postgres = Postgres::start();
    let server = TestServer::start_on(Some(Arc::new(postgres.create_database()))).await;
    let (mut generation, mut outcomes) = (0, Vec::new());
    for round in 0..12 {
        let (api, admin) = (server.api.clone(), server.admin.clone());
        let rotating = tokio::spawn(async move {
            loop {
                let answer = api.rotate("demo", &admin, generation).await;
                if answer.status != 200 {
                    return (generation, answer);
                }
                generation += 1;
            }
        });
        tokio::time::sleep(Duration::from_millis(7 * round)).await;
        end(&postgres, round % 2 == 0);
        let (before, answer) = rotating.await.expect("no panic");
        postgres.resume_or_start();
        let after = loop {
            let answer = server.api.get("/workspaces/demo/tokens", &server.admin).await;
            if answer.status == 200 {
                break answer.json()["generation"].as_i64().expect("a number");
            }
        };
        assert_eq!(answer.status, 503, "{}", answer.text);
        let code = answer.json()["code"].as_str().expect("a word").to_owned();
        assert!(after == before || (after == before + 1 && code == "OutcomeUnknown"), "{before} → {after}, {code}");
        let tokens = [server.token(Slot::Current).await, server.token(Slot::Next).await];
        for token in &tokens {
            assert!(server.api.accepts("demo", token).await);
        }
        outcomes.push(code);
        generation = after;
    }
    println!("{generation} rotations, {outcomes:?}");
    let server = server.restart().await;
    assert_eq!(server.api.generation("demo", &server.admin).await, generation);
    server.stop().await;
}

/// A database that answers nothing at all, as behind a network that swallows packets.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_database_is_an_answer_too() {
    let postgres = Postgres::start();
    let server = TestServer::start_on(Some(Arc::new(postgres.create_database()))).await;
    let token = server.token(Slot::Current).await;
    postgres.pause();
    assert!(server.api.accepts("demo", &token).await);
    let answer = server.api.get("/audit", &server.admin).await;
    assert!(answer.refused(503).contains("does not answer"), "{}", answer.text);
    postgres.resume();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while server.api.get("/audit", &server.admin).await.status != 200 {
        assert!(tokio::time::Instant::now() < deadline, "it does not recover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.stop().await;
}

/// Each rotation takes effect once or not at all and says which, whatever happens to its COMMIT on the way.
#[tokio::test(flavor = "multi_thread")]
async fn g1_g6_a_commit_whose_answer_is_lost_is_settled() {
    let admin = Postgres::shared_url();
    let port = admin.rsplit_once(':').expect("a port").1.split('/').next().expect("a port").parse().expect("a port");
    let proxy = CommitProxy::start(port).await;
    let mut database = Database::create(admin);
    database.url = database.url.replace(&format!(":{port}/"), &format!(":{}/", proxy.address.port()));
    let server = TestServer::start_on(Some(Arc::new(database))).await;
    let mut generation = 0;
    for (fate, takes_effect) in [
        (Fate::AnswerLost, true),
        (Fate::Lost, false),
        // The server gives an idle transaction two seconds.
        (Fate::Late(Duration::from_millis(700)), true),
        (Fate::Late(Duration::from_secs(4)), false),
        (Fate::Held(Duration::from_millis(700)), true),
        (Fate::Held(Duration::from_secs(4)), false),
    ] {
        let tokens = [server.token(Slot::Current).await, server.token(Slot::Next).await];
        proxy.set(fate);
        let answer = server.api.rotate("demo", &server.admin, generation).await;
        assert!(proxy.struck(), "{fate:?}: there was no commit");
        if takes_effect {
            generation += 1;
            assert_eq!(answer.ok()["generation"], generation, "{fate:?}");
        } else {
            assert!(answer.refused(503).contains("Nothing was changed"), "{fate:?}: {}", answer.text);
        }
        assert_eq!(server.api.generation("demo", &server.admin).await, generation, "{fate:?}");
        assert_eq!(server.api.accepts("demo", &tokens[0]).await, !takes_effect, "{fate:?}");
        assert!(server.api.accepts("demo", &tokens[1]).await, "{fate:?}");
        let id = format!("w{generation}{}", if takes_effect { "a" } else { "b" });
        proxy.set(fate);
        let created = server.api.post("/workspaces", &server.admin, &json!({"workspaceId": id})).await;
        assert_eq!(created.status == 200, takes_effect, "{fate:?}: {}", created.text);
        let path = format!("/workspaces/{id}/tokens");
        assert_eq!(server.api.get(&path, &server.admin).await.status == 200, takes_effect, "{fate:?}");
    }
    // Everything else that is stored says that it does not know.
    proxy.set(Fate::AnswerLost);
    let unknown = server.api.post("/profile/tokens", &server.admin, &json!({"name": "ci"})).await;
    assert_eq!(unknown.json()["code"], "OutcomeUnknown", "{}", unknown.text);
    unknown.refused(503);
    let memory: Value = server.api.get("/workspaces/demo/tokens", &server.admin).await.ok();
    let server = server.restart().await;
    let stored = server.api.get("/workspaces/demo/tokens", &server.admin).await.ok();
    for slot in ["current", "next"] {
        assert_eq!(memory[slot]["id"], stored[slot]["id"]);
    }
    server.stop().await;
}
