//! [`QuixStreamingClient`]: where everything begins.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::sync::broadcast;

use crate::{
    Error, Event, SdkToken, TokenSource, Topics,
    builder::ClientBuilder,
    consumer::{Consumer, ConsumerBuilder},
    credentials::{Connection, Credentials},
    portal::Portal,
    producer::{Producer, ProducerBuilder},
    topic::TopicSettings,
};

/// How often a file that holds a token is looked at.
const FILE_INTERVAL: Duration = Duration::from_secs(1);

/// A client of one workspace, which one SDK token names.
///
/// Nothing is asked of the network until something is needed. Clones share everything.
#[derive(Clone)]
pub struct QuixStreamingClient {
    pub(crate) shared: Arc<Shared>,
}

/// What all handles of one client share.
pub(crate) struct Shared {
    pub(crate) portal: Arc<Portal>,
    pub(crate) credentials: Credentials,
    pub(crate) settings: Settings,
    pub(crate) events: broadcast::Sender<Event>,
    watching: std::sync::Once,
}

/// What was set on the builder.
pub(crate) struct Settings {
    pub(crate) create_topics: bool,
    pub(crate) topic_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) delivery_timeout: Duration,
    pub(crate) properties: BTreeMap<String, String>,
}

impl QuixStreamingClient {
    /// A client with this token; the API is taken from `Quix__Portal__Api`, the workspace from `Quix__Workspace__Id` or, if
    /// that is not set, from the token.
    pub fn new(token: impl Into<TokenSource>) -> Result<Self, Error> {
        Self::builder().token(token).build()
    }

    /// A client with the token in `Quix__Sdk__Token`.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().build()
    }

    /// A client that moves to `fallback` when `token` dies, for a rotation that the program does not notice.
    pub fn with_fallback(token: impl Into<TokenSource>, fallback: impl Into<TokenSource>) -> Result<Self, Error> {
        Self::builder().token(token).fallback(fallback).build()
    }

    /// A client with more settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) fn from_parts(
        portal: Portal,
        sources: Vec<TokenSource>,
        workspace: Option<String>,
        settings: Settings,
    ) -> Self {
        let portal = Arc::new(portal);
        let events = broadcast::Sender::new(256);
        let credentials = Credentials::new(Arc::clone(&portal), sources, workspace, events.clone());
        let watching = std::sync::Once::new();
        Self { shared: Arc::new(Shared { portal, credentials, settings, events, watching }) }
    }

    /// A producer for a topic, given by name or id. The topic is made if it does not exist.
    pub async fn producer(&self, topic: &str) -> Result<Producer, Error> {
        self.producer_builder(topic).build().await
    }

    /// A producer with more settings.
    pub fn producer_builder(&self, topic: &str) -> ProducerBuilder {
        ProducerBuilder::new(self, topic)
    }

    /// A consumer of a topic, given by name or id, as a member of a consumer group. The group's name is prefixed with the
    /// workspace, as all Quix clients do. The topic is made if it does not exist.
    pub async fn consumer(&self, topic: &str, group: &str) -> Result<Consumer, Error> {
        self.consumer_builder(topic).group(group).build().await
    }

    /// A consumer with more settings; without a group it reads all partitions and commits nothing.
    pub fn consumer_builder(&self, topic: &str) -> ConsumerBuilder {
        ConsumerBuilder::new(self, topic)
    }

    /// The topics of the workspace.
    pub fn topics(&self) -> Topics {
        Topics { shared: Arc::clone(&self.shared) }
    }

    /// The workspace's id.
    pub async fn workspace_id(&self) -> Result<String, Error> {
        Ok(self.connection().await?.workspace.clone())
    }

    /// Everything that librdkafka needs to connect, for those who want to go on with it alone. It contains the password of the
    /// token's principal.
    pub async fn librdkafka_config(&self) -> Result<rdkafka::ClientConfig, Error> {
        let mut config = self.connection().await?.config();
        for (key, value) in &self.shared.settings.properties {
            config.set(key, value);
        }
        Ok(config)
    }

    /// What the client tells without being asked: moves to another token, rebalances, lost connections. A receiver that is
    /// not read loses the oldest events.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.shared.events.subscribe()
    }

    /// Moves to the next token (see [`ClientBuilder::fallback`]) before the one in use dies. Each producer finishes what is on
    /// its way first and then follows, which [`Event::ProducerMoved`] tells, so nothing is sent twice. This is the rotation
    /// without downtime: move, then rotate. If the next token is
    /// not valid this is an error, and everything stays as it was.
    pub async fn use_fallback(&self) -> Result<(), Error> {
        self.connection().await?;
        self.shared.credentials.advance().await?;
        Ok(())
    }

    /// Acquires the credentials, if that has not happened yet.
    pub(crate) async fn connection(&self) -> Result<Arc<Connection>, Error> {
        let connection = self.shared.credentials.get().await?;
        if self.shared.credentials.has_file() {
            self.shared.watching.call_once(|| {
                tokio::spawn(watch_files(Arc::downgrade(&self.shared)));
            });
        }
        Ok(connection)
    }

    /// The topic; made if that was not switched off.
    pub(crate) async fn topic_id(&self, topic: &str, settings: &TopicSettings) -> Result<String, Error> {
        self.connection().await?;
        let create = self.shared.settings.create_topics.then_some(settings);
        Ok(self.shared.topic(topic, create).await?.id)
    }
}

impl Shared {
    /// Calls the API with the token of now; once more with the next one if this one is dead.
    pub(crate) async fn with_token<T>(&self, call: impl AsyncFn(&SdkToken) -> Result<T, Error>) -> Result<T, Error> {
        let (epoch, token) = self.credentials.token().await?;
        match call(&token).await {
            Err(error) if error.is_dead_token() => {
                let renewed = self.credentials.renew(epoch).await?;
                if renewed.epoch == epoch {
                    return Err(error);
                }
                call(&self.credentials.token().await?.1).await
            }
            answer => answer,
        }
    }
}

impl std::fmt::Debug for QuixStreamingClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let connection = self.shared.credentials.current();
        f.debug_struct("QuixStreamingClient")
            .field("api", &self.shared.portal.address)
            .field("connection", &connection)
            .finish()
    }
}

/// Picks up a token that was written into its file, as long as the client lives.
async fn watch_files(client: Weak<Shared>) {
    loop {
        tokio::time::sleep(FILE_INTERVAL).await;
        let Some(shared) = client.upgrade() else { return };
        if shared.credentials.file_changed()
            && let Some(connection) = shared.credentials.current()
            && let Err(error) = shared.credentials.renew(connection.epoch).await
        {
            tracing::warn!("the new token in the file cannot be used: {error}");
        }
    }
}
