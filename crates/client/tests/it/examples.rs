//! The examples, run as they are printed in the README: programs of their own, with the variables and nothing else.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};

use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
};
use twinkey_api::token_pair::Slot;
use twinkey_client::{Message, QuixStreamingClient, Start, rdkafka};
use twinkey_testbed::kafka::Kafka;
use twinkey_testkit::TestServer;

use super::support::{builder, client, soon};

/// A built example, which `cargo test` builds beside the tests.
async fn example(server: &TestServer, name: &str) -> Command {
    let tests = std::env::current_exe().expect("known");
    let path: PathBuf = tests.ancestors().nth(2).expect("target/debug").join("examples").join(name);
    assert!(path.exists(), "{} is missing: run `cargo test` for the package, not for one test target", path.display());
    let mut command = Command::new(path);
    command.env("Quix__Sdk__Token", server.token(Slot::Current).await).env("Quix__Portal__Api", &server.api.url);
    command.env("Quix__Workspace__Id", "demo").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn run(mut command: Command) -> String {
    let ended = soon(tokio::task::spawn_blocking(move || command.output().expect("runs"))).await.expect("no panic");
    checked(&ended)
}

fn checked(ended: &Output) -> String {
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_a_producer_and_a_consumer() {
    let server = TestServer::start().await;
    let printed = run(example(&server, "producer").await).await;
    assert!(printed.contains("order 10 is in partition 0 at offset 9"), "{printed}");
    let consumer = example(&server, "consumer").await.spawn().expect("runs");
    let pid = consumer.id();
    // It is done when it has committed; before that nothing says that it has printed everything.
    let topics = client(&server).await.topics();
    while topics.lag("orders", "billing").await.expect("answered")[0].lag() > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let status = Command::new("kill").args(["-INT", &pid.to_string()]).status();
    assert!(status.expect("kill runs").success());
    let printed = checked(&consumer.wait_with_output().expect("ends"));
    assert_eq!(printed.lines().count(), 10, "{printed}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_rotation_without_downtime() {
    let server = TestServer::start().await;
    let mut command = example(&server, "rotation").await;
    command.arg("200").env("NEXT_TOKEN", server.token(Slot::Next).await);
    let running = tokio::spawn(run(command));
    let reader = QuixStreamingClient::builder().token(server.token(Slot::Next).await).portal_api(&server.api.url);
    let mut reader = reader.build().expect("built").consumer("orders", "watcher").await.expect("a consumer");
    // In the middle of it.
    for _ in 0..50 {
        soon(reader.next()).await.expect("not the end").expect("a message");
    }
    server.api.rotate("demo", &server.admin, 0).await.ok();
    let printed = running.await.expect("no panic");
    assert!(
        printed.contains("moved from the token ending in") && printed.contains("200 messages were delivered"),
        "{printed}"
    );
    reader.close().await;
    server.stop().await;
}

/// Against a real Apache Kafka, because the embedded broker has no transactions: the API is Twinkey's, the broker's settings
/// are given by hand.
#[tokio::test(flavor = "multi_thread")]
async fn consume_transform_produce_exactly_once() {
    let server = TestServer::start().await;
    let kafka = tokio::task::spawn_blocking(Kafka::shared).await.expect("a cluster");
    let settings: BTreeMap<&str, &str> = [
        ("bootstrap.servers", kafka.bootstrap()),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.username", kafka.user()),
        ("sasl.password", kafka.password()),
        ("ssl.ca.pem", kafka.authorities()),
        // The group waits for a member that was killed for as long as this.
        ("session.timeout.ms", "6000"),
    ]
    .into();
    let mut by_hand = builder(&server).await;
    for (key, value) in &settings {
        by_hand = by_hand.property(*key, *value);
    }
    let client = by_hand.build().expect("built");
    let config: ClientConfig = client.librdkafka_config().await.expect("acquired");
    let admin: AdminClient<DefaultClientContext> = config.create().expect("an administrator");
    let new = ["demo-orders", "demo-doubled"].map(|name| NewTopic::new(name, 1, TopicReplication::Fixed(1)));
    let _ = admin.delete_topics(&["demo-orders", "demo-doubled"], &AdminOptions::new()).await;
    soon(async {
        while admin.create_topics(&new, &AdminOptions::new()).await.expect("answered").iter().any(Result::is_err) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
    .await;

    let file = tempfile::NamedTempFile::new().expect("temporary file");
    std::fs::write(file.path(), serde_json::to_vec(&settings).expect("JSON")).expect("written");
    let producer = client.producer("orders").await.expect("a producer");
    producer.send_all((0..3000).map(|n| Message::new("k", n.to_string()))).await.expect("delivered");
    let read = async || {
        let reader = client.consumer_builder("doubled").start(Start::Earliest).stop_at_end(true).build().await;
        let mut reader = reader.expect("a reader");
        let mut seen = Vec::new();
        while let Some(message) = soon(reader.next()).await {
            seen.push(message.expect("read").text().parse::<i64>().expect("a number"));
        }
        seen
    };
    // Killed in the middle, twice; what it leaves open is fenced and taken back by its successor.
    for at_least in [300, 1000] {
        let mut command = example(&server, "exactly_once").await;
        let mut running = command.env("LIBRDKAFKA_SETTINGS", file.path()).spawn().expect("runs");
        while read().await.len() < at_least {
            assert!(running.try_wait().expect("a child").is_none(), "it ended");
        }
        running.kill().expect("killed");
        running.wait().expect("ended");
    }
    let mut command = example(&server, "exactly_once").await;
    command.env("LIBRDKAFKA_SETTINGS", file.path()).env("STOP_AT_END", "1");
    run(command).await;
    assert_eq!(read().await, (0..3000).map(|n| 2 * n).collect::<Vec<_>>());
    server.stop().await;
}
