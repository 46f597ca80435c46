//! What is in topics, and how to read it, as the broker tells of it.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;

use super::{BrokerError, TopicError};

/// Topics and what is in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// By full name.
    pub topics: Vec<TopicContents>,
    /// Sentences about brokers that did not answer; what they know is absent.
    pub silent: Vec<String>,
}

/// What is in one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicContents {
    /// The full name on the broker.
    pub name: String,
    /// All its partitions, by number.
    pub partitions: Vec<PartitionContents>,
}

/// What is in one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionContents {
    /// Its number.
    pub partition: i32,
    /// The first offset that can be read.
    pub low: Option<i64>,
    /// The offset that the next record gets.
    pub high: Option<i64>,
    /// How many bytes it takes.
    pub bytes: Option<i64>,
    /// Who leads it, where the broker is a cluster.
    pub leader: Option<i32>,
}

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

/// Where a partition begins and ends for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The first offset that can be read.
    pub low: i64,
    /// The first one that cannot be read yet.
    pub high: i64,
}

/// What one look at a partition gave.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its number.
    pub partition: i32,
    /// What it gave, or why there is nothing.
    pub result: Result<Batches, FetchError>,
}

/// Record batches of a partition, as they are stored.
#[derive(Debug, Clone)]
pub struct Batches {
    /// Whole batches, possibly with the beginning of another one behind them. The first may begin before the offset asked for.
    pub bytes: Bytes,
    /// Transactions that were given up and reach into these batches: the producer's id, and the first offset.
    pub aborted: Vec<(i64, i64)>,
    /// The first offset that can be read.
    pub low: i64,
    /// The first one that cannot be read yet.
    pub high: i64,
}

/// Why a partition gave nothing.
#[derive(Debug, Clone)]
pub enum FetchError {
    /// The offset lies outside of the log, which goes from here to there.
    OutOfRange(Ends),
    /// Its leader is not known, or did not answer; the sentence says who.
    Silent(String),
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
