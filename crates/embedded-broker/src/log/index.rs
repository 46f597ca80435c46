//! The sparse index of one segment: from offset or time to a position in the file.

/// How many bytes of a segment have one entry.
const INTERVAL: u64 = 4096;

/// Where one batch lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The base offset of the batch.
    pub(super) offset: i64,
    /// Where it begins in the file.
    pub(super) position: u32,
    /// The largest timestamp of all batches of the segment before this one; `i64::MIN` if there is none.
    pub(super) newest_before: i64,
}

/// The entries, in order of offset, position and time alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) entries: Vec<Entry>,
}

impl Index {
    /// Tells of a batch that was appended; every so often it becomes an entry.
    pub(super) fn add(&mut self, entry: Entry) {
        let due =
            self.entries.last().is_none_or(|last| u64::from(entry.position) >= u64::from(last.position) + INTERVAL);
        if due {
            self.entries.push(entry);
        }
    }

    /// Where to begin looking for the batch that holds `offset`.
    pub(super) fn position_of_offset(&self, offset: i64) -> u64 {
        self.before(self.entries.partition_point(|entry| entry.offset <= offset))
    }

    /// Where to begin looking for the first batch that has a timestamp of at least `timestamp`.
    pub(super) fn position_of_timestamp(&self, timestamp: i64) -> u64 {
        self.before(self.entries.partition_point(|entry| entry.newest_before < timestamp))
    }

    fn before(&self, index: usize) -> u64 {
        index.checked_sub(1).and_then(|index| self.entries.get(index)).map_or(0, |entry| u64::from(entry.position))
    }
}
