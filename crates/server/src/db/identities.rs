//! Which account of an OpenID Connect provider belongs to which user.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr, IntoActiveModel, entity::prelude::*};

use super::users;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identities")]
pub struct Model {
    /// The provider.
    #[sea_orm(primary_key, auto_increment = false)]
    pub issuer: String,
    /// The account there.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// The user here.
    pub user_id: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The user that belongs to an account (issuer, subject) of a provider.
pub async fn find_user(
    db: &impl ConnectionTrait,
    (issuer, subject): (&str, &str),
) -> Result<Option<users::Model>, DbErr> {
    match Entity::find_by_id((issuer.to_owned(), subject.to_owned())).one(db).await? {
        Some(row) => users::find(db, &row.user_id).await,
        None => Ok(None),
    }
}

/// Links an account (issuer, subject) of a provider to a user.
pub async fn insert(
    db: &impl ConnectionTrait,
    (issuer, subject): (&str, &str),
    user_id: &str,
    now: Timestamp,
) -> Result<(), DbErr> {
    let row = Model {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        user_id: user_id.to_owned(),
        created_at: now.as_millisecond(),
    };
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

/// Forgets the links of a user.
pub async fn delete_of(db: &impl ConnectionTrait, user_id: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(db).await?;
    Ok(())
}
