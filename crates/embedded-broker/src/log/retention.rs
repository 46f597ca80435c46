//! What makes a log shorter at its start: retention, `DeleteRecords`, cleaning. And checkpoints, which come with it.

use std::io;

use jiff::Timestamp;

use super::{
    Partition, ReadError,
    partition::State,
    recovery::{remove_segment, write_log_start},
    segment::Segment,
};

/// After how many bytes the index of a growing segment is written down, so that the start after a crash stays short.
const CHECKPOINT_BYTES: u64 = 16 << 20;

impl Partition {
    /// Deletes closed segments that are too old or too much, and forgets producers that are gone. A segment whose newest
    /// record is too old is closed for it.
    pub(crate) fn apply_retention(&self, now: Timestamp) -> io::Result<()> {
        let now = now.as_millisecond();
        let config = self.config();
        let mut state = self.state();
        if state.retired {
            return Ok(());
        }
        state.producers.expire(now);
        self.roll_if_due(&mut state, &config, now, 0);
        if config.delete {
            let limit = if config.retention_ms < 0 { i64::MIN } else { now.saturating_sub(config.retention_ms) };
            let old = |segment: &Segment| segment.facts.length > 0 && segment.facts.newest() < limit;
            if state.segments.last().is_some_and(|segment| !segment.is_closed() && old(segment)) {
                self.roll(&mut state);
            }
            let closed = state.segments.iter().take_while(|segment| segment.is_closed());
            let mut delete = closed.clone().take_while(|segment| old(segment)).count();
            if let Ok(limit) = u64::try_from(config.retention_bytes) {
                let mut size: u64 = state.segments.iter().map(|segment| segment.facts.length).sum();
                let too_much = closed.take_while(|segment| {
                    size -= segment.facts.length;
                    size >= limit
                });
                delete = delete.max(too_much.count());
            }
            if delete > 0 {
                let start = state.segments.get(delete).map_or(state.end, |segment| segment.base_offset);
                self.move_log_start(&mut state, start)?;
            }
        }
        let grown = state.segments.last().map_or(0, |segment| segment.facts.length).saturating_sub(state.checkpointed);
        if grown >= CHECKPOINT_BYTES {
            self.save(&mut state)?;
        }
        Ok(())
    }

    /// Writes down the index and the producers if they have changed.
    pub(crate) fn checkpoint(&self) -> io::Result<()> {
        let mut state = self.state();
        let length = state.segments.last().map_or(0, |segment| segment.facts.length);
        if state.retired || length == state.checkpointed {
            return Ok(());
        }
        self.save(&mut state)
    }

    /// Deletes every record. Offsets go on from where they are.
    pub(crate) fn clean(&self) -> io::Result<()> {
        let mut state = self.state();
        let end = state.end;
        self.move_log_start(&mut state, end)
    }

    /// Deletes the records below `offset`; -1 stands for the high watermark. Returns the new log start.
    pub(crate) fn delete_records_before(&self, offset: i64) -> Result<i64, ReadError> {
        let mut state = self.state();
        if state.retired {
            return Err(ReadError::Deleted);
        }
        let target = if offset == -1 { state.end } else { offset };
        if target < 0 || target > state.end {
            return Err(ReadError::OutOfRange { high_watermark: state.end, log_start_offset: state.log_start });
        }
        self.move_log_start(&mut state, target)?;
        Ok(state.log_start)
    }

    /// Moves the log start forward, written down first, and deletes the segments that lie wholly below it.
    fn move_log_start(&self, state: &mut State, target: i64) -> io::Result<()> {
        if target <= state.log_start || state.retired {
            return Ok(());
        }
        if target == state.end {
            // All goes, also what is in the segment that still grows.
            self.roll(state);
        }
        let gone = state.segments.iter().take_while(|s| s.is_closed() && s.facts.next_offset <= target).count();
        if state.segments[..gone].iter().any(|segment| segment.facts.next_offset > state.covered) {
            // Producers must be written down before the batches that tell of them are deleted.
            self.save_producers(state)?;
        }
        write_log_start(&self.dir, target)?;
        state.log_start = target;
        for segment in state.segments.drain(..gone) {
            self.files.close(segment.id);
            remove_segment(&self.dir, segment.base_offset);
        }
        Ok(())
    }
}
