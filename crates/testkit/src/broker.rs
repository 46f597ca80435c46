//! The broker of a test server.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use twinkey_server::broker::{KafkaSettings, kafka::AccountMechanism};
use twinkey_testbed::kafka::Kafka;

use crate::server::start_time;

/// The broker of a test server. Servers with the embedded broker have it to themselves. On Apache Kafka many servers share a
/// cluster, so each has principals with a prefix of its own, and workspaces whose ids begin with what a test calls them and end
/// with what no other server has.
#[derive(Clone)]
pub struct TestBroker {
    /// The cluster; `None`: the embedded broker.
    pub kafka: Option<KafkaSettings>,
    /// The first workspace's id.
    pub workspace: String,
    suffix: String,
}

impl TestBroker {
    /// What the variable `TWINKEY_TEST_BROKER` says: `embedded`, or `kafka` for the cluster that all tests share.
    ///
    /// # Panics
    /// If it says something else, or if there is no Kafka.
    pub async fn from_environment() -> Self {
        match std::env::var("TWINKEY_TEST_BROKER").as_deref() {
            Ok("kafka") => {
                let kafka = tokio::task::spawn_blocking(Kafka::shared).await.expect("a cluster starts");
                Self::on(kafka)
            }
            Ok("embedded") | Err(_) => Self { kafka: None, workspace: "demo".into(), suffix: String::new() },
            Ok(other) => panic!("TWINKEY_TEST_BROKER={other} is neither embedded nor kafka"),
        }
    }

    /// A place of its own on a cluster.
    pub fn on(kafka: &Kafka) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let moment = start_time().load(Ordering::Relaxed);
        let suffix = format!("{moment:x}{:x}{:x}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut settings = settings(kafka);
        settings.principal_prefix = format!("tk{suffix}-");
        Self { kafka: Some(settings), workspace: format!("demo{suffix}"), suffix }
    }

    /// A text with this server's own ids in the place of `demo` and `acme`.
    pub fn own(&self, text: &str) -> String {
        let demo = text.replace("demo", &format!("demo{}", self.suffix));
        demo.replace("acme", &format!("acme{}", self.suffix))
    }
}

/// How a server reaches a cluster of the tests.
pub fn settings(kafka: &Kafka) -> KafkaSettings {
    let mut settings = KafkaSettings::new(kafka.bootstrap(), kafka.user(), kafka.password().to_owned().into());
    settings.mechanism = AccountMechanism::ScramSha512;
    // Machines for tests are slow at times; how long it takes is measured elsewhere.
    settings.cut_off_patience = Duration::from_secs(20);
    settings.ca = Some(kafka.authorities_file());
    settings
}
