//! Leases: which replica does a kind of background work at the moment. Times are those of the database's clock.

use sea_orm::{ConnectionTrait, DbErr, IntoActiveModel, entity::prelude::*, sea_query::Expr};

use super::now_ms;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leases")]
pub struct Model {
    /// The kind of work.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The replica that has it, or had it last.
    pub holder: String,
    /// Counted up each time it is taken, so that a former holder is told from the present one.
    pub epoch: i64,
    /// Milliseconds since the epoch; after that anybody may take it.
    pub expires_at: i64,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Takes a lease for `milliseconds`, in a write transaction; its epoch, or `None` while it has not expired.
pub async fn take(
    transaction: &impl ConnectionTrait,
    name: &str,
    holder: &str,
    milliseconds: i64,
) -> Result<Option<i64>, DbErr> {
    let now = now_ms(transaction).await?;
    let expires_at = now + milliseconds;
    let Some(found) = Entity::find_by_id(name).one(transaction).await? else {
        let row = Model { name: name.to_owned(), holder: holder.to_owned(), epoch: 1, expires_at };
        Entity::insert(row.into_active_model().reset_all()).exec_without_returning(transaction).await?;
        return Ok(Some(1));
    };
    if found.expires_at > now {
        return Ok(None);
    }
    let epoch = found.epoch + 1;
    Entity::update_many()
        .col_expr(Column::Holder, Expr::value(holder))
        .col_expr(Column::Epoch, Expr::value(epoch))
        .col_expr(Column::ExpiresAt, Expr::value(expires_at))
        .filter(Column::Name.eq(name))
        .exec(transaction)
        .await?;
    Ok(Some(epoch))
}

/// Whether nobody holds a lease: worth a try to take it.
pub async fn is_free(db: &impl ConnectionTrait, name: &str) -> Result<bool, DbErr> {
    let now = now_ms(db).await?;
    Ok(Entity::find_by_id(name).one(db).await?.is_none_or(|found| found.expires_at <= now))
}

/// Prolongs a lease to `milliseconds` from now; tells whether it was still the holder's.
pub async fn renew(
    db: &impl ConnectionTrait,
    (name, holder, epoch): (&str, &str, i64),
    milliseconds: i64,
) -> Result<bool, DbErr> {
    let now = now_ms(db).await?;
    let result = Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(now + milliseconds))
        .filter(Column::Name.eq(name))
        .filter(Column::Holder.eq(holder))
        .filter(Column::Epoch.eq(epoch))
        // A lease that was given back stays given back, although a renewal was still on its way.
        .filter(Column::ExpiresAt.gt(0))
        .exec(db)
        .await?;
    Ok(result.rows_affected == 1)
}

/// Whether a lease is still the holder's, in the transaction whose effects depend on it: the fence for background work.
pub async fn check(transaction: &impl ConnectionTrait, name: &str, holder: &str, epoch: i64) -> Result<bool, DbErr> {
    let now = now_ms(transaction).await?;
    let found = Entity::find_by_id(name).one(transaction).await?;
    Ok(found.is_some_and(|row| row.holder == holder && row.epoch == epoch && row.expires_at > now))
}

/// Gives a lease back before it expires, unless somebody else has it by now.
pub async fn release(db: &impl ConnectionTrait, name: &str, holder: &str, epoch: i64) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(0))
        .filter(Column::Name.eq(name))
        .filter(Column::Holder.eq(holder))
        .filter(Column::Epoch.eq(epoch))
        .exec(db)
        .await?;
    Ok(())
}
