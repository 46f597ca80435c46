//! How far re-keying is, and its deliberate end.

use axum::http::StatusCode;
use serde_json::json;
use twinkey_api::master_key::{KeyUse, MasterKeys};

use crate::{
    app::App,
    audit::{self, Actor, Event},
    db,
    error::ApiError,
};

/// How much is still under another key than the primary one.
pub async fn status(app: &App) -> Result<MasterKeys, ApiError> {
    let (keys, now) = (&app.keys, app.now());
    let key_use = |(total, left)| KeyUse { total, left };
    Ok(MasterKeys {
        key: keys.id().to_owned(),
        previous: keys.previous_id().map(str::to_owned),
        tokens: key_use(db::key_use::count_tokens(&*app.db, keys.id()).await?),
        personal_access_tokens: key_use(db::key_use::count_pats(&*app.db, keys.id(), now).await?),
        sessions: key_use(db::key_use::count_sessions(&*app.db, keys.id(), now).await?),
        webhooks: key_use(db::key_use::count_webhooks(&*app.db, keys.id()).await?),
    })
}

/// Ends the personal access tokens and sessions that nobody has used since the key was changed, so that nothing needs
/// the previous key. Refused while SDK tokens need it.
pub async fn finish(app: &App, actor: &Actor) -> Result<MasterKeys, ApiError> {
    let key = app.keys.id();
    let transaction = app.db.write().await?;
    let installation = db::installation::find(&*transaction).await?;
    let (_, left) = db::key_use::count_tokens(&*transaction, key).await?;
    let left = left + db::key_use::count_webhooks(&*transaction, key).await?.1;
    if left > 0 || installation.and_then(|it| it.key_id).as_deref() != Some(key) {
        return Err(ApiError::Invalid {
            code: "RekeyingUnderWay",
            status: StatusCode::CONFLICT,
            message: format!(
                "Nothing was ended: {left} SDK tokens and webhook secrets are not under this replica's master key yet"
            ),
        });
    }
    let (personal_access_tokens, sessions) = db::key_use::end_others(&*transaction, key).await?;
    let event = Event {
        target: Some(key),
        detail: json!({"endedPersonalAccessTokens": personal_access_tokens, "endedSessions": sessions}),
        ..Event::new("master_key.finished")
    };
    audit::append(&*transaction, actor, app.now(), event).await?;
    transaction.commit().await?;
    status(app).await
}
