//! Topics. The broker's catalogue is the only place where topics exist: what is made here is there on the broker at once,
//! and what a Kafka client makes on the broker is listed here.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use twinkey_api::{
    TopicName, WorkspaceId,
    error::ErrorBody,
    topic::{NewTopic, Topic, TopicChanges, TopicConfiguration, TopicSettings},
};
use twinkey_embedded_broker::Scope;

use crate::{
    app::App,
    audit::{self, Actor, Event},
    broker::{self, TopicError},
    db, deletion,
    error::ApiError,
    extract::{
        Body, Manage, Streaming,
        workspace::{Editor, Viewer},
    },
};

const MINUTE: i64 = 60_000;

/// All topics of the workspace, internal ones included
#[utoipa::path(
    get, path = "/{workspace_id}/topics", tag = "streaming",
    params(("workspace_id" = String, Path)),
    responses((status = 200, body = Vec<Topic>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn list(State(app): State<Arc<App>>, access: Streaming<Viewer>) -> Result<Json<Vec<Topic>>, ApiError> {
    let topics = app.broker.topics(&access.workspace_id).await.map_err(|error| refused(error, ""))?;
    Ok(Json(topics.into_iter().map(|topic| describe(&access.workspace_id, topic)).collect()))
}

/// One topic, by its name or by its full id
#[utoipa::path(
    get, path = "/{workspace_id}/topics/{name}", tag = "streaming",
    params(("workspace_id" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = Topic), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn get(
    State(app): State<Arc<App>>,
    access: Streaming<Viewer>,
    Path(path): Path<(String, String)>,
) -> Result<Json<Topic>, ApiError> {
    let (_, name) = path;
    let topic = find(&app, &access.workspace_id, &name).await?;
    Ok(Json(describe(&access.workspace_id, topic)))
}

/// Create a topic
#[utoipa::path(
    post, path = "/{workspace_id}/topics", tag = "streaming",
    params(("workspace_id" = String, Path)), request_body = NewTopic,
    responses((status = 200, body = Topic), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn create(
    State(app): State<Arc<App>>,
    access: Streaming<Editor>,
    Body(body): Body<NewTopic>,
) -> Result<Json<Topic>, ApiError> {
    access.confirm(&app).await?;
    let name = TopicName::parse(&access.workspace_id, &body.name)
        .map_err(|error| ApiError::bad_request("InvalidTopicName", error.to_string()))?;
    let settings = body.configuration.unwrap_or_default();
    let replication_factor = settings.replication_factor.map(|factor| i16::try_from(factor).ok().filter(|it| *it > 0));
    if replication_factor == Some(None) {
        return Err(ApiError::bad_request("InvalidConfiguration", "replicationFactor must be at least 1"));
    }
    let new = broker::NewTopic {
        name: name.id().to_owned(),
        partitions: settings.partitions,
        replication_factor: replication_factor.flatten(),
        config: broker_config(&settings)?,
    };
    let (actor, workspace_id) = (access.caller.actor(), access.workspace_id);
    super::to_its_end(&app.clone(), async move {
        let created = deletion::create_topic(&app, &workspace_id, new).await?;
        let topic = created.map_err(|error| refused(error, &body.name))?;
        record(&app, &actor, "topic.created", &workspace_id, &topic.name, json!({"after": settings_of(&topic)}))
            .await?;
        Ok(Json(describe(&workspace_id, topic)))
    })
    .await
}

/// Change a topic's settings; what is not named stays
#[utoipa::path(
    patch, path = "/{workspace_id}/topics/{name}", tag = "topics",
    params(("workspace_id" = String, Path), ("name" = String, Path)), request_body = TopicChanges,
    responses((status = 200, body = Topic), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn change(
    State(app): State<Arc<App>>,
    access: Manage<Editor>,
    Path(path): Path<(String, String)>,
    Body(body): Body<TopicChanges>,
) -> Result<Json<Topic>, ApiError> {
    let (_, name) = path;
    let topic = find(&app, &access.workspace_id, &name).await?;
    let nested = body.configuration.unwrap_or_default();
    let settings = TopicSettings {
        partitions: nested.partitions.or(body.partitions),
        replication_factor: None,
        retention_in_minutes: nested.retention_in_minutes.or(body.retention_in_minutes),
        retention_in_bytes: nested.retention_in_bytes.or(body.retention_in_bytes),
        cleanup_policy: nested.cleanup_policy.or(body.cleanup_policy),
    };
    let changes = broker::TopicChanges { partitions: settings.partitions, config: broker_config(&settings)? };
    super::to_its_end(&app.clone(), async move {
        let before = settings_of(&topic);
        let topic = app.broker.alter_topic(&topic.name, changes).await.map_err(|error| refused(error, &name))?;
        let detail = json!({"before": before, "after": settings_of(&topic)});
        record(&app, &access.user.actor(), "topic.changed", &access.workspace_id, &topic.name, detail).await?;
        Ok(Json(describe(&access.workspace_id, topic)))
    })
    .await
}

/// Delete a topic and its records
#[utoipa::path(
    delete, path = "/{workspace_id}/topics/{name}", tag = "topics",
    params(("workspace_id" = String, Path), ("name" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    access: Manage<Editor>,
    Path(path): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (_, name) = path;
    let topic = find(&app, &access.workspace_id, &name).await?;
    super::to_its_end(&app.clone(), async move {
        app.broker.delete_topic(&topic.name).await.map_err(|error| refused(error, &name))?;
        record(&app, &access.user.actor(), "topic.deleted", &access.workspace_id, &topic.name, json!({})).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// Delete all records of a topic; the topic and its offsets go on
#[utoipa::path(
    post, path = "/{workspace_id}/topics/{name}/clean", tag = "topics",
    params(("workspace_id" = String, Path), ("name" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn clean(
    State(app): State<Arc<App>>,
    access: Manage<Editor>,
    Path(path): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (_, name) = path;
    let topic = find(&app, &access.workspace_id, &name).await?;
    super::to_its_end(&app.clone(), async move {
        app.broker.clean_topic(&topic.name).await.map_err(|error| refused(error, &name))?;
        record(&app, &access.user.actor(), "topic.cleaned", &access.workspace_id, &topic.name, json!({})).await?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

/// By name first, then by full id: Python passes on whatever its user typed, and creates `{ws}-{ws}-name` after a 404.
pub(super) async fn find(app: &App, workspace_id: &WorkspaceId, name: &str) -> Result<broker::Topic, ApiError> {
    let full = TopicName::parse(workspace_id, name).ok().map(|name| name.id().to_owned());
    let own = Scope::of_workspace(workspace_id.as_str()).contains(name);
    for candidate in full.into_iter().chain(own.then(|| name.to_owned())) {
        if let Some(topic) = app.broker.topic(&candidate).await.map_err(|error| refused(error, name))? {
            return Ok(topic);
        }
    }
    Err(ApiError::NotFound(format!("Topic '{name}'")))
}

/// Records what was done on the broker. The broker knows no transactions, so that this comes behind it: a server that is killed in
/// between leaves no record.
pub(super) async fn record(
    app: &App,
    actor: &Actor,
    action: &'static str,
    workspace_id: &WorkspaceId,
    target: &str,
    detail: Value,
) -> Result<(), ApiError> {
    let transaction = app.db.write().await?;
    let event = Event { action, workspace_id: Some(workspace_id.as_str()), target: Some(target), detail };
    audit::append(&*transaction, actor, app.now(), event).await?;
    Ok(transaction.commit().await?)
}

/// A topic's settings for a record.
fn settings_of(topic: &broker::Topic) -> Value {
    json!({
        "partitions": topic.partitions,
        "retentionMs": topic.retention_ms,
        "retentionBytes": topic.retention_bytes,
        "cleanupPolicy": topic.cleanup_policy,
    })
}

/// `posted` is the name as the client sent it: Python looks for exactly this sentence with exactly that name.
pub(super) fn refused(error: TopicError, posted: &str) -> ApiError {
    match error {
        TopicError::Exists => {
            ApiError::bad_request("TopicExists", format!("Topic with name similar to '{posted}' already exists."))
        }
        TopicError::Unknown => ApiError::NotFound(format!("Topic '{posted}'")),
        TopicError::UnknownPartition(partition) => {
            ApiError::NotFound(format!("Partition {partition} of topic '{posted}'"))
        }
        TopicError::Storage(cause) => ApiError::Storage(cause),
        TopicError::Invalid(message) => ApiError::bad_request("InvalidConfiguration", message),
        TopicError::Broker(error) => error.into(),
    }
}

/// The settings under Kafka's names. Retention below a minute arrives as 0 from Python, which rounds down; it becomes one
/// minute, because 0 would delete every record at once.
fn broker_config(settings: &TopicSettings) -> Result<Vec<(String, String)>, ApiError> {
    let invalid = |message: &str| ApiError::bad_request("InvalidConfiguration", message);
    let mut config = Vec::new();
    if let Some(minutes) = settings.retention_in_minutes {
        let milliseconds = match minutes {
            -1 => -1,
            0 => MINUTE,
            1.. => minutes.checked_mul(MINUTE).ok_or_else(|| invalid("retentionInMinutes is too large"))?,
            _ => return Err(invalid("retentionInMinutes must be positive, or -1 to keep records for ever")),
        };
        config.push(("retention.ms".to_owned(), milliseconds.to_string()));
    }
    if let Some(bytes) = settings.retention_in_bytes {
        if bytes < -1 {
            return Err(invalid("retentionInBytes must not be negative, except -1 for no limit"));
        }
        config.push(("retention.bytes".to_owned(), bytes.to_string()));
    }
    if let Some(policy) = &settings.cleanup_policy {
        let words: String = policy.to_lowercase().split_whitespace().collect();
        let policy = match words.as_str() {
            "delete" => "delete",
            "compact" => "compact",
            "deleteandcompact" | "compact,delete" | "delete,compact" => "compact,delete",
            _ => return Err(invalid("cleanupPolicy must be Delete, Compact or DeleteAndCompact")),
        };
        config.push(("cleanup.policy".to_owned(), policy.to_owned()));
    }
    Ok(config)
}

fn describe(workspace_id: &WorkspaceId, topic: broker::Topic) -> Topic {
    let name = topic.name[workspace_id.as_str().len() + 1..].to_owned();
    let words: Vec<_> = topic.cleanup_policy.split(',').map(str::trim).collect();
    let cleanup_policy = match (words.contains(&"compact"), words.contains(&"delete")) {
        (true, true) => "DeleteAndCompact",
        (true, false) => "Compact",
        _ => "Delete",
    };
    Topic {
        name,
        workspace_id: workspace_id.to_string(),
        status: "Ready".into(),
        last_error: None,
        error_status: None,
        created_at: topic.created_at.map(stored),
        updated_at: topic.updated_at.map(stored),
        persisted: false,
        persisted_status: "Complete".into(),
        external: false,
        configuration: TopicConfiguration {
            partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            retention_in_minutes: if topic.retention_ms < 0 { -1 } else { topic.retention_ms / MINUTE },
            retention_in_bytes: topic.retention_bytes,
            cleanup_policy: cleanup_policy.into(),
        },
        id: topic.name,
    }
}

/// Without the fraction of a millisecond, as every other time of the API.
fn stored(time: Timestamp) -> Timestamp {
    db::timestamp(time.as_millisecond())
}
