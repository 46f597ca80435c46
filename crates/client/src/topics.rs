//! The topics of a workspace, for programs that look after them.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
};

use crate::{Error, QuixStreamingClient, client::Shared, portal::TopicDescription, topic::TopicSettings};

/// See [`QuixStreamingClient::topics`].
#[derive(Clone)]
pub struct Topics {
    pub(crate) shared: Arc<Shared>,
}

/// How much of a partition there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionExtent {
    /// The partition.
    pub partition: i32,
    /// The first offset that is kept.
    pub first: i64,
    /// The offset that the next message will get.
    pub end: i64,
}

/// How far a group is in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionLag {
    /// The partition, and how much there is of it.
    pub extent: PartitionExtent,
    /// Up to where the group has committed; nothing, if it has not.
    pub committed: Option<i64>,
}

impl PartitionLag {
    /// How many messages are left to read.
    pub fn lag(&self) -> i64 {
        self.extent.end - self.committed.unwrap_or(self.extent.first).max(self.extent.first)
    }
}

impl Topics {
    /// All topics of the workspace.
    pub async fn list(&self) -> Result<Vec<TopicDescription>, Error> {
        let workspace = self.shared.credentials.get().await?.workspace.clone();
        self.shared.with_token(async |token| self.shared.portal.topics(token, &workspace).await).await
    }

    /// One topic, by name or id.
    pub async fn describe(&self, topic: &str) -> Result<TopicDescription, Error> {
        self.shared.topic(topic, None).await
    }

    /// Makes a topic, or answers the one that is there.
    pub async fn create(&self, topic: &str, settings: &TopicSettings) -> Result<TopicDescription, Error> {
        self.shared.topic(topic, Some(settings)).await
    }

    /// How much there is of each partition.
    pub async fn extents(&self, topic: &str) -> Result<Vec<PartitionExtent>, Error> {
        let lag = self.ask(topic, None).await?;
        Ok(lag.into_iter().map(|partition| partition.extent).collect())
    }

    /// How far a consumer group is behind.
    pub async fn lag(&self, topic: &str, group: &str) -> Result<Vec<PartitionLag>, Error> {
        self.ask(topic, Some(group)).await
    }

    async fn ask(&self, topic: &str, group: Option<&str>) -> Result<Vec<PartitionLag>, Error> {
        let topic = self.describe(topic).await?.id;
        let client = QuixStreamingClient { shared: Arc::clone(&self.shared) };
        let connection = client.connection().await?;
        let mut config = client.librdkafka_config().await?;
        if let Some(group) = group {
            config.set("group.id", connection.in_scope(group));
        }
        let (limit, committed) = (self.shared.settings.connect_timeout, group.is_some());
        let address = connection.address.clone();
        let answer = tokio::task::spawn_blocking(move || extents(&config, &topic, committed, limit)).await;
        answer.map_err(|_| Error::Closed)?.map_err(|error| match error {
            KafkaError::ClientConfig(..) => Error::kafka("looking at a topic", error),
            error => Error::BrokerUnreachable { address, reason: error.to_string() },
        })
    }
}

fn extents(
    config: &ClientConfig,
    topic: &str,
    committed: bool,
    limit: Duration,
) -> Result<Vec<PartitionLag>, KafkaError> {
    let consumer: BaseConsumer = config.create()?;
    let metadata = consumer.fetch_metadata(Some(topic), limit)?;
    let partitions = metadata.topics().iter().flat_map(|it| it.partitions().iter());
    let mut list = TopicPartitionList::new();
    let mut lags = Vec::new();
    for partition in partitions {
        let (first, end) = consumer.fetch_watermarks(topic, partition.id(), limit)?;
        let extent = PartitionExtent { partition: partition.id(), first, end };
        lags.push(PartitionLag { extent, committed: None });
        list.add_partition(topic, partition.id());
    }
    lags.sort_by_key(|lag| lag.extent.partition);
    if committed {
        let list = consumer.committed_offsets(list, limit)?;
        for lag in &mut lags {
            let found = list.find_partition(topic, lag.extent.partition);
            lag.committed = found.and_then(|it| match it.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            });
        }
    }
    Ok(lags)
}

impl std::fmt::Debug for Topics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Topics")
    }
}
