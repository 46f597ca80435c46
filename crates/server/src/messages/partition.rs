//! Going through the batches of one partition.

use std::{collections::HashSet, ops::ControlFlow};

use twinkey_api::message::Message;
use twinkey_kafka_wire::records::{self, Batch, Limits, Marker};

use super::show;
use crate::broker::Batches;

/// Where a reader is in a partition.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Its number.
    pub(super) partition: i32,
    /// The next offset to read.
    pub(super) next: i64,
    /// Offsets from this one on are not wanted.
    pub(super) stop: i64,
    /// Until the first message that is at least this old, in milliseconds, all are passed over.
    pub(super) since: Option<i64>,
}

impl Place {
    /// Whether everything that is wanted was read.
    pub(super) fn is_done(&self) -> bool {
        self.next >= self.stop
    }
}

/// What going through batches may still cost, in bytes: as they are stored, and decompressed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work(pub(super) u64);

impl Work {
    pub(super) fn is_over(self) -> bool {
        self.0 == 0
    }

    fn spend(&mut self, bytes: u64) {
        self.0 = self.0.saturating_sub(bytes);
    }
}

/// Gives every message that is wanted, with its time, to `take` until that breaks off: then `place` is at the message that was not
/// taken. What cannot be read is passed over, with a sentence about it.
pub(super) fn go_through(
    batches: &Batches,
    place: &mut Place,
    limits: Limits,
    work: &mut Work,
    mut take: impl FnMut(i64, Message) -> ControlFlow<()>,
) -> Vec<String> {
    let mut notes = Vec::new();
    let mut aborted = Aborted::new(&batches.aborted);
    for batch in records::batches(batches.bytes.clone()) {
        if place.is_done() || work.is_over() {
            break;
        }
        work.spend(u64::try_from(batch.header.length).unwrap_or_default());
        let header = batch.header;
        if !aborted.hides(&batch) && !header.is_control() && header.next_offset() > place.next {
            match read(&batch, place, limits, work, &mut take) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => break,
                Err(unreadable) => notes.push(format!(
                    "Partition {}: the batch at offset {} was passed over, because {unreadable}.",
                    place.partition, header.base_offset
                )),
            }
        }
        // Where the end is inside of a batch, what lies behind it is for whoever comes later.
        place.next = place.next.max(header.next_offset().min(place.stop));
    }
    notes
}

fn read(
    batch: &Batch,
    place: &mut Place,
    limits: Limits,
    work: &mut Work,
    take: &mut impl FnMut(i64, Message) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, records::Unreadable> {
    let mut records = batch.records(limits)?;
    let mut before = 0;
    while let Some(record) = records.next() {
        work.spend(records.consumed() - before);
        before = records.consumed();
        let record = record?;
        if record.offset < place.next || place.since.is_some_and(|since| record.timestamp < since) {
            continue;
        }
        if record.offset >= place.stop {
            place.next = place.stop;
            break;
        }
        place.since = None;
        place.next = record.offset;
        let time = record.timestamp;
        if take(time, show::message(place.partition, batch.header.is_log_append_time(), record)).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        place.next += 1;
    }
    Ok(ControlFlow::Continue(()))
}

/// Which producers' transactions end in vain at a place in the log, as Kafka's own consumers keep track of it.
struct Aborted {
    /// Producer and first offset, by offset, the first one last.
    to_come: Vec<(i64, i64)>,
    open: HashSet<i64>,
}

impl Aborted {
    fn new(aborted: &[(i64, i64)]) -> Self {
        let mut to_come = aborted.to_vec();
        to_come.sort_by_key(|(_, first)| std::cmp::Reverse(*first));
        Self { to_come, open: HashSet::new() }
    }

    /// Whether the batch belongs to a transaction that was given up. To be asked about each batch in its order.
    fn hides(&mut self, batch: &Batch) -> bool {
        let header = &batch.header;
        while let Some((producer, _)) = self.to_come.pop_if(|(_, first)| *first <= header.last_offset()) {
            self.open.insert(producer);
        }
        if header.is_control() && batch.marker() == Some(Marker::Abort) {
            self.open.remove(&header.producer_id);
        }
        header.is_transactional() && self.open.contains(&header.producer_id)
    }
}
