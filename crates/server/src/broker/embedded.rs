//! The embedded broker behind the common interface. It asks the registry who may sign in, so there is nothing to make
//! before a token is valid; and because it runs in this process, a cut-off is always proved.

mod reader;

use std::sync::Arc;

use twinkey_api::WorkspaceId;
use twinkey_embedded_broker::{self as embedded, ConfigChange, ConnectionInfo, DeleteGroupError, Principals, Scope};

use reader::EmbeddedReader;

use super::{
    Broker, BrokerError, Contents, CutOff, Endpoint, Group, GroupError, Groups, Member, NewTopic, PartitionContents,
    Principal, Reader, Topic, TopicChanges, TopicContents, TopicError,
};
use crate::Clock;

/// Partitions of a topic that does not say.
const PARTITIONS: i32 = 1;

/// The embedded broker.
pub struct Embedded {
    broker: embedded::Broker,
    endpoint: Endpoint,
}

impl Embedded {
    /// Starts it on `listener`.
    pub async fn start(
        config: embedded::BrokerConfig,
        endpoint: Endpoint,
        listener: tokio::net::TcpListener,
        principals: Arc<dyn Principals>,
        clock: Clock,
    ) -> Result<Self, embedded::StartError> {
        let broker = embedded::Broker::start(config, listener, principals, clock).await?;
        Ok(Self { broker, endpoint })
    }
}

#[async_trait::async_trait]
impl Broker for Embedded {
    fn kind(&self) -> &'static str {
        "embedded"
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    async fn topics(&self, workspace_id: &WorkspaceId) -> Result<Vec<Topic>, TopicError> {
        let topics = self.broker.topics(&Scope::of_workspace(workspace_id.as_str()));
        Ok(topics.into_iter().map(Into::into).collect())
    }

    async fn topic(&self, name: &str) -> Result<Option<Topic>, TopicError> {
        Ok(self.broker.topic(name).map(Into::into))
    }

    async fn create_topic(&self, new: NewTopic) -> Result<Topic, TopicError> {
        let new = embedded::NewTopic {
            name: new.name,
            partitions: new.partitions.unwrap_or(PARTITIONS),
            config: new.config.into_iter().collect(),
        };
        Ok(self.broker.create_topic(new)?.into())
    }

    async fn alter_topic(&self, name: &str, changes: TopicChanges) -> Result<Topic, TopicError> {
        let config = changes.config.into_iter().map(|(key, value)| ConfigChange::Set(key, value)).collect();
        let changes = embedded::TopicChanges { partitions: changes.partitions, config };
        Ok(self.broker.alter_topic(name, &changes)?.into())
    }

    async fn delete_topic(&self, name: &str) -> Result<(), TopicError> {
        Ok(self.broker.delete_topic(name)?)
    }

    async fn clean_topic(&self, name: &str) -> Result<(), TopicError> {
        Ok(self.broker.clean_topic(name)?)
    }

    async fn contents(&self, workspace_id: &WorkspaceId) -> Result<Contents, TopicError> {
        let topics = self.broker.contents(&Scope::of_workspace(workspace_id.as_str()));
        Ok(Contents { topics: topics.into_iter().map(contents_of).collect(), missing: Vec::new() })
    }

    async fn contents_of(&self, topic: &str) -> Result<Contents, TopicError> {
        let topics = self.broker.contents_of(topic).map(contents_of).into_iter().collect();
        Ok(Contents { topics, missing: Vec::new() })
    }

    async fn groups(&self, workspace_id: &WorkspaceId) -> Result<Groups, TopicError> {
        let groups = self.broker.describe_groups(&Scope::of_workspace(workspace_id.as_str()));
        Ok(Groups { groups: groups.into_iter().map(Into::into).collect(), silent: Vec::new() })
    }

    async fn delete_group(&self, id: &str) -> Result<(), GroupError> {
        self.broker.delete_group(id).map_err(|error| match error {
            DeleteGroupError::Unknown => GroupError::Unknown,
            DeleteGroupError::InUse => GroupError::InUse,
            DeleteGroupError::Storage => GroupError::Storage(error.to_string()),
        })
    }

    async fn reader(&self, topic: &str) -> Result<Box<dyn Reader>, TopicError> {
        Ok(Box::new(EmbeddedReader(self.broker.reader(topic).ok_or(TopicError::Unknown)?)))
    }

    async fn clear(&self, workspace_id: &WorkspaceId) -> Result<(), TopicError> {
        let scope = Scope::of_workspace(workspace_id.as_str());
        for topic in self.broker.topics(&scope) {
            match self.broker.delete_topic(&topic.name) {
                Ok(()) | Err(embedded::TopicError::Unknown) => {}
                Err(error) => return Err(error.into()),
            }
        }
        for group in self.broker.groups(&scope) {
            match self.broker.delete_group(&group) {
                Ok(()) | Err(DeleteGroupError::Unknown) => {}
                Err(error) => {
                    return Err(TopicError::Storage(format!("the consumer group {group} is still there: {error}")));
                }
            }
        }
        Ok(())
    }

    async fn make_principals(&self, _principals: &[Principal]) -> Result<(), BrokerError> {
        Ok(())
    }

    async fn ensure_principals(&self, _principals: &[Principal]) -> Result<(), BrokerError> {
        Ok(())
    }

    async fn cut_off(&self, principal: &str) -> CutOff {
        let connections_closed = self.broker.cut_off(principal).await.connections_closed;
        CutOff { connections_closed, open: Vec::new() }
    }

    fn connections(&self) -> Vec<ConnectionInfo> {
        self.broker.connections()
    }

    async fn shutdown(&self) {
        self.broker.shutdown().await;
    }
}

impl From<embedded::TopicDescription> for Topic {
    fn from(topic: embedded::TopicDescription) -> Self {
        Self {
            name: topic.name,
            partitions: topic.partitions,
            replication_factor: 1,
            retention_ms: topic.retention_ms,
            retention_bytes: topic.retention_bytes,
            cleanup_policy: topic.cleanup_policy,
            created_at: Some(topic.created_at),
            updated_at: Some(topic.updated_at),
        }
    }
}

impl From<embedded::TopicError> for TopicError {
    fn from(error: embedded::TopicError) -> Self {
        match error {
            embedded::TopicError::Exists | embedded::TopicError::SimilarName(_) => Self::Exists,
            embedded::TopicError::Unknown => Self::Unknown,
            embedded::TopicError::Io(error) => Self::Storage(error.to_string()),
            other => Self::Invalid(other.to_string()),
        }
    }
}

fn contents_of(topic: embedded::TopicContents) -> TopicContents {
    let partitions = (0..).zip(topic.partitions).map(|(partition, ends)| PartitionContents {
        partition,
        low: Some(ends.low),
        high: Some(ends.high),
        bytes: i64::try_from(ends.bytes).ok(),
        leader: None,
    });
    TopicContents { name: topic.name, partitions: partitions.collect() }
}

impl From<embedded::GroupDescription> for Group {
    fn from(group: embedded::GroupDescription) -> Self {
        let members = group.members.into_iter().map(|member| Member {
            id: member.id,
            client_id: member.client_id,
            host: member.host,
            principal: Some(member.principal),
        });
        Self {
            id: group.id,
            state: group.state.to_owned(),
            protocol_type: group.protocol_type,
            members: members.collect(),
            committed: group.committed,
        }
    }
}
