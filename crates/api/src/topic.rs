//! Topics, in the shapes that existing Quix clients parse.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Body of `POST /{workspaceId}/topics`. Unknown fields are ignored: clients send what later versions of the portal know.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct NewTopic {
    /// The name inside the workspace, or the full id.
    #[schema(example = "orders")]
    pub name: String,
    /// What differs from the defaults.
    pub configuration: Option<TopicSettings>,
}

/// Settings of a topic in a request; what is absent or null keeps its value, or gets the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TopicSettings {
    /// How many partitions, 1 to 1000; can only grow.
    pub partitions: Option<i32>,
    /// How many copies. The embedded broker is one node and takes no note of it.
    pub replication_factor: Option<i32>,
    /// How long records are kept, in minutes; -1: for ever.
    pub retention_in_minutes: Option<i64>,
    /// How many bytes of each partition are kept; -1: no limit.
    pub retention_in_bytes: Option<i64>,
    /// `Delete`, `Compact` or `DeleteAndCompact`; Kafka's spelling (`compact,delete`) is understood too.
    pub cleanup_policy: Option<String>,
}

/// Body of `PATCH /{workspaceId}/topics/{name}`: the settings flat, or under `configuration`; both forms are in use.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TopicChanges {
    /// See [`TopicSettings`].
    pub partitions: Option<i32>,
    /// See [`TopicSettings`].
    pub retention_in_minutes: Option<i64>,
    /// See [`TopicSettings`].
    pub retention_in_bytes: Option<i64>,
    /// See [`TopicSettings`].
    pub cleanup_policy: Option<String>,
    /// The nested form; wins over the flat one where both name a setting.
    pub configuration: Option<TopicSettings>,
}

/// A topic.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Topic {
    /// The name on the broker, exactly `{workspaceId}-{name}`.
    pub id: String,
    /// The name inside the workspace.
    pub name: String,
    /// The workspace's id.
    pub workspace_id: String,
    /// `Ready`: a topic exists as soon as it is answered.
    pub status: String,
    /// Always null while the status is `Ready`; Python reads it when it is `Error`.
    pub last_error: Option<String>,
    /// As `lastError`.
    pub error_status: Option<String>,
    /// When it was created; null on Apache Kafka, which does not keep it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// When its settings last changed; null on Apache Kafka, which does not keep it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
    /// Always false.
    pub persisted: bool,
    /// Always `Complete`.
    pub persisted_status: String,
    /// Always false.
    pub external: bool,
    /// The effective settings.
    pub configuration: TopicConfiguration,
}

/// The effective settings of a topic; no field may be null (Python does arithmetic on them).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicConfiguration {
    /// How many partitions.
    pub partitions: i32,
    /// How many copies; 1 on the embedded broker.
    pub replication_factor: i32,
    /// In minutes, rounded down; -1: for ever.
    pub retention_in_minutes: i64,
    /// Of each partition; -1: no limit.
    pub retention_in_bytes: i64,
    /// `Delete`, `Compact` or `DeleteAndCompact`.
    pub cleanup_policy: String,
}
