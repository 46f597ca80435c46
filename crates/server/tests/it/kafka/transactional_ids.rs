//! The setting that lets a workspace's tokens use transactional ids without its prefix.

use std::time::Duration;

use jiff::SignedDuration;
use kafka_protocol::{
    messages::{
        AddPartitionsToTxnRequest, EndTxnRequest, FindCoordinatorRequest, InitProducerIdRequest, ProducerId, TopicName,
        TransactionalId, add_partitions_to_txn_request::AddPartitionsToTxnTopic,
    },
    protocol::StrBytes,
};
use serde_json::json;
use twinkey_api::token_pair::Slot;
use twinkey_testkit::{Method, Stream, TestServer};

use super::{found, principals, server};

/// As quixstreams makes them.
const BARE: &str = "0b4f2c1e-6a3d-4f5e-9c8b-7a6d5e4f3c2b";
const REFUSED: i16 = 53;

/// Runs one transaction that writes nothing; Kafka's error code of the first step that is refused.
async fn transaction(stream: &mut Stream, id: &str, topic: &str) -> Result<(), i16> {
    let text = || StrBytes::from_string(id.to_owned());
    for _ in 0..200 {
        let find = FindCoordinatorRequest::default().with_key_type(1).with_coordinator_keys(vec![text()]);
        let found = stream.client.call(find, 4).await.expect("connected").coordinators[0].error_code;
        let init = InitProducerIdRequest::default()
            .with_transactional_id(Some(TransactionalId(text())))
            .with_transaction_timeout_ms(60_000)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let begun = stream.client.call(init, 4).await.expect("connected");
        match (found, begun.error_code) {
            (0, 0) => {
                let topics = AddPartitionsToTxnTopic::default()
                    .with_name(TopicName(StrBytes::from_string(topic.to_owned())))
                    .with_partitions(vec![0]);
                let add = AddPartitionsToTxnRequest::default()
                    .with_v3_and_below_transactional_id(TransactionalId(text()))
                    .with_v3_and_below_producer_id(begun.producer_id)
                    .with_v3_and_below_producer_epoch(begun.producer_epoch)
                    .with_v3_and_below_topics(vec![topics]);
                let added = stream.client.call(add, 3).await.expect("connected");
                let code = added.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code;
                if code != 0 {
                    return Err(code);
                }
                let end = EndTxnRequest::default()
                    .with_transactional_id(TransactionalId(text()))
                    .with_producer_id(begun.producer_id)
                    .with_producer_epoch(begun.producer_epoch)
                    .with_committed(true);
                let ended = stream.client.call(end, 3).await.expect("connected").error_code;
                return if ended == 0 { Ok(()) } else { Err(ended) };
            }
            // A fresh cluster is still choosing who coordinates; an earlier transaction of this id is still ending.
            (_, 14..=16 | 51) | (14..=16, _) => tokio::time::sleep(Duration::from_millis(50)).await,
            (_, code) => return Err(code),
        }
    }
    panic!("no coordinator");
}

async fn set(server: &TestServer, any: bool) {
    // What is younger than half a minute is left to the next reconciliation.
    server.advance(SignedDuration::from_mins(1));
    let path = server.own("/workspaces/demo/settings");
    let request = server.api.request(Method::PATCH, &path, &server.admin);
    let settings = server.api.send(request.json(&json!({"anyTransactionalId": any}))).await.ok();
    assert_eq!(settings["anyTransactionalId"], any);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_transactional_id_works_while_the_setting_is_on() {
    let server = server().await;
    server.create_topic("orders").await;
    let orders = server.topic("orders");
    let token = server.token(Slot::Next).await;
    let mut stream = server.stream(&token).await;
    let own = server.topic("producer-1");
    transaction(&mut stream, &own, &orders).await.expect("an id with the workspace's prefix");
    assert_eq!(transaction(&mut stream, BARE, &orders).await, Err(REFUSED));

    set(&server, true).await;
    for principal in principals(&server).await {
        let found = found(&server, &principal).await;
        assert!(found.has_any_transactional_id() && found.extra_rights(server.workspace()).len() == 2, "{found:?}");
    }
    transaction(&mut stream, BARE, &orders).await.expect("any id");
    // It is no wider than it says.
    assert_eq!(transaction(&mut stream, BARE, "elsewhere").await, Err(29));

    // Tokens of later rotations have it from the beginning, and a dead one has nothing.
    let [dead, _] = principals(&server).await;
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    assert!(!found(&server, &dead).await.has_rights());
    let fresh = server.token(Slot::Next).await;
    transaction(&mut server.stream(&fresh).await, BARE, &orders).await.expect("any id");

    set(&server, false).await;
    for principal in principals(&server).await {
        let found = found(&server, &principal).await;
        assert!(
            found.extra_rights(server.workspace()).is_empty() && found.has_all_rights(server.workspace()),
            "{found:?}"
        );
    }
    assert_eq!(transaction(&mut stream, BARE, &orders).await, Err(REFUSED));
    transaction(&mut stream, &own, &orders).await.expect("an id with the workspace's prefix");
}
