//! The audit log's table: appended to, read, never changed.

use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DbErr, ExprTrait, QueryOrder, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, Func},
};
use twinkey_api::audit::{AuditQuery, AuditRecord};

use super::timestamp;

/// A row; see [`AuditRecord`] for what each column means.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
#[expect(missing_docs, reason = "the columns are those of AuditRecord, which documents them")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    pub at: i64,
    pub actor: String,
    pub credential: String,
    pub address: String,
    pub action: String,
    pub workspace_id: Option<String>,
    pub target: Option<String>,
    pub detail: String,
    pub previous_hash: String,
    pub hash: String,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for AuditRecord {
    fn from(row: Model) -> Self {
        Self {
            sequence: row.sequence,
            at: timestamp(row.at),
            actor: row.actor,
            credential: row.credential,
            address: row.address,
            action: row.action,
            workspace_id: row.workspace_id,
            target: row.target,
            detail: row.detail,
            previous_hash: row.previous_hash,
            hash: row.hash,
        }
    }
}

/// The newest record.
pub async fn last(db: &impl ConnectionTrait) -> Result<Option<AuditRecord>, DbErr> {
    Ok(Entity::find().order_by_desc(Column::Sequence).one(db).await?.map(Into::into))
}

/// The record with this sequence.
pub async fn find(db: &impl ConnectionTrait, sequence: i64) -> Result<Option<AuditRecord>, DbErr> {
    Ok(Entity::find_by_id(sequence).one(db).await?.map(Into::into))
}

/// Up to `limit` records that fit, the newest first.
pub async fn list(db: &impl ConnectionTrait, wanted: &AuditQuery, limit: u64) -> Result<Vec<AuditRecord>, DbErr> {
    let mut query = Entity::find().order_by_desc(Column::Sequence).limit(limit);
    for (column, value) in
        [(Column::WorkspaceId, &wanted.workspace_id), (Column::Actor, &wanted.actor), (Column::Target, &wanted.target)]
    {
        query = query.apply_if(value.as_deref(), |query, value| query.filter(column.eq(value)));
    }
    if let Some(prefix) = &wanted.action {
        // Not LIKE: an action may contain its wildcard `_`, and SQLite's does not tell upper from lower case.
        // PostgreSQL takes 32-bit numbers here.
        let length = prefix.chars().count() as i32;
        let beginning =
            Func::cust("SUBSTR").arg(Expr::col(Column::Action)).arg(Expr::value(1_i32)).arg(Expr::value(length));
        query = query.filter(Expr::expr(beginning).eq(prefix.as_str()));
    }
    query = query
        .apply_if(wanted.from, |query, from| query.filter(Column::At.gte(from.as_millisecond())))
        .apply_if(wanted.to, |query, to| query.filter(Column::At.lt(to.as_millisecond())))
        .apply_if(wanted.before, |query, before| query.filter(Column::Sequence.lt(before)));
    Ok(query.all(db).await?.into_iter().map(Into::into).collect())
}

/// Up to `limit` records of a workspace with one of these actions, from `from` on, the newest first.
pub async fn list_newest(
    db: &impl ConnectionTrait,
    workspace_id: &str,
    actions: &[&str],
    from: i64,
    limit: u64,
) -> Result<Vec<AuditRecord>, DbErr> {
    let query = Entity::find()
        .filter(Column::WorkspaceId.eq(workspace_id))
        .filter(Column::Action.is_in(actions.iter().copied()))
        .filter(Column::At.gte(from))
        .order_by_desc(Column::Sequence)
        .limit(limit);
    Ok(query.all(db).await?.into_iter().map(Into::into).collect())
}

/// Up to `limit` records after a sequence, the oldest first.
pub async fn list_after(db: &impl ConnectionTrait, after: i64, limit: u64) -> Result<Vec<AuditRecord>, DbErr> {
    let query = Entity::find().filter(Column::Sequence.gt(after)).order_by_asc(Column::Sequence).limit(limit);
    Ok(query.all(db).await?.into_iter().map(Into::into).collect())
}

/// Stores a record.
pub async fn insert(db: &impl ConnectionTrait, record: &AuditRecord) -> Result<(), DbErr> {
    let row = ActiveModel {
        sequence: Set(record.sequence),
        at: Set(record.at.as_millisecond()),
        actor: Set(record.actor.clone()),
        credential: Set(record.credential.clone()),
        address: Set(record.address.clone()),
        action: Set(record.action.clone()),
        workspace_id: Set(record.workspace_id.clone()),
        target: Set(record.target.clone()),
        detail: Set(record.detail.clone()),
        previous_hash: Set(record.previous_hash.clone()),
        hash: Set(record.hash.clone()),
    };
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}
