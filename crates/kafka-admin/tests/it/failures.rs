//! Sentences for what is wrong, and no waiting without an end.

use std::time::Duration;

use tokio::net::TcpListener;
use twinkey_kafka_admin::{Address, Cluster, Error, Mechanism, Password, SaslMechanism, Settings, Trust};
use twinkey_testbed::kafka::Kafka;

use crate::support::{SOON, admin, principal, settings, unique};

async fn describe(settings: Settings) -> Error {
    tokio::time::timeout(SOON, Cluster::new(settings).describe()).await.unwrap().unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut settings = settings(Kafka::shared());
    settings.bootstrap = Address::list(&address).unwrap();
    let error = describe(settings).await;
    assert!(matches!(error, Error::Unreachable { port_closed: true, .. }), "{error}");
    assert!(error.to_string().contains(&address), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_says_nothing_is_told_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings(Kafka::shared());
    settings.bootstrap = Address::list(&listener.local_addr().unwrap().to_string()).unwrap();
    settings.timeouts.connect = Duration::from_millis(300);
    let error = describe(settings).await;
    assert!(matches!(error, Error::Unreachable { port_closed: false, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_address_does_not_hold_up_the_others() {
    let kafka = Kafka::shared();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = settings(kafka);
    settings.bootstrap = Address::list(&format!("{},{}", listener.local_addr().unwrap(), kafka.bootstrap())).unwrap();
    settings.timeouts.connect = SOON * 10;
    tokio::time::timeout(SOON, Cluster::new(settings).describe()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_is_told() {
    let mut settings = settings(Kafka::shared());
    settings.bootstrap = Address::list("kafka.invalid:9092").unwrap();
    let error = describe(settings).await;
    assert!(matches!(error, Error::Unreachable { port_closed: false, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_somebody_else_is_told() {
    let mut settings = settings(Kafka::shared());
    settings.trust = Trust::system().unwrap();
    let error = describe(settings).await;
    assert!(matches!(error, Error::Certificate { .. }), "{error}");
    // The certificate is for localhost and 127.0.0.1, not for this name of the same machine.
    let kafka = Kafka::shared();
    let mut settings = crate::support::settings(kafka);
    let port = settings.bootstrap[0].port;
    settings.bootstrap = vec![Address { host: "127.0.0.2".to_owned(), port }];
    // Kafka listens on 127.0.0.1 only, so a name is checked through a proxy.
    let proxy = TcpListener::bind("127.0.0.2:0").await.unwrap();
    settings.bootstrap[0].port = proxy.local_addr().unwrap().port();
    let forward = tokio::spawn(async move {
        while let Ok((mut inner, _)) = proxy.accept().await {
            let mut outer = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut inner, &mut outer).await });
        }
    });
    let error = describe(settings).await;
    forward.abort();
    assert!(matches!(error, Error::Certificate { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_sign_in_is_told_without_the_password() {
    let mut settings = settings(Kafka::shared());
    settings.account.password = Password::new("correct horse battery staple");
    let error = describe(settings.clone()).await;
    assert!(matches!(&error, Error::SignIn { user, .. } if user == "admin"), "{error}");
    assert!(!format!("{error} {error:?} {settings:?}").contains("horse"), "{error}");
    settings.account.mechanism = SaslMechanism::Plain;
    let error = describe(settings).await;
    assert!(matches!(error, Error::SignIn { mechanism: "PLAIN", .. }), "{error}");
    assert!(error.to_string().contains("SCRAM-SHA-256"), "it says what is offered: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_rights_is_told_what_it_lacks() {
    let kafka = Kafka::shared();
    let token = principal(&unique("w"));
    admin(kafka).ensure_principal(&token).await.unwrap();
    let mut settings = settings(kafka);
    settings.account.user.clone_from(&token.name);
    settings.account.password = token.password.clone();
    settings.account.mechanism = SaslMechanism::Scram(Mechanism::Sha256);
    let cluster = Cluster::new(settings);
    let victim = principal(&unique("w"));
    let error = cluster.ensure_principal(&victim).await.unwrap_err();
    assert!(matches!(error, Error::NotAuthorised { .. }), "{error}");
    let error = cluster.cut_off(&victim.name, SOON).await.unwrap_err();
    assert!(matches!(error, Error::NotAuthorised { .. }), "{error}");
    let report = cluster.check(0).await;
    assert!(report.findings.iter().any(|finding| finding.subject == "own rights"), "{report:?}");
    assert_eq!(report.worst(), twinkey_kafka_admin::check::Severity::Problem);
}
