//! Rotations as a running program sees them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};
use twinkey_api::token_pair::Slot;
use twinkey_client::{Error, Event, Message, Producer, QuixStreamingClient, Start, TokenSource};
use twinkey_testkit::TestServer;

use super::support::{builder, client, receive, soon, texts};

/// Sends numbered messages, `rate` per second, until told to stop; answers how many. Every one must be delivered.
async fn service(producer: Producer, name: String, rate: u64, stop: Arc<AtomicBool>) -> u64 {
    let per_tick = rate / 100;
    let mut tick = interval(Duration::from_millis(10));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut sent, mut waiting) = (0, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        for _ in 0..per_tick {
            waiting.push(producer.queue(Message::new(name.clone(), format!("{name}-{sent}"))).await);
            sent += 1;
        }
    }
    for delivery in waiting {
        soon(delivery).await.expect("no error is seen by the program");
    }
    sent
}

/// How often each message is there.
async fn read_all(client: &QuixStreamingClient, topic: &str) -> BTreeMap<String, usize> {
    let mut reader =
        client.consumer_builder(topic).start(Start::Earliest).stop_at_end(true).build().await.expect("a reader");
    let mut seen = BTreeMap::new();
    while let Some(message) = soon(reader.next()).await {
        *seen.entry(message.expect("read").text().into_owned()).or_default() += 1;
    }
    seen
}

/// Three services of 5,000 messages per second in all, whose token changes by `change` while they run.
async fn under_load(change: impl AsyncFn(&TestServer, &[QuixStreamingClient])) -> (usize, usize) {
    let server = TestServer::start().await;
    let next = server.token(Slot::Next).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (mut clients, mut services, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..3 {
        let client = builder(&server).await.fallback(next.clone()).build().expect("built");
        let producer = client.producer("load").await.expect("a producer");
        events.push(client.events());
        services.push(tokio::spawn(service(producer, format!("s{n}"), 1667, Arc::clone(&stop))));
        clients.push(client);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    change(&server, &clients).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::Relaxed);
    let mut expected = 0;
    for service in services {
        expected += usize::try_from(service.await.expect("no panic")).expect("not so many");
    }
    let mut in_doubt = 0;
    for events in &mut events {
        let mut moved = false;
        while let Ok(event) = events.try_recv() {
            if let Event::ProducerMoved { in_doubt: some, .. } = event {
                in_doubt += some;
                moved = true;
            }
        }
        assert!(moved, "each service has moved, and was told");
    }
    let seen = read_all(&clients[0], "load").await;
    assert_eq!(seen.len(), expected, "lost");
    let doubled = seen.values().map(|count| count - 1).sum();
    server.stop().await;
    (doubled, in_doubt)
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_services_that_have_moved_lose_and_double_nothing() {
    let (doubled, in_doubt) = under_load(async |server, clients| {
        for client in clients {
            client.use_fallback().await.expect("moved");
        }
        // The producers follow at once, each when it has been acknowledged everything.
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.api.rotate("demo", &server.admin, 0).await.ok();
    })
    .await;
    assert_eq!((doubled, in_doubt), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_services_whose_token_dies_under_them_lose_nothing() {
    let (doubled, in_doubt) = under_load(async |server, _| {
        server.api.rotate("demo", &server.admin, 0).await.ok();
    })
    .await;
    assert!(doubled <= in_doubt, "{doubled} doubled, {in_doubt} in doubt");
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_consumer_goes_on_with_the_other_token() {
    let server = TestServer::start().await;
    let next = server.token(Slot::Next).await;
    let client = builder(&server).await.fallback(next.clone()).build().expect("built");
    let writer = QuixStreamingClient::builder().token(next).portal_api(&server.api.url).build().expect("built");
    let producer = writer.producer("t").await.expect("a producer");
    producer.send_all((0..10).map(|n| Message::new("k", n.to_string()))).await.expect("delivered");
    let mut member = client.consumer("t", "g").await.expect("a consumer");
    let mut reader = client.consumer_builder("t").build().await.expect("a reader");
    let mut seen = [texts(&receive(&mut member, 7).await), texts(&receive(&mut reader, 7).await)];
    // Nothing of this is committed yet.
    server.api.rotate("demo", &server.admin, 0).await.ok();
    producer.send_all((10..20).map(|n| Message::new("k", n.to_string()))).await.expect("delivered");
    seen[0].extend(texts(&receive(&mut member, 13).await));
    seen[1].extend(texts(&receive(&mut reader, 13).await));
    let all: Vec<_> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(seen, [all.clone(), all]);
    member.close().await;
    let lag = writer.topics().lag("t", "g").await.expect("answered");
    assert_eq!(lag[0].lag(), 0, "what was handed out is committed");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s9_without_another_token_everything_ends_with_the_reason() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let producer = client.producer("t").await.expect("a producer");
    let mut consumer = client.consumer("t", "g").await.expect("a consumer");
    producer.send(Message::value("x")).await.expect("delivered");
    soon(consumer.next()).await.expect("not the end").expect("a message");
    server.api.rotate("demo", &server.admin, 0).await.ok();
    let error = soon(async {
        loop {
            if let Err(error) = producer.send(Message::value("y")).await {
                return error;
            }
        }
    })
    .await;
    assert!(matches!(error, Error::TokenRotatedOut { .. }) && !error.is_transient(), "{error}");
    let error = soon(consumer.next()).await.expect("told").expect_err("dead");
    assert!(matches!(error, Error::TokenRotatedOut { .. }), "{error}");
    assert!(soon(consumer.next()).await.is_none(), "nothing follows");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_that_is_not_valid_is_told_before_anybody_rotates() {
    let server = TestServer::start().await;
    let never_issued = "sdk-0123456789ABCDEFGHIJKLMNOPQRSTUV3uaJwH";
    let client = builder(&server).await.fallback(never_issued).build().expect("built");
    let producer = client.producer("t").await.expect("a producer");
    let error = soon(client.use_fallback()).await.expect_err("not valid");
    assert!(matches!(error, Error::TokenUnknown { .. }), "{error}");
    soon(producer.send(Message::value("x"))).await.expect("delivered, as before");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_token_is_picked_up_from_a_file_or_a_callback() {
    let server = TestServer::start().await;
    let [current, next] = [server.token(Slot::Current).await, server.token(Slot::Next).await];
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("token");
    std::fs::write(&file, format!("{current}\n")).expect("written");
    let from_file =
        QuixStreamingClient::builder().token(file.clone()).portal_api(&server.api.url).build().expect("built");
    let path = file.clone();
    let callback = move || Ok(std::fs::read_to_string(&path)?.into());
    let called = QuixStreamingClient::builder().token(TokenSource::Callback(Arc::new(callback)));
    let called = called.portal_api(&server.api.url).build().expect("built");

    let mut events = from_file.events();
    let producers =
        [from_file.producer("t").await.expect("a producer"), called.producer("t").await.expect("a producer")];
    std::fs::write(&file, &next).expect("written");
    // The file is seen while the old token still lives.
    while !matches!(soon(events.recv()).await.expect("open"), Event::ProducerMoved { in_doubt: 0, .. }) {}
    server.api.rotate("demo", &server.admin, 0).await.ok();
    for producer in &producers {
        soon(producer.send(Message::value("x"))).await.expect("delivered");
    }
    // Nothing of the token is left for the scan of this server's directory: it was never there.
    server.stop().await;
}
