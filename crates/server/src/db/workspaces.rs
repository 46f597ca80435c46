//! Workspaces.

use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbErr, ExprTrait, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr,
};
use twinkey_api::WorkspaceId;

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
    /// [`CREATING`] or [`READY`].
    pub state: String,
    /// A setting of the workspace; null: its default.
    pub safe_to_rotate_minutes: Option<i64>,
}

/// The state of a workspace whose principals are being made on the broker.
pub const CREATING: &str = "creating";
/// The state of a workspace that can be used.
pub const READY: &str = "ready";

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
