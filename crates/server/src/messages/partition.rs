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
        // An older format has no such field; its offset is that of its last record.
        let next = if header.magic == 2 { header.next_offset() } else { header.base_offset.saturating_add(1) };
        // Where the end is inside of a batch, what lies behind it is for whoever comes later.
        place.next = place.next.max(next.min(place.stop));
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

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};

    use super::*;
    use crate::broker::Ends;

    const LIMITS: Limits = Limits { part: 100, header: 100, headers: 10, batch: 1 << 20 };

    /// A batch of one record of a producer; a control batch ends its transaction.
    fn batch(offset: i64, producer_id: i64, key: &'static [u8], control: bool) -> Bytes {
        let record = Record {
            transactional: producer_id >= 0,
            control,
            delete_horizon: false,
            partition_leader_epoch: 0,
            producer_id,
            producer_epoch: 0,
            timestamp_type: TimestampType::Creation,
            offset,
            sequence: -1,
            timestamp: 1000 + offset,
            key: Some(Bytes::from_static(key)),
            value: None,
            headers: kafka_protocol::indexmap::IndexMap::new(),
        };
        let mut bytes = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut bytes, [&record], &options).expect("a record can be encoded");
        bytes.freeze()
    }

    const ABORT: &[u8] = &[0, 0, 0, 0];
    const COMMIT: &[u8] = &[0, 0, 0, 1];

    fn batches(parts: &[Bytes], aborted: &[(i64, i64)]) -> Batches {
        Batches { bytes: parts.concat().into(), aborted: aborted.to_vec(), ends: Ends { low: 0, high: 100 } }
    }

    fn place(next: i64, stop: i64) -> Place {
        Place { partition: 0, next, stop, since: None }
    }

    fn offsets(batches: &Batches, place: &mut Place) -> Vec<i64> {
        let mut offsets = Vec::new();
        let notes = go_through(batches, place, LIMITS, &mut Work(1 << 20), |_, message| {
            offsets.push(message.offset);
            ControlFlow::Continue(())
        });
        assert_eq!(notes, Vec::<String>::new());
        offsets
    }

    #[test]
    fn what_was_given_up_is_not_shown() {
        let found = batches(
            &[
                batch(0, 7, b"a", false),
                batch(1, -1, b"b", false),
                batch(2, 8, b"c", false),
                batch(3, 7, ABORT, true),
                // The same producer again: this time it takes effect.
                batch(4, 7, b"d", false),
                batch(5, 7, COMMIT, true),
                batch(6, 8, COMMIT, true),
                batch(7, 7, b"e", false),
                batch(8, 7, ABORT, true),
            ],
            &[(7, 7), (7, 0)],
        );
        let mut from = place(0, 100);
        assert_eq!((offsets(&found, &mut from), from.next), (vec![1, 2, 4], 9));
        assert_eq!(offsets(&found, &mut place(2, 5)), [2, 4]);
    }

    #[test]
    fn whoever_breaks_off_comes_back_to_the_message_that_was_not_taken() {
        let found = batches(&[batch(0, -1, b"a", false), batch(1, -1, b"b", false), batch(2, -1, b"c", false)], &[]);
        let mut from = place(0, 100);
        let mut taken = 0;
        let notes = go_through(&found, &mut from, LIMITS, &mut Work(1 << 20), |_, _| {
            taken += 1;
            if taken > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((notes.len(), from.next), (0, 1));
        assert_eq!(offsets(&found, &mut place(0, 2)), [0, 1], "no further than is wanted");
        let since = &mut Place { since: Some(1001), ..place(0, 100) };
        assert_eq!(offsets(&found, since), [1, 2]);
    }

    #[test]
    fn work_ends_and_what_is_damaged_is_told() {
        let good = batch(0, -1, b"a", false);
        let mut torn = batch(1, -1, b"b", false).to_vec();
        *torn.last_mut().expect("bytes") ^= 1;
        let found = batches(&[good, torn.into(), batch(2, -1, b"c", false)], &[]);
        let mut from = place(0, 100);
        let mut work = Work(1 << 20);
        let notes = go_through(&found, &mut from, LIMITS, &mut work, |_, _| ControlFlow::Continue(()));
        assert_eq!(notes, ["Partition 0: the batch at offset 1 was passed over, because it is damaged."]);
        assert_eq!(from.next, 3);
        let (mut from, mut little) = (place(0, 100), Work(1));
        go_through(&found, &mut from, LIMITS, &mut little, |_, _| ControlFlow::Continue(()));
        assert!(little.is_over() && from.next == 1, "{from:?}");
    }
}
