//! One segment file: where it is, how far it goes, and how to find a batch in it.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    batch::{self, HEADER_LEN, Header, LENGTH_PREFIX},
    files::{Files, SegmentFile},
    index::{Entry, Index},
    sidecar,
};

/// How much of a file is read at once when it is scanned.
const CHUNK: usize = 1 << 20;
/// No batch is larger: the upper bound of `max.message.bytes`, and the length prefix.
const MAX_BATCH: usize = (64 << 20) + LENGTH_PREFIX;

/// What is known of a segment besides its place. Times are in milliseconds of the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    /// How many bytes of the file are sound.
    pub(super) length: u64,
    /// The offset behind the last batch.
    pub(super) next_offset: i64,
    /// The largest timestamp of its batches; `i64::MIN` if there are none.
    pub(super) newest_timestamp: i64,
    /// Where the batch with that timestamp begins.
    pub(super) newest_position: u64,
    /// When its first batch was appended (or found, by a scan).
    pub(super) first_append: i64,
    /// When its last batch was appended (or found, by a scan).
    pub(super) last_append: i64,
}

impl Facts {
    pub(super) fn empty(base_offset: i64, now: i64) -> Self {
        Self {
            length: 0,
            next_offset: base_offset,
            newest_timestamp: i64::MIN,
            newest_position: 0,
            first_append: now,
            last_append: now,
        }
    }

    /// The age that retention goes by: producers' clocks may be wrong, and a timestamp in the future must not keep
    /// records for ever.
    pub(super) fn newest(&self) -> i64 {
        if self.newest_timestamp < 0 { self.last_append } else { self.newest_timestamp.min(self.last_append) }
    }

    /// Takes in a batch of `size` bytes that lies at the end.
    pub(super) fn add(&mut self, header: &Header, size: usize, now: i64, index: &mut Index) {
        let position = u32::try_from(self.length).expect("segments end far below 4 GiB");
        index.add(Entry { offset: header.base_offset, position, newest_before: self.newest_timestamp });
        if header.max_timestamp > self.newest_timestamp {
            self.newest_timestamp = header.max_timestamp;
            self.newest_position = self.length;
        }
        if self.length == 0 {
            self.first_append = now;
        }
        self.last_append = now;
        self.length += size as u64;
        self.next_offset = header.next_offset();
    }
}

/// One segment of a partition.
pub(super) struct Segment {
    pub(super) id: u64,
    pub(super) base_offset: i64,
    pub(super) facts: Facts,
    /// The index, in memory while the segment grows; a closed segment's is read when it is needed.
    pub(super) index: Option<Index>,
}

pub(super) fn log_path(dir: &Path, base_offset: i64) -> PathBuf {
    dir.join(format!("{base_offset:020}.log"))
}

pub(super) fn index_path(dir: &Path, base_offset: i64) -> PathBuf {
    dir.join(format!("{base_offset:020}.index"))
}

impl Segment {
    pub(super) fn is_closed(&self) -> bool {
        self.index.is_none()
    }

    pub(super) fn file(&self, dir: &Path, files: &Files) -> io::Result<Arc<SegmentFile>> {
        files.open(self.id, &log_path(dir, self.base_offset))
    }

    /// Opens the file and asks the index.
    pub(super) fn look_up(&self, dir: &Path, files: &Files, ask: impl Fn(&Index) -> u64) -> io::Result<View> {
        let file = self.file(dir, files)?;
        let position = match (&self.index, file.index.get()) {
            (Some(index), _) | (None, Some(index)) => ask(index),
            (None, None) => {
                let index = self.load_index(dir, &file.file)?;
                let position = ask(&index);
                // Another reader may have been faster; then its index is the same.
                let _ = file.index.set(index);
                position
            }
        };
        Ok(View { file, position, length: self.facts.length })
    }

    fn load_index(&self, dir: &Path, file: &File) -> io::Result<Index> {
        if let Some((facts, index)) = sidecar::read(&index_path(dir, self.base_offset))
            && facts.length == self.facts.length
        {
            return Ok(index);
        }
        let mut index = Index::default();
        let mut facts = Facts::empty(self.base_offset, 0);
        scan(file, 0, self.facts.length, |header, size| {
            facts.add(header, size, 0, &mut index);
            true
        })?;
        Ok(index)
    }
}

/// A place in an open segment file.
pub(super) struct View {
    pub(super) file: Arc<SegmentFile>,
    pub(super) position: u64,
    /// Readers go no further.
    pub(super) length: u64,
}

impl View {
    /// Goes forward to the first batch, from here on, that `wanted` says yes to.
    pub(super) fn seek(&mut self, mut wanted: impl FnMut(&Header) -> bool) -> io::Result<Option<(Header, usize)>> {
        while let Some((header, size)) = self.header()? {
            if wanted(&header) {
                return Ok(Some((header, size)));
            }
            self.position += size as u64;
        }
        Ok(None)
    }

    /// The header of the batch at this place and the batch's size; `None` at the end.
    pub(super) fn header(&self) -> io::Result<Option<(Header, usize)>> {
        if self.position >= self.length {
            return Ok(None);
        }
        let mut bytes = [0; HEADER_LEN];
        self.file.file.read_exact_at(&mut bytes, self.position)?;
        let header = Header::read(&bytes);
        let sized = header.and_then(|header| Some((header, header.size()?)));
        match sized {
            Some((header, size)) if self.position + size as u64 <= self.length => Ok(Some((header, size))),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "a stored batch is damaged")),
        }
    }

    /// `length` bytes from here on.
    pub(super) fn bytes(&self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file.file.read_exact_at(&mut bytes, self.position)?;
        Ok(bytes)
    }
}

/// Reads the batches between two positions of a file, checking each, until one is torn or `visit` says no.
/// Returns the position where it stopped.
pub(super) fn scan(file: &File, from: u64, to: u64, mut visit: impl FnMut(&Header, usize) -> bool) -> io::Result<u64> {
    let mut position = from;
    let mut buffer = Vec::new();
    let mut start = 0;
    loop {
        let rest = &buffer[start..];
        if let Ok((header, size)) = batch::first_whole(rest) {
            if !visit(&header, size) {
                return Ok(position);
            }
            start += size;
            position += size as u64;
            continue;
        }
        // Perhaps it is only the buffer that ends here.
        let claimed = Header::read(rest).and_then(|header| header.size()).filter(|size| *size <= MAX_BATCH);
        let wanted =
            claimed.unwrap_or(0).max(CHUNK).min(usize::try_from(to.saturating_sub(position)).unwrap_or(usize::MAX));
        if rest.len() >= wanted {
            return Ok(position);
        }
        buffer.resize(wanted, 0);
        start = 0;
        file.read_exact_at(&mut buffer, position)?;
    }
}
