//! What a batch of a client must be like before it is stored.

use bytes::Bytes;

use super::{
    LogConfig,
    batch::{self, Header},
};

/// Kafka's number for zstd, which clients may use from Produce version 7 on (KIP-110).
const ZSTD: i16 = 4;

/// What depends on the request, not on the topic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Whether the request's version knows zstd.
    pub(crate) zstd: bool,
}

/// Why a client's batch is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BatchError {
    /// The bytes are not one batch, or not the one that its checksum was made of.
    #[error("{0}")]
    Corrupt(&'static str),
    /// The batch is well-formed and says what a client may not say.
    #[error("{0}")]
    Invalid(&'static str),
    /// The batch is over `max.message.bytes`.
    #[error("The record batch has {size} bytes, and the topic's limit is {limit}.")]
    TooLarge {
        /// The batch's size.
        size: usize,
        /// The topic's limit.
        limit: usize,
    },
    /// The batch belongs to a transaction, and there is none.
    #[error("The record batch is transactional, and the producer has no transaction on this broker.")]
    Transactional,
    /// The codec is unknown, or newer than the request.
    #[error("The compression codec is not supported at this version of Produce.")]
    UnsupportedCodec,
    /// The batch says that the broker dated it, and the topic lets producers do that.
    #[error("Producers may not send timestamps of type LogAppendTime.")]
    TimestampType,
}

/// Checks that `bytes` are exactly one batch that a client may write. The records of a compressed batch are not opened,
/// so that neither their keys nor their offsets within the batch are checked.
pub(crate) fn validate(bytes: &Bytes, config: &LogConfig, rules: Rules) -> Result<Header, BatchError> {
    use BatchError::{Corrupt, Invalid};
    // The magic byte lies at the same place in every format, so that old formats get a fitting answer.
    if let Some(&magic) = bytes.get(16)
        && magic != 2
    {
        return Err(Invalid("Only record batches of format 2 are accepted."));
    }
    let header = Header::read(bytes).ok_or(Corrupt("The record batch is shorter than its header."))?;
    let size = header.size().ok_or(Corrupt("The record batch states an impossible length."))?;
    if size > config.max_message_bytes {
        return Err(BatchError::TooLarge { size, limit: config.max_message_bytes });
    }
    if size > bytes.len() {
        return Err(Corrupt("The record batch is cut off."));
    }
    if size < bytes.len() {
        return Err(Invalid("There must be exactly one record batch for each partition."));
    }
    if !batch::crc_matches(&header, bytes) {
        return Err(Corrupt("The record batch does not match its checksum."));
    }
    if header.is_control() {
        return Err(Invalid("Clients are not allowed to write control records."));
    }
    if header.is_transactional() {
        return Err(BatchError::Transactional);
    }
    if header.has_delete_horizon() {
        return Err(Invalid("Clients are not allowed to set a delete horizon."));
    }
    if header.count <= 0 || i64::from(header.count) != i64::from(header.last_offset_delta) + 1 {
        return Err(Invalid("The record batch's count and last offset delta do not fit together."));
    }
    if header.codec() > ZSTD || (header.codec() == ZSTD && !rules.zstd) {
        return Err(BatchError::UnsupportedCodec);
    }
    if header.is_log_append_time() && !config.log_append_time {
        return Err(BatchError::TimestampType);
    }
    match (header.producer_id, header.producer_epoch, header.base_sequence) {
        (-1, _, _) | (0.., 0.., 0..) => {}
        _ => {
            return Err(Invalid("The record batch's producer id, epoch and sequence do not fit together."));
        }
    }
    if header.codec() == 0 {
        check_records(&header, &bytes[batch::HEADER_LEN..], config.compact)?;
    }
    Ok(header)
}

fn check_records(header: &Header, bytes: &[u8], keys_needed: bool) -> Result<(), BatchError> {
    let mut expected = 0;
    for record in batch::records(bytes) {
        let record = record.map_err(|_| BatchError::Invalid("A record is malformed."))?;
        if record.offset_delta != expected {
            return Err(BatchError::Invalid("The records' offset deltas do not count up from 0."));
        }
        if keys_needed && !record.has_key {
            return Err(BatchError::Invalid("Compacted topic cannot accept message without key."));
        }
        expected += 1;
    }
    if expected == i64::from(header.count) {
        Ok(())
    } else {
        Err(BatchError::Invalid("The record batch does not have as many records as it states."))
    }
}
