//! The committed offsets of all groups, in memory and in a journal.
//!
//! Every change is a [`Record`]: it is written to the journal, then applied to memory by the same code that replays the
//! journal at the start. So memory never holds what the disk does not.
//!
//! Offsets of transactions come later. They will be records of their own, held beside `topics` until the transaction
//! ends; `OffsetFetch` with `require_stable` then has to answer UNSTABLE_OFFSET_COMMIT for partitions that have any.

use std::{
    collections::BTreeMap,
    io,
    ops::Bound,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    GroupError, Scope,
    journal::{Journal, Replacement},
    limits,
};

/// The journal is rewritten once it is longer than this and four times as long as after the last rewrite.
const REWRITE_FROM: u64 = 4 * 1024 * 1024;

/// An offset that a group committed for one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Committed {
    /// The topic's id at the time: a topic that was deleted and created again does not inherit the offset.
    topic_id: u128,
    /// The next offset to read.
    pub offset: i64,
    /// The leader epoch of the last record that was read, or -1.
    pub leader_epoch: i32,
    /// What the client wished to remember.
    pub metadata: String,
    /// When, in milliseconds since 1970.
    at: i64,
}

impl Committed {
    /// An offset that is committed now.
    pub(crate) fn new(topic_id: Uuid, offset: i64, leader_epoch: i32, metadata: String) -> Self {
        Self { topic_id: topic_id.as_u128(), offset, leader_epoch, metadata, at: 0 }
    }

    /// Of which topic it is.
    pub(crate) fn topic_id(&self) -> Uuid {
        Uuid::from_u128(self.topic_id)
    }
}

/// A change of what is committed. The order of the variants is part of the format.
#[derive(Debug, Serialize, Deserialize)]
enum Record {
    Commit {
        group: String,
        by_member: bool,
        offsets: Vec<(String, i32, Committed)>,
    },
    Forget {
        group: String,
        partitions: Vec<(String, i32)>,
    },
    ForgetGroup {
        group: String,
    },
    ForgetTopic {
        topic: String,
    },
    /// The last member left, at this time in milliseconds.
    Emptied {
        group: String,
        at: i64,
    },
    /// A member joined.
    Occupied {
        group: String,
    },
}

/// The partitions of a topic.
type Partitions = BTreeMap<i32, Committed>;

/// What one group committed.
#[derive(Debug, Default)]
struct GroupOffsets {
    topics: BTreeMap<String, Partitions>,
    /// Since when it has no members; `None` while it has some.
    emptied_at: Option<i64>,
    last_commit: i64,
}

impl GroupOffsets {
    fn count(&self) -> usize {
        self.topics.values().map(BTreeMap::len).sum()
    }
}

/// All committed offsets.
#[derive(Debug)]
pub(super) struct Offsets {
    groups: BTreeMap<String, GroupOffsets>,
    journal: Journal,
    rewritten_len: u64,
}

impl Offsets {
    /// Opens the journal at `path` and reads it. Members do not survive a restart, so that groups that had some are empty
    /// from `now` on.
    pub(super) fn open(path: &Path, now: Timestamp) -> io::Result<Self> {
        let mut groups = BTreeMap::new();
        let journal = Journal::open(path, |payload| {
            let record =
                postcard::from_bytes(payload).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            apply(&mut groups, record);
            Ok(())
        })?;
        let mut offsets = Self { groups, journal, rewritten_len: 0 };
        let occupied: Vec<String> =
            offsets.groups.iter().filter(|(_, group)| group.emptied_at.is_none()).map(|(id, _)| id.clone()).collect();
        for group in occupied {
            offsets.set_occupied(&group, false, now);
        }
        Ok(offsets)
    }

    fn write(&mut self, record: Record) -> Result<(), GroupError> {
        let payload = postcard::to_stdvec(&record).map_err(|_| GroupError::InvalidRequest)?;
        self.journal.append(&payload).map_err(|error| {
            tracing::warn!(%error, "committed offsets could not be written");
            GroupError::NotStored
        })?;
        apply(&mut self.groups, record);
        Ok(())
    }

    /// Whether the group has committed offsets.
    pub(super) fn contains(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    /// The groups with committed offsets.
    pub(super) fn groups(&self) -> impl Iterator<Item = &String> {
        self.groups.keys()
    }

    /// How many groups of a scope have offsets.
    pub(super) fn groups_of(&self, scope: &Scope, group: &str) -> usize {
        neighbours(&self.groups, scope, group)
    }

    /// Stores offsets, all or none. `by_member` tells them from those of a consumer without a group.
    pub(super) fn commit(
        &mut self,
        group: &str,
        by_member: bool,
        mut offsets: Vec<(String, i32, Committed)>,
        now: Timestamp,
    ) -> Result<(), GroupError> {
        let count = self.groups.get(group).map_or(0, GroupOffsets::count);
        let new = offsets.iter().filter(|(topic, partition, _)| self.get(group, topic, *partition).is_none()).count();
        if count + new > limits::OFFSETS_OF_GROUP {
            return Err(GroupError::TooManyOffsets);
        }
        for (_, _, offset) in &mut offsets {
            offset.at = now.as_millisecond();
        }
        if offsets.is_empty() {
            Ok(())
        } else {
            self.write(Record::Commit { group: group.to_owned(), by_member, offsets })
        }
    }

    /// What was committed for a partition.
    pub(super) fn get(&self, group: &str, topic: &str, partition: i32) -> Option<&Committed> {
        self.groups.get(group)?.topics.get(topic)?.get(&partition)
    }

    /// Everything that the group committed.
    pub(super) fn all(&self, group: &str) -> Vec<(String, i32, Committed)> {
        self.groups.get(group).map(entries).unwrap_or_default()
    }

    /// Removes offsets of a group.
    pub(super) fn forget(&mut self, group: &str, partitions: Vec<(String, i32)>) -> Result<(), GroupError> {
        if partitions.is_empty() || !self.contains(group) {
            return Ok(());
        }
        self.write(Record::Forget { group: group.to_owned(), partitions })
    }

    /// Removes all offsets of a group.
    pub(super) fn forget_group(&mut self, group: &str) -> Result<(), GroupError> {
        if self.contains(group) { self.write(Record::ForgetGroup { group: group.to_owned() }) } else { Ok(()) }
    }

    /// Removes the offsets of all groups for a topic that is gone.
    pub(super) fn forget_topic(&mut self, topic: &str) -> Result<(), GroupError> {
        if self.groups.values().any(|group| group.topics.contains_key(topic)) {
            self.write(Record::ForgetTopic { topic: topic.to_owned() })
        } else {
            Ok(())
        }
    }

    /// Takes note of whether the group has members. That it cannot be written is not worth refusing a join: at worst,
    /// after a crash, offsets are kept for longer, or for seven days from the last commit.
    pub(super) fn set_occupied(&mut self, group: &str, occupied: bool, now: Timestamp) {
        let Some(known) = self.groups.get(group) else {
            return;
        };
        if known.emptied_at.is_none() == occupied {
            return;
        }
        let (id, emptied_at) = (group.to_owned(), (!occupied).then(|| now.as_millisecond()));
        let record =
            emptied_at.map_or(Record::Occupied { group: id.clone() }, |at| Record::Emptied { group: id.clone(), at });
        if self.write(record).is_err()
            && let Some(known) = self.groups.get_mut(&id)
        {
            known.emptied_at = emptied_at;
        }
    }

    /// Removes what nobody used for seven days: neither a member nor a commit.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let Ok(before) = now.checked_sub(limits::OFFSETS_RETENTION) else {
            return;
        };
        let before = before.as_millisecond();
        let expired = |group: &GroupOffsets| group.emptied_at.is_some_and(|at| at.max(group.last_commit) <= before);
        let expired: Vec<String> =
            self.groups.iter().filter(|(_, group)| expired(group)).map(|(id, _)| id.clone()).collect();
        for group in expired {
            if self.forget_group(&group).is_err() {
                return; // the next round tries again
            }
            tracing::info!(group, "the committed offsets of an unused group have expired");
        }
    }

    /// Whether most of the journal is likely to be out of date.
    pub(super) fn wants_rewrite(&self) -> bool {
        self.journal.len() > REWRITE_FROM.max(4 * self.rewritten_len)
    }

    /// What a rewritten journal has to hold, for [`Snapshot::write`].
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut records = Vec::new();
        for (id, group) in &self.groups {
            for offsets in entries(group).chunks(1_000) {
                records.push(Record::Commit { group: id.clone(), by_member: true, offsets: offsets.to_vec() });
            }
            if let Some(at) = group.emptied_at {
                records.push(Record::Emptied { group: id.clone(), at });
            }
        }
        Snapshot { records, path: self.journal.path().to_owned(), since: self.journal.len() }
    }

    /// Goes over to the rewritten journal.
    pub(super) fn replace_journal(&mut self, rewritten: Rewritten) -> io::Result<()> {
        self.journal.replace(rewritten.journal, rewritten.since)?;
        self.rewritten_len = self.journal.len();
        Ok(())
    }
}

/// How many keys lie in a scope that `name` lies in. Its names begin alike, so that they lie side by side.
pub(super) fn neighbours<T>(map: &BTreeMap<String, T>, scope: &Scope, name: &str) -> usize {
    let inside = |(id, _): &(&String, &T)| scope.contains(id);
    let range = |bounds: (Bound<&str>, Bound<&str>)| map.range::<str, _>(bounds);
    let before = range((Bound::Unbounded, Bound::Excluded(name))).rev().take_while(inside).count();
    before + range((Bound::Included(name), Bound::Unbounded)).take_while(inside).count()
}

/// All offsets at one moment.
pub(super) struct Snapshot {
    records: Vec<Record>,
    path: PathBuf,
    since: u64,
}

/// A rewritten journal that is not yet in its place.
pub(super) struct Rewritten {
    journal: Replacement,
    since: u64,
}

impl Snapshot {
    /// Writes the new journal beside the old one; takes a while and holds no lock.
    pub(super) fn write(self) -> io::Result<Rewritten> {
        let payloads =
            self.records.iter().map(postcard::to_stdvec).collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
        Ok(Rewritten { journal: Journal::replacement(&self.path, payloads)?, since: self.since })
    }
}

fn entries(group: &GroupOffsets) -> Vec<(String, i32, Committed)> {
    let topic = |(topic, partitions): (&String, &Partitions)| -> Vec<_> {
        partitions.iter().map(|(partition, committed)| (topic.clone(), *partition, committed.clone())).collect()
    };
    group.topics.iter().flat_map(topic).collect()
}

/// Applies a record; also a record that says nothing new, which a crash during a rewrite may leave.
fn apply(groups: &mut BTreeMap<String, GroupOffsets>, record: Record) {
    match record {
        Record::Commit { group, by_member, offsets } => {
            let group = groups.entry(group).or_default();
            for (topic, partition, committed) in offsets {
                group.last_commit = group.last_commit.max(committed.at);
                group.topics.entry(topic).or_default().insert(partition, committed);
            }
            group.emptied_at = (!by_member).then_some(group.last_commit);
        }
        Record::Forget { group, partitions } => {
            if let Some(group) = groups.get_mut(&group) {
                for (topic, partition) in partitions {
                    if let Some(partitions) = group.topics.get_mut(&topic) {
                        partitions.remove(&partition);
                    }
                }
                group.topics.retain(|_, partitions| !partitions.is_empty());
            }
            if groups.get(&group).is_some_and(|known| known.topics.is_empty()) {
                groups.remove(&group);
            }
        }
        Record::ForgetGroup { group } => {
            groups.remove(&group);
        }
        Record::ForgetTopic { topic } => {
            for group in groups.values_mut() {
                group.topics.remove(&topic);
            }
            groups.retain(|_, group| !group.topics.is_empty());
        }
        Record::Emptied { group, at } => {
            if let Some(group) = groups.get_mut(&group) {
                group.emptied_at = Some(at);
            }
        }
        Record::Occupied { group } => {
            if let Some(group) = groups.get_mut(&group) {
                group.emptied_at = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3_600).expect("in range")
    }

    fn committed(offset: i64) -> Committed {
        Committed::new(Uuid::from_u128(7), offset, 3, "note".to_owned())
    }

    fn stored(offsets: &Offsets, group: &str) -> Vec<(String, i32, i64)> {
        offsets
            .all(group)
            .into_iter()
            .map(|(topic, partition, committed)| (topic, partition, committed.offset))
            .collect()
    }

    #[test]
    fn what_was_committed_is_there_after_reopening_and_what_was_forgotten_is_not() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("offsets");
        let mut offsets = Offsets::open(&path, at(0)).expect("opens");
        offsets
            .commit("g", true, vec![("t".into(), 0, committed(5)), ("t".into(), 1, committed(6))], at(0))
            .expect("commits");
        offsets.commit("g", true, vec![("u".into(), 0, committed(7))], at(0)).expect("commits");
        offsets.commit("g", true, vec![("t".into(), 0, committed(8))], at(0)).expect("commits");
        offsets.commit("h", false, vec![("t".into(), 0, committed(9))], at(0)).expect("commits");
        offsets.forget("g", vec![("t".into(), 1)]).expect("forgets");
        let expected = vec![("t".to_owned(), 0, 8), ("u".to_owned(), 0, 7)];
        assert_eq!(stored(&offsets, "g"), expected);

        let mut offsets = Offsets::open(&path, at(0)).expect("opens");
        assert_eq!(stored(&offsets, "g"), expected);
        let found = offsets.get("g", "u", 0).expect("is there");
        assert_eq!((found.leader_epoch, &*found.metadata, found.topic_id()), (3, "note", Uuid::from_u128(7)));

        offsets.forget_topic("t").expect("forgets");
        assert!(!offsets.contains("h"), "a group without offsets is none");
        let offsets = Offsets::open(&path, at(0)).expect("opens");
        assert_eq!(stored(&offsets, "g"), [("u".to_owned(), 0, 7)]);
        assert!(!offsets.contains("h"));
    }

    #[test]
    fn a_commit_on_a_full_disk_is_refused_and_the_next_goes_on() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("offsets");
        let mut offsets = Offsets::open(&path, at(0)).expect("opens");
        offsets.commit("g", true, vec![("t".into(), 0, committed(1))], at(0)).expect("commits");
        offsets.journal.room = Some(5);
        assert_eq!(offsets.commit("g", true, vec![("t".into(), 0, committed(2))], at(0)), Err(GroupError::NotStored));
        assert_eq!(stored(&offsets, "g"), [("t".to_owned(), 0, 1)], "memory does not run ahead of the disk");
        offsets.journal.room = None;
        offsets.commit("g", true, vec![("t".into(), 0, committed(3))], at(0)).expect("commits");
        assert_eq!(stored(&Offsets::open(&path, at(0)).expect("opens"), "g"), [("t".to_owned(), 0, 3)]);
    }

    #[test]
    fn offsets_expire_a_week_after_the_group_became_empty_and_never_while_it_has_members() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("offsets");
        let mut offsets = Offsets::open(&path, at(0)).expect("opens");
        offsets.commit("g", true, vec![("t".into(), 0, committed(1))], at(0)).expect("commits");
        offsets.commit("simple", false, vec![("t".into(), 0, committed(1))], at(0)).expect("commits");
        offsets.expire(at(24 * 7 - 1));
        assert!(offsets.contains("simple"));
        offsets.expire(at(24 * 8));
        assert!(!offsets.contains("simple"));
        assert!(offsets.contains("g"), "it has members");

        // The broker was down while the group was in use: the week begins now.
        let mut offsets = Offsets::open(&path, at(24 * 30)).expect("opens");
        offsets.expire(at(24 * 30 + 1));
        assert!(offsets.contains("g"));
        // And another start does not begin it anew.
        let mut offsets = Offsets::open(&path, at(24 * 36)).expect("opens");
        offsets.expire(at(24 * 37));
        assert!(!offsets.contains("g"));

        offsets.commit("g", true, vec![("t".into(), 0, committed(1))], at(24 * 40)).expect("commits");
        offsets.set_occupied("g", false, at(24 * 50));
        offsets.expire(at(24 * 56));
        assert!(offsets.contains("g"));
        offsets.set_occupied("g", true, at(24 * 56));
        offsets.expire(at(24 * 70));
        assert!(offsets.contains("g"), "members have come back");
        offsets.set_occupied("g", false, at(24 * 70));
        offsets.expire(at(24 * 77));
        assert!(!offsets.contains("g"));
    }

    #[test]
    fn a_rewrite_makes_the_journal_short_and_loses_nothing() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("offsets");
        let mut offsets = Offsets::open(&path, at(0)).expect("opens");
        let note = "n".repeat(4_000);
        for offset in 0.. {
            let committed = Committed::new(Uuid::from_u128(7), offset, -1, note.clone());
            offsets.commit("g", true, vec![("t".into(), 0, committed)], at(0)).expect("commits");
            if offsets.wants_rewrite() {
                break;
            }
        }
        offsets.commit("old", true, vec![("t".into(), 0, committed(1))], at(0)).expect("commits");
        offsets.set_occupied("old", false, at(0));
        let before = offsets.journal.len();
        let snapshot = offsets.snapshot();
        offsets.commit("g", true, vec![("t".into(), 1, committed(4))], at(1)).expect("commits meanwhile");
        let rewritten = snapshot.write().expect("writes");
        offsets.replace_journal(rewritten).expect("replaces");
        assert!(offsets.journal.len() < before / 100);
        assert!(!offsets.wants_rewrite());
        let all = stored(&offsets, "g");
        assert_eq!(all.len(), 2);
        let mut reopened = Offsets::open(&path, at(1)).expect("opens");
        assert_eq!(stored(&reopened, "g"), all);
        reopened.expire(at(24 * 7));
        assert!(!reopened.contains("old"), "it is still known since when it is empty");
        assert!(reopened.contains("g"));
    }
}
