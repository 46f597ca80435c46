//! What webhooks are to be told, and were told: the queue and the log in one table.

use jiff::Timestamp;
use sea_orm::{
    ConnectionTrait, DbErr, ExprTrait, IntoActiveModel, PaginatorTrait, QueryOrder, QuerySelect, QueryTrait,
    entity::prelude::*,
    sea_query::{Expr, Query},
};
use twinkey_api::webhook::{Delivery, DeliveryState};

use super::{timestamp, webhooks};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    /// In the order of the events.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// The `webhook-id` header.
    pub id: String,
    /// To whom.
    pub webhook_id: String,
    /// Which event.
    pub event: String,
    /// The body.
    pub payload: String,
    /// See [`DeliveryState::name`].
    pub state: String,
    /// Milliseconds since the epoch.
    pub created_at: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// Milliseconds since the epoch; null once it is over.
    pub next_attempt_at: Option<i64>,
    /// Milliseconds since the epoch.
    pub last_attempt_at: Option<i64>,
    /// What the receiver answered.
    pub last_status: Option<i64>,
    /// Why that was no success.
    pub last_error: Option<String>,
}

/// No relations are walked through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// As the API shows it.
    pub fn describe(self) -> Delivery {
        let states = [DeliveryState::Pending, DeliveryState::Delivered];
        let state = states.into_iter().find(|state| state.name() == self.state).unwrap_or(DeliveryState::Failed);
        Delivery {
            id: self.id,
            event: self.event,
            state,
            created_at: timestamp(self.created_at),
            attempts: self.attempts,
            last_attempt_at: self.last_attempt_at.map(timestamp),
            last_status: self.last_status,
            last_error: self.last_error,
            next_attempt_at: self.next_attempt_at.map(timestamp),
            payload: self.payload,
        }
    }
}

fn pending() -> Select<Entity> {
    Entity::find().filter(Column::State.eq(DeliveryState::Pending.name()))
}

/// The sequence of the next delivery. Call it inside a write transaction.
pub async fn next_sequence(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    Ok(Entity::find().order_by_desc(Column::Sequence).one(db).await?.map_or(1, |last| last.sequence + 1))
}

/// How many wait for a webhook.
pub async fn count_pending(db: &impl ConnectionTrait, webhook_id: &str) -> Result<u64, DbErr> {
    pending().filter(Column::WebhookId.eq(webhook_id)).count(db).await
}

/// Stores a delivery.
pub async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

/// One delivery for each of up to `limit` enabled webhooks, its oldest that is due; none for those in `busy`.
pub async fn due(
    db: &impl ConnectionTrait,
    now: Timestamp,
    busy: Vec<String>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let enabled = Query::select()
        .column(webhooks::Column::Id)
        .from(webhooks::Entity)
        .and_where(webhooks::Column::Enabled.eq(true))
        .take();
    let first: Vec<i64> = pending()
        .select_only()
        .column_as(Column::Sequence.min(), "first")
        .filter(Column::NextAttemptAt.lte(now.as_millisecond()))
        .filter(Column::WebhookId.in_subquery(enabled))
        .apply_if((!busy.is_empty()).then_some(busy), |query, busy| query.filter(Column::WebhookId.is_not_in(busy)))
        .group_by(Column::WebhookId)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    Entity::find().filter(Column::Sequence.is_in(first)).all(db).await
}

/// A delivery to a webhook.
pub async fn find(db: &impl ConnectionTrait, webhook_id: &str, id: &str) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(Column::WebhookId.eq(webhook_id)).filter(Column::Id.eq(id)).one(db).await
}

/// Up to `limit` deliveries to a webhook before one of them, the newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    webhook_id: &str,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::WebhookId.eq(webhook_id))
        .apply_if(before, |query, before| query.filter(Column::Sequence.lt(before)))
        .order_by_desc(Column::Sequence)
        .limit(limit)
        .all(db)
        .await
}

/// Stores how far a delivery is.
pub async fn update(db: &impl ConnectionTrait, row: &Model) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(row.state.clone()))
        .col_expr(Column::Attempts, Expr::value(row.attempts))
        .col_expr(Column::NextAttemptAt, Expr::value(row.next_attempt_at))
        .col_expr(Column::LastAttemptAt, Expr::value(row.last_attempt_at))
        .col_expr(Column::LastStatus, Expr::value(row.last_status))
        .col_expr(Column::LastError, Expr::value(row.last_error.clone()))
        .filter(Column::Sequence.eq(row.sequence))
        .filter(Column::WebhookId.eq(row.webhook_id.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

/// Nothing that waits for a webhook is due any more; what has no time is not looked at either.
pub async fn rest(db: &impl ConnectionTrait, webhook_id: &str) -> Result<(), DbErr> {
    set_due(db, webhook_id, None).await
}

/// Everything that waits for a webhook is due now.
pub async fn hurry(db: &impl ConnectionTrait, webhook_id: &str, now: Timestamp) -> Result<(), DbErr> {
    set_due(db, webhook_id, Some(now)).await
}

async fn set_due(db: &impl ConnectionTrait, webhook_id: &str, at: Option<Timestamp>) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::NextAttemptAt, Expr::value(at.map(Timestamp::as_millisecond)))
        .filter(Column::WebhookId.eq(webhook_id))
        .filter(Column::State.eq(DeliveryState::Pending.name()))
        .exec(db)
        .await?;
    Ok(())
}

/// Forgets deliveries to a webhook that are over, but for the newest `kept`.
pub async fn forget(db: &impl ConnectionTrait, webhook_id: &str, kept: u64) -> Result<(), DbErr> {
    let over = Column::WebhookId.eq(webhook_id).and(Column::State.ne(DeliveryState::Pending.name()));
    let newest = Entity::find().filter(over.clone()).order_by_desc(Column::Sequence).offset(kept);
    let Some(first) = newest.one(db).await? else { return Ok(()) };
    Entity::delete_many().filter(over).filter(Column::Sequence.lte(first.sequence)).exec(db).await?;
    Ok(())
}
