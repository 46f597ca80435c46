//! The stream protocol, written and read by this library. `compat/` does the same against quixstreams 0.5.7.

use twinkey_client::{
    Error, Message,
    streams::{EventData, Row, StreamContent, StreamEnd, StreamProperties},
};
use twinkey_testkit::TestServer;

use super::support::{client, soon};

#[tokio::test(flavor = "multi_thread")]
async fn streams_come_back_as_they_were_written() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let topic = client.stream_producer("t").await.expect("a producer");
    let stream = topic.stream("s");
    let properties = StreamProperties { name: Some("n".into()), ..StreamProperties::default() };
    let rows = vec![
        Row::at(1_700_000_000_123_456_789).with("a", 1.5).with("b", "x").tag("t", "v"),
        // In three fragments.
        Row::at(1_700_000_000_123_456_790).with("b", "y".repeat(2_500_000)),
    ];
    let events = vec![EventData::new(1_700_000_000_123_456_791, "e", "v").tag("t", "w")];
    stream.properties(&properties).await.expect("written");
    stream.timeseries(&rows).await.expect("written");
    topic.raw().send(Message::new("s", "not an envelope")).await.expect("written");
    stream.events(&events).await.expect("written");
    stream.end(StreamEnd::Closed).await.expect("written");

    let mut consumer = client.stream_consumer("t", "g").await.expect("a consumer");
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(soon(consumer.next()).await.expect("not the end"));
    }
    let contents: Vec<_> = seen.iter().filter_map(|it| it.as_ref().ok()).map(|it| it.content.clone()).collect();
    let expected = [
        StreamContent::Properties(properties),
        StreamContent::Timeseries(rows),
        StreamContent::Events(events),
        StreamContent::End(StreamEnd::Closed),
    ];
    assert!(contents == expected, "differs");
    assert!(matches!(seen[2], Err(Error::Format { .. })), "what cannot be read is told, and not the end");
    assert_eq!(seen[0].as_ref().expect("read").stream, "s");
    consumer.close().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_which_half_was_read_is_read_from_its_beginning_again() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let topic = client.stream_producer("t").await.expect("a producer");
    topic.stream("s").timeseries([Row::at(1).with("b", "y".repeat(2_500_000))]).await.expect("written");
    let raw = client.consumer("t", "g").await.expect("a consumer");
    let mut streams = twinkey_client::streams::StreamConsumer::new(raw);
    // Ended while the last fragment is missing: it is not there to be had within the time.
    streams.raw().pause(&[]).expect("nothing to pause");
    let whole = soon(streams.next()).await.expect("not the end").expect("read");
    assert_eq!(whole.offset, 2, "the third fragment");
    drop(whole);
    streams.close().await;
    let lag = client.topics().lag("t", "g").await.expect("answered");
    assert_eq!(lag[0].lag(), 0);
    server.stop().await;
}
