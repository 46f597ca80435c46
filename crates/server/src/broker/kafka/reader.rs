//! Reading topics of a cluster.

use std::{collections::BTreeMap, time::Duration};

use twinkey_kafka_admin::{
    Cluster,
    reader::{self as admin, TopicReader},
};

use crate::broker::{Batches, Ends, FetchError, Fetched, Reader, TopicError};

pub(super) async fn of(cluster: &Cluster, topic: &str) -> Result<Box<dyn Reader>, TopicError> {
    Ok(Box::new(KafkaReader(cluster.reader(topic).await?.ok_or(TopicError::Unknown)?)))
}

struct KafkaReader(TopicReader);

#[async_trait::async_trait]
impl Reader for KafkaReader {
    async fn ends(&mut self) -> Result<(BTreeMap<i32, Ends>, Vec<String>), TopicError> {
        let (ends, missing) = self.0.ends().await?.ok_or(TopicError::Unknown)?;
        Ok((ends.into_iter().map(|(partition, it)| (partition, it.into())).collect(), missing))
    }

    async fn offsets_at(&mut self, time: i64, partitions: &[i32]) -> Result<BTreeMap<i32, i64>, TopicError> {
        Ok(self.0.offsets_at(time, partitions).await)
    }

    async fn fetch(&mut self, from: &[(i32, i64)], wait: Duration) -> Result<Vec<Fetched>, TopicError> {
        let fetched = self.0.fetch(from, wait).await?.ok_or(TopicError::Unknown)?;
        Ok(fetched.into_iter().map(Into::into).collect())
    }
}

impl From<admin::Ends> for Ends {
    fn from(ends: admin::Ends) -> Self {
        Self { low: ends.low, high: ends.high }
    }
}

impl From<admin::Fetched> for Fetched {
    fn from(fetched: admin::Fetched) -> Self {
        let result = match fetched.result {
            Ok(admin::Batches { bytes, aborted, ends }) => {
                Ok(Batches { bytes, aborted, low: ends.low, high: ends.high })
            }
            Err(admin::FetchError::OutOfRange(ends)) => Err(FetchError::OutOfRange(ends.into())),
            Err(admin::FetchError::Silent(sentence)) => Err(FetchError::Silent(sentence)),
        };
        Self { partition: fetched.partition, result }
    }
}
