//! `OffsetForLeaderEpoch` (KIP-320): where an epoch of the leader ended. There is one epoch, and it goes on.

use kafka_protocol::{
    ResponseError,
    messages::{
        OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
        offset_for_leader_epoch_request::OffsetForLeaderPartition,
        offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult},
    },
};

use super::{Context, partitions};
use crate::log::LEADER_EPOCH;

/// The newest version to advertise.
pub(crate) const NEWEST: i16 = 4;

#[expect(clippy::unused_async, reason = "every handler has this shape")]
pub(crate) async fn handle(
    ctx: &Context,
    _version: i16,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let answer = |asked: &OffsetForLeaderPartition| {
            let answer = EpochEndOffset::default().with_partition(asked.partition);
            match end_of_epoch(ctx, &topic.topic, asked) {
                Ok(Some(end)) => answer.with_leader_epoch(LEADER_EPOCH).with_end_offset(end),
                Ok(None) => answer.with_leader_epoch(-1).with_end_offset(-1),
                Err(error) => answer.with_error_code(error.code()).with_leader_epoch(-1).with_end_offset(-1),
            }
        };
        let partitions = topic.partitions.iter().map(answer).collect();
        topics.push(OffsetForLeaderTopicResult::default().with_topic(topic.topic).with_partitions(partitions));
    }
    OffsetForLeaderEpochResponse::default().with_topics(topics)
}

fn end_of_epoch(ctx: &Context, topic: &str, asked: &OffsetForLeaderPartition) -> Result<Option<i64>, ResponseError> {
    let partition = partitions::find(ctx, topic, asked.partition)?;
    partitions::check_epoch(asked.current_leader_epoch)?;
    Ok((asked.leader_epoch == LEADER_EPOCH).then(|| partition.high_watermark()))
}
