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
    /// Further facts as a JSON object in text, so that the hash covers exactly these characters. What was changed stands in
    /// `before` and `after`, and why in `reason`.
    pub detail: String,
    /// SHA-256 of the record before this one, hex; all zeros for the first.
    pub previous_hash: String,
    /// SHA-256 of this record, hex: see the server's `audit` module for the exact bytes.
    pub hash: String,
}

/// Query of `GET /audit`: every part that is given must fit.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only records of this workspace.
    pub workspace_id: Option<String>,
    /// Only what this actor did: an e-mail address, or `system`.
    pub actor: Option<String>,
    /// Only actions that begin like this: `token.rotated`, or `token.` for all about tokens.
    pub action: Option<String>,
    /// Only what was done to this target.
    pub target: Option<String>,
    /// Not before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// Before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
    /// How many, 1 to 1000; 100 if absent.
    pub limit: Option<u64>,
    /// Only records with a sequence below this: pass the last one of the page before.
    pub before: Option<i64>,
}

/// Query of `GET /audit/export` and `GET /audit/checkpoints`.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct AfterQuery {
    /// Only what comes behind this sequence; everything if absent.
    pub after: Option<i64>,
}

/// The server's signed word that the log had this record at its end. One line of the checkpoint file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Checkpoint {
    /// Of which installation.
    pub installation: String,
    /// The newest record.
    pub sequence: i64,
    /// Its hash, which covers all records before it.
    pub head: String,
    /// When it was signed.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// By each key of the server: one, and two while the master key is being changed, so that each vouches for the other.
    pub signatures: Vec<CheckpointSignature>,
}

/// One signature over a checkpoint: Ed25519 over the text that docs/audit.md describes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckpointSignature {
    /// The public key, 32 bytes in hex.
    pub key: String,
    /// 64 bytes in hex.
    pub signature: String,
}

/// Answer of `GET /audit/keys`: what an auditor notes once, and verifies checkpoints with ever after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditKeys {
    /// Of which installation.
    pub installation: String,
    /// The public keys that checkpoints are signed with at present, in hex.
    pub public_keys: Vec<String>,
}

/// Answer of `GET /audit/checkpoints`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoints {
    /// Oldest first, 1000 at most.
    pub checkpoints: Vec<Checkpoint>,
}

/// Answer of `POST /audit/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerification {
    /// Whether the log is the one that was written and signed.
    pub ok: bool,
    /// How many records are right, counted from the first one.
    pub records: i64,
    /// How many checkpoints they were compared with.
    pub checkpoints: u64,
    /// The last record that a checkpoint has confirmed; 0: none.
    pub confirmed: i64,
    /// The same for people.
    pub sentence: String,
    /// The first thing that is wrong; `null`: nothing is.
    pub first_problem: Option<AuditProblem>,
    /// When the verification ended.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// Something that is wrong in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditProblem {
    /// The first record that is wrong; `null`: it is a checkpoint, or the verification could not be finished.
    pub sequence: Option<i64>,
    /// How.
    pub reason: String,
}
