//! Making a workspace on a broker that keeps principals of its own.
//!
//! The workspace is stored with two *prepared* tokens first: it is shown as being created, has no valid token, and nobody was
//! shown a secret of it. Then the principals are made, and one transaction makes the tokens valid and the workspace ready. What
//! goes wrong before that is undone; after a crash the reconciler finishes it.

use std::sync::Arc;

use sea_orm::DbErr;
use serde_json::json;
use twinkey_api::{WorkspaceId, token_pair::Slot};

use crate::{
    app::App,
    audit::{self, Actor, Event},
    broker::{BrokerError, Principal},
    db,
    error::ApiError,
    keys::broker_password,
    registry,
    tokens::{FreshToken, undone},
};

/// Why a workspace was not finished.
#[derive(Debug, thiserror::Error)]
pub enum CreationError {
    /// The broker refused, or is away.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbErr),
    /// See [`ApiError`].
    #[error(transparent)]
    Api(#[from] ApiError),
    /// It is not being created.
    #[error("the workspace is not being created any longer")]
    Gone,
}

/// Finishes what was begun, or undoes it and says why.
pub async fn finish_or_undo(
    app: &Arc<App>,
    actor: &Actor,
    id: &WorkspaceId,
) -> Result<db::workspaces::Model, ApiError> {
    let error = match finish(app, id).await {
        Ok(workspace) => return Ok(workspace),
        Err(CreationError::Broker(BrokerError::Unknown(cause))) => ApiError::BrokerUnavailable(cause),
        Err(CreationError::Broker(error)) => error.into(),
        Err(CreationError::Db(error)) => error.into(),
        Err(CreationError::Api(error)) => error,
        Err(CreationError::Gone) => ApiError::Internal(format!("workspace {id} went while it was being created")),
    };
    match undo(app, actor, id, &error.to_string()).await {
        Ok(true) => {
            // Its principals may be there, or may come to be.
            app.reconciler.wake();
            Err(error)
        }
        // Somebody else, the reconciler, was able to finish it.
        Ok(false) => {
            let workspace = db::workspaces::find(&*app.db, id.as_str()).await?;
            workspace.filter(|it| it.state == db::workspaces::READY).ok_or(error)
        }
        Err(failed) => {
            let text = format!("{error}; and what was begun could not be undone: {failed}");
            Err(ApiError::OutcomeUnknown(text))
        }
    }
}

/// Makes the principals of a workspace that is being created, and then its tokens valid.
pub async fn finish(app: &Arc<App>, id: &WorkspaceId) -> Result<db::workspaces::Model, CreationError> {
    let rows = db::principals::list_prepared_of(&*app.db, id.as_str()).await?;
    let [current, next] = rows.as_slice() else { return Err(CreationError::Gone) };
    let principals = [principal(app, id, current)?, principal(app, id, next)?];
    match app.broker.make_principals(&principals).await {
        Ok(()) => {}
        Err(BrokerError::Unknown(cause)) => {
            // A grant that may come at any later time: never for a token that will be valid.
            replace_tokens(app, id, &rows).await?;
            return Err(BrokerError::Unknown(cause).into());
        }
        Err(error) => return Err(error.into()),
    }
    let transaction = app.db.write().await?;
    let still = db::workspaces::set_ready(&*transaction, id.as_str()).await?
        && db::principals::put_in_force(&*transaction, &current.id, Slot::Current).await?
        && db::principals::put_in_force(&*transaction, &next.id, Slot::Next).await?;
    if !still {
        return Err(CreationError::Gone);
    }
    db::changes::record(&*transaction, id.as_str()).await?;
    let pair =
        registry::read(&app.keys, &*transaction, id).await.map_err(ApiError::from)?.ok_or(CreationError::Gone)?;
    if let Err(error) = transaction.commit_then(|| app.registry.set(pair)).await {
        // It is not known whether the commit took effect; the database is asked, and memory follows it.
        let settled = app.db.settled(id.as_str()).await?;
        app.registry.reload(&*settled, id).await.map_err(|error| app.db.unsettled(id.as_str(), error))?;
        app.registry.pair(id).ok_or_else(|| undone(error))?;
    }
    db::workspaces::find(&*app.db, id.as_str()).await?.ok_or(CreationError::Gone)
}

fn principal(app: &App, id: &WorkspaceId, row: &db::tokens::Model) -> Result<Principal, ApiError> {
    let secret = app.keys.unseal(&row.id, &row.sealed);
    let secret = secret.ok_or_else(|| ApiError::Internal(format!("token {} does not open with this key", row.id)))?;
    Ok(Principal {
        name: app.keys.principal(&row.id),
        password: broker_password(&secret),
        workspace_id: id.clone(),
        // A workspace has no settings before it is there.
        any_transactional_id: false,
    })
}

async fn replace_tokens(app: &App, id: &WorkspaceId, old: &[db::tokens::Model]) -> Result<(), DbErr> {
    let transaction = app.db.write().await?;
    for row in old {
        if db::principals::abandon(&*transaction, &row.id, app.now()).await? {
            let fresh = FreshToken::generate(&app.keys, &app.random, id, Slot::Next, app.now());
            fresh.insert_prepared(&*transaction).await?;
        }
    }
    transaction.commit().await
}

/// Removes a workspace that is not ready; `false` if it is.
async fn undo(app: &App, actor: &Actor, id: &WorkspaceId, reason: &str) -> Result<bool, DbErr> {
    let transaction = app.db.settled(id.as_str()).await?;
    db::principals::delete_prepared_of(&*transaction, id.as_str()).await?;
    if !db::workspaces::delete_creating(&*transaction, id.as_str()).await? {
        return Ok(false);
    }
    let event = Event {
        action: "workspace.creation_undone",
        workspace_id: Some(id.as_str()),
        target: Some(id.as_str()),
        detail: json!({ "reason": reason }),
    };
    audit::append(&*transaction, actor, app.now(), event).await?;
    transaction.commit().await?;
    Ok(true)
}
