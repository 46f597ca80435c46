//! Background work that one replica does at a time: a lease in the database says which, a fence keeps a former one out.
//!
//! The lease is for economy, the fence is for safety. A replica that is paused in the middle of its work does not notice that
//! its lease is over; but whatever it then wants to write, it writes in a transaction that asks for the fence first, and that
//! says no once another replica has taken the lease.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sea_orm::{ConnectionTrait, DbErr};
use tokio_util::sync::CancellationToken;

use super::Replicas;
use crate::{
    app::App,
    db::{self, Db},
};

/// How long a lease lasts, on the database's clock.
const TERM: Duration = Duration::from_secs(3);
/// How long its holder believes in it, on its own clock, from before it asked. Less, because clocks differ.
const BELIEF: Duration = Duration::from_millis(2400);
/// How often the holder renews it, and the others try to take it.
const EVERY: Duration = Duration::from_millis(800);

/// One taking of a lease.
#[derive(Clone)]
pub struct Fence {
    /// `None`: this server is the only one.
    held: Option<Arc<Held>>,
}

struct Held {
    name: &'static str,
    holder: String,
    epoch: i64,
    /// Milliseconds of the monotonic clock.
    believed_until: AtomicU64,
}

/// Why background work must stop.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// The lease is another replica's by now.
    #[error("another replica has taken over this work")]
    Lost,
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbErr),
}

impl Fence {
    /// For the same work when a person asks a replica for it: it must be right without a lease, too.
    pub const fn unleased() -> Self {
        Self { held: None }
    }

    /// Call it first in each write transaction of the work: nothing is written if the work is another's by now. A write
    /// transaction, because taking a lease is one as well and so cannot come between this and the commit.
    pub async fn check(&self, transaction: &impl ConnectionTrait) -> Result<(), FenceError> {
        let Some(held) = &self.held else { return Ok(()) };
        if db::leases::check(transaction, held.name, &held.holder, held.epoch).await? {
            Ok(())
        } else {
            Err(FenceError::Lost)
        }
    }

    /// Whether the lease is believed in: worth asking before effects outside the database, which no transaction guards.
    pub fn holds(&self, replicas: &Replicas) -> bool {
        self.held
            .as_ref()
            .is_none_or(|held| replicas.now() < Duration::from_millis(held.believed_until.load(Ordering::Relaxed)))
    }
}

/// Runs `job` on one replica at a time until `stop`. The job is dropped when the lease cannot be believed in any more, and
/// started anew by whoever takes it; when it ends by itself it is started again after a pause.
pub async fn run<J, F>(app: Arc<App>, name: &'static str, stop: CancellationToken, job: J)
where
    J: Fn(Fence) -> F,
    F: Future<Output = ()>,
{
    while !stop.is_cancelled() {
        if let Some(fence) = take(&app.replicas, &app.db, name).await {
            tracing::debug!(name, replica = app.replicas.id, "this replica does the work");
            tokio::select! {
                // First: after a pause the lease is looked at before the job goes on.
                biased;
                () = stop.cancelled() => {}
                () = keep(&app.replicas, &app.db, &fence) => tracing::info!(name, "another replica may do the work now"),
                () = job(fence.clone()) => {}
            }
            give_back(&app.db, &fence).await;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn take(replicas: &Replicas, db: &Db, name: &'static str) -> Option<Fence> {
    if replicas.trust.is_none() {
        return Some(Fence { held: None });
    }
    match try_take(replicas, db, name).await {
        Ok(held) => held.map(|held| Fence { held: Some(Arc::new(held)) }),
        Err(error) => {
            tracing::debug!(name, %error, "cannot ask for the lease");
            None
        }
    }
}

async fn try_take(replicas: &Replicas, db: &Db, name: &'static str) -> Result<Option<Held>, DbErr> {
    if !db::leases::is_free(&**db, name).await? {
        return Ok(None);
    }
    let transaction = db.write().await?;
    let asked_at = replicas.now();
    let Some(epoch) = db::leases::take(&*transaction, name, &replicas.id, TERM.as_millis() as i64).await? else {
        return Ok(None);
    };
    transaction.commit().await?;
    let believed_until = AtomicU64::new((asked_at + BELIEF).as_millis() as u64);
    Ok(Some(Held { name, holder: replicas.id.clone(), epoch, believed_until }))
}

/// Renews a lease; returns when it cannot be believed in any more.
async fn keep(replicas: &Replicas, db: &Db, fence: &Fence) {
    let Some(held) = &fence.held else { return std::future::pending().await };
    loop {
        tokio::time::sleep(EVERY).await;
        let asked_at = replicas.now();
        let lease = (held.name, &*held.holder, held.epoch);
        let renewal = db::leases::renew(&**db, lease, TERM.as_millis() as i64);
        match tokio::time::timeout(EVERY, renewal).await {
            Ok(Ok(true)) => {
                held.believed_until.store((asked_at + BELIEF).as_millis() as u64, Ordering::Relaxed);
            }
            Ok(Ok(false)) => return,
            Ok(Err(_)) | Err(_) => {}
        }
        if !fence.holds(replicas) {
            return;
        }
    }
}

/// So that another replica need not wait; if it does not work, the lease runs out.
async fn give_back(db: &Db, fence: &Fence) {
    let Some(held) = &fence.held else { return };
    let released = db::leases::release(&**db, held.name, &held.holder, held.epoch);
    let _ = tokio::time::timeout(EVERY, released).await;
}
