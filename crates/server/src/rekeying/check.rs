//! At the start: do the keys fit the database, and which of them is everything to be brought under?

use jiff::Timestamp;
use serde_json::json;

use crate::{
    audit::{self, Actor, Event},
    db::{self, Db},
    keys::{Keys, MasterKeyError, MasterKeySource},
    start::StartError,
};

/// Refuses a start with keys that do not open every token: it would otherwise show only when the first client is refused.
pub async fn check(db: &Db, keys: &Keys, source: &MasterKeySource) -> Result<(), StartError> {
    let groups = db::key_use::keys_of_tokens(&**db).await?;
    let opens = |key_id: &Option<String>, row: &db::tokens::Model| {
        key_id.as_deref().is_none_or(|id| keys.know(id)) && keys.unseal(&row.id, &row.sealed).is_some()
    };
    let fits = groups.iter().any(|(key_id, (_, row))| opens(key_id, row));
    for (key_id, (count, row)) in &groups {
        if opens(key_id, row) {
            continue;
        }
        return Err(match key_id {
            Some(key) if fits => MasterKeyError::StillNeeded { key: key.clone(), count: *count },
            None if fits => MasterKeyError::StillNeeded { key: "from before keys had ids".into(), count: *count },
            _ => MasterKeyError::Wrong(source.name()),
        }
        .into());
    }
    for (key, count) in db::key_use::keys_of_webhooks(&**db).await? {
        if !keys.know(&key) {
            return Err(MasterKeyError::StillNeeded { key, count }.into());
        }
    }
    Ok(())
}

/// Says that everything is to be brought under this server's primary key. A change of that is in the audit log.
pub async fn declare(db: &Db, keys: &Keys, now: Timestamp) -> Result<(), StartError> {
    let declared = async |db: &_| Ok::<_, sea_orm::DbErr>(db::installation::find(db).await?.and_then(|it| it.key_id));
    if declared(&**db).await?.as_deref() == Some(keys.id()) {
        return Ok(());
    }
    let transaction = db.write().await?;
    let before = db::installation::find(&*transaction).await?.and_then(|it| it.key_id);
    db::installation::set_key_id(&*transaction, keys.id()).await?;
    if before.is_none() && keys.previous_id().is_none() {
        // The database is new, or from before keys had ids; there it was checked that this is its key.
        db::key_use::adopt(&*transaction, keys.id()).await?;
    }
    if before.is_some() || keys.previous_id().is_some() {
        let event = Event {
            target: Some(keys.id()),
            detail: json!({"before": before, "previous": keys.previous_id()}),
            ..Event::new("master_key.changed")
        };
        audit::append(&*transaction, &Actor::system(), now, event).await?;
        tracing::info!(key = keys.id(), "everything is brought under this master key from now on");
    }
    transaction.commit().await?;
    Ok(())
}
