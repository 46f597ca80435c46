//! The broker as its owner sees it: start, topics, cut-off, shutdown.

mod config;
mod contents;
mod description;
mod shared;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use config::{BrokerConfig, Limits};
pub use contents::{
    DeleteGroupError, GroupDescription, GroupMember, PartitionEnds, PartitionRead, PartitionReadError, TopicContents,
    TopicReader,
};
pub use description::{TopicChanges, TopicDescription};
pub(crate) use shared::Shared;

use crate::{
    Scope,
    clock::Clock,
    connection::{self, ConnectionInfo, Credentials, Table},
    groups::GroupCoordinator,
    topics::{Catalogue, NewTopic, OpenError, TopicError},
};

/// How often old records are looked for.
const RETENTION_EVERY: Duration = Duration::from_mins(1);

/// A principal that may sign in now.
pub struct KnownPrincipal {
    /// The password that SCRAM and PLAIN prove.
    pub password: String,
    /// What it may touch.
    pub scope: Scope,
}

/// Who may sign in. Asked at every sign-in, so that there is one source of truth for valid tokens.
pub trait Principals: Send + Sync + 'static {
    /// The principal `name`, or `None` if there is none or it was cut off. Called on async threads: answer from memory.
    fn find(&self, name: &str) -> Option<KnownPrincipal>;

    /// Told of each sign-in, once the client has proved who it is. Answers whether the principal is still known: it may have
    /// been cut off since it was found.
    fn signed_in(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Where the use of a signed-in connection is counted; `None`: nowhere. Asked behind [`Principals::signed_in`], and again
    /// when the connection changes its `client.id`. Called on async threads: answer from memory.
    fn meter(&self, _connection: &ConnectionInfo) -> Option<Arc<dyn Meter>> {
        None
    }

    /// Told of each sign-in with a name that [`Principals::find`] does not know, `since` now. Nothing is proved about who that
    /// is: names of principals are no secrets. Called on async threads: note it and return.
    fn unknown(&self, _attempt: ConnectionInfo) {}
}

/// Counts the use of connections.
pub trait Meter: Send + Sync + 'static {
    /// So many requests came, or so many bytes went back and forth. Called for each request: add numbers up and return.
    fn count(&self, requests: u64, bytes: u64, now: Timestamp);
}

/// Why a broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The topics on disk cannot be opened.
    #[error(transparent)]
    Topics(#[from] OpenError),
    /// The groups on disk cannot be opened.
    #[error("cannot open the committed offsets: {0}")]
    Groups(io::Error),
    /// The listener is not usable.
    #[error("the broker's listener is not usable: {0}")]
    Listener(io::Error),
}

/// What a cut-off has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutOff {
    /// How many connections of the principal were open.
    pub connections_closed: usize,
}

/// The running broker. Dropping it ends everything at once; [`Broker::shutdown`] does so politely.
pub struct Broker {
    shared: Arc<Shared>,
    local_addr: SocketAddr,
    tasks: TaskTracker,
}

impl Broker {
    /// Opens what is on disk and begins to accept connections on `listener`.
    pub async fn start(
        config: BrokerConfig,
        listener: TcpListener,
        principals: Arc<dyn Principals>,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let local_addr = listener.local_addr().map_err(StartError::Listener)?;
        let (dir, opening_clock) = (config.data_dir.clone(), Arc::clone(&clock));
        let opening = spawn_blocking(move || {
            let topics = Catalogue::open(&dir, Arc::clone(&opening_clock))?;
            let groups = GroupCoordinator::open(&dir, opening_clock).map_err(StartError::Groups)?;
            Ok::<_, StartError>((topics, groups))
        });
        let (topics, groups) = opening.await.expect("opening neither panics nor is aborted")?;
        let shared = Arc::new(Shared {
            advertised_port: if config.advertised_port == 0 { local_addr.port() } else { config.advertised_port },
            config,
            clock,
            topics,
            groups,
            principals,
            credentials: Credentials::new(),
            connections: Arc::new(Table::default()),
            stopping: CancellationToken::new(),
        });
        let tasks = TaskTracker::new();
        tasks.spawn(connection::accept(Arc::clone(&shared), listener, tasks.clone()));
        tasks.spawn(apply_retention(Arc::downgrade(&shared), shared.stopping.clone()));
        Ok(Self { shared, local_addr, tasks })
    }

    /// Where the broker listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The topics of a scope, sorted by name.
    pub fn topics(&self, scope: &Scope) -> Vec<TopicDescription> {
        self.shared.topics.list(scope).iter().map(|topic| TopicDescription::of(topic)).collect()
    }

    /// The topic with this full name.
    pub fn topic(&self, name: &str) -> Option<TopicDescription> {
        self.shared.topics.get(name).map(|topic| TopicDescription::of(&topic))
    }

    /// Creates a topic. Clients can use it when this returns.
    pub fn create_topic(&self, new: NewTopic) -> Result<TopicDescription, TopicError> {
        self.shared.topics.create(new).map(|topic| TopicDescription::of(&topic))
    }

    /// Changes a topic: everything is checked before anything is changed.
    pub fn alter_topic(&self, name: &str, changes: &TopicChanges) -> Result<TopicDescription, TopicError> {
        let topics = &self.shared.topics;
        let topic = topics.get(name).ok_or(TopicError::Unknown)?;
        // Asking for as many as there are is no change, and no error, unlike in Kafka's own API.
        let count = i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX);
        let more = changes.partitions.filter(|total| *total != count);
        if let Some(total) = more {
            topics.validate_partitions(name, total)?;
        }
        if !changes.config.is_empty() {
            topics.alter_config(name, &changes.config)?;
        }
        if let Some(total) = more {
            topics.add_partitions(name, total)?;
        }
        Ok(TopicDescription::of(&topic))
    }

    /// Deletes a topic, its records and what groups committed on it.
    pub fn delete_topic(&self, name: &str) -> Result<(), TopicError> {
        self.shared.delete_topic(name)
    }

    /// Deletes all records of a topic.
    pub fn clean_topic(&self, name: &str) -> Result<(), TopicError> {
        self.shared.topics.clean(name)
    }

    /// The consumer groups of a scope, sorted by id.
    pub fn groups(&self, scope: &Scope) -> Vec<String> {
        self.shared.groups.list(scope).into_iter().map(|group| group.group_id).collect()
    }

    /// Cuts a principal off. [`Principals::find`] must not know it any more *before* this is called.
    ///
    /// When this returns, every connection of the principal is closed, its last request has ended, nothing of it will be
    /// carried out any more, its group members have left, and it cannot sign in.
    pub async fn cut_off(&self, principal: &str) -> CutOff {
        let ending = self.shared.connections.cut_off(principal);
        for ended in &ending {
            ended.cancelled().await;
        }
        self.shared.credentials.forget(principal);
        self.shared.groups.remove_principal(principal);
        if !ending.is_empty() {
            tracing::info!(principal, connections = ending.len(), "principal cut off");
        }
        CutOff { connections_closed: ending.len() }
    }

    /// The signed-in connections, oldest first.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        self.shared.connections.list()
    }

    /// Stops: no new connections, requests in progress may end within [`Limits::shutdown`], then everything ends.
    pub async fn shutdown(&self) {
        self.shared.stopping.cancel();
        self.tasks.close();
        if timeout(self.shared.config.limits.shutdown, self.tasks.wait()).await.is_err() {
            self.shared.connections.end_all();
            self.tasks.wait().await;
        }
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || shared.topics.checkpoint()).await.expect("a checkpoint neither panics nor is aborted");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.shared.stopping.cancel();
        self.shared.connections.end_all();
    }
}

/// Deletes old records every minute. Holds the broker weakly, so that it does not keep it alive.
async fn apply_retention(shared: Weak<Shared>, stopping: CancellationToken) {
    let mut ticks = interval(RETENTION_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let applied = spawn_blocking(move || shared.topics.apply_retention((shared.clock)())).await;
        if let Err(error) = applied {
            tracing::error!(%error, "retention failed");
        }
    }
}
