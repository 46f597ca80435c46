use kafka_protocol::messages::MetadataRequest;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use twinkey_embedded_broker::Limits;

use crate::support::{assert_closed, start, start_with};

/// After each abuse the next client must get in as if nothing had happened.
#[tokio::test]
async fn frames_that_lie_end_their_connection_only() {
    let server = start().await;
    let mut bystander = server.client("tk-2").await;
    let frames: [&[u8]; 9] = [
        &[0xff; 4],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0, 0, 0, 0],
        &[0, 0, 0, 2, 0, 3],
        &[0, 0, 0, 8, 0x7f, 0, 0, 0, 0, 0, 0, 1],
        // Metadata v1 that claims 2³¹ − 1 topics
        &[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff],
        // Metadata v99
        &[0, 0, 0, 14, 0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0],
        // AddPartitionsToTxn v0, which is not there
        &[0, 0, 0, 14, 0, 24, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0],
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ];
    for frame in frames {
        for signed_in in [false, true] {
            let mut client = if signed_in { server.client("tk-1").await } else { server.connect().await };
            client.send_raw(frame).await.unwrap();
            assert_closed(client.receive_raw().await);
        }
        bystander.call(MetadataRequest::default(), 12).await.unwrap();
    }
}

#[tokio::test]
async fn frames_before_the_sign_in_are_small() {
    let server = start().await;
    let mut client = server.connect().await;
    client.send_raw(&(16 * 1024 + 1i32).to_be_bytes()).await.unwrap();
    assert_closed(client.receive_raw().await);
}

#[tokio::test]
async fn noise_instead_of_tls_ends_its_connection_only() {
    let server = start().await;
    let mut noise = TcpStream::connect(server.broker.local_addr()).await.unwrap();
    noise.write_all(&[7; 5000]).await.unwrap();
    server.client("tk-1").await;
}

#[tokio::test]
async fn two_thousand_half_open_connections_do_not_stop_others() {
    let server = start_with(Limits { unauthenticated_connections: 500, ..Limits::default() }, false).await;
    let mut idle = Vec::new();
    for _ in 0..2000 {
        idle.push(TcpStream::connect(server.broker.local_addr()).await.unwrap());
    }
    for user in ["tk-1", "tk-2"] {
        server.client(user).await.call(MetadataRequest::default(), 12).await.unwrap();
    }
}

#[tokio::test]
async fn answers_keep_the_order_of_requests() {
    let server = start().await;
    let mut client = server.client("tk-1").await;
    let mut sent = Vec::new();
    for _ in 0..100 {
        sent.push(client.send(&MetadataRequest::default(), 12).await.unwrap());
    }
    for id in sent {
        client.receive::<MetadataRequest>(id, 12).await.unwrap();
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let limits = Limits { idle: std::time::Duration::from_millis(100), ..Limits::default() };
    let server = start_with(limits, false).await;
    let mut client = server.client("tk-1").await;
    assert_closed(client.receive_raw().await);
}

/// A peer that asks and never reads must not pin the answers for ever.
#[tokio::test]
async fn a_peer_that_takes_no_answers_is_closed() {
    let limits = Limits { write_stall: std::time::Duration::from_millis(100), ..Limits::default() };
    let server = start_with(limits, false).await;
    let new = twinkey_embedded_broker::NewTopic {
        name: "w-wide".to_owned(),
        partitions: 500,
        config: std::collections::BTreeMap::new(),
    };
    server.broker.create_topic(new).unwrap();
    let mut client = server.client("tk-1").await;
    let all = MetadataRequest::default().with_topics(None);
    // Far more answers than the sockets' buffers hold; the broker stops reading, so sending ends in an error too.
    for _ in 0..20_000 {
        let sent = tokio::time::timeout(std::time::Duration::from_millis(300), client.send(&all, 12)).await;
        if !matches!(sent, Ok(Ok(_))) {
            break;
        }
    }
    while !server.broker.connections().is_empty() {
        tokio::task::yield_now().await;
    }
}
