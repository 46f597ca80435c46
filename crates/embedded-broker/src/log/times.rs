//! Looking records up by their time.

use std::{io, sync::Arc};

use super::{
    FoundOffset, Partition, ReadError,
    batch::{self, HEADER_LEN, Header},
    partition::State,
    segment::{Segment, View},
};

impl Partition {
    /// The first record whose timestamp is at least `timestamp` (KIP-79). In a compressed batch, which is not opened,
    /// its first record stands for the one sought: a reader that starts there misses nothing.
    pub(crate) fn offset_for_timestamp(&self, timestamp: i64) -> Result<Option<FoundOffset>, ReadError> {
        let state = self.state();
        let log_start = state.log_start;
        let views = Self::views(&state, |segment| {
            let recent = segment.facts.newest_timestamp >= timestamp;
            recent.then(|| segment.look_up(&self.dir, &self.files, |index| index.position_of_timestamp(timestamp)))
        })?;
        drop(state);
        for mut view in views {
            let wanted = |header: &Header| header.max_timestamp >= timestamp && header.next_offset() > log_start;
            while let Some((header, size)) = view.seek(wanted)? {
                if let Some(found) = record_from(&view, &header, size, timestamp, log_start)? {
                    return Ok(Some(found));
                }
                view.position += size as u64;
            }
        }
        Ok(None)
    }

    /// The record with the largest timestamp (KIP-734). In a compressed batch its last record stands for it.
    pub(crate) fn newest_record(&self) -> Result<Option<FoundOffset>, ReadError> {
        let state = self.state();
        let log_start = state.log_start;
        let views = Self::views(&state, |segment| {
            (segment.facts.length > 0).then(|| {
                let view = segment.look_up(&self.dir, &self.files, |index| index.position_of_offset(log_start))?;
                // Where all of the segment counts, its newest batch is known.
                Ok(if segment.base_offset >= log_start {
                    View { position: segment.facts.newest_position, ..view }
                } else {
                    view
                })
            })
        })?;
        let whole: Vec<bool> =
            state.segments.iter().filter(|s| s.facts.length > 0).map(|s| s.base_offset >= log_start).collect();
        drop(state);
        let mut newest: Option<(View, Header, usize)> = None;
        for (mut view, whole) in views.into_iter().zip(whole) {
            while let Some((header, size)) = view.seek(|header| header.next_offset() > log_start)? {
                if newest.as_ref().is_none_or(|(_, best, _)| header.max_timestamp > best.max_timestamp) {
                    newest = Some((View { file: Arc::clone(&view.file), ..view }, header, size));
                }
                if whole {
                    break;
                }
                view.position += size as u64;
            }
        }
        let Some((view, header, size)) = newest.filter(|(_, header, _)| header.max_timestamp >= 0) else {
            return Ok(None);
        };
        let found = if header.codec() == 0 {
            record_from(&view, &header, size, header.max_timestamp, log_start)?
        } else {
            None
        };
        Ok(Some(found.unwrap_or(FoundOffset { offset: header.last_offset(), timestamp: header.max_timestamp })))
    }

    fn views(state: &State, view: impl FnMut(&Segment) -> Option<io::Result<View>>) -> Result<Vec<View>, ReadError> {
        if state.retired {
            return Err(ReadError::Deleted);
        }
        Ok(state.segments.iter().filter_map(view).collect::<io::Result<_>>()?)
    }
}

/// The first record of a batch, from `log_start` on, whose time is at least `timestamp`.
fn record_from(
    view: &View,
    header: &Header,
    size: usize,
    timestamp: i64,
    log_start: i64,
) -> io::Result<Option<FoundOffset>> {
    if header.is_log_append_time() {
        return Ok(Some(FoundOffset { offset: header.base_offset.max(log_start), timestamp: header.max_timestamp }));
    }
    if header.codec() != 0 {
        return Ok(Some(FoundOffset { offset: header.base_offset.max(log_start), timestamp: header.base_timestamp }));
    }
    let bytes = view.bytes(size)?;
    let found = batch::records(&bytes[HEADER_LEN..])
        .filter_map(Result::ok)
        .map(|record| FoundOffset {
            offset: header.base_offset.saturating_add(record.offset_delta),
            timestamp: header.base_timestamp.saturating_add(record.timestamp_delta),
        })
        .find(|found| found.timestamp >= timestamp && found.offset >= log_start);
    Ok(found)
}
