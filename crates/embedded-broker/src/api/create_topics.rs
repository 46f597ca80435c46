//! CreateTopics: new topics in the scope.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::{
    error::ResponseError,
    messages::{
        CreateTopicsRequest, CreateTopicsResponse,
        create_topics_request::CreatableTopic,
        create_topics_response::{CreatableTopicConfigs, CreatableTopicResult},
    },
    protocol::StrBytes,
};
use uuid::Uuid;

use super::{Context, errors::Refusal, settings};
use crate::topics::{NewTopic, TopicConfig};

/// How many partitions a topic gets if the client leaves it to the broker.
pub(super) const DEFAULT_PARTITIONS: i32 = 1;

pub(crate) async fn handle(context: &Context, _version: i16, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<String> = request
        .topics
        .iter()
        .filter(|topic| !seen.insert(topic.name.as_str()))
        .map(|topic| topic.name.to_string())
        .collect();
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let outcome = if twice.contains(topic.name.as_str()) {
            Err(Refusal::new(ResponseError::InvalidRequest, "The request names this topic twice."))
        } else {
            create(context, topic, request.validate_only)
        };
        results.push(result(topic, outcome));
        // Creating writes to disk: others get their turn between two topics.
        tokio::task::yield_now().await;
    }
    CreateTopicsResponse::default().with_topics(results)
}

struct Created {
    id: Uuid,
    partitions: i32,
    config: TopicConfig,
}

fn create(context: &Context, topic: &CreatableTopic, validate_only: bool) -> Result<Created, Refusal> {
    if !context.session.scope.contains(&topic.name) {
        return Err(Refusal::topic_outside());
    }
    if !topic.assignments.is_empty() {
        let text = "This broker is one node and places partitions itself: leave the assignment out.";
        return Err(Refusal::new(ResponseError::InvalidReplicaAssignment, text));
    }
    if !matches!(topic.replication_factor, -1 | 1) {
        let text = "This broker is one node: the replication factor can be 1, or -1 for the default.";
        return Err(Refusal::new(ResponseError::InvalidReplicationFactor, text));
    }
    let mut config = BTreeMap::new();
    for entry in &topic.configs {
        let Some(value) = &entry.value else {
            let text = format!("The setting {} has no value.", entry.name.as_str());
            return Err(Refusal::new(ResponseError::InvalidConfig, text));
        };
        config.insert(entry.name.to_string(), value.to_string());
    }
    let partitions = if topic.num_partitions == -1 { DEFAULT_PARTITIONS } else { topic.num_partitions };
    let new = NewTopic { name: topic.name.to_string(), partitions, config };
    if validate_only {
        context.broker.topics.validate(&new)?;
        let config = TopicConfig::new(new.config).map_err(|text| Refusal::new(ResponseError::InvalidConfig, text))?;
        return Ok(Created { id: Uuid::nil(), partitions, config });
    }
    let created = context.broker.topics.create(new)?;
    tracing::info!(topic = created.name, principal = context.session.principal, "topic created");
    Ok(Created { id: created.id, partitions, config: TopicConfig::clone(&created.config()) })
}

fn result(topic: &CreatableTopic, outcome: Result<Created, Refusal>) -> CreatableTopicResult {
    let result = CreatableTopicResult::default().with_name(topic.name.clone());
    match outcome {
        Ok(created) => result
            .with_error_message(None)
            .with_topic_id(created.id)
            .with_num_partitions(created.partitions)
            .with_replication_factor(1)
            .with_configs(Some(created.config.entries().map(config).collect())),
        Err(refusal) => result
            .with_error_code(refusal.code)
            .with_error_message(Some(refusal.message))
            .with_configs(Some(Vec::new())),
    }
}

fn config((key, value, is_default): settings::Entry<'_>) -> CreatableTopicConfigs {
    CreatableTopicConfigs::default()
        .with_name(StrBytes::from_static_str(key.name))
        .with_value(Some(StrBytes::from_string(value.to_owned())))
        .with_config_source(settings::source(is_default))
}
