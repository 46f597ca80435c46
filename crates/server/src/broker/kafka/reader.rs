//! Reading topics of a cluster.

use std::{collections::BTreeMap, time::Duration};

use twinkey_kafka_admin::{Cluster, reader::TopicReader};

use crate::broker::{Ends, Fetched, Reader, TopicError};

pub(super) async fn of(cluster: &Cluster, topic: &str) -> Result<Box<dyn Reader>, TopicError> {
    Ok(Box::new(KafkaReader(cluster.reader(topic).await?.ok_or(TopicError::Unknown)?)))
}

struct KafkaReader(TopicReader);

#[async_trait::async_trait]
impl Reader for KafkaReader {
    async fn ends(&mut self) -> Result<(BTreeMap<i32, Ends>, Vec<String>), TopicError> {
        self.0.ends().await?.ok_or(TopicError::Unknown)
    }

    async fn offsets_at(&mut self, time: i64, partitions: &[i32]) -> Result<BTreeMap<i32, i64>, TopicError> {
        Ok(self.0.offsets_at(time, partitions).await)
    }

    async fn fetch(&mut self, from: &[(i32, i64)], wait: Duration) -> Result<Vec<Fetched>, TopicError> {
        self.0.fetch(from, wait).await?.ok_or(TopicError::Unknown)
    }
}
