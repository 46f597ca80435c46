//! Raw messages: keys, headers, times, groups, commits, seeking, pausing.

use futures::{SinkExt, StreamExt};
use twinkey_client::{Commit, Event, Message, Start, TopicSettings};
use twinkey_testkit::TestServer;

use super::support::{builder, client, receive, soon, texts};

#[tokio::test(flavor = "multi_thread")]
async fn s5_a_token_is_all_it_takes() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let producer = client.producer("orders").await.expect("a producer");
    assert_eq!(producer.topic(), "demo-orders");
    let message = Message::new("key", "value").header("a", "1").header("a", [0xff]).timestamp(1_700_000_000_123);
    let delivery = producer.send(message).await.expect("delivered");
    producer.send(Message::tombstone("key")).await.expect("delivered");

    let mut consumer = client.consumer("orders", "billing").await.expect("a consumer");
    assert_eq!(consumer.group(), "demo-billing");
    let messages = receive(&mut consumer, 2).await;
    let first = &messages[0];
    assert_eq!((first.key(), first.value(), first.timestamp()), (&b"key"[..], &b"value"[..], Some(1_700_000_000_123)));
    assert_eq!((first.partition(), first.offset()), (delivery.partition, delivery.offset));
    assert_eq!(first.headers().collect::<Vec<_>>(), [("a", Some(&b"1"[..])), ("a", Some(&[0xff][..]))]);
    assert!(messages[1].is_tombstone() && messages[1].key() == b"key");
    consumer.close().await;
    producer.close().await;

    // By id as well as by name, and nothing secret in what a program may log.
    let same = client.producer("demo-orders").await.expect("a producer");
    assert_eq!(same.topic(), "demo-orders");
    assert!(!format!("{client:?}").contains("sdk-"), "{client:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_keep_their_order_and_a_group_goes_on_where_it_was() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let producer = client.producer("numbers").await.expect("a producer");
    // Twice the queue of librdkafka would have to be full for back-pressure; a small one shows the same.
    let slow =
        client.producer_builder("numbers").property("queue.buffering.max.messages", "50").build().await.expect("built");
    let sent = soon(slow.send_all((0..1000).map(|n| Message::new("k", n.to_string())))).await.expect("delivered");
    assert!(sent.windows(2).all(|pair| pair[0].offset + 1 == pair[1].offset));

    let mut consumer = client.consumer("numbers", "g").await.expect("a consumer");
    let first = texts(&receive(&mut consumer, 600).await);
    consumer.close().await;
    let mut consumer = client.consumer("numbers", "g").await.expect("a consumer");
    let rest = texts(&receive(&mut consumer, 400).await);
    let all: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    assert_eq!([first, rest].concat(), all);
    consumer.close().await;

    // As a Sink and as a Stream.
    let mut sink = producer.sink();
    for n in 0..10 {
        sink.send(Message::new("k", format!("s{n}"))).await.expect("sent");
    }
    sink.close().await.expect("delivered");
    let reader = client.consumer_builder("numbers").start(Start::Offset(1000)).stop_at_end(true);
    let reader = reader.build().await.expect("a reader");
    let read: Vec<_> = soon(reader.into_stream().map(|message| message.expect("read").offset()).collect()).await;
    assert_eq!(read, (1000..1010).collect::<Vec<_>>());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_seeking_and_pausing_are_the_programs() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let producer = client.producer("t").await.expect("a producer");
    producer.send_all((0..10).map(|n| Message::new("k", n.to_string()))).await.expect("delivered");

    let member = || client.consumer_builder("t").group("g").commit(Commit::Manual);
    let mut consumer = member().build().await.expect("a consumer");
    let messages = receive(&mut consumer, 5).await;
    consumer.commit_message(&messages[1]).await.expect("committed");
    consumer.close().await;
    let mut consumer = member().build().await.expect("a consumer");
    assert_eq!(texts(&receive(&mut consumer, 3).await), ["2", "3", "4"]);
    consumer.commit().await.expect("committed");
    let lag = client.topics().lag("t", "g").await.expect("answered");
    assert_eq!((lag[0].committed, lag[0].lag(), lag[0].extent.end), (Some(5), 5, 10));

    consumer.seek(0, 8).await.expect("sought");
    assert_eq!(texts(&receive(&mut consumer, 2).await), ["8", "9"]);
    consumer.pause(&[0]).expect("paused");
    producer.send(Message::new("k", "10")).await.expect("delivered");
    let nothing = tokio::time::timeout(std::time::Duration::from_millis(700), consumer.next()).await;
    assert!(nothing.is_err(), "a paused partition hands out nothing");
    consumer.resume(&[0]).expect("resumed");
    assert_eq!(texts(&receive(&mut consumer, 1).await), ["10"]);
    consumer.close().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_group_share_the_partitions_and_are_told() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let settings = TopicSettings { partitions: Some(4), ..TopicSettings::default() };
    client.topics().create("shared", &settings).await.expect("made");
    assert_eq!(client.topics().describe("shared").await.expect("there").configuration.partitions, Some(4));
    assert_eq!(client.topics().list().await.expect("listed").len(), 1);
    let producer = client.producer("shared").await.expect("a producer");
    let sent =
        producer.send_all((0..100).map(|n| Message::new(format!("k{n}"), n.to_string()))).await.expect("delivered");
    let used: std::collections::BTreeSet<_> = sent.iter().map(|delivery| delivery.partition).collect();
    assert_eq!(used.len(), 4, "keys are spread");

    let mut events = client.events();
    let mut one = client.consumer("shared", "g").await.expect("a consumer");
    let seen: std::collections::BTreeSet<_> = texts(&receive(&mut one, 100).await).into_iter().collect();
    assert_eq!(seen.len(), 100);
    let mut two = client.consumer("shared", "g").await.expect("a consumer");
    // Both go on until the partitions are shared.
    while one.assignment().len() != 2 || two.assignment().len() != 2 {
        let _ = tokio::time::timeout(std::time::Duration::from_millis(100), one.next()).await;
        let _ = tokio::time::timeout(std::time::Duration::from_millis(100), two.next()).await;
    }
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push(event);
    }
    assert!(
        told.iter().any(|event| matches!(event, Event::Assigned { partitions, .. } if partitions.len() == 4)),
        "{told:?}"
    );
    assert!(told.iter().any(|event| matches!(event, Event::Revoked { .. })), "{told:?}");
    one.close().await;
    two.close().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_begins_where_it_is_told_and_ends_at_the_end() {
    let server = TestServer::start().await;
    let client = builder(&server).await.property("fetch.wait.max.ms", "50").build().expect("built");
    let producer = client.producer("t").await.expect("a producer");
    producer.send_all((0..10).map(|n| Message::value(n.to_string()).timestamp(1000 + n))).await.expect("delivered");
    for (start, expected) in [
        (Start::Earliest, 0..10),
        (Start::Offset(4), 4..10),
        (Start::FromEnd(2), 8..10),
        (Start::Time(1007), 7..10),
        (Start::Latest, 10..10),
    ] {
        let reader = client.consumer_builder("t").start(start).stop_at_end(true).build().await.expect("a reader");
        let read: Vec<_> = soon(reader.into_stream().map(|message| message.expect("read").offset()).collect()).await;
        assert_eq!(read, expected.collect::<Vec<_>>(), "{start:?}");
    }
    server.stop().await;
}

/// What the server makes of bytes that a library of its own has compressed.
#[tokio::test(flavor = "multi_thread")]
async fn the_portal_shows_what_librdkafka_has_compressed() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let values: Vec<_> = (0..200).map(|number| format!("{number} and {}", "the same again ".repeat(number))).collect();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = format!("in-{codec}");
        let builder = client.producer_builder(&topic).property("compression.type", codec).property("linger.ms", "50");
        let producer = builder.build().await.expect("a producer");
        soon(producer.send_all(values.iter().map(|value| Message::new("key", value.as_str()))))
            .await
            .expect("delivered");
        producer.close().await;
        let path = format!("/workspaces/demo/topics/{topic}/messages?from=beginning&limit=500");
        let page = server.api.get(&path, &server.admin).await.ok();
        let shown = page["messages"].as_array().expect("a list").iter().map(|it| it["value"]["text"].as_str());
        assert_eq!(shown.collect::<Option<Vec<_>>>().expect("texts"), values, "{codec}: {}", page["notes"]);
    }
}
