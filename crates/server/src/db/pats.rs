//! Personal access tokens, known by their hash only.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr, ExprTrait, IntoActiveModel, QueryOrder, entity::prelude::*};

use crate::keys::TokenHash;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "pats")]
pub struct Model {
    /// The token's public id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// For whom it acts.
    pub user_id: String,
    /// What its owner calls it.
    pub name: String,
    /// See [`crate::keys::Keys::hash`].
    pub hash: Vec<u8>,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch; null: never.
    pub expires_at: Option<i64>,
    /// The master key that `hash` was made with, by its id; null: the one from before keys had ids.
    pub key_id: Option<String>,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The token with one of these hashes, if it has not expired.
pub async fn find_valid(
    db: &impl ConnectionTrait,
    hashes: &[TokenHash],
    now: Timestamp,
) -> Result<Option<Model>, DbErr> {
    Entity::find()
        .filter(Column::Hash.is_in(hashes.iter().map(|hash| hash.to_vec())))
        .filter(Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(now.as_millisecond())))
        .one(db)
        .await
}

/// All tokens of a user, the newest first.
pub async fn list(db: &impl ConnectionTrait, user_id: &str) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::UserId.eq(user_id)).order_by_desc(Column::CreatedAt).all(db).await
}

/// Stores a token.
pub async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

/// Ends a token of this user; tells whether there was one.
pub async fn delete(db: &impl ConnectionTrait, user_id: &str, id: &str) -> Result<bool, DbErr> {
    let result = Entity::delete_many().filter(Column::Id.eq(id)).filter(Column::UserId.eq(user_id)).exec(db).await?;
    Ok(result.rows_affected == 1)
}

/// Ends the token with this id, whoever has it.
pub async fn delete_by_id(db: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}

/// Ends the token with this hash, whoever has it.
pub async fn delete_by_hash(db: &impl ConnectionTrait, hashes: &[TokenHash]) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Hash.is_in(hashes.iter().map(|hash| hash.to_vec()))).exec(db).await?;
    Ok(())
}

/// Ends all tokens of this name, whoever has them.
pub async fn delete_named(db: &impl ConnectionTrait, name: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Name.eq(name)).exec(db).await?;
    Ok(())
}
