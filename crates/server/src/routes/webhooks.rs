//! Webhooks of a workspace.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use twinkey_api::{
    error::ErrorBody,
    webhook::{
        ChangeWebhook, CreatedWebhook, DeliveriesQuery, Delivery, DeliveryState, NewWebhook, Webhook, WebhookEvent,
    },
};

use super::broker_settings::NO_STORE;
use crate::{
    app::App,
    audit::{self, Event},
    db,
    error::ApiError,
    extract::{Body, Manage, Params, Queried, workspace::Admin},
    webhooks::{self, address, secret::WebhookSecret},
};

/// How many webhooks a workspace may have.
const WEBHOOKS_MAX: u64 = 20;

/// All webhooks, without their secrets
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/webhooks", tag = "webhooks",
    params(("workspace_id" = String, Path)),
    responses((status = 200, body = Vec<Webhook>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn list(State(app): State<Arc<App>>, access: Manage<Admin>) -> Result<Json<Vec<Webhook>>, ApiError> {
    let rows = db::webhooks::list(&*app.db, access.workspace_id.as_str()).await?;
    Ok(Json(rows.into_iter().map(db::webhooks::Model::describe).collect()))
}

/// Be told what happens to the tokens; the signing secret is in this answer and nowhere else
///
/// Deliveries are signed as <https://www.standardwebhooks.com> says.
#[utoipa::path(
    post, path = "/workspaces/{workspace_id}/webhooks", tag = "webhooks",
    params(("workspace_id" = String, Path)), request_body = NewWebhook,
    responses((status = 200, body = CreatedWebhook), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn create(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
    Body(body): Body<NewWebhook>,
) -> Result<impl IntoResponse, ApiError> {
    let events = match &body.events {
        Some(names) => parse_events(names)?,
        None => WebhookEvent::ALL.to_vec(),
    };
    check_url(&app, &body.url).await?;
    let (id, secret, now) = (app.random.id(), WebhookSecret::generate(&app.random), app.now());
    let row = db::webhooks::Model {
        sealed: secret.seal(&app.keys, &id, &app.random),
        id,
        workspace_id: access.workspace_id.to_string(),
        url: body.url,
        events: db::webhooks::join(&events),
        key_id: app.keys.id().to_owned(),
        enabled: true,
        disabled_reason: None,
        created_at: now.as_millisecond(),
        last_success_at: None,
        dropped: 0,
        previous_sealed: None,
        previous_until: None,
    };
    let transaction = app.db.write().await?;
    if db::webhooks::count(&*transaction, &access.workspace_id).await? >= WEBHOOKS_MAX {
        return Err(ApiError::Invalid {
            code: "TooManyWebhooks",
            status: StatusCode::CONFLICT,
            message: format!("A workspace can have {WEBHOOKS_MAX} webhooks; delete one that is not needed any more"),
        });
    }
    db::webhooks::insert(&*transaction, row.clone()).await?;
    record(&app, &*transaction, &access, "webhook.created", &row.id, json!({"after": described(&row)})).await?;
    transaction.commit().await?;
    Ok((NO_STORE, Json(CreatedWebhook { webhook: row.describe(), secret: secret.expose().to_string() })))
}

/// One webhook
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/webhooks/{webhook_id}", tag = "webhooks",
    params(("workspace_id" = String, Path), ("webhook_id" = String, Path)),
    responses((status = 200, body = Webhook), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn get(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
    Params(path): Params<(String, String)>,
) -> Result<Json<Webhook>, ApiError> {
    let (_, id) = path;
    Ok(Json(find(&*app.db, &access, &id).await?.describe()))
}

/// Change where to, which events, or whether anything is sent
#[utoipa::path(
    patch, path = "/workspaces/{workspace_id}/webhooks/{webhook_id}", tag = "webhooks",
    params(("workspace_id" = String, Path), ("webhook_id" = String, Path)), request_body = ChangeWebhook,
    responses((status = 200, body = Webhook), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn change(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
    Params(path): Params<(String, String)>,
    Body(body): Body<ChangeWebhook>,
) -> Result<Json<Webhook>, ApiError> {
    let (_, id) = path;
    find(&*app.db, &access, &id).await?;
    let events = body.events.as_deref().map(parse_events).transpose()?;
    if let Some(url) = &body.url {
        check_url(&app, url).await?;
    }
    let transaction = app.db.write().await?;
    let before = find(&*transaction, &access, &id).await?;
    let mut after = before.clone();
    if let Some(url) = body.url {
        after.url = url;
    }
    if let Some(events) = events {
        after.events = db::webhooks::join(&events);
    }
    match body.enabled {
        Some(true) => (after.enabled, after.disabled_reason) = (true, None),
        Some(false) if before.enabled => {
            (after.enabled, after.disabled_reason) = (false, Some(format!("disabled by {}", access.user.user.email)));
        }
        Some(false) | None => {}
    }
    if after != before {
        db::webhooks::update(&*transaction, &after).await?;
        if after.enabled && !before.enabled {
            db::deliveries::hurry(&*transaction, &id, app.now()).await?;
        } else if before.enabled && !after.enabled {
            db::deliveries::rest(&*transaction, &id).await?;
        }
        let detail = json!({"before": described(&before), "after": described(&after)});
        record(&app, &*transaction, &access, "webhook.changed", &id, detail).await?;
        transaction.commit().await?;
    }
    Ok(Json(after.describe()))
}

/// End a webhook, and what waits for it
#[utoipa::path(
    delete, path = "/workspaces/{workspace_id}/webhooks/{webhook_id}", tag = "webhooks",
    params(("workspace_id" = String, Path), ("webhook_id" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
    Params(path): Params<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (_, id) = path;
    let transaction = app.db.write().await?;
    let before = find(&*transaction, &access, &id).await?;
    db::webhooks::delete(&*transaction, &access.workspace_id, &id).await?;
    record(&app, &*transaction, &access, "webhook.deleted", &id, json!({"before": described(&before)})).await?;
    transaction.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a test event; its delivery is in the answer, and what became of it in the log
#[utoipa::path(
    post, path = "/workspaces/{workspace_id}/webhooks/{webhook_id}/test", tag = "webhooks",
    params(("workspace_id" = String, Path), ("webhook_id" = String, Path)),
    responses((status = 202, body = Delivery), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub async fn test(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
    Params(path): Params<(String, String)>,
) -> Result<(StatusCode, Json<Delivery>), ApiError> {
    let (_, id) = path;
    let transaction = app.db.write().await?;
    let webhook = find(&*transaction, &access, &id).await?;
    require_enabled(&webhook)?;
    let data = json!({"workspaceId": webhook.workspace_id, "requestedBy": access.user.user.email});
    let queued = webhooks::enqueue_for(&*transaction, app.now(), WebhookEvent::Test, &webhook, &data).await?;
    let Some(delivery_id) = queued else {
        return Err(conflict("QueueFull", "Nothing was sent: too many deliveries wait for this webhook already"));
    };
    let delivery = delivery(&*transaction, &id, &delivery_id).await?;
    record(&app, &*transaction, &access, "webhook.tested", &id, json!({"delivery": delivery_id})).await?;
    transaction.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(delivery.describe())))
}

/// Give a webhook another signing secret; it is in this answer and nowhere else
///
/// For 24 hours deliveries are signed with the old secret as well, so that a receiver can be told the new one meanwhile. A second
/// change within that time ends the first secret at once.
#[utoipa::path(
    post, path = "/workspaces/{workspace_id}/webhooks/{webhook_id}/rotate-secret", tag = "webhooks",
    params(("workspace_id" = String, Path), ("webhook_id" = String, Path)),
    responses((status = 200, body = CreatedWebhook), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn rotate_secret(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
    Params(path): Params<(String, String)>,
) -> Result<impl IntoResponse, ApiError> {
    let (_, id) = path;
    let (secret, now) = (WebhookSecret::generate(&app.random), app.now());
    let transaction = app.db.write().await?;
    let mut row = find(&*transaction, &access, &id).await?;
    // Both under the same master key, whichever the old one was under.
    let previous = WebhookSecret::unseal(&app.keys, &id, &row.sealed);
    row.previous_sealed = previous.map(|previous| previous.seal(&app.keys, &id, &app.random));
    row.previous_until = row.previous_sealed.as_ref().map(|_| (now + webhooks::PREVIOUS_SECRET).as_millisecond());
    row.sealed = secret.seal(&app.keys, &id, &app.random);
    app.keys.id().clone_into(&mut row.key_id);
    db::webhooks::set_secrets(&*transaction, &row).await?;
    let detail = json!({"previousUntil": row.previous_until.map(db::timestamp)});
    record(&app, &*transaction, &access, "webhook.secret_rotated", &id, detail).await?;
    transaction.commit().await?;
    Ok((NO_STORE, Json(CreatedWebhook { webhook: row.describe(), secret: secret.expose().to_string() })))
}

/// The delivery log, newest first: what is queued, what was delivered, what failed and why
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/webhooks/{webhook_id}/deliveries", tag = "webhooks",
    params(("workspace_id" = String, Path), ("webhook_id" = String, Path), DeliveriesQuery),
    responses((status = 200, body = Vec<Delivery>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn deliveries(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
    Params(path): Params<(String, String)>,
    Queried(query): Queried<DeliveriesQuery>,
) -> Result<Json<Vec<Delivery>>, ApiError> {
    let (_, id) = path;
    let limit = query.limit.unwrap_or(50);
    if !(1..=100).contains(&limit) {
        return Err(ApiError::bad_request("InvalidQuery", "limit must be 1 to 100"));
    }
    find(&*app.db, &access, &id).await?;
    let before = match &query.before {
        Some(before) => Some(delivery(&*app.db, &id, before).await?.sequence),
        None => None,
    };
    let rows = db::deliveries::list(&*app.db, &id, before, limit).await?;
    Ok(Json(rows.into_iter().map(db::deliveries::Model::describe).collect()))
}

/// Send a delivery again, with the same id and body
#[utoipa::path(
    post, path = "/workspaces/{workspace_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver", tag = "webhooks",
    params(("workspace_id" = String, Path), ("webhook_id" = String, Path), ("delivery_id" = String, Path)),
    responses((status = 202, body = Delivery), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub async fn redeliver(
    State(app): State<Arc<App>>,
    access: Manage<Admin>,
    Params(path): Params<(String, String, String)>,
) -> Result<(StatusCode, Json<Delivery>), ApiError> {
    let (_, id, delivery_id) = path;
    let transaction = app.db.write().await?;
    require_enabled(&find(&*transaction, &access, &id).await?)?;
    let mut row = delivery(&*transaction, &id, &delivery_id).await?;
    // All attempts anew, of which the first one is now.
    row.attempts = 0;
    row.next_attempt_at = Some(app.now().as_millisecond());
    DeliveryState::Pending.name().clone_into(&mut row.state);
    db::deliveries::update(&*transaction, &row).await?;
    record(&app, &*transaction, &access, "webhook.redelivered", &id, json!({"delivery": delivery_id})).await?;
    transaction.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(row.describe())))
}

async fn find(db: &impl ConnectionTrait, access: &Manage<Admin>, id: &str) -> Result<db::webhooks::Model, ApiError> {
    let found = db::webhooks::find(db, &access.workspace_id, id).await?;
    found.ok_or_else(|| ApiError::NotFound("This webhook".into()))
}

async fn delivery(db: &impl ConnectionTrait, webhook_id: &str, id: &str) -> Result<db::deliveries::Model, ApiError> {
    let found = db::deliveries::find(db, webhook_id, id).await?;
    found.ok_or_else(|| ApiError::NotFound("This delivery".into()))
}

fn require_enabled(webhook: &db::webhooks::Model) -> Result<(), ApiError> {
    if webhook.enabled {
        return Ok(());
    }
    let reason = webhook.disabled_reason.as_deref().unwrap_or("unknown");
    Err(conflict("WebhookDisabled", format!("Nothing was sent: the webhook is disabled ({reason}); enable it first")))
}

fn conflict(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::Invalid { code, status: StatusCode::CONFLICT, message: message.into() }
}

fn parse_events(names: &[String]) -> Result<Vec<WebhookEvent>, ApiError> {
    let parsed = names.iter().map(|name| {
        WebhookEvent::parse(name).ok_or_else(|| {
            let known = WebhookEvent::ALL.map(WebhookEvent::name).join(", ");
            ApiError::bad_request("InvalidEvents", format!("There is no event '{name}'; there are {known}"))
        })
    });
    let mut events = parsed.collect::<Result<Vec<_>, _>>()?;
    events.sort_unstable();
    events.dedup();
    if events.is_empty() {
        return Err(ApiError::bad_request("InvalidEvents", "Name at least one event, or leave `events` out for all"));
    }
    Ok(events)
}

async fn check_url(app: &App, url: &str) -> Result<(), ApiError> {
    let checked = address::check(&app.webhooks, url).await;
    checked.map(drop).map_err(|refused| ApiError::bad_request("InvalidUrl", format!("Nothing was changed: {refused}")))
}

/// For the audit log: of the URL only the origin, because receivers like to have a secret in the path.
fn described(row: &db::webhooks::Model) -> Value {
    let origin = reqwest::Url::parse(&row.url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    json!({"origin": origin, "events": row.events(), "enabled": row.enabled})
}

async fn record(
    app: &App,
    transaction: &impl ConnectionTrait,
    access: &Manage<Admin>,
    action: &'static str,
    id: &str,
    detail: Value,
) -> Result<(), ApiError> {
    let workspace_id = Some(access.workspace_id.as_str());
    let event = Event { action, workspace_id, target: Some(id), detail };
    Ok(audit::append(transaction, &access.user.actor(), app.now(), event).await?)
}
