//! Giving a valid token back what it lost on the broker: the one grant that is made for a token that may die meanwhile.
//!
//! A server that is paused in the middle of a repair must not grant after the token's death. It cannot be stopped, so it is
//! waited for: before it grants, it raises a *fence* in the token's row, in a transaction in which the token is valid. While the
//! fence is up, no cut-off of the token counts as proved (`crate::cut_off`). It is lowered when every grant was answered; the cut-off
//! is then done once more. Of a server that never comes back the broker closes the connection after its idle limit, and nothing of it
//! can arrive any more; then the fence is over by itself. A grant whose outcome is not known leaves the fence up.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sea_orm::DbErr;
use serde_json::json;
use twinkey_api::WorkspaceId;

use crate::{
    app::App,
    audit::{self, Actor, Event},
    broker::{BrokerError, Kafka, Principal},
    cut_off::FENCE_MARGIN,
    db,
    keys::broker_password,
    replicas::leader::{Fence, FenceError},
};

/// So many tokens are mended together.
const BATCH: usize = 100;

/// A valid token that the broker does not serve as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    pub id: String,
    pub what: &'static str,
}

/// Mends what it can; how many were mended, and the first thing that went wrong.
pub(super) async fn grant(
    app: &Arc<App>,
    kafka: &Kafka,
    fence: &Fence,
    missing: &[Missing],
) -> (usize, Option<String>) {
    let mut mended = 0;
    for batch in missing.chunks(BATCH) {
        match grant_batch(app, kafka, fence, batch).await {
            Ok(Ok(count)) => mended += count,
            Ok(Err(error)) => return (mended, Some(error.to_string())),
            Err(error) => return (mended, Some(error.to_string())),
        }
    }
    (mended, None)
}

async fn grant_batch(
    app: &Arc<App>,
    kafka: &Kafka,
    fence: &Fence,
    batch: &[Missing],
) -> Result<Result<usize, BrokerError>, FenceError> {
    let idle = match kafka.idle_limit().await {
        Ok(idle) => SignedDuration::try_from(idle).unwrap_or(SignedDuration::MAX),
        Err(error) => return Ok(Err(error.into())),
    };
    let by = &app.reconciler.name;
    let transaction = app.db.write().await?;
    fence.check(&*transaction).await?;
    let now = db::now_ms(&*transaction).await?;
    let over = (idle + FENCE_MARGIN).as_millis().try_into().map_or(i64::MIN, |age: i64| now.saturating_sub(age));
    let mut valid = Vec::new();
    for missing in batch {
        if db::principals::raise_fence(&*transaction, &missing.id, by, now, over).await? {
            valid.push(missing.id.as_str());
        }
    }
    let rows = db::principals::list_of_ids(&*transaction, &valid).await?;
    let any = db::workspaces::list_any_transactional(&*transaction).await?;
    transaction.commit().await?;

    let principals: Vec<_> =
        rows.iter().filter_map(|row| principal(app, row, any.contains(&row.workspace_id))).collect();
    let granted = app.broker.ensure_principals(&principals).await;
    if let Err(BrokerError::Unknown(_)) = granted {
        return Ok(granted.map(|()| 0));
    }
    let transaction = app.db.write().await?;
    db::principals::lower_fences(&*transaction, &valid, by).await?;
    if granted.is_ok() {
        for row in &rows {
            let what = batch.iter().find(|missing| missing.id == row.id).map_or("", |missing| missing.what);
            record(app, &*transaction, row, what, app.now()).await?;
        }
    }
    transaction.commit().await?;
    Ok(granted.map(|()| principals.len()))
}

/// `None`: the stored bytes do not belong to the master key in use, which is told when somebody asks for the token.
fn principal(app: &App, row: &db::tokens::Model, any_transactional_id: bool) -> Option<Principal> {
    let secret = app.keys.unseal(&row.id, &row.sealed)?;
    Some(Principal {
        name: app.keys.principal(&row.id),
        password: broker_password(&secret),
        workspace_id: WorkspaceId::parse(&row.workspace_id).ok()?,
        any_transactional_id,
    })
}

async fn record(
    app: &App,
    transaction: &impl sea_orm::ConnectionTrait,
    row: &db::tokens::Model,
    what: &str,
    now: Timestamp,
) -> Result<(), DbErr> {
    let event = Event {
        action: "principal.repaired",
        workspace_id: Some(&row.workspace_id),
        target: Some(&row.id),
        detail: json!({"principal": app.keys.principal(&row.id), "missing": what}),
    };
    audit::append(transaction, &Actor::system(), now, event).await
}
