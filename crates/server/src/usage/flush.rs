//! From memory to the database, in batches: every [`EVERY`], when somebody asks, and at the end.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;
use twinkey_api::usage::Via;

use super::{
    DELETED, alarm,
    clients::{CLIENTS_MAX, Client, Sums},
    identity::Identity,
    timeline::{self, Added, Connections, HOURS_KEPT, MINUTES_KEPT, Written},
};
use crate::{
    app::App,
    db::{self, usage_points},
};

/// How old what other replicas see may be, and how much a killed server takes with it.
pub const EVERY: Duration = Duration::from_secs(2);
/// Rows of one transaction: others wait for it.
const BATCH: usize = 250;
/// How long a client is remembered that does not come again.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How often clients are looked for that are older.
const FORGET_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What one flush tells the next.
#[derive(Default)]
pub struct State {
    forgot_at: Option<Timestamp>,
    written: Written,
}

/// Flushes until `stop`. The end of the server flushes once more, when nothing is counted any longer.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        if let Err(error) = flush(&app).await {
            tracing::warn!(%error, "what was counted of the use of tokens is not stored yet");
        }
    }
}

/// Stores everything that this server has counted. What cannot be stored is tried again the next time; if it is not known
/// whether it was stored, it may be counted twice, but never not at all.
pub async fn flush(app: &App) -> Result<(), DbErr> {
    let mut state = app.usage.flushing.lock().await;
    note_dead_principals(app).await?;
    let mut waiting = app.usage.clients.take_all();
    app.metrics.clients_merged.inc_by(app.usage.clients.merged.swap(0, Ordering::Relaxed));
    let now = app.now();
    let open = timeline::connections(app);
    state.written.begin(now);
    while !waiting.is_empty() {
        let rest = waiting.split_off(waiting.len().min(BATCH));
        let points = state.written.rows(added(&waiting), &open);
        if let Err(error) = store(app, &waiting, points, now).await {
            state.written = Written::default();
            for (client, sums) in waiting.iter().chain(&rest) {
                client.give_back(sums);
            }
            return Err(error);
        }
        waiting = rest;
    }
    drop(waiting);
    app.usage.clients.forget_stored();
    let stored = store_connections(app, &mut state.written, &open).await;
    stored.inspect_err(|_| state.written = Written::default())?;
    let forgot_at = *state.forgot_at.get_or_insert(app.started_at);
    if now.duration_since(forgot_at) >= FORGET_EVERY {
        let transaction = app.db.write().await?;
        db::token_clients::forget_before(&*transaction, (now - REMEMBERED).as_millisecond()).await?;
        for (step, kept) in [(usage_points::MINUTE, MINUTES_KEPT), (usage_points::HOUR, HOURS_KEPT)] {
            usage_points::forget_before(&*transaction, step, (now - kept).as_millisecond()).await?;
        }
        transaction.commit().await?;
        state.forgot_at = Some(now);
    }
    Ok(())
}

/// What a batch adds to the timeline.
fn added(batch: &[(Arc<Client>, Sums)]) -> BTreeMap<String, Added> {
    let mut added: BTreeMap<String, Added> = BTreeMap::new();
    for (client, sums) in batch {
        let token = added.entry(client.token_id.clone()).or_default();
        token.workspace_id.clone_from(&client.workspace_id);
        token.requests += sums.requests as i64;
        token.bytes += sums.bytes as i64;
        token.refused += sums.refused as i64;
    }
    added
}

/// Notes connections that nothing came through.
async fn store_connections(app: &App, written: &mut Written, open: &Connections) -> Result<(), DbErr> {
    let mut more = written.more_connections(open);
    while !more.is_empty() {
        let batch: Vec<_> = more.keys().take(BATCH).cloned().collect();
        let batch = batch.into_iter().filter_map(|id| more.remove_entry(&id)).collect();
        let rows = written.rows(batch, open);
        let transaction = app.db.write().await?;
        usage_points::add(&*transaction, rows).await?;
        transaction.commit().await?;
    }
    Ok(())
}

async fn store(
    app: &App,
    batch: &[(Arc<Client>, Sums)],
    points: Vec<usage_points::Model>,
    now: Timestamp,
) -> Result<(), DbErr> {
    // In the order of their keys, and each key once: the same client may have come under texts that are kept alike.
    let mut rows: BTreeMap<(String, String), db::token_clients::Model> = BTreeMap::new();
    for (client, sums) in batch {
        let new = row(client, sums);
        let key = (new.token_id.clone(), new.client.clone());
        match rows.get_mut(&key) {
            Some(row) => merge(row, &new),
            None => drop(rows.insert(key, new)),
        }
    }
    let refused: Vec<_> = rows.iter().filter(|(_, row)| row.refused > 0).map(|(key, _)| key.clone()).collect();
    let tokens: BTreeSet<&str> = batch.iter().map(|(client, _)| client.token_id.as_str()).collect();
    let tokens: Vec<&str> = tokens.into_iter().collect();
    let transaction = app.db.write().await?;
    db::token_clients::add(&*transaction, rows.into_values().collect()).await?;
    usage_points::add(&*transaction, points).await?;
    let alarms = alarm::raise(&*transaction, &refused, now).await?;
    for token_id in db::token_clients::crowded(&*transaction, &tokens, CLIENTS_MAX as u64).await? {
        let merged = db::token_clients::merge_oldest(&*transaction, &token_id, CLIENTS_MAX as u64).await?;
        app.metrics.clients_merged.inc_by(merged as u64);
    }
    transaction.commit().await?;
    // Not before: what could not be stored comes again.
    for (client, sums) in batch {
        let via = client.identity.as_ref().map_or(Via::Api, |identity| identity.via);
        app.metrics.token_uses(via, sums.requests, sums.refused);
    }
    app.metrics.dead_token_alarms.inc_by(alarms);
    Ok(())
}

/// Sign-ins with names of principals that are gone. Whose they were only the database knows, and whether there ever were any.
async fn note_dead_principals(app: &App) -> Result<(), DbErr> {
    let unknown = app.usage.take_unknown();
    if unknown.is_empty() {
        return Ok(());
    }
    let dead = match dead_tokens(app, unknown.keys().map(|(name, _)| name.as_str())).await {
        Ok(dead) => dead,
        Err(error) => {
            app.usage.give_unknown_back(unknown);
            return Err(error);
        }
    };
    let now = app.now();
    for ((name, identity), count) in unknown {
        if let Some((id, workspace_id)) = app.keys.token_of_principal(&name).and_then(|id| dead.get_key_value(id)) {
            app.usage.clients.find_kept((id, workspace_id), identity, now).refused(count, now);
        }
    }
    Ok(())
}

/// Which of these principals were a token's that is dead: the tokens by their ids, each with its workspace.
async fn dead_tokens(app: &App, names: impl Iterator<Item = &str>) -> Result<HashMap<String, String>, DbErr> {
    let ids: BTreeSet<&str> = names.filter_map(|name| app.keys.token_of_principal(name)).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let of_deleted = db::deleted_tokens::list_of_ids(&*app.db, &ids).await?;
    let dead = db::tokens::list_dead_of(&*app.db, ids.iter().copied()).await?;
    let of_deleted = of_deleted.into_iter().map(|token| (token.id, DELETED.to_owned()));
    Ok(dead.into_iter().map(|token| (token.id, token.workspace_id)).chain(of_deleted).collect())
}

fn row(client: &Client, sums: &Sums) -> db::token_clients::Model {
    let identity = client.identity.clone();
    let digest = identity.as_ref().map_or_else(|| db::token_clients::OTHERS.to_owned(), Identity::digest);
    let text = |get: fn(&Identity) -> &String| identity.as_ref().map(get).cloned().unwrap_or_default();
    db::token_clients::Model {
        token_id: client.token_id.clone(),
        client: digest,
        workspace_id: client.workspace_id.clone(),
        via: identity.as_ref().map_or(Via::Api, |identity| identity.via).name().to_owned(),
        address: text(|it| &it.address),
        agent: text(|it| &it.agent),
        software: text(|it| &it.software),
        first_seen: client.first_seen(),
        last_seen: client.first_seen().max(sums.used_at).max(sums.refused_at),
        used_at: sums.used_at,
        fetched_at: sums.fetched_at,
        refused_at: sums.refused_at,
        alarmed_at: 0,
        requests: sums.requests as i64,
        bytes: sums.bytes as i64,
        refused: sums.refused as i64,
    }
}

fn merge(row: &mut db::token_clients::Model, new: &db::token_clients::Model) {
    row.requests += new.requests;
    row.bytes += new.bytes;
    row.refused += new.refused;
    row.first_seen = row.first_seen.min(new.first_seen);
    row.last_seen = row.last_seen.max(new.last_seen);
    row.used_at = row.used_at.max(new.used_at);
    row.fetched_at = row.fetched_at.max(new.fetched_at);
    row.refused_at = row.refused_at.max(new.refused_at);
}
