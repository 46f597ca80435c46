//! AlterConfigs: replaces all settings of a topic; what the request does not name goes back to its default.

use kafka_protocol::{
    error::ResponseError,
    messages::{
        AlterConfigsRequest, AlterConfigsResponse, alter_configs_request::AlterConfigsResource,
        alter_configs_response::AlterConfigsResourceResponse,
    },
};

use super::{Context, errors::Refusal, settings};
use crate::topics::ConfigChange;

pub(crate) async fn handle(context: &Context, _version: i16, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let keys = request.resources.iter().map(|resource| (resource.resource_type, resource.resource_name.as_str()));
    let once = settings::once(keys);
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in &request.resources {
        let outcome = once.clone().and_then(|()| alter(context, resource, request.validate_only));
        let response = AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        responses.push(match outcome {
            Ok(()) => response.with_error_message(None),
            Err(refusal) => response.with_error_code(refusal.code).with_error_message(Some(refusal.message)),
        });
        tokio::task::yield_now().await;
    }
    AlterConfigsResponse::default().with_responses(responses)
}

fn alter(context: &Context, resource: &AlterConfigsResource, validate_only: bool) -> Result<(), Refusal> {
    settings::authorize(context, resource.resource_type, &resource.resource_name)?;
    settings::once(resource.configs.iter().map(|config| config.name.as_str()))?;
    let unknown = || Refusal::new(ResponseError::UnknownTopicOrPartition, "There is no such topic.");
    let topic = context.broker.topics.get(&resource.resource_name).ok_or_else(unknown)?;
    let named = |key: &str| resource.configs.iter().any(|config| config.name.as_str() == key);
    let config = topic.config();
    let others = config.overrides().keys().filter(|key| !named(key)).map(|key| ConfigChange::Reset(key.clone()));
    let set = resource.configs.iter().map(|config| {
        let name = config.name.to_string();
        match &config.value {
            Some(value) => ConfigChange::Set(name, value.to_string()),
            None => ConfigChange::Reset(name),
        }
    });
    let changes: Vec<_> = others.chain(set).collect();
    settings::alter(context, &topic.name, &changes, validate_only)
}
