//! The check of a cluster.

use twinkey_kafka_admin::{Address, Cluster, check::Severity};
use twinkey_testbed::kafka::Kafka;

use crate::support::{admin, settings};

/// A day in 2026.
const NOW: i64 = 1_795_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_cluster_has_no_problem() {
    let kafka = Kafka::shared();
    let cluster = admin(kafka);
    let report = cluster.check(NOW).await;
    for finding in &report.findings {
        println!("{:?} {}: {}", finding.severity, finding.subject, finding.sentence);
    }
    let problems: Vec<_> = report.findings.iter().filter(|finding| finding.severity == Severity::Problem).collect();
    assert!(problems.is_empty(), "{problems:?}");
    for subject in
        ["sign-in", "address", "certificate", "mechanisms", "version", "authorizer", "own rights", "idle connections"]
    {
        assert!(
            report.findings.iter().any(|finding| finding.subject == subject),
            "{subject} is missing in {report:#?}"
        );
    }
    // One broker, and an account that shares a mechanism with tokens.
    for subject in ["copies", "own account", "between brokers"] {
        let finding = report.findings.iter().find(|finding| finding.subject == subject).unwrap();
        assert_eq!(finding.severity, Severity::Warning, "{finding:?}");
    }
    let version = report.findings.iter().find(|finding| finding.subject == "version").unwrap();
    let expected = std::env::var("KAFKA_VERSION").unwrap_or_else(|_| "4.1".to_owned());
    let release = expected.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    assert!(version.sentence.contains(&release), "{version:?}");
    let warned = report.findings.iter().any(|finding| finding.subject == "clients");
    assert_eq!(warned, release.starts_with('4'), "old librdkafka cannot sign in to Kafka 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_ends_soon_is_told() {
    let century = 100 * 365 * 24 * 60 * 60;
    let report = admin(Kafka::shared()).check(NOW + century).await;
    let certificate = report.findings.iter().find(|finding| finding.subject == "certificate").unwrap();
    assert_eq!(certificate.severity, Severity::Warning, "{certificate:?}");
    assert!(certificate.sentence.contains("localhost"), "{certificate:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_not_there_is_one_problem() {
    let mut settings = settings(Kafka::shared());
    settings.bootstrap = Address::list("127.0.0.1:1").unwrap();
    let report = Cluster::new(settings).check(NOW).await;
    assert_eq!(report.findings.len(), 1, "{report:?}");
    assert_eq!(report.worst(), Severity::Problem);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_idle_connections_is_read() {
    let limit = admin(Kafka::shared()).idle_limit().await.unwrap();
    assert_eq!(limit, std::time::Duration::from_mins(10), "Kafka's default");
}
