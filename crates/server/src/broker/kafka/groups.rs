//! Consumer groups of a cluster.

use twinkey_api::WorkspaceId;
use twinkey_kafka_admin::{Cluster, Refusal, groups as admin};

use crate::broker::{Group, GroupError, Groups, Member, TopicError};

pub(super) async fn list(cluster: &Cluster, workspace_id: &WorkspaceId) -> Result<Groups, TopicError> {
    let found = cluster.groups_with_offsets(&format!("{workspace_id}-")).await?;
    let silent = found.silent.iter().map(|silent| {
        format!("Broker {} does not tell which consumer groups it has: {}.", silent.broker.id, silent.reason)
    });
    Ok(Groups { silent: silent.collect(), groups: found.groups.into_iter().map(Into::into).collect() })
}

pub(super) async fn delete(cluster: &Cluster, id: &str) -> Result<(), GroupError> {
    cluster.delete_group(id).await.map_err(|error| match error.refusal() {
        Some(Refusal::NotFound) => GroupError::Unknown,
        Some(Refusal::InUse) => GroupError::InUse,
        _ => GroupError::Broker(error.into()),
    })
}

impl From<admin::Group> for Group {
    fn from(group: admin::Group) -> Self {
        // Kafka does not tell as whom a member signed in.
        let member = |it: admin::Member| Member { id: it.id, client_id: it.client_id, host: it.host, principal: None };
        Self {
            id: group.id,
            state: group.state,
            protocol_type: group.protocol_type,
            members: group.members.into_iter().map(member).collect(),
            committed: group.committed,
        }
    }
}
