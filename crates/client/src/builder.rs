//! Settings of a client.

use std::{collections::BTreeMap, time::Duration};

use crate::{Error, QuixStreamingClient, TokenSource, client::Settings, portal::Portal};

/// Makes a [`QuixStreamingClient`]. What is not set comes from the variables that every Quix client reads:
/// `Quix__Sdk__Token`, `Quix__Portal__Api` and `Quix__Workspace__Id`.
#[derive(Debug, Clone)]
#[must_use = "nothing happens until build is called"]
pub struct ClientBuilder {
    token: Option<TokenSource>,
    fallbacks: Vec<TokenSource>,
    portal_api: Option<String>,
    workspace: Option<String>,
    create_topics: bool,
    api_timeout: Duration,
    topic_timeout: Duration,
    connect_timeout: Duration,
    delivery_timeout: Duration,
    properties: BTreeMap<String, String>,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            token: None,
            fallbacks: Vec::new(),
            portal_api: None,
            workspace: None,
            create_topics: true,
            api_timeout: Duration::from_secs(10),
            topic_timeout: Duration::from_mins(1),
            connect_timeout: Duration::from_secs(15),
            delivery_timeout: Duration::from_mins(2),
            properties: BTreeMap::new(),
        }
    }
}

impl ClientBuilder {
    /// The token: a text, a file (`PathBuf`), or a callback in a [`TokenSource`].
    pub fn token(mut self, token: impl Into<TokenSource>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// A token to move to when the first one dies; may be given several times. Meant for Token 2, in a variable that you
    /// control. An empty text is no token, so that the variable may be unset.
    pub fn fallback(mut self, token: impl Into<TokenSource>) -> Self {
        self.fallbacks.push(token.into());
        self
    }

    /// The API's address, instead of `Quix__Portal__Api`.
    pub fn portal_api(mut self, address: impl Into<String>) -> Self {
        self.portal_api = Some(address.into());
        self
    }

    /// The workspace, instead of `Quix__Workspace__Id`; an SDK token knows its own.
    pub fn workspace_id(mut self, id: impl Into<String>) -> Self {
        self.workspace = Some(id.into());
        self
    }

    /// Whether topics that do not exist are made. They are by default.
    pub fn create_topics(mut self, create: bool) -> Self {
        self.create_topics = create;
        self
    }

    /// How long a call of the API may take, retries included; 10 seconds by default.
    pub fn api_timeout(mut self, limit: Duration) -> Self {
        self.api_timeout = limit;
        self
    }

    /// How long a new topic may take to become ready; a minute by default.
    pub fn topic_timeout(mut self, limit: Duration) -> Self {
        self.topic_timeout = limit;
        self
    }

    /// How long the broker may take to answer at first, and how long a consumer waits for one that has gone before it says
    /// so; 15 seconds by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long a message may take to be acknowledged, retries included; 2 minutes by default.
    pub fn delivery_timeout(mut self, limit: Duration) -> Self {
        self.delivery_timeout = limit;
        self
    }

    /// A setting of librdkafka, for all producers and consumers of the client; stronger than what the client sets itself.
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(key.into(), value.into());
        self
    }

    /// The client. Reads the variables, and asks nothing of the network yet.
    pub fn build(self) -> Result<QuixStreamingClient, Error> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let given = |source: &TokenSource| !matches!(source, TokenSource::Fixed(token) if token.expose().is_empty());
        let token = self.token.filter(given).or_else(|| variable("Quix__Sdk__Token").map(Into::into));
        let mut sources = vec![token.ok_or(Error::NoToken)?];
        sources.extend(self.fallbacks.into_iter().filter(given));
        let api = self.portal_api.or_else(|| variable("Quix__Portal__Api")).ok_or(Error::NoApi)?;
        let workspace = self.workspace.or_else(|| variable("Quix__Workspace__Id"));
        let portal = Portal::new(api.trim(), self.api_timeout)?;
        let settings = Settings {
            create_topics: self.create_topics,
            topic_timeout: self.topic_timeout,
            connect_timeout: self.connect_timeout,
            delivery_timeout: self.delivery_timeout,
            properties: self.properties,
        };
        Ok(QuixStreamingClient::from_parts(portal, sources, workspace, settings))
    }
}
