//! Changing the master key while the server runs.
//!
//! The server is started with the new key and the previous one. Everything new is made under the new key; what exists is
//! recognised under both, and brought under the new one bit by bit: tokens by the task in here, because their plaintext can be
//! read back, personal access tokens and sessions when they are used ([`at_use`]), because only then is it known. When
//! nothing needs the previous key any longer ([`status`]), the server is started without it. Broker passwords are derived
//! from tokens, so the broker notices nothing.
//!
//! With several replicas each must know a key before any other writes under it. So the new key is first given to all of
//! them as the previous one, and made the primary one in a second round. In between they disagree about the direction; the
//! one that started last decides ([`declare`]), and at the end of the round that is the new key.

mod check;
mod finish;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;
use twinkey_api::{WorkspaceId, token::Secret};

pub use self::{
    check::{check, declare},
    finish::{finish, status},
};
use crate::{
    app::App,
    db,
    registry::{self, LoadError},
    replicas::leader::{self, Fence, FenceError},
    webhooks::secret::WebhookSecret,
};

/// How often the task looks for tokens that are under another key: replicas of the round before may still make some.
pub const EVERY: Duration = Duration::from_secs(2);
/// Tokens in one transaction. Rotations wait for it, so it is short.
const BATCH: u64 = 20;
/// Between two transactions, so that rotations come in between.
const PAUSE: Duration = Duration::from_millis(5);

/// Why re-keying is interrupted. It goes on where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum Interrupted {
    /// See [`FenceError`].
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// See [`LoadError`].
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbErr),
}

/// Brings tokens under the primary key until `stop`, on one replica at a time. Without a previous key there is nothing to do.
pub async fn run(app: Arc<App>, every: Duration, stop: CancellationToken) {
    if app.keys.previous_id().is_some() {
        leader::run(app.clone(), "rekeying", stop, |fence| passes(app.clone(), fence, every)).await;
    }
}

async fn passes(app: Arc<App>, fence: Fence, every: Duration) {
    let mut left_before = None;
    loop {
        tokio::time::sleep(every).await;
        match pass(&app, &fence).await {
            Ok(left) if left_before == Some(left) => {}
            Ok(left) => {
                tracing::info!(left, key = app.keys.id(), "re-keying: tokens that are not under the master key");
                left_before = Some(left);
            }
            Err(error) => tracing::warn!(%error, "re-keying was interrupted"),
        }
    }
}

/// One look at all tokens; returns how many are left that are not under the primary key.
async fn pass(app: &App, fence: &Fence) -> Result<u64, Interrupted> {
    let mut after = String::new();
    while decides(app).await? {
        let Some(last) = batch(app, fence, &after, BATCH).await? else { break };
        after = last;
        tokio::time::sleep(PAUSE).await;
    }
    while decides(app).await? && webhook_secrets(app, fence).await? {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(db::key_use::count_tokens(&*app.db, app.keys.id()).await?.1)
}

/// The same for some signing secrets of webhooks; `false`: nothing was left to do.
pub async fn webhook_secrets(app: &App, fence: &Fence) -> Result<bool, Interrupted> {
    let keys = &app.keys;
    let transaction = app.db.write().await?;
    fence.check(&*transaction).await?;
    let mut moved = false;
    for row in db::key_use::webhooks_under_others(&*transaction, keys.id(), BATCH).await? {
        let Some(secret) = WebhookSecret::unseal(keys, &row.id, &row.sealed) else {
            let (webhook, key) = (&row.id, &row.key_id);
            tracing::error!(webhook, key, "re-keying: this webhook's secret is under a master key that is not given");
            // It would be found again and again.
            return Ok(false);
        };
        let previous = row.previous_sealed.as_ref().and_then(|it| WebhookSecret::unseal(keys, &row.id, it));
        let row = db::webhooks::Model {
            sealed: secret.seal(keys, &row.id, &app.random),
            key_id: keys.id().to_owned(),
            previous_sealed: previous.map(|previous| previous.seal(keys, &row.id, &app.random)),
            ..row
        };
        db::webhooks::set_secrets(&*transaction, &row).await?;
        moved = true;
    }
    transaction.commit().await?;
    Ok(moved)
}

/// Whether this server's primary key is the one that everything is to be brought under.
async fn decides(app: &App) -> Result<bool, DbErr> {
    let installation = db::installation::find(&*app.db).await?;
    Ok(installation.is_some_and(|it| it.key_id.as_deref() == Some(app.keys.id())))
}

/// Brings the first `limit` tokens whose id is behind `after`, and that are under another key, under the primary one, all or
/// none of them. Returns the last one's id; `None`: there are no more.
pub async fn batch(app: &App, fence: &Fence, after: &str, limit: u64) -> Result<Option<String>, Interrupted> {
    let keys = &app.keys;
    let transaction = app.db.write().await?;
    fence.check(&*transaction).await?;
    let rows = db::key_use::tokens_under_others(&*transaction, keys.id(), after, limit).await?;
    let last = rows.last().map(|row| row.id.clone());
    let mut workspaces = BTreeSet::new();
    for row in rows {
        let Some(secret) = keys.unseal(&row.id, &row.sealed) else {
            let (token, key) = (&row.id, row.key_id.as_deref().unwrap_or("unknown"));
            tracing::error!(token, key, "re-keying: this token is under a master key that is not given");
            continue;
        };
        let sealed = keys.seal(&row.id, &secret, &app.random);
        db::key_use::move_token(&*transaction, &row.id, keys.hash(&secret), sealed, keys.id()).await?;
        workspaces.insert(row.workspace_id);
    }
    let mut pairs = Vec::new();
    for id in workspaces {
        db::changes::record(&*transaction, &id).await?;
        if let Ok(id) = WorkspaceId::parse(&id) {
            pairs.extend(registry::read(keys, &*transaction, &id).await?);
        }
    }
    // If it is not known whether this took effect, memory still has the tokens as they were, which is as good: both keys
    // are known here.
    transaction.commit_then(|| pairs.into_iter().for_each(|pair| drop(app.registry.set(pair)))).await?;
    Ok(last)
}

/// A credential that is known by its hash only, at the moment when its value is known too.
pub enum Used<'a> {
    /// A personal access token, by its public id.
    Pat(&'a str),
    /// A session, by its public id.
    Session(&'a str),
}

/// Brings a credential that is being used under the primary key, unless it is there already. Its use does not depend on
/// that; if it fails, the next use tries again.
pub async fn at_use(app: &App, used: Used<'_>, key_id: Option<&str>, value: &Secret) {
    if app.keys.previous_id().is_none() || key_id == Some(app.keys.id()) {
        return;
    }
    let (hash, key_id) = (app.keys.hash(value), app.keys.id());
    let moved = async {
        if !decides(app).await? {
            return Ok(());
        }
        let transaction = app.db.write().await?;
        match used {
            Used::Pat(id) => db::key_use::move_pat(&*transaction, id, hash, key_id).await?,
            Used::Session(id) => db::key_use::move_session(&*transaction, id, hash, key_id).await?,
        }
        transaction.commit().await
    };
    if let Err(error) = moved.await {
        tracing::warn!(%error, "re-keying: a credential stays under the previous key for now");
    }
}
