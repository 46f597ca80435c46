//! Delivers what is queued, on one replica at a time.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use jiff::SignedDuration;
use rand::RngExt;
use sea_orm::DbErr;
use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use twinkey_api::webhook::DeliveryState;

use super::{
    WebhookSettings,
    secret::WebhookSecret,
    send::{self, Attempt, Message},
};
use crate::{
    app::App,
    audit::{self, Actor, Event},
    db::{self, deliveries, webhooks},
    replicas::leader::{self, Fence, FenceError},
};

/// How often the queue is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How often secrets are erased that sign no longer.
const FORGET_EVERY: Duration = Duration::from_mins(10);
/// Webhooks that are called at the same time; each of them gets one delivery at a time.
const AT_A_TIME: usize = 16;
/// The pauses between attempts: some for a hiccup, some for a bad night, some for a long weekend. Then it is given up.
const PAUSES: [SignedDuration; 9] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];
/// Up to this share is added to a pause, so that receivers that were away are not called by everybody at once.
const JITTER: f64 = 0.2;
/// Deliveries that are over and kept in the log of each webhook.
const LOG_KEPT: u64 = 1000;

/// Goes on until `stop`.
pub async fn run(app: Arc<App>, settings: WebhookSettings, stop: CancellationToken) {
    leader::run(app.clone(), "webhooks", stop, |fence| deliver_all(app.clone(), settings.clone(), fence)).await;
}

async fn deliver_all(app: Arc<App>, settings: WebhookSettings, fence: Fence) {
    let mut busy: Vec<String> = Vec::new();
    let mut under_way = FuturesUnordered::new();
    let mut forgot_at: Option<Instant> = None;
    loop {
        if forgot_at.is_none_or(|at| at.elapsed() >= FORGET_EVERY) && fence.holds(&app.replicas) {
            if let Err(error) = forget_previous_secrets(&app, &fence).await {
                tracing::debug!(%error, "old secrets of webhooks are not erased yet");
            }
            forgot_at = Some(Instant::now());
        }
        let room = AT_A_TIME - busy.len();
        if room > 0 && fence.holds(&app.replicas) {
            match deliveries::due(&*app.db, app.now(), busy.clone(), room as u64).await {
                Ok(due) => {
                    for delivery in due {
                        busy.push(delivery.webhook_id.clone());
                        under_way.push(deliver(&app, &settings, &fence, delivery));
                    }
                }
                Err(error) => tracing::debug!(%error, "cannot look at the queue of webhooks"),
            }
        }
        tokio::select! {
            Some(webhook_id) = under_way.next() => busy.retain(|id| *id != webhook_id),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Erases the secrets that sign no longer.
async fn forget_previous_secrets(app: &App, fence: &Fence) -> Result<(), FenceError> {
    let transaction = app.db.write().await?;
    fence.check(&*transaction).await?;
    webhooks::forget_previous_secrets(&*transaction, app.now()).await?;
    Ok(transaction.commit().await?)
}

/// One attempt, and its outcome in the log; returns the webhook's id.
async fn deliver(app: &App, settings: &WebhookSettings, fence: &Fence, delivery: deliveries::Model) -> String {
    let webhook_id = delivery.webhook_id.clone();
    match attempt(app, settings, &delivery).await {
        Ok(Some(attempt)) => {
            if let Err(error) = store(app, fence, &delivery, &attempt).await {
                tracing::warn!(%error, delivery = delivery.id, "the outcome of a webhook delivery could not be stored; it comes again");
                // Not at once: the receiver may have taken it, and the database is in trouble.
                tokio::time::sleep(LOOK).await;
            }
        }
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(%error, delivery = delivery.id, "a webhook could not be read");
            tokio::time::sleep(LOOK).await;
        }
    }
    webhook_id
}

/// `None`: there is nobody to send it to any more.
async fn attempt(app: &App, settings: &WebhookSettings, row: &deliveries::Model) -> Result<Option<Attempt>, DbErr> {
    let Some(webhook) = webhooks::find_by_id(&*app.db, &row.webhook_id).await? else { return Ok(None) };
    let Some(secret) = WebhookSecret::unseal(&app.keys, &webhook.id, &webhook.sealed) else {
        let error = Some("the secret does not open with the server's master key".to_owned());
        return Ok(Some(Attempt { status: None, error, refused: false }));
    };
    let now = app.now();
    let lasts = webhook.previous_until.is_some_and(|until| until > now.as_millisecond());
    let previous = webhook.previous_sealed.as_ref().filter(|_| lasts);
    let previous = previous.and_then(|sealed| WebhookSecret::unseal(&app.keys, &webhook.id, sealed));
    let secrets: Vec<_> = [Some(secret), previous].into_iter().flatten().collect();
    let message = Message { id: &row.id, at: now, payload: &row.payload };
    Ok(Some(send::send(settings, &webhook.url, &secrets, &message).await))
}

async fn store(app: &App, fence: &Fence, row: &deliveries::Model, attempt: &Attempt) -> Result<(), FenceError> {
    let now = app.now();
    let mut row = row.clone();
    row.attempts += 1;
    row.last_attempt_at = Some(now.as_millisecond());
    row.last_status = attempt.status.map(i64::from);
    row.last_error.clone_from(&attempt.error);
    let pause = usize::try_from(row.attempts - 1).ok().and_then(|number| PAUSES.get(number));
    let (state, next, outcome) = match (&attempt.error, pause) {
        (None, _) => (DeliveryState::Delivered, None, "delivered"),
        (Some(_), Some(pause)) if !attempt.is_gone() => {
            let share: f64 = app.random.with(|rng| rng.random());
            let outcome = if attempt.refused { "refused_address" } else { "failed" };
            (DeliveryState::Pending, Some(now + pause.mul_f64(1.0 + JITTER * share)), outcome)
        }
        (Some(_), _) => (DeliveryState::Failed, None, "given_up"),
    };
    state.name().clone_into(&mut row.state);
    row.next_attempt_at = next.map(jiff::Timestamp::as_millisecond);

    let transaction = app.db.write().await?;
    fence.check(&*transaction).await?;
    deliveries::update(&*transaction, &row).await?;
    match state {
        DeliveryState::Delivered => webhooks::succeeded(&*transaction, &row.webhook_id, now).await?,
        DeliveryState::Failed => disable_if_hopeless(app, &*transaction, &row, attempt).await?,
        DeliveryState::Pending => {}
    }
    if state != DeliveryState::Pending {
        deliveries::forget(&*transaction, &row.webhook_id, LOG_KEPT).await?;
    }
    transaction.commit().await?;
    app.metrics.webhooks.delivered(outcome);
    Ok(())
}

/// A receiver that has taken nothing for as long as one delivery was tried, or says that it is gone, is not called again until
/// somebody enables it.
async fn disable_if_hopeless(
    app: &App,
    transaction: &impl sea_orm::ConnectionTrait,
    row: &deliveries::Model,
    attempt: &Attempt,
) -> Result<(), DbErr> {
    let Some(mut webhook) = webhooks::find_by_id(transaction, &row.webhook_id).await? else { return Ok(()) };
    let alive = webhook.last_success_at.is_some_and(|at| at >= row.created_at);
    if !webhook.enabled || (alive && !attempt.is_gone()) {
        return Ok(());
    }
    let error = attempt.error.as_deref().unwrap_or_default();
    let reason = format!(
        "nothing was delivered since {}, in {} attempts; the last one: {error}",
        db::timestamp(row.created_at),
        row.attempts
    );
    webhook.enabled = false;
    webhook.disabled_reason = Some(reason.clone());
    webhooks::update(transaction, &webhook).await?;
    deliveries::rest(transaction, &webhook.id).await?;
    let event = Event {
        action: "webhook.disabled",
        workspace_id: Some(&webhook.workspace_id),
        target: Some(&webhook.id),
        detail: json!({"before": {"enabled": true}, "after": {"enabled": false}, "reason": reason}),
    };
    audit::append(transaction, &Actor::system(), app.now(), event).await
}
