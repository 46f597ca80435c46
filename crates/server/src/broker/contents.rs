//! What is in topics, and how to read it, as the broker tells of it. The embedded broker tells it in the words of a cluster.

use std::{collections::BTreeMap, time::Duration};

use super::{BrokerError, TopicError};

pub use twinkey_kafka_admin::{
    contents::{Contents, PartitionContents, TopicContents},
    reader::{Batches, Ends, FetchError, Fetched},
};

/// Consumer groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// By id.
    pub groups: Vec<Group>,
    /// Sentences about brokers that did not answer; the groups that they coordinate are absent.
    pub silent: Vec<String>,
}

/// A consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its full id.
    pub id: String,
    /// As Kafka names it.
    pub state: String,
    /// What its members speak; empty where it is not known.
    pub protocol_type: String,
    /// Who is in it.
    pub members: Vec<Member>,
    /// Topic, partition, and the next offset to read there.
    pub committed: Vec<(String, i32, i64)>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// Its `client.id`.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// As whom it signed in, where the broker tells.
    pub principal: Option<String>,
}

/// Why a consumer group was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// There is no such group.
    #[error("there is no such group")]
    Unknown,
    /// It has members.
    #[error("the group has members")]
    InUse,
    /// The disk refused.
    #[error("{0}")]
    Storage(String),
    /// See [`BrokerError`].
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

/// Reads one topic, as long as it exists.
#[async_trait::async_trait]
pub trait Reader: Send {
    /// Where every partition begins and ends now; those whose leaders are silent are absent, and there is a sentence about each.
    async fn ends(&mut self) -> Result<(BTreeMap<i32, Ends>, Vec<String>), TopicError>;

    /// For each of these partitions the offset of the first record that is not older than `time`, in milliseconds since 1970. Absent:
    /// there is none, or the leader is silent.
    async fn offsets_at(&mut self, time: i64, partitions: &[i32]) -> Result<BTreeMap<i32, i64>, TopicError>;

    /// Reads on in each of these partitions. If there is nothing anywhere it waits, but no longer than `wait`. Not every partition
    /// need be answered for; whoever gets nothing although there is more asks again.
    async fn fetch(&mut self, from: &[(i32, i64)], wait: Duration) -> Result<Vec<Fetched>, TopicError>;
}
