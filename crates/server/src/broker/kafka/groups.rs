//! stub
use crate::broker::{BrokerError, GroupError, Groups, TopicError};
use twinkey_api::WorkspaceId;
use twinkey_kafka_admin::Cluster;
pub(super) async fn list(_: &Cluster, _: &WorkspaceId) -> Result<Groups, TopicError> {
    Err(BrokerError::Refused("not yet".into()).into())
}
pub(super) async fn delete(_: &Cluster, _: &str) -> Result<(), GroupError> {
    Err(BrokerError::Refused("not yet".into()).into())
}
