//! Topics: names and ids, found or made.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, client::Shared, portal::TopicDescription};

/// How often a topic that is being made is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Settings of a topic. What is `None` is left to the server when a topic is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TopicSettings {
    /// How many partitions.
    pub partitions: Option<i32>,
    /// How many copies.
    pub replication_factor: Option<i32>,
    /// How long messages are kept, in minutes; -1: for ever.
    pub retention_in_minutes: Option<i64>,
    /// How many bytes of each partition are kept; -1: no limit.
    pub retention_in_bytes: Option<i64>,
    /// `Delete`, `Compact` or `DeleteAndCompact`.
    pub cleanup_policy: Option<String>,
}

impl Shared {
    /// The topic, by name or id; made if it does not exist and may be made. It is ready when this returns.
    pub(crate) async fn topic(&self, asked: &str, create: Option<&TopicSettings>) -> Result<TopicDescription, Error> {
        let connection = self.credentials.get().await?;
        let workspace = &connection.workspace;
        let found = self.with_token(async |token| self.portal.topic(token, workspace, asked).await).await?;
        let mut topic = match (found, create) {
            (Some(topic), _) => topic,
            (None, Some(settings)) => {
                // `acme-orders` in workspace `acme` is an id; the name to create is what follows the workspace.
                let name = asked.strip_prefix(&format!("{workspace}-")).unwrap_or(asked);
                let settings = (*settings != TopicSettings::default()).then_some(settings);
                let made =
                    self.with_token(async |token| self.portal.create_topic(token, workspace, name, settings).await);
                match made.await? {
                    Some(topic) => topic,
                    None => self.look(workspace, name).await?,
                }
            }
            (None, None) => return Err(missing(asked, workspace)),
        };
        let ready = async {
            loop {
                match topic.status.as_str() {
                    "Ready" | "" => return Ok(topic),
                    "Error" | "Deleting" => {
                        let reason = topic.last_error.unwrap_or_else(|| format!("its status is {}", topic.status));
                        return Err(Error::TopicNotReady { topic: topic.name, reason });
                    }
                    _ => tokio::time::sleep(LOOK).await,
                }
                topic = self.look(workspace, &topic.name.clone()).await?;
            }
        };
        let limit = self.settings.topic_timeout;
        tokio::time::timeout(limit, ready).await.unwrap_or_else(|_| {
            Err(Error::TopicNotReady {
                topic: asked.to_owned(),
                reason: format!("it is still being made after {limit:?}"),
            })
        })
    }

    async fn look(&self, workspace: &str, name: &str) -> Result<TopicDescription, Error> {
        let topic = self.with_token(async |token| self.portal.topic(token, workspace, name).await).await?;
        topic.ok_or_else(|| missing(name, workspace))
    }
}

fn missing(topic: &str, workspace: &str) -> Error {
    Error::TopicMissing { topic: topic.to_owned(), workspace: workspace.to_owned() }
}
