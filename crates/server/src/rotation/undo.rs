//! Undoing a rotation: the deactivated Token 1 comes back as Token 2, in the place of the fresh one that nobody was ever shown.
//!
//! To everything else it is a rotation like any other: a token is prepared, one transaction replaces Token 2 by it, and the one that
//! died is cut off. So it keeps the same promises at every instant, through crashes, on replicas and on Apache Kafka. What is
//! special (docs/decisions/0015-undoing-a-rotation.md says why):
//!
//! * The value that comes back gets a new public id, and with it a new principal. The old principal stays dead: orders of its cut-off may
//!   still be under way, and connections that it had opened must not come back to life before anybody has agreed to that. Nobody knows
//!   the new principal's name before the commit, so that it may be made before.
//! * Token 2 must never have been shown to anybody. Then nobody can have used it, and nothing has to be counted to know that. A
//!   reveal stores that it happened before it answers, and both are write transactions, which come one after the other.

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, DbErr};
use twinkey_api::{WorkspaceId, token::Secret, token_pair::Slot};

use crate::{app::App, db, error::ApiError};

/// The token that can come back.
pub struct Revocable {
    /// The public id that it had.
    pub id: String,
    /// Its value.
    pub secret: Secret,
}

/// Finds the token that comes back if the last rotation is undone now, or says why it cannot be. Asked before anything is prepared, and
/// again by the transaction.
pub async fn find(
    app: &App,
    db: &impl ConnectionTrait,
    workspace_id: &WorkspaceId,
    now: Timestamp,
) -> Result<Revocable, ApiError> {
    let workspace = db::workspaces::find_ready(db, workspace_id).await?;
    let workspace = workspace.ok_or_else(|| ApiError::NotFound(format!("Workspace '{workspace_id}'")))?;
    let impossible = |why: &str| ApiError::UndoImpossible(why.to_owned());
    let Some(minutes) = workspace.undo_minutes else {
        return Err(impossible("the setting undoMinutes of the workspace is off"));
    };
    let none = || impossible("the last change of the tokens was no rotation that kept the old Token 1");
    let row = match &workspace.undo_token {
        Some(id) => db::tokens::find_by_id(db, id).await?.ok_or_else(none)?,
        None => return Err(none()),
    };
    let deactivated_at = row.deactivated_at.ok_or_else(none)?;
    if is_over(deactivated_at, minutes, now) {
        return Err(impossible("it was rotated too long ago"));
    }
    let next = db::tokens::list_valid_of(db, workspace_id).await?;
    let next = next.into_iter().find(|row| row.slot.as_deref() == Some(Slot::Next.name())).ok_or_else(none)?;
    if let Some(at) = next.revealed_at {
        let why = format!("Token 2 was revealed at {}, and whoever holds it would lose it", db::timestamp(at));
        return Err(ApiError::UndoImpossible(why));
    }
    let secret = app.keys.unseal(&row.id, &row.sealed);
    let secret = secret.ok_or_else(|| impossible("the old Token 1 was not kept, or under another master key"))?;
    Ok(Revocable { id: row.id, secret })
}

fn is_over(deactivated_at: i64, minutes: i64, now: Timestamp) -> bool {
    now > db::timestamp(deactivated_at) + SignedDuration::from_mins(minutes)
}

/// Notes, in the transaction of a rotation, which token can come back, and lets go of the one before.
pub async fn remember(
    transaction: &impl ConnectionTrait,
    workspace_id: &str,
    token: Option<&str>,
) -> Result<(), DbErr> {
    let workspace = db::workspaces::find(transaction, workspace_id).await?;
    if let Some(before) = workspace.and_then(|it| it.undo_token) {
        db::tokens::erase(transaction, &before).await?;
    }
    db::workspaces::set_undo_token(transaction, workspace_id, token).await
}

/// Erases the ciphertexts of tokens that can come back no longer; how many.
pub async fn forget_expired(app: &App, now: Timestamp) -> Result<usize, DbErr> {
    let mut forgotten = 0;
    for workspace in db::workspaces::list_undoable(&*app.db).await? {
        let transaction = app.db.write().await?;
        let Some(workspace) = db::workspaces::find(&*transaction, &workspace.id).await? else { continue };
        let Some(id) = &workspace.undo_token else { continue };
        let row = db::tokens::find_by_id(&*transaction, id).await?;
        let lasts = workspace.undo_minutes.zip(row.and_then(|row| row.deactivated_at));
        if lasts.is_none_or(|(minutes, deactivated_at)| is_over(deactivated_at, minutes, now)) {
            remember(&*transaction, &workspace.id, None).await?;
            transaction.commit().await?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}
