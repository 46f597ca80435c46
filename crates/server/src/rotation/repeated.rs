//! The same request again: an `Idempotency-Key` has the same answer, whatever became of the first one on its way.
//!
//! What a rotation did is stored in its transaction, its answer when that is known. A server that died in between has left
//! enough to make up the answer; what is proved of the cut-off is then looked up anew, never assumed.

use std::{sync::Arc, time::Duration};

use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use twinkey_api::{
    WorkspaceId,
    token_pair::{CutOffProof, CutOffState, DeactivatedToken, OpenBroker, Rotated, SdkToken},
};

use super::{Kind, Order};
use crate::{app::App, cut_off, db, error::ApiError, registry::Pair};

/// The header.
pub const HEADER: &str = "idempotency-key";
/// How long the same request waits for the answer of the first one, if that is not older than [`YOUNG`].
const PATIENCE: Duration = Duration::from_secs(5);
const YOUNG: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);
/// The longest key, in bytes.
const KEY_MAX: usize = 255;

/// A key, as a digest with whose it is, and a digest of the request that it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    id: String,
    request: String,
}

/// What the transaction did.
#[derive(Serialize, Deserialize)]
struct Began {
    revision: i64,
    generation: i64,
    current: SdkToken,
    next: SdkToken,
    all_deactivated: Vec<DeactivatedToken>,
}

impl Key {
    /// The key of a request, if it has one. It belongs to the user, so that nobody else's is taken for it.
    pub fn of(headers: &HeaderMap, user_id: &str, order: &Order) -> Result<Option<Self>, ApiError> {
        let Some(key) = headers.get(HEADER) else { return Ok(None) };
        let printable = |key: &&[u8]| (1..=KEY_MAX).contains(&key.len()) && key.iter().all(|it| (32..127).contains(it));
        let Some(key) = Some(key.as_bytes()).filter(printable) else {
            let message = format!("Idempotency-Key must have 1 to {KEY_MAX} printable ASCII characters");
            return Err(ApiError::bad_request("InvalidIdempotencyKey", message));
        };
        let kind = match order.kind {
            Kind::Normal => "rotate",
            Kind::Emergency => "emergency",
            Kind::Undo => "undo",
        };
        let reason = order.reason.as_deref();
        let request = (kind, order.expected_generation, order.force, reason);
        let request = serde_json::to_vec(&request).expect("plain data");
        let id = digest([order.workspace_id.as_str().as_bytes(), user_id.as_bytes(), key]);
        Ok(Some(Self { id, request: digest([&request]) }))
    }

    /// The answer to this request, if it was carried out before.
    pub(super) async fn answer(&self, app: &Arc<App>, workspace_id: &WorkspaceId) -> Result<Option<Rotated>, ApiError> {
        let Some(mut row) = self.find(&*app.db, workspace_id, app.now()).await? else { return Ok(None) };
        let is_young = (app.now().as_millisecond() - row.created_at).unsigned_abs() < YOUNG.as_millis() as u64;
        let deadline = app.replicas.now() + PATIENCE;
        loop {
            if let Some(answer) = row.answer.as_deref().and_then(|it| serde_json::from_str(it).ok()) {
                return Ok(Some(answer));
            }
            // Whoever carries it out will know the answer soon, unless it is no more.
            if !is_young || app.replicas.now() >= deadline {
                break;
            }
            tokio::time::sleep(LOOK).await;
            let Some(again) = self.find(&*app.db, workspace_id, app.now()).await? else { break };
            row = again;
        }
        let began: Began = serde_json::from_str(&row.began)
            .map_err(|error| ApiError::Internal(format!("the answer of a rotation cannot be read: {error}")))?;
        made_up(app, workspace_id, began).await.map(Some)
    }

    /// Whether it was carried out before, to be asked again in its transaction.
    pub(super) async fn find(
        &self,
        db: &impl ConnectionTrait,
        workspace_id: &WorkspaceId,
        now: Timestamp,
    ) -> Result<Option<db::idempotency::Model>, ApiError> {
        let found = db::idempotency::find(db, workspace_id, &self.id, now).await?;
        if found.as_ref().is_some_and(|row| row.request != self.request) {
            return Err(ApiError::Invalid {
                code: "IdempotencyKeyReused",
                status: StatusCode::UNPROCESSABLE_ENTITY,
                message: "Nothing was changed: this Idempotency-Key came before, with another request. Use a new one"
                    .into(),
            });
        }
        Ok(found)
    }

    /// Notes, in the transaction, what it does.
    pub(super) async fn note(
        &self,
        transaction: &impl ConnectionTrait,
        order: &Order,
        pair: &Pair,
        all_deactivated: Vec<DeactivatedToken>,
        now: Timestamp,
    ) -> Result<(), DbErr> {
        let described = pair.describe();
        let began = Began {
            revision: pair.revision,
            generation: described.generation,
            current: described.current,
            next: described.next,
            all_deactivated,
        };
        let row = db::idempotency::Model {
            id: self.id.clone(),
            workspace_id: order.workspace_id.to_string(),
            request: self.request.clone(),
            began: serde_json::to_string(&began).expect("plain data"),
            answer: None,
            created_at: now.as_millisecond(),
        };
        db::idempotency::insert(transaction, row).await
    }

    /// Notes the answer. If that fails, it will be made up.
    pub(super) async fn note_answer(&self, app: &App, workspace_id: &WorkspaceId, answer: &Rotated) {
        let answer = serde_json::to_string(answer).expect("plain data");
        let stored = async {
            let transaction = app.db.write().await?;
            db::idempotency::set_answer(&*transaction, workspace_id, &self.id, &answer).await?;
            transaction.commit().await
        };
        if let Err(error) = stored.await {
            tracing::warn!(%error, "the answer of a rotation is not stored; if it is asked again, it is made up");
        }
    }
}

/// The answer of a rotation that took effect and was not answered. As it is now: nothing is said to be proved that is not.
async fn made_up(app: &Arc<App>, workspace_id: &WorkspaceId, began: Began) -> Result<Rotated, ApiError> {
    app.replicas.confirmed(&app.db, began.revision, app.replicas.now()).await;
    let mut connections_closed = 0;
    let mut open = Vec::new();
    if app.broker.kafka().is_none() {
        for token in &began.all_deactivated {
            // The rotation may be closing them just now; when this returns they are closed, by whomever.
            connections_closed += app.broker.cut_off(&app.keys.principal(&token.id)).await.connections_closed;
        }
    } else {
        let cutting_off = cut_off::describe(db::principals::list_open_of(&*app.db, workspace_id).await?);
        let of_this = |id: &str| began.all_deactivated.iter().any(|it| it.id == id);
        for token in cutting_off.into_iter().filter(|token| of_this(&token.id)) {
            if token.open.is_empty() {
                let reason = "the first attempt to cut it off is not over".to_owned();
                open.push(OpenBroker { id: None, address: String::new(), reason });
            }
            open.extend(token.open);
        }
    }
    let state = if open.is_empty() { CutOffState::Proved } else { CutOffState::Pending };
    let deactivated = began.all_deactivated.first().cloned();
    Ok(Rotated {
        generation: began.generation,
        current: began.current,
        next: began.next,
        deactivated: deactivated.ok_or_else(|| ApiError::Internal("no token died".into()))?,
        all_deactivated: began.all_deactivated,
        connections_closed,
        cut_off: CutOffProof { state, open },
    })
}

fn digest<const N: usize>(parts: [&[u8]; N]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
}
