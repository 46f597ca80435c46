//! Webhooks: an event is queued in the transaction of its effect, and delivered until the receiver has taken it.
//!
//! Signed as the Standard Webhooks specification says ([`secret`]), never sent to an internal address ([`address`]), one
//! replica at a time ([`worker`]). A delivery may come twice, with the same `webhook-id`, when a server ends between
//! sending and noting it; it never gets lost.

pub mod address;
pub mod secret;
pub mod send;
pub mod worker;

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, DbErr};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use twinkey_api::webhook::{DeliveryState, WebhookEvent};

pub use self::address::WebhookSettings;
use crate::db;

/// How many deliveries may wait for one webhook; what happens meanwhile it is not told.
pub const QUEUE_MAX: u64 = 1000;

/// For how long after a change of the secret the old one signs too.
pub const PREVIOUS_SECRET: SignedDuration = SignedDuration::from_hours(24);

/// The body of a delivery.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    event: &'static str,
    timestamp: Timestamp,
    data: &'a Value,
}

/// Queues an event for each webhook of a workspace that listens to it. Call it inside the transaction that has the effect, so
/// that neither exists without the other. `data`: public facts, never a secret.
pub async fn enqueue(
    transaction: &impl ConnectionTrait,
    now: Timestamp,
    event: WebhookEvent,
    workspace_id: &str,
    data: &Value,
) -> Result<(), DbErr> {
    for webhook in db::webhooks::list(transaction, workspace_id).await? {
        if webhook.enabled && webhook.events().contains(&event) {
            enqueue_for(transaction, now, event, &webhook, data).await?;
        }
    }
    Ok(())
}

/// Queues an event for one webhook, whatever that listens to; returns the delivery's id, or `None` if its queue is full.
pub async fn enqueue_for(
    transaction: &impl ConnectionTrait,
    now: Timestamp,
    event: WebhookEvent,
    webhook: &db::webhooks::Model,
    data: &Value,
) -> Result<Option<String>, DbErr> {
    if db::deliveries::count_pending(transaction, &webhook.id).await? >= QUEUE_MAX {
        // Never the transaction's trouble: a rotation must not fail because somebody does not listen.
        db::webhooks::dropped(transaction, webhook).await?;
        return Ok(None);
    }
    let at = db::timestamp(now.as_millisecond());
    let payload = Payload { event: event.name(), timestamp: at, data };
    let payload = serde_json::to_string(&payload).expect("plain data");
    let sequence = db::deliveries::next_sequence(transaction).await?;
    let digest = Sha256::digest(format!("{}\n{sequence}\n{payload}", webhook.id));
    let id = format!("msg_{}", hex::encode(&digest[..16]));
    let row = db::deliveries::Model {
        sequence,
        id: id.clone(),
        webhook_id: webhook.id.clone(),
        event: event.name().to_owned(),
        payload,
        state: DeliveryState::Pending.name().to_owned(),
        created_at: at.as_millisecond(),
        attempts: 0,
        next_attempt_at: Some(at.as_millisecond()),
        last_attempt_at: None,
        last_status: None,
        last_error: None,
    };
    db::deliveries::insert(transaction, row).await?;
    Ok(Some(id))
}
