//! The broker as an administrator sees it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::token_pair::OpenBroker;

/// Answer of `GET /broker/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerStatus {
    /// `embedded` or `Apache Kafka`.
    pub kind: String,
    /// What clients are told to connect to.
    pub address: String,
    /// The cluster's id; null for the embedded broker, and while the cluster is away.
    pub cluster_id: Option<String>,
    /// The brokers of the cluster; empty for the embedded broker, and while the cluster is away.
    pub brokers: Vec<BrokerNode>,
    /// Why the cluster cannot be asked; null while it answers.
    pub error: Option<String>,
    /// The last reconciliation of this server; null before the first.
    pub last_reconciliation: Option<Reconciliation>,
    /// Deactivated tokens that a broker may still serve, in all workspaces.
    pub open_cut_offs: Vec<OpenCutOff>,
    /// Names on the cluster that have no rights any more, at most 1000 of them. They harm nobody; see `twinkey broker prune`.
    pub names_without_rights: Vec<String>,
}

/// A broker of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerNode {
    /// Its id.
    pub id: i32,
    /// Where it is, `host:port`.
    pub address: String,
    /// Whether the controller takes it for dead. It may be alive all the same.
    pub fenced: bool,
}

/// A deactivated token that a broker may still serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenCutOff {
    /// Whose it was.
    pub workspace_id: String,
    /// The token's public id.
    pub id: String,
    /// Since when it is deactivated.
    #[schema(value_type = String, format = DateTime)]
    pub deactivated_at: Timestamp,
    /// What may still serve it.
    pub open: Vec<OpenBroker>,
}

/// What one reconciliation of database and broker has found and mended. Answer of `POST /broker/reconcile`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reconciliation {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub took_ms: u64,
    /// What went wrong; null if all was done.
    pub error: Option<String>,
    /// Valid tokens that got back what they had lost.
    pub granted: usize,
    /// Valid tokens from which rights were taken that they should not have.
    pub surplus_removed: usize,
    /// Principals that no token wants, cut off.
    pub cut_off: usize,
    /// Quotas of tokens that are dead for long, lifted.
    pub quotas_lifted: usize,
    /// Workspaces whose creation was finished.
    pub workspaces_created: usize,
    /// Prepared tokens that were given up.
    pub tokens_abandoned: usize,
    /// Cut-offs that were not proved when it began.
    pub open_cut_offs: usize,
    /// Workspaces that were being deleted when it began.
    #[serde(default)]
    pub open_deletions: usize,
    /// Names without rights.
    pub names_without_rights: usize,
}

impl Reconciliation {
    /// What was mended, by kind.
    pub fn repairs(&self) -> [(&'static str, usize); 6] {
        [
            ("granted", self.granted),
            ("surplus_removed", self.surplus_removed),
            ("cut_off", self.cut_off),
            ("quota_lifted", self.quotas_lifted),
            ("workspace_created", self.workspaces_created),
            ("token_abandoned", self.tokens_abandoned),
        ]
    }
}

/// Body of `POST /broker/prune`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prune {
    /// Must be true: deleting credentials can lock everybody out of a cluster; see docs/kafka.md.
    pub i_know_the_risk: bool,
}

/// Answer of `POST /broker/prune`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pruned {
    /// The names that are gone.
    pub names: Vec<String>,
}
