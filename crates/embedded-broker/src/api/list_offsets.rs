//! `ListOffsets`: the first and last offset, and the offset for a time.

use kafka_protocol::{
    ResponseError,
    messages::{
        ListOffsetsRequest, ListOffsetsResponse,
        list_offsets_request::ListOffsetsPartition,
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
    },
};

use super::{Context, partitions};
use crate::log::{FoundOffset, LEADER_EPOCH};

/// The newest version to advertise. The codec begins at 1, the first that answers one offset for each partition (KIP-79).
pub(crate) const NEWEST: i16 = 10;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
/// The record with the largest timestamp (KIP-734).
const MAX_TIMESTAMP: i64 = -3;
/// The first offset that is on the broker's own disk (KIP-405): everything is.
const EARLIEST_LOCAL: i64 = -4;
/// The last offset that is in remote storage (KIP-1005): nothing is.
const LATEST_TIERED: i64 = -5;

/// Without transactions the isolation level makes no difference.
pub(crate) async fn handle(ctx: &Context, version: i16, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let answer = |asked: &ListOffsetsPartition| {
            let answer = ListOffsetsPartitionResponse::default().with_partition_index(asked.partition_index);
            match look_up(ctx, version, &topic.name, asked) {
                Ok(Some(found)) => answer
                    .with_offset(found.offset)
                    .with_timestamp(found.timestamp)
                    .with_leader_epoch(if version >= 4 { LEADER_EPOCH } else { -1 }),
                Ok(None) => answer,
                Err(error) => answer.with_error_code(error.code()),
            }
        };
        let partitions = topic.partitions.iter().map(answer).collect();
        topics.push(ListOffsetsTopicResponse::default().with_name(topic.name).with_partitions(partitions));
        // A look-up by time may read from the disk; between two topics others may have this thread.
        tokio::task::yield_now().await;
    }
    ListOffsetsResponse::default().with_topics(topics)
}

fn look_up(
    ctx: &Context,
    version: i16,
    topic: &str,
    asked: &ListOffsetsPartition,
) -> Result<Option<FoundOffset>, ResponseError> {
    let partition = partitions::find(ctx, topic, asked.partition_index)?;
    partitions::check_epoch(asked.current_leader_epoch)?;
    let at = |offset| Ok(Some(FoundOffset { offset, timestamp: -1 }));
    let found = match asked.timestamp {
        LATEST => return at(partition.high_watermark()),
        EARLIEST => return at(partition.log_start_offset()),
        MAX_TIMESTAMP if version >= 7 => partition.newest_record(),
        EARLIEST_LOCAL if version >= 8 => return at(partition.log_start_offset()),
        LATEST_TIERED if version >= 9 => return Ok(None),
        timestamp @ 0.. => partition.offset_for_timestamp(timestamp),
        _ => return Err(ResponseError::UnsupportedVersion),
    };
    found.map_err(|error| partitions::read_error(&error))
}
