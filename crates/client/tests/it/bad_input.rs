//! What cannot work ends in a typed error with a sentence, within a bounded time.

use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use twinkey_api::token_pair::Slot;
use twinkey_client::{Error, Message, QuixStreamingClient, Start};
use twinkey_testkit::TestServer;

use super::support::{builder, client, soon};

const NEVER_ISSUED: &str = "sdk-0123456789ABCDEFGHIJKLMNOPQRSTUV3uaJwH";

#[test]
fn no_token_or_no_api() {
    // Nothing in this process sets the variables.
    let error = QuixStreamingClient::from_env().expect_err("no token");
    assert!(matches!(error, Error::NoToken) && error.to_string().contains("Quix__Sdk__Token"), "{error}");
    let error = QuixStreamingClient::new(NEVER_ISSUED).expect_err("no API");
    assert!(matches!(error, Error::NoApi) && error.to_string().contains("Quix__Portal__Api"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_a_wrong_token_and_a_token_of_another_workspace() {
    let server = TestServer::start().await;
    let wrong = builder(&server).await.token(NEVER_ISSUED).build().expect("built");
    let error = soon(wrong.producer("t")).await.expect_err("refused");
    assert!(matches!(error, Error::TokenUnknown { .. }) && error.to_string().contains("…aJwH"), "{error}");
    assert!(!error.to_string().contains(NEVER_ISSUED), "the error shows the token");

    let foreign = builder(&server).await.workspace_id("other").build().expect("built");
    let error = soon(foreign.consumer("t", "g")).await.expect_err("refused");
    let text = error.to_string();
    assert!(
        matches!(error, Error::OtherWorkspace { .. }) && text.contains("'demo'") && text.contains("'other'"),
        "{text}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s9_a_token_that_was_rotated_out_says_so() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let again = client.clone();
    server.api.rotate("demo", &server.admin, 0).await.ok();
    let error = soon(again.producer("t")).await.expect_err("refused");
    let text = error.to_string();
    assert!(matches!(error, Error::TokenRotatedOut { .. }), "{text}");
    assert!(text.contains("was rotated out at") && text.contains("Topics → Broker settings"), "{text}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_does_not_answer() {
    let limit = Duration::from_secs(1);
    // One that refuses connections, and one that takes them and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addresses = [&silent, &gone].map(|it| format!("http://{}", it.local_addr().expect("bound")));
    drop(gone);
    for address in addresses {
        let client = QuixStreamingClient::builder().token(NEVER_ISSUED).portal_api(&address).api_timeout(limit);
        let client = client.build().expect("built");
        let since = Instant::now();
        let error = soon(client.producer("t")).await.expect_err("unreachable");
        assert!(matches!(error, Error::ApiUnreachable { .. }) && error.to_string().contains(&address), "{error}");
        assert!(error.is_transient());
        assert!(since.elapsed() < Duration::from_secs(20), "{error}");
    }
}

/// The broker's port speaks TLS with a CA that this machine does not know: an API behind such a certificate looks the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_api_whose_certificate_is_not_trusted() {
    let server = TestServer::start().await;
    let config = client(&server).await.librdkafka_config().await.expect("acquired");
    let address = format!("https://{}", config.get("bootstrap.servers").expect("an address"));
    let client = builder(&server).await.portal_api(&address).build().expect("built");
    let error = soon(client.producer("t")).await.expect_err("not trusted");
    assert!(matches!(error, Error::ApiCertificate { .. }) && !error.is_transient(), "{error}");
    assert!(error.to_string().contains(&address), "{error}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn something_else_than_the_api_answers() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let client = QuixStreamingClient::builder().token(token).portal_api(format!("{}/docs", server.api.url));
    let error = soon(client.build().expect("built").producer("t")).await.expect_err("not the API");
    assert!(matches!(error, Error::Api { .. }), "{error}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_and_may_not_be_made() {
    let server = TestServer::start().await;
    let client = builder(&server).await.create_topics(false).build().expect("built");
    let error = soon(client.consumer("nothing", "g")).await.expect_err("missing");
    assert!(matches!(error, Error::TopicMissing { .. }) && error.to_string().contains("'nothing'"), "{error}");
    // A name that no topic can have is the API's to refuse, in its words.
    let client = builder(&server).await.build().expect("built");
    let error = soon(client.producer("a b")).await.expect_err("no name");
    assert!(matches!(error, Error::Api { status: 400, .. }), "{error}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_down() {
    let server = TestServer::start().await;
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound").to_string();
    let client = builder(&server).await.connect_timeout(Duration::from_secs(2)).property("bootstrap.servers", &gone);
    let client = client.build().expect("built");
    for error in [
        soon(client.producer("t")).await.map(|_| ()).expect_err("down"),
        soon(client.consumer("t", "g")).await.map(|_| ()).expect_err("down"),
    ] {
        assert!(matches!(error, Error::BrokerUnreachable { .. }) && error.is_transient(), "{error}");
        assert!(error.to_string().contains("refused"), "{error}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_away() {
    let server = TestServer::start().await;
    let client = builder(&server).await;
    let client =
        client.delivery_timeout(Duration::from_secs(3)).connect_timeout(Duration::from_secs(3)).build().expect("built");
    let producer = client.producer("t").await.expect("a producer");
    let mut consumer = client.consumer("t", "g").await.expect("a consumer");
    producer.send(Message::value("x")).await.expect("delivered");
    soon(consumer.next()).await.expect("not the end").expect("a message");
    server.stop().await;
    let error = soon(producer.send(Message::value("y"))).await.expect_err("down");
    assert!(matches!(error, Error::DeliveryTimedOut { .. }) && error.is_transient(), "{error}");
    let error = soon(consumer.next()).await.expect("not the end").expect_err("down");
    assert!(matches!(error, Error::BrokerUnreachable { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_does_not_match() {
    let server = TestServer::start().await;
    let other = TestServer::start().await;
    let pem =
        client(&other).await.librdkafka_config().await.expect("acquired").get("ssl.ca.pem").expect("a CA").to_owned();
    let client = builder(&server).await.property("ssl.ca.pem", pem).build().expect("built");
    for error in [
        soon(client.producer("t")).await.map(|_| ()).expect_err("not trusted"),
        soon(client.consumer("t", "g")).await.map(|_| ()).expect_err("not trusted"),
    ] {
        assert!(matches!(error, Error::BrokerCertificate { .. }) && !error.is_transient(), "{error}");
    }
    other.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let producer = client.producer("t").await.expect("a producer");
    let error = soon(producer.send(Message::value(vec![0; 3_000_000]))).await.expect_err("too large");
    assert!(matches!(error, Error::MessageTooLarge { size: 3_000_000 }), "{error}");
    // The broker's limit, where the client would let it pass.
    let large = client.producer_builder("t").property("message.max.bytes", "100000000").build().await.expect("built");
    let error = soon(large.send(Message::value(vec![0; 30_000_000]))).await.expect_err("too large");
    assert!(matches!(error, Error::MessageTooLarge { .. } | Error::DeliveryTimedOut { .. }), "{error}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_librdkafka_does_not_know() {
    let server = TestServer::start().await;
    let client = builder(&server).await.property("no.such.thing", "1").build().expect("built");
    let error = soon(client.producer("t")).await.expect_err("unknown");
    assert!(matches!(error, Error::Setting { .. }) && error.to_string().contains("no.such.thing"), "{error}");
    let group = builder(&server).await.build().expect("built").consumer_builder("t").group("g").start(Start::Offset(5));
    let error = soon(group.build()).await.expect_err("a group has its own place");
    assert!(matches!(error, Error::Setting { .. }) && error.to_string().contains("seek"), "{error}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_on_a_broker_without_them() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let error = soon(client.producer_builder("t").transactional("x")).await.map(|_| ()).expect_err("refused");
    assert!(matches!(error, Error::NoTransactions(_)), "{error:?}");
    server.stop().await;
}
