//! The audit log: records, and the hash chain that makes it tamper-evident.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One record. Each carries the hash of the one before, so that a change, a removal or an insertion breaks the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// Consecutive from 1.
    pub sequence: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who: a user's e-mail address, or `system`.
    pub actor: String,
    /// With what: the kind and public id of the credential, never the credential.
    #[schema(example = "session:6d0f…")]
    pub credential: String,
    /// From where: an IP address, or `local`.
    pub address: String,
    /// What was done, for example `token.rotated`.
    #[schema(example = "token.rotated")]
    pub action: String,
    /// In which workspace, if in one.
    pub workspace_id: Option<String>,
    /// What it was done to: a public id.
    pub target: Option<String>,
    /// Further facts as a JSON object in text, so that the hash covers exactly these characters.
    pub detail: String,
    /// SHA-256 of the record before this one, hex; all zeros for the first.
    pub previous_hash: String,
    /// SHA-256 of this record, hex: see the server's `audit` module for the exact bytes.
    pub hash: String,
}

/// Query of `GET /audit`.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only records of this workspace.
    pub workspace_id: Option<String>,
    /// How many, 1 to 1000; 100 if absent.
    pub limit: Option<u64>,
    /// Only records with a sequence below this: pass the last one of the page before.
    pub before: Option<i64>,
}
