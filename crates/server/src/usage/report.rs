//! What is known about the clients of a workspace's tokens: from the database, where the sums of all replicas come together,
//! and from the broker, which knows what is open at this moment.

pub mod members;

use std::{collections::HashMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use twinkey_api::{
    WorkspaceId,
    token_pair::{Slot, TokenPair},
    usage::{SafeToRotate, TokenClient, TokenUsage, UsedToken, Via},
};

use self::members::Members;
use super::{clients::CLIENTS_MAX, flush::flush, identity::Identity, verdict};
use crate::{
    app::App,
    db::{self, token_clients},
    error::ApiError,
    registry::Pair,
    routes::settings,
};

/// For how long dead tokens are shown after they died or were tried.
const DEAD_SHOWN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How many of either.
const DEAD_MAX: u64 = 10;
/// How many reasons a verdict lists; its sentence says how many there are.
const REASONS_MAX: usize = 100;

/// A token to be reported on.
#[derive(Clone)]
pub(super) struct Subject {
    pub id: String,
    pub label: &'static str,
    pub masked: String,
    principal: String,
    pub deactivated_at: Option<Timestamp>,
}

/// Everything: both tokens of `pair`, and those that died or were tried lately.
pub async fn report(app: &App, workspace_id: &WorkspaceId, pair: &Pair) -> Result<TokenUsage, ApiError> {
    store_what_is_counted(app).await;
    let now = app.now();
    let (mut subjects, members) = (valid(pair).to_vec(), Members::look(app, workspace_id).await);
    subjects.extend(dead(app, workspace_id, now).await?);
    let mut tokens = look(app, &subjects, &members).await?;
    let safe_to_rotate = judge(app, workspace_id, &tokens[0], &members).await?;
    for token in &mut tokens {
        token.clients.truncate(CLIENTS_MAX);
    }
    Ok(TokenUsage {
        workspace_id: workspace_id.to_string(),
        generation: pair.generation,
        at: db::timestamp(now.as_millisecond()),
        safe_to_rotate,
        tokens,
    })
}

/// The verdict alone. `thorough`: with what a cluster knows, which may take it a while to tell.
pub async fn verdict_on(
    app: &App,
    workspace_id: &WorkspaceId,
    pair: &Pair,
    thorough: bool,
) -> Result<SafeToRotate, ApiError> {
    store_what_is_counted(app).await;
    let members = if thorough { Members::look(app, workspace_id).await } else { Arc::default() };
    let [current, _] = valid(pair);
    let token = look(app, &[current], &members).await?;
    judge(app, workspace_id, &token[0], &members).await
}

/// A pair as the API shows it, with the last use that any replica has seen.
pub async fn with_last_use(app: &App, mut pair: TokenPair) -> Result<TokenPair, ApiError> {
    let stored = token_clients::last_used(&*app.db, &[&pair.current.id, &pair.next.id]).await?;
    for token in [&mut pair.current, &mut pair.next] {
        let stored = stored.iter().find(|(id, _)| *id == token.id).and_then(|(_, at)| time(*at));
        token.last_used_at = token.last_used_at.max(stored);
    }
    Ok(pair)
}

/// If that fails, what is shown is as old as the last flush.
pub(super) async fn store_what_is_counted(app: &App) {
    if let Err(error) = flush(app).await {
        tracing::warn!(%error, "what was counted of the use of tokens is not stored yet");
    }
}

async fn judge(
    app: &App,
    workspace_id: &WorkspaceId,
    token: &UsedToken,
    members: &Members,
) -> Result<SafeToRotate, ApiError> {
    let row = db::workspaces::find_ready(&*app.db, workspace_id).await?;
    let row = row.ok_or_else(|| ApiError::NotFound(format!("Workspace '{workspace_id}'")))?;
    let window = settings::describe(&row).safe_to_rotate_minutes;
    let now = app.now();
    let verdict = verdict::judge(token, window, members.cannot_see(token, now), now);
    let mut verdict = verdict::unless_missing(verdict, members.missing());
    verdict.reasons.truncate(REASONS_MAX);
    Ok(verdict)
}

pub(super) fn valid(pair: &Pair) -> [Subject; 2] {
    Slot::BOTH.map(|slot| {
        let token = pair.token(slot).describe(slot);
        let label = slot.label();
        Subject { id: token.id, label, masked: token.masked, principal: token.principal, deactivated_at: None }
    })
}

pub(super) async fn dead(app: &App, workspace_id: &WorkspaceId, now: Timestamp) -> Result<Vec<Subject>, ApiError> {
    let since = now - DEAD_SHOWN;
    let mut rows = db::tokens::list_dead_after(&*app.db, workspace_id, since, DEAD_MAX).await?;
    let tried = token_clients::refused_after(&*app.db, workspace_id, since.as_millisecond(), DEAD_MAX).await?;
    let tried = tried.iter().map(String::as_str).filter(|id| rows.iter().all(|row| row.id != *id));
    let tried = db::tokens::list_dead_of(&*app.db, tried.collect::<Vec<_>>()).await?;
    rows.extend(tried.into_iter().filter(|row| row.workspace_id == workspace_id.as_str()));
    Ok(rows
        .into_iter()
        .map(|row| Subject {
            label: "deactivated",
            masked: row.masked,
            principal: app.keys.principal(&row.id),
            deactivated_at: row.deactivated_at.map(db::timestamp),
            id: row.id,
        })
        .collect())
}

async fn look(app: &App, subjects: &[Subject], members: &Members) -> Result<Vec<UsedToken>, ApiError> {
    let ids: Vec<&str> = subjects.iter().map(|subject| subject.id.as_str()).collect();
    let rows = token_clients::list_of(&*app.db, &ids).await?;
    Ok(describe(app, subjects, rows, members))
}

/// The tokens with those of their clients that are in `stored`, and all that are connected.
pub(super) fn describe(
    app: &App,
    subjects: &[Subject],
    stored: Vec<token_clients::Model>,
    members: &Members,
) -> Vec<UsedToken> {
    let mut rows: HashMap<String, Vec<token_clients::Model>> = HashMap::new();
    for row in stored {
        rows.entry(row.token_id.clone()).or_default().push(row);
    }
    // One look at what is open, so that no connection is seen twice.
    let mut open: HashMap<String, HashMap<Identity, (u64, Timestamp)>> = HashMap::new();
    for connection in app.broker.connections() {
        let of_principal = open.entry(connection.principal.clone()).or_default();
        let entry = of_principal.entry(Identity::of_connection(&connection)).or_insert((0, connection.since));
        entry.0 += 1;
    }
    let can_tell = app.broker.kafka().is_none();
    let tokens = subjects.iter().map(|subject| {
        let rows = rows.remove(&subject.id).unwrap_or_default();
        let open = open.remove(&subject.principal).unwrap_or_default();
        let open_connections = can_tell.then(|| open.values().map(|(count, _)| count).sum());
        used_token(subject, &rows, open, open_connections, members)
    });
    tokens.collect()
}

fn used_token(
    subject: &Subject,
    rows: &[token_clients::Model],
    mut open: HashMap<Identity, (u64, Timestamp)>,
    open_connections: Option<u64>,
    members: &Members,
) -> UsedToken {
    let (mut clients, mut others) = (Vec::new(), None);
    for row in rows {
        if row.client == token_clients::OTHERS {
            others = Some(client(row, &subject.id));
            continue;
        }
        let mut client = client(row, &subject.id);
        if let Some((count, _)) = open.remove(&identity(row)) {
            client.open_connections = count;
        }
        clients.push(client);
    }
    // Those beyond the bounds are open all the same.
    clients
        .extend(open.into_iter().map(|(identity, (count, since))| open_client(&identity, &subject.id, count, since)));
    members.add_to(&mut clients, &subject.id, &subject.principal);
    clients.sort_by_key(|client| std::cmp::Reverse((client.open_connections > 0, client.last_seen_at)));
    let sum = |number: fn(&token_clients::Model) -> i64| rows.iter().map(number).sum::<i64>().unsigned_abs();
    let latest = |moment: fn(&token_clients::Model) -> i64| time(rows.iter().map(moment).max().unwrap_or_default());
    UsedToken {
        id: subject.id.clone(),
        label: subject.label.to_owned(),
        masked: subject.masked.clone(),
        principal: subject.principal.clone(),
        deactivated_at: subject.deactivated_at,
        last_used_at: latest(|row| row.used_at),
        credentials_fetched_at: latest(|row| row.fetched_at),
        open_connections,
        requests: sum(|row| row.requests),
        bytes: sum(|row| row.bytes),
        refused: sum(|row| row.refused),
        refused_at: latest(|row| row.refused_at),
        clients,
        others,
    }
}

fn client(row: &token_clients::Model, token_id: &str) -> TokenClient {
    let identity = identity(row);
    TokenClient {
        name: name(&identity, token_id),
        via: identity.via,
        address: identity.address,
        agent: identity.agent,
        software: identity.software,
        groups: Vec::new(),
        open_connections: 0,
        first_seen_at: db::timestamp(row.first_seen),
        last_seen_at: db::timestamp(row.last_seen),
        last_used_at: time(row.used_at),
        credentials_fetched_at: time(row.fetched_at),
        requests: row.requests.unsigned_abs(),
        bytes: row.bytes.unsigned_abs(),
        refused: row.refused.unsigned_abs(),
        refused_at: time(row.refused_at),
    }
}

/// A client of which nothing is known but that it is connected.
fn open_client(identity: &Identity, token_id: &str, open_connections: u64, since: Timestamp) -> TokenClient {
    TokenClient {
        name: name(identity, token_id),
        via: identity.via,
        address: identity.address.clone(),
        agent: identity.agent.clone(),
        software: identity.software.clone(),
        groups: Vec::new(),
        open_connections,
        first_seen_at: since,
        last_seen_at: since,
        last_used_at: None,
        credentials_fetched_at: None,
        requests: 0,
        bytes: 0,
        refused: 0,
        refused_at: None,
    }
}

fn identity(row: &token_clients::Model) -> Identity {
    Identity {
        via: if row.via == Via::Api.name() { Via::Api } else { Via::Broker },
        address: row.address.clone(),
        agent: row.agent.clone(),
        software: row.software.clone(),
    }
}

/// What it calls itself; what Twinkey has called it, the `client.id` with the token's id, says nothing about it.
fn name(identity: &Identity, token_id: &str) -> String {
    let own = Some(&identity.agent).filter(|agent| !agent.is_empty() && !agent.contains(token_id));
    let named = own.or(Some(&identity.software).filter(|it| !it.is_empty()));
    named.or(Some(&identity.agent).filter(|it| !it.is_empty())).cloned().unwrap_or_else(|| "unnamed".into())
}

fn time(milliseconds: i64) -> Option<Timestamp> {
    (milliseconds > 0).then(|| db::timestamp(milliseconds))
}
