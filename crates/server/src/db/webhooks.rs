//! Webhooks: whom to tell what happened to a workspace's tokens.

use jiff::Timestamp;
use sea_orm::{
    ConnectionTrait, DbErr, IntoActiveModel, PaginatorTrait, QueryOrder, entity::prelude::*, sea_query::Expr,
};
use twinkey_api::{
    WorkspaceId,
    webhook::{Webhook, WebhookEvent},
};

use super::timestamp;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhooks")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose events.
    pub workspace_id: String,
    /// Where to.
    pub url: String,
    /// The names of the events, with commas between.
    pub events: String,
    /// The secret: see [`crate::webhooks::secret`].
    pub sealed: Vec<u8>,
    /// The master key that `sealed` was made with, by its id.
    pub key_id: String,
    /// Whether anything is sent.
    pub enabled: bool,
    /// If not: why.
    pub disabled_reason: Option<String>,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// Milliseconds since the epoch.
    pub last_success_at: Option<i64>,
    /// Events that found the queue full.
    pub dropped: i64,
    /// The secret before the last change, under the same master key; null: there is none.
    pub previous_sealed: Option<Vec<u8>>,
    /// Until when that signs too; milliseconds since the epoch.
    pub previous_until: Option<i64>,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// What it listens to.
    pub fn events(&self) -> Vec<WebhookEvent> {
        self.events.split(',').filter_map(WebhookEvent::parse).collect()
    }

    /// As the API shows it.
    pub fn describe(self) -> Webhook {
        Webhook {
            events: self.events(),
            id: self.id,
            workspace_id: self.workspace_id,
            url: self.url,
            enabled: self.enabled,
            disabled_reason: self.disabled_reason,
            created_at: timestamp(self.created_at),
            last_success_at: self.last_success_at.map(timestamp),
            dropped: self.dropped,
            previous_secret_until: self.previous_until.map(timestamp),
        }
    }
}

/// How events are stored.
pub fn join(events: &[WebhookEvent]) -> String {
    events.iter().map(|event| event.name()).collect::<Vec<_>>().join(",")
}

/// The webhooks of a workspace, the oldest first.
pub async fn list(db: &impl ConnectionTrait, workspace_id: &str) -> Result<Vec<Model>, DbErr> {
    let query = Entity::find().filter(Column::WorkspaceId.eq(workspace_id));
    query.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id).all(db).await
}

/// The webhooks of these workspaces.
pub async fn list_of_each(db: &impl ConnectionTrait, workspace_ids: &[&str]) -> Result<Vec<Model>, DbErr> {
    let query = Entity::find().filter(Column::WorkspaceId.is_in(workspace_ids.iter().copied()));
    query.order_by_asc(Column::WorkspaceId).order_by_asc(Column::Id).all(db).await
}

/// How many a workspace has.
pub async fn count(db: &impl ConnectionTrait, workspace_id: &WorkspaceId) -> Result<u64, DbErr> {
    Entity::find().filter(Column::WorkspaceId.eq(workspace_id.as_str())).count(db).await
}

/// A webhook of a workspace.
pub async fn find(db: &impl ConnectionTrait, workspace_id: &WorkspaceId, id: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).filter(Column::WorkspaceId.eq(workspace_id.as_str())).one(db).await
}

/// A webhook, whosever it is: for the delivery, which has no caller.
pub async fn find_by_id(db: &impl ConnectionTrait, id: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(db).await
}

/// Stores a webhook.
pub async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

/// Stores what may be changed: URL, events, and whether it is enabled.
pub async fn update(db: &impl ConnectionTrait, row: &Model) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Url, Expr::value(row.url.clone()))
        .col_expr(Column::Events, Expr::value(row.events.clone()))
        .col_expr(Column::Enabled, Expr::value(row.enabled))
        .col_expr(Column::DisabledReason, Expr::value(row.disabled_reason.clone()))
        .filter(Column::Id.eq(row.id.as_str()))
        .filter(Column::WorkspaceId.eq(row.workspace_id.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

/// Stores the secrets, the one before the last change among them, and the master key that they are under.
pub async fn set_secrets(db: &impl ConnectionTrait, row: &Model) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::Sealed, Expr::value(row.sealed.clone()))
        .col_expr(Column::KeyId, Expr::value(row.key_id.clone()))
        .col_expr(Column::PreviousSealed, Expr::value(row.previous_sealed.clone()))
        .col_expr(Column::PreviousUntil, Expr::value(row.previous_until))
        .filter(Column::Id.eq(row.id.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

/// Erases the secrets from before a change that sign no longer; how many.
pub async fn forget_previous_secrets(db: &impl ConnectionTrait, now: Timestamp) -> Result<u64, DbErr> {
    let result = Entity::update_many()
        .col_expr(Column::PreviousSealed, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::PreviousUntil, Expr::value(None::<i64>))
        .filter(Column::PreviousUntil.lte(now.as_millisecond()))
        .exec(db)
        .await?;
    Ok(result.rows_affected)
}

/// Notes that a receiver has taken a delivery.
pub async fn succeeded(db: &impl ConnectionTrait, id: &str, now: Timestamp) -> Result<(), DbErr> {
    let at = Expr::value(Some(now.as_millisecond()));
    Entity::update_many().col_expr(Column::LastSuccessAt, at).filter(Column::Id.eq(id)).exec(db).await?;
    Ok(())
}

/// Notes that it was not told of an event.
pub async fn dropped(db: &impl ConnectionTrait, row: &Model) -> Result<(), DbErr> {
    let more = Expr::value(row.dropped + 1);
    Entity::update_many().col_expr(Column::Dropped, more).filter(Column::Id.eq(row.id.as_str())).exec(db).await?;
    Ok(())
}

/// Ends a webhook, and its deliveries with it; tells whether there was one.
pub async fn delete(db: &impl ConnectionTrait, workspace_id: &WorkspaceId, id: &str) -> Result<bool, DbErr> {
    let query = Entity::delete_many().filter(Column::WorkspaceId.eq(workspace_id.as_str())).filter(Column::Id.eq(id));
    Ok(query.exec(db).await?.rows_affected == 1)
}
