//! Whose cluster it is: two installations with the same names, another cluster, the way from the embedded broker.

use serde_json::json;
use twinkey_api::token_pair::Slot;
use twinkey_server::start::{Config, StartError};
use twinkey_testkit::{
    TestServer,
    broker::settings,
    server::{config, try_start_now},
};

use super::{behind_the_back, server, shared};

#[tokio::test(flavor = "multi_thread")]
async fn two_installations_with_the_same_prefix_are_refused() {
    let first = server().await;
    let directory = tempfile::tempdir().expect("temporary directory");
    let second = Config { kafka: first.kafka().cloned(), ..config(&directory.path().join("data")) };
    let refused = try_start_now(second.clone()).await.err().expect("refused").to_string();
    let prefix = &first.kafka().expect("a cluster").principal_prefix.clone();
    let cluster = behind_the_back(&first);
    let claims = cluster.claims(prefix).await.expect("claims");
    let [owner] = claims.as_slice() else { panic!("{claims:?}") };
    assert!(refused.contains(owner) && refused.contains("release"), "{refused}");
    assert!(first.api.accepts(first.workspace(), &first.token(Slot::Current).await).await);
    // Once the claim is released, which a person does who knows that the first one is gone, the second one may start.
    let owner = owner.clone();
    first.stop().await;
    cluster.release(prefix, &owner).await.expect("released");
    let workspace = format!("second{}", prefix.trim_end_matches('-'));
    let server = try_start_now(Config { workspace, ..second }).await.unwrap_or_else(|error| panic!("{error}"));
    server.shutdown().await;
}

/// Topics do not move by themselves, so an installation does not change its broker by a slip in its settings.
#[tokio::test(flavor = "multi_thread")]
async fn an_installation_leaves_its_broker_only_on_purpose() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let embedded = config(&directory.path().join("data"));
    let server = try_start_now(embedded.clone()).await.unwrap_or_else(|error| panic!("{error}"));
    server.shutdown().await;
    let shared = server_settings().await;
    let kafka = Config { kafka: Some(shared), ..embedded.clone() };
    let refused = try_start_now(kafka.clone()).await.err().expect("refused");
    assert!(
        matches!(&refused, StartError::OtherBroker { .. }) && refused.to_string().contains("--adopt-broker"),
        "{refused}"
    );
    let server = try_start_now(Config { adopt_broker: true, ..kafka.clone() }).await;
    let server = server.unwrap_or_else(|error| panic!("{error}"));
    let back = server.app.broker.kind();
    assert_eq!(back, "Apache Kafka");
    server.shutdown().await;
    assert!(try_start_now(embedded).await.is_err(), "it is bound to the cluster now");
    let server = try_start_now(kafka).await.unwrap_or_else(|error| panic!("{error}"));
    server.shutdown().await;
}

async fn server_settings() -> twinkey_server::broker::KafkaSettings {
    let mut settings = settings(shared().await);
    settings.principal_prefix = format!("moved{:x}-", std::process::id());
    settings
}

/// Each thing that can be wrong with a cluster is told apart, within ten seconds.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_cannot_be_used_is_told_in_a_sentence() {
    let right = settings(shared().await);
    let directory = tempfile::tempdir().expect("temporary directory");
    let attempt = async |change: &dyn Fn(&mut twinkey_server::broker::KafkaSettings)| {
        let mut kafka = right.clone();
        kafka.principal_prefix = "wrong-".into();
        change(&mut kafka);
        let config = Config { kafka: Some(kafka), ..config(&directory.path().join("data")) };
        try_start_now(config).await.err().expect("refused").to_string()
    };
    let wrong_password = attempt(&|kafka| kafka.password = "wrong".to_owned().into()).await;
    assert!(wrong_password.contains("sign-in") && wrong_password.contains("password"), "{wrong_password}");
    let no_ca = attempt(&|kafka| kafka.ca = None).await;
    assert!(no_ca.contains("certificate"), "{no_ca}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let nobody = attempt(&|kafka| kafka.bootstrap = closed.to_string()).await;
    assert!(nobody.contains(&closed.to_string()), "{nobody}");
    let no_name = attempt(&|kafka| kafka.bootstrap = "no.such.host.invalid:9092".into()).await;
    assert!(no_name.contains("no.such.host.invalid"), "{no_name}");
    let form = attempt(&|kafka| kafka.bootstrap = "localhost".into()).await;
    assert!(form.contains("--kafka-bootstrap"), "{form}");
}

/// The same list, in the same words, as the broker gives it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_a_private_authority_gives_clients_none() {
    let server: TestServer = server().await;
    let token = server.token(Slot::Current).await;
    let workspace = server.api.get(&server.own("/workspaces/demo"), &token).await.ok();
    assert_eq!(workspace["broker"]["hasCertificate"], json!(true));
    assert_eq!(workspace["broker"]["address"], json!(server.kafka().expect("a cluster").bootstrap));
}
