//! Tokens as the broker's principals: which of them it should know, which are being made, and which are being taken away.
//! Only a broker that keeps principals of its own (Apache Kafka) needs this.

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use twinkey_api::{WorkspaceId, token_pair::Slot};

use super::tokens::{Column, Entity, Model, find_by_id};

/// What the broker should know of a token.
#[derive(Debug, Clone, PartialEq, Eq, FromQueryResult)]
pub struct Wanted {
    /// Its public id.
    pub id: String,
    /// Whose it is.
    pub workspace_id: String,
    /// Its slot, if it is valid already.
    pub slot: Option<String>,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// At most `limit` tokens that are valid or prepared, behind the id `after`, by id; `""` for the first ones.
pub async fn list_wanted(db: &impl ConnectionTrait, after: &str, limit: u64) -> Result<Vec<Wanted>, DbErr> {
    Entity::find()
        .select_only()
        .columns([Column::Id, Column::WorkspaceId, Column::Slot, Column::CreatedAt])
        .filter(Column::DeactivatedAt.is_null())
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_model()
        .all(db)
        .await
}

/// The token, as long as it is prepared: neither in force nor given up.
fn is_prepared(id: &str) -> Condition {
    Condition::all().add(Column::Id.eq(id)).add(Column::Slot.is_null()).add(Column::DeactivatedAt.is_null())
}

/// Makes a prepared token valid; `false` if it is not prepared any longer.
pub async fn put_in_force(db: &impl ConnectionTrait, id: &str, slot: Slot) -> Result<bool, DbErr> {
    let result =
        Entity::update_many().col_expr(Column::Slot, Expr::value(slot.name())).filter(is_prepared(id)).exec(db).await?;
    Ok(result.rows_affected == 1)
}

/// Gives a prepared token up, if it is one still. Its secret goes with it and was never shown, so that there is nothing to
/// prove; whatever it has on the broker goes with the next reconciliation.
pub async fn abandon(db: &impl ConnectionTrait, id: &str, now: Timestamp) -> Result<bool, DbErr> {
    let result = Entity::update_many()
        .col_expr(Column::Sealed, Expr::value(Vec::<u8>::new()))
        .col_expr(Column::DeactivatedAt, Expr::value(now.as_millisecond()))
        .col_expr(Column::CutOffAt, Expr::value(now.as_millisecond()))
        .filter(is_prepared(id))
        .exec(db)
        .await?;
    Ok(result.rows_affected == 1)
}

/// The prepared tokens of one workspace.
pub async fn list_prepared_of(db: &impl ConnectionTrait, workspace_id: &str) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace_id))
        .filter(Column::Slot.is_null())
        .filter(Column::DeactivatedAt.is_null())
        .order_by_asc(Column::Id)
        .all(db)
        .await
}

/// The prepared tokens that were made before `before`.
pub async fn list_prepared_before(db: &impl ConnectionTrait, before: Timestamp) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Slot.is_null())
        .filter(Column::DeactivatedAt.is_null())
        .filter(Column::CreatedAt.lt(before.as_millisecond()))
        .all(db)
        .await
}

/// Dead tokens whose cut-off is not proved, the oldest first. That they have no slot goes without saying; said, the index
/// leaves the valid ones out, whose cut-off is not proved either.
pub async fn list_open(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::Slot.is_null())
        .filter(Column::DeactivatedAt.is_not_null())
        .filter(Column::CutOffAt.is_null())
        .order_by_asc(Column::DeactivatedAt)
        .all(db)
        .await
}

/// The same of one workspace.
pub async fn list_open_of(db: &impl ConnectionTrait, workspace_id: &WorkspaceId) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::WorkspaceId.eq(workspace_id.as_str()))
        .filter(Column::DeactivatedAt.is_not_null())
        .filter(Column::CutOffAt.is_null())
        .order_by_asc(Column::DeactivatedAt)
        .all(db)
        .await
}

/// Stores what may still serve a dead token, as JSON.
pub async fn set_open(db: &impl ConnectionTrait, id: &str, open: &str) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::CutOffOpen, Expr::value(open))
        .filter(Column::Id.eq(id))
        .filter(Column::CutOffAt.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Stores that a token's cut-off is proved.
pub async fn set_cut_off(db: &impl ConnectionTrait, ids: &[&str], now: Timestamp) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::CutOffAt, Expr::value(now.as_millisecond()))
        .col_expr(Column::CutOffOpen, Expr::value(None::<String>))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::DeactivatedAt.is_not_null())
        .filter(Column::CutOffAt.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// Removes the tokens of a workspace that never was ready: those that are not valid.
pub async fn delete_prepared_of(db: &impl ConnectionTrait, workspace_id: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::WorkspaceId.eq(workspace_id)).filter(Column::Slot.is_null()).exec(db).await?;
    Ok(())
}

/// The tokens with these public ids, dead ones included.
pub async fn list_of_ids(db: &impl ConnectionTrait, ids: &[&str]) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(Column::Id.is_in(ids.iter().copied())).all(db).await
}

/// Raises the repair fence of a valid token: from now on its cut-off counts as open until the fence is lowered, or so old
/// that nothing of the repair can arrive any more. `false`: it is not valid any longer, and must not be repaired.
///
/// Several may stand at the same fence: whoever is paused in the middle of a repair keeps its place while another one mends.
/// A fence that was raised last before `over` has nobody behind it any more.
pub async fn raise_fence(
    transaction: &impl ConnectionTrait,
    id: &str,
    by: &str,
    now: i64,
    over: i64,
) -> Result<bool, DbErr> {
    let Some(row) = find_by_id(transaction, id).await?.filter(|row| row.slot.is_some()) else { return Ok(false) };
    let others = row.repair_by.filter(|_| row.repair_since.is_some_and(|since| since >= over)).unwrap_or_default();
    let all: Vec<_> = others.split(' ').filter(|other| !other.is_empty() && *other != by).chain([by]).collect();
    set_fence(transaction, id, Some(all.join(" ")), Some(now)).await?;
    Ok(true)
}

/// Takes `by` away from the fences of these tokens: its grants have all been answered.
pub async fn lower_fences(transaction: &impl ConnectionTrait, ids: &[&str], by: &str) -> Result<(), DbErr> {
    for row in list_of_ids(transaction, ids).await? {
        let Some(before) = &row.repair_by else { continue };
        let others: Vec<_> = before.split(' ').filter(|other| *other != by).collect();
        let others = (!others.is_empty()).then(|| others.join(" "));
        let since = row.repair_since.filter(|_| others.is_some());
        set_fence(transaction, &row.id, others, since).await?;
    }
    Ok(())
}

async fn set_fence(
    transaction: &impl ConnectionTrait,
    id: &str,
    by: Option<String>,
    since: Option<i64>,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::RepairBy, Expr::value(by))
        .col_expr(Column::RepairSince, Expr::value(since))
        .filter(Column::Id.eq(id))
        .exec(transaction)
        .await?;
    Ok(())
}
