//! Rotation: Token 1 dies, Token 2 takes its place, a fresh Token 2 is made.
//!
//! 1. [`prepare`]: generate the new token and, where the broker keeps principals of its own, make its principal.
//! 2. Flip: one database transaction, guarded by the generation. When it is committed, the registry changes under one lock:
//!    from that instant the API and new sign-ins on the embedded broker refuse the old token.
//! 3. [`cut_off`]: the broker takes the old principal everything, open connections included, and shows that it has. At the same
//!    time every other replica confirms that it knows, or loses the right to answer from memory.
//!
//! Only then is the rotation acknowledged; where a broker cannot show it in time, the answer says so and names it. A crash
//! before the commit leaves everything as it was; after it, the next start loads the new pair and goes on with the cut-off.

pub mod prepare;
pub mod repeated;
pub mod undo;

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::json;
use twinkey_api::{
    WorkspaceId,
    token_pair::{CutOffProof, CutOffState, DeactivatedToken, Rotated, Slot},
    usage::SafeToRotate,
    webhook::WebhookEvent,
};

use crate::{
    app::App,
    audit::{self, Actor, Event},
    cut_off::{self, Dead},
    db::{self, tokens::Ciphertext},
    error::ApiError,
    registry::{self, KnownToken, Pair},
    tokens::{no_hash, undone},
    usage::report,
    webhooks,
};
use prepare::Fresh;

/// How long the database may take to tell when tokens were used last.
const LAST_USE_LIMIT: Duration = Duration::from_secs(1);

/// Which tokens are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Token 1; Token 2 is promoted.
    Normal,
    /// Both, because both may have leaked.
    Emergency,
    /// Token 2, which nobody has seen, by the former Token 1: see [`undo`].
    Undo,
}

impl Kind {
    /// What the audit log calls it.
    const fn action(self) -> &'static str {
        match self {
            Self::Normal => "token.rotated",
            Self::Emergency => "token.emergency_rotated",
            Self::Undo => "token.rotation_undone",
        }
    }

    /// What webhooks are told.
    const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Emergency => "emergency",
            Self::Undo => "undo",
        }
    }
}

/// What to do.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where.
    pub workspace_id: WorkspaceId,
    /// The generation that the caller has seen.
    pub expected_generation: i64,
    /// Which tokens.
    pub kind: Kind,
    /// Whether Token 1 is rotated away although it is in use. Both tokens are always replaced, however they are used.
    pub force: bool,
    /// Why, for the audit log.
    pub reason: Option<String>,
    /// So that the same request again has the same answer.
    pub key: Option<repeated::Key>,
}

/// What a flip has done.
struct Flipped {
    /// The pair in force.
    pair: Pair,
    /// When its commit was acknowledged, on the monotonic clock.
    committed_at: Duration,
    /// The tokens that died by it, Token 1 first.
    dead: Vec<Dead>,
    /// What memory took for valid until now although it had died before: a commit that was never carried over.
    forgotten: Vec<Arc<KnownToken>>,
}

/// Rotates, unless the same request was carried out before. Must run to its end once begun: see `routes::to_its_end`.
pub async fn rotate(app: &Arc<App>, actor: &Actor, order: &Order) -> Result<Rotated, ApiError> {
    let Some(key) = &order.key else { return Box::pin(carry_out(app, actor, order)).await };
    if let Some(answer) = key.answer(app, &order.workspace_id).await? {
        return Ok(answer);
    }
    match Box::pin(carry_out(app, actor, order)).await {
        Ok(answer) => {
            key.note_answer(app, &order.workspace_id, &answer).await;
            Ok(answer)
        }
        // Perhaps by the same request, at the same time.
        Err(stale @ ApiError::StaleGeneration { .. }) => key.answer(app, &order.workspace_id).await?.ok_or(stale),
        Err(error) => Err(error),
    }
}

async fn carry_out(app: &Arc<App>, actor: &Actor, order: &Order) -> Result<Rotated, ApiError> {
    let in_use = if order.kind == Kind::Normal { in_use(app, order).await? } else { None };
    let fresh = prepare::prepare(app, order).await?;
    // As it is stored, so that this answer and the refusal of the dead token name the same moment.
    let now = db::timestamp(app.now().as_millisecond());
    let flipped = match flip(app, actor, order, (&fresh, in_use), now).await {
        Ok(flipped) => flipped,
        Err(error) => {
            prepare::abandon(app, &fresh).await;
            return Err(error);
        }
    };
    if order.kind != Kind::Undo {
        app.metrics.rotations.inc();
    }
    let all_deactivated = deactivated(&flipped.dead);
    for token in &flipped.forgotten {
        app.broker.cut_off(&token.principal).await;
    }
    let others_know = app.replicas.confirmed(&app.db, flipped.pair.revision, flipped.committed_at);
    let (cut_off, ()) = tokio::join!(cut_off::cut_off(app, flipped.dead), others_know);
    app.metrics.connections_cut_off.inc_by(cut_off.connections_closed as u64);
    let (pair, open) = (flipped.pair, cut_off.open);
    tracing::info!(
        workspace_id = %order.workspace_id,
        generation = pair.generation,
        connections_closed = cut_off.connections_closed,
        open = open.len(),
        "rotated"
    );
    // What has taken effect is not held up by a database that has gone away since.
    let described = tokio::time::timeout(LAST_USE_LIMIT, report::with_last_use(app, pair.describe())).await;
    let described = described.ok().and_then(Result::ok).unwrap_or_else(|| pair.describe());
    Ok(Rotated {
        generation: described.generation,
        current: described.current,
        next: described.next,
        deactivated: all_deactivated.first().cloned().ok_or_else(|| ApiError::Internal("no token died".into()))?,
        all_deactivated,
        connections_closed: cut_off.connections_closed,
        cut_off: CutOffProof { state: if open.is_empty() { CutOffState::Proved } else { CutOffState::Pending }, open },
    })
}

/// Refuses to rotate Token 1 away while it is in use; if that is forced, says what is known. A stale generation comes first:
/// it is another token's use then. Both are said for sure by the transaction, or, of a use a moment later, by nobody.
async fn in_use(app: &App, order: &Order) -> Result<Option<SafeToRotate>, ApiError> {
    let Order { workspace_id, expected_generation: expected, force, .. } = order;
    let pair = registry::read(&app.keys, &*app.db, workspace_id).await?;
    let pair = pair.ok_or_else(|| ApiError::NotFound(format!("Workspace '{workspace_id}'")))?;
    if pair.generation != *expected {
        return Err(ApiError::StaleGeneration { expected: *expected, actual: pair.generation });
    }
    // Forced, it is for the record only, and nothing has to wait for a cluster.
    let verdict = report::verdict_on(app, workspace_id, &pair, !force).await?;
    match verdict.safe {
        true => Ok(None),
        false if *force => Ok(Some(verdict)),
        // Nobody is seen, and not everybody could be.
        false if verdict.reasons.is_empty() => Err(ApiError::BrokerUnavailable(verdict.sentence)),
        false => Err(ApiError::TokenInUse(Box::new(verdict))),
    }
}

fn deactivated(dead: &[Dead]) -> Vec<DeactivatedToken> {
    dead.iter().map(|token| DeactivatedToken { id: token.id.clone(), deactivated_at: token.at }).collect()
}

/// The transaction and the change in memory.
async fn flip(
    app: &App,
    actor: &Actor,
    order: &Order,
    (fresh, in_use): (&Fresh, Option<SafeToRotate>),
    now: Timestamp,
) -> Result<Flipped, ApiError> {
    let Order { workspace_id, expected_generation: expected, kind, .. } = order;
    let transaction = app.db.write().await?;
    // From the database: memory may be behind, after a rotation on another replica or a commit that could not be carried over.
    let before = registry::read(&app.keys, &*transaction, workspace_id).await?;
    let before = before.ok_or_else(|| ApiError::NotFound(format!("Workspace '{workspace_id}'")))?;
    if let Some(key) = &order.key {
        // With another request it is refused; with the same one the generation is stale.
        key.find(&*transaction, workspace_id, now).await?;
    }
    if !db::workspaces::advance_generation(&*transaction, workspace_id, *expected).await? {
        return Err(ApiError::StaleGeneration { expected: *expected, actual: before.generation });
    }
    let fences = fences(app, &*transaction, &before).await?;
    // On a broker that asks the registry the commit itself cuts off, but for connections that this process closes at once.
    let proved = app.broker.kafka().is_none().then_some(now);
    let current = match kind {
        Kind::Normal => promote(&*transaction, &before, now, proved).await?,
        Kind::Emergency => replace_both(app, &*transaction, workspace_id, fresh, now, proved).await?,
        Kind::Undo => make_room(app, &*transaction, &before, now, proved).await?,
    };
    put_in_force(app, &*transaction, &fresh.next, Slot::Next).await?;
    if *kind == Kind::Undo {
        fresh.next.store_hash(&*transaction).await?;
    }
    let revision = db::changes::record(&*transaction, workspace_id.as_str()).await?;
    let pair = Pair { generation: expected + 1, revision, current, next: fresh.next.known.clone() };
    let died = |token: &&Arc<KnownToken>| token.id != pair.current.id && token.id != pair.next.id;
    let dead: Vec<_> = [&before.current, &before.next]
        .into_iter()
        .filter(died)
        .map(|token| Dead {
            id: token.id.clone(),
            workspace_id: workspace_id.to_string(),
            principal: token.principal.clone(),
            at: now,
            repair_by: fences.get(&token.id).cloned().flatten(),
        })
        .collect();
    record(&*transaction, actor, order, (&before, &pair), (&dead, in_use.as_ref()), now).await?;
    if let Some(key) = &order.key {
        key.note(&*transaction, order, &pair, deactivated(&dead), now).await?;
    }
    let committed = transaction.commit_then(|| app.registry.set(pair.clone())).await;
    let removed = match committed {
        Ok(removed) => removed,
        Err(error) => settle(app, workspace_id, &pair, error).await?,
    };
    let forgotten = removed.into_iter().filter(|token| dead.iter().all(|it| it.id != token.id)).collect();
    Ok(Flipped { pair, committed_at: app.replicas.now(), dead, forgotten })
}

/// Token 1 dies, Token 2 takes its place. Returns the new Token 1.
async fn promote(
    transaction: &impl ConnectionTrait,
    before: &Pair,
    now: Timestamp,
    proved: Option<Timestamp>,
) -> Result<Arc<KnownToken>, ApiError> {
    let id = &before.current.workspace_id;
    let workspace = db::workspaces::find(transaction, id.as_str()).await?;
    let undoable = workspace.is_some_and(|workspace| workspace.undo_minutes.is_some());
    let ciphertext = if undoable { Ciphertext::Kept } else { Ciphertext::Erased };
    db::tokens::deactivate(transaction, id, Slot::Current, now, proved, ciphertext).await?;
    db::tokens::promote(transaction, id).await?;
    undo::remember(transaction, id.as_str(), undoable.then_some(before.current.id.as_str())).await?;
    Ok(before.next.clone())
}

/// Both tokens die. Returns the new Token 1.
async fn replace_both(
    app: &App,
    transaction: &impl ConnectionTrait,
    id: &WorkspaceId,
    fresh: &Fresh,
    now: Timestamp,
    proved: Option<Timestamp>,
) -> Result<Arc<KnownToken>, ApiError> {
    let current = fresh.current.as_ref().ok_or_else(|| ApiError::Internal("no Token 1 was prepared".into()))?;
    for slot in Slot::BOTH {
        db::tokens::deactivate(transaction, id, slot, now, proved, Ciphertext::Erased).await?;
    }
    put_in_force(app, transaction, current, Slot::Current).await?;
    undo::remember(transaction, id.as_str(), None).await?;
    Ok(current.known.clone())
}

/// Token 2 dies, so that the former Token 1 can take its place. Returns Token 1, which stays.
async fn make_room(
    app: &App,
    transaction: &impl ConnectionTrait,
    before: &Pair,
    now: Timestamp,
    proved: Option<Timestamp>,
) -> Result<Arc<KnownToken>, ApiError> {
    let id = &before.current.workspace_id;
    let back = undo::find(app, transaction, id, now).await?;
    db::tokens::deactivate(transaction, id, Slot::Next, now, proved, Ciphertext::Erased).await?;
    // No two rows may have the same hash.
    db::tokens::set_hash(transaction, &back.id, &no_hash(&back.id)).await?;
    undo::remember(transaction, id.as_str(), None).await?;
    Ok(before.current.clone())
}

/// Says in the audit log and to webhooks what was done.
async fn record(
    transaction: &impl ConnectionTrait,
    actor: &Actor,
    Order { workspace_id, kind, reason, .. }: &Order,
    (before, after): (&Pair, &Pair),
    (dead, in_use): (&[Dead], Option<&SafeToRotate>),
    now: Timestamp,
) -> Result<(), DbErr> {
    let workspace_id = workspace_id.as_str();
    let against = in_use.map(|verdict| &verdict.sentence);
    let told = json!({
        "workspaceId": workspace_id,
        "generation": after.generation,
        "kind": kind.name(),
        "deactivated": dead.iter().map(|token| &token.id).collect::<Vec<_>>(),
        "current": after.current.id,
        "next": after.next.id,
        "by": actor.name,
        "reason": reason,
    });
    webhooks::enqueue(transaction, now, WebhookEvent::TokenRotated, workspace_id, &told).await?;
    if let Some(against) = against {
        let told = json!({
            "workspaceId": workspace_id,
            "generation": after.generation,
            "forced": against,
            "by": actor.name,
            "reason": reason,
        });
        webhooks::enqueue(transaction, now, WebhookEvent::UnsafeRotationForced, workspace_id, &told).await?;
    }
    let event = Event {
        action: kind.action(),
        workspace_id: Some(workspace_id),
        target: Some(if *kind == Kind::Undo { &before.next.id } else { &before.current.id }),
        detail: json!({
            "generation": after.generation,
            "before": {"token1": before.current.id, "token2": before.next.id},
            "after": {"token1": after.current.id, "token2": after.next.id},
            "reason": reason,
            // What a forced rotation was forced against.
            "forced": against,
        }),
    };
    audit::append(transaction, actor, now, event).await
}

/// Makes a token of this rotation valid.
async fn put_in_force(
    app: &App,
    transaction: &impl ConnectionTrait,
    token: &crate::tokens::FreshToken,
    slot: Slot,
) -> Result<(), ApiError> {
    if app.broker.kafka().is_none() {
        return Ok(token.insert(transaction).await?);
    }
    if db::principals::put_in_force(transaction, &token.known.id, slot).await? {
        return Ok(());
    }
    Err(ApiError::BrokerUnavailable("preparing the new token took so long that it was given up; try again".into()))
}

/// After a commit that failed it is not known whether it took effect; the database is asked, and memory follows it.
async fn settle(
    app: &App,
    workspace_id: &WorkspaceId,
    wanted: &Pair,
    error: DbErr,
) -> Result<Vec<Arc<KnownToken>>, ApiError> {
    let id = workspace_id.as_str();
    let settled = app.db.settled(id).await?;
    // By the token, not by whether it is Token 2: another rotation may have come in between. It may have been prepared before,
    // but then it has no slot and has not died in one.
    let stored = db::tokens::find_by_id(&*settled, &wanted.next.id).await;
    let stored = stored.map_err(|error| app.db.unsettled(id, error))?;
    // Last: the tokens that die by it are named once.
    let dead = app.registry.reload(&*settled, workspace_id).await.map_err(|error| app.db.unsettled(id, error))?;
    match stored {
        Some(row) if row.slot.is_some() || row.deactivated_at.is_some() => Ok(dead),
        _ => Err(undone(error)),
    }
}

/// Who is repairing the rights of these tokens; only where the broker keeps any.
async fn fences(
    app: &App,
    transaction: &impl ConnectionTrait,
    pair: &Pair,
) -> Result<HashMap<String, Option<String>>, ApiError> {
    if app.broker.kafka().is_none() {
        return Ok(HashMap::new());
    }
    let rows = db::principals::list_of_ids(transaction, &[&pair.current.id, &pair.next.id]).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.repair_by)).collect())
}
