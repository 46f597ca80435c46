//! Which tables there are, and how one is copied.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, Identity, IntoActiveModel, Iterable,
    PrimaryKeyToColumn, QuerySelect, QueryTrait, sea_query::IntoIden,
};
use sha2::{Digest, Sha256};

use crate::db::{
    self, audit, changes, checkpoints, deleted_tokens, deliveries, idempotency, identities, installation, invitations,
    organisations, pats, sessions, token_clients, tokens, usage_points,
    users::{self, memberships},
    webhooks, workspaces,
};

/// The tables that make up an installation, in an order in which each only refers to those before it.
pub const COPIED: [&str; 19] = [
    "organisations",
    "workspaces",
    "users",
    "memberships",
    "identities",
    "sessions",
    "pats",
    "invitations",
    "tokens",
    "deleted_tokens",
    "audit",
    "installation",
    "changes",
    "token_clients",
    "usage_points",
    "idempotency",
    "audit_checkpoints",
    "webhooks",
    "webhook_deliveries",
];

/// The state of running servers, and what the migrations of the target write themselves.
pub const NOT_COPIED: [&str; 4] = ["replicas", "leases", "schema_support", "seaql_migrations"];

/// Rows that are read and written at a time; times the columns of a row it must stay below what one statement may carry.
const BATCH: u64 = 500;

/// How many rows a table has, and a digest over them that does not depend on their order, which differs between databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub table: &'static str,
    pub rows: u64,
    digest: [u8; 32],
}

/// Calls a function with each entity of [`COPIED`], in that order.
macro_rules! each_table {
    ($function:ident $arguments:tt) => {
        [
            $function::<organisations::Entity> $arguments.await?,
            $function::<workspaces::Entity> $arguments.await?,
            $function::<users::Entity> $arguments.await?,
            $function::<memberships::Entity> $arguments.await?,
            $function::<identities::Entity> $arguments.await?,
            $function::<sessions::Entity> $arguments.await?,
            $function::<pats::Entity> $arguments.await?,
            $function::<invitations::Entity> $arguments.await?,
            $function::<tokens::Entity> $arguments.await?,
            $function::<deleted_tokens::Entity> $arguments.await?,
            $function::<audit::Entity> $arguments.await?,
            $function::<installation::Entity> $arguments.await?,
            $function::<changes::Entity> $arguments.await?,
            $function::<token_clients::Entity> $arguments.await?,
            $function::<usage_points::Entity> $arguments.await?,
            $function::<idempotency::Entity> $arguments.await?,
            $function::<checkpoints::Entity> $arguments.await?,
            $function::<webhooks::Entity> $arguments.await?,
            $function::<deliveries::Entity> $arguments.await?,
        ]
    };
}

/// Copies every table; returns what was read.
pub async fn copy_all(
    source: &impl ConnectionTrait,
    target: &impl ConnectionTrait,
    report: &mut impl FnMut(&'static str, u64),
) -> Result<[Content; 19], DbErr> {
    Ok(each_table!(copy_table(source, Some(target), report)))
}

/// What is in every table.
pub async fn read_all(db: &impl ConnectionTrait) -> Result<[Content; 19], DbErr> {
    let nowhere = None::<&DatabaseConnection>;
    Ok(each_table!(copy_table(db, nowhere, &mut |_, _| ())))
}

/// The first table that has any row, if there is one.
pub async fn first_with_rows(db: &impl ConnectionTrait) -> Result<Option<&'static str>, DbErr> {
    Ok(each_table!(has_rows(db)).into_iter().zip(COPIED).find_map(|(has_rows, table)| has_rows.then_some(table)))
}

async fn has_rows<E: EntityTrait>(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    if !db::has_table(db, E::default().table_name()).await? {
        return Ok(false);
    }
    let key = E::PrimaryKey::iter().next().map(PrimaryKeyToColumn::into_column);
    let query = E::find().select_only().columns(key).limit(1);
    Ok(db.query_one(query.as_query()).await?.is_some())
}

/// Reads a table piece by piece in the order of its key, and writes each piece to the target, if there is one.
async fn copy_table<E>(
    source: &impl ConnectionTrait,
    target: Option<&impl ConnectionTrait>,
    report: &mut impl FnMut(&'static str, u64),
) -> Result<Content, DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel> + std::fmt::Debug + Sync,
    E::ActiveModel: Send,
{
    let table = COPIED.into_iter().find(|name| *name == E::default().table_name());
    let table = table.expect("each entity of the list is named in it");
    let mut content = Content { table, rows: 0, digest: [0; 32] };
    let mut after = None;
    loop {
        let mut cursor = E::find().cursor_by(key::<E>());
        if let Some(after) = after.take() {
            cursor.after(after);
        }
        let rows = cursor.first(BATCH).all(source).await?;
        for row in &rows {
            content.add(format!("{row:?}").as_bytes());
        }
        let rows: Vec<_> = rows.into_iter().map(|row| row.into_active_model().reset_all()).collect();
        after = rows.last().and_then(ActiveModelTrait::get_primary_key_value);
        if after.is_none() {
            return Ok(content);
        }
        if let Some(target) = target {
            E::insert_many(rows).exec_without_returning(target).await?;
        }
        report(table, content.rows);
    }
}

/// The columns of the primary key, by which pieces follow one another.
fn key<E: EntityTrait>() -> Identity {
    let columns: Vec<_> = E::PrimaryKey::iter().map(|it| it.into_column().into_iden()).collect();
    let mut columns = columns.into_iter();
    match (columns.next(), columns.next(), columns.next()) {
        (Some(first), Some(second), Some(third)) => Identity::Ternary(first, second, third),
        (Some(first), Some(second), None) => Identity::Binary(first, second),
        (one, ..) => Identity::Unary(one.expect("every table has a key, of at most three columns")),
    }
}

impl Content {
    /// Digests are combined by XOR, so that their order does not matter; no two rows are the same, because of their keys.
    fn add(&mut self, row: &[u8]) {
        self.rows += 1;
        for (sum, byte) in self.digest.iter_mut().zip(Sha256::digest(row)) {
            *sum ^= byte;
        }
    }
}
