//! The servers that work on this database at the moment, and what each has confirmed.

use sea_orm::{
    ConnectionTrait, DbErr, IntoActiveModel, QueryOrder,
    entity::prelude::*,
    sea_query::{Expr, OnConflict},
};

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
    /// By the database's clock; milliseconds since the epoch.
    pub seen_at: i64,
    /// Up to which change it knows everything: see [`super::changes`].
    pub revision: i64,
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
) -> Result<(), DbErr> {
    let now = now_ms(db).await?;
    let row = Model {
        id: id.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        started_at: now,
        seen_at: now,
        revision,
    };
    let again = [Column::Name, Column::Version, Column::SeenAt, Column::Revision];
    Entity::insert(row.into_active_model().reset_all())
        .on_conflict(OnConflict::column(Column::Id).update_columns(again).to_owned())
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Shows that a replica lives and what it knows; tells whether it is (still) registered.
pub async fn confirm(db: &impl ConnectionTrait, id: &str, revision: i64) -> Result<bool, DbErr> {
    let now = now_ms(db).await?;
    let result = Entity::update_many()
        .col_expr(Column::SeenAt, Expr::value(now))
        .col_expr(Column::Revision, Expr::value(revision))
        .filter(Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(result.rows_affected == 1)
}

/// All replicas, the oldest first.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(Column::StartedAt).order_by_asc(Column::Id).all(db).await
}

/// Removes those that have not been seen for `milliseconds`; returns how many.
pub async fn remove_stale(db: &impl ConnectionTrait, milliseconds: i64) -> Result<u64, DbErr> {
    let limit = now_ms(db).await? - milliseconds;
    Ok(Entity::delete_many().filter(Column::SeenAt.lt(limit)).exec(db).await?.rows_affected)
}

/// Removes a replica that stops in order.
pub async fn remove(db: &impl ConnectionTrait, id: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}
