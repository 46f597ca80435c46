//! When personal access tokens and sessions were used last: noted in memory, stored in batches, so that a request of a script
//! costs no write.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;
use twinkey_api::TokenKind;

use crate::{app::App, db};

/// How often what was noted is stored. A crash forgets what came behind the last time.
const EVERY: Duration = Duration::from_secs(10);
/// Notes in one transaction; rotations wait for it, so it is short.
const BATCH: usize = 200;

/// What has been noted since it was stored last. There is one note for each credential in use, however often it is used.
#[derive(Default)]
pub struct LastUses(Mutex<HashMap<(bool, String), i64>>);

impl LastUses {
    /// Notes a use.
    pub fn note(&self, kind: TokenKind, id: &str, now: Timestamp) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.insert((kind == TokenKind::Pat, id.to_owned()), now.as_millisecond());
    }

    /// When a credential was used last, if that is not stored yet; `stored` else.
    pub fn newest(&self, kind: TokenKind, id: &str, stored: Option<i64>) -> Option<Timestamp> {
        let notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = notes.get(&(kind == TokenKind::Pat, id.to_owned())).copied();
        noted.max(stored).map(db::timestamp)
    }
}

/// Stores what was noted. What cannot be stored is noted again, unless there is a newer note.
pub async fn store(app: &App) -> Result<(), DbErr> {
    let notes = std::mem::take(&mut *app.last_uses.0.lock().unwrap_or_else(PoisonError::into_inner));
    let notes: Vec<_> = notes.into_iter().collect();
    for (number, batch) in notes.chunks(BATCH).enumerate() {
        if let Err(error) = store_batch(app, batch).await {
            let mut newer = app.last_uses.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (credential, at) in &notes[number * BATCH..] {
                newer.entry(credential.clone()).or_insert(*at);
            }
            return Err(error);
        }
    }
    Ok(())
}

async fn store_batch(app: &App, batch: &[((bool, String), i64)]) -> Result<(), DbErr> {
    let transaction = app.db.write().await?;
    for ((is_pat, id), at) in batch {
        if *is_pat {
            db::last_use::of_pat(&*transaction, id, *at).await?;
        } else {
            db::last_use::of_session(&*transaction, id, *at).await?;
        }
    }
    transaction.commit().await
}

/// Stores from time to time until `stop`, and once more then.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    loop {
        let stopped = tokio::time::timeout(EVERY, stop.cancelled()).await.is_ok();
        if let Err(error) = store(&app).await {
            tracing::warn!(%error, "when tokens were used last could not be stored");
        }
        if stopped {
            return;
        }
    }
}
