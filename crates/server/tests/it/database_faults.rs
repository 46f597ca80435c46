//! PostgreSQL that is killed, paused or cut off, and commits whose outcome nobody knows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

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
    let settled = paused.settled("demo").await.expect("settled");
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

/// The same in the middle of rotations: each one takes effect once or not at all, and says which.
#[tokio::test(flavor = "multi_thread")]
async fn g1_g6_rotations_under_way_say_whether_they_took_effect() {
    let postgres = Postgres::start();
    let server = TestServer::start_on(Some(Arc::new(postgres.create_database()))).await;
    let (done, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let rotating = tokio::spawn({
        let (api, admin, done, refused) = (server.api.clone(), server.admin.clone(), done.clone(), refused.clone());
        async move {
            let mut generation = 0;
            while !done.load(Ordering::Relaxed) {
                let answer = api.rotate("demo", &admin, generation).await;
                if answer.status == 200 {
                    generation += 1;
                } else {
                    // The next attempt with the same generation would be stale if this were not true.
                    assert!(answer.refused(503).contains("Nothing was changed"), "{}", answer.text);
                    refused.fetch_add(1, Ordering::Relaxed);
                }
            }
            generation
        }
    });
    for round in 0..12 {
        tokio::time::sleep(Duration::from_millis(500 + 37 * round)).await;
        end(&postgres, round % 2 == 0);
        postgres.resume_or_start();
    }
    done.store(true, Ordering::Relaxed);
    let generation = rotating.await.expect("no other answer");
    println!("{generation} rotations, {} refused", refused.load(Ordering::Relaxed));
    let server = server.restart().await;
    assert_eq!(server.api.generation("demo", &server.admin).await, generation);
    for slot in Slot::BOTH {
        assert!(server.api.accepts("demo", &server.token(slot).await).await);
    }
    server.stop().await;
}

/// A database that stays away for longer than anybody waits: the answer says that it is not known, and memory is right as
/// soon as the database is back, without a person.
#[tokio::test(flavor = "multi_thread")]
async fn g1_g6_what_could_not_be_settled_is_settled_later() {
    let (proxy, database) = behind_a_proxy().await;
    let server = TestServer::start_on(Some(database)).await;
    let old = server.token(Slot::Current).await;
    let mut stream = server.stream(&old).await;
    proxy.set(Fate::AnswerLost, "token.rotated");
    let (api, admin) = (server.api.clone(), server.admin.clone());
    let rotating = tokio::spawn(async move { api.rotate("demo", &admin, 0).await });
    while !proxy.struck() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    proxy.set_away(true);
    let answer = rotating.await.expect("no panic");
    assert!(answer.refused(503).contains("generation"), "{}", answer.text);
    assert_eq!(answer.json()["code"], "OutcomeUnknown");
    proxy.set_away(false);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while server.api.accepts("demo", &old).await || stream.fetch("demo-orders", 0, 0).await.is_ok() {
        assert!(tokio::time::Instant::now() < deadline, "it is never settled");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.api.generation("demo", &server.admin).await, 1);
    server.api.rotate("demo", &server.admin, 1).await.ok();
    server.stop().await;
}

/// A fresh database that is reached through a proxy.
async fn behind_a_proxy() -> (CommitProxy, Arc<Database>) {
    let admin = Postgres::shared_url();
    let port = admin.rsplit_once(':').expect("a port").1.split('/').next().expect("a port").parse().expect("a port");
    let proxy = CommitProxy::start(port).await;
    let mut database = Database::create(admin);
    database.url = database.url.replace(&format!(":{port}/"), &format!(":{}/", proxy.address.port()));
    (proxy, Arc::new(database))
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
    let (proxy, database) = behind_a_proxy().await;
    let server = TestServer::start_on(Some(database)).await;
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
        proxy.set(fate, "token.rotated");
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
        proxy.set(fate, "workspace.created");
        let created = server.api.post("/workspaces", &server.admin, &json!({"workspaceId": id})).await;
        assert_eq!(created.status == 200, takes_effect, "{fate:?}: {}", created.text);
        let path = format!("/workspaces/{id}/tokens");
        assert_eq!(server.api.get(&path, &server.admin).await.status == 200, takes_effect, "{fate:?}");
    }
    // Everything else that is stored says that it does not know.
    proxy.set(Fate::AnswerLost, "pat.created");
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
