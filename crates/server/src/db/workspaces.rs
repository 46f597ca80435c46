//! Workspaces.

use std::collections::HashSet;

use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbErr, ExprTrait, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr,
};
use twinkey_api::WorkspaceId;

use super::{deleted_tokens, idempotency, token_clients, usage_points, users};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workspaces")]
pub struct Model {
    /// The workspace's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose it is.
    pub organisation_id: String,
    /// The name that people see.
    pub name: String,
    /// How often it has been rotated.
    pub generation: i64,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// The last change of its tokens: see [`super::changes`].
    pub revision: i64,
    /// [`CREATING`], [`READY`] or [`DELETING`].
    pub state: String,
    /// A setting of the workspace; null: its default.
    pub safe_to_rotate_minutes: Option<i64>,
    /// A setting: whether its tokens may use transactional ids without its prefix. Only Apache Kafka needs it.
    pub any_transactional_id: bool,
    /// A setting: for how long a rotation can be undone; null: not at all.
    pub undo_minutes: Option<i64>,
    /// The token that the last rotation has deactivated, while its ciphertext is kept so that the rotation can be undone.
    pub undo_token: Option<String>,
}

/// The state of a workspace whose principals are being made on the broker.
pub const CREATING: &str = "creating";
/// The state of a workspace that can be used.
pub const READY: &str = "ready";
/// The state of a workspace whose tokens are dead, and whose topics and groups are going.
pub const DELETING: &str = "deleting";

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The workspace with this id.
pub async fn find(db: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// The workspace with this id, if it can be used.
pub async fn find_ready(db: &impl ConnectionTrait, id: &WorkspaceId) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id.as_str()).filter(Column::State.eq(READY)).one(db).await
}

/// All workspaces, by id.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(Column::Id).all(db).await
}

/// At most `limit` workspaces that can be used, behind the id `after`, by id; `""` for the first ones.
pub async fn list_after(db: &impl ConnectionTrait, after: &str, limit: u64) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Id.gt(after))
        .filter(Column::State.eq(READY))
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// At most `limit` of these workspaces, ready or not, behind the id `after`, by id.
pub async fn page_of(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = &str>,
    after: &str,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let mut ids: Vec<_> = ids.into_iter().filter(|id| *id > after).collect();
    ids.sort_unstable();
    ids.truncate(limit as usize);
    Entity::find().filter(Column::Id.is_in(ids)).order_by_asc(Column::Id).all(db).await
}

/// At most `limit` of all workspaces but these, ready or not, behind the id `after`, by id.
pub async fn page_without(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = &str>,
    after: &str,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let query = Entity::find().filter(Column::Id.gt(after)).filter(Column::Id.is_not_in(ids));
    query.order_by_asc(Column::Id).limit(limit).all(db).await
}

/// The workspaces that were begun before `before` and are not ready.
pub async fn list_creating(db: &impl ConnectionTrait, before: Timestamp) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::State.eq(CREATING))
        .filter(Column::CreatedAt.lt(before.as_millisecond()))
        .all(db)
        .await
}

/// Makes a workspace that was being created usable; `false` if it is not being created any longer.
pub async fn set_ready(db: &impl ConnectionTrait, id: &str) -> Result<bool, DbErr> {
    let result = Entity::update_many()
        .col_expr(Column::State, Expr::value(READY))
        .filter(Column::Id.eq(id))
        .filter(Column::State.eq(CREATING))
        .exec(db)
        .await?;
    Ok(result.rows_affected == 1)
}

/// Removes a workspace that never was ready; its tokens must be gone before.
pub async fn delete_creating(db: &impl ConnectionTrait, id: &str) -> Result<bool, DbErr> {
    let result = Entity::delete_many().filter(Column::Id.eq(id)).filter(Column::State.eq(CREATING)).exec(db).await?;
    Ok(result.rows_affected == 1)
}

/// Begins the end of a workspace; `false` if it cannot be used (any longer).
pub async fn set_deleting(db: &impl ConnectionTrait, id: &str) -> Result<bool, DbErr> {
    let result = Entity::update_many()
        .col_expr(Column::State, Expr::value(DELETING))
        .filter(Column::Id.eq(id))
        .filter(Column::State.eq(READY))
        .exec(db)
        .await?;
    Ok(result.rows_affected == 1)
}

/// The workspaces that are being deleted.
pub async fn list_deleting(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::State.eq(DELETING)).order_by_asc(Column::Id).all(db).await
}

/// Removes a workspace that was being deleted, and with it whatever else names it; its id is free again.
pub async fn delete_deleting(db: &impl ConnectionTrait, id: &WorkspaceId, now: Timestamp) -> Result<(), DbErr> {
    deleted_tokens::bury(db, id.as_str(), now).await?;
    users::forget_workspace(db, id.as_str()).await?;
    token_clients::delete_of_workspace(db, id).await?;
    usage_points::delete_of_workspace(db, id).await?;
    idempotency::delete_of_workspace(db, id).await?;
    Entity::delete_many().filter(Column::Id.eq(id.as_str())).filter(Column::State.eq(DELETING)).exec(db).await?;
    Ok(())
}

/// Gives a workspace another name.
pub async fn rename(db: &impl ConnectionTrait, id: &str, name: &str) -> Result<(), DbErr> {
    Entity::update_many().col_expr(Column::Name, Expr::value(name)).filter(Column::Id.eq(id)).exec(db).await?;
    Ok(())
}

/// Those of these workspaces that there are.
pub async fn list_of(db: &impl ConnectionTrait, ids: &[String]) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Id.is_in(ids)).filter(Column::State.eq(READY)).all(db).await
}

/// A workspace whose topics `id` could see or whose members could see those of `id`: the same, a prefix, or an extension.
pub async fn find_overlapping(db: &impl ConnectionTrait, id: &WorkspaceId) -> Result<Option<String>, DbErr> {
    let same_or_shorter = id.ancestors().chain([id.as_str()]).map(str::to_owned);
    // A range instead of LIKE: it uses the index on both databases. '.' is the character behind '-'.
    let longer = Column::Id.gt(format!("{id}-")).and(Column::Id.lt(format!("{id}.")));
    Entity::find()
        .filter(Column::Id.is_in(same_or_shorter).or(longer))
        .select_only()
        .column(Column::Id)
        .into_tuple()
        .one(db)
        .await
}

/// Stores a workspace at generation 0.
pub async fn insert(
    db: &impl ConnectionTrait,
    organisation_id: &str,
    id: &WorkspaceId,
    name: &str,
    state: &str,
    now: Timestamp,
) -> Result<Model, DbErr> {
    let row = ActiveModel {
        id: Set(id.as_str().to_owned()),
        organisation_id: Set(organisation_id.to_owned()),
        name: Set(name.to_owned()),
        generation: Set(0),
        created_at: Set(now.as_millisecond()),
        revision: Set(0),
        state: Set(state.to_owned()),
        safe_to_rotate_minutes: Set(None),
        any_transactional_id: Set(false),
        undo_minutes: Set(None),
        undo_token: Set(None),
    };
    row.insert(db).await
}

/// Counts the generation up if it is still `expected`; tells whether it was.
pub async fn advance_generation(db: &impl ConnectionTrait, id: &WorkspaceId, expected: i64) -> Result<bool, DbErr> {
    let result = Entity::update_many()
        .col_expr(Column::Generation, Expr::col(Column::Generation).add(1))
        .filter(Column::Id.eq(id.as_str()))
        .filter(Column::Generation.eq(expected))
        .exec(db)
        .await?;
    Ok(result.rows_affected == 1)
}

/// The ids of the workspaces whose tokens may use any transactional id.
pub async fn list_any_transactional(db: &impl ConnectionTrait) -> Result<HashSet<String>, DbErr> {
    let ids = Entity::find().filter(Column::AnyTransactionalId.eq(true)).select_only().column(Column::Id);
    Ok(ids.into_tuple::<String>().all(db).await?.into_iter().collect())
}

/// Changes the setting of this name.
pub async fn set_any_transactional_id(db: &impl ConnectionTrait, id: &WorkspaceId, any: bool) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::AnyTransactionalId, Expr::value(any))
        .filter(Column::Id.eq(id.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

/// Changes the setting of this name; null: off.
pub async fn set_undo_minutes(db: &impl ConnectionTrait, id: &WorkspaceId, minutes: Option<i64>) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::UndoMinutes, Expr::value(minutes))
        .filter(Column::Id.eq(id.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

/// Notes which dead token can come back.
pub async fn set_undo_token(db: &impl ConnectionTrait, id: &str, token: Option<&str>) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::UndoToken, Expr::value(token.map(str::to_owned)))
        .filter(Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// The workspaces of which a dead token is kept so that it can come back.
pub async fn list_undoable(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::UndoToken.is_not_null()).all(db).await
}

/// Changes the setting of this name; null: its default.
pub async fn set_safe_to_rotate_minutes(
    db: &impl ConnectionTrait,
    id: &WorkspaceId,
    minutes: Option<i64>,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::SafeToRotateMinutes, Expr::value(minutes))
        .filter(Column::Id.eq(id.as_str()))
        .exec(db)
        .await?;
    Ok(())
}
