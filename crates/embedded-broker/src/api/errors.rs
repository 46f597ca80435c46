//! Errors of the domain in the protocol's words.

use kafka_protocol::{error::ResponseError, protocol::StrBytes};

use crate::topics::TopicError;

/// A refusal: the protocol's code and a sentence for the one who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Kafka's error code.
    pub code: i16,
    /// What a person reads.
    pub message: StrBytes,
}

impl Refusal {
    /// A refusal with a sentence of its own.
    pub(crate) fn new(error: ResponseError, message: impl Into<String>) -> Self {
        Self { code: error.code(), message: StrBytes::from_string(message.into()) }
    }

    /// The answer for every topic outside the scope, whether or not it exists.
    pub(crate) fn topic_outside() -> Self {
        Self::new(ResponseError::TopicAuthorizationFailed, "The topic is not in this token's workspace.")
    }

    /// The answer for everything that concerns the cluster as a whole.
    pub(crate) fn cluster() -> Self {
        Self::new(ResponseError::ClusterAuthorizationFailed, "A token grants nothing outside its workspace.")
    }
}

impl From<TopicError> for Refusal {
    fn from(error: TopicError) -> Self {
        let kind = match &error {
            TopicError::Exists => ResponseError::TopicAlreadyExists,
            TopicError::SimilarName(_) | TopicError::InvalidName(_) => ResponseError::InvalidTopicException,
            TopicError::InvalidPartitions(_) => ResponseError::InvalidPartitions,
            TopicError::InvalidConfig(_) => ResponseError::InvalidConfig,
            TopicError::Unknown => ResponseError::UnknownTopicOrPartition,
            TopicError::Io(_) => {
                tracing::error!(%error, "a topic could not be changed");
                ResponseError::KafkaStorageError
            }
        };
        Self::new(kind, error.to_string())
    }
}
