//! DeleteTopics: by name, and from version 6 on by id.

use kafka_protocol::{
    error::ResponseError,
    messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName, delete_topics_response::DeletableTopicResult},
};
use uuid::Uuid;

use super::{Context, errors::Refusal};

pub(crate) async fn handle(context: &Context, version: i16, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let by_name = request.topic_names.into_iter().map(|name| (Some(name), Uuid::nil()));
    let wanted: Vec<_> = if version >= 6 {
        request.topics.into_iter().map(|topic| (topic.name, topic.topic_id)).collect()
    } else {
        by_name.collect()
    };
    let mut responses = Vec::with_capacity(wanted.len());
    for (name, id) in wanted {
        responses.push(one(context, name, id));
        tokio::task::yield_now().await;
    }
    DeleteTopicsResponse::default().with_responses(responses)
}

fn one(context: &Context, name: Option<TopicName>, id: Uuid) -> DeletableTopicResult {
    let (name, outcome) = match name {
        Some(name) if id.is_nil() => {
            let outcome = delete(context, &name);
            (Some(name), outcome)
        }
        Some(name) => {
            let text = "A topic is named by its name or by its id, not by both.";
            (Some(name), Err(Refusal::new(ResponseError::InvalidRequest, text)))
        }
        // An id says nothing about the scope until it is looked up, so what is outside does not exist.
        None => match context.broker.topics.get_by_id(id).filter(|topic| context.session.scope.contains(&topic.name)) {
            Some(topic) => (Some(super::topic_name(&topic.name)), delete(context, &topic.name)),
            None => (None, Err(Refusal::new(ResponseError::UnknownTopicId, "There is no topic with this id."))),
        },
    };
    let result = DeletableTopicResult::default().with_name(name).with_topic_id(id);
    match outcome {
        Ok(()) => result,
        Err(refusal) => result.with_error_code(refusal.code).with_error_message(Some(refusal.message)),
    }
}

fn delete(context: &Context, name: &str) -> Result<(), Refusal> {
    if !context.session.scope.contains(name) {
        return Err(Refusal::topic_outside());
    }
    context.broker.delete_topic(name)?;
    tracing::info!(topic = name, principal = context.session.principal, "topic deleted");
    Ok(())
}
