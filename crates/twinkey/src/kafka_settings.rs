//! The settings of an Apache Kafka cluster, for the server and for the commands that speak to a cluster by themselves.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use twinkey_server::broker::{KafkaSettings, kafka::AccountMechanism};

use crate::settings::secret_variable;

/// The cluster, and how Twinkey uses it. The password of Twinkey's own account comes only from the variable
/// `TWINKEY_KAFKA_PASSWORD` or from a file, because process lists show flags.
#[derive(Args, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[expect(clippy::doc_markdown, reason = "the comments are the help text, where backticks would be noise")]
#[expect(clippy::struct_field_names, reason = "the names are the flags, of which there are others beside these")]
pub struct KafkaArgs {
    /// Some brokers of the Apache Kafka cluster that takes the embedded broker's place
    #[arg(long, env = "TWINKEY_KAFKA_BOOTSTRAP", value_name = "HOST:PORT,…", help_heading = "Apache Kafka")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kafka_bootstrap: Option<String>,

    /// What clients are told to connect to [default: as --kafka-bootstrap]
    #[arg(long, env = "TWINKEY_KAFKA_CLIENT_BOOTSTRAP", value_name = "HOST:PORT,…", help_heading = "Apache Kafka")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_client_bootstrap: Option<String>,

    /// Twinkey's own account on the cluster [default: admin]
    #[arg(long, env = "TWINKEY_KAFKA_USER", value_name = "NAME", help_heading = "Apache Kafka")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_user: Option<String>,

    /// A file with that account's password; the variable TWINKEY_KAFKA_PASSWORD may hold the password itself instead
    #[arg(long, env = "TWINKEY_KAFKA_PASSWORD_FILE", value_name = "FILE", help_heading = "Apache Kafka")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_password_file: Option<PathBuf>,

    /// How that account signs in: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN [default: SCRAM-SHA-512]
    #[arg(long, env = "TWINKEY_KAFKA_MECHANISM", value_name = "MECHANISM", help_heading = "Apache Kafka")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_mechanism: Option<String>,

    /// A file with the certificate authority of the brokers, PEM; clients are given it too [default: what the system trusts]
    #[arg(long, env = "TWINKEY_KAFKA_CA", value_name = "FILE", help_heading = "Apache Kafka")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_ca: Option<PathBuf>,

    /// How the names of Twinkey's users on the cluster begin; what begins otherwise is never touched [default: tk-]
    #[arg(long, env = "TWINKEY_KAFKA_PRINCIPAL_PREFIX", value_name = "TEXT", help_heading = "Apache Kafka")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_principal_prefix: Option<String>,

    /// SCRAM iterations of those users' credentials, 4096 to 16384 [default: 4096]
    #[arg(long, env = "TWINKEY_KAFKA_SCRAM_ITERATIONS", value_name = "NUMBER", help_heading = "Apache Kafka")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_scram_iterations: Option<u32>,

    /// How long a rotation waits for the proof of its cut-off before it is answered with what is still open [default: 3]
    #[arg(long, env = "TWINKEY_KAFKA_CUT_OFF_PATIENCE", value_name = "SECONDS", help_heading = "Apache Kafka")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_cut_off_patience: Option<u64>,

    /// How long a transaction must stand still after a cut-off to be taken for the dead token's and aborted; 0: none is
    /// [default: 15]
    #[arg(long, env = "TWINKEY_KAFKA_TRANSACTION_WATCH", value_name = "SECONDS", help_heading = "Apache Kafka")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_transaction_watch: Option<u64>,

    /// How long a start waits for a cluster where nobody listens yet [default: 0]
    #[arg(long, env = "TWINKEY_KAFKA_WAIT", value_name = "SECONDS", help_heading = "Apache Kafka")]
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka_wait: Option<u64>,
}

impl KafkaArgs {
    /// The settings, or `None` if there is no cluster.
    pub fn resolve(self) -> anyhow::Result<Option<KafkaSettings>> {
        let Some(bootstrap) = self.kafka_bootstrap else { return Ok(None) };
        let password = match (secret_variable("TWINKEY_KAFKA_PASSWORD"), self.kafka_password_file) {
            (Some(password), _) => password,
            (None, Some(path)) => {
                let text = fs::read_to_string(&path);
                let text = text.with_context(|| format!("cannot read Kafka's password from {}", path.display()))?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            (None, None) => bail!(
                "--kafka-bootstrap needs the password of Twinkey's account: set TWINKEY_KAFKA_PASSWORD, or name a file with \
                 --kafka-password-file"
            ),
        };
        let user = self.kafka_user.unwrap_or_else(|| "admin".into());
        let mut settings = KafkaSettings::new(&bootstrap, &user, password.into());
        if let Some(name) = self.kafka_mechanism {
            let mechanism = AccountMechanism::parse(&name);
            settings.mechanism = mechanism.with_context(|| {
                format!("--kafka-mechanism {name} is not one of SCRAM-SHA-512, SCRAM-SHA-256 and PLAIN")
            })?;
        }
        settings.client_bootstrap = self.kafka_client_bootstrap;
        settings.ca = self.kafka_ca;
        if let Some(prefix) = self.kafka_principal_prefix {
            settings.principal_prefix = prefix;
        }
        if let Some(iterations) = self.kafka_scram_iterations {
            settings.iterations = iterations;
        }
        if let Some(seconds) = self.kafka_cut_off_patience {
            settings.cut_off_patience = Duration::from_secs(seconds.clamp(1, 20));
        }
        if let Some(seconds) = self.kafka_transaction_watch {
            settings.transaction_watch = Duration::from_secs(seconds);
        }
        if let Some(seconds) = self.kafka_wait {
            settings.wait = Duration::from_secs(seconds);
        }
        // What is wrong without the cluster's help is told at once.
        settings.administration()?;
        Ok(Some(settings))
    }
}
