//! Which Kafka it is, and which clients cannot sign in to it.

use kafka_protocol::messages::ApiKey;

use super::Report;
use crate::{Cluster, cluster::Description, link::Connection};

/// The highest `metadata.version` that each release knows, newest first.
const RELEASES: [(i16, &str); 5] = [(28, "4.2 or newer"), (26, "4.1"), (22, "4.0"), (21, "3.9"), (20, "3.8")];

pub(super) async fn check(cluster: &Cluster, description: &Description, report: &mut Report) {
    let Ok((link, connection)) = cluster.ready().await else { return };
    match release(&connection) {
        Some((release, is_four)) => {
            report.ok("version", format!("Apache Kafka {release}"));
            if is_four {
                report.warning(
                    "clients",
                    "on Kafka 4.0 and newer clients with librdkafka before 2.6.1 cannot sign in by SCRAM (they send their nonce twice, \
                     and the broker says invalid credentials): QuixStreamingClient 0.5.7 and all of its C# versions, confluent-kafka \
                     before 2.6.1, quixstreams up to about 3.10. Upgrade those clients, or stay on Kafka 3.9",
                );
            }
        }
        None => report.warning(
            "version",
            "this is no Apache Kafka that Twinkey knows (3.8 to 4.1 are tried), or it hides its version",
        ),
    }
    if !description.lists_fenced {
        report.warning(
            "version",
            "before 4.0 Kafka does not list brokers that are fenced: Twinkey asks those that it has seen while it runs, and \
             cannot know of one that was fenced before it started",
        );
    }
    link.rest(connection);
}

fn release(connection: &Connection) -> Option<(&'static str, bool)> {
    let features = connection.versions.supported_features.iter();
    let level =
        features.filter(|feature| &*feature.name == "metadata.version").map(|feature| feature.max_version).max()?;
    let (_, release) = RELEASES.iter().find(|(first, _)| level >= *first)?;
    Some((release, connection.newest(ApiKey::DescribeCluster) >= Some(2)))
}
