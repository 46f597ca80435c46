//! The servers that work on this database at the moment, and what each has confirmed.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, IntoActiveModel, QueryOrder, entity::prelude::*, sea_query::OnConflict};

use super::now_ms;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "replicas")]
pub struct Model {
    /// Random, anew at each start.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// By the database's clock; milliseconds since the epoch.
    pub started_at: i64,
    /// By the database's clock; milliseconds since the epoch. Grows with each heartbeat, whatever becomes of that clock, so
    /// that a row with the same value is a row without a heartbeat in between.
    pub seen_at: i64,
    /// Up to which change it knows everything: see [`super::changes`].
    pub revision: i64,
    /// How long it trusts its memory after a heartbeat; milliseconds.
    pub lease: i64,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Registers a replica that knows everything up to `revision`, or does so again.
pub async fn register(
    db: &impl ConnectionTrait,
    (id, name, version): (&str, &str, &str),
    revision: i64,
    lease: Duration,
) -> Result<(), DbErr> {
    let now = now_ms(db).await?;
    let row = Model {
        id: id.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        started_at: now,
        seen_at: now,
        revision,
        lease: lease.as_millis() as i64,
    };
    // A row that is there already has been seen since.
    let again = OnConflict::column(Column::Id).update_column(Column::Revision).to_owned();
    Entity::insert(row.into_active_model().reset_all()).on_conflict(again).exec_without_returning(db).await?;
    Ok(())
}

/// All replicas, the oldest first.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(Column::StartedAt).order_by_asc(Column::Id).all(db).await
}

/// Removes a replica if its last heartbeat is still the one at `seen_at`.
pub async fn remove_unchanged(db: &impl ConnectionTrait, id: &str, seen_at: i64) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Id.eq(id)).filter(Column::SeenAt.eq(seen_at)).exec(db).await?;
    Ok(())
}

/// Removes a replica that stops in order.
pub async fn remove(db: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}
