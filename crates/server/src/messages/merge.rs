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
