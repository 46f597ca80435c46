//! Topics on a cluster, which is their only home.

use twinkey_api::WorkspaceId;
use twinkey_kafka_admin::{Cluster, Error, Refusal, topics as admin};

use crate::broker::{BrokerError, NewTopic, Topic, TopicChanges, TopicError};

pub(super) async fn list(cluster: &Cluster, workspace_id: &WorkspaceId) -> Result<Vec<Topic>, TopicError> {
    let topics = cluster.topics(&format!("{workspace_id}-")).await?;
    Ok(topics.into_iter().map(Into::into).collect())
}

pub(super) async fn find(cluster: &Cluster, name: &str) -> Result<Option<Topic>, TopicError> {
    Ok(cluster.topic(name).await?.map(Into::into))
}

pub(super) async fn create(cluster: &Cluster, new: NewTopic) -> Result<Topic, TopicError> {
    let possible = |count: i32| u32::try_from(count).ok().filter(|count| *count > 0);
    let partitions = new.partitions.map(|count| possible(count).ok_or_else(at_least_one)).transpose()?;
    let topic = admin::NewTopic {
        name: new.name,
        partitions,
        replication_factor: new.replication_factor.and_then(|factor| u16::try_from(factor).ok()),
        settings: new.config,
    };
    cluster.create_topic(&topic).await?;
    shown(cluster, &topic.name).await
}

/// What can be refused is refused before anything is changed, as far as that can be seen from here: Kafka has two requests
/// for it.
pub(super) async fn alter(cluster: &Cluster, name: &str, changes: TopicChanges) -> Result<Topic, TopicError> {
    let topic = cluster.topic(name).await?.ok_or(TopicError::Unknown)?;
    let more = match changes.partitions.map(|count| u32::try_from(count).unwrap_or_default()) {
        // Asking for as many as there are is no change, and no error, unlike in Kafka's own API.
        Some(count) if count == topic.partitions => None,
        Some(count) if count < topic.partitions => {
            return Err(TopicError::Invalid(format!(
                "The topic has {} partitions; their number can only grow.",
                topic.partitions
            )));
        }
        other => other,
    };
    if !changes.config.is_empty() {
        let settings: Vec<_> = changes.config.into_iter().map(|(key, value)| (key, Some(value))).collect();
        cluster.alter_topic(name, &settings).await?;
    }
    if let Some(total) = more {
        cluster.add_partitions(name, total).await?;
    }
    shown(cluster, name).await
}

pub(super) async fn delete(cluster: &Cluster, name: &str) -> Result<(), TopicError> {
    Ok(cluster.delete_topic(name).await?)
}

pub(super) async fn clean(cluster: &Cluster, name: &str) -> Result<(), TopicError> {
    Ok(cluster.clean_topic(name).await?)
}

async fn shown(cluster: &Cluster, name: &str) -> Result<Topic, TopicError> {
    let topic = cluster.topic(name).await?;
    let hidden = || BrokerError::Unknown(format!("the topic '{name}' was taken, but is not shown yet"));
    Ok(topic.ok_or_else(hidden)?.into())
}

fn at_least_one() -> TopicError {
    TopicError::Invalid("A topic needs at least one partition.".to_owned())
}

/// Kafka has an absent limit where the API has -1.
fn limit(limit: Option<u64>) -> i64 {
    limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX))
}

impl From<admin::Topic> for Topic {
    fn from(topic: admin::Topic) -> Self {
        Self {
            name: topic.name,
            partitions: i32::try_from(topic.partitions).unwrap_or(i32::MAX),
            replication_factor: i32::from(topic.replication_factor),
            retention_ms: limit(topic.retention_ms),
            retention_bytes: limit(topic.retention_bytes),
            cleanup_policy: topic.cleanup_policy,
            created_at: None,
            updated_at: None,
        }
    }
}

impl From<Error> for TopicError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error.refusal() {
            Some(Refusal::Exists) => Self::Exists,
            // Kafka takes '.' and '_' for the same.
            Some(Refusal::InvalidName) if text.contains("collides") => Self::Exists,
            Some(Refusal::NotFound) => Self::Unknown,
            Some(
                Refusal::InvalidName
                | Refusal::InvalidSetting
                | Refusal::InvalidPartitions
                | Refusal::InvalidReplication
                | Refusal::Policy,
            ) => Self::Invalid(text),
            _ => Self::Broker(error.into()),
        }
    }
}
