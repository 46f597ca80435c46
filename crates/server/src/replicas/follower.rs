//! The loop of a replica: ask what is new, bring memory up to date, trust it for one lease from before the question.

use std::{collections::HashMap, sync::Arc, time::Duration};

use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;

use super::{
    Replicas,
    barrier::outwait,
    catch_up::{Answer, Applied, CatchUp},
    trust::{Trust, Until},
};
use crate::{
    app::App,
    db::{
        self, Db,
        heartbeat::{Company, Line},
    },
    registry::{LoadError, Registry},
};

/// How long a row must be seen unchanged before it is taken for that of a dead replica.
const DEAD_AFTER: Duration = Duration::from_secs(10);
/// How often others' rows are looked at.
const LOOK_AFTER: Duration = Duration::from_secs(2);

/// What a replica needs to keep up.
pub struct Follower {
    line: Option<Line>,
    applied: Applied,
    /// The others' rows as they were seen, each with when it was first seen so, on this replica's clock.
    seen: HashMap<String, (i64, Duration)>,
    looked_at: Duration,
}

impl Follower {
    /// Loads everything and registers. Trust begins with the first heartbeat after that, which is part of this.
    pub async fn join(replicas: &Replicas, trust: &Trust, db: &Db, registry: &Registry) -> Result<Self, JoinError> {
        let line = Line::open(db, Company::Replicas, limit(replicas)).await?.ok_or(JoinError::Alone)?;
        let (seen, looked_at) = (HashMap::new(), Duration::ZERO);
        let mut follower = Self { line: Some(line), applied: Applied::default(), seen, looked_at };
        while follower.beat(replicas, trust, db, registry).await? {}
        Ok(follower)
    }

    /// Keeps up until `stop`; then ends trust and removes this replica's row, so that nobody waits for it.
    pub async fn run(mut self, app: Arc<App>, trust: Arc<Trust>, stop: CancellationToken) {
        let mut failing = false;
        while !stop.is_cancelled() {
            let again = match self.beat(&app.replicas, &trust, &app.db, &app.registry).await {
                Ok(again) => {
                    if std::mem::take(&mut failing) {
                        tracing::info!("this replica knows again what is new");
                    }
                    again
                }
                Err(error) => {
                    // Whatever is left of the connection may be in the middle of an answer.
                    self.line = None;
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "this replica cannot ask the database what is new; until it can, it trusts \
                             nothing that it remembers and asks the database at each request");
                    }
                    false
                }
            };
            if !again {
                tokio::select! {
                    () = self.news(&app.replicas) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
        trust.end();
        let removed = db::replicas::remove(&*app.db, &app.replicas.id).await;
        let told = match removed {
            Ok(()) => db::changes::announce(&*app.db, "gone").await,
            error => error,
        };
        if let Err(error) = told {
            tracing::warn!(%error, "rotations on other replicas will wait for this one once more");
        }
    }

    /// Returns when it is time for a heartbeat: something was announced, or a part of the lease is over.
    async fn news(&mut self, replicas: &Replicas) {
        let pause = tokio::time::sleep(replicas.lease / 4);
        let Some(line) = &mut self.line else { return pause.await };
        let lost = tokio::select! {
            heard = line.heard() => heard.is_err(),
            () = pause => false,
        };
        if lost {
            self.line = None;
        }
        // The others have come further, perhaps.
        replicas.heard.notify_waiters();
    }

    /// One heartbeat; tells whether another one should follow at once.
    async fn beat(
        &mut self,
        replicas: &Replicas,
        trust: &Trust,
        db: &Db,
        registry: &Registry,
    ) -> Result<bool, LoadError> {
        let limit = limit(replicas);
        if self.line.is_none() {
            self.line = Line::open(db, Company::Replicas, limit).await?;
        }
        let line = self.line.as_mut().ok_or_else(|| DbErr::Custom(JoinError::Alone.to_string()))?;
        // Before the question: what the answer says may be as old as this.
        let asked_at = replicas.now();
        let applied = self.applied.revision;
        let answer = line.beat(&replicas.id, applied, replicas.is_new(applied), limit).await?;
        if answer.registered {
            replicas.set_confirmed(applied);
        }
        let catch_up = self.applied.catch_up(&answer);
        match &catch_up {
            CatchUp::Workspaces(ids) => registry.reload_each(&**db, ids).await?,
            CatchUp::All => {
                // Nobody may rely on what is thrown away.
                trust.end();
                registry.forget_all();
                registry.load(&**db).await?;
            }
        }
        self.applied = Applied::advanced(&answer);
        if answer.registered {
            trust.set(Until::after(asked_at, replicas.lease));
        } else {
            self.register(replicas, db, &answer).await?;
        }
        self.look_after_others(replicas, db).await?;
        // At once: others may be waiting to hear that this replica has come so far.
        Ok(self.applied.revision != applied || !answer.registered)
    }

    async fn register(&self, replicas: &Replicas, db: &Db, answer: &Answer) -> Result<(), DbErr> {
        let names = (&*replicas.id, &*replicas.name, env!("CARGO_PKG_VERSION"));
        db::replicas::register(&**db, names, answer.revision, replicas.lease).await
    }

    /// Removes rows that nobody keeps up any more. How long a row has not changed is measured here, on a clock that nobody
    /// can set: whether a replica may still trust its memory must not depend on the database's clock.
    async fn look_after_others(&mut self, replicas: &Replicas, db: &Db) -> Result<(), DbErr> {
        let now = replicas.now();
        if now < self.looked_at + LOOK_AFTER {
            return Ok(());
        }
        self.looked_at = now;
        let rows = db::replicas::list(&**db).await?;
        self.seen.retain(|id, _| rows.iter().any(|row| row.id == *id));
        for row in rows.iter().filter(|row| row.id != replicas.id) {
            let seen = self.seen.entry(row.id.clone()).or_insert((row.seen_at, now));
            if seen.0 != row.seen_at {
                *seen = (row.seen_at, now);
            }
            let lease = Duration::from_millis(row.lease.unsigned_abs());
            if now >= seen.1 + DEAD_AFTER.max(outwait(lease)) {
                tracing::info!(replica = row.name, id = row.id, "a replica has gone without saying so");
                db::replicas::remove_unchanged(&**db, &row.id, row.seen_at).await?;
            }
        }
        Ok(())
    }
}

/// Why a server cannot join others.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// See [`Company::Nobody`].
    #[error(
        "a server that must be alone runs on this database: one with the embedded broker. More than one replica needs \
         Apache Kafka as the broker; stop that server first"
    )]
    Alone,
    /// See [`LoadError`].
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl From<DbErr> for JoinError {
    fn from(error: DbErr) -> Self {
        Self::Load(error.into())
    }
}

/// How long a heartbeat may take. One that takes longer than the lease earns nothing, but shows that the database lives.
fn limit(replicas: &Replicas) -> Duration {
    (2 * replicas.lease).max(Duration::from_secs(1))
}
