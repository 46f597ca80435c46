//! Signed checkpoints of the audit log: one for each record that was the newest when it was signed.

use sea_orm::{ConnectionTrait, DbErr, IntoActiveModel, QueryOrder, QuerySelect, entity::prelude::*};
use twinkey_api::audit::Checkpoint;

use super::timestamp;

/// A row; see [`Checkpoint`].
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_checkpoints")]
pub struct Model {
    /// The newest record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// Of which installation.
    pub installation: String,
    /// The record's hash.
    pub head: String,
    /// When it was signed; milliseconds since the epoch.
    pub at: i64,
    /// Public keys and signatures, as JSON.
    pub signatures: String,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for Checkpoint {
    /// Signatures that somebody spoilt are none, which no verification accepts.
    fn from(row: Model) -> Self {
        Self {
            installation: row.installation,
            sequence: row.sequence,
            head: row.head,
            at: timestamp(row.at),
            signatures: serde_json::from_str(&row.signatures).unwrap_or_default(),
        }
    }
}

/// The newest.
pub async fn last(db: &impl ConnectionTrait) -> Result<Option<Checkpoint>, DbErr> {
    Ok(Entity::find().order_by_desc(Column::Sequence).one(db).await?.map(Into::into))
}

/// The one of this record.
pub async fn find(db: &impl ConnectionTrait, sequence: i64) -> Result<Option<Checkpoint>, DbErr> {
    Ok(Entity::find_by_id(sequence).one(db).await?.map(Into::into))
}

/// Up to `limit` behind a record, the oldest first.
pub async fn list_after(db: &impl ConnectionTrait, after: i64, limit: u64) -> Result<Vec<Checkpoint>, DbErr> {
    let query = Entity::find().filter(Column::Sequence.gt(after)).order_by_asc(Column::Sequence).limit(limit);
    Ok(query.all(db).await?.into_iter().map(Into::into).collect())
}

/// Stores one.
pub async fn insert(db: &impl ConnectionTrait, checkpoint: &Checkpoint) -> Result<(), DbErr> {
    let row = Model {
        sequence: checkpoint.sequence,
        installation: checkpoint.installation.clone(),
        head: checkpoint.head.clone(),
        at: checkpoint.at.as_millisecond(),
        signatures: serde_json::to_string(&checkpoint.signatures).expect("plain data"),
    };
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}
