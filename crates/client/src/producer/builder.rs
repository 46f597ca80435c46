//! Settings of a producer.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;

use super::{Producer, transaction::TransactionalProducer};
use crate::{Error, QuixStreamingClient, credentials::Connection, topic::TopicSettings};

/// Makes a [`Producer`].
#[derive(Debug, Clone)]
#[must_use = "nothing happens until build is called"]
pub struct ProducerBuilder {
    client: QuixStreamingClient,
    topic: String,
    topic_settings: TopicSettings,
    properties: BTreeMap<String, String>,
}

impl ProducerBuilder {
    pub(crate) fn new(client: &QuixStreamingClient, topic: &str) -> Self {
        let (topic, properties) = (topic.to_owned(), BTreeMap::new());
        Self { client: client.clone(), topic, topic_settings: TopicSettings::default(), properties }
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

    /// The producer, when the broker has accepted the credentials and knows the topic.
    pub async fn build(self) -> Result<Producer, Error> {
        let topic = self.client.topic_id(&self.topic, &self.topic_settings).await?;
        let client = self.client.shared;
        let (common, own, limit) =
            (client.settings.properties.clone(), self.properties, client.settings.delivery_timeout);
        let config = move |connection: &Connection| config(connection, limit, &[&common, &own]);
        Producer::open(client, topic, Box::new(config)).await
    }

    /// A producer that sends in transactions. The id is prefixed with the workspace; two producers with the same id fence
    /// each other. Twinkey's embedded broker has no transactions; Apache Kafka has.
    pub async fn transactional(self, transactional_id: &str) -> Result<TransactionalProducer, Error> {
        let topic = self.client.topic_id(&self.topic, &self.topic_settings).await?;
        let connection = self.client.connection().await?;
        let settings = &self.client.shared.settings;
        let mut config = config(&connection, settings.delivery_timeout, &[&settings.properties, &self.properties]);
        config.set("transactional.id", connection.in_scope(transactional_id));
        // librdkafka wants a transaction to have at least as much time as one of its messages.
        let transaction_timeout = settings.delivery_timeout.max(std::time::Duration::from_mins(1));
        if config.get("transaction.timeout.ms").is_none() {
            config.set("transaction.timeout.ms", transaction_timeout.as_millis().to_string());
        }
        TransactionalProducer::open(
            &config,
            connection.clone(),
            topic,
            settings.connect_timeout,
            settings.delivery_timeout,
        )
        .await
    }
}

/// What the client sets, and then what the program sets.
fn config(
    connection: &Connection,
    delivery_timeout: std::time::Duration,
    properties: &[&BTreeMap<String, String>],
) -> ClientConfig {
    let mut config = connection.config();
    config
        .set("enable.idempotence", "true")
        // As the Java client and quixstreams place keys.
        .set("partitioner", "murmur2_random")
        .set("delivery.timeout.ms", delivery_timeout.as_millis().to_string())
        // A broker that restarts is found again soon.
        .set("reconnect.backoff.max.ms", "1000");
    for (key, value) in properties.iter().flat_map(|map| map.iter()) {
        config.set(key, value);
    }
    config
}
