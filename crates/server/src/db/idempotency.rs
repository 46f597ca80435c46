//! What rotations answered to requests with an `Idempotency-Key`, so that the same request again has the same answer.
//! Answers hold no token values.

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, DbErr, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr};
use twinkey_api::WorkspaceId;

/// For how long an answer is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How many answers of one workspace are kept. Whoever rotates more often in a day has the guard of the generation left.
const KEPT_MAX: u64 = 1000;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    /// A digest of the key and of whose it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// In which workspace.
    pub workspace_id: String,
    /// A digest of the request.
    pub request: String,
    /// What the transaction did, as JSON: enough to make up an answer if the server did not live to give one.
    pub began: String,
    /// The answer that was given, as JSON.
    pub answer: Option<String>,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What was done under a key in this workspace, unless that is too long ago.
pub async fn find(
    db: &impl ConnectionTrait,
    workspace_id: &WorkspaceId,
    id: &str,
    now: Timestamp,
) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id)
        .filter(Column::WorkspaceId.eq(workspace_id.as_str()))
        .filter(Column::CreatedAt.gt((now - KEPT).as_millisecond()))
        .one(db)
        .await
}

/// Notes what a transaction does under a key, and forgets what is too old or too much.
pub async fn insert(transaction: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let before = row.created_at - KEPT.as_millis() as i64;
    Entity::delete_many().filter(Column::CreatedAt.lte(before)).exec(transaction).await?;
    let surplus: Vec<String> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::WorkspaceId.eq(&row.workspace_id))
        .order_by_desc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .offset(KEPT_MAX - 1)
        .limit(KEPT_MAX)
        .into_tuple()
        .all(transaction)
        .await?;
    if !surplus.is_empty() {
        Entity::delete_many().filter(Column::Id.is_in(surplus)).exec(transaction).await?;
    }
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(transaction).await?;
    Ok(())
}

/// Notes the answer that was given.
pub async fn set_answer(
    db: &impl ConnectionTrait,
    workspace_id: &WorkspaceId,
    id: &str,
    answer: &str,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Answer, Expr::value(answer))
        .filter(Column::Id.eq(id))
        .filter(Column::WorkspaceId.eq(workspace_id.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

/// Forgets what was done in a workspace: the next one of the same id must not be answered for it.
pub async fn delete_of_workspace(transaction: &impl ConnectionTrait, workspace_id: &WorkspaceId) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::WorkspaceId.eq(workspace_id.as_str())).exec(transaction).await?;
    Ok(())
}
