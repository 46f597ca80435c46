//! Rotation: Token 1 dies, Token 2 takes its place, a fresh Token 2 is made.
//!
//! 1. Prepare: generate the new token. The embedded broker asks the registry who may sign in, so its principal needs no
//!    step of its own.
//! 2. Flip: one database transaction, guarded by the generation. When it is committed, the registry changes under one lock:
//!    from that instant the API and new sign-ins on the broker refuse the old token.
//! 3. Cut off: the broker closes the old principal's open connections and waits until their last request has ended.
//!
//! Only then is the rotation acknowledged. A crash before the commit leaves everything as it was; after it, the next start
//! loads the new pair, and no connection has survived the crash.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use twinkey_api::{
    WorkspaceId,
    token_pair::{DeactivatedToken, Rotated, Slot},
};

use crate::{
    app::App,
    audit::{self, Actor, Event},
    db,
    error::ApiError,
    registry::{self, KnownToken, Pair},
    tokens::{FreshToken, undone},
};

/// Which tokens are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Token 1; Token 2 is promoted.
    Normal,
    /// Both, because both may have leaked.
    Emergency,
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
    /// Why, for the audit log.
    pub reason: Option<String>,
}

/// Rotates. Must run to its end once begun: see `routes::to_its_end`.
pub async fn rotate(app: &App, actor: &Actor, order: &Order) -> Result<Rotated, ApiError> {
    // As it is stored, so that this answer and the refusal of the dead token name the same moment.
    let now = db::timestamp(app.now().as_millisecond());
    let (pair, dead, forgotten) = flip(app, actor, order, now).await?;
    let committed_at = app.replicas.now();
    let mut connections_closed = 0;
    for token in dead.iter().chain(&forgotten) {
        connections_closed += app.broker.cut_off(&token.principal).await.connections_closed;
    }
    app.replicas.confirmed(&app.db, pair.revision, committed_at).await;
    app.metrics.rotations.inc();
    app.metrics.connections_cut_off.inc_by(connections_closed as u64);
    tracing::info!(workspace_id = %order.workspace_id, generation = pair.generation, connections_closed, "rotated");
    let all_deactivated: Vec<_> =
        dead.iter().map(|token| DeactivatedToken { id: token.id.clone(), deactivated_at: now }).collect();
    let described = pair.describe();
    Ok(Rotated {
        generation: described.generation,
        current: described.current,
        next: described.next,
        deactivated: all_deactivated.first().cloned().ok_or_else(|| ApiError::Internal("no token died".into()))?,
        all_deactivated,
        connections_closed,
    })
}

/// The transaction and the change in memory; returns the pair in force, the tokens that died, Token 1 first, and those that
/// memory took for valid until now although they had died before.
async fn flip(
    app: &App,
    actor: &Actor,
    order: &Order,
    now: Timestamp,
) -> Result<(Pair, Vec<Arc<KnownToken>>, Vec<Arc<KnownToken>>), ApiError> {
    let Order { workspace_id, expected_generation: expected, kind, reason } = order;
    let fresh = |slot| FreshToken::generate(&app.keys, &app.random, workspace_id, slot, now);

    let transaction = app.db.write().await?;
    let not_found = || ApiError::NotFound(format!("Workspace '{workspace_id}'"));
    // From the database: memory may be behind, after a rotation on another replica or a commit that could not be carried over.
    let before = registry::read(&*transaction, workspace_id).await?.ok_or_else(not_found)?;
    if !db::workspaces::advance_generation(&*transaction, workspace_id, *expected).await? {
        return Err(ApiError::StaleGeneration { expected: *expected, actual: before.generation });
    }
    db::tokens::deactivate(&*transaction, workspace_id, Slot::Current, now).await?;
    let next = fresh(Slot::Next);
    let current = match kind {
        Kind::Normal => {
            db::tokens::promote(&*transaction, workspace_id).await?;
            before.next.clone()
        }
        Kind::Emergency => {
            db::tokens::deactivate(&*transaction, workspace_id, Slot::Next, now).await?;
            let current = fresh(Slot::Current);
            current.insert(&*transaction).await?;
            current.known
        }
    };
    next.insert(&*transaction).await?;
    let revision = db::changes::record(&*transaction, workspace_id.as_str()).await?;
    let event = Event {
        action: if *kind == Kind::Normal { "token.rotated" } else { "token.emergency_rotated" },
        workspace_id: Some(workspace_id.as_str()),
        target: Some(&before.current.id),
        detail: json!({
            "generation": expected + 1,
            "before": {"token1": before.current.id, "token2": before.next.id},
            "after": {"token1": current.id, "token2": next.known.id},
            "reason": reason,
        }),
    };
    audit::append(&*transaction, actor, now, event).await?;
    let pair = Pair { generation: expected + 1, revision, current, next: next.known };
    let died = |token: &Arc<KnownToken>| token.id != pair.current.id && token.id != pair.next.id;
    let dead: Vec<_> = [before.current, before.next].into_iter().filter(died).collect();
    let removed = match transaction.commit_then(|| app.registry.set(pair.clone())).await {
        Ok(removed) => removed,
        Err(error) => settle(app, workspace_id, &pair, error).await?,
    };
    let forgotten = removed.into_iter().filter(|token| dead.iter().all(|it| it.id != token.id)).collect();
    Ok((pair, dead, forgotten))
}

/// After a commit that failed it is not known whether it took effect; the database is asked, and memory follows it.
async fn settle(
    app: &App,
    workspace_id: &WorkspaceId,
    wanted: &Pair,
    error: sea_orm::DbErr,
) -> Result<Vec<Arc<KnownToken>>, ApiError> {
    let settled = app.db.settled().await?;
    let dead = app.registry.reload(&*settled, workspace_id).await?;
    // By the token, not by whether it is Token 2: another rotation may have come in between.
    match db::tokens::find_by_id(&*settled, &wanted.next.id).await? {
        Some(_) => Ok(dead),
        None => Err(undone(error)),
    }
}
