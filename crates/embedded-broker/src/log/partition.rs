//! One partition: append, read, look up by time, and waiting for more.

use std::{
    fs::{self, OpenOptions},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use bytes::Bytes;
use tokio::sync::watch;

use super::{
    BatchError, Files, LEADER_EPOCH, LogConfig, Rules,
    batch::{self, HEADER_LEN, Header},
    index::Index,
    producers::{Producers, Verdict},
    segment::{Facts, Segment, View, index_path, log_path},
    sidecar, validate,
};
use crate::clock::Clock;

/// The log of one partition. All of it may be used from several threads; appends follow one another.
pub struct Partition {
    pub(super) dir: PathBuf,
    pub(super) files: Arc<Files>,
    pub(super) clock: Clock,
    config: RwLock<Arc<LogConfig>>,
    state: Mutex<State>,
    end: watch::Sender<i64>,
}

/// What changes. Only the last segment may be open for appends (it has an index in memory).
#[derive(Default)]
pub(super) struct State {
    pub(super) segments: Vec<Segment>,
    pub(super) log_start: i64,
    pub(super) end: i64,
    pub(super) producers: Producers,
    /// Up to which offset the producers file goes.
    pub(super) covered: i64,
    /// How much of the last segment its index file covers.
    pub(super) checkpointed: u64,
    /// A failed append may have left bytes behind the end of the last segment.
    pub(super) repair: bool,
    /// The topic was deleted.
    pub(super) retired: bool,
}

/// Where a batch was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    /// The offset of its first record.
    pub(crate) base_offset: i64,
    /// The time that the broker gave it, in milliseconds; -1 if the producer's times count.
    pub(crate) log_append_time: i64,
    /// The first offset of the partition.
    pub(crate) log_start_offset: i64,
}

/// Why a batch was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// The batch is not acceptable.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The batch's sequence does not follow the producer's last one.
    #[error("The record batch is out of order: its sequence does not follow the producer's last one.")]
    OutOfOrderSequence,
    /// A producer with the same id and a newer epoch has written.
    #[error("The producer's epoch is over.")]
    OldProducerEpoch,
    /// The topic was deleted.
    #[error("The topic was deleted.")]
    Deleted,
    /// The disk refused. Nothing was stored.
    #[error("The record batch could not be written to disk.")]
    Storage(#[source] io::Error),
}

/// What a reader gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    /// Whole batches; the first holds the offset asked for, if there is such an offset yet.
    pub(crate) records: Bytes,
    pub(crate) high_watermark: i64,
    pub(crate) log_start_offset: i64,
}

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The offset is below the log start or above the high watermark.
    #[error("The offset is not within the log.")]
    OutOfRange { high_watermark: i64, log_start_offset: i64 },
    /// The topic was deleted.
    #[error("The topic was deleted.")]
    Deleted,
    /// The disk refused.
    #[error("The log could not be read.")]
    Storage(#[from] io::Error),
}

/// A record found by its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoundOffset {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
}

impl Partition {
    /// Opens the log in `dir`, which need not exist, and recovers what a crash left.
    pub(crate) fn open(dir: PathBuf, config: Arc<LogConfig>, files: Arc<Files>, clock: Clock) -> io::Result<Self> {
        let state = super::recovery::open(&dir, &files, clock().as_millisecond())?;
        let end = watch::Sender::new(state.end);
        Ok(Self { dir, files, clock, config: RwLock::new(config), state: Mutex::new(state), end })
    }

    /// From now on these settings hold.
    pub(crate) fn configure(&self, config: Arc<LogConfig>) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    pub(super) fn config(&self) -> Arc<LogConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A panic of one request must not end the partition: every change of the state is made after the last thing that
    /// can fail.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first offset that can be read.
    pub fn log_start_offset(&self) -> i64 {
        self.state().log_start
    }

    /// The offset that the next record will get. Everything below it can be read.
    pub fn high_watermark(&self) -> i64 {
        self.state().end
    }

    /// How many bytes of records are stored.
    pub fn size_bytes(&self) -> u64 {
        self.state().segments.iter().map(|segment| segment.facts.length).sum()
    }

    /// Tells the high watermark whenever it moves; also when the topic is deleted.
    pub(crate) fn subscribe(&self) -> watch::Receiver<i64> {
        self.end.subscribe()
    }

    /// Ends the log: its topic was deleted. Whoever waits for records is woken and gets errors from now on.
    pub(crate) fn retire(&self) {
        let mut state = self.state();
        state.retired = true;
        for segment in &state.segments {
            self.files.close(segment.id);
        }
        drop(state);
        self.end.send_modify(|_| ());
    }

    /// Checks one batch of a client and stores it. When this returns, the batch survives the end of the process.
    pub(crate) fn append(&self, bytes: &Bytes, rules: Rules) -> Result<Appended, AppendError> {
        let config = self.config();
        let header = validate::validate(bytes, &config, rules)?;
        let now = (self.clock)().as_millisecond();
        let mut state = self.state();
        if state.retired {
            return Err(AppendError::Deleted);
        }
        match state.producers.check(&header) {
            Verdict::Append => {}
            Verdict::OutOfOrder => return Err(AppendError::OutOfOrderSequence),
            Verdict::OldEpoch => return Err(AppendError::OldProducerEpoch),
            Verdict::Duplicate(written) => {
                return Ok(Appended {
                    base_offset: written.base_offset,
                    log_append_time: written.log_append_time,
                    log_start_offset: state.log_start,
                });
            }
        }
        let base_offset = state.end;
        if base_offset.checked_add(i64::from(header.count)).is_none() {
            return Err(BatchError::Invalid("The partition has no offsets left.").into());
        }
        let append_time = config.log_append_time.then_some(now);
        let head = batch::stored_header(bytes, base_offset, LEADER_EPOCH, append_time);
        let stored = Header::read(&head).expect("a header was written");
        self.roll_if_due(&mut state, &config, now, bytes.len());
        self.write(&mut state, &head, &bytes[HEADER_LEN..], now).map_err(|error| {
            tracing::error!(partition = %self.dir.display(), %error, "a batch could not be written");
            AppendError::Storage(error)
        })?;
        let segment = state.segments.last_mut().expect("write left an open segment");
        let index = segment.index.as_mut().expect("write left an open segment");
        segment.facts.add(&stored, bytes.len(), now, index);
        state.producers.add(&stored, base_offset, append_time.unwrap_or(-1), now);
        state.end = stored.next_offset();
        let log_start_offset = state.log_start;
        // Under the lock, so that the value never goes back.
        self.end.send_replace(state.end);
        drop(state);
        Ok(Appended { base_offset, log_append_time: append_time.unwrap_or(-1), log_start_offset })
    }

    /// Writes a batch behind the end of the last segment, beginning one if there is none. After a failure the file is
    /// as long as before; if even that fails, the next append cuts it.
    fn write(&self, state: &mut State, head: &[u8], rest: &[u8], now: i64) -> io::Result<()> {
        if state.segments.last().is_none_or(Segment::is_closed) {
            self.begin_segment(state, now)?;
        }
        let segment = state.segments.last().expect("one was begun");
        let length = segment.facts.length;
        let file = segment.file(&self.dir, &self.files)?;
        if state.repair {
            file.file.set_len(length)?;
            state.repair = false;
        }
        // A setting that makes acknowledged data survive a power cut would sync the file behind these two writes.
        let head_end = length + head.len() as u64;
        let written =
            self.files.write_at(&file, head, length).and_then(|()| self.files.write_at(&file, rest, head_end));
        if written.is_err() {
            state.repair = file.file.set_len(length).is_err();
        }
        written
    }

    fn begin_segment(&self, state: &mut State, now: i64) -> io::Result<()> {
        match fs::create_dir(&self.dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let base_offset = state.end;
        OpenOptions::new().write(true).create(true).truncate(true).open(log_path(&self.dir, base_offset))?;
        let facts = Facts::empty(base_offset, now);
        state.segments.push(Segment { id: self.files.new_id(), base_offset, facts, index: Some(Index::default()) });
        state.checkpointed = 0;
        state.repair = false;
        Ok(())
    }

    pub(super) fn roll_if_due(&self, state: &mut State, config: &LogConfig, now: i64, more: usize) {
        let Some(Segment { facts, index: Some(_), .. }) = state.segments.last() else {
            return;
        };
        let full = facts.length + more as u64 > config.segment_bytes;
        let old = now.saturating_sub(facts.first_append) >= config.segment_ms;
        if facts.length > 0 && (full || old) {
            self.roll(state);
        }
    }

    /// Closes the last segment; the next append begins another.
    pub(super) fn roll(&self, state: &mut State) {
        if let Err(error) = self.save(state) {
            // Reads and the next start will scan the segment instead.
            tracing::warn!(partition = %self.dir.display(), %error, "the index of a closed segment was not written");
        }
        let State { segments, repair, .. } = state;
        let Some(segment) = segments.last_mut().filter(|segment| !segment.is_closed()) else {
            return;
        };
        if *repair && let Ok(file) = segment.file(&self.dir, &self.files) {
            // If it fails, the rest of the file is left out at the next start.
            let _ = file.file.set_len(segment.facts.length);
        }
        segment.index = None;
        *repair = false;
    }

    /// Writes down producers and the index of the open segment as they are now.
    pub(super) fn save(&self, state: &mut State) -> io::Result<()> {
        if state.segments.last().is_none_or(Segment::is_closed) {
            return Ok(());
        }
        // In this order: an index file counts only as far as the producers file goes (see `recovery`).
        self.save_producers(state)?;
        let Some(Segment { base_offset, facts, index: Some(index), .. }) = state.segments.last() else {
            return Ok(());
        };
        sidecar::write(&index_path(&self.dir, *base_offset), facts, index)?;
        state.checkpointed = facts.length;
        Ok(())
    }

    /// Writes down what producers wrote so far.
    pub(super) fn save_producers(&self, state: &mut State) -> io::Result<()> {
        sidecar::write_producers(&self.dir.join("producers"), state.end, &state.producers)?;
        state.covered = state.end;
        Ok(())
    }

    /// Finds the batch that holds `offset`. `None`: there is none yet.
    fn locate(&self, offset: i64) -> Result<(Option<Located>, i64, i64), ReadError> {
        let state = self.state();
        if state.retired {
            return Err(ReadError::Deleted);
        }
        let (high_watermark, log_start_offset) = (state.end, state.log_start);
        if offset < log_start_offset || offset > high_watermark {
            return Err(ReadError::OutOfRange { high_watermark, log_start_offset });
        }
        let index = state.segments.partition_point(|segment| segment.facts.next_offset <= offset);
        let Some(segment) = state.segments.get(index) else {
            return Ok((None, high_watermark, log_start_offset));
        };
        let mut view = segment.look_up(&self.dir, &self.files, |index| index.position_of_offset(offset))?;
        let behind = state.segments[index + 1..].iter().map(|segment| segment.facts.length).sum();
        drop(state);
        let found = view.seek(|header| header.next_offset() > offset)?;
        let located = found.map(|(_, first_size)| Located { view, first_size, behind });
        Ok((located, high_watermark, log_start_offset))
    }

    /// How many bytes there are to read from `offset` on.
    pub(crate) fn available(&self, offset: i64) -> Result<u64, ReadError> {
        let (located, ..) = self.locate(offset)?;
        Ok(located.map_or(0, |located| located.view.length - located.view.position + located.behind))
    }

    /// Reads whole batches from the one that holds `offset` on, at most `max_bytes`; if not even the first fits, it
    /// alone where `first_whole`, else nothing.
    pub(crate) fn read(&self, offset: i64, max_bytes: usize, first_whole: bool) -> Result<Read, ReadError> {
        let (located, high_watermark, log_start_offset) = self.locate(offset)?;
        let records = match located {
            Some(Located { view, first_size, .. }) if first_whole || first_size <= max_bytes => {
                let rest = usize::try_from(view.length - view.position).unwrap_or(usize::MAX);
                let mut bytes = view.bytes(max_bytes.clamp(first_size, rest))?;
                bytes.truncate(whole_batches(&bytes));
                Bytes::from(bytes)
            }
            _ => Bytes::new(),
        };
        Ok(Read { records, high_watermark, log_start_offset })
    }
}

/// A batch that was found.
struct Located {
    view: View,
    first_size: usize,
    /// How many bytes lie in later segments.
    behind: u64,
}

/// How many of these bytes are whole batches.
fn whole_batches(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(size) = Header::read(&bytes[end..]).and_then(|header| header.size()) {
        if size > bytes.len() - end {
            break;
        }
        end += size;
    }
    end
}
