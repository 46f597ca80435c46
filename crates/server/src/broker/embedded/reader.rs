//! Reading topics of the embedded broker: from its log, without a connection.

use std::{collections::BTreeMap, time::Duration};

use tokio::task::spawn_blocking;
use twinkey_embedded_broker::{PartitionReadError, TopicReader};

use crate::broker::{Batches, Ends, FetchError, Fetched, Reader, TopicError};

/// Bytes that are read of a partition at a time; a larger batch is read whole.
const BYTES: usize = 256 << 10;
/// The most bytes of all partitions at a time, but for the last one of them.
const ALL_BYTES: usize = 4 << 20;

pub(super) struct EmbeddedReader(pub(super) TopicReader);

#[async_trait::async_trait]
impl Reader for EmbeddedReader {
    async fn ends(&mut self) -> Result<(BTreeMap<i32, Ends>, Vec<String>), TopicError> {
        let ends = self.0.ends().ok_or(TopicError::Unknown)?;
        let ends = (0..).zip(ends).map(|(partition, ends)| (partition, Ends { low: ends.low, high: ends.high }));
        Ok((ends.collect(), Vec::new()))
    }

    async fn offsets_at(&mut self, time: i64, partitions: &[i32]) -> Result<BTreeMap<i32, i64>, TopicError> {
        let (reader, partitions) = (self.0.clone(), partitions.to_vec());
        let found = in_background(move || {
            let found = partitions.into_iter().map(|partition| Ok((partition, reader.offset_at(partition, time)?)));
            found.collect::<Result<Vec<_>, PartitionReadError>>()
        });
        let found = found.await?.map_err(failed)?;
        Ok(found.into_iter().filter_map(|(partition, offset)| Some((partition, offset?))).collect())
    }

    async fn fetch(&mut self, from: &[(i32, i64)], wait: Duration) -> Result<Vec<Fetched>, TopicError> {
        if !wait.is_zero() {
            self.0.wait(from, wait).await;
        }
        let (reader, from) = (self.0.clone(), from.to_vec());
        in_background(move || {
            let (mut left, mut found) = (ALL_BYTES, Vec::with_capacity(from.len()));
            for (partition, offset) in from {
                if left == 0 {
                    break;
                }
                let result = match reader.read(partition, offset, BYTES.min(left)) {
                    Ok(read) => {
                        left = left.saturating_sub(read.batches.len());
                        let ends = Ends { low: read.low, high: read.high };
                        Ok(Batches { bytes: read.batches, aborted: Vec::new(), ends })
                    }
                    Err(PartitionReadError::OutOfRange { low, high }) => {
                        Err(FetchError::OutOfRange(Ends { low, high }))
                    }
                    Err(error) => return Err(failed(error)),
                };
                found.push(Fetched { partition, result });
            }
            Ok(found)
        })
        .await?
    }
}

/// Disks may be slow.
async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, TopicError> {
    let ended = spawn_blocking(work).await;
    ended.map_err(|_| TopicError::Storage("reading a topic has failed".to_owned()))
}

fn failed(error: PartitionReadError) -> TopicError {
    match error {
        PartitionReadError::Gone => TopicError::Unknown,
        other => TopicError::Storage(other.to_string()),
    }
}
