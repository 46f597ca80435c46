//! What the handlers of records share: from a topic's name and an index to a partition, and from its errors to codes.

use std::sync::Arc;

use kafka_protocol::ResponseError;

use super::Context;
use crate::log::{LEADER_EPOCH, Partition, ReadError};

/// The partition, if the asker may touch its topic and it exists.
pub(crate) fn find(ctx: &Context, topic: &str, index: i32) -> Result<Arc<Partition>, ResponseError> {
    if !ctx.session.scope.contains(topic) {
        return Err(ResponseError::TopicAuthorizationFailed);
    }
    let topic = ctx.broker.topics.get(topic);
    topic.and_then(|topic| topic.partition(index)).ok_or(ResponseError::UnknownTopicOrPartition)
}

/// Checks the leader epoch that a client believes in (KIP-320); -1: it has no belief.
pub(crate) fn check_epoch(epoch: i32) -> Result<(), ResponseError> {
    match epoch {
        -1 | LEADER_EPOCH => Ok(()),
        ..LEADER_EPOCH => Err(ResponseError::FencedLeaderEpoch),
        _ => Err(ResponseError::UnknownLeaderEpoch),
    }
}

/// The code for what went wrong with a read; a failing disk is logged, because the client only gets a number.
pub(crate) fn read_error(error: &ReadError) -> ResponseError {
    match error {
        ReadError::OutOfRange { .. } => ResponseError::OffsetOutOfRange,
        ReadError::Deleted => ResponseError::UnknownTopicOrPartition,
        ReadError::Storage(source) => {
            tracing::error!(error = %source, "a log could not be read");
            ResponseError::KafkaStorageError
        }
    }
}
