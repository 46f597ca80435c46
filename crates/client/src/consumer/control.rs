//! Commits, seeking, pausing: what a program tells a consumer.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer as _, ConsumerGroupMetadata, StreamConsumer},
    error::KafkaResult,
};

use super::{
    Consumer,
    context::{Context, lock},
};
use crate::{Error, Received};

/// How long a call that waits for the broker may take.
const LIMIT: Duration = Duration::from_secs(15);

/// Up to where a partition was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The partition.
    pub partition: i32,
    /// The offset of the next message.
    pub offset: i64,
}

impl Consumer {
    /// Commits everything that was handed out, and waits for the broker's answer.
    pub async fn commit(&mut self) -> Result<(), Error> {
        self.done_with_last();
        let list = lock(&self.positions).list(&self.topic);
        if list.count() == 0 {
            return Ok(());
        }
        self.blocking("committing", move |native| native.commit(&list, CommitMode::Sync)).await
    }

    /// Commits this message and all before it in its partition, and waits for the broker's answer.
    pub async fn commit_message(&mut self, message: &Received) -> Result<(), Error> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, message.partition(), Offset::Offset(message.offset() + 1))
            .map_err(|error| Error::kafka("committing", error))?;
        self.blocking("committing", move |native| native.commit(&list, CommitMode::Sync)).await
    }

    /// Up to where everything was handed out, in the partitions that this consumer has at the moment.
    pub fn positions(&mut self) -> Vec<Position> {
        self.done_with_last();
        let positions = lock(&self.positions);
        let assigned = positions.done.iter().filter(|(partition, _)| positions.assigned.contains(partition));
        assigned.map(|(partition, offset)| Position { partition: *partition, offset: *offset }).collect()
    }

    /// The partitions that this consumer has at the moment.
    pub fn assignment(&self) -> Vec<i32> {
        lock(&self.positions).assigned.iter().copied().collect()
    }

    /// Goes on with another message of a partition that this consumer has.
    pub async fn seek(&mut self, partition: i32, offset: i64) -> Result<(), Error> {
        self.done_with_last();
        self.first = None;
        let topic = self.topic.clone();
        self.blocking("seeking", move |native| native.seek(&topic, partition, Offset::Offset(offset), LIMIT)).await?;
        self.given.remove(&partition);
        let mut positions = lock(&self.positions);
        positions.done.insert(partition, offset);
        positions.ended.remove(&partition);
        Ok(())
    }

    /// Stops handing out messages of these partitions. Stays so over rebalances and moves to another token.
    pub fn pause(&mut self, partitions: &[i32]) -> Result<(), Error> {
        lock(&self.positions).paused.extend(partitions);
        match &self.session {
            Some(session) => {
                session.native.pause(&self.list(partitions)).map_err(|error| Error::kafka("pausing", error))
            }
            None => Ok(()),
        }
    }

    /// Goes on with these partitions.
    pub fn resume(&mut self, partitions: &[i32]) -> Result<(), Error> {
        lock(&self.positions).paused.retain(|partition| !partitions.contains(partition));
        match &self.session {
            Some(session) => {
                session.native.resume(&self.list(partitions)).map_err(|error| Error::kafka("resuming", error))
            }
            None => Ok(()),
        }
    }

    /// What a transaction needs to commit what was read.
    pub(crate) fn for_transaction(&mut self) -> Result<(TopicPartitionList, ConsumerGroupMetadata), Error> {
        self.done_with_last();
        let list = lock(&self.positions).list(&self.topic);
        let group = self.session.as_ref().and_then(|session| session.native.group_metadata());
        Ok((list, group.ok_or(Error::Closed)?))
    }

    fn list(&self, partitions: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, *partition);
        }
        list
    }

    async fn blocking(
        &self,
        doing: &'static str,
        call: impl FnOnce(&StreamConsumer<Context>) -> KafkaResult<()> + Send + 'static,
    ) -> Result<(), Error> {
        let native = Arc::clone(&self.session.as_ref().ok_or(Error::Closed)?.native);
        let outcome = tokio::task::spawn_blocking(move || call(&native)).await;
        outcome.map_err(|_| Error::Closed)?.map_err(|error| Error::kafka(doing, error))
    }
}
