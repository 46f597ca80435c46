//! CreatePartitions: topics can grow.

use kafka_protocol::{
    error::ResponseError,
    messages::{
        CreatePartitionsRequest, CreatePartitionsResponse, create_partitions_request::CreatePartitionsTopic,
        create_partitions_response::CreatePartitionsTopicResult,
    },
};

use super::{Context, errors::Refusal, settings};

pub(crate) async fn handle(
    context: &Context,
    _version: i16,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let once = settings::once(request.topics.iter().map(|topic| topic.name.as_str()));
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let outcome = once.clone().and_then(|()| grow(context, topic, request.validate_only));
        let result = CreatePartitionsTopicResult::default().with_name(topic.name.clone());
        results.push(match outcome {
            Ok(()) => result,
            Err(refusal) => result.with_error_code(refusal.code).with_error_message(Some(refusal.message)),
        });
        tokio::task::yield_now().await;
    }
    CreatePartitionsResponse::default().with_results(results)
}

fn grow(context: &Context, topic: &CreatePartitionsTopic, validate_only: bool) -> Result<(), Refusal> {
    if !context.session.scope.contains(&topic.name) {
        return Err(Refusal::topic_outside());
    }
    if topic.assignments.as_ref().is_some_and(|assignments| !assignments.is_empty()) {
        let text = "This broker is one node and places partitions itself: leave the assignment out.";
        return Err(Refusal::new(ResponseError::InvalidReplicaAssignment, text));
    }
    if validate_only {
        return Ok(context.broker.topics.validate_partitions(&topic.name, topic.count)?);
    }
    context.broker.topics.add_partitions(&topic.name, topic.count)?;
    tracing::info!(
        topic = topic.name.as_str(),
        partitions = topic.count,
        principal = context.session.principal,
        "partitions added"
    );
    Ok(())
}
