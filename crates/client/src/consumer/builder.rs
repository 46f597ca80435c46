//! Settings of a consumer.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher},
};

use rdkafka::ClientConfig;

use super::{Commit, Consumer, Start};
use crate::{Error, QuixStreamingClient, credentials::Connection, topic::TopicSettings};

/// Makes a [`Consumer`].
#[derive(Debug, Clone)]
#[must_use = "nothing happens until build is called"]
pub struct ConsumerBuilder {
    client: QuixStreamingClient,
    topic: String,
    topic_settings: TopicSettings,
    group: Option<String>,
    start: Start,
    commit: Commit,
    stop_at_end: bool,
    properties: BTreeMap<String, String>,
}

impl ConsumerBuilder {
    pub(crate) fn new(client: &QuixStreamingClient, topic: &str) -> Self {
        Self {
            client: client.clone(),
            topic: topic.to_owned(),
            topic_settings: TopicSettings::default(),
            group: None,
            start: Start::Earliest,
            commit: Commit::Automatic,
            stop_at_end: false,
            properties: BTreeMap::new(),
        }
    }

    /// The consumer group: its members share the partitions, and what was committed is not read again.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Where to begin: a member of a group in partitions for which nothing was committed, a consumer without a group always.
    /// From the first message by default. A group cannot begin at an offset or a time; seek instead.
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// How a member of a group commits what it has read; automatically by default.
    pub fn commit(mut self, commit: Commit) -> Self {
        self.commit = commit;
        self
    }

    /// End when everything that is there has been read, instead of waiting for more.
    pub fn stop_at_end(mut self, stop: bool) -> Self {
        self.stop_at_end = stop;
        self
    }

    /// Settings for the topic if it has to be made.
    pub fn topic_settings(mut self, settings: TopicSettings) -> Self {
        self.topic_settings = settings;
        self
    }

    /// A setting of librdkafka; stronger than what the client sets itself.
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(key.into(), value.into());
        self
    }

    /// The consumer, when the broker has accepted the credentials and knows the topic.
    pub async fn build(self) -> Result<Consumer, Error> {
        if self.group.is_some() && !matches!(self.start, Start::Earliest | Start::Latest) {
            let reason = "a group begins where it has committed; seek, or read without a group".into();
            return Err(Error::Setting { key: "start".into(), value: format!("{:?}", self.start), reason });
        }
        let topic = self.client.topic_id(&self.topic, &self.topic_settings).await?;
        let connection = self.client.connection().await?;
        // librdkafka asks for a name even where there is no group; as the original client, a random one in the workspace.
        let random = || format!("{:010x}", std::hash::RandomState::new().build_hasher().finish() & 0xff_ffff_ffff);
        let group = connection.in_scope(&self.group.clone().unwrap_or_else(random));
        let (common, own) = (self.client.shared.settings.properties.clone(), self.properties);
        let commits = self.group.is_some() && self.commit == Commit::Automatic;
        let (start, stop_at_end) = (self.start, self.stop_at_end);
        let id = group.clone();
        let config = move |connection: &Connection| -> ClientConfig {
            let mut config = connection.config();
            config
                .set("group.id", &id)
                .set("enable.auto.commit", if commits { "true" } else { "false" })
                // The program is done with a message when it asks for the next one, not when librdkafka has handed it over.
                .set("enable.auto.offset.store", "false")
                .set("auto.offset.reset", if matches!(start, Start::Latest) { "latest" } else { "earliest" })
                .set("enable.partition.eof", if stop_at_end { "true" } else { "false" })
                .set("reconnect.backoff.max.ms", "1000");
            for (key, value) in common.iter().chain(&own) {
                config.set(key, value);
            }
            config
        };
        let member = self.group.is_some();
        Consumer::open(self.client.shared, topic, group, member, start, stop_at_end, Box::new(config)).await
    }
}
