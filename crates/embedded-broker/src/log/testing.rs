//! Batches, clocks and partitions for tests.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use bytes::{BufMut, Bytes};
use jiff::Timestamp;

use super::{AppendError, Appended, Files, LogConfig, Partition, Rules, batch::CRC_START};
use crate::clock::Clock;

/// What a test batch is made of. The records are keyed unless `keyed` is false.
#[derive(Debug, Clone)]
pub(crate) struct TestBatch {
    pub(crate) values: Vec<Vec<u8>>,
    pub(crate) keyed: bool,
    /// The time of the first record; the others follow one millisecond apart.
    pub(crate) timestamp: i64,
    pub(crate) attributes: i16,
    pub(crate) producer: (i64, i16, i32),
    /// How far the stated count is off.
    pub(crate) count_off: i32,
    /// How far the stated last offset delta is off.
    pub(crate) delta_off: i32,
}

impl Default for TestBatch {
    fn default() -> Self {
        Self {
            values: vec![b"value".to_vec()],
            keyed: true,
            timestamp: 1_000,
            attributes: 0,
            producer: (-1, -1, -1),
            count_off: 0,
            delta_off: 0,
        }
    }
}

impl TestBatch {
    pub(crate) fn of(count: usize) -> Self {
        Self { values: vec![b"value".to_vec(); count], ..Self::default() }
    }

    pub(crate) fn bytes(&self) -> Bytes {
        let mut records = Vec::new();
        for (delta, value) in self.values.iter().enumerate() {
            let mut body = vec![0];
            varint(&mut body, delta as i64);
            varint(&mut body, delta as i64);
            if self.keyed {
                varint(&mut body, 1);
                body.push(b'k');
            } else {
                varint(&mut body, -1);
            }
            varint(&mut body, value.len() as i64);
            body.extend_from_slice(value);
            varint(&mut body, 0);
            varint(&mut records, body.len() as i64);
            records.extend_from_slice(&body);
        }
        let count = self.values.len() as i32;
        let mut bytes = Vec::new();
        bytes.put_i64(77); // clients' base offsets mean nothing
        bytes.put_i32((49 + records.len()) as i32);
        bytes.put_i32(-1);
        bytes.put_i8(2);
        bytes.put_u32(0);
        bytes.put_i16(self.attributes);
        bytes.put_i32(count - 1 + self.delta_off);
        bytes.put_i64(self.timestamp);
        bytes.put_i64(self.timestamp + i64::from(count) - 1);
        bytes.put_i64(self.producer.0);
        bytes.put_i16(self.producer.1);
        bytes.put_i32(self.producer.2);
        bytes.put_i32(count + self.count_off);
        bytes.extend_from_slice(&records);
        seal(bytes)
    }
}

/// Makes the checksum fit the bytes.
pub(crate) fn seal(mut bytes: Vec<u8>) -> Bytes {
    let crc = crc32c::crc32c(&bytes[CRC_START..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

fn varint(bytes: &mut Vec<u8>, value: i64) {
    let mut value = ((value << 1) ^ (value >> 63)) as u64;
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// A clock that stands still until a test moves it.
#[derive(Clone, Default)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn set(&self, milliseconds: i64) {
        self.0.store(milliseconds, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::Relaxed)).unwrap()
    }

    pub(crate) fn clock(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }
}

pub(crate) fn config() -> LogConfig {
    LogConfig {
        max_message_bytes: 1_048_588,
        segment_bytes: 1 << 20,
        segment_ms: i64::MAX,
        retention_ms: -1,
        retention_bytes: -1,
        delete: true,
        compact: false,
        log_append_time: false,
    }
}

pub(crate) fn open(dir: &Path, config: LogConfig, clock: &TestClock) -> Partition {
    Partition::open(dir.join("0"), Arc::new(config), Arc::new(Files::default()), clock.clock()).unwrap()
}

impl Partition {
    pub(crate) fn append_test(&self, batch: &TestBatch) -> Result<Appended, AppendError> {
        self.append(&batch.bytes(), Rules { zstd: true })
    }

    /// Everything from `offset` on, as base offset and bytes of each batch without what the broker may write.
    pub(crate) fn read_all(&self, mut offset: i64) -> Vec<(i64, Bytes)> {
        let mut batches = Vec::new();
        while offset < self.high_watermark() {
            let mut records = self.read(offset, 1 << 20, true).unwrap().records;
            assert!(!records.is_empty(), "no records at {offset}, below the high watermark");
            while !records.is_empty() {
                let (header, size) = super::batch::first_whole(&records).unwrap();
                batches.push((header.base_offset, records.split_to(size).slice(16..)));
                offset = header.next_offset();
            }
        }
        batches
    }
}
