//! Changes of workspaces' tokens, numbered: how a replica learns what it does not know yet.
//!
//! A revision is given out inside the write transaction that makes the change, and write transactions come one after the
//! other: whoever reads revision R from the database reads every change up to R.

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, ExprTrait, IntoActiveModel, Statement, entity::prelude::*, sea_query::Expr,
};

use super::{installation, now_ms, workspaces};

/// Where revisions are announced to other replicas, on databases that can.
pub const CHANNEL: &str = "twinkey_changes";

/// How many changes are kept. A replica that is further behind loads everything.
const KEPT: i64 = 10_000;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "changes")]
pub struct Model {
    /// Counted up by one with each change in the installation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: i64,
    /// Whose tokens changed.
    pub workspace_id: String,
    /// By the database's clock; milliseconds since the epoch.
    pub at: i64,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Records, in a write transaction, that the tokens of a workspace change with it; returns the change's revision. Other
/// replicas are told when the transaction is committed.
pub async fn record(transaction: &impl ConnectionTrait, workspace_id: &str) -> Result<i64, DbErr> {
    let counted = installation::Entity::update_many()
        .col_expr(installation::Column::Revision, Expr::col(installation::Column::Revision).add(1))
        .exec(transaction)
        .await?;
    if counted.rows_affected != 1 {
        return Err(DbErr::Custom("the table installation does not have exactly one row".into()));
    }
    let revision = installation::revision(transaction).await?;
    let row = Model { revision, workspace_id: workspace_id.to_owned(), at: now_ms(transaction).await? };
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(transaction).await?;
    workspaces::Entity::update_many()
        .col_expr(workspaces::Column::Revision, Expr::value(revision))
        .filter(workspaces::Column::Id.eq(workspace_id))
        .exec(transaction)
        .await?;
    trim(transaction, revision - KEPT).await?;
    announce(transaction, &revision.to_string()).await?;
    Ok(revision)
}

/// Tells other replicas something as soon as the transaction is committed; at once outside of one.
pub async fn announce(db: &impl ConnectionTrait, text: &str) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    if backend == DbBackend::Postgres {
        let values = [CHANNEL.into(), text.into()];
        db.execute_raw(Statement::from_sql_and_values(backend, "SELECT pg_notify($1, $2)", values)).await?;
    }
    Ok(())
}

/// Forgets the changes up to `revision`.
pub async fn trim(db: &impl ConnectionTrait, revision: i64) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Revision.lte(revision)).exec(db).await?;
    Ok(())
}
