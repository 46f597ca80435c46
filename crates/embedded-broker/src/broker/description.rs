//! A topic as the owner of the broker sees it.

use jiff::Timestamp;
use uuid::Uuid;

use crate::topics::{ConfigChange, Topic};

/// A topic: what it is and how it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicDescription {
    /// The full name on the broker.
    pub name: String,
    /// The id; a topic that is deleted and created again has another.
    pub id: Uuid,
    /// How many partitions.
    pub partitions: i32,
    /// How long records are kept, in milliseconds; -1: for ever.
    pub retention_ms: i64,
    /// How much of a partition is kept, in bytes; -1: no limit.
    pub retention_bytes: i64,
    /// How old records go, for example `delete`.
    pub cleanup_policy: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When partitions or settings were changed last.
    pub updated_at: Timestamp,
}

/// Changes of a topic, all or none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicChanges {
    /// The new number of partitions; it can only grow.
    pub partitions: Option<i32>,
    /// Settings to set or to take back to their default.
    pub config: Vec<ConfigChange>,
}

impl TopicDescription {
    pub(super) fn of(topic: &Topic) -> Self {
        let config = topic.config();
        Self {
            name: topic.name.clone(),
            id: topic.id,
            partitions: i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX),
            retention_ms: config.retention_ms(),
            retention_bytes: config.retention_bytes(),
            cleanup_policy: config.cleanup_policy().to_owned(),
            created_at: topic.created_at,
            updated_at: topic.updated_at(),
        }
    }
}
