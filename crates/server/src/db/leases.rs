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
    /// Counted up at each take-over, so that a former holder is told from the present one.
    pub epoch: i64,
    /// Milliseconds since the epoch; after that anybody may take it.
    pub expires_at: i64,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Takes or renews a lease for `milliseconds`, in a write transaction; its epoch, or `None` while another one holds it.
pub async fn acquire(
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
    let lives = found.expires_at > now;
    if lives && found.holder != holder {
        return Ok(None);
    }
    let epoch = if lives { found.epoch } else { found.epoch + 1 };
    Entity::update_many()
        .col_expr(Column::Holder, Expr::value(holder))
        .col_expr(Column::Epoch, Expr::value(epoch))
        .col_expr(Column::ExpiresAt, Expr::value(expires_at))
        .filter(Column::Name.eq(name))
        .exec(transaction)
        .await?;
    Ok(Some(epoch))
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
