//! What happens in topics, and how far consumer groups have come.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Answer of `GET /workspaces/{workspaceId}/topics/activity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicsActivity {
    /// The server's time when the broker was asked: two answers together give rates.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// All topics of the workspace, by name.
    pub topics: Vec<TopicActivity>,
    /// What is missing, as sentences: brokers that did not answer. Empty: nothing is.
    pub partial: Vec<String>,
}

/// What is in one topic. A number that depends on a broker that did not answer is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicActivity {
    /// The name on the broker, exactly `{workspaceId}-{name}`.
    pub id: String,
    /// The name inside the workspace.
    pub name: String,
    /// How many offsets lie between the beginnings and the ends of its partitions: its messages, and on Apache Kafka the marks of
    /// transactions and what compaction took away.
    pub records: Option<i64>,
    /// How many bytes they take on the leaders' disks.
    pub bytes: Option<i64>,
    /// The sum of the ends of all partitions. It only grows: its difference between two answers is what was written meanwhile.
    pub end_offsets: Option<i64>,
    /// How many consumer groups have committed offsets on it.
    pub groups: u32,
    /// How many records all these groups together have not committed yet; null where nobody has committed.
    pub lag: Option<i64>,
}

/// Answer of `GET /workspaces/{workspaceId}/topics/{name}/partitions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopicPartitions {
    /// The server's time when the broker was asked.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// All partitions, by number.
    pub partitions: Vec<PartitionActivity>,
    /// What is missing, as sentences: brokers that did not answer. Empty: nothing is.
    pub partial: Vec<String>,
}

/// What is in one partition. What its leader did not tell is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionActivity {
    /// Its number.
    pub partition: i32,
    /// The first offset that can be read.
    pub low_offset: Option<i64>,
    /// The offset that the next record gets.
    pub high_offset: Option<i64>,
    /// How many bytes it takes on its leader's disk.
    pub bytes: Option<i64>,
    /// The broker that leads it; null on the embedded broker, and where nobody leads it just now.
    pub leader: Option<i32>,
}

/// Query of `GET /workspaces/{workspaceId}/groups`.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct GroupsQuery {
    /// Only groups that have committed offsets on this topic, by its name or its full id, and only that topic in them.
    pub topic: Option<String>,
}

/// Answer of `GET /workspaces/{workspaceId}/groups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerGroups {
    /// The server's time when the broker was asked.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// By id.
    pub groups: Vec<ConsumerGroup>,
    /// What is missing, as sentences: brokers that did not answer, and groups beyond the most that one answer names. Empty: nothing
    /// is.
    pub partial: Vec<String>,
}

/// A consumer group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerGroup {
    /// Its id on the broker, which begins with `{workspaceId}-`.
    pub id: String,
    /// The name inside the workspace.
    pub name: String,
    /// As Kafka names it: `Stable`, `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Dead`, …
    #[schema(example = "Stable")]
    pub state: String,
    /// `consumer`, or what else its members speak; null where nobody is in it.
    pub protocol_type: Option<String>,
    /// Who is in it just now.
    pub members: Vec<GroupMember>,
    /// The topics that it has committed offsets on, by name.
    pub topics: Vec<GroupTopic>,
    /// The sum over its partitions with known lag; null where no lag is known.
    pub lag: Option<i64>,
}

/// A member of a consumer group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupMember {
    /// Its id.
    pub id: String,
    /// The client's `client.id`.
    pub client_id: String,
    /// The address that it connects from.
    pub host: String,
    /// `Token 1` or `Token 2`: what it signed in with. Null on Apache Kafka where its `client.id` is not the one that Twinkey gave.
    #[schema(example = "Token 1")]
    pub token: Option<String>,
}

/// How far a group has come in one topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupTopic {
    /// The topic's name inside the workspace.
    pub topic: String,
    /// All partitions of the topic, by number.
    pub partitions: Vec<GroupPartition>,
}

/// How far a group has come in one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupPartition {
    /// Its number.
    pub partition: i32,
    /// The next offset that the group will read; null where it has committed none.
    pub committed: Option<i64>,
    /// The offset that the next record gets; null where the leader did not tell.
    pub high_offset: Option<i64>,
    /// How many records lie between the two.
    pub lag: Option<i64>,
}
