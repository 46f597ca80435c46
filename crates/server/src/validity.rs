//! Is this token valid, whose is it? From memory while that may be believed, else from the database, else no answer.
//!
//! Every decision about an SDK token passes here. While memory is believed, what it holds is valid, and what it does not hold
//! is asked for all the same: another replica may have made the token a moment ago.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use twinkey_api::{WorkspaceId, token::Secret, token_pair::Slot};

use crate::{
    app::App,
    db,
    error::ApiError,
    registry::{self, KnownToken, LoadError, Pair},
};

/// How long the database may take. A client is better told soon that it should try again.
const LIMIT: Duration = Duration::from_secs(2);

/// What a token is.
pub enum Verdict {
    /// One of the two of its workspace.
    Valid(Arc<KnownToken>),
    /// It was one.
    RotatedOut {
        /// Its public id.
        token_id: String,
        /// Of which workspace.
        workspace_id: String,
        /// Until when.
        deactivated_at: Timestamp,
    },
    /// It was one, and its workspace was deleted.
    Deleted {
        /// Its public id.
        token_id: String,
        /// Which workspace.
        workspace_id: String,
        /// Since when.
        deleted_at: Timestamp,
    },
    /// No token that was ever valid.
    Unknown,
}

/// What `token` is.
pub async fn verdict(app: &App, token: &Secret) -> Result<Verdict, ApiError> {
    let hash = app.keys.hash(token);
    // The second hash only while the master key is being changed, and only for what is not there yet.
    let remembered = || app.registry.find(&hash).or_else(|| app.registry.find(&app.keys.previous_hash(token)?));
    // In this order: see `Trust::holds`.
    if app.replicas.trusts()
        && let Some(known) = remembered()
    {
        return Ok(Verdict::Valid(known));
    }
    let hashes = app.keys.hashes(token);
    let Some(row) = ask(db::tokens::find_by_hash(&*app.db, &hashes)).await? else {
        return Ok(match ask(db::deleted_tokens::find_by_hash(&*app.db, &hashes)).await? {
            Some(row) => Verdict::Deleted {
                token_id: row.id,
                workspace_id: row.workspace_id,
                deleted_at: db::timestamp(row.deleted_at),
            },
            None => Verdict::Unknown,
        });
    };
    if let Some(deactivated_at) = row.deactivated_at {
        let deactivated_at = db::timestamp(deactivated_at);
        // Where the current token is found must not be said of a workspace that has none.
        let workspace = ask(db::workspaces::find(&*app.db, &row.workspace_id)).await?;
        if workspace.is_none_or(|it| it.state == db::workspaces::DELETING) {
            let (token_id, workspace_id) = (row.id, row.workspace_id);
            return Ok(Verdict::Deleted { token_id, workspace_id, deleted_at: deactivated_at });
        }
        return Ok(Verdict::RotatedOut { token_id: row.id, workspace_id: row.workspace_id, deactivated_at });
    }
    if row.slot.is_none() {
        return Ok(Verdict::Unknown);
    }
    // If memory holds it, that one, so that its uses are counted in one place.
    let known = remembered().or_else(|| registry::known(&app.keys, row).map(Arc::new));
    Ok(known.map_or(Verdict::Unknown, Verdict::Valid))
}

/// Whether a token that was valid when its request came is so still.
pub async fn is_still_valid(app: &App, token: &KnownToken) -> Result<bool, ApiError> {
    let pair = pair(app, &token.workspace_id).await?;
    if pair.as_ref().is_some_and(|pair| holds(pair, token)) {
        return Ok(true);
    }
    // Memory may be behind a rotation that made the token.
    let pair = ask(registry::read(&app.keys, &*app.db, &token.workspace_id)).await?;
    Ok(pair.is_some_and(|pair| holds(&pair, token)))
}

/// The tokens of a workspace; `None`: there is no such workspace.
pub async fn pair(app: &App, workspace_id: &WorkspaceId) -> Result<Option<Pair>, ApiError> {
    if app.replicas.trusts()
        && let Some(pair) = app.registry.pair(workspace_id)
    {
        return Ok(Some(pair));
    }
    ask(registry::read(&app.keys, &*app.db, workspace_id)).await
}

fn holds(pair: &Pair, token: &KnownToken) -> bool {
    Slot::BOTH.iter().any(|slot| pair.token(*slot).id == token.id)
}

/// Waits for the database no longer than [`LIMIT`].
async fn ask<T, E: Into<LoadError>>(question: impl Future<Output = Result<T, E>>) -> Result<T, ApiError> {
    match tokio::time::timeout(LIMIT, question).await {
        Ok(answer) => answer.map_err(|error| error.into().into()),
        Err(_) => Err(db::failure::silent(LIMIT).into()),
    }
}
