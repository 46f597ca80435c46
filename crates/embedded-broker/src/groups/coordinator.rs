//! All groups of the broker behind one lock.
//!
//! Each call locks, lets the state machine act, and unlocks; whoever has to wait then waits on a oneshot channel without
//! the lock. A commit writes to its journal under the lock: that is a copy into the page cache, and keeps the check of the
//! member and its effect together. One task sleeps until the next deadline of any group.
//!
//! Dropping the future of a waiting `join` or `sync` (the client is gone) tells the group.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    task::AbortHandle,
    time::Instant,
};
use uuid::Uuid;

use super::{
    Caller, Committed, Description, GroupError, Join, Joined, Leaver, Listing, Scope, Sync, Synced,
    group::Group,
    limits,
    offsets::{Offsets, neighbours},
};
use crate::clock::Clock;

/// How often expired offsets are looked for, and whether the journal is to be rewritten.
const MAINTENANCE: Duration = Duration::from_secs(10);

/// All consumer groups and their committed offsets.
pub(crate) struct GroupCoordinator {
    inner: Arc<Inner>,
    timer: AbortHandle,
}

struct Inner {
    clock: Clock,
    parts: Mutex<Parts>,
    /// Wakes the timer task because a deadline came nearer.
    nearer: Notify,
}

struct Parts {
    groups: BTreeMap<String, Group>,
    offsets: Offsets,
    /// When the timer task wakes by itself.
    wakes_at: Instant,
    rewriting: bool,
}

impl Drop for GroupCoordinator {
    fn drop(&mut self) {
        self.timer.abort();
    }
}

impl GroupCoordinator {
    /// Opens the committed offsets in `dir` and starts the timer task; needs a tokio runtime.
    pub(crate) fn open(dir: &Path, clock: Clock) -> io::Result<Self> {
        let dir = dir.join("groups");
        fs::create_dir_all(&dir)?;
        let offsets = Offsets::open(&dir.join("offsets.journal"), clock())?;
        let parts = Parts { groups: BTreeMap::new(), offsets, wakes_at: Instant::now(), rewriting: false };
        let inner = Arc::new(Inner { clock, parts: Mutex::new(parts), nearer: Notify::new() });
        let timer = tokio::spawn(keep_time(Arc::clone(&inner))).abort_handle();
        Ok(Self { inner, timer })
    }

    /// Joins a group and waits for the rebalance.
    pub(crate) async fn join(&self, scope: &Scope, group_id: &str, join: Join) -> Result<Joined, GroupError> {
        check_group_id(group_id)?;
        let (reply, answer) = oneshot::channel();
        {
            let mut parts = self.inner.lock();
            if !parts.groups.contains_key(group_id) {
                if !join.member_id.is_empty() {
                    return Err(GroupError::UnknownMember);
                }
                if neighbours(&parts.groups, scope, group_id) >= limits::GROUPS_OF_SCOPE {
                    return Err(GroupError::Full);
                }
                parts.groups.insert(group_id.to_owned(), Group::new());
            }
            self.inner.act(&mut parts, group_id, |group, now| group.join(now, Uuid::new_v4(), join, reply));
        }
        self.wait(group_id, answer).await
    }

    /// Waits for the member's assignment.
    pub(crate) async fn sync(&self, group_id: &str, sync: Sync) -> Result<Synced, GroupError> {
        let (reply, answer) = oneshot::channel();
        self.on(group_id, |group, now| group.sync(now, sync, reply)).ok_or(GroupError::UnknownMember)?;
        self.wait(group_id, answer).await
    }

    /// A member's sign of life.
    pub(crate) fn heartbeat(&self, group_id: &str, caller: &Caller) -> Result<(), GroupError> {
        self.on(group_id, |group, now| group.heartbeat(now, caller)).unwrap_or(Err(GroupError::UnknownMember))
    }

    /// Removes members from a group, one answer for each.
    pub(crate) fn leave(&self, group_id: &str, leavers: &[Leaver]) -> Vec<Result<(), GroupError>> {
        let unknown = || leavers.iter().map(|_| Err(GroupError::UnknownMember)).collect();
        self.on(group_id, |group, now| group.leave(now, leavers)).unwrap_or_else(unknown)
    }

    /// Whether `caller` may commit in this group now; the error is the answer for every partition of its request.
    ///
    /// A group that does not exist takes commits of who is not a member (`assign`, administrators). See
    /// `Group::check_commit` for the rest.
    fn check_commit(parts: &mut Parts, group_id: &str, caller: &Caller, now: Instant) -> Result<(), GroupError> {
        check_group_id(group_id)?;
        match parts.groups.get_mut(group_id) {
            Some(group) => group.check_commit(now, caller),
            None if caller.generation < 0 => Ok(()),
            None if parts.offsets.contains(group_id) => Err(GroupError::UnknownMember),
            None => Err(GroupError::IllegalGeneration),
        }
    }

    /// Stores offsets, all or none. When this returns `Ok`, a kill of the process does not lose them.
    pub(crate) fn commit(
        &self,
        scope: &Scope,
        group_id: &str,
        caller: &Caller,
        offsets: Vec<(String, i32, Committed)>,
    ) -> Result<(), GroupError> {
        let mut parts = self.inner.lock();
        Self::check_commit(&mut parts, group_id, caller, Instant::now())?;
        let full = || parts.offsets.groups_of(scope, group_id) >= limits::GROUPS_OF_SCOPE;
        if !parts.offsets.contains(group_id) && full() {
            return Err(GroupError::TooManyOffsets);
        }
        let by_member = parts.groups.get(group_id).is_some_and(Group::has_members);
        parts.offsets.commit(group_id, by_member, offsets, (self.inner.clock)())
    }

    /// What the group committed for these partitions of a topic.
    pub(crate) fn committed(&self, group_id: &str, topic: &str, partitions: &[i32]) -> Vec<Option<Committed>> {
        let parts = self.inner.lock();
        partitions.iter().map(|partition| parts.offsets.get(group_id, topic, *partition).cloned()).collect()
    }

    /// Everything that the group committed, sorted by topic and partition.
    pub(crate) fn all_committed(&self, group_id: &str) -> Vec<(String, i32, Committed)> {
        self.inner.lock().offsets.all(group_id)
    }

    /// Removes committed offsets (KIP-496), but for topics that the group's members are subscribed to. One answer for each
    /// topic.
    pub(crate) fn delete_offsets(
        &self,
        group_id: &str,
        topics: &[(String, Vec<i32>)],
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        check_group_id(group_id)?;
        let mut parts = self.inner.lock();
        let parts = &mut *parts;
        let group = parts.groups.get(group_id);
        if group.is_none() && !parts.offsets.contains(group_id) {
            return Err(GroupError::UnknownGroup);
        }
        let used = group.filter(|group| group.has_members());
        if used.is_some_and(|group| !group.is_of_consumers()) {
            return Err(GroupError::NotEmpty);
        }
        let (mut deleted, mut results) = (Vec::new(), Vec::new());
        for (topic, partitions) in topics {
            if used.is_some_and(|group| group.is_subscribed_to(topic)) {
                results.push(Err(GroupError::Subscribed));
            } else {
                deleted.extend(partitions.iter().map(|partition| (topic.clone(), *partition)));
                results.push(Ok(()));
            }
        }
        parts.offsets.forget(group_id, deleted)?;
        self.inner.act(parts, group_id, |_, _| ());
        Ok(results)
    }

    /// Deletes a group that has no members, with its offsets.
    pub(crate) fn delete(&self, group_id: &str) -> Result<(), GroupError> {
        let mut parts = self.inner.lock();
        match parts.groups.get(group_id) {
            Some(group) if group.has_members() => return Err(GroupError::NotEmpty),
            None if !parts.offsets.contains(group_id) => return Err(GroupError::UnknownGroup),
            _ => {}
        }
        parts.offsets.forget_group(group_id)?;
        parts.groups.remove(group_id);
        Ok(())
    }

    /// A group and its members; a group that does not exist is dead.
    pub(crate) fn describe(&self, group_id: &str) -> Description {
        let parts = self.inner.lock();
        match parts.groups.get(group_id) {
            Some(group) => group.describe(),
            None if parts.offsets.contains(group_id) => Group::new().describe(),
            None => Description::dead(),
        }
    }

    /// The groups of a scope, sorted by id.
    pub(crate) fn list(&self, scope: &Scope) -> Vec<Listing> {
        let parts = self.inner.lock();
        let nameless = Group::new();
        let stored = parts.offsets.groups().map(|id| (id, &nameless));
        // Of the two the one with members counts: it is inserted last.
        let all: BTreeMap<&String, &Group> = stored.chain(&parts.groups).filter(|(id, _)| scope.contains(id)).collect();
        all.into_iter().map(|(id, group)| group.listing(id)).collect()
    }

    /// Forgets the offsets of a topic that was deleted. Even if this fails or is not reached, a new topic of the same name
    /// does not inherit them (each offset knows its topic's id): they only take room.
    pub(crate) fn forget_topic(&self, topic: &str) {
        let mut parts = self.inner.lock();
        if let Err(error) = parts.offsets.forget_topic(topic) {
            tracing::warn!(topic, %error, "the offsets of a deleted topic are still there");
        }
        let ids: Vec<String> = parts.groups.keys().cloned().collect();
        for id in ids {
            self.inner.act(&mut parts, &id, |_, _| ());
        }
    }

    /// Lets the members that `principal` joined as leave at once, so that the others need not wait for their session
    /// time-outs. Whoever cuts a principal off calls this after its last request has ended, or that request could join
    /// again.
    pub(crate) fn remove_principal(&self, principal: &str) {
        let mut parts = self.inner.lock();
        let ids: Vec<String> = parts.groups.keys().cloned().collect();
        for id in ids {
            self.inner.act(&mut parts, &id, |group, now| group.remove_principal(now, principal));
        }
    }

    /// Lets an existing group act.
    fn on<T>(&self, group_id: &str, act: impl FnOnce(&mut Group, Instant) -> T) -> Option<T> {
        self.inner.act(&mut self.inner.lock(), group_id, act)
    }

    async fn wait<T>(&self, group_id: &str, answer: oneshot::Receiver<Result<T, GroupError>>) -> Result<T, GroupError> {
        let mut waiting = Waiting { inner: &self.inner, group_id, answer, done: false };
        let answer = (&mut waiting.answer).await;
        waiting.done = true;
        // No answer: a newer request of the same member took the place of this one.
        answer.unwrap_or(Err(GroupError::RebalanceInProgress))
    }
}

/// A request that waits. Dropped before its answer, it tells the group that nobody waits any more.
struct Waiting<'a, T> {
    inner: &'a Inner,
    group_id: &'a str,
    answer: oneshot::Receiver<Result<T, GroupError>>,
    done: bool,
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        if !self.done {
            self.answer.close();
            self.inner.act(&mut self.inner.lock(), self.group_id, Group::abandon);
        }
    }
}

impl Inner {
    /// A panic elsewhere must not stop all groups: the state machine leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an existing group act, then takes note of what that changed: members, emptiness, the next deadline.
    fn act<T>(&self, parts: &mut Parts, group_id: &str, act: impl FnOnce(&mut Group, Instant) -> T) -> Option<T> {
        let group = parts.groups.get_mut(group_id)?;
        let result = act(group, Instant::now());
        parts.offsets.set_occupied(group_id, group.has_members(), (self.clock)());
        if let Some(deadline) = group.next_deadline()
            && deadline < parts.wakes_at
        {
            parts.wakes_at = deadline;
            self.nearer.notify_one();
        }
        if group.is_deserted() && !parts.offsets.contains(group_id) {
            parts.groups.remove(group_id);
        }
        Some(result)
    }

    /// Does what is due in every group, and returns when to come back.
    fn tick(&self) -> Instant {
        let mut parts = self.lock();
        let now = Instant::now();
        let is_due = |group: &Group| group.next_deadline().is_some_and(|deadline| deadline <= now);
        let due: Vec<String> =
            parts.groups.iter().filter(|(_, group)| is_due(group)).map(|(id, _)| id.clone()).collect();
        for id in due {
            self.act(&mut parts, &id, Group::tick);
        }
        let next = parts.groups.values().filter_map(Group::next_deadline).min();
        // Timers of tokio count milliseconds: without this, a deadline within the next one could spin.
        parts.wakes_at = next.map_or(now + MAINTENANCE, |next| next.max(now + Duration::from_millis(1)));
        parts.wakes_at
    }

    /// Expires offsets, and rewrites the journal beside the async threads if that is worth it.
    fn maintain(self: &Arc<Self>) {
        let mut parts = self.lock();
        parts.offsets.expire((self.clock)());
        let expired = |id: &String, group: &Group| group.is_deserted() && !parts.offsets.contains(id);
        let gone: Vec<String> =
            parts.groups.iter().filter(|(id, group)| expired(id, group)).map(|(id, _)| id.clone()).collect();
        for id in gone {
            parts.groups.remove(&id);
        }
        if parts.offsets.wants_rewrite() && !parts.rewriting {
            parts.rewriting = true;
            let inner = Arc::clone(self);
            tokio::task::spawn_blocking(move || inner.rewrite());
        }
    }

    fn rewrite(&self) {
        let snapshot = self.lock().offsets.snapshot();
        let rewritten = snapshot.write();
        let mut parts = self.lock();
        if let Err(error) = rewritten.and_then(|rewritten| parts.offsets.replace_journal(rewritten)) {
            tracing::warn!(%error, "the journal of committed offsets could not be rewritten; it goes on as it is");
        }
        parts.rewriting = false;
    }
}

/// Runs until it is aborted with the coordinator.
async fn keep_time(inner: Arc<Inner>) {
    let mut maintenance = Instant::now() + MAINTENANCE;
    loop {
        let next = inner.tick();
        if Instant::now() >= maintenance {
            inner.maintain();
            maintenance = Instant::now() + MAINTENANCE;
        }
        tokio::select! {
            () = tokio::time::sleep_until(next.min(maintenance)) => {}
            () = inner.nearer.notified() => {}
        }
    }
}

fn check_group_id(group_id: &str) -> Result<(), GroupError> {
    if group_id.is_empty() || group_id.len() > limits::ID_BYTES { Err(GroupError::InvalidGroupId) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
