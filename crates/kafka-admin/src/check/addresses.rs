//! Whether each broker can be reached where it says, with which certificate and which mechanisms.

use futures::future::join_all;

use super::{Report, certificate};
use crate::{Cluster, Error, Mechanism, SaslMechanism, cluster::Description};

pub(super) async fn check(cluster: &Cluster, description: &Description, now: i64, report: &mut Report) {
    let bootstrap = cluster.settings().bootstrap.iter();
    let unlisted = bootstrap.filter(|address| description.brokers.iter().all(|broker| broker.address != **address));
    let tried = join_all(unlisted.map(|address| async move { (address, cluster.link(address).connect().await) })).await;
    for (address, result) in tried {
        match result {
            Ok(_) => report.ok("bootstrap", format!("{address} answers")),
            Err(error) => report.warning("bootstrap", format!("one of the bootstrap addresses fails: {error}")),
        }
    }
    let tried = description.brokers.iter().map(|broker| async move {
        let link = cluster.link(&broker.address);
        (broker, link.connect().await, link.offered().await)
    });
    for (broker, result, offered) in join_all(tried).await {
        let (id, address) = (broker.id, &broker.address);
        if broker.fenced {
            report.warning(
                "broker",
                format!("broker {id} ({address}) is taken for dead by the cluster; as long as it is registered and does not \
                         answer, a cut-off is not proved unless its port is closed. If it is gone for good, unregister it"),
            );
        }
        match result {
            Ok(connection) => {
                report.ok("address", format!("broker {id} can be reached from here where it says, at {address}"));
                certificate::check(address, &connection.server_certificates(), now, report);
            }
            Err(error) if broker.fenced => report.warning("address", format!("broker {id}: {error}")),
            Err(error) => report.problem(
                "address",
                format!("broker {id} says it is at {address} (advertised.listeners), but from here: {error}"),
            ),
        }
        if let Ok(offered) = offered {
            mechanisms(id, &offered, report);
        }
    }
    own_mechanism(cluster, report);
}

fn mechanisms(id: i32, offered: &[String], report: &mut Report) {
    let missing: Vec<_> = [Mechanism::Sha256, Mechanism::Sha512]
        .map(Mechanism::name)
        .into_iter()
        .filter(|name| !offered.iter().any(|offer| offer == name))
        .collect();
    let has = offered.join(", ");
    if missing.is_empty() {
        report.ok("mechanisms", format!("broker {id} offers {has}"));
    } else {
        report.problem(
            "mechanisms",
            format!(
                "broker {id} offers {has}, but tokens need {} as well: add it to sasl.enabled.mechanisms",
                missing.join(" and ")
            ),
        );
    }
}

fn own_mechanism(cluster: &Cluster, report: &mut Report) {
    let mechanism = cluster.settings().account.mechanism;
    if matches!(mechanism, SaslMechanism::Scram(_)) {
        report.warning(
            "own account",
            format!(
                "Twinkey's own account signs in by {}, which tokens use too. When anybody deletes a SCRAM credential, Kafka may \
                 lose all of that mechanism at the next restart of a broker (Twinkey itself never deletes one, except by `broker prune`). \
                 An account by PLAIN is not touched by that",
                mechanism.name()
            ),
        );
    }
}

impl crate::link::Link {
    /// The SASL mechanisms that the broker offers. Asked by wishing for one that does not exist.
    pub(crate) async fn offered(&self) -> Result<Vec<String>, Error> {
        let mut client = self.unsigned().await?;
        let mechanisms = client.mechanisms().await.map_err(|error| self.unreachable(error.to_string(), false))?;
        Ok(mechanisms)
    }
}
