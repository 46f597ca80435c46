//! Whether there is an authorizer, and what Twinkey's own account may do.

use kafka_protocol::messages::DescribeClusterRequest;

use super::Report;
use crate::{
    Cluster, Error,
    acls::{self, Operation},
};

/// What Twinkey's account must be allowed on the cluster, and what for.
const NEEDED: [(Operation, &str); 5] = [
    (Operation::Other(7), "Alter (principals and their rights)"),
    (Operation::Describe, "Describe (proving a cut-off)"),
    (Operation::Other(11), "AlterConfigs (quotas)"),
    (Operation::DescribeConfigs, "DescribeConfigs (quotas and settings)"),
    (Operation::Create, "Create (topics)"),
];

pub(super) async fn check(cluster: &Cluster, report: &mut Report) {
    authorizer(cluster, report).await;
    let request =
        DescribeClusterRequest::default().with_endpoint_type(1).with_include_cluster_authorized_operations(true);
    let Ok((answer, _)) = cluster.ask("ask what Twinkey's account may do", &request, 1..=1).await else { return };
    // A number that holds a bit for each operation's code; without an authorizer all are set.
    let allowed = answer.cluster_authorized_operations;
    let missing: Vec<_> =
        NEEDED.iter().filter(|(operation, _)| allowed & (1 << operation.code()) == 0).map(|(_, what)| *what).collect();
    if missing.is_empty() {
        report.ok("own rights", "Twinkey's account may do on the cluster what it needs to");
    } else {
        report.problem(
            "own rights",
            format!(
                "Twinkey's account may not {} on the cluster; make it a super user, or grant it these on the cluster and all operations on \
                 topics, groups and transactional ids",
                missing.join(", ")
            ),
        );
    }
}

async fn authorizer(cluster: &Cluster, report: &mut Report) {
    // Somebody who certainly has no rights: the question is whether it can be asked at all.
    let request = acls::describe_request(Some("twinkey-nobody"), None);
    let asked = cluster.ask("read the access rights", &request, 1..=2).await;
    match asked.and_then(|(answer, address)| acls::found(&answer, &address).map(drop)) {
        Ok(()) => report.ok("authorizer", "the cluster has an authorizer"),
        Err(error @ (Error::NoAuthorizer | Error::NotAuthorised { .. })) => {
            report.problem("authorizer", error.to_string());
        }
        Err(error) => report.warning("authorizer", error.to_string()),
    }
}
