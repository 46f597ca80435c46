//! DescribeCluster: one broker, which is its own controller.

use kafka_protocol::{
    error::ResponseError,
    messages::{DescribeClusterRequest, DescribeClusterResponse, describe_cluster_response::DescribeClusterBroker},
    protocol::StrBytes,
};

use super::{Context, NODE_ID};
use crate::authorize::operations;

/// The endpoints of brokers, as opposed to those of controllers, which clients have no business with.
const BROKERS: i8 = 1;

pub(crate) async fn handle(
    context: &Context,
    _version: i16,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    let response = DescribeClusterResponse::default()
        .with_endpoint_type(request.endpoint_type)
        .with_cluster_id(StrBytes::from_string(context.broker.config.cluster_id.clone()));
    if request.endpoint_type != BROKERS {
        let text = StrBytes::from_static_str("Only the endpoints of brokers can be described.");
        let code = ResponseError::UnsupportedEndpointType.code();
        return response.with_error_code(code).with_error_message(Some(text));
    }
    let broker = DescribeClusterBroker::default()
        .with_broker_id(NODE_ID)
        .with_host(StrBytes::from_string(context.broker.config.advertised_host.clone()))
        .with_port(context.broker.advertised_port.into());
    let operations =
        if request.include_cluster_authorized_operations { operations::CLUSTER } else { operations::NOT_ASKED };
    response.with_controller_id(NODE_ID).with_brokers(vec![broker]).with_cluster_authorized_operations(operations)
}
