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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::log::testing::{TestBatch, config, seal};

    const RULES: Rules = Rules { zstd: true };

    fn check(bytes: &Bytes) -> Result<Header, BatchError> {
        validate(bytes, &config(), RULES)
    }

    fn changed(change: impl FnOnce(&mut TestBatch)) -> Result<Header, BatchError> {
        let mut batch = TestBatch::of(3);
        change(&mut batch);
        check(&batch.bytes())
    }

    #[test]
    fn a_good_batch_is_accepted() {
        let header = check(&TestBatch::of(3).bytes()).unwrap();
        assert_eq!((header.count, header.last_offset_delta), (3, 2));
        assert!(changed(|batch| batch.keyed = false).is_ok());
        assert!(changed(|batch| batch.producer = (0, 0, 0)).is_ok());
    }

    #[test]
    fn every_kind_of_bad_batch_gets_its_own_answer() {
        use BatchError::Invalid;
        assert!(matches!(changed(|batch| batch.attributes = 0x10), Err(BatchError::Transactional)));
        assert!(matches!(changed(|batch| batch.attributes = 0x20), Err(Invalid(_))));
        // A control batch of a transaction too is refused, whichever is looked at first.
        assert!(changed(|batch| batch.attributes = 0x30).is_err());
        assert!(matches!(changed(|batch| batch.attributes = 0x40), Err(Invalid(_))));
        assert!(matches!(changed(|batch| batch.attributes = 0x08), Err(BatchError::TimestampType)));
        for codec in 5..=7 {
            assert!(matches!(changed(|batch| batch.attributes = codec), Err(BatchError::UnsupportedCodec)));
        }
        assert!(matches!(changed(|batch| batch.count_off = 1), Err(Invalid(_))));
        assert!(matches!(changed(|batch| batch.count_off = -4), Err(Invalid(_))));
        assert!(matches!(changed(|batch| batch.delta_off = 1), Err(Invalid(_))));
        assert!(matches!(changed(|batch| batch.values.clear()), Err(Invalid(_))));
        // Header and count fit together, but the records do not.
        for off in [-1, 1] {
            let result = changed(|batch| (batch.count_off, batch.delta_off) = (off, off));
            assert!(matches!(result, Err(Invalid(_))), "{off}");
        }
        for producer in [(1, -1, 0), (1, 0, -1), (-2, 0, 0)] {
            assert!(matches!(changed(|batch| batch.producer = producer), Err(Invalid(_))), "{producer:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_one_batch_are_refused() {
        use BatchError::{Corrupt, Invalid};
        let good = TestBatch::of(3).bytes();
        for end in 0..good.len() {
            assert!(matches!(check(&good.slice(..end)), Err(Corrupt(_))), "cut at {end}");
        }
        let twice = Bytes::from([good.clone(), good.clone()].concat());
        assert!(matches!(check(&twice), Err(Invalid(_))));
        for magic in [0, 1, 3, 255] {
            let mut bytes = good.to_vec();
            bytes[16] = magic;
            assert!(matches!(check(&seal(bytes)), Err(Invalid(_))), "magic {magic}");
        }
        for position in 17..good.len() {
            let mut bytes = good.to_vec();
            bytes[position] ^= 1;
            assert!(matches!(check(&bytes.into()), Err(Corrupt(_))), "bit flipped at {position}");
        }
        for length in [-1, 0, 48, i32::MIN] {
            let mut bytes = good.to_vec();
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
            assert!(matches!(check(&bytes.into()), Err(Corrupt(_))), "length {length}");
        }
    }

    #[test]
    fn the_topic_decides_on_size_keys_and_clock() {
        let small = LogConfig { max_message_bytes: 100, ..config() };
        let large = TestBatch { values: vec![vec![0; 100]], ..TestBatch::default() }.bytes();
        let size = large.len();
        assert_eq!(validate(&large, &small, RULES), Err(BatchError::TooLarge { size, limit: 100 }));
        let exact = LogConfig { max_message_bytes: size, ..config() };
        assert!(validate(&large, &exact, RULES).is_ok());

        let compact = LogConfig { compact: true, ..config() };
        let keyless = TestBatch { keyed: false, ..TestBatch::default() }.bytes();
        assert!(matches!(validate(&keyless, &compact, RULES), Err(BatchError::Invalid(_))));
        assert!(validate(&large, &compact, RULES).is_ok());

        let dated = TestBatch { attributes: 0x08, ..TestBatch::default() }.bytes();
        assert!(validate(&dated, &LogConfig { log_append_time: true, ..config() }, RULES).is_ok());
    }

    #[test]
    fn compressed_batches_are_not_opened() {
        for codec in 1..=4 {
            let batch = TestBatch { attributes: codec, ..TestBatch::of(3) }.bytes();
            assert!(check(&batch).is_ok());
            let old = validate(&batch, &config(), Rules { zstd: false });
            assert_eq!(old.is_err(), codec == 4);
        }
    }

    #[test]
    fn records_whose_offsets_do_not_count_up_are_refused() {
        // Two records, of which the second has the offset delta 0 again: its byte lies 4 bytes into the record.
        let batch = TestBatch { values: vec![vec![], vec![]], ..TestBatch::default() }.bytes();
        let mut bytes = batch.to_vec();
        let record = (batch.len() - batch::HEADER_LEN) / 2;
        let delta = batch::HEADER_LEN + record + 3;
        assert_eq!(bytes[delta], 2, "zigzag of 1");
        bytes[delta] = 0;
        assert!(matches!(check(&seal(bytes)), Err(BatchError::Invalid(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_validator_panic(bytes: Vec<u8>) {
            prop_assert!(check(&bytes.into()).is_err());
        }

        /// Bytes that pass the checksum reach the code behind it.
        #[test]
        fn no_sealed_bytes_make_the_validator_panic(
            positions in prop::collection::vec((16_usize..100, any::<u8>()), 1..8),
            cut in 61_usize..120,
            compact: bool,
        ) {
            let mut bytes = TestBatch::of(4).bytes().to_vec();
            bytes.truncate(cut);
            for (position, byte) in positions {
                if let Some(old) = bytes.get_mut(position) {
                    *old = byte;
                }
            }
            let length = bytes.len() as i32 - 12;
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
            let _ = validate(&seal(bytes), &LogConfig { compact, ..config() }, RULES);
        }

        #[test]
        fn no_records_make_the_walk_panic_or_go_on_for_ever(bytes: Vec<u8>) {
            prop_assert!(batch::records(&bytes).count() <= bytes.len());
        }
    }
}
