//! Organisations: one for each installation, made at the first start.

use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, entity::prelude::*};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organisations")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Its name.
    pub name: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The organisation of this installation, if the first start has been completed.
pub async fn find(db: &impl ConnectionTrait) -> Result<Option<Model>, DbErr> {
    Entity::find().one(db).await
}

/// Stores the organisation.
pub async fn insert(db: &impl ConnectionTrait, id: &str, name: &str, now: Timestamp) -> Result<(), DbErr> {
    let row = ActiveModel { id: Set(id.to_owned()), name: Set(name.to_owned()), created_at: Set(now.as_millisecond()) };
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}
