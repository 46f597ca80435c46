//! Produce: appends record batches.

use kafka_protocol::{
    ResponseError,
    messages::{
        ProduceRequest, ProduceResponse,
        produce_request::PartitionProduceData,
        produce_response::{PartitionProduceResponse, TopicProduceResponse},
    },
    protocol::StrBytes,
};

use super::{Context, partitions};
use crate::log::{AppendError, Appended, BatchError, Rules};

/// The newest version to advertise: the last one that names topics (13 has their ids). The codec begins at 3, the first with
/// batches of format 2.
pub(crate) const NEWEST: i16 = 12;

/// A code, and a sentence for clients that show it.
type Refusal = (ResponseError, String);

/// Every partition gets an answer of its own. What is answered without an error survives the end of the process.
pub(crate) async fn handle(ctx: &Context, version: i16, request: ProduceRequest) -> ProduceResponse {
    let refusal = refuse_all(ctx, &request);
    let rules = Rules { zstd: version >= 7 };
    let mut responses = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let mut answers = Vec::with_capacity(topic.partition_data.len());
        for partition in topic.partition_data {
            let result = match &refusal {
                Some(refusal) => Err(refusal.clone()),
                None => append(ctx, &topic.name, &partition, rules),
            };
            answers.push(answer(partition.index, result));
            // Appends wait for the disk's cache; between two of them others may have this thread.
            tokio::task::yield_now().await;
        }
        responses.push(TopicProduceResponse::default().with_name(topic.name).with_partition_responses(answers));
    }
    ProduceResponse::default().with_responses(responses)
}

/// What is wrong with the request as a whole.
fn refuse_all(ctx: &Context, request: &ProduceRequest) -> Option<Refusal> {
    if let Some(id) = &request.transactional_id {
        return Some(if ctx.session.scope.contains(id) {
            (ResponseError::InvalidTxnState, "This broker has no transactions.".to_owned())
        } else {
            (
                ResponseError::TransactionalIdAuthorizationFailed,
                "The transactional id is not in the workspace.".to_owned(),
            )
        });
    }
    let known = matches!(request.acks, -1..=1);
    (!known).then(|| (ResponseError::InvalidRequiredAcks, "acks must be -1, 0 or 1.".to_owned()))
}

fn append(ctx: &Context, topic: &str, data: &PartitionProduceData, rules: Rules) -> Result<Appended, Refusal> {
    let partition = partitions::find(ctx, topic, data.index).map_err(|code| (code, code.to_string()))?;
    let records = data.records.as_ref().filter(|records| !records.is_empty());
    let records = records.ok_or_else(|| (ResponseError::InvalidRecord, "There is no record batch.".to_owned()))?;
    partition.append(records, rules).map_err(|error| (code(&error), error.to_string()))
}

fn code(error: &AppendError) -> ResponseError {
    match error {
        AppendError::Batch(error) => match error {
            BatchError::Corrupt(_) => ResponseError::CorruptMessage,
            BatchError::Invalid(_) => ResponseError::InvalidRecord,
            BatchError::TooLarge { .. } => ResponseError::MessageTooLarge,
            BatchError::Transactional => ResponseError::InvalidTxnState,
            BatchError::UnsupportedCodec => ResponseError::UnsupportedCompressionType,
            BatchError::TimestampType => ResponseError::InvalidTimestamp,
        },
        AppendError::OutOfOrderSequence => ResponseError::OutOfOrderSequenceNumber,
        AppendError::OldProducerEpoch => ResponseError::InvalidProducerEpoch,
        AppendError::Deleted => ResponseError::UnknownTopicOrPartition,
        AppendError::Storage(_) => ResponseError::KafkaStorageError,
    }
}

fn answer(index: i32, result: Result<Appended, Refusal>) -> PartitionProduceResponse {
    let answer = PartitionProduceResponse::default().with_index(index);
    match result {
        Ok(appended) => answer
            .with_base_offset(appended.base_offset)
            .with_log_append_time_ms(appended.log_append_time)
            .with_log_start_offset(appended.log_start_offset)
            .with_error_message(None),
        Err((code, sentence)) => answer
            .with_error_code(code.code())
            .with_base_offset(-1)
            .with_log_append_time_ms(-1)
            .with_log_start_offset(-1)
            .with_error_message(Some(StrBytes::from_string(sentence))),
    }
}
