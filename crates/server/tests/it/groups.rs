//! Consumer groups and what is in topics, as the portal asks for it; on both brokers.

use reqwest::Method;
use serde_json::{Value, json};
use twinkey_api::{Role, token_pair::Slot};
use twinkey_testkit::{Answer, TestServer};

async fn get(server: &TestServer, path: &str) -> Value {
    server.api.get(&server.own(path), &server.admin).await.ok()
}

async fn delete(server: &TestServer, path: &str) -> Answer {
    server.api.send(server.api.request(Method::DELETE, &server.own(path), &server.admin)).await
}

async fn topic(server: &TestServer, name: &str, partitions: i32) {
    let body = json!({"name": name, "configuration": {"partitions": partitions}});
    server.api.post(&server.own("/demo/topics"), &server.admin, &body).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_shows_its_members_and_how_far_it_is_behind() {
    let server = TestServer::start().await;
    topic(&server, "orders", 2).await;
    topic(&server, "other", 1).await;
    let mut stream = server.stream(&server.token(Slot::Next).await).await;
    for number in 0..5 {
        stream.produce(&server.topic("orders"), &format!("order {number}")).await.expect("connected").expect("taken");
    }
    assert_eq!(get(&server, "/workspaces/demo/groups").await["groups"], json!([]));
    let member = stream.join(&server.topic("readers")).await;
    stream.commit(&member, &server.topic("orders"), &[(0, 2)]).await;

    let found = get(&server, "/workspaces/demo/groups").await;
    assert_eq!(found["partial"], json!([]), "{found:#}");
    let group = &found["groups"][0];
    assert_eq!((&group["id"], &group["name"]), (&json!(server.topic("readers")), &json!("readers")));
    assert_eq!((&group["state"], &group["protocolType"]), (&json!("Stable"), &json!("consumer")), "{group:#}");
    let first = &group["members"][0];
    assert_eq!(
        (group["members"].as_array().map(Vec::len), &first["host"]),
        (Some(1), &json!("127.0.0.1")),
        "{group:#}"
    );
    // Kafka does not tell who a member is, and this one has a `client.id` of its own.
    let token = if server.kafka().is_some() { Value::Null } else { json!("Token 2") };
    assert_eq!((&first["token"], &first["clientId"]), (&token, &json!("twinkey")), "{group:#}");
    if server.kafka().is_none() {
        // Of services that share a library and an address, the group says which one it is.
        let usage = get(&server, "/workspaces/demo/tokens/usage").await;
        let client = &usage["tokens"][1]["clients"][0];
        assert_eq!((&client["groups"], &client["openConnections"]), (&json!(["readers"]), &json!(1)), "{usage:#}");
        assert_eq!(usage["tokens"][0]["clients"], json!([]), "{usage:#}");
    }
    let partitions = json!([
        {"partition": 0, "committed": 2, "highOffset": 5, "lag": 3},
        {"partition": 1, "committed": null, "highOffset": 0, "lag": null},
    ]);
    assert_eq!(group["topics"], json!([{"topic": "orders", "partitions": partitions}]), "{group:#}");
    assert_eq!(group["lag"], 3);
    for topic in ["orders", "demo-orders"] {
        let of_topic = get(&server, &format!("/workspaces/demo/groups?topic={topic}")).await;
        assert_eq!(of_topic["groups"], found["groups"]);
    }
    assert_eq!(get(&server, "/workspaces/demo/groups?topic=other").await["groups"], json!([]));

    let activity = get(&server, "/workspaces/demo/topics/activity").await;
    assert_eq!(activity["partial"], json!([]), "{activity:#}");
    let [orders, other] = activity["topics"].as_array().expect("a list").as_slice() else { panic!("{activity:#}") };
    assert_eq!((&orders["id"], &orders["name"]), (&json!(server.topic("orders")), &json!("orders")));
    assert_eq!((&orders["records"], &orders["endOffsets"]), (&json!(5), &json!(5)), "{orders:#}");
    assert_eq!((&orders["groups"], &orders["lag"]), (&json!(1), &json!(3)), "{orders:#}");
    assert!(orders["bytes"].as_i64().expect("a number") > 100, "{orders:#}");
    assert_eq!((&other["records"], &other["groups"], &other["lag"]), (&json!(0), &json!(0), &Value::Null));

    let partitions = get(&server, "/workspaces/demo/topics/orders/partitions").await;
    let first = &partitions["partitions"][0];
    assert_eq!((&first["partition"], &first["lowOffset"], &first["highOffset"]), (&json!(0), &json!(0), &json!(5)));
    assert_eq!(first["leader"].is_null(), server.kafka().is_none(), "{partitions:#}");
    assert_eq!(first["bytes"], orders["bytes"]);
    assert_eq!(partitions["partitions"].as_array().map(Vec::len), Some(2));
    stream.leave(member).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_nobody_is_in_can_be_deleted_and_that_is_recorded() {
    let server = TestServer::start().await;
    topic(&server, "orders", 1).await;
    let mut stream = server.stream(&server.token(Slot::Current).await).await;
    let member = stream.join(&server.topic("readers")).await;
    stream.commit(&member, &server.topic("orders"), &[(0, 0)]).await;
    let message = delete(&server, "/workspaces/demo/groups/readers").await.refused(409);
    assert!(message.contains("has members"), "{message}");
    stream.leave(member).await;
    let viewer = server.user("viewer@example.org", Role::Viewer, None).await;
    let path = server.own("/workspaces/demo/groups/readers");
    server.api.send(server.api.request(Method::DELETE, &path, &viewer)).await.refused(403);

    assert_eq!(delete(&server, "/workspaces/demo/groups/readers").await.status, 204);
    delete(&server, "/workspaces/demo/groups/demo-readers").await.refused(404);
    assert_eq!(get(&server, "/workspaces/demo/groups").await["groups"], json!([]));
    let records = get(&server, "/audit?action=group.").await;
    let [record] = records.as_array().expect("a list").as_slice() else { panic!("{records:#}") };
    assert_eq!((&record["action"], &record["target"]), (&json!("group.deleted"), &json!(server.topic("readers"))));
    assert_eq!(record["workspaceId"], server.workspace());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_topics_is_recorded() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    server.api.post(&server.own("/demo/topics"), &token, &json!({"name": "orders"})).await.ok();
    let change = server.api.request(Method::PATCH, &server.own("/demo/topics/orders"), &server.admin);
    server.api.send(change.json(&json!({"partitions": 3}))).await.ok();
    server.api.post(&server.own("/demo/topics/orders/clean"), &server.admin, &json!({})).await;
    assert_eq!(delete(&server, "/demo/topics/orders").await.status, 204);
    let records = get(&server, "/audit?action=topic.").await;
    let records = records.as_array().expect("a list");
    let actions: Vec<_> = records.iter().rev().map(|it| it["action"].as_str().expect("a text")).collect();
    assert_eq!(actions, ["topic.created", "topic.changed", "topic.cleaned", "topic.deleted"]);
    assert!(records.iter().all(|it| it["target"] == server.topic("orders") && it["workspaceId"] == server.workspace()));
    let created = &records[3];
    assert!(created["credential"].as_str().expect("a text").starts_with("sdk:"), "{created:#}");
    let detail: Value = serde_json::from_str(records[2]["detail"].as_str().expect("text")).expect("JSON");
    assert_eq!((&detail["before"]["partitions"], &detail["after"]["partitions"]), (&json!(1), &json!(3)));
    // What was refused is not.
    delete(&server, "/demo/topics/orders").await.refused(404);
    assert_eq!(get(&server, "/audit?action=topic.").await.as_array().map(Vec::len), Some(4));
}
