//! Everything that can go wrong, each with a sentence that says what to do.

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// What a call of this library answers when it cannot do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No token was given.
    #[error(
        "there is no SDK token: set Quix__Sdk__Token, or pass one to QuixStreamingClient::new; it is found in the portal under \
         Topics → Broker settings, or with: twinkey env WORKSPACE"
    )]
    NoToken,
    /// A token's file or callback failed.
    #[error("the SDK token cannot be read: {0}")]
    TokenSource(String),
    /// No API was given.
    #[error("the address of the API is missing: set Quix__Portal__Api, or call portal_api on the builder")]
    NoApi,
    /// The API's address is not an http or https URL.
    #[error("'{0}' is not the address of an API; it should look like https://twinkey.example.com")]
    BadApi(String),
    /// The API does not know the token.
    #[error(
        "the SDK token ending in {token} is not valid at {api}: it was mistyped, or belongs to another installation; copy it \
         again from Topics → Broker settings"
    )]
    TokenUnknown {
        /// The end of the token.
        token: String,
        /// The API.
        api: String,
    },
    /// The token was valid once. The API's sentence says when it died and where the current one is found.
    #[error("the SDK token ending in {token} is dead. {message}")]
    TokenRotatedOut {
        /// The end of the token.
        token: String,
        /// The API's sentence.
        message: String,
    },
    /// The token is of another workspace than the one that was asked for.
    #[error(
        "the SDK token ending in {token} does not give access to workspace '{asked}': {message}. Take the token of '{asked}', \
         or change Quix__Workspace__Id"
    )]
    OtherWorkspace {
        /// The end of the token.
        token: String,
        /// The workspace that was asked for.
        asked: String,
        /// The API's sentence.
        message: String,
    },
    /// The token gives access to no workspace, or, if it is a user's, to several.
    #[error("this token gives access to {0} workspaces; set Quix__Workspace__Id to the one that is meant")]
    WorkspaceUnclear(usize),
    /// No answer from the API within the time limit.
    #[error("the API at {api} cannot be reached ({reason}); is it running, and is Quix__Portal__Api right?")]
    ApiUnreachable {
        /// The API.
        api: String,
        /// What failed.
        reason: String,
    },
    /// The API's certificate cannot be trusted. Not retried.
    #[error("the certificate of the API at {api} is not trusted ({reason}); add its CA to this machine's trust store")]
    ApiCertificate {
        /// The API.
        api: String,
        /// What failed.
        reason: String,
    },
    /// The API refused a request, or answered something unexpected.
    #[error("the API answered {status} to {request}: {message}")]
    Api {
        /// Its HTTP status.
        status: u16,
        /// Method and path.
        request: String,
        /// Its sentence.
        message: String,
    },
    /// The topic does not exist, and may not be created.
    #[error(
        "topic '{topic}' does not exist in workspace '{workspace}'; create it in the portal, or allow the client to create topics"
    )]
    TopicMissing {
        /// The topic as it was asked for.
        topic: String,
        /// The workspace.
        workspace: String,
    },
    /// The topic exists but did not become ready.
    #[error("topic '{topic}' is not ready: {reason}")]
    TopicNotReady {
        /// The topic.
        topic: String,
        /// Its status, or the error that the API reports.
        reason: String,
    },
    /// No broker answered within the time limit.
    #[error("no broker answers at {address} ({reason}); is it running, and can this machine reach it?")]
    BrokerUnreachable {
        /// The bootstrap servers.
        address: String,
        /// What failed last.
        reason: String,
    },
    /// The broker's certificate is not signed by the CA that the API names. Not retried.
    #[error(
        "the certificate of the broker at {address} is not signed by the CA that the API names ({reason}); either the broker \
         behind this address is another one, or its certificate was replaced: compare them before you go on"
    )]
    BrokerCertificate {
        /// The bootstrap servers.
        address: String,
        /// What failed.
        reason: String,
    },
    /// The broker refuses credentials that the API calls valid.
    #[error(
        "the broker at {address} refuses the credentials of the SDK token ending in {token}, which the API calls valid: {reason}"
    )]
    BrokerRefuses {
        /// The bootstrap servers.
        address: String,
        /// The end of the token.
        token: String,
        /// The broker's sentence.
        reason: String,
    },
    /// The principal may not do this on the broker.
    #[error("the SDK token may not do this on topic '{topic}': {reason}")]
    NotAllowed {
        /// The topic's id.
        topic: String,
        /// What the broker answered.
        reason: String,
    },
    /// A message is larger than the broker or the client accepts. Not retried.
    #[error(
        "a message of {size} bytes is too large; send less at once, or raise message.max.bytes of the producer and \
         max.message.bytes of the topic"
    )]
    MessageTooLarge {
        /// Key and value.
        size: usize,
    },
    /// A message was not acknowledged in time.
    #[error("a message was not acknowledged within {after:?} ({reason}); it may or may not have been written")]
    DeliveryTimedOut {
        /// The limit, see [`crate::ClientBuilder::delivery_timeout`].
        after: Duration,
        /// What failed last.
        reason: String,
    },
    /// The broker does not do transactions.
    #[error("this broker does not support transactions ({0}); Twinkey's embedded broker has none, Apache Kafka has")]
    NoTransactions(String),
    /// Another producer with the same transactional id took over.
    #[error("another producer with the same transactional id has taken over ({0}); end this one")]
    Fenced(String),
    /// The message is not what it was read as.
    #[error("a message cannot be read as {what}: {reason}")]
    Format {
        /// What it was expected to be.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A setting that librdkafka does not know or accept, or that makes no sense.
    #[error("the setting {key}={value} is not accepted: {reason}")]
    Setting {
        /// Its name.
        key: String,
        /// Its value.
        value: String,
        /// Why.
        reason: String,
    },
    /// The producer or consumer was closed.
    #[error("it is closed")]
    Closed,
    /// Anything else that librdkafka reports.
    #[error("{doing} failed: {source}")]
    Kafka {
        /// What was being done.
        doing: &'static str,
        /// librdkafka's error.
        #[source]
        source: KafkaError,
    },
}

impl Error {
    /// Whether the same call may succeed later without anybody doing anything: the network, a broker that restarts.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::ApiUnreachable { .. } | Self::BrokerUnreachable { .. } | Self::DeliveryTimedOut { .. } => true,
            Self::Api { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }

    /// Whether the token is what is wrong: another one may do.
    pub(crate) fn is_dead_token(&self) -> bool {
        matches!(self, Self::TokenUnknown { .. } | Self::TokenRotatedOut { .. })
    }

    pub(crate) fn kafka(doing: &'static str, source: KafkaError) -> Self {
        match source {
            KafkaError::ClientConfig(_, reason, key, value) => {
                Self::Setting { value: redacted(&key, value), key, reason }
            }
            KafkaError::Transaction(error) => match error.code() {
                RDKafkaErrorCode::UnsupportedFeature | RDKafkaErrorCode::UnsupportedVersion => {
                    Self::NoTransactions(error.to_string())
                }
                // How Twinkey's embedded broker refuses them; on Apache Kafka the code means what it says.
                RDKafkaErrorCode::TransactionalIdAuthorizationFailed
                    if error.to_string().contains("does not support transactions") =>
                {
                    Self::NoTransactions(error.to_string())
                }
                RDKafkaErrorCode::Fenced
                | RDKafkaErrorCode::ProducerFenced
                | RDKafkaErrorCode::InvalidProducerEpoch => Self::Fenced(error.to_string()),
                _ => Self::Kafka { doing, source: KafkaError::Transaction(error) },
            },
            source => Self::Kafka { doing, source },
        }
    }
}

/// The value of a setting that librdkafka refused, unless it may be a secret.
fn redacted(key: &str, value: String) -> String {
    if ["password", "pem", "secret", "key"].iter().any(|word| key.contains(word)) { "…".into() } else { value }
}
