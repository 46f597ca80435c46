//! Metadata: where the topics of the scope are: all on the one broker.

use std::{collections::BTreeMap, sync::Arc};

use kafka_protocol::{
    error::ResponseError,
    messages::{
        MetadataRequest, MetadataResponse,
        metadata_request::MetadataRequestTopic,
        metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic},
    },
    protocol::StrBytes,
};
use uuid::Uuid;

use super::{Context, NODE_ID, create_topics::DEFAULT_PARTITIONS, topic_name};
use crate::{
    authorize::operations,
    log::LEADER_EPOCH,
    topics::{NewTopic, Topic, TopicError},
};

pub(crate) async fn handle(context: &Context, version: i16, request: MetadataRequest) -> MetadataResponse {
    let operations =
        if request.include_topic_authorized_operations { operations::TOPIC } else { operations::NOT_ASKED };
    let topics = match &request.topics {
        // Version 0 has no null: there an empty list asks for all.
        Some(named) if !(named.is_empty() && version == 0) => named
            .iter()
            .map(|topic| named_topic(context, version, topic, request.allow_auto_topic_creation, operations))
            .collect(),
        _ => {
            context.broker.topics.list(&context.session.scope).iter().map(|topic| describe(topic, operations)).collect()
        }
    };
    let broker = MetadataResponseBroker::default()
        .with_node_id(NODE_ID)
        .with_host(StrBytes::from_string(context.broker.config.advertised_host.clone()))
        .with_port(context.broker.advertised_port.into());
    let on_cluster =
        if request.include_cluster_authorized_operations { operations::CLUSTER } else { operations::NOT_ASKED };
    MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_cluster_id(Some(StrBytes::from_string(context.broker.config.cluster_id.clone())))
        .with_controller_id(NODE_ID)
        .with_topics(topics)
        .with_cluster_authorized_operations(on_cluster)
}

/// The answer for one topic that was asked for, by name or (from version 10 on) by id.
fn named_topic(
    context: &Context,
    version: i16,
    asked: &MetadataRequestTopic,
    create: bool,
    operations: i32,
) -> MetadataResponseTopic {
    let scope = &context.session.scope;
    let name = asked.name.as_ref().map_or("", |name| name.as_str());
    if name.is_empty() && !asked.topic_id.is_nil() {
        // An id says nothing about the scope until it is looked up, so what is outside does not exist.
        let found = context.broker.topics.get_by_id(asked.topic_id).filter(|topic| scope.contains(&topic.name));
        let no_name = if version >= 12 { None } else { Some(topic_name("")) };
        return found.map_or_else(
            || failed(ResponseError::UnknownTopicId, asked.topic_id).with_name(no_name),
            |topic| describe(&topic, operations),
        );
    }
    if !scope.contains(name) {
        return failed(ResponseError::TopicAuthorizationFailed, Uuid::nil()).with_name(Some(topic_name(name)));
    }
    let found = match context.broker.topics.get(name) {
        Some(topic) => Ok(topic),
        None if create && context.broker.config.auto_create_topics => created(context, name),
        None => Err(ResponseError::UnknownTopicOrPartition),
    };
    match found {
        Ok(topic) => describe(&topic, operations),
        Err(error) => failed(error, Uuid::nil()).with_name(Some(topic_name(name))),
    }
}

fn created(context: &Context, name: &str) -> Result<Arc<Topic>, ResponseError> {
    let new = NewTopic { name: name.to_owned(), partitions: DEFAULT_PARTITIONS, config: BTreeMap::new() };
    match context.broker.topics.create(new) {
        Ok(topic) => {
            tracing::info!(topic = name, principal = context.session.principal, "topic created by being asked for");
            Ok(topic)
        }
        // Somebody else was faster.
        Err(TopicError::Exists) => context.broker.topics.get(name).ok_or(ResponseError::UnknownTopicOrPartition),
        Err(TopicError::Io(error)) => {
            tracing::error!(topic = name, %error, "a topic could not be created");
            Err(ResponseError::KafkaStorageError)
        }
        Err(_) => Err(ResponseError::InvalidTopicException),
    }
}

fn describe(topic: &Topic, operations: i32) -> MetadataResponseTopic {
    let count = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
    let partitions = (0..count).map(|index| {
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(NODE_ID)
            .with_leader_epoch(LEADER_EPOCH)
            .with_replica_nodes(vec![NODE_ID])
            .with_isr_nodes(vec![NODE_ID])
    });
    MetadataResponseTopic::default()
        .with_name(Some(topic_name(&topic.name)))
        .with_topic_id(topic.id)
        .with_partitions(partitions.collect())
        .with_topic_authorized_operations(operations)
}

fn failed(error: ResponseError, id: Uuid) -> MetadataResponseTopic {
    MetadataResponseTopic::default().with_error_code(error.code()).with_topic_id(id)
}
