//! Personal access tokens, known by their hash only.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr, ExprTrait, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*};

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
    /// The only workspace that it opens; null: all of its user's.
    pub workspace_id: Option<String>,
    /// The role that it never exceeds; null: its user's.
    pub role: Option<String>,
    /// See [`super::last_use`].
    pub last_used_at: Option<i64>,
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

/// Whether the token with this public id has not ended.
pub async fn is_valid(db: &impl ConnectionTrait, id: &str, now: Timestamp) -> Result<bool, DbErr> {
    let query =
        Entity::find_by_id(id).filter(Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(now.as_millisecond())));
    Ok(query.one(db).await?.is_some())
}

/// Tokens of a user, the newest first, behind the one with the id `before`; `None`: he has no such token.
pub async fn list(
    db: &impl ConnectionTrait,
    user_id: &str,
    before: Option<&str>,
    limit: u64,
) -> Result<Option<Vec<Model>>, DbErr> {
    let of_user = || Entity::find().filter(Column::UserId.eq(user_id));
    let mut query = of_user();
    if let Some(before) = before {
        let Some(row) = of_user().filter(Column::Id.eq(before)).one(db).await? else { return Ok(None) };
        let same_moment = Column::CreatedAt.eq(row.created_at).and(Column::Id.lt(row.id));
        query = query.filter(Column::CreatedAt.lt(row.created_at).or(same_moment));
    }
    query.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).limit(limit).all(db).await.map(Some)
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

/// Ends all tokens of a user.
pub async fn delete_of(db: &impl ConnectionTrait, user_id: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(db).await?;
    Ok(())
}
