//! Who used which token: one row for each client of a token, summed up over all replicas.

use sea_orm::{
    ConnectionTrait, DbErr, ExprTrait, FromQueryResult, IntoActiveModel, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{CaseStatement, Expr, OnConflict, SimpleExpr},
};
use twinkey_api::WorkspaceId;

/// A row. Times are milliseconds since the epoch, 0: never.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token_clients")]
pub struct Model {
    /// The token's public id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_id: String,
    /// See [`crate::usage::identity::Identity::digest`]; [`OTHERS`]: all that are not told apart.
    #[sea_orm(primary_key, auto_increment = false)]
    pub client: String,
    /// Whose token it is.
    pub workspace_id: String,
    /// `api` or `broker`.
    pub via: String,
    /// Where from.
    pub address: String,
    /// The user agent, or the `client.id`.
    pub agent: String,
    /// Name and version of the client software.
    pub software: String,
    /// When it came for the first time.
    pub first_seen: i64,
    /// When it came for the last time, be it refused.
    pub last_seen: i64,
    /// The last use.
    pub used_at: i64,
    /// When broker credentials were last given out.
    pub fetched_at: i64,
    /// The last refusal, because the token was dead.
    pub refused_at: i64,
    /// When the last alarm was raised about that.
    pub alarmed_at: i64,
    /// Requests that were answered.
    pub requests: i64,
    /// Bytes back and forth.
    pub bytes: i64,
    /// Uses that were refused.
    pub refused: i64,
}

/// The client of a token that stands for all those that are not told apart.
pub const OTHERS: &str = "";

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Adds what is new to the sums. No two rows may have the same key. A client stays the one that it was: of a row that is
/// there only numbers and times change.
pub async fn add(transaction: &impl ConnectionTrait, rows: Vec<Model>) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut conflict = OnConflict::columns([Column::TokenId, Column::Client]);
    for column in [Column::Requests, Column::Bytes, Column::Refused] {
        conflict.value(column, stored(column).add(new(column)));
    }
    for column in [Column::LastSeen, Column::UsedAt, Column::FetchedAt, Column::RefusedAt] {
        conflict.value(column, pick(new(column).gt(stored(column)), column));
    }
    conflict.value(Column::FirstSeen, pick(new(Column::FirstSeen).lt(stored(Column::FirstSeen)), Column::FirstSeen));
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

/// The new value under a condition; both databases have this form, while greatest and least have different names.
fn pick(condition: SimpleExpr, column: Column) -> SimpleExpr {
    CaseStatement::new().case(condition, new(column)).finally(stored(column)).into()
}

/// The clients of these tokens, those seen last first.
pub async fn list_of(db: &impl ConnectionTrait, token_ids: &[&str]) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::TokenId.is_in(token_ids.iter().copied()))
        .order_by_desc(Column::LastSeen)
        .order_by_asc(Column::Client)
        .all(db)
        .await
}

/// The clients of these tokens that have used them after `after`, those seen last first.
pub async fn list_used_after(db: &impl ConnectionTrait, token_ids: &[&str], after: i64) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::TokenId.is_in(token_ids.iter().copied()))
        .filter(Column::UsedAt.gte(after))
        .order_by_desc(Column::LastSeen)
        .order_by_asc(Column::Client)
        .all(db)
        .await
}

/// Clients by their keys.
pub async fn find_each(db: &impl ConnectionTrait, keys: &[(String, String)]) -> Result<Vec<Model>, DbErr> {
    // In one question: both columns by themselves find at least what is wanted.
    let mut found = Entity::find()
        .filter(Column::TokenId.is_in(keys.iter().map(|(token_id, _)| token_id.as_str())))
        .filter(Column::Client.is_in(keys.iter().map(|(_, client)| client.as_str())))
        .order_by_asc(Column::TokenId)
        .order_by_asc(Column::Client)
        .all(db)
        .await?;
    found.retain(|row| keys.iter().any(|(token_id, client)| *token_id == row.token_id && *client == row.client));
    Ok(found)
}

#[derive(FromQueryResult)]
struct LastUse {
    token_id: String,
    at: i64,
}

/// When each of these tokens was used last.
pub async fn last_used(db: &impl ConnectionTrait, token_ids: &[&str]) -> Result<Vec<(String, i64)>, DbErr> {
    let rows = Entity::find()
        .select_only()
        .column(Column::TokenId)
        .column_as(Column::UsedAt.max(), "at")
        .filter(Column::TokenId.is_in(token_ids.iter().copied()))
        .group_by(Column::TokenId)
        .into_model::<LastUse>()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.token_id, row.at)).collect())
}

/// The dead tokens of a workspace that were tried after `after`, at most `limit`, those tried last first.
pub async fn refused_after(
    db: &impl ConnectionTrait,
    workspace_id: &WorkspaceId,
    after: i64,
    limit: u64,
) -> Result<Vec<String>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::TokenId)
        .filter(Column::WorkspaceId.eq(workspace_id.as_str()))
        .filter(Column::RefusedAt.gt(after))
        .group_by(Column::TokenId)
        .order_by_desc(Column::RefusedAt.max())
        .limit(limit)
        .into_tuple()
        .all(db)
        .await
}

/// Those of these tokens that have more than `max` clients that are told apart.
pub async fn crowded(db: &impl ConnectionTrait, token_ids: &[&str], max: u64) -> Result<Vec<String>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::TokenId)
        .filter(Column::TokenId.is_in(token_ids.iter().copied()))
        .filter(Column::Client.ne(OTHERS))
        .group_by(Column::TokenId)
        .having(Column::Client.count().gt(max as i64))
        .into_tuple()
        .all(db)
        .await
}

/// Counts all but the `max` clients of a token that were seen last together with the others; says how many that were. Those
/// with an alarm stay before all others: whoever tries a dead token under many names cannot push his alarms out.
pub async fn merge_oldest(transaction: &impl ConnectionTrait, token_id: &str, max: u64) -> Result<usize, DbErr> {
    let surplus = Entity::find()
        .filter(Column::TokenId.eq(token_id))
        .filter(Column::Client.ne(OTHERS))
        .order_by_desc(Column::AlarmedAt)
        .order_by_desc(Column::LastSeen)
        .order_by_asc(Column::Client)
        .offset(max)
        .limit(i64::MAX as u64)
        .all(transaction)
        .await?;
    let Some(first) = surplus.first().cloned() else { return Ok(0) };
    let latest = |time: fn(&Model) -> i64| surplus.iter().map(time).max().unwrap_or_default();
    let sum = |number: fn(&Model) -> i64| surplus.iter().map(number).sum();
    let others = Model {
        client: OTHERS.to_owned(),
        address: String::new(),
        agent: String::new(),
        software: String::new(),
        first_seen: surplus.iter().map(|row| row.first_seen).min().unwrap_or_default(),
        last_seen: latest(|row| row.last_seen),
        used_at: latest(|row| row.used_at),
        fetched_at: latest(|row| row.fetched_at),
        refused_at: latest(|row| row.refused_at),
        alarmed_at: 0,
        requests: sum(|row| row.requests),
        bytes: sum(|row| row.bytes),
        refused: sum(|row| row.refused),
        ..first
    };
    add(transaction, vec![others]).await?;
    let clients = surplus.iter().map(|row| row.client.as_str());
    Entity::delete_many()
        .filter(Column::TokenId.eq(token_id))
        .filter(Column::Client.is_in(clients))
        .exec(transaction)
        .await?;
    Ok(surplus.len())
}

/// How many alarms were raised about a token after `after`.
pub async fn alarms_after(db: &impl ConnectionTrait, token_id: &str, after: i64) -> Result<u64, DbErr> {
    Entity::find().filter(Column::TokenId.eq(token_id)).filter(Column::AlarmedAt.gt(after)).count(db).await
}

/// Notes that an alarm was raised.
pub async fn set_alarmed(
    transaction: &impl ConnectionTrait,
    (token_id, client): (&str, &str),
    at: i64,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::AlarmedAt, Expr::value(at))
        .filter(Column::TokenId.eq(token_id))
        .filter(Column::Client.eq(client))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Forgets clients that were not seen after `before`.
pub async fn forget_before(transaction: &impl ConnectionTrait, before: i64) -> Result<u64, DbErr> {
    Ok(Entity::delete_many().filter(Column::LastSeen.lt(before)).exec(transaction).await?.rows_affected)
}

/// Forgets the clients of a workspace's tokens.
pub async fn delete_of_workspace(transaction: &impl ConnectionTrait, workspace_id: &WorkspaceId) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::WorkspaceId.eq(workspace_id.as_str())).exec(transaction).await?;
    Ok(())
}
