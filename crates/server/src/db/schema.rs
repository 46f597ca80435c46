//! Which programs may run on which schema.
//!
//! While a release is rolled out, replicas of two versions run on one database, and the old one may be restarted after the
//! new one has expanded the schema. So a database says which is the oldest program that it still supports.

use std::collections::HashSet;

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, IntoActiveModel, TransactionTrait, entity::prelude::*, sea_query::OnConflict,
};
use sea_orm_migration::MigratorTrait;

use super::{Db, OpenError, has_table, migration, postgres};

/// The one row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "schema_support")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// How many steps have been taken.
    pub version: i64,
    /// A program that does not know at least this many steps must not run on this database.
    pub oldest_supported: i64,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// How many steps this program knows.
pub fn known() -> i64 {
    migration::Migrator::migrations().len() as i64
}

/// What the database says about itself; `None` before the step that made the table.
pub async fn support(db: &impl ConnectionTrait) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(1).one(db).await
}

/// The newest step that was taken.
pub async fn newest(db: &impl ConnectionTrait) -> Result<String, DbErr> {
    let taken = sea_orm_migration::seaql_migrations::Entity::find().all(db).await?;
    Ok(taken.into_iter().map(|step| step.version).max().unwrap_or_default())
}

/// Takes the steps that are missing, all or none, one program at a time.
pub async fn bring_up_to_date(db: &Db) -> Result<(), OpenError> {
    // Without the limits on each call: a step takes as long as it takes.
    let transaction = db.connection.inner.begin().await?;
    if transaction.get_database_backend() == DbBackend::Postgres {
        postgres::take_all_the_time(&transaction).await?;
        postgres::take_the_lock(&transaction).await?;
    }
    if let Some(found) = newer(&transaction).await? {
        return match support(&transaction).await? {
            Some(support) if support.oldest_supported <= known() => Ok(()),
            _ => Err(OpenError::Newer { found, known: known() }),
        };
    }
    migration::Migrator::up(&transaction, None).await?;
    let row = Model { id: 1, version: known(), oldest_supported: migration::OLDEST_SUPPORTED };
    if support(&transaction).await?.as_ref() != Some(&row) {
        let update =
            OnConflict::column(Column::Id).update_columns([Column::Version, Column::OldestSupported]).to_owned();
        let row = row.into_active_model().reset_all();
        Entity::insert(row).on_conflict(update).exec_without_returning(&transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// The newest step that was taken on this database, if this program does not know it.
async fn newer(db: &impl ConnectionTrait) -> Result<Option<String>, DbErr> {
    if !has_table(db, "seaql_migrations").await? {
        return Ok(None);
    }
    let ours: HashSet<String> = migration::Migrator::migrations().iter().map(|step| step.name().to_owned()).collect();
    let taken = sea_orm_migration::seaql_migrations::Entity::find().all(db).await?;
    Ok(taken.into_iter().map(|step| step.version).filter(|step| !ours.contains(step)).max())
}
