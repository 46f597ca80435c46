//! The installation as its administrators see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{broker::BrokerStatus, master_key::MasterKeys};

/// Answer of `GET /system`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemStatus {
    /// The program's version.
    pub version: String,
    /// The commit that it was built from; `null`: the build did not say.
    pub commit: Option<String>,
    /// When this server was started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// The server's time.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// How browsers and clients reach the API.
    pub public_url: String,
    /// Whether invitations are sent by mail as well.
    pub mail: bool,
    /// Where everything is stored.
    pub database: DatabaseStatus,
    /// Where clients stream.
    pub broker: BrokerStatus,
    /// The servers on this database; this one alone where there can be no other.
    pub replicas: Vec<ReplicaStatus>,
    /// The master keys in use, by their ids.
    pub master_key: MasterKeys,
    /// The audit log.
    pub audit: AuditStatus,
    /// What an operator should look at, in one sentence each.
    pub health: Vec<HealthCheck>,
}

/// The database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseStatus {
    /// `SQLite` or `PostgreSQL`.
    #[schema(example = "SQLite")]
    pub kind: String,
    /// Its version.
    pub version: String,
    /// The newest step of the schema that was taken.
    #[schema(example = "m0007_portal")]
    pub schema: String,
}

/// A server on the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaStatus {
    /// Random, anew at each start.
    pub id: String,
    /// Where it runs: host and data directory.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// When it was started.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it last gave a sign of life.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen_at: Timestamp,
    /// Whether it is the one that answers.
    #[serde(rename = "self")]
    pub is_self: bool,
}

/// The audit log, without a verification of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditStatus {
    /// How many records there are.
    pub records: i64,
    /// When its end was last signed; `null`: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_checkpoint_at: Option<Timestamp>,
    /// The last record that is covered by that.
    pub signed_records: i64,
}

/// Something that is well, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// `database`, `broker`, `cutOffs`, `replicas`, `masterKey` or `audit`.
    #[schema(example = "broker")]
    pub name: String,
    /// Whether it is.
    pub ok: bool,
    /// What is the case, and what to do about it.
    pub sentence: String,
}
