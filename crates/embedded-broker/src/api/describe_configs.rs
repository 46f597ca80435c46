//! DescribeConfigs: the settings of topics. Those of the broker are nobody's business but its owner's.

use kafka_protocol::{
    error::ResponseError,
    messages::{
        DescribeConfigsRequest, DescribeConfigsResponse,
        describe_configs_request::DescribeConfigsResource,
        describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym},
    },
    protocol::StrBytes,
};

use super::{Context, errors::Refusal, settings};

pub(crate) async fn handle(
    context: &Context,
    _version: i16,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let results = request.resources.iter().map(|resource| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match describe(context, resource, &request) {
            Ok(configs) => result.with_error_message(None).with_configs(configs),
            Err(refusal) => result.with_error_code(refusal.code).with_error_message(Some(refusal.message)),
        }
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

fn describe(
    context: &Context,
    resource: &DescribeConfigsResource,
    request: &DescribeConfigsRequest,
) -> Result<Vec<DescribeConfigsResourceResult>, Refusal> {
    settings::authorize(context, resource.resource_type, &resource.resource_name)?;
    let unknown = || Refusal::new(ResponseError::UnknownTopicOrPartition, "There is no such topic.");
    let topic = context.broker.topics.get(&resource.resource_name).ok_or_else(unknown)?;
    // Null and an empty list both mean all, as on Kafka.
    let wanted = resource.configuration_keys.as_deref().unwrap_or_default();
    let asked = |name: &str| wanted.is_empty() || wanted.iter().any(|key| key.as_str() == name);
    let config = topic.config();
    let entries = config.entries().filter(|(key, ..)| asked(key.name));
    Ok(entries.map(|entry| describe_one(entry, request.include_synonyms, request.include_documentation)).collect())
}

fn describe_one(
    (key, value, is_default): settings::Entry<'_>,
    synonyms: bool,
    documentation: bool,
) -> DescribeConfigsResourceResult {
    let name = StrBytes::from_static_str(key.name);
    let synonym = |value: &str, source| {
        DescribeConfigsSynonym::default()
            .with_name(name.clone())
            .with_value(Some(StrBytes::from_string(value.to_owned())))
            .with_source(source)
    };
    let own = (!is_default).then(|| synonym(value, settings::source(false)));
    let default = synonym(key.default, settings::DEFAULT_CONFIG);
    DescribeConfigsResourceResult::default()
        .with_name(name.clone())
        .with_value(Some(StrBytes::from_string(value.to_owned())))
        .with_config_source(settings::source(is_default))
        .with_config_type(settings::type_code(&key.kind))
        .with_synonyms(if synonyms { own.into_iter().chain([default]).collect() } else { Vec::new() })
        .with_documentation(documentation.then(|| StrBytes::from_static_str(key.doc)))
}
