//! Topics as the broker tells of them.

use jiff::Timestamp;

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// The full name on the broker.
    pub name: String,
    /// How many partitions.
    pub partitions: i32,
    /// How many copies of each.
    pub replication_factor: i32,
    /// How long records are kept, in milliseconds; -1: for ever.
    pub retention_ms: i64,
    /// How much of a partition is kept, in bytes; -1: no limit.
    pub retention_bytes: i64,
    /// How old records go, for example `compact,delete`.
    pub cleanup_policy: String,
    /// When it was created, where the broker knows.
    pub created_at: Option<Timestamp>,
    /// When partitions or settings were changed last, where the broker knows.
    pub updated_at: Option<Timestamp>,
}

/// A topic that someone wants to create. What is absent is as the broker's default has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewTopic {
    /// The full name on the broker.
    pub name: String,
    /// How many partitions.
    pub partitions: Option<i32>,
    /// How many copies of each; the embedded broker is one node and takes no note of it.
    pub replication_factor: Option<i16>,
    /// Settings by Kafka's names.
    pub config: Vec<(String, String)>,
}

/// Changes of a topic; what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicChanges {
    /// The new number of partitions; it can only grow.
    pub partitions: Option<i32>,
    /// Settings by Kafka's names.
    pub config: Vec<(String, String)>,
}
