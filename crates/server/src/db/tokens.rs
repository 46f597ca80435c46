//! SDK tokens: two with a slot for each workspace, and the deactivated ones, which stay known by their hash.
//!
//! A token with a slot is valid. One with `deactivated_at` is dead. One with neither is prepared: its principal is being made
//! on the broker, and its secret was never shown to anybody.

use jiff::Timestamp;
use sea_orm::{
    Condition, ConnectionTrait, DbErr, IntoActiveModel, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, IntoCondition},
};
use twinkey_api::{WorkspaceId, token_pair::Slot};

use crate::keys::TokenHash;

/// A row. Holds no plaintext: `hash` is keyed, `sealed` is encrypted and emptied when the token dies.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tokens")]
pub struct Model {
    /// The token's public id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose it is.
    pub workspace_id: String,
    /// `current`, `next`, or null for a token that is not valid.
    pub slot: Option<String>,
    /// See [`crate::keys::Keys::hash`].
    pub hash: Vec<u8>,
    /// See [`crate::keys::Keys::seal`].
    pub sealed: Vec<u8>,
    /// See [`twinkey_api::token::Secret::masked`].
    pub masked: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub deactivated_at: Option<i64>,
    /// When it was proved that no broker serves it any longer; milliseconds since the epoch.
    pub cut_off_at: Option<i64>,
    /// While that is not proved: where it may still be served, as JSON.
    pub cut_off_open: Option<String>,
    /// The replica that is granting this token the rights that it lost on the broker.
    pub repair_by: Option<String>,
    /// Since when; milliseconds since the epoch.
    pub repair_since: Option<i64>,
    /// The master key that `hash` and `sealed` were made with, by its id; null: the one from before keys had ids.
    pub key_id: Option<String>,
    /// When somebody was first shown it; milliseconds since the epoch. Until then nobody can have used it.
    pub revealed_at: Option<i64>,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The valid tokens of the workspaces from `first` to `last`, both included.
pub async fn list_valid_between(db: &impl ConnectionTrait, first: &str, last: &str) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::WorkspaceId.between(first, last)).filter(Column::Slot.is_not_null()).all(db).await
}

/// The valid tokens of these workspaces.
pub async fn list_valid_of_each(db: &impl ConnectionTrait, workspace_ids: &[String]) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::WorkspaceId.is_in(workspace_ids)).filter(Column::Slot.is_not_null()).all(db).await
}

/// The valid tokens of one workspace.
pub async fn list_valid_of(db: &impl ConnectionTrait, workspace_id: &WorkspaceId) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace_id.as_str()))
        .filter(Column::Slot.is_not_null())
        .all(db)
        .await
}

/// The token with one of these keyed hashes, valid or not.
pub async fn find_by_hash(db: &impl ConnectionTrait, hashes: &[TokenHash]) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Hash.is_in(hashes.iter().map(|hash| hash.to_vec()))).one(db).await
}

/// The token with this public id, valid or not.
pub async fn find_by_id(db: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// The tokens whose ciphertext is there: those that are valid or prepared, and those that can come back.
pub async fn list_sealed(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Sealed.ne(Vec::<u8>::new())).all(db).await
}

/// Those of these tokens that are dead.
pub async fn list_dead_of<'a>(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Id.is_in(ids)).filter(Column::DeactivatedAt.is_not_null()).all(db).await
}

/// The tokens of a workspace that died after `after`, at most `limit`, those that died last first.
pub async fn list_dead_after(
    db: &impl ConnectionTrait,
    workspace_id: &WorkspaceId,
    after: Timestamp,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace_id.as_str()))
        .filter(Column::DeactivatedAt.gt(after.as_millisecond()))
        .order_by_desc(Column::DeactivatedAt)
        .limit(limit)
        .all(db)
        .await
}

/// Stores a token.
pub async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

/// What becomes of the ciphertext of a token that dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ciphertext {
    /// Nobody can be shown it any more.
    Erased,
    /// For a while, so that the rotation can be undone: see [`crate::rotation::undo`].
    Kept,
}

/// Ends the token in `slot`: it keeps its hash, so that its holder can be told when it died, and as a rule loses its ciphertext.
/// `cut_off_at`: where the broker has nothing to forget, so that there is nothing to prove either.
pub async fn deactivate(
    db: &impl ConnectionTrait,
    workspace_id: &WorkspaceId,
    slot: Slot,
    now: Timestamp,
    cut_off_at: Option<Timestamp>,
    ciphertext: Ciphertext,
) -> Result<(), DbErr> {
    let mut update = Entity::update_many();
    if ciphertext == Ciphertext::Erased {
        update = update.col_expr(Column::Sealed, Expr::value(Vec::<u8>::new()));
    }
    update
        .col_expr(Column::CutOffAt, Expr::value(cut_off_at.map(Timestamp::as_millisecond)))
        .col_expr(Column::Slot, Expr::value(None::<String>))
        .col_expr(Column::DeactivatedAt, Expr::value(now.as_millisecond()))
        .filter(Column::WorkspaceId.eq(workspace_id.as_str()))
        .filter(Column::Slot.eq(slot.name()))
        .exec(db)
        .await?;
    Ok(())
}

/// Ends every token of a workspace that is not dead yet, as [`deactivate`] does with one. One that was being prepared was never
/// shown to anybody, so that there is nothing to prove.
pub async fn deactivate_all(
    db: &impl ConnectionTrait,
    workspace_id: &str,
    now: Timestamp,
    cut_off_at: Option<Timestamp>,
) -> Result<(), DbErr> {
    let end = |slot: Condition, cut_off_at: Option<Timestamp>| {
        Entity::update_many()
            .col_expr(Column::CutOffAt, Expr::value(cut_off_at.map(Timestamp::as_millisecond)))
            .col_expr(Column::Slot, Expr::value(None::<String>))
            .col_expr(Column::Sealed, Expr::value(Vec::<u8>::new()))
            .col_expr(Column::DeactivatedAt, Expr::value(now.as_millisecond()))
            .filter(Column::WorkspaceId.eq(workspace_id))
            .filter(Column::DeactivatedAt.is_null())
            .filter(slot)
    };
    end(Column::Slot.is_null().into_condition(), Some(now)).exec(db).await?;
    end(Column::Slot.is_not_null().into_condition(), cut_off_at).exec(db).await?;
    Ok(())
}

/// Erases what is left of a dead token's ciphertext.
pub async fn erase(db: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Sealed, Expr::value(Vec::<u8>::new()))
        .filter(Column::Id.eq(id))
        .filter(Column::DeactivatedAt.is_not_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Changes by what a token is looked up.
pub async fn set_hash(db: &impl ConnectionTrait, id: &str, hash: &[u8]) -> Result<(), DbErr> {
    Entity::update_many().col_expr(Column::Hash, Expr::value(hash.to_vec())).filter(Column::Id.eq(id)).exec(db).await?;
    Ok(())
}

/// Stores that a valid token is about to be shown to somebody; `false` if it is not valid any longer.
pub async fn note_reveal(db: &impl ConnectionTrait, id: &str, now: Timestamp) -> Result<bool, DbErr> {
    let Some(row) = find_by_id(db, id).await?.filter(|row| row.slot.is_some()) else { return Ok(false) };
    if row.revealed_at.is_none() {
        Entity::update_many()
            .col_expr(Column::RevealedAt, Expr::value(now.as_millisecond()))
            .filter(Column::Id.eq(id))
            .exec(db)
            .await?;
    }
    Ok(true)
}

/// Makes Token 2 Token 1. The slot must have been emptied before.
pub async fn promote(db: &impl ConnectionTrait, workspace_id: &WorkspaceId) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Slot, Expr::value(Slot::Current.name()))
        .filter(Column::WorkspaceId.eq(workspace_id.as_str()))
        .filter(Column::Slot.eq(Slot::Next.name()))
        .exec(db)
        .await?;
    Ok(())
}
