//! Records out of record batches of format 2, as they are stored, for somebody who looks at them.
//!
//! Clients made these bytes, so that nothing in them is believed. What is compressed is decompressed as a stream and never held as a
//! whole; of each key and value only as much is kept as the reader wants. So memory is bounded by what is kept, whatever a batch
//! claims, and time by [`Limits::batch`]: a kilobyte that decompresses to a gigabyte is given up there.

mod decompress;
mod header;
mod record;

use bytes::Bytes;

pub use header::{CRC_START, HEADER_LEN, Header, LENGTH_PREFIX, LOG_APPEND_TIME, crc_matches};
pub use record::{Part, Record, RecordHeader, Records};

/// How much of a batch is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many bytes of each key and value are kept.
    pub part: usize,
    /// So many bytes of the value of each header are kept.
    pub header: usize,
    /// So many headers of a record are kept.
    pub headers: usize,
    /// A batch that has more bytes than this when it is decompressed is read no further.
    pub batch: u64,
}

/// Why a batch cannot be read, or not to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// See [`Limits::batch`].
    #[error("it is too large when it is decompressed")]
    TooLarge,
    /// A codec that does not exist.
    #[error("its compression is not known")]
    Codec,
    /// An older format, which Kafka 3 stored and never sends in the versions that Twinkey asks for.
    #[error("its format is not known")]
    Format,
    /// The bytes are not what they claim to be.
    #[error("it is damaged")]
    Damaged,
}

/// One batch.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What is stated about it.
    pub header: Header,
    bytes: Bytes,
}

/// What a control batch says about a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// It was given up.
    Abort,
    /// It took effect.
    Commit,
}

impl Batch {
    /// The records, which are read one by one.
    pub fn records(&self, limits: Limits) -> Result<Records<'_>, Unreadable> {
        if self.header.magic != 2 {
            return Err(Unreadable::Format);
        }
        if !crc_matches(&self.header, &self.bytes) {
            return Err(Unreadable::Damaged);
        }
        let stream = decompress::stream(self.header.codec(), &self.bytes[HEADER_LEN..], limits.batch)?;
        Ok(Records::new(self.header, stream, limits))
    }

    /// What it says about its producer's transaction, if it is a control batch that says something.
    pub fn marker(&self) -> Option<Marker> {
        /// Version and type, two bytes each.
        const KEY: usize = 4;
        let limits = Limits { part: KEY, header: 0, headers: 0, batch: 1 << 10 };
        let record = if self.header.is_control() { self.records(limits).ok()?.next()?.ok()? } else { return None };
        match record.key?.bytes.get(2..KEY)? {
            [0, 0] => Some(Marker::Abort),
            [0, 1] => Some(Marker::Commit),
            _ => None,
        }
    }
}

/// The whole batches at the beginning of `bytes`. Ends where one is cut off.
pub fn batches(mut bytes: Bytes) -> impl Iterator<Item = Batch> {
    std::iter::from_fn(move || {
        let header = Header::read(&bytes)?;
        let size = header.size().filter(|size| *size <= bytes.len())?;
        Some(Batch { header, bytes: bytes.split_to(size) })
    })
}

#[cfg(test)]
mod tests;
