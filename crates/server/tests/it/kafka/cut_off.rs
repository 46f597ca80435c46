//! The cut-off on three nodes (B4): proved where every broker has shown it, and never claimed where one has not.

use std::time::Duration;

use serde_json::json;
use twinkey_api::token_pair::Slot;
use twinkey_testbed::kafka::Kafka;
use twinkey_testkit::{
    TestServer,
    kafka::{Credentials, fetch_request, record_bytes},
};

use super::{OWN_CLUSTER, found, until};

/// All in one test, one after the other: a cluster of three nodes is dear, and each part brings a node down.
#[tokio::test(flavor = "multi_thread")]
async fn b4_on_three_nodes_with_one_that_is_well_killed_or_paused() {
    let _turn = OWN_CLUSTER.lock().await;
    let kafka = tokio::task::spawn_blocking(|| Kafka::start(3)).await.expect("a cluster starts");
    let server = TestServer::start_on_kafka(&kafka, |_| {}).await;
    let body = json!({"name": "orders", "configuration": {"replicationFactor": 3}});
    let topic = server.api.post(&server.own("/demo/topics"), &server.admin, &body).await.ok();
    assert_eq!(topic["configuration"]["replicationFactor"], 3);

    all_well(&server).await;
    one_killed(&server, &kafka).await;
    one_paused(server, &kafka).await;
}

async fn all_well(server: &TestServer) {
    let old = server.token(Slot::Current).await;
    let credentials = Credentials::of(&server.api, server.workspace(), &old).await;
    let mut open = Vec::new();
    for address in credentials.address.split(',') {
        open.push(Credentials { address: address.to_owned(), ..credentials.clone() }.sign_in().await.expect("valid"));
    }
    let mut parked = Vec::new();
    for stream in &mut open {
        let request = fetch_request(&server.topic("orders"), 0, 60_000);
        parked.push(stream.client.send(&request, 11).await.expect("sent"));
    }
    let rotated = server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    assert_eq!(rotated["cutOff"], json!({"state": "proved", "open": []}));
    for address in credentials.address.split(',') {
        let dead = Credentials { address: address.to_owned(), ..credentials.clone() };
        assert!(dead.sign_in().await.is_err(), "{address} lets the old token in");
    }
    // Whichever node leads the partition had a request of the old token waiting when this record came.
    let token = server.token(Slot::Current).await;
    produce_somewhere(server, &token, "secret").await;
    for (stream, waiting) in open.iter_mut().zip(parked) {
        let answer = stream.client.receive::<kafka_protocol::messages::FetchRequest>(waiting, 11).await;
        let records = answer.map(|answer| record_bytes(&answer));
        assert!(records.unwrap_or_default() == 0, "a parked request got a record");
    }
    assert!(!found(server, &credentials.username).await.has_rights());
}

/// A port that is closed serves nobody and does not hold a rotation up.
async fn one_killed(server: &TestServer, kafka: &Kafka) {
    kafka.kill(3);
    let old = server.token(Slot::Current).await;
    let credentials = Credentials::of(&server.api, server.workspace(), &old).await;
    let answer = server.api.rotate(server.workspace(), &server.admin, 1).await;
    let rotated = answer.ok();
    assert_eq!(rotated["cutOff"]["state"], "proved", "{rotated}");
    tokio::task::block_in_place(|| kafka.start_node(3));
    let dead = Credentials { address: kafka.address(3).to_owned(), ..credentials.clone() };
    // From the first moment of its open port: it refuses, whatever it last knew.
    until("node 3 answers again", async || match dead.sign_in().await {
        Ok(_) => panic!("a restarted node lets the old token in"),
        Err(error) => error.to_string().contains("58"),
    })
    .await;
}

async fn one_paused(server: TestServer, kafka: &Kafka) {
    until("every node is well", async || {
        let status = server.api.get("/broker/status", &server.admin).await.ok();
        status["brokers"]
            .as_array()
            .is_some_and(|all| all.len() == 3 && all.iter().all(|it| it["fenced"] == json!(false)))
    })
    .await;
    let old = server.token(Slot::Current).await;
    let id = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok()["current"]["id"].clone();
    let hooks = server.own("/workspaces/demo/webhooks");
    let hook = json!({"url": "https://1.1.1.1/hook", "events": ["token.cut_off_proved"]});
    let hook = server.api.post(&hooks, &server.admin, &hook).await.ok();
    kafka.pause(3);
    let answer = server.api.rotate(server.workspace(), &server.admin, 2).await;
    kafka_resume_on_panic(kafka, || assert_eq!(answer.status, 202, "{}", answer.text));
    let rotated = answer.json();
    assert_eq!(rotated["cutOff"]["state"], "pending");
    let open = rotated["cutOff"]["open"].as_array().expect("a list");
    kafka_resume_on_panic(kafka, || assert!(open.iter().any(|it| it["id"] == 3), "{rotated}"));
    assert!(!server.api.accepts(server.workspace(), &old).await, "on the API it is dead");
    let shown = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
    kafka_resume_on_panic(kafka, || assert_eq!(shown["cuttingOff"][0]["id"], id, "{shown}"));
    assert!(server.api.get("/metrics", "").await.text.contains("twinkey_open_cut_offs 1"));
    tokio::time::sleep(Duration::from_secs(1)).await;
    kafka.resume(3);
    until("the cut-off is proved", async || {
        let shown = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
        shown["cuttingOff"] == json!([])
    })
    .await;
    let audit = server.api.get("/audit?limit=1", &server.admin).await.ok();
    assert_eq!((&audit[0]["action"], &audit[0]["target"]), (&json!("token.cut_off"), &id));
    // And whoever wanted to know is told, once.
    let log = format!("{hooks}/{}/deliveries", hook["webhook"]["id"].as_str().expect("an id"));
    let log = server.api.get(&log, &server.admin).await.ok();
    assert_eq!((log.as_array().expect("a list").len(), &log[0]["event"]), (1, &json!("token.cut_off_proved")));
    let payload: serde_json::Value = serde_json::from_str(log[0]["payload"].as_str().expect("text")).expect("JSON");
    assert_eq!(payload["data"]["token"], id);
    server.stop().await;
}

fn kafka_resume_on_panic(kafka: &Kafka, check: impl FnOnce()) {
    if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)) {
        kafka.resume(3);
        std::panic::resume_unwind(panic);
    }
}

/// To the leader of the partition, whichever node that is.
async fn produce_somewhere(server: &TestServer, token: &str, value: &str) {
    let credentials = Credentials::of(&server.api, server.workspace(), token).await;
    for address in credentials.address.split(',') {
        let mut stream =
            Credentials { address: address.to_owned(), ..credentials.clone() }.sign_in().await.expect("valid");
        if let Ok(Ok(_)) = stream.produce(&server.topic("orders"), value).await {
            return;
        }
    }
    panic!("no node leads the partition");
}
