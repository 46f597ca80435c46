//! What is in topics on a cluster.

use twinkey_api::WorkspaceId;
use twinkey_kafka_admin::{Cluster, contents as admin};

use crate::broker::{Contents, PartitionContents, TopicContents, TopicError};

pub(super) async fn of_workspace(cluster: &Cluster, workspace_id: &WorkspaceId) -> Result<Contents, TopicError> {
    Ok(cluster.contents(&format!("{workspace_id}-")).await?.into())
}

pub(super) async fn of_topic(cluster: &Cluster, topic: &str) -> Result<Contents, TopicError> {
    Ok(cluster.contents_of(topic).await?.into())
}

impl From<admin::Contents> for Contents {
    fn from(contents: admin::Contents) -> Self {
        Self { topics: contents.topics.into_iter().map(Into::into).collect(), silent: contents.missing }
    }
}

impl From<admin::TopicContents> for TopicContents {
    fn from(topic: admin::TopicContents) -> Self {
        let partitions = topic.partitions.into_iter().map(|it| PartitionContents {
            partition: it.partition,
            low: it.low,
            high: it.high,
            bytes: it.bytes,
            leader: it.leader,
        });
        Self { name: topic.name, partitions: partitions.collect() }
    }
}
