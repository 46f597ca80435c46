//! The installation: one row, whatever the number of servers.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr, IntoActiveModel, entity::prelude::*, sea_query::Expr};

/// The row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "installation")]
pub struct Model {
    /// Random; tells this installation from others on the same Kafka cluster.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The last change of any workspace's tokens: see [`super::changes`].
    pub revision: i64,
    /// To which broker this installation is bound, for example `kafka:<cluster id>`; null: not yet.
    pub broker: Option<String>,
    /// The master key that everything is to be brought under, by its id; null: not started since keys have ids.
    pub key_id: Option<String>,
    /// Milliseconds since the epoch.
    pub created_at: i64,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The row, if there was a start already.
pub async fn find(db: &impl ConnectionTrait) -> Result<Option<Model>, DbErr> {
    Entity::find().one(db).await
}

/// How the database calls the embedded broker.
pub const EMBEDDED: &str = "embedded";

/// The row; made with this id if there is none. Call it inside a write transaction, so that there is never a second one.
///
/// A database that is in use already is from before there was a choice, and bound to the embedded broker; a fresh one is bound by whichever
/// server comes first, which need not be the one that makes the row.
pub async fn find_or_insert(db: &impl ConnectionTrait, id: String, now: Timestamp) -> Result<Model, DbErr> {
    if let Some(row) = find(db).await? {
        return Ok(row);
    }
    let broker = super::organisations::find(db).await?.map(|_| EMBEDDED.to_owned());
    let row = Model { id, revision: 0, broker, key_id: None, created_at: now.as_millisecond() };
    Entity::insert(row.clone().into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(row)
}

/// The last change of any workspace's tokens; 0 before the first.
pub async fn revision(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    Ok(find(db).await?.map_or(0, |row| row.revision))
}

/// Binds the installation to a broker, or releases it.
pub async fn set_broker(db: &impl ConnectionTrait, broker: Option<&str>) -> Result<(), DbErr> {
    let broker = Expr::value(broker.map(str::to_owned));
    Entity::update_many().col_expr(Column::Broker, broker).exec(db).await?;
    Ok(())
}

/// Says under which master key everything is to be brought.
pub async fn set_key_id(db: &impl ConnectionTrait, key_id: &str) -> Result<(), DbErr> {
    Entity::update_many().col_expr(Column::KeyId, Expr::value(Some(key_id.to_owned()))).exec(db).await?;
    Ok(())
}
