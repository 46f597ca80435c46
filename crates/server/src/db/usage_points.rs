//! The use of tokens over time: one row for each token and each minute, kept for two days, and one for each hour, kept for
//! ninety, summed up over all replicas.

use sea_orm::{
    ConnectionTrait, DbErr, ExprTrait, FromQueryResult, IntoActiveModel, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{CaseStatement, Expr, OnConflict, SimpleExpr},
};
use twinkey_api::WorkspaceId;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_points")]
pub struct Model {
    /// The token's public id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_id: String,
    /// How long the step is, in seconds: [`MINUTE`] or [`HOUR`].
    #[sea_orm(primary_key, auto_increment = false)]
    pub step: i64,
    /// When it began; milliseconds since the epoch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub at: i64,
    /// Whose token it is.
    pub workspace_id: String,
    /// Requests that were answered.
    pub requests: i64,
    /// Bytes back and forth.
    pub bytes: i64,
    /// Uses that were refused.
    pub refused: i64,
    /// The most connections that were open at a time; null: nobody can tell.
    pub connections: Option<i64>,
}

/// A step.
pub const MINUTE: i64 = 60;
/// A step.
pub const HOUR: i64 = 3600;

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Adds what is new to the sums, of connections the maximum. No two rows may have the same key.
pub async fn add(transaction: &impl ConnectionTrait, rows: Vec<Model>) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut conflict = OnConflict::columns([Column::TokenId, Column::Step, Column::At]);
    for column in [Column::Requests, Column::Bytes, Column::Refused] {
        conflict.value(column, stored(column).add(new(column)));
    }
    let more = stored(Column::Connections).is_null().or(new(Column::Connections).gt(stored(Column::Connections)));
    let most = CaseStatement::new().case(more, new(Column::Connections)).finally(stored(Column::Connections));
    conflict.value(Column::Connections, most);
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    Entity::insert_many(rows).on_conflict(conflict).exec_without_returning(transaction).await?;
    Ok(())
}

fn stored(column: Column) -> SimpleExpr {
    Expr::col((Entity, column))
}

fn new(column: Column) -> SimpleExpr {
    Expr::col(("excluded", column))
}

/// The steps of these tokens from `from` on, oldest first.
pub async fn list(db: &impl ConnectionTrait, token_ids: &[&str], step: i64, from: i64) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::TokenId.is_in(token_ids.iter().copied()))
        .filter(Column::Step.eq(step))
        .filter(Column::At.gte(from))
        .order_by_asc(Column::TokenId)
        .order_by_asc(Column::At)
        .all(db)
        .await
}

/// What the tokens of a workspace were used for together.
#[derive(Debug, FromQueryResult, Hash)]
pub struct Sums {
    /// Whose they are.
    pub workspace_id: String,
    /// Requests that were answered.
    pub requests: i64,
    /// Bytes back and forth.
    pub bytes: i64,
    /// Uses that were refused.
    pub refused: i64,
}

/// Sums for each of these workspaces over the hours that began after `after`.
pub async fn sums_of_each(db: &impl ConnectionTrait, workspace_ids: &[&str], after: i64) -> Result<Vec<Sums>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::WorkspaceId)
        .column_as(sum(Column::Requests), "requests")
        .column_as(sum(Column::Bytes), "bytes")
        .column_as(sum(Column::Refused), "refused")
        .filter(Column::WorkspaceId.is_in(workspace_ids.iter().copied()))
        .filter(Column::Step.eq(HOUR))
        .filter(Column::At.gt(after))
        .group_by(Column::WorkspaceId)
        .into_model()
        .all(db)
        .await
}

/// Sums of whole numbers are decimals on PostgreSQL.
fn sum(column: Column) -> SimpleExpr {
    Expr::col(column).sum().cast_as("bigint")
}

#[derive(FromQueryResult)]
struct OfWorkspace {
    workspace_id: String,
    sum: i64,
}

/// How many uses were refused in each of these workspaces from `from` on, by the hour.
pub async fn refused_of_each(
    db: &impl ConnectionTrait,
    workspace_ids: &[&str],
    from: i64,
) -> Result<Vec<(String, i64)>, DbErr> {
    let rows = Entity::find()
        .select_only()
        .column(Column::WorkspaceId)
        .column_as(sum(Column::Refused), "sum")
        .filter(Column::WorkspaceId.is_in(workspace_ids.iter().copied()))
        .filter(Column::Step.eq(HOUR))
        .filter(Column::At.gte(from))
        .filter(Column::Refused.gt(0))
        .group_by(Column::WorkspaceId)
        .into_model::<OfWorkspace>()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.workspace_id, row.sum)).collect())
}

/// Forgets the steps of this length that began before `before`.
pub async fn forget_before(transaction: &impl ConnectionTrait, step: i64, before: i64) -> Result<u64, DbErr> {
    let query = Entity::delete_many().filter(Column::Step.eq(step)).filter(Column::At.lt(before));
    Ok(query.exec(transaction).await?.rows_affected)
}

/// Forgets the steps of a workspace's tokens.
pub async fn delete_of_workspace(transaction: &impl ConnectionTrait, workspace_id: &WorkspaceId) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::WorkspaceId.eq(workspace_id.as_str())).exec(transaction).await?;
    Ok(())
}
