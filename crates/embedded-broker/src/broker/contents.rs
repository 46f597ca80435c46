//! What is in topics and groups, and reading from topics, for the owner of the broker.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use futures::future::select_all;

use super::{Broker, Shared};
use crate::{
    Scope,
    groups::{Committed, GroupError},
    log::{Partition, Read, ReadError},
    topics::Topic,
};

/// Where a partition begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionEnds {
    /// The first offset that can be read.
    pub low: i64,
    /// The offset that the next record will get.
    pub high: i64,
    /// How many bytes of records are stored.
    pub bytes: u64,
}

impl PartitionEnds {
    fn of(partition: &Partition) -> Self {
        let low = partition.log_start_offset();
        // Asked for second, so that it is not the lower one.
        Self { low, high: partition.high_watermark(), bytes: partition.size_bytes() }
    }
}

/// What is in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicContents {
    /// The full name.
    pub name: String,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionEnds>,
}

impl TopicContents {
    fn of(topic: &Topic) -> Self {
        let partitions = topic.partitions().iter().map(|partition| PartitionEnds::of(partition)).collect();
        Self { name: topic.name.clone(), partitions }
    }
}

/// A consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDescription {
    /// Its id.
    pub id: String,
    /// As Kafka names it.
    pub state: &'static str,
    /// What its members speak; empty if it has none.
    pub protocol_type: String,
    /// Who is in it.
    pub members: Vec<GroupMember>,
    /// Topic, partition, and the next offset to read there.
    pub committed: Vec<(String, i32, i64)>,
}

/// A member of a consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// Its id.
    pub id: String,
    /// The client's `client.id`.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// As whom it signed in.
    pub principal: String,
}

/// Why a consumer group was not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeleteGroupError {
    /// There is no such group.
    #[error("there is no such group")]
    Unknown,
    /// It has members.
    #[error("the group has members")]
    InUse,
    /// The disk refused.
    #[error("its committed offsets could not be removed from the disk")]
    Storage,
}

/// Why a partition could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PartitionReadError {
    /// There is no such partition, or the topic was deleted.
    #[error("there is no such partition, or the topic was deleted")]
    Gone,
    /// The offset lies outside of the log.
    #[error("the log goes from {low} to {high}")]
    OutOfRange {
        /// Its first offset.
        low: i64,
        /// The offset behind the last one.
        high: i64,
    },
    /// The disk refused.
    #[error("{0}")]
    Storage(String),
}

impl From<ReadError> for PartitionReadError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::OutOfRange { high_watermark, log_start_offset } => {
                Self::OutOfRange { low: log_start_offset, high: high_watermark }
            }
            ReadError::Deleted => Self::Gone,
            ReadError::Storage(error) => Self::Storage(error.to_string()),
        }
    }
}

/// Record batches of a partition, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionRead {
    /// Whole batches; the first holds the offset asked for, if there is such an offset yet.
    pub batches: Bytes,
    /// Where the partition begins.
    pub low: i64,
    /// Where it ends.
    pub high: i64,
}

impl Broker {
    /// What is in the topics of a scope, by name.
    pub fn contents(&self, scope: &Scope) -> Vec<TopicContents> {
        self.shared.topics.list(scope).iter().map(|topic| TopicContents::of(topic)).collect()
    }

    /// What is in the topic of this full name.
    pub fn contents_of(&self, topic: &str) -> Option<TopicContents> {
        self.shared.topics.get(topic).map(|topic| TopicContents::of(&topic))
    }

    /// The consumer groups of a scope, by id.
    pub fn describe_groups(&self, scope: &Scope) -> Vec<GroupDescription> {
        let listed = self.shared.groups.list(scope).into_iter();
        listed.map(|group| describe_group(&self.shared, group.group_id)).collect()
    }

    /// Deletes a consumer group without members, and what it committed.
    pub fn delete_group(&self, id: &str) -> Result<(), DeleteGroupError> {
        self.shared.groups.delete(id).map_err(|error| match error {
            GroupError::UnknownGroup => DeleteGroupError::Unknown,
            GroupError::NotEmpty => DeleteGroupError::InUse,
            _ => DeleteGroupError::Storage,
        })
    }

    /// A reader of the topic of this full name. It does not keep the broker alive.
    pub fn reader(&self, topic: &str) -> Option<TopicReader> {
        let topic = self.shared.topics.get(topic)?;
        Some(TopicReader { topic, broker: Arc::downgrade(&self.shared) })
    }
}

fn describe_group(shared: &Shared, id: String) -> GroupDescription {
    let description = shared.groups.describe(&id);
    let members = description.members.into_iter().map(|member| GroupMember {
        id: member.member_id,
        client_id: member.client_id,
        // It is kept as Kafka has it, with a slash before it.
        host: member.client_host.trim_start_matches('/').to_owned(),
        principal: member.principal,
    });
    // An offset of an earlier topic of this name says nothing of the present one.
    let present = |(topic, _, committed): &(String, i32, Committed)| {
        shared.topics.get(topic).is_some_and(|topic| topic.id == committed.topic_id())
    };
    let committed = shared.groups.all_committed(&id).into_iter().filter(present);
    GroupDescription {
        state: description.state.name(),
        protocol_type: description.protocol_type,
        members: members.collect(),
        committed: committed.map(|(topic, partition, committed)| (topic, partition, committed.offset)).collect(),
        id,
    }
}

/// Reads one topic, which it knows by identity: if the topic is deleted and made again, this one is gone.
#[derive(Clone)]
pub struct TopicReader {
    topic: Arc<Topic>,
    broker: Weak<Shared>,
}

impl TopicReader {
    /// Where the partitions begin and end; `None` once the topic was deleted.
    pub fn ends(&self) -> Option<Vec<PartitionEnds>> {
        let broker = self.broker.upgrade()?;
        broker.topics.get_by_id(self.topic.id)?;
        Some(TopicContents::of(&self.topic).partitions)
    }

    /// The offset of the first record that is not older than `time`, in milliseconds. In a compressed batch its first record may
    /// stand for it.
    pub fn offset_at(&self, partition: i32, time: i64) -> Result<Option<i64>, PartitionReadError> {
        Ok(self.partition(partition)?.offset_for_timestamp(time)?.map(|found| found.offset))
    }

    /// Batches from the one that holds `offset` on: at most `max_bytes`, but always a whole one. Reads from the disk.
    pub fn read(&self, partition: i32, offset: i64, max_bytes: usize) -> Result<PartitionRead, PartitionReadError> {
        let Read { records, high_watermark, log_start_offset } =
            self.partition(partition)?.read(offset, max_bytes, true)?;
        Ok(PartitionRead { batches: records, low: log_start_offset, high: high_watermark })
    }

    /// Waits until there is something to read at one of these places, the topic is deleted, or `limit` is over.
    pub async fn wait(&self, places: &[(i32, i64)], limit: Duration) {
        let partitions: Vec<_> = places.iter().filter_map(|(partition, _)| self.topic.partition(*partition)).collect();
        // Subscribed before the look, so that nothing that comes in between is missed.
        let mut ends: Vec<_> = partitions.iter().map(|partition| partition.subscribe()).collect();
        let readable = |(partition, offset): &(i32, i64)| {
            self.topic.partition(*partition).is_none_or(|it| it.available(*offset).map_or(true, |bytes| bytes > 0))
        };
        if ends.is_empty() || places.iter().any(readable) {
            return;
        }
        let changes = ends.iter_mut().map(|end| Box::pin(end.changed()));
        let _ = tokio::time::timeout(limit, select_all(changes)).await;
    }

    fn partition(&self, partition: i32) -> Result<Arc<Partition>, PartitionReadError> {
        self.topic.partition(partition).ok_or(PartitionReadError::Gone)
    }
}
