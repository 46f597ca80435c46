//! When personal access tokens and sessions were used last.

use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use super::{pats, sessions};

/// Notes that a personal access token was used, unless a later use is noted already.
pub async fn of_pat(db: &impl ConnectionTrait, id: &str, at: i64) -> Result<(), DbErr> {
    let column = pats::Column::LastUsedAt;
    pats::Entity::update_many()
        .col_expr(column, Expr::value(at))
        .filter(pats::Column::Id.eq(id))
        .filter(column.is_null().or(column.lt(at)))
        .exec(db)
        .await?;
    Ok(())
}

/// The same for a session.
pub async fn of_session(db: &impl ConnectionTrait, id: &str, at: i64) -> Result<(), DbErr> {
    let column = sessions::Column::LastUsedAt;
    sessions::Entity::update_many()
        .col_expr(column, Expr::value(at))
        .filter(sessions::Column::Id.eq(id))
        .filter(column.is_null().or(column.lt(at)))
        .exec(db)
        .await?;
    Ok(())
}
