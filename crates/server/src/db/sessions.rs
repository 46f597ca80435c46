//! Sign-in sessions, known by their hash only.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr, IntoActiveModel, entity::prelude::*};

use crate::keys::TokenHash;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    /// The session's public id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// See [`crate::keys::Keys::hash`].
    pub hash: Vec<u8>,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub expires_at: i64,
    /// The master key that `hash` was made with, by its id; null: the one from before keys had ids.
    pub key_id: Option<String>,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The session with one of these hashes, if it has not ended.
pub async fn find_valid(
    db: &impl ConnectionTrait,
    hashes: &[TokenHash],
    now: Timestamp,
) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::Hash.is_in(hashes.iter().map(|hash| hash.to_vec())))
        .filter(Column::ExpiresAt.gt(now.as_millisecond()))
        .one(db)
        .await
}

/// Stores a session, and forgets those that have expired.
pub async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::ExpiresAt.lte(row.created_at)).exec(db).await?;
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

/// Ends a session.
pub async fn delete(db: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}
