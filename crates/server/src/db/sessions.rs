//! Sign-in sessions, known by their hash only.

use jiff::Timestamp;
use sea_orm::{
    ConnectionTrait, DbErr, ExprTrait, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr,
};

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
    /// From where it was begun.
    pub address: Option<String>,
    /// With what it was begun, as the program says itself.
    pub user_agent: Option<String>,
    /// See [`super::last_use`].
    pub last_used_at: Option<i64>,
    /// When the password was last confirmed; milliseconds since the epoch. Null: when the session was begun.
    pub confirmed_at: Option<i64>,
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

/// Whether the session with this public id has not ended.
pub async fn is_valid(db: &impl ConnectionTrait, id: &str, now: Timestamp) -> Result<bool, DbErr> {
    let query = Entity::find_by_id(id).filter(Column::ExpiresAt.gt(now.as_millisecond()));
    Ok(query.one(db).await?.is_some())
}

/// Stores a session, and forgets those that have expired.
pub async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::ExpiresAt.lte(row.created_at)).exec(db).await?;
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

/// Notes that its user has proved once more who he is; `false`: the session has ended.
pub async fn confirm(db: &impl ConnectionTrait, id: &str, now: Timestamp) -> Result<bool, DbErr> {
    let result = Entity::update_many()
        .col_expr(Column::ConfirmedAt, Expr::value(now.as_millisecond()))
        .filter(Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(result.rows_affected == 1)
}

/// Ends a session.
pub async fn delete(db: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}

/// Valid sessions of a user, the newest first, behind the one with the id `before`; `None`: he has no such session.
pub async fn list(
    db: &impl ConnectionTrait,
    user_id: &str,
    now: Timestamp,
    before: Option<&str>,
    limit: u64,
) -> Result<Option<Vec<Model>>, DbErr> {
    let of_user = || Entity::find().filter(Column::UserId.eq(user_id));
    let mut query = of_user().filter(Column::ExpiresAt.gt(now.as_millisecond()));
    if let Some(before) = before {
        let Some(row) = of_user().filter(Column::Id.eq(before)).one(db).await? else { return Ok(None) };
        let same_moment = Column::CreatedAt.eq(row.created_at).and(Column::Id.lt(row.id));
        query = query.filter(Column::CreatedAt.lt(row.created_at).or(same_moment));
    }
    query.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).limit(limit).all(db).await.map(Some)
}

/// Whether a user has a valid session that was begun at `address`.
pub async fn exists_from(
    db: &impl ConnectionTrait,
    user_id: &str,
    address: &str,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let query = Entity::find()
        .filter(Column::UserId.eq(user_id))
        .filter(Column::Address.eq(address))
        .filter(Column::ExpiresAt.gt(now.as_millisecond()));
    Ok(query.one(db).await?.is_some())
}

/// Ends a session of this user; tells whether there was one.
pub async fn delete_own(db: &impl ConnectionTrait, user_id: &str, id: &str) -> Result<bool, DbErr> {
    let result = Entity::delete_many().filter(Column::Id.eq(id)).filter(Column::UserId.eq(user_id)).exec(db).await?;
    Ok(result.rows_affected == 1)
}

/// Ends all sessions of a user but one; returns how many.
pub async fn delete_of(db: &impl ConnectionTrait, user_id: &str, but: Option<&str>) -> Result<u64, DbErr> {
    let mut query = Entity::delete_many().filter(Column::UserId.eq(user_id));
    if let Some(but) = but {
        query = query.filter(Column::Id.ne(but));
    }
    Ok(query.exec(db).await?.rows_affected)
}
