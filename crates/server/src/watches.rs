//! What has changed in the workspaces that somebody looks at: names of what to ask for again, never contents.
//!
//! One task for the whole server looks, and only while somebody does: however many pages are open, the database is asked the same
//! few questions, each answered by an index. Changes that people make are in the audit log, whichever replica they were made on. Tokens
//! are looked at in the registry, because that is what this server answers from. Use comes from what every replica's flush has stored.
//!
//! Apache Kafka is not asked: topics that clients make there by themselves are not seen here.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use axum::response::sse::Event;
use futures::stream;
use sea_orm::DbErr;
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;
use twinkey_api::{
    WorkspaceId,
    audit::AuditRecord,
    live::{Changed, What},
};

use crate::{
    app::App,
    db::{self, usage_points},
    live::Events,
};

/// How often it is looked. So a stream has at most one event in that time.
const EVERY: Duration = Duration::from_secs(1);
/// Audit records that are read at a time.
const RECORDS: u64 = 1000;

/// How often each of [`What::ALL`] has changed.
type Counts = [u64; What::ALL.len()];

/// The workspaces that are looked at.
#[derive(Default)]
pub struct Watches {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Default)]
struct State {
    /// The last audit record that was taken into account.
    audited: i64,
    of: HashMap<WorkspaceId, Watched>,
}

struct Watched {
    seen: Seen,
    told: watch::Sender<Counts>,
}

/// What a workspace looked like. Each part stands for one of [`What`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    tokens: Option<i64>,
    usage: u64,
    topics: u64,
    webhooks: u64,
}

impl Watches {
    /// What changes in a workspace from now on.
    pub async fn subscribe(&self, app: &App, id: &WorkspaceId) -> Result<watch::Receiver<Counts>, DbErr> {
        let mut state = self.state.lock().await;
        if let Some(watched) = state.of.get(id) {
            return Ok(watched.told.subscribe());
        }
        if state.of.is_empty() {
            state.audited = db::audit::last(&*app.db).await?.map_or(0, |last| last.sequence);
        }
        let seen = look(app, &[id]).await?.remove(id).unwrap_or_default();
        let (told, changes) = watch::channel(Counts::default());
        state.of.insert(id.clone(), Watched { seen, told });
        self.wake.notify_one();
        Ok(changes)
    }

    /// How many workspaces are looked at.
    pub async fn count(&self) -> usize {
        self.state.lock().await.of.len()
    }

    /// Looks once; `false`: nobody is interested any more.
    async fn look(&self, app: &App) -> Result<bool, DbErr> {
        let mut state = self.state.lock().await;
        state.of.retain(|_, watched| watched.told.receiver_count() > 0);
        if state.of.is_empty() {
            return Ok(false);
        }
        let records = db::audit::list_after(&*app.db, state.audited, RECORDS).await?;
        if let Some(last) = records.last() {
            state.audited = last.sequence;
        }
        let ids: Vec<&WorkspaceId> = state.of.keys().collect();
        let mut looks = look(app, &ids).await?;
        for (id, watched) in &mut state.of {
            let seen = looks.remove(id).unwrap_or_default();
            let mut changed = watched.seen.differences(&seen);
            changed.extend(records.iter().filter_map(|record| of_record(record, id)));
            watched.seen = seen;
            if !changed.is_empty() {
                watched.told.send_modify(|counts| {
                    for (what, count) in What::ALL.iter().zip(counts) {
                        *count += u64::from(changed.contains(what));
                    }
                });
            }
        }
        Ok(true)
    }
}

/// Looks until `stop`, while somebody is interested.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    let looking = async {
        loop {
            match app.watches.look(&app).await {
                Ok(true) => {}
                Ok(false) => app.watches.wake.notified().await,
                Err(error) => tracing::debug!(%error, "open pages are not kept up to date at the moment"),
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    stop.run_until_cancelled(looking).await;
}

/// The changes as events.
pub fn events(mut changes: watch::Receiver<Counts>) -> Events {
    let seen = *changes.borrow_and_update();
    Box::pin(stream::unfold((changes, seen), async |(mut changes, seen)| {
        changes.changed().await.ok()?;
        let now = *changes.borrow_and_update();
        let differs = |index: &usize| now[*index] != seen[*index];
        let what = (0..now.len()).filter(differs).map(|index| What::ALL[index]).collect();
        let event = Event::default().event("changed").json_data(Changed { what }).expect("plain data");
        Some((Ok(event), (changes, now)))
    }))
}

impl Seen {
    fn differences(&self, now: &Self) -> Vec<What> {
        [
            (What::Tokens, self.tokens != now.tokens),
            (What::Usage, self.usage != now.usage),
            (What::Topics, self.topics != now.topics),
            (What::Webhooks, self.webhooks != now.webhooks),
        ]
        .into_iter()
        .filter_map(|(what, differs)| differs.then_some(what))
        .collect()
    }
}

/// What a record of the audit log says about a workspace.
fn of_record(record: &AuditRecord, id: &WorkspaceId) -> Option<What> {
    let (about, _) = record.action.split_once('.')?;
    let what = match about {
        _ if record.action == "token.revealed" => return None,
        _ if record.action == "token.used_after_deactivation" => What::Usage,
        "token" => What::Tokens,
        "topic" | "group" => What::Topics,
        "workspace" => What::Settings,
        "webhook" => What::Webhooks,
        "member" | "invitation" | "user" => What::Members,
        _ => return None,
    };
    // A role in the organisation counts in every workspace.
    let here = record.workspace_id.as_deref().map_or(what == What::Members, |workspace_id| workspace_id == id.as_str());
    here.then_some(what)
}

/// What each of these workspaces looks like.
async fn look(app: &App, ids: &[&WorkspaceId]) -> Result<HashMap<WorkspaceId, Seen>, DbErr> {
    let names: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
    let mut connections: HashMap<String, u64> = HashMap::new();
    for connection in app.broker.connections() {
        *connections.entry(connection.principal).or_default() += 1;
    }
    let mut usage: HashMap<String, usage_points::Sums> = HashMap::new();
    let since = app.now() - jiff::SignedDuration::from_hours(1);
    for sums in usage_points::sums_of_each(&*app.db, &names, since.as_millisecond()).await? {
        usage.insert(sums.workspace_id.clone(), sums);
    }
    let mut webhooks: HashMap<String, Vec<db::webhooks::Model>> = HashMap::new();
    for row in db::webhooks::list_of_each(&*app.db, &names).await? {
        webhooks.entry(row.workspace_id.clone()).or_default().push(row);
    }
    let mut looks = HashMap::new();
    for id in ids {
        let pair = app.registry.pair(id);
        let open = pair.as_ref().map(|pair| [&pair.current, &pair.next].map(|it| connections.get(&it.principal)));
        let topics = if app.broker.kafka().is_none() { app.broker.topics(id).await.ok() } else { None };
        let topics = topics.map(|topics| topics.into_iter().map(|it| (it.name, it.partitions, it.updated_at)));
        let hooks = webhooks.get(id.as_str()).into_iter().flatten();
        let seen = Seen {
            tokens: pair.as_ref().map(|pair| pair.revision),
            usage: hashed((open, usage.get(id.as_str()))),
            topics: hashed(topics.map(Iterator::collect::<Vec<_>>)),
            webhooks: hashed(hooks.map(|it| (&it.id, it.last_success_at, it.dropped)).collect::<Vec<_>>()),
        };
        looks.insert((*id).clone(), seen);
    }
    Ok(looks)
}

fn hashed(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
