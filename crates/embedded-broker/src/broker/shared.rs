//! The parts of a running broker.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{BrokerConfig, Principals};
use crate::{
    clock::Clock,
    connection::{Credentials, Table},
    groups::GroupCoordinator,
    topics::{Catalogue, TopicError},
};

/// The parts of a running broker, as connections and handlers see them.
pub(crate) struct Shared {
    /// What the broker was started with.
    pub config: BrokerConfig,
    /// `advertised_port`, or the listener's port where that is 0.
    pub advertised_port: u16,
    /// Where the time comes from.
    pub clock: Clock,
    /// All topics.
    pub topics: Catalogue,
    /// All groups and committed offsets.
    pub groups: GroupCoordinator,
    /// Who may sign in.
    pub principals: Arc<dyn Principals>,
    /// Salts and derived keys.
    pub credentials: Credentials,
    /// Who is connected.
    pub connections: Arc<Table>,
    /// Cancelled when the broker stops: no new connections, no further requests.
    pub stopping: CancellationToken,
}

impl Shared {
    /// Deletes a topic and what the groups committed on it.
    pub(crate) fn delete_topic(&self, name: &str) -> Result<(), TopicError> {
        self.topics.delete(name)?;
        self.groups.forget_topic(name);
        Ok(())
    }
}
