//! The header of a record batch of format 2 (KIP-98): its fields and where they lie.

use bytes::Buf;

/// The length of everything before the records.
pub const HEADER_LEN: usize = 61;
/// Base offset and length: what comes before the bytes that the length field counts.
pub const LENGTH_PREFIX: usize = 12;
/// Where the bytes that the checksum covers begin (the attributes).
pub const CRC_START: usize = 21;
/// In the attributes: the broker's clock dates the records.
pub const LOG_APPEND_TIME: i16 = 0x08;

const CODEC_MASK: i16 = 0x07;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;
const DELETE_HORIZON: i16 = 0x40;

/// The header of one batch. Nothing in it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The offset of its first record.
    pub base_offset: i64,
    /// As the batch states it: what follows the length field, in bytes.
    pub length: i32,
    /// The format: 2.
    pub magic: i8,
    /// The checksum as it is stated.
    pub crc: u32,
    /// Codec and flags.
    pub attributes: i16,
    /// What is added to `base_offset` for the last record's offset.
    pub last_offset_delta: i32,
    /// The first record's time, in milliseconds.
    pub base_timestamp: i64,
    /// The newest time.
    pub max_timestamp: i64,
    /// The idempotent producer, or -1.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
    /// The first record's number in the producer's sequence.
    pub base_sequence: i32,
    /// How many records are stated.
    pub count: i32,
}

impl Header {
    /// Reads a header; `None` if there are too few bytes.
    pub fn read(mut bytes: &[u8]) -> Option<Self> {
        if bytes.len() < HEADER_LEN {
            return None;
        }
        let bytes = &mut bytes;
        let base_offset = bytes.get_i64();
        let length = bytes.get_i32();
        let _leader_epoch = bytes.get_i32();
        Some(Self {
            base_offset,
            length,
            magic: bytes.get_i8(),
            crc: bytes.get_u32(),
            attributes: bytes.get_i16(),
            last_offset_delta: bytes.get_i32(),
            base_timestamp: bytes.get_i64(),
            max_timestamp: bytes.get_i64(),
            producer_id: bytes.get_i64(),
            producer_epoch: bytes.get_i16(),
            base_sequence: bytes.get_i32(),
            count: bytes.get_i32(),
        })
    }

    /// The length of the whole batch in bytes; `None` if the stated length cannot be one.
    pub fn size(&self) -> Option<usize> {
        let size = usize::try_from(self.length).ok()?.checked_add(LENGTH_PREFIX)?;
        (size >= HEADER_LEN).then_some(size)
    }

    /// The offset of its last record.
    pub fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.last_offset_delta))
    }

    /// The offset behind its last record.
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// The number of the compression codec; 0: none.
    pub fn codec(&self) -> i16 {
        self.attributes & CODEC_MASK
    }

    /// Whether the broker's clock dates the records.
    pub fn is_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    /// Whether it is part of a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// Whether it holds marks of transactions instead of records.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// Whether compaction has dated its tombstones (KIP-534).
    pub fn has_delete_horizon(&self) -> bool {
        self.attributes & DELETE_HORIZON != 0
    }
}

/// Whether the batch that `bytes` are, whole, matches its checksum.
pub fn crc_matches(header: &Header, bytes: &[u8]) -> bool {
    bytes.get(CRC_START..).is_some_and(|covered| crc32c::crc32c(covered) == header.crc)
}
