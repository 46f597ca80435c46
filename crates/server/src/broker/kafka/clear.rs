//! Everything of a workspace that is being deleted, taken from a cluster.

use std::time::Duration;

use tokio::time::sleep;
use twinkey_api::WorkspaceId;
use twinkey_kafka_admin::Cluster;

use crate::broker::{BrokerError, TopicError};

/// So many times it is looked whether something is left: what is deleted is listed for a moment longer.
const ROUNDS: usize = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Deletes what begins with the workspace's prefix, until a look at all brokers finds nothing.
///
/// Members of a dead principal are refused everything, but stay in their groups until their sessions time out, and a group with
/// members cannot be deleted. So they are shown out; those of the protocol of Kafka 4 have to be waited for.
pub(super) async fn clear(cluster: &Cluster, workspace_id: &WorkspaceId) -> Result<(), TopicError> {
    let prefix = format!("{workspace_id}-");
    for _ in 0..ROUNDS {
        let found = cluster.groups(&prefix).await?;
        if let Some(silent) = found.silent.first() {
            let text = format!("broker {} does not tell which groups it has: {}", silent.broker.id, silent.reason);
            return Err(BrokerError::Unavailable(text).into());
        }
        for group in found.groups.iter().filter(|group| !group.members.is_empty()) {
            cluster.remove_members(group).await?;
        }
        let groups: Vec<_> = found.groups.into_iter().map(|group| group.id).collect();
        if !groups.is_empty() {
            cluster.delete_groups(&groups).await?;
        }
        let topics = cluster.delete_topics(&prefix).await?;
        if groups.is_empty() && topics == 0 {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err(BrokerError::Unavailable("topics or groups are still listed after they were deleted".into()).into())
}
