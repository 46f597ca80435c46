//! Several servers on one database: who may answer from memory, and when a change is known to all.
//!
//! Why this is right stands in docs/decisions/0007-when-a-replica-may-trust-its-memory.md.

pub mod barrier;
pub mod catch_up;
pub mod clock;
pub mod follower;
pub mod leader;
pub mod member;
pub mod sole;
pub mod trust;

#[cfg(test)]
mod model;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use sea_orm::DbErr;
use tokio::sync::Notify;

use self::{
    barrier::{Barrier, Peer},
    clock::Monotonic,
    trust::Trust,
};
use crate::db::{self, Db};

/// The lease when nothing else is said.
pub const LEASE: Duration = Duration::from_millis(500);
/// The shortest lease that may be set: heartbeats must fit into it several times.
pub const LEASE_MIN: Duration = Duration::from_millis(100);
/// The longest lease that may be set.
pub const LEASE_MAX: Duration = Duration::from_secs(2);

/// How often the others' rows are read while a barrier waits, in case an announcement was lost.
const LOOK: Duration = Duration::from_millis(25);
/// How long reading them may take before it counts as failed.
const LOOK_LIMIT: Duration = Duration::from_secs(1);
/// How long the question whether the database answers may take.
const READY_LIMIT: Duration = Duration::from_secs(2);

/// How many servers there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicaMode {
    /// This one only: its memory is always right. With the embedded broker, and on SQLite.
    Exclusive,
    /// Any number, if the database is one for several: memory is trusted for a lease at a time.
    Leased,
}

/// This server as one of several, or as the only one.
pub struct Replicas {
    /// Random, anew at each start.
    pub id: String,
    /// What people call it.
    pub name: String,
    lease: Duration,
    clock: Monotonic,
    /// `None`: the only one.
    trust: Option<Arc<Trust>>,
    /// The newest revision that the others have been told.
    confirmed: AtomicI64,
    /// Something was announced.
    heard: Notify,
}

impl Replicas {
    /// This server, before it has joined any others.
    pub fn new(mode: ReplicaMode, id: String, name: String, lease: Duration, clock: Monotonic) -> Self {
        let trust = (mode == ReplicaMode::Leased).then(Arc::default);
        let confirmed = AtomicI64::new(i64::MIN);
        Self { id, name, lease: lease.clamp(LEASE_MIN, LEASE_MAX), clock, trust, confirmed, heard: Notify::new() }
    }

    /// Whether there may be other servers on the database.
    pub fn are_possible(&self) -> bool {
        self.trust.is_some()
    }

    /// Whether memory may be believed now. Ask before looking into memory: see [`Trust::holds`].
    pub fn trusts(&self) -> bool {
        self.trust.as_ref().is_none_or(|trust| trust.holds(|| self.now()))
    }

    /// This machine's monotonic clock. Read it after a commit was acknowledged, for [`Replicas::confirmed`].
    pub fn now(&self) -> Duration {
        (self.clock)()
    }

    /// Returns when no other replica can answer any more from what was true before the commit of `revision`: each has
    /// confirmed it, has gone, or can no longer trust its memory. Takes as long as a lease at most, and a bit.
    pub async fn confirmed(&self, db: &Db, revision: i64, committed_at: Duration) {
        if self.trust.is_none() {
            return;
        }
        let barrier = Barrier { revision, committed_at };
        loop {
            // Before the rows are read: what is announced after that is not missed.
            let heard = self.heard.notified();
            let peers = tokio::time::timeout(LOOK_LIMIT, self.peers(db)).await.ok().and_then(Result::ok);
            if barrier.is_over(peers.as_ref(), self.now()) {
                return;
            }
            let _ = tokio::time::timeout(LOOK, heard).await;
        }
    }

    /// Whether this replica can answer truthfully now: from memory, or from the database.
    pub async fn may_answer(&self, db: &Db) -> Result<(), DbErr> {
        if self.trust.is_some() && self.trusts() {
            return Ok(());
        }
        let asked = tokio::time::timeout(READY_LIMIT, db::installation::find(&**db)).await;
        asked.unwrap_or_else(|_| Err(db::failure::silent(READY_LIMIT))).map(drop)
    }

    async fn peers(&self, db: &Db) -> Result<Vec<Peer>, DbErr> {
        let rows = db::replicas::list(&**db).await?.into_iter().filter(|row| row.id != self.id);
        let lease = |milliseconds: i64| Duration::from_millis(milliseconds.unsigned_abs());
        Ok(rows.map(|row| Peer { id: row.id, revision: row.revision, lease: lease(row.lease) }).collect())
    }

    fn is_new(&self, revision: Option<i64>) -> bool {
        revision.is_some_and(|revision| revision > self.confirmed.load(Ordering::Relaxed))
    }

    fn set_confirmed(&self, revision: Option<i64>) {
        if let Some(revision) = revision {
            self.confirmed.store(revision, Ordering::Relaxed);
        }
    }
}
