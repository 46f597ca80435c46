//! Topics on the API and on the broker: quix-api.md §1.5 to §1.7, §2.

use reqwest::Method;
use serde_json::{Value, json};
use twinkey_api::token_pair::Slot;
use twinkey_testkit::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn what_one_side_creates_the_other_lists() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let mut stream = server.stream(&token).await;
    assert_eq!(stream.metadata_error(&server.topic("orders")).await, 3);
    server.create_topic("orders").await;
    assert_eq!(stream.metadata_error(&server.topic("orders")).await, 0);
    server.api.send(server.api.request(Method::DELETE, &server.own("/demo/topics/orders"), &server.admin)).await;
    assert_eq!(stream.metadata_error(&server.topic("orders")).await, 3);
    server.api.get(&server.own("/demo/topics/orders"), &token).await.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_has_the_shape_that_clients_parse() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let body = json!({"name": "in.put", "configuration": {
        "partitions": 3, "replicationFactor": null, "retentionInMinutes": 60, "retentionInBytes": 1_000_000, "cleanupPolicy": "compact,delete"
    }});
    let created = server.api.post(&server.own("/demo/topics"), &token, &body).await.ok();
    assert_eq!(
        (&created["id"], &created["name"], &created["status"]),
        (&json!(&server.own("demo-in.put")), &json!("in.put"), &json!("Ready"))
    );
    assert_eq!(
        created["configuration"],
        json!({"partitions": 3, "replicationFactor": 1, "retentionInMinutes": 60, "retentionInBytes": 1_000_000, "cleanupPolicy": "DeleteAndCompact"})
    );
    for path in [
        &server.own("/demo/topics/in.put"),
        &server.own("/demo/topics/demo-in.put"),
        &server.own("/demo/topics/in%2Eput"),
    ] {
        assert_eq!(server.api.get(path, &token).await.ok(), created, "{path}");
    }
    assert_eq!(server.api.get(&server.own("/demo/topics"), &token).await.ok(), json!([created]));
    assert_eq!(server.api.get(&server.own("/workspaces/demo/topics"), &token).await.ok(), json!([created]));
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_are_numbers_and_nulls_are_defaults() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let nulls = json!({"name": "a", "configuration": {"partitions": null, "replicationFactor": null, "retentionInMinutes": null, "retentionInBytes": null, "cleanupPolicy": null}});
    let with_nulls = server.api.post(&server.own("/demo/topics"), &token, &nulls).await.ok();
    let csharp = server.api.post(&server.own("/demo/topics"), &token, &json!({"Name": "b"})).await.ok();
    assert_eq!(with_nulls["configuration"], csharp["configuration"]);
    assert!(
        csharp["configuration"]["retentionInMinutes"].is_i64() && csharp["configuration"]["retentionInBytes"].is_i64()
    );
    // Python rounds a retention below a minute down to 0.
    let short = json!({"name": "c", "configuration": {"retentionInMinutes": 0}});
    assert_eq!(
        server.api.post(&server.own("/demo/topics"), &token, &short).await.ok()["configuration"]["retentionInMinutes"],
        1
    );
    let ever = json!({"name": "d", "configuration": {"retentionInMinutes": -1, "cleanupPolicy": "Compact"}});
    let ever = server.api.post(&server.own("/demo/topics"), &token, &ever).await.ok();
    assert_eq!(
        (&ever["configuration"]["retentionInMinutes"], &ever["configuration"]["cleanupPolicy"]),
        (&json!(-1), &json!("Compact"))
    );
}

/// Python tests for exactly this status and this sentence.
#[tokio::test(flavor = "multi_thread")]
async fn a_duplicate_gets_the_exact_sentence() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    server.create_topic("or.ders").await;
    for name in ["or.ders", "or_ders"] {
        let refused = server.api.post(&server.own("/demo/topics"), &token, &json!({"name": name})).await.refused(400);
        assert_eq!(refused, format!("Topic with name similar to '{name}' already exists."));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_names_and_settings_are_refused_with_a_sentence() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let long = "x".repeat(245);
    for name in ["", "in put", "a/b", "ä", &long] {
        let message = server.api.post(&server.own("/demo/topics"), &token, &json!({"name": name})).await.refused(400);
        assert!(message.contains("topic name"), "{message}");
    }
    for configuration in [
        json!({"partitions": 0}),
        json!({"partitions": 1_000_000}),
        json!({"retentionInMinutes": -2}),
        json!({"retentionInMinutes": i64::MAX}),
        json!({"retentionInBytes": -2}),
        json!({"cleanupPolicy": "burn"}),
        json!({"replicationFactor": 0}),
    ] {
        let body = json!({"name": "x", "configuration": configuration});
        server.api.post(&server.own("/demo/topics"), &token, &body).await.refused(400);
    }
    let wrong_type = server
        .api
        .post(&server.own("/demo/topics"), &token, &json!({"name": "x", "configuration": {"partitions": "two"}}))
        .await;
    assert!(wrong_type.refused(422).contains("configuration.partitions"));
    assert_eq!(server.api.get(&server.own("/demo/topics"), &token).await.ok(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn changing_cleaning_deleting() {
    let server = TestServer::start().await;
    server.create_topic("orders").await;
    let patch = async |body: Value| {
        let request = server.api.request(Method::PATCH, &server.own("/demo/topics/orders"), &server.admin).json(&body);
        server.api.send(request).await
    };
    let changed = patch(json!({"partitions": 2, "retentionInMinutes": 5})).await.ok();
    assert_eq!(
        (&changed["configuration"]["partitions"], &changed["configuration"]["retentionInMinutes"]),
        (&json!(2), &json!(5))
    );
    let nested = patch(json!({"configuration": {"retentionInBytes": 1000}})).await.ok();
    assert_eq!(
        (&nested["configuration"]["retentionInBytes"], &nested["configuration"]["retentionInMinutes"]),
        (&json!(1000), &json!(5))
    );
    patch(json!({"partitions": 1})).await.refused(400);

    let mut stream = server.stream(&server.token(Slot::Current).await).await;
    stream.produce(&server.topic("orders"), "one").await.expect("connected").expect("accepted");
    let clean = server.api.request(Method::POST, &server.own("/demo/topics/orders/clean"), &server.admin);
    assert_eq!(server.api.send(clean).await.status, 204);
    assert_eq!(stream.fetch(&server.topic("orders"), 1, 0).await.expect("connected"), Ok(vec![]));
    assert_eq!(stream.produce(&server.topic("orders"), "two").await.expect("connected"), Ok(1), "offsets go on");
    let delete = || server.api.request(Method::DELETE, &server.own("/demo/topics/orders"), &server.admin);
    assert_eq!(server.api.send(delete()).await.status, 204);
    server.api.send(delete()).await.refused(404);
}

/// g8, the orderly half: what was acknowledged is there after a restart. The fault test kills the process instead.
#[tokio::test(flavor = "multi_thread")]
async fn topics_records_and_tokens_survive_a_restart() {
    let server = TestServer::start().await;
    server.create_topic("orders").await;
    let token = server.token(Slot::Current).await;
    server.stream(&token).await.produce(&server.topic("orders"), "kept").await.expect("connected").expect("accepted");
    let before = server.api.get(&server.own("/demo/topics"), &token).await.ok();
    let server = server.restart().await;
    assert_eq!(server.token(Slot::Current).await, token);
    assert_eq!(server.api.get(&server.own("/demo/topics"), &token).await.ok(), before);
    assert_eq!(server.stream(&token).await.read_all(&server.topic("orders")).await, ["kept"]);
}
