//! The broker that clients stream through: one interface, two ways to keep it.
//!
//! The *embedded* broker runs in this process and asks the registry who may sign in, so a principal lives and dies there
//! with its token. *Apache Kafka* keeps principals of its own: they are made before a token is valid and cut off after it
//! died, and what a cluster has shown is all that is ever claimed about it. Handlers know this interface only.

mod contents;
mod embedded;
mod error;
pub mod kafka;
pub mod reconciler;
mod topic;

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use twinkey_api::{WorkspaceId, token_pair::OpenBroker};
use twinkey_embedded_broker::ConnectionInfo;
use zeroize::Zeroizing;

use crate::ca;

pub use contents::{
    Batches, Contents, Ends, FetchError, Fetched, Group, GroupError, Groups, Member, PartitionContents, Reader,
    TopicContents,
};
pub use embedded::Embedded;
pub use error::{BrokerError, TopicError};
pub use kafka::{Kafka, KafkaSettings};
pub use reconciler::Reconciler;
pub use topic::{NewTopic, Topic, TopicChanges};

/// How clients reach the broker.
#[derive(Clone)]
pub struct Endpoint {
    /// `host:port`, comma separated.
    pub address: String,
    /// The certificate authority that clients have to be given; absent where they trust it anyway.
    pub ca: Option<Ca>,
}

/// A certificate authority in the two forms that clients fetch.
#[derive(Clone)]
pub struct Ca {
    /// PEM in base64.
    pub base64: String,
    /// A zip archive with the PEM as `ca.cert`.
    pub zip: Bytes,
}

impl Ca {
    /// Both forms of `pem`.
    pub fn of(pem: &str) -> Self {
        let zip = ca::zip_archive(pem).expect("writing to memory does not fail").into();
        Self { base64: STANDARD.encode(pem), zip }
    }
}

/// A principal to be made: the broker's user for one token.
#[derive(Clone)]
pub struct Principal {
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: Zeroizing<String>,
    /// The workspace that it may stream in.
    pub workspace_id: WorkspaceId,
    /// Whether it may use transactional ids without the workspace's prefix: a setting of the workspace.
    pub any_transactional_id: bool,
}

impl fmt::Debug for Principal {
    /// Without the password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Principal").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What is known after a cut-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    /// How many of the principal's connections were closed; 0 where the broker does not tell.
    pub connections_closed: usize,
    /// What may still serve the principal. Empty: nothing does, and that is proved.
    pub open: Vec<OpenBroker>,
}

impl CutOff {
    /// Whether it is proved that nothing serves the principal any more.
    pub fn is_proved(&self) -> bool {
        self.open.is_empty()
    }
}

/// The broker behind the API.
#[async_trait::async_trait]
pub trait Broker: Send + Sync + 'static {
    /// What it is, in a word or two for people.
    fn kind(&self) -> &'static str;

    /// What clients are told.
    fn endpoint(&self) -> &Endpoint;

    /// The workspace's topics, sorted by name.
    async fn topics(&self, workspace_id: &WorkspaceId) -> Result<Vec<Topic>, TopicError>;

    /// The topic with this full name.
    async fn topic(&self, name: &str) -> Result<Option<Topic>, TopicError>;

    /// Creates a topic. Clients can use it when this returns.
    async fn create_topic(&self, new: NewTopic) -> Result<Topic, TopicError>;

    /// Changes a topic; what is not named stays.
    async fn alter_topic(&self, name: &str, changes: TopicChanges) -> Result<Topic, TopicError>;

    /// Deletes a topic and its records.
    async fn delete_topic(&self, name: &str) -> Result<(), TopicError>;

    /// Deletes all records of a topic; the topic and its offsets go on.
    async fn clean_topic(&self, name: &str) -> Result<(), TopicError>;

    /// What is in the workspace's topics, by name.
    async fn contents(&self, workspace_id: &WorkspaceId) -> Result<Contents, TopicError>;

    /// What is in the topic with this full name; no topic if there is none.
    async fn contents_of(&self, topic: &str) -> Result<Contents, TopicError>;

    /// The workspace's consumer groups, by id.
    async fn groups(&self, workspace_id: &WorkspaceId) -> Result<Groups, TopicError>;

    /// Deletes a consumer group that nobody is in.
    async fn delete_group(&self, id: &str) -> Result<(), GroupError>;

    /// Begins to read the topic with this full name.
    async fn reader(&self, topic: &str) -> Result<Box<dyn Reader>, TopicError>;

    /// Deletes every topic and every consumer group of a workspace, internal ones included. When this succeeds a second look has
    /// found none. Its principals must be cut off before, or new ones could come. May be repeated.
    async fn clear(&self, workspace_id: &WorkspaceId) -> Result<(), TopicError>;

    /// The cluster, where the broker is one. It keeps principals of its own: they have to be made before their tokens are
    /// valid. `None`: the broker asks the registry who may sign in.
    fn kafka(&self) -> Option<&Kafka> {
        None
    }

    /// Makes principals under names that were never used, with the rights of their workspaces. When this returns, clients can
    /// sign in with them. After [`BrokerError::Unknown`] it may yet happen at any later time: those names must not be used.
    async fn make_principals(&self, principals: &[Principal]) -> Result<(), BrokerError>;

    /// Gives principals back whatever they lost, or makes them. Otherwise like [`Broker::make_principals`], and slower.
    async fn ensure_principals(&self, principals: &[Principal]) -> Result<(), BrokerError>;

    /// Cuts a principal off, open connections included. Its token must be dead before this is called. Does what can be done
    /// within a bound and says what it could not prove until then; to be repeated until nothing is open.
    async fn cut_off(&self, principal: &str) -> CutOff;

    /// The signed-in connections, oldest first, where the broker can tell.
    fn connections(&self) -> Vec<ConnectionInfo>;

    /// Ends what belongs to this server.
    async fn shutdown(&self);
}
