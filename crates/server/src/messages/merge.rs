//! Messages of several partitions in one order: by time, and within each partition as they are.
//!
//! Producers' clocks differ, so that times may go back within a partition. There a message counts as no older than the one before it
//! (or, from the end, as no newer than the one behind it); so each partition gives a beginning (or an end) of what it has, and a
//! cursor of one offset for each says exactly where the next page begins.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ops::ControlFlow,
};

use twinkey_api::message::Message;

use super::show;

/// So many bytes of messages are kept for one page, or the one that is larger.
pub(super) const ROOM: usize = 2 << 20;

/// By time, partition and offset.
type Key = (i64, i32, i64);

/// The first messages of all that are offered.
pub(super) struct First {
    limit: usize,
    kept: BTreeMap<Key, Message>,
    weight: usize,
    /// What comes from here on has no room.
    bound: Option<Key>,
    /// For each partition the newest time so far.
    times: HashMap<i32, i64>,
    /// For each partition the first message that has found no room.
    left: HashMap<i32, i64>,
}

impl First {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, kept: BTreeMap::new(), weight: 0, bound: None, times: HashMap::new(), left: HashMap::new() }
    }

    /// Takes a message, in each partition one after the other. Breaks off where no later one of the same partition can have room.
    pub(super) fn offer(&mut self, time: i64, message: Message) -> ControlFlow<()> {
        let newest = self.times.entry(message.partition).or_insert(time);
        *newest = time.max(*newest);
        let key = (*newest, message.partition, message.offset);
        if self.bound.is_some_and(|bound| key >= bound) {
            self.leave(key);
            return ControlFlow::Break(());
        }
        self.weight += show::weight(&message);
        self.kept.insert(key, message);
        while self.kept.len() > self.limit || (self.weight > ROOM && self.kept.len() > 1) {
            let Some((key, message)) = self.kept.pop_last() else { break };
            self.weight -= show::weight(&message);
            self.bound = Some(key);
            self.leave(key);
        }
        if self.left.contains_key(&key.1) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn leave(&mut self, (_, partition, offset): Key) {
        let first = self.left.entry(partition).or_insert(offset);
        *first = offset.min(*first);
    }

    /// The messages, and for each partition that has more the offset of the next one.
    pub(super) fn finish(self) -> (Vec<Message>, HashMap<i32, i64>) {
        (self.kept.into_values().collect(), self.left)
    }
}

/// The last messages of one partition.
pub(super) struct Tail {
    limit: usize,
    kept: VecDeque<(i64, Message)>,
    weight: usize,
}

impl Tail {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, kept: VecDeque::new(), weight: 0 }
    }

    pub(super) fn push(&mut self, time: i64, message: Message) {
        self.weight += show::weight(&message);
        self.kept.push_back((time, message));
        while self.kept.len() > self.limit || (self.weight > ROOM && self.kept.len() > 1) {
            let Some((_, message)) = self.kept.pop_front() else { break };
            self.weight -= show::weight(&message);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }
}

/// The last messages of several partitions.
pub(super) struct Last {
    limit: usize,
    kept: BTreeMap<Key, Message>,
    weight: usize,
}

impl Last {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, kept: BTreeMap::new(), weight: 0 }
    }

    /// Takes the end of a partition.
    pub(super) fn add(&mut self, tail: Tail) {
        let mut oldest = i64::MAX;
        for (time, message) in tail.kept.into_iter().rev() {
            oldest = oldest.min(time);
            self.weight += show::weight(&message);
            self.kept.insert((oldest, message.partition, message.offset), message);
        }
        while self.kept.len() > self.limit || (self.weight > ROOM && self.kept.len() > 1) {
            let Some((_, message)) = self.kept.pop_first() else { break };
            self.weight -= show::weight(&message);
        }
    }

    pub(super) fn finish(self) -> Vec<Message> {
        self.kept.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use twinkey_api::message::TimestampType;

    use super::*;

    fn message(partition: i32, offset: i64) -> Message {
        Message {
            partition,
            offset,
            timestamp: None,
            timestamp_type: TimestampType::CreateTime,
            key: None,
            value: None,
            headers: Vec::new(),
            headers_left_out: 0,
            size: 0,
        }
    }

    /// Reads pages of partitions that hold these times, in rounds of `round` messages, until everything was read.
    fn pages(partitions: &[Vec<i64>], limit: usize, round: usize) -> Vec<Vec<(i32, i64)>> {
        let mut next = vec![0_usize; partitions.len()];
        let mut pages = Vec::new();
        while next.iter().zip(partitions).any(|(next, times)| *next < times.len()) {
            let (mut first, mut places, mut done) = (First::new(limit), next.clone(), vec![false; partitions.len()]);
            while done.contains(&false) {
                for (partition, times) in partitions.iter().enumerate() {
                    for _ in 0..round {
                        let offset = places[partition];
                        let Some(time) = times.get(offset).filter(|_| !done[partition]) else {
                            done[partition] = true;
                            break;
                        };
                        if first.offer(*time, message(partition as i32, offset as i64)).is_break() {
                            done[partition] = true;
                        } else {
                            places[partition] += 1;
                        }
                    }
                }
            }
            let (messages, left) = first.finish();
            next = places;
            for (partition, offset) in left {
                next[partition as usize] = offset as usize;
            }
            pages.push(messages.iter().map(|it| (it.partition, it.offset)).collect());
        }
        pages
    }

    proptest! {
        #[test]
        fn pages_lose_nothing_repeat_nothing_and_keep_the_order_of_each_partition(
            partitions in prop::collection::vec(prop::collection::vec(0_i64..30, 0..12), 1..5),
            limit in 1_usize..8,
            round in 1_usize..5,
        ) {
            let pages = pages(&partitions, limit, round);
            prop_assert!(pages.iter().all(|page| !page.is_empty() && page.len() <= limit));
            for (partition, times) in partitions.iter().enumerate() {
                let of = pages.iter().flatten().filter(|it| it.0 == partition as i32).map(|it| it.1);
                prop_assert_eq!(of.collect::<Vec<_>>(), (0..times.len() as i64).collect::<Vec<_>>());
            }
            // Within a page it is by time, where times do not go back.
            if partitions.iter().all(|times| times.is_sorted()) {
                let times: Vec<_> = pages.concat().iter().map(|it| partitions[it.0 as usize][it.1 as usize]).collect();
                prop_assert!(times.is_sorted(), "{times:?}");
            }
        }

        #[test]
        fn the_last_ones_are_the_ends_of_the_partitions(
            partitions in prop::collection::vec(prop::collection::vec(0_i64..30, 0..12), 1..5),
            limit in 1_usize..8,
        ) {
            let mut last = Last::new(limit);
            for (partition, times) in partitions.iter().enumerate() {
                let mut tail = Tail::new(limit);
                times.iter().enumerate().for_each(|(it, time)| tail.push(*time, message(partition as i32, it as i64)));
                last.add(tail);
            }
            let found = last.finish();
            prop_assert_eq!(found.len(), limit.min(partitions.iter().map(Vec::len).sum()));
            for (partition, times) in partitions.iter().enumerate() {
                let of: Vec<_> = found.iter().filter(|it| it.partition == partition as i32).map(|it| it.offset).collect();
                let end = times.len() as i64;
                prop_assert_eq!(&of, &(end - of.len() as i64..end).collect::<Vec<_>>());
            }
        }
    }
}
