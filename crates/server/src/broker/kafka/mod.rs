//! Apache Kafka behind the common interface. Twinkey is never in the data path: it makes principals, takes them away, and
//! asks every broker by itself whether that has happened.

mod clear;
mod groups;
mod reader;
mod settings;
mod start;
mod together;
mod topics;

use std::{sync::Arc, time::Duration};

use tokio::{sync::OnceCell, time::timeout};
use twinkey_api::{WorkspaceId, token_pair::OpenBroker};
use twinkey_embedded_broker::ConnectionInfo;
use twinkey_kafka_admin::{self as admin, Cluster, Error, Password, principals::Granted};

use super::{
    Broker, BrokerError, Ca, Contents, CutOff, Endpoint, GroupError, Groups, NewTopic, Principal, Reader, Topic,
    TopicChanges, TopicError,
};

use together::Together;

pub use settings::{AccountMechanism, KafkaSettings, KafkaSettingsError};
pub use start::KafkaStartError;
pub use twinkey_kafka_admin::check::Severity;

/// How long making principals may take, and how much more for each.
const GRANT_LIMIT: Duration = Duration::from_secs(10);
const GRANT_EACH: Duration = Duration::from_millis(200);

/// An Apache Kafka cluster.
pub struct Kafka {
    /// Its administration, for what only a cluster has.
    pub cluster: Cluster,
    /// What it was made with.
    pub settings: KafkaSettings,
    endpoint: Endpoint,
    together: Arc<Together>,
    idle_limit: OnceCell<Duration>,
}

impl Kafka {
    /// Takes the settings; nothing is asked yet.
    pub fn new(settings: KafkaSettings) -> Result<Self, KafkaSettingsError> {
        let cluster = Cluster::new(settings.administration()?);
        let ca = settings.ca_pem()?.as_deref().map(Ca::of);
        let endpoint = Endpoint { address: settings.for_clients().to_owned(), ca };
        Ok(Self { cluster, settings, endpoint, together: Arc::default(), idle_limit: OnceCell::new() })
    }

    /// After how long without a request the brokers close a connection; asked for once.
    pub async fn idle_limit(&self) -> Result<Duration, Error> {
        self.idle_limit.get_or_try_init(|| self.cluster.idle_limit()).await.copied()
    }
}

#[async_trait::async_trait]
impl Broker for Kafka {
    fn kind(&self) -> &'static str {
        "Apache Kafka"
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    async fn topics(&self, workspace_id: &WorkspaceId) -> Result<Vec<Topic>, TopicError> {
        topics::list(&self.cluster, workspace_id).await
    }

    async fn topic(&self, name: &str) -> Result<Option<Topic>, TopicError> {
        topics::find(&self.cluster, name).await
    }

    async fn create_topic(&self, new: NewTopic) -> Result<Topic, TopicError> {
        topics::create(&self.cluster, new).await
    }

    async fn alter_topic(&self, name: &str, changes: TopicChanges) -> Result<Topic, TopicError> {
        topics::alter(&self.cluster, name, changes).await
    }

    async fn delete_topic(&self, name: &str) -> Result<(), TopicError> {
        topics::delete(&self.cluster, name).await
    }

    async fn clean_topic(&self, name: &str) -> Result<(), TopicError> {
        topics::clean(&self.cluster, name).await
    }

    async fn contents(&self, workspace_id: &WorkspaceId) -> Result<Contents, TopicError> {
        Ok(self.cluster.contents(&format!("{workspace_id}-")).await?)
    }

    async fn contents_of(&self, topic: &str) -> Result<Contents, TopicError> {
        Ok(self.cluster.contents_of(topic).await?)
    }

    async fn groups(&self, workspace_id: &WorkspaceId) -> Result<Groups, TopicError> {
        groups::list(&self.cluster, workspace_id).await
    }

    async fn delete_group(&self, id: &str) -> Result<(), GroupError> {
        groups::delete(&self.cluster, id).await
    }

    async fn reader(&self, topic: &str) -> Result<Box<dyn Reader>, TopicError> {
        reader::of(&self.cluster, topic).await
    }

    async fn clear(&self, workspace_id: &WorkspaceId) -> Result<(), TopicError> {
        clear::clear(&self.cluster, workspace_id).await
    }

    fn kafka(&self) -> Option<&Kafka> {
        Some(self)
    }

    async fn make_principals(&self, principals: &[Principal]) -> Result<(), BrokerError> {
        let principals: Vec<_> = principals.iter().map(Into::into).collect();
        granted(principals.len(), self.together.make(&self.cluster, principals)).await
    }

    async fn ensure_principals(&self, principals: &[Principal]) -> Result<(), BrokerError> {
        let principals: Vec<_> = principals.iter().map(Into::into).collect();
        granted(principals.len(), self.cluster.ensure_principals(&principals)).await
    }

    async fn cut_off(&self, principal: &str) -> CutOff {
        let open = match self.cluster.cut_off(principal, self.settings.cut_off_patience).await {
            Ok(cut_off) => cut_off
                .open()
                .map(|(broker, reason)| OpenBroker {
                    id: (broker.id >= 0).then_some(broker.id),
                    address: if broker.id >= 0 { broker.address.to_string() } else { String::new() },
                    reason: reason.to_owned(),
                })
                .collect(),
            Err(error) => vec![OpenBroker { id: None, address: String::new(), reason: error.to_string() }],
        };
        // The brokers do not tell, and they do not close: they refuse each request instead.
        CutOff { connections_closed: 0, open }
    }

    fn connections(&self) -> Vec<ConnectionInfo> {
        Vec::new()
    }

    async fn shutdown(&self) {}
}

/// Waits for a grant to so many principals, within a bound: a rotation waits for this, and whoever asked for the rotation does
/// not wait for ever.
async fn granted<E: Into<BrokerError>>(
    principals: usize,
    granting: impl Future<Output = Result<Granted, E>>,
) -> Result<(), BrokerError> {
    let limit = GRANT_LIMIT + GRANT_EACH * u32::try_from(principals).unwrap_or(u32::MAX);
    let late = |_| BrokerError::Unknown(format!("Kafka did not grant a token its rights within {} s", limit.as_secs()));
    let granted = timeout(limit, granting).await.map_err(late)?.map_err(Into::into)?;
    for silent in granted.silent {
        tracing::warn!(
            broker = silent.broker.id,
            address = %silent.broker.address,
            reason = silent.reason,
            "a broker does not show the rights of a new token yet; it may refuse the token for a while"
        );
    }
    Ok(())
}

impl From<&Principal> for admin::principals::Principal {
    fn from(principal: &Principal) -> Self {
        Self {
            name: principal.name.clone(),
            password: Password::new(principal.password.as_str()),
            workspace: principal.workspace_id.to_string(),
            any_transactional_id: principal.any_transactional_id,
        }
    }
}

impl From<Error> for BrokerError {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Unreachable { .. } | Error::Temporary { .. } | Error::Late { .. } => Self::Unavailable(text),
            Error::UnknownOutcome { .. } => Self::Unknown(text),
            _ => Self::Refused(text),
        }
    }
}
