//! The tokens of deleted workspaces. They stay known by their hash, so that whoever still holds one can be told what became of
//! it, and for nothing else.

use jiff::Timestamp;
use sea_orm::{
    ConnectionTrait, DbErr, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, Query},
};

use super::tokens;
use crate::keys::TokenHash;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deleted_tokens")]
pub struct Model {
    /// The token's public id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose it was. A workspace of this id may exist again: that is another one.
    pub workspace_id: String,
    /// See [`crate::keys::Keys::hash`].
    pub hash: Vec<u8>,
    /// When the workspace was gone; milliseconds since the epoch.
    pub deleted_at: i64,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Moves the tokens of a workspace here. All must be dead; one that never was valid, because it was being prepared, is forgotten.
pub async fn bury(transaction: &impl ConnectionTrait, workspace_id: &str, now: Timestamp) -> Result<(), DbErr> {
    let dead = tokens::Entity::find()
        .select_only()
        .columns([tokens::Column::Id, tokens::Column::WorkspaceId, tokens::Column::Hash])
        .column_as(Expr::value(now.as_millisecond()), "deleted_at")
        .filter(tokens::Column::WorkspaceId.eq(workspace_id))
        .filter(tokens::Column::DeactivatedAt.is_not_null())
        .into_query();
    let insert = Query::insert()
        .into_table(Entity)
        .columns([Column::Id, Column::WorkspaceId, Column::Hash, Column::DeletedAt])
        .select_from(dead)
        .map_err(|error| DbErr::Custom(error.to_string()))?
        .to_owned();
    transaction.execute(&insert).await?;
    tokens::Entity::delete_many().filter(tokens::Column::WorkspaceId.eq(workspace_id)).exec(transaction).await?;
    Ok(())
}

/// The token with one of these keyed hashes.
pub async fn find_by_hash(db: &impl ConnectionTrait, hashes: &[TokenHash]) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::Hash.is_in(hashes.iter().map(|hash| hash.to_vec()))).one(db).await
}

/// Those of these tokens that are here.
pub async fn list_of_ids(db: &impl ConnectionTrait, ids: &[&str]) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Id.is_in(ids.iter().copied())).all(db).await
}
