//! librdkafka's callbacks of a consumer, and what they share with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rdkafka::{
    ClientContext, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance},
    error::KafkaError,
};
use tokio::sync::broadcast;

use crate::{
    Event,
    session::{Reporter, log},
};

/// Where a consumer is in each partition. Lives longer than one session.
#[derive(Default)]
pub(super) struct Positions {
    /// Counts the sessions. One that is being closed while the next one is open has nothing to say here any more.
    pub(super) session: u64,
    /// The offset after the last message that the program is done with.
    pub(super) done: BTreeMap<i32, i64>,
    /// Whether `done` says something that librdkafka has not been told.
    pub(super) unstored: bool,
    /// What the consumer has to read at the moment.
    pub(super) assigned: BTreeSet<i32>,
    /// What the program has paused.
    pub(super) paused: BTreeSet<i32>,
    /// Partitions whose end has been reached.
    pub(super) ended: BTreeSet<i32>,
}

/// The callbacks.
pub(super) struct Context {
    pub(super) session: u64,
    pub(super) reporter: Arc<Reporter>,
    pub(super) positions: Arc<Mutex<Positions>>,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) topic: String,
}

pub(super) fn lock(positions: &Mutex<Positions>) -> MutexGuard<'_, Positions> {
    positions.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Positions {
    /// What is done in the partitions that are assigned, for librdkafka.
    pub(super) fn list(&self, topic: &str) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in self.done.iter().filter(|(partition, _)| self.assigned.contains(partition)) {
            // Fails for offsets below zero only.
            let _ = list.add_partition_offset(topic, *partition, Offset::Offset(*offset));
        }
        list
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.reporter.error(&error, reason);
    }
}

impl ConsumerContext for Context {
    /// Called while the program waits for the next message: it is done with all before. What is taken away now is committed
    /// up to there.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(_) = rebalance {
            let positions = lock(&self.positions);
            let list = positions.list(&self.topic);
            if positions.session != self.session {
                return;
            }
            drop(positions);
            if let Err(error) = consumer.store_offsets(&list) {
                tracing::debug!("offsets of partitions that are taken away: {error}");
            }
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let numbers = |list: &TopicPartitionList| -> Vec<i32> {
            list.elements_for_topic(&self.topic)
                .iter()
                .map(rdkafka::topic_partition_list::TopicPartitionListElem::partition)
                .collect()
        };
        let mut positions = lock(&self.positions);
        if positions.session != self.session {
            return;
        }
        let event = match rebalance {
            Rebalance::Assign(list) => {
                let partitions = numbers(list);
                positions.assigned.extend(&partitions);
                let mut paused = TopicPartitionList::new();
                for partition in positions.paused.intersection(&positions.assigned) {
                    paused.add_partition(&self.topic, *partition);
                }
                if paused.count() > 0
                    && let Err(error) = consumer.pause(&paused)
                {
                    tracing::warn!("{error}");
                }
                Event::Assigned { topic: self.topic.clone(), partitions }
            }
            Rebalance::Revoke(list) => {
                let partitions = numbers(list);
                for partition in &partitions {
                    positions.assigned.remove(partition);
                    positions.ended.remove(partition);
                }
                Event::Revoked { topic: self.topic.clone(), partitions }
            }
            Rebalance::Error(error) => {
                tracing::warn!("{error}");
                return;
            }
        };
        drop(positions);
        let _ = self.events.send(event);
    }
}
