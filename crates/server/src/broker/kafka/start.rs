//! Finding the cluster at the start: is it the right one, is it ours, and does it let Twinkey do its work?

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use twinkey_kafka_admin::{Error, cluster::Description};

use super::{Kafka, KafkaSettings, KafkaSettingsError};

/// How long one attempt to find the cluster may take: a start says within ten seconds what is wrong.
const ATTEMPT: Duration = Duration::from_secs(8);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// Why a cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KafkaStartError {
    /// See [`KafkaSettingsError`].
    #[error(transparent)]
    Settings(#[from] KafkaSettingsError),
    /// It cannot be reached, or does not let Twinkey do its work.
    #[error("Apache Kafka cannot be used: {0}")]
    Cluster(#[from] Error),
    /// Nobody said anything.
    #[error(
        "Apache Kafka at {bootstrap} did not answer within {} seconds; check the address, the port and that a TLS listener with \
         SASL is there", .waited.as_secs()
    )]
    Silent {
        /// Where it was looked for.
        bootstrap: String,
        /// How long.
        waited: Duration,
    },
    /// Another installation's principals have the same names.
    #[error("Apache Kafka cannot be used: {0}. `twinkey broker release --help` tells how")]
    Claimed(Error),
}

impl Kafka {
    /// Finds the cluster. Tries again, as long as the settings allow, only where nobody listens yet: whatever else is wrong
    /// stays wrong.
    pub async fn find(settings: KafkaSettings) -> Result<(Self, Description), KafkaStartError> {
        let kafka = Self::new(settings)?;
        let deadline = Instant::now() + kafka.settings.wait;
        loop {
            let silent = || KafkaStartError::Silent { bootstrap: kafka.settings.bootstrap.clone(), waited: ATTEMPT };
            let error = match timeout(ATTEMPT, kafka.cluster.describe()).await {
                Ok(Ok(description)) => return Ok((kafka, description)),
                Ok(Err(error @ Error::Unreachable { .. })) => error.into(),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => silent(),
            };
            if Instant::now() >= deadline {
                return Err(error);
            }
            tracing::warn!(%error, "waiting for Apache Kafka");
            sleep(PAUSE).await;
        }
    }

    /// Claims the principals of this cluster for an installation.
    pub async fn claim(&self, installation: &str) -> Result<(), KafkaStartError> {
        match timeout(ATTEMPT, self.cluster.claim(&self.settings.principal_prefix, installation)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error @ Error::Claimed { .. })) => Err(KafkaStartError::Claimed(error)),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(KafkaStartError::Silent { bootstrap: self.settings.bootstrap.clone(), waited: ATTEMPT }),
        }
    }
}
