//! What was changed behind Twinkey's back is found and mended; what is not Twinkey's is left alone.

use jiff::SignedDuration;
use serde_json::json;
use twinkey_api::token_pair::Slot;
use twinkey_kafka_admin::{
    Password,
    acls::{Acl, Operation, Resource},
    principals::Principal,
};
use twinkey_testkit::{TestServer, kafka::Credentials};

use super::{behind_the_back, found, principals, server};

async fn reconcile(server: &TestServer) -> serde_json::Value {
    // What is younger is left for the next time: the broker that lists may be behind.
    server.advance(SignedDuration::from_mins(2));
    let report = server.api.post("/broker/reconcile", &server.admin, &json!({})).await.ok();
    assert_eq!(report["error"], serde_json::Value::Null);
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_were_taken_from_a_valid_token_come_back() {
    let server = server().await;
    let [current, next] = principals(&server).await;
    let cluster = behind_the_back(&server);
    cluster.cut_off(&current, std::time::Duration::from_secs(20)).await.expect("cut off behind our back");
    let token = server.token(Slot::Current).await;
    let credentials = Credentials::of(&server.api, server.workspace(), &token).await;
    assert!(credentials.sign_in().await.is_err());

    let report = reconcile(&server).await;
    assert_eq!((&report["granted"], &report["cutOff"]), (&json!(1), &json!(0)));
    server.create_topic("orders").await;
    let mut stream = server.stream(&token).await;
    assert_eq!(stream.produce(&server.topic("orders"), "x").await.expect("connected"), Ok(0));
    assert_eq!(stream.read_all(&server.topic("orders")).await, ["x"]);
    assert!(found(&server, &next).await.is_complete(server.workspace()));
    let audit = server.api.get("/audit?limit=1&action=principal.", &server.admin).await.ok();
    assert_eq!((&audit[0]["action"], &audit[0]["actor"]), (&json!("principal.repaired"), &json!("system")));
    let status = server.api.get("/broker/status", &server.admin).await.ok();
    assert_eq!(status["lastReconciliation"]["granted"], 1);
    assert!(server.api.get("/metrics", "").await.text.contains("twinkey_repairs_total{kind=\"granted\"} 1"));
    assert_eq!(reconcile(&server).await["granted"], 0, "and that was all");
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_beyond_the_workspace_are_taken_away() {
    let server = server().await;
    let [current, _] = principals(&server).await;
    let cluster = behind_the_back(&server);
    let surplus = Principal { workspace: "other".into(), ..principal(&server, &current).await };
    cluster.make_principals(std::slice::from_ref(&surplus)).await.expect("granted behind our back");
    assert_eq!(found(&server, &current).await.extra_rights(server.workspace()).len(), 10);
    let report = reconcile(&server).await;
    assert_eq!((&report["surplusRemoved"], &report["cutOff"]), (&json!(1), &json!(0)));
    let left = found(&server, &current).await;
    assert!(left.extra_rights(server.workspace()).is_empty() && left.has_all_rights(server.workspace()));
}

/// A name of ours that no token wants is cut off; one without our prefix is not ours, whatever it may do.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_has_the_prefix_is_cut_off() {
    let server = server().await;
    let cluster = behind_the_back(&server);
    let prefix = &server.kafka().expect("a cluster").principal_prefix;
    let ours = format!("{prefix}nobody");
    let foreign = format!("x{prefix}nobody");
    for name in [&ours, &foreign] {
        let made = Principal {
            name: name.clone(),
            password: Password::new("a password"),
            workspace: server.workspace().to_owned(),
            any_transactional_id: false,
        };
        cluster.make_principals(std::slice::from_ref(&made)).await.expect("made behind our back");
    }
    let report = reconcile(&server).await;
    assert_eq!(report["cutOff"], 1);
    assert!(!found(&server, &ours).await.has_rights());
    let mut others = cluster.inventory(&foreign).await.expect("an inventory");
    let untouched = others.users.remove(&foreign).expect("still there");
    assert!(untouched.is_complete(server.workspace()), "{untouched:?}");
    for principal in principals(&server).await {
        assert!(found(&server, &principal).await.is_complete(server.workspace()));
    }
    let status = server.api.get("/broker/status", &server.admin).await.ok();
    let again = reconcile(&server).await;
    assert_eq!((&again["cutOff"], &again["namesWithoutRights"]), (&json!(0), &json!(1)), "{status}");
    let rights = cluster.inventory(&foreign).await.expect("an inventory").users.remove(&foreign).expect("there");
    let acl = |operation| Acl {
        resource: Resource::Topic,
        name: format!("{}-", server.workspace()),
        prefixed: true,
        host: "*".into(),
        operation,
        allow: true,
    };
    assert!(rights.extra_rights("nothing").contains(&acl(Operation::Read)));
    cluster.cut_off(&foreign, std::time::Duration::from_secs(20)).await.expect("cleared away");
}

async fn principal(server: &TestServer, name: &str) -> Principal {
    let token = server.token(Slot::Current).await;
    let credentials = Credentials::of(&server.api, server.workspace(), &token).await;
    assert_eq!(credentials.username, name);
    Principal {
        name: name.to_owned(),
        password: Password::new(credentials.password),
        workspace: server.workspace().to_owned(),
        any_transactional_id: false,
    }
}
