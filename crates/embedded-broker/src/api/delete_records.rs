//! `DeleteRecords` (KIP-107): moves the first offset of a partition forward.

use kafka_protocol::{
    ResponseError,
    messages::{
        DeleteRecordsRequest, DeleteRecordsResponse,
        delete_records_request::DeleteRecordsPartition,
        delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult},
    },
};

use super::{Context, partitions};

/// The newest version to advertise.
pub(crate) const NEWEST: i16 = 2;

pub(crate) async fn handle(ctx: &Context, _version: i16, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let answer = |asked: &DeleteRecordsPartition| {
            let answer = DeleteRecordsPartitionResult::default().with_partition_index(asked.partition_index);
            match delete(ctx, &topic.name, asked) {
                Ok(log_start) => answer.with_low_watermark(log_start),
                Err(error) => answer.with_low_watermark(-1).with_error_code(error.code()),
            }
        };
        let partitions = topic.partitions.iter().map(answer).collect();
        topics.push(DeleteRecordsTopicResult::default().with_name(topic.name).with_partitions(partitions));
        // Files may have to be removed; between two topics others may have this thread.
        tokio::task::yield_now().await;
    }
    DeleteRecordsResponse::default().with_topics(topics)
}

fn delete(ctx: &Context, topic: &str, asked: &DeleteRecordsPartition) -> Result<i64, ResponseError> {
    let partition = partitions::find(ctx, topic, asked.partition_index)?;
    partition.delete_records_before(asked.offset).map_err(|error| partitions::read_error(&error))
}
