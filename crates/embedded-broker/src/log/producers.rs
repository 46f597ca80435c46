//! What idempotent producers wrote last (KIP-98), so that what they send again is stored once.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::batch::Header;

/// How many batches of a producer are remembered. Clients have at most five requests under way.
const REMEMBERED: usize = 5;
/// How long a producer that writes nothing is remembered.
const EXPIRY_MS: i64 = 7 * 24 * 3600 * 1000;
/// The most producers that one partition remembers; beyond it those silent for longest are forgotten first.
const MAX_PRODUCERS: usize = 20_000;

/// One batch that a producer wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) base_sequence: i32,
    pub(super) last_sequence: i32,
    pub(super) base_offset: i64,
    /// When the broker's clock dated the batch; -1 if the producer's did.
    pub(super) log_append_time: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Producer {
    epoch: i16,
    last_active: i64,
    written: VecDeque<Written>,
}

/// The producers of one partition, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Producers {
    by_id: HashMap<i64, Producer>,
}

/// What is to be done with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Append,
    Duplicate(Written),
    OutOfOrder,
    OldEpoch,
}

impl Producers {
    /// Decides on a batch that passed validation.
    pub(super) fn check(&self, header: &Header) -> Verdict {
        let Some(producer) = self.by_id.get(&header.producer_id).filter(|_| header.producer_id >= 0) else {
            // Kafka too takes any first sequence of a producer that it does not (any longer) know.
            return Verdict::Append;
        };
        if header.producer_epoch < producer.epoch {
            return Verdict::OldEpoch;
        }
        if header.producer_epoch > producer.epoch {
            return if header.base_sequence == 0 { Verdict::Append } else { Verdict::OutOfOrder };
        }
        let last = last_sequence(header);
        let same = |written: &&Written| written.base_sequence == header.base_sequence && written.last_sequence == last;
        if let Some(written) = producer.written.iter().find(same) {
            return Verdict::Duplicate(*written);
        }
        match producer.written.back() {
            Some(written) if following(written.last_sequence, 1) == header.base_sequence => Verdict::Append,
            Some(_) => Verdict::OutOfOrder,
            None => Verdict::Append,
        }
    }

    /// Remembers a batch that was appended at `now` (milliseconds).
    pub(super) fn add(&mut self, header: &Header, base_offset: i64, log_append_time: i64, now: i64) {
        if header.producer_id < 0 {
            return;
        }
        if self.by_id.len() >= MAX_PRODUCERS && !self.by_id.contains_key(&header.producer_id) {
            self.forget_silent();
        }
        let epoch = header.producer_epoch;
        let fresh = || Producer { epoch, last_active: now, written: VecDeque::new() };
        let producer = self.by_id.entry(header.producer_id).or_insert_with(fresh);
        if producer.epoch != epoch {
            *producer = fresh();
        }
        producer.last_active = now;
        if producer.written.len() == REMEMBERED {
            producer.written.pop_front();
        }
        producer.written.push_back(Written {
            base_sequence: header.base_sequence,
            last_sequence: last_sequence(header),
            base_offset,
            log_append_time,
        });
    }

    /// Forgets who wrote nothing for a long time.
    pub(super) fn expire(&mut self, now: i64) {
        self.by_id.retain(|_, producer| now.saturating_sub(producer.last_active) < EXPIRY_MS);
    }

    /// Forgets the half that was silent for longest; so many at once that it is seldom done.
    fn forget_silent(&mut self) {
        let mut times: Vec<i64> = self.by_id.values().map(|producer| producer.last_active).collect();
        let middle = times.len() / 2;
        let (_, &mut limit, _) = times.select_nth_unstable(middle);
        self.by_id.retain(|_, producer| producer.last_active > limit);
    }
}

fn last_sequence(header: &Header) -> i32 {
    following(header.base_sequence, header.last_offset_delta)
}

/// The sequence that comes `count` after another; after the largest comes 0.
pub(super) fn following(sequence: i32, count: i32) -> i32 {
    ((i64::from(sequence) + i64::from(count)) % (i64::from(i32::MAX) + 1)) as i32
}
