//! Brings the broker in line with the database, at start, every minute and on demand: what makes a crash between the steps of
//! a rotation harmless, and undoes what was done behind Twinkey's back.
//!
//! Why it never takes rights from a living token: it reads the cluster first and the database afterwards. A token's row is
//! committed before its principal is made, and death is final. So whatever was on the cluster and is not wanted in the database
//! is dead, or nobody's. That holds however long this process was paused between the two.
//!
//! Why it never gives rights to a dead token: see [`repair`].
//!
//! So it may run on several replicas at once without harm; the lease that lets one do it at a time is for economy.

mod pass;
mod repair;

use std::{
    collections::{BTreeSet, HashSet},
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use twinkey_api::broker::Reconciliation;

use crate::{
    app::App,
    cut_off, db,
    replicas::leader::{self, Fence},
};

pub use pass::reconcile;

/// The name of the lease.
const LEASE: &str = "reconciler";
/// Between two passes.
const EVERY: Duration = Duration::from_mins(1);
/// Between two looks for cut-offs that nobody is at: longer than a rotation waits for its own.
const LOOK: Duration = Duration::from_secs(4);
/// After being woken: whoever wakes is often not alone.
const SETTLE: Duration = Duration::from_millis(500);

/// What is known of the passes.
pub struct Reconciler {
    /// Names this server at a repair fence.
    pub name: String,
    wake: Notify,
    /// One pass at a time.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default, Clone)]
struct State {
    last: Option<Reconciliation>,
    names_without_rights: Vec<String>,
    /// Marks of cut-offs and grants that the last pass saw: those that the next one sees still were left behind.
    marks: BTreeSet<String>,
}

impl Reconciler {
    /// `id`: random, so that no other server and no earlier start has it.
    pub fn new(id: &str) -> Self {
        Self {
            name: format!("server-{id}"),
            wake: Notify::new(),
            turn: tokio::sync::Mutex::default(),
            state: Mutex::default(),
        }
    }

    /// Asks for a pass soon.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// How the last pass went.
    pub fn last(&self) -> Option<Reconciliation> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).last.clone()
    }

    /// The names that had no rights in the last pass: what [`twinkey_kafka_admin::Cluster::prune`] is for.
    pub fn names_without_rights(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).names_without_rights.clone()
    }

    /// Notes the marks of this pass; returns those that were there in the last one.
    fn left_behind(&self, marks: BTreeSet<String>) -> Vec<String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let left = marks.intersection(&state.marks).cloned().collect();
        state.marks = marks;
        left
    }

    fn remember(&self, last: Reconciliation, names: Option<Vec<String>>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.last = Some(last);
        if let Some(names) = names {
            state.names_without_rights = names;
        }
    }
}

/// Reconciles from time to time, on one replica, until the server stops.
pub fn start(app: &Arc<App>) {
    let stopping = app.cut_offs.stopping.clone();
    let work = app.clone();
    tokio::spawn(leader::run(app.clone(), LEASE, stopping, move |fence| for_ever(work.clone(), fence)));
}

async fn for_ever(app: Arc<App>, fence: Fence) {
    loop {
        reconcile(&app, &fence).await;
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.reconciler.wake.notified() => tokio::time::sleep(SETTLE).await,
            never = adopt(&app) => match never {},
        }
    }
}

/// Goes on with cut-offs that nobody is at: the server that had begun them is gone. A dead token that may still be served is
/// worth more than a look a minute, and this one costs a query over an index.
///
/// What is seen for the first time may be a rotation that is under way. One that is seen again is past its patience.
async fn adopt(app: &Arc<App>) -> Infallible {
    let mut seen = HashSet::new();
    loop {
        tokio::time::sleep(LOOK).await;
        let rows = match db::principals::list_open(&*app.db).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::debug!(%error, "cannot look for cut-offs that nobody is at");
                continue;
            }
        };
        let ids = rows.iter().map(|row| row.id.clone()).collect();
        for row in rows.into_iter().filter(|row| seen.contains(&row.id)) {
            cut_off::follow(app, pass::dead(app, row));
        }
        seen = ids;
    }
}
