//! The installation as its administrators see it, and the audit log verified while they wait.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use twinkey_api::Role;
use twinkey_server::{audit::checkpointer, db, replicas::leader::Fence};
use twinkey_testkit::{Cluster, TestServer};

async fn system(server: &TestServer) -> Value {
    server.api.get("/system", &server.admin).await.ok()
}

fn health<'a>(system: &'a Value, name: &str) -> &'a Value {
    let checks = system["health"].as_array().expect("a list");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {system:#}"))
}

async fn verify(server: &TestServer) -> Value {
    server.api.post("/audit/verify", &server.admin, &json!({})).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_what_runs_where() {
    let server = TestServer::start().await;
    checkpointer::write(server.app(), &Fence::unleased()).await.expect("signed");
    let seen = system(&server).await;
    let kind = if server.database().is_some() { "PostgreSQL" } else { "SQLite" };
    assert_eq!((&seen["version"], &seen["database"]["kind"]), (&json!(env!("CARGO_PKG_VERSION")), &json!(kind)));
    let newest = db::schema::newest(&*server.app().db).await.expect("read");
    assert_eq!(seen["database"]["schema"], newest);
    assert!(newest.starts_with("m00") && seen["database"]["version"].as_str().expect("text").contains('.'), "{seen:#}");
    assert_eq!((seen["replicas"].as_array().expect("a list").len(), &seen["replicas"][0]["self"]), (1, &json!(true)));
    assert_eq!(seen["publicUrl"].as_str(), Some(server.app().public_url.as_str()));
    assert_eq!(seen["mail"], server.app().mail.is_some());
    assert!(seen["audit"]["records"].as_i64() >= seen["audit"]["signedRecords"].as_i64(), "{seen:#}");
    assert!(seen["audit"]["lastCheckpointAt"].is_string(), "{seen:#}");
    assert!(seen["masterKey"]["key"].is_string() && seen["broker"]["kind"].is_string(), "{seen:#}");
    for name in ["database", "broker", "cutOffs", "replicas", "masterKey", "audit"] {
        assert_eq!(health(&seen, name)["ok"], true, "{seen:#}");
        assert!(health(&seen, name)["sentence"].as_str().expect("a sentence").len() > 10);
    }
    let manager = server.user("manager@example.org", Role::Manager, None).await;
    server.api.get("/system", &manager).await.refused(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_replicas_are_shown_on_each() {
    let cluster = Cluster::start(2).await;
    for replica in &cluster.replicas {
        let seen = replica.api.get("/system", &replica.admin).await.ok();
        let rows = seen["replicas"].as_array().expect("a list");
        let own: Vec<_> = rows.iter().filter(|row| row["self"] == true).map(|row| row["id"].as_str()).collect();
        assert_eq!((rows.len(), own), (2, vec![Some(replica.id())]));
        assert!(rows.iter().all(|row| row["lastSeenAt"].is_string()), "{rows:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_the_audit_log_is_verified_over_http_against_its_checkpoints() {
    let server = TestServer::start().await;
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    let signed = checkpointer::write(server.app(), &Fence::unleased()).await.expect("verified");
    server.api.rotate(server.workspace(), &server.admin, 1).await.ok();
    let found = verify(&server).await;
    let last = db::audit::last(&*server.app().db).await.expect("read").expect("there").sequence;
    assert_eq!((&found["ok"], &found["firstProblem"], &found["records"]), (&json!(true), &Value::Null, &json!(last)));
    assert!(found["checkpoints"].as_u64() >= Some(1), "{found}");
    if let Some(signed) = signed {
        assert_eq!(found["confirmed"], signed.sequence);
    }
    assert!(found["sentence"].as_str().expect("text").contains("unchanged"), "{found}");

    // Somebody changes a record behind the server's back.
    server.app().db.execute_unprepared("UPDATE audit SET actor = 'mallory' WHERE sequence = 2").await.expect("changed");
    let found = verify(&server).await;
    assert_eq!((&found["ok"], &found["firstProblem"]["sequence"]), (&json!(false), &json!(2)));
    assert_eq!((&found["records"], &found["firstProblem"]["reason"]), (&json!(1), &json!("its content was changed")));
    assert_eq!(health(&system(&server).await, "audit")["ok"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_a_checkpoint_of_somebody_else_is_not_trusted() {
    let server = TestServer::start().await;
    checkpointer::write(server.app(), &Fence::unleased()).await.expect("signed");
    let other = TestServer::start().await;
    checkpointer::write(other.app(), &Fence::unleased()).await.expect("signed");
    let forged = db::checkpoints::last(&*other.app().db).await.expect("read").expect("there");
    let sql = format!(
        "UPDATE audit_checkpoints SET signatures = '{}'",
        serde_json::to_string(&forged.signatures).expect("plain data")
    );
    server.app().db.execute_unprepared(&sql).await.expect("changed");
    let found = verify(&server).await;
    assert_eq!((&found["ok"], &found["firstProblem"]["sequence"]), (&json!(false), &Value::Null));
    assert!(found["sentence"].as_str().expect("text").contains("cannot be trusted"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_verification_at_a_time() {
    let server = TestServer::start().await;
    let turn = server.app().audit_verification.clone().lock_owned().await;
    let refused = server.api.post("/audit/verify", &server.admin, &json!({})).await;
    assert!(refused.refused(409).contains("already") && refused.json()["code"] == "VerificationUnderWay");
    drop(turn);
    verify(&server).await;
    // The turn is given back.
    verify(&server).await;
}
