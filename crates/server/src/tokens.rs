//! Making SDK tokens and workspaces. Rotation has a module of its own.

use std::sync::Arc;

use jiff::Timestamp;
use sea_orm::ConnectionTrait;
use serde_json::json;
use sha2::{Digest, Sha256};
use twinkey_api::{TokenKind, WorkspaceId, token::Secret, token_pair::Slot};

use crate::{
    app::App,
    audit::{self, Actor, Event},
    creation, db,
    error::ApiError,
    keys::{Keys, TokenHash},
    random::Random,
    registry::{self, KnownToken, Pair},
};

/// A token that is not stored yet: the row, and the same as the registry will hold it.
pub struct FreshToken {
    row: db::tokens::Model,
    /// For the registry, once the row is committed.
    pub known: Arc<KnownToken>,
}

impl FreshToken {
    /// Generates a token for `slot` of a workspace. Its plaintext exists only inside this call.
    pub fn generate(keys: &Keys, random: &Random, workspace_id: &WorkspaceId, slot: Slot, now: Timestamp) -> Self {
        let secret = random.with(|rng| Secret::generate(TokenKind::Sdk, rng));
        Self::of(keys, random, workspace_id, slot, &secret, now)
    }

    /// A token whose value has been one before and is known to people; it gets a public id of its own.
    pub fn again(keys: &Keys, random: &Random, workspace_id: &WorkspaceId, secret: &Secret, now: Timestamp) -> Self {
        let Self { row, known } = Self::of(keys, random, workspace_id, Slot::Next, secret, now);
        Self { row: db::tokens::Model { revealed_at: Some(now.as_millisecond()), ..row }, known }
    }

    fn of(
        keys: &Keys,
        random: &Random,
        workspace_id: &WorkspaceId,
        slot: Slot,
        secret: &Secret,
        now: Timestamp,
    ) -> Self {
        let id = random.id();
        let row = db::tokens::Model {
            workspace_id: workspace_id.as_str().to_owned(),
            slot: Some(slot.name().to_owned()),
            hash: keys.hash(secret).to_vec(),
            sealed: keys.seal(&id, secret, random),
            masked: secret.masked(),
            created_at: now.as_millisecond(),
            deactivated_at: None,
            cut_off_at: None,
            cut_off_open: None,
            repair_by: None,
            repair_since: None,
            key_id: Some(keys.id().to_owned()),
            revealed_at: None,
            id,
        };
        let known =
            registry::known(keys, row.clone()).expect("the row was made from a parsed workspace id and a whole hash");
        Self { row, known: Arc::new(known) }
    }

    /// Stores the row.
    pub async fn insert(&self, db: &impl ConnectionTrait) -> Result<(), sea_orm::DbErr> {
        db::tokens::insert(db, self.row.clone()).await
    }

    /// Stores the row as one that is not valid yet: its principal is made first.
    pub async fn insert_prepared(&self, db: &impl ConnectionTrait) -> Result<(), sea_orm::DbErr> {
        db::tokens::insert(db, db::tokens::Model { slot: None, ..self.row.clone() }).await
    }

    /// The same without its hash, which belongs to a dead token still: see [`crate::rotation::undo`].
    pub async fn insert_prepared_without_hash(&self, db: &impl ConnectionTrait) -> Result<(), sea_orm::DbErr> {
        let hash = no_hash(&self.row.id).to_vec();
        db::tokens::insert(db, db::tokens::Model { slot: None, hash, ..self.row.clone() }).await
    }

    /// Stores the hash that it was prepared without.
    pub async fn store_hash(&self, db: &impl ConnectionTrait) -> Result<(), sea_orm::DbErr> {
        db::tokens::set_hash(db, &self.row.id, &self.row.hash).await
    }
}

/// What a row has in the place of a hash that it must not have: no token hashes to it.
pub fn no_hash(id: &str) -> TokenHash {
    Sha256::digest(format!("no token has this hash: {id}")).into()
}

/// Stores a workspace together with its two tokens and the audit record, in the caller's transaction. `prepared`: its
/// principals have to be made first, see [`crate::creation`]; it cannot be used until then.
pub async fn insert_workspace(
    db: &impl ConnectionTrait,
    (keys, random): (&Keys, &Random),
    actor: &Actor,
    organisation_id: &str,
    (id, name): (&WorkspaceId, &str),
    prepared: bool,
    now: Timestamp,
) -> Result<(db::workspaces::Model, Pair), sea_orm::DbErr> {
    let state = if prepared { db::workspaces::CREATING } else { db::workspaces::READY };
    let row = db::workspaces::insert(db, organisation_id, id, name, state, now).await?;
    let mut tokens = Slot::BOTH.map(|slot| FreshToken::generate(keys, random, id, slot, now));
    if prepared {
        // Without a slot their order is that of their ids.
        tokens.sort_by(|one, other| one.known.id.cmp(&other.known.id));
    }
    let [current, next] = tokens;
    for token in [&current, &next] {
        if prepared {
            token.insert_prepared(db).await?;
        } else {
            token.insert(db).await?;
        }
    }
    let revision = if prepared { row.revision } else { db::changes::record(db, id.as_str()).await? };
    let event = Event {
        action: "workspace.created",
        workspace_id: Some(id.as_str()),
        target: Some(id.as_str()),
        detail: json!({"after": {"name": name, "token1": current.known.id, "token2": next.known.id}}),
    };
    audit::append(db, actor, now, event).await?;
    Ok((row, Pair { generation: 0, revision, current: current.known, next: next.known }))
}

/// Creates a workspace, unless its id is taken or one would see the other's topics. Must run to its end once begun: see
/// `routes::to_its_end`.
pub async fn create_workspace(
    app: &Arc<App>,
    actor: &Actor,
    id: &WorkspaceId,
    name: &str,
) -> Result<db::workspaces::Model, ApiError> {
    let transaction = app.db.write().await?;
    if let Some(other) = db::workspaces::find_overlapping(&*transaction, id).await? {
        let message = if other == id.as_str() {
            let before = db::workspaces::find(&*transaction, &other).await?;
            if before.is_some_and(|it| it.state == db::workspaces::DELETING) {
                return Err(ApiError::WorkspaceBusy { workspace_id: other, what: "is being deleted" });
            }
            format!("Workspace '{id}' already exists")
        } else {
            format!(
                "workspaceId '{id}' is not allowed: workspace '{other}' exists, and no id may equal another id followed by \
                 '-…', because topics are kept apart by that prefix"
            )
        };
        return Err(ApiError::bad_request("WorkspaceIdTaken", message));
    }
    let makers = (&*app.keys, &app.random);
    let (named, prepared) = ((id, name), app.broker.kafka().is_some());
    let (row, pair) =
        insert_workspace(&*transaction, makers, actor, &app.organisation.id, named, prepared, app.now()).await?;
    if prepared {
        transaction.commit().await?;
        return creation::finish_or_undo(app, actor, id).await;
    }
    if let Err(error) = transaction.commit_then(|| app.registry.set(pair)).await {
        // It is not known whether the commit took effect; the database is asked, and memory follows it.
        let settled = app.db.settled(id.as_str()).await?;
        app.registry.reload(&*settled, id).await.map_err(|error| app.db.unsettled(id.as_str(), error))?;
        app.registry.pair(id).ok_or_else(|| undone(error))?;
    }
    Ok(row)
}

/// The answer when a commit failed and the database says that nothing of it took effect.
pub fn undone(error: sea_orm::DbErr) -> ApiError {
    match error.into() {
        ApiError::OutcomeUnknown(cause) => ApiError::Unavailable(cause),
        other => other,
    }
}
