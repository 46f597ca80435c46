use kafka_protocol::messages::{
    FetchRequest, MetadataRequest, TopicName,
    fetch_request::{FetchPartition, FetchTopic},
};
use twinkey_embedded_broker::NewTopic;
use twinkey_kafka_wire::client::ClientError;

use crate::support::{SCRAM, Server, assert_closed, password_of, start, topic};

fn new_topic(server: &Server, name: &str) {
    let new = NewTopic { name: name.to_owned(), partitions: 1, config: std::collections::BTreeMap::new() };
    server.broker.create_topic(new).unwrap();
}

/// A fetch that waits for a record for as long as the broker lets it.
fn parked(name: TopicName) -> FetchRequest {
    let partition = FetchPartition::default().with_partition_max_bytes(1000);
    let topic = FetchTopic::default().with_topic(name).with_partitions(vec![partition]);
    FetchRequest::default().with_max_wait_ms(60_000).with_min_bytes(1).with_max_bytes(1000).with_topics(vec![topic])
}

#[tokio::test]
async fn a_cut_off_closes_what_is_open_and_refuses_what_comes() {
    let server = start().await;
    new_topic(&server, "w-clicks");
    let (mut dead, mut alive) = (server.client("tk-1").await, server.client("tk-2").await);
    let id = dead.send(&parked(topic("w-clicks")), 12).await.unwrap();
    let mut idle = server.client("tk-1").await;
    server.people.remove("tk-1");
    assert_eq!(server.broker.cut_off("tk-1").await.connections_closed, 2);
    assert!(server.broker.connections().iter().all(|connection| connection.principal == "tk-2"));
    assert_closed(dead.receive::<FetchRequest>(id, 12).await);
    assert_closed(idle.call(MetadataRequest::default(), 12).await);
    let again = server.try_sign_in(SCRAM, "tk-1", &password_of("tk-1")).await;
    assert!(matches!(again, Err(ClientError::Refused { code: 58, .. })), "{again:?}");
    alive.call(MetadataRequest::default(), 12).await.unwrap();
    assert_eq!(server.broker.cut_off("tk-1").await.connections_closed, 0);
}

/// Sign-ins race cut-offs: whatever the order, none is left connected when the last cut-off has returned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sign_in_slips_past_a_cut_off() {
    let server = start().await;
    server.client("tk-1").await;
    for _ in 0..20 {
        server.people.add("tk-1", "w");
        let signing_in = async {
            let password = password_of("tk-1");
            futures::future::join_all((0..4).map(|_| server.try_sign_in(SCRAM, "tk-1", &password))).await
        };
        let cutting_off = async {
            tokio::task::yield_now().await;
            server.people.remove("tk-1");
            server.broker.cut_off("tk-1").await
        };
        let (clients, _) = futures::join!(signing_in, cutting_off);
        for client in clients {
            let Ok(mut client) = client else { continue };
            assert_closed(client.call(MetadataRequest::default(), 12).await);
        }
    }
}

/// A peer that goes away while its poll waits leaves nothing behind.
#[tokio::test]
async fn a_peer_that_leaves_a_long_poll_is_noticed() {
    let server = start().await;
    new_topic(&server, "w-clicks");
    let mut client = server.client("tk-1").await;
    client.send(&parked(topic("w-clicks")), 12).await.unwrap();
    drop(client);
    while !server.broker.connections().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_shutdown_ends_open_connections() {
    let server = start().await;
    let mut client = server.client("tk-1").await;
    server.broker.shutdown().await;
    assert_closed(client.call(MetadataRequest::default(), 12).await);
}
