//! Under which master key the rows of tokens, personal access tokens and sessions are, and bringing them under another.
//!
//! Rows from before keys had ids carry none; they count as being under another key until they have been looked at.

use std::collections::HashMap;

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, sea_query::Expr,
};

use super::{pats, sessions, tokens, webhooks};
use crate::keys::TokenHash;

fn live_tokens() -> sea_orm::Select<tokens::Entity> {
    tokens::Entity::find().filter(tokens::Column::DeactivatedAt.is_null())
}

/// Not under the key `id`.
fn other<C: ColumnTrait>(column: C, id: &str) -> Condition {
    Condition::any().add(column.is_null()).add(column.ne(id))
}

/// For each key in use by its id: how many tokens that are valid or prepared are under it, and one of them.
pub async fn keys_of_tokens(db: &impl ConnectionTrait) -> Result<HashMap<Option<String>, (u64, tokens::Model)>, DbErr> {
    let groups: Vec<(Option<String>, i64, String)> = live_tokens()
        .select_only()
        .column(tokens::Column::KeyId)
        .column_as(tokens::Column::Id.count(), "count")
        .column_as(tokens::Column::Id.min(), "id")
        .group_by(tokens::Column::KeyId)
        .into_tuple()
        .all(db)
        .await?;
    let mut found = HashMap::new();
    for (key_id, count, id) in groups {
        if let Some(token) = tokens::Entity::find_by_id(id).one(db).await? {
            found.insert(key_id, (count.unsigned_abs(), token));
        }
    }
    Ok(found)
}

/// How many tokens are valid or prepared, and how many of them are not under `key_id`.
pub async fn count_tokens(db: &impl ConnectionTrait, key_id: &str) -> Result<(u64, u64), DbErr> {
    let left = live_tokens().filter(other(tokens::Column::KeyId, key_id)).count(db).await?;
    Ok((live_tokens().count(db).await?, left))
}

/// How many personal access tokens are valid, and how many of them are not under `key_id`.
pub async fn count_pats(db: &impl ConnectionTrait, key_id: &str, now: Timestamp) -> Result<(u64, u64), DbErr> {
    let expires = pats::Column::ExpiresAt;
    let valid = || pats::Entity::find().filter(expires.is_null().or(expires.gt(now.as_millisecond())));
    Ok((valid().count(db).await?, valid().filter(other(pats::Column::KeyId, key_id)).count(db).await?))
}

/// How many sessions are valid, and how many of them are not under `key_id`.
pub async fn count_sessions(db: &impl ConnectionTrait, key_id: &str, now: Timestamp) -> Result<(u64, u64), DbErr> {
    let valid = || sessions::Entity::find().filter(sessions::Column::ExpiresAt.gt(now.as_millisecond()));
    Ok((valid().count(db).await?, valid().filter(other(sessions::Column::KeyId, key_id)).count(db).await?))
}

/// How many webhooks there are, and the secrets of how many of them are not under `key_id`.
pub async fn count_webhooks(db: &impl ConnectionTrait, key_id: &str) -> Result<(u64, u64), DbErr> {
    let left = webhooks::Entity::find().filter(webhooks::Column::KeyId.ne(key_id)).count(db).await?;
    Ok((webhooks::Entity::find().count(db).await?, left))
}

/// For each key by its id: how many webhooks' secrets are under it.
pub async fn keys_of_webhooks(db: &impl ConnectionTrait) -> Result<Vec<(String, u64)>, DbErr> {
    let groups: Vec<(String, i64)> = webhooks::Entity::find()
        .select_only()
        .column(webhooks::Column::KeyId)
        .column_as(webhooks::Column::Id.count(), "count")
        .group_by(webhooks::Column::KeyId)
        .into_tuple()
        .all(db)
        .await?;
    Ok(groups.into_iter().map(|(key_id, count)| (key_id, count.unsigned_abs())).collect())
}

/// Webhooks whose secrets are not under `key_id`.
pub async fn webhooks_under_others(
    db: &impl ConnectionTrait,
    key_id: &str,
    limit: u64,
) -> Result<Vec<webhooks::Model>, DbErr> {
    webhooks::Entity::find().filter(webhooks::Column::KeyId.ne(key_id)).limit(limit).all(db).await
}

/// Tokens, valid or prepared, that are not under `key_id`, in the order of their ids behind `after`.
pub async fn tokens_under_others(
    db: &impl ConnectionTrait,
    key_id: &str,
    after: &str,
    limit: u64,
) -> Result<Vec<tokens::Model>, DbErr> {
    live_tokens()
        .filter(other(tokens::Column::KeyId, key_id))
        .filter(tokens::Column::Id.gt(after))
        .order_by_asc(tokens::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// Stores what a token is under another key.
pub async fn move_token(
    db: &impl ConnectionTrait,
    id: &str,
    hash: TokenHash,
    sealed: Vec<u8>,
    key_id: &str,
) -> Result<(), DbErr> {
    tokens::Entity::update_many()
        .col_expr(tokens::Column::Hash, Expr::value(hash.to_vec()))
        .col_expr(tokens::Column::Sealed, Expr::value(sealed))
        .col_expr(tokens::Column::KeyId, Expr::value(key_id.to_owned()))
        .filter(tokens::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Stores what a personal access token is under another key.
pub async fn move_pat(db: &impl ConnectionTrait, id: &str, hash: TokenHash, key_id: &str) -> Result<(), DbErr> {
    pats::Entity::update_many()
        .col_expr(pats::Column::Hash, Expr::value(hash.to_vec()))
        .col_expr(pats::Column::KeyId, Expr::value(key_id.to_owned()))
        .filter(pats::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Stores what a session is under another key.
pub async fn move_session(db: &impl ConnectionTrait, id: &str, hash: TokenHash, key_id: &str) -> Result<(), DbErr> {
    sessions::Entity::update_many()
        .col_expr(sessions::Column::Hash, Expr::value(hash.to_vec()))
        .col_expr(sessions::Column::KeyId, Expr::value(key_id.to_owned()))
        .filter(sessions::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

/// Ends the personal access tokens and the sessions that are not under `key_id`; returns how many of each.
pub async fn end_others(db: &impl ConnectionTrait, key_id: &str) -> Result<(u64, u64), DbErr> {
    let pats = pats::Entity::delete_many().filter(other(pats::Column::KeyId, key_id)).exec(db).await?;
    let sessions = sessions::Entity::delete_many().filter(other(sessions::Column::KeyId, key_id)).exec(db).await?;
    Ok((pats.rows_affected, sessions.rows_affected))
}

/// Notes `key_id` for all rows from before keys had ids. Right only where there has never been another key.
pub async fn adopt(db: &impl ConnectionTrait, key_id: &str) -> Result<(), DbErr> {
    let id = || Expr::value(key_id.to_owned());
    let (token, pat, session) = (tokens::Column::KeyId, pats::Column::KeyId, sessions::Column::KeyId);
    tokens::Entity::update_many().col_expr(token, id()).filter(token.is_null()).exec(db).await?;
    pats::Entity::update_many().col_expr(pat, id()).filter(pat.is_null()).exec(db).await?;
    sessions::Entity::update_many().col_expr(session, id()).filter(session.is_null()).exec(db).await?;
    Ok(())
}
