//! Sentences for what is wrong, and no waiting without an end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::task::AbortOnDropHandle;
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
    let _forward = AbortOnDropHandle::new(tokio::spawn(async move {
        while let Ok((mut inner, _)) = proxy.accept().await {
            let mut outer = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut inner, &mut outer).await });
        }
    }));
    let error = describe(settings).await;
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
    admin(kafka).make_principals(std::slice::from_ref(&token)).await.unwrap();
    let mut settings = settings(kafka);
    settings.account.user.clone_from(&token.name);
    settings.account.password = token.password.clone();
    settings.account.mechanism = SaslMechanism::Scram(Mechanism::Sha256);
    let cluster = Cluster::new(settings);
    let victim = principal(&unique("w"));
    let error = cluster.make_principals(std::slice::from_ref(&victim)).await.unwrap_err();
    assert!(matches!(error, Error::NotAuthorised { .. }), "{error}");
    let error = cluster.cut_off(&victim.name, SOON).await.unwrap_err();
    assert!(matches!(error, Error::NotAuthorised { .. }), "{error}");
    let report = cluster.check(0).await;
    assert!(report.findings.iter().any(|finding| finding.subject == "own rights"), "{report:?}");
    assert_eq!(report.worst(), twinkey_kafka_admin::check::Severity::Problem);
}

/// Forwards to the broker, and keeps the answers back on each connection that has sent a long request.
async fn forgetful_proxy(
    kafka: &Kafka,
    long: usize,
    long_requests: Arc<AtomicUsize>,
) -> (Address, AbortOnDropHandle<()>) {
    let broker = kafka.address(1).to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address { host: "localhost".to_owned(), port: listener.local_addr().unwrap().port() };
    let forward = tokio::spawn(async move {
        while let Ok((inner, _)) = listener.accept().await {
            let outer = TcpStream::connect(&broker).await.unwrap();
            let long_requests = long_requests.clone();
            tokio::spawn(async move {
                let ((mut from_client, mut to_client), (mut from_broker, mut to_broker)) =
                    (inner.into_split(), outer.into_split());
                let quiet = Arc::new(AtomicBool::new(false));
                let silenced = quiet.clone();
                let forth = async move {
                    let mut buffer = vec![0; 64 * 1024];
                    while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
                        if length > long {
                            silenced.store(true, Ordering::Relaxed);
                            long_requests.fetch_add(1, Ordering::Relaxed);
                        }
                        if to_broker.write_all(&buffer[..length]).await.is_err() {
                            break;
                        }
                    }
                };
                let back = async move {
                    let mut buffer = vec![0; 64 * 1024];
                    while let Ok(length @ 1..) = from_broker.read(&mut buffer).await {
                        if !quiet.load(Ordering::Relaxed) && to_client.write_all(&buffer[..length]).await.is_err() {
                            break;
                        }
                    }
                };
                tokio::join!(forth, back);
            });
        }
    });
    (address, AbortOnDropHandle::new(forward))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_sent_and_not_answered_has_an_unknown_outcome_and_is_sent_once() {
    let kafka = Kafka::shared();
    // Of all that is sent here only the rights of four principals are that long.
    let long_requests = Arc::new(AtomicUsize::new(0));
    let (address, _proxy) = forgetful_proxy(kafka, 1500, long_requests.clone()).await;
    let mut settings = settings(kafka);
    settings.bootstrap = vec![address];
    settings.timeouts.call = Duration::from_secs(2);
    let cluster = Cluster::new(settings);
    let tokens: Vec<_> = (0..4).map(|_| principal(&unique("w"))).collect();
    let error = cluster.ensure_principals(&tokens).await.unwrap_err();
    assert!(error.is_unknown_outcome() && !error.is_temporary(), "{error}");
    assert_eq!(long_requests.load(Ordering::Relaxed), 1, "the order was repeated");
    // It was carried out, as it happens; a cut-off ends it.
    let admin = admin(kafka);
    let name = &tokens[0].name;
    let deadline = tokio::time::Instant::now() + SOON;
    while !admin.inventory(name).await.unwrap().users[name].is_complete(&tokens[0].workspace) {
        assert!(tokio::time::Instant::now() < deadline, "the order did not arrive");
    }
    assert!(admin.cut_off(name, SOON).await.unwrap().is_proved());
    assert!(!admin.inventory(name).await.unwrap().users[name].has_rights());
}
