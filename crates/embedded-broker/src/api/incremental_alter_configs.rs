//! IncrementalAlterConfigs: changes single settings of a topic (KIP-339).

use kafka_protocol::{
    error::ResponseError,
    messages::{
        IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
        incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
        incremental_alter_configs_response::AlterConfigsResourceResponse,
    },
};

use super::{Context, errors::Refusal, settings};
use crate::topics::ConfigChange;

const SET: i8 = 0;
const DELETE: i8 = 1;

pub(crate) async fn handle(
    context: &Context,
    _version: i16,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
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
    IncrementalAlterConfigsResponse::default().with_responses(responses)
}

fn alter(context: &Context, resource: &AlterConfigsResource, validate_only: bool) -> Result<(), Refusal> {
    settings::authorize(context, resource.resource_type, &resource.resource_name)?;
    settings::once(resource.configs.iter().map(|config| config.name.as_str()))?;
    let changes = resource.configs.iter().map(change).collect::<Result<Vec<_>, _>>()?;
    settings::alter(context, &resource.resource_name, &changes, validate_only)
}

fn change(config: &AlterableConfig) -> Result<ConfigChange, Refusal> {
    let name = config.name.to_string();
    let refused = |text: &str| Err(Refusal::new(ResponseError::InvalidConfig, format!("{text} ({name}).")));
    match (config.config_operation, &config.value) {
        (SET, Some(value)) => Ok(ConfigChange::Set(name, value.to_string())),
        (SET, None) => refused("A setting cannot be set to nothing: delete it instead"),
        (DELETE, _) => Ok(ConfigChange::Reset(name)),
        _ => refused("Settings can be set and deleted; appending and subtracting are not supported"),
    }
}
