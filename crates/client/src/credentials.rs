//! From a token to a connection, and from a dead token to the next one.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rdkafka::ClientConfig;
use tokio::sync::{broadcast, watch};

use crate::{Error, Event, SdkToken, TokenSource, portal::Portal};

/// What one token turned into. Never changes; a move to another token makes a new one with a higher epoch.
pub(crate) struct Connection {
    /// Counts the moves.
    pub(crate) epoch: u64,
    /// The workspace's id.
    pub(crate) workspace: String,
    /// The end of the token, for people.
    pub(crate) token: String,
    /// The bootstrap servers, for people.
    pub(crate) address: String,
    settings: BTreeMap<String, String>,
    secret: SdkToken,
    /// Which of the sources it came from.
    source: usize,
}

impl Connection {
    /// The connection's settings for librdkafka.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (key, value) in &self.settings {
            config.set(key, value);
        }
        config
    }

    /// Whether an id or a name's prefix is of this workspace.
    pub(crate) fn in_scope(&self, name: &str) -> String {
        let prefix = format!("{}-", self.workspace);
        if name.starts_with(&prefix) { name.to_owned() } else { prefix + name }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({} with the token ending in {}, epoch {})", self.workspace, self.token, self.epoch)
    }
}

/// The token that is used now, and what to do when it dies.
pub(crate) struct Credentials {
    portal: Arc<Portal>,
    sources: Vec<TokenSource>,
    workspace: Option<String>,
    /// One at a time asks the API, so that many producers that lose their connections at once cause one question.
    asking: tokio::sync::Mutex<()>,
    current: Mutex<Option<Arc<Connection>>>,
    epoch: watch::Sender<u64>,
    events: broadcast::Sender<Event>,
}

impl Credentials {
    pub(crate) fn new(
        portal: Arc<Portal>,
        sources: Vec<TokenSource>,
        workspace: Option<String>,
        events: broadcast::Sender<Event>,
    ) -> Self {
        Self {
            portal,
            sources,
            workspace,
            asking: tokio::sync::Mutex::default(),
            current: Mutex::default(),
            epoch: watch::Sender::new(0),
            events,
        }
    }

    /// The connection of now, acquired if there is none yet.
    pub(crate) async fn get(&self) -> Result<Arc<Connection>, Error> {
        if let Some(connection) = self.current() {
            return Ok(connection);
        }
        let _asking = self.asking.lock().await;
        match self.current() {
            Some(connection) => Ok(connection),
            None => self.acquire(0, None).await,
        }
    }

    /// Asks again, because what belongs to `epoch` was refused. Answers the same connection if the API still calls its token
    /// valid, else one with another token.
    pub(crate) async fn renew(&self, epoch: u64) -> Result<Arc<Connection>, Error> {
        let _asking = self.asking.lock().await;
        match self.current() {
            Some(connection) if connection.epoch > epoch => Ok(connection),
            before => self.acquire(before.as_ref().map_or(0, |it| it.source), before.as_deref()).await,
        }
    }

    /// Moves to the token after the one in use, if there is one and it is valid.
    pub(crate) async fn advance(&self) -> Result<Arc<Connection>, Error> {
        let before = self.get().await?;
        let _asking = self.asking.lock().await;
        // Not the others after it: that the next one is dead is what the caller has to know before he rotates.
        let connection = self.connect((before.source + 1) % self.sources.len(), Some(&before)).await?;
        Ok(self.publish(connection, Some(&before)))
    }

    /// The token to call the API with.
    pub(crate) async fn token(&self) -> Result<(u64, SdkToken), Error> {
        let connection = self.get().await?;
        Ok((connection.epoch, connection.secret.clone()))
    }

    /// Tells of every move.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.epoch.subscribe()
    }

    /// The connection of now, if one was acquired.
    pub(crate) fn current(&self) -> Option<Arc<Connection>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a file among the sources holds another token than the one in use.
    pub(crate) fn file_changed(&self) -> bool {
        let Some(connection) = self.current() else { return false };
        let source = &self.sources[connection.source];
        // A file that is being replaced may be missing or empty for a moment.
        matches!(source, TokenSource::File(_)) && source.read().is_ok_and(|token| token != connection.secret)
    }

    /// Whether any token comes from a file.
    pub(crate) fn has_file(&self) -> bool {
        self.sources.iter().any(|source| matches!(source, TokenSource::File(_)))
    }

    /// Tries all sources, beginning with `first`, until one has a valid token.
    async fn acquire(&self, first: usize, before: Option<&Connection>) -> Result<Arc<Connection>, Error> {
        let mut dead = None;
        for step in 0..self.sources.len() {
            let source = (first + step) % self.sources.len();
            match self.connect(source, before).await {
                Ok(connection) => return Ok(self.publish(connection, before)),
                Err(error) if error.is_dead_token() => {
                    tracing::debug!("{error}");
                    // The first refusal is of the token that was in use: the one to tell of.
                    dead.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(dead.unwrap_or(Error::NoToken))
    }

    async fn connect(&self, source: usize, before: Option<&Connection>) -> Result<Connection, Error> {
        let secret = self.sources[source].read()?;
        let workspace = match (&self.workspace, before) {
            (Some(workspace), _) => workspace.clone(),
            (None, Some(before)) => before.workspace.clone(),
            (None, None) => {
                let mut workspaces = self.portal.workspaces(&secret).await?;
                match workspaces.len() {
                    1 => workspaces.remove(0),
                    several => return Err(Error::WorkspaceUnclear(several)),
                }
            }
        };
        let settings = self.portal.librdkafka(&secret, &workspace).await?;
        let address = settings.get("bootstrap.servers").cloned().unwrap_or_default();
        let epoch = before.map_or(1, |before| before.epoch + 1);
        Ok(Connection { epoch, workspace, token: secret.masked(), address, settings, secret, source })
    }

    fn publish(&self, connection: Connection, before: Option<&Connection>) -> Arc<Connection> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = current.as_ref()
            && same.settings == connection.settings
            && same.secret == connection.secret
        {
            return Arc::clone(same);
        }
        let connection = Arc::new(connection);
        *current = Some(Arc::clone(&connection));
        drop(current);
        if let Some(before) = before {
            tracing::info!(
                "moved from the SDK token ending in {} to the one ending in {}",
                before.token,
                connection.token
            );
            let event = Event::TokenChanged { from: before.token.clone(), to: connection.token.clone() };
            // Nobody may be listening.
            let _ = self.events.send(event);
        }
        self.epoch.send_replace(connection.epoch);
        connection
    }
}
