//! A cluster that is gone: what needs it is refused before anything has changed, the rest goes on.

use serde_json::json;
use twinkey_api::token_pair::Slot;
use twinkey_testbed::kafka::Kafka;
use twinkey_testkit::TestServer;

use super::{OWN_CLUSTER, until};

#[tokio::test(flavor = "multi_thread")]
async fn without_the_cluster_rotations_are_refused_and_streaming_routes_answer() {
    let _turn = OWN_CLUSTER.lock().await;
    let kafka = tokio::task::spawn_blocking(|| Kafka::start(1)).await.expect("a cluster starts");
    let server = TestServer::start_on_kafka(&kafka, |_| {}).await;
    let tokens = [server.token(Slot::Current).await, server.token(Slot::Next).await];
    kafka.kill(1);

    // Nobody can tell whether Token 1 is in use; that is not the same as that it is not.
    let usage = server.api.get(&server.own("/workspaces/demo/tokens/usage"), &server.admin).await.ok();
    let verdict = &usage["safeToRotate"];
    assert_eq!((&verdict["safe"], &verdict["reasons"]), (&json!(false), &json!([])), "{verdict:#}");
    assert!(verdict["sentence"].as_str().expect("a sentence").contains("is not known"), "{verdict:#}");
    let path = server.own("/workspaces/demo/tokens/rotate");
    let unforced = server.api.post(&path, &server.admin, &json!({"expectedGeneration": 0})).await.refused(503);
    assert!(unforced.contains("Nothing was changed") && unforced.contains("is not known"), "{unforced}");
    let refused = server.api.rotate(server.workspace(), &server.admin, 0).await.refused(503);
    assert!(refused.starts_with("Nothing was changed"), "{refused}");
    let body = json!({"workspaceId": server.own("acme")});
    let refused = server.api.post("/workspaces", &server.admin, &body).await.refused(503);
    assert!(refused.starts_with("Nothing was changed"), "{refused}");
    let listed = server.api.get("/workspaces", &server.admin).await.ok();
    assert_eq!(listed.as_array().expect("a list").len(), 1);
    server.api.get(&server.own("/demo/topics"), &server.admin).await.refused(503);
    assert_eq!(server.api.generation(server.workspace(), &server.admin).await, 0);
    for token in &tokens {
        assert!(server.api.accepts(server.workspace(), token).await);
        for path in ["/workspaces", "/workspaces/demo", "/workspaces/demo/certificates", "/auth/token/details"] {
            let answer = server.api.get(&server.own(path), token).await;
            assert!(answer.status.is_success(), "{path}: {}", answer.text);
        }
    }
    let status = server.api.get("/broker/status", &server.admin).await.ok();
    assert!(status["error"].is_string(), "{status}");

    tokio::task::block_in_place(|| kafka.start_node(1));
    until("the cluster is back", async || {
        server.api.get(&server.own("/demo/topics"), &server.admin).await.status.is_success()
    })
    .await;
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    assert!(!server.api.accepts(server.workspace(), &tokens[0]).await);
    server.stop().await;
}
