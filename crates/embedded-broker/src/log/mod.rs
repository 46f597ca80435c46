//! The log of one partition: segment files, index, recovery, retention, producer state.
//!
//! A partition's directory holds `{base offset}.log` (record batches as they came), `{base offset}.index` (what a scan
//! of that file would find, up to the length it names), `producers` (what idempotent producers wrote last, as of an
//! offset) and `log-start` (the first offset that readers may see). Only the `.log` files and `log-start` are the truth;
//! the others save time and are rebuilt when they are missing or damaged. Nothing is created before the first record.
//!
//! Invariants: what was acknowledged is in the file before the answer; readers see whole batches below the high
//! watermark only; offsets never go back, whatever is deleted.

pub(crate) mod batch;
mod files;
mod index;
mod partition;
mod producer_ids;
mod producers;
mod recovery;
mod retention;
mod segment;
mod sidecar;
mod times;
mod validate;

#[cfg(test)]
pub(crate) use files::CAPACITY;
pub(crate) use files::{Files, replace_file};
pub use partition::Partition;
pub(crate) use partition::{AppendError, Appended, FoundOffset, Read, ReadError};
pub(crate) use producer_ids::ProducerIds;
pub(crate) use validate::{BatchError, Rules};

/// The leader epoch of every batch and partition: one node leads for ever.
pub(crate) const LEADER_EPOCH: i32 = 0;

/// The settings of a topic that its logs honour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogConfig {
    /// The largest batch, in bytes.
    pub(crate) max_message_bytes: usize,
    /// The size from which on a new segment begins.
    pub(crate) segment_bytes: u64,
    /// The age from which on a new segment begins.
    pub(crate) segment_ms: i64,
    /// The age from which on records go; negative: never.
    pub(crate) retention_ms: i64,
    /// The size of the partition from which on its oldest records go; negative: no limit.
    pub(crate) retention_bytes: i64,
    /// Whether retention deletes at all.
    pub(crate) delete: bool,
    /// Whether records must have keys.
    pub(crate) compact: bool,
    /// Whether the broker's clock dates the records.
    pub(crate) log_append_time: bool,
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
