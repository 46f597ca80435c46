//! What a broker refuses, as sentences for the person who asked.

use super::GroupError;
use crate::error::ApiError;

/// Why a principal could not be made, or the cluster not be asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BrokerError {
    /// The broker was not reached, so nothing was changed on it.
    #[error("{0}")]
    Unavailable(String),
    /// The broker refused.
    #[error("{0}")]
    Refused(String),
    /// The request was sent, and its answer did not come: it may yet take effect.
    #[error("{0}")]
    Unknown(String),
}

/// Why a topic could not be listed, created or changed.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// There is a topic of this name, or of one that differs only in `.` and `_`.
    #[error("the topic exists")]
    Exists,
    /// There is no such topic.
    #[error("there is no such topic")]
    Unknown,
    /// The topic has no partition of this number.
    #[error("the topic has no partition {0}")]
    UnknownPartition(i32),
    /// A name, a number of partitions or a setting that is not possible.
    #[error("{0}")]
    Invalid(String),
    /// The disk refused.
    #[error("{0}")]
    Storage(String),
    /// See [`BrokerError`].
    #[error(transparent)]
    Broker(#[from] BrokerError),
}

impl From<BrokerError> for ApiError {
    fn from(error: BrokerError) -> Self {
        match error {
            BrokerError::Unavailable(cause) => Self::BrokerUnavailable(cause),
            BrokerError::Unknown(cause) => Self::BrokerOutcomeUnknown(cause),
            BrokerError::Refused(cause) => Self::BrokerRefused(cause),
        }
    }
}

impl From<GroupError> for ApiError {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::Unknown => Self::NotFound("The consumer group".to_owned()),
            GroupError::InUse => Self::GroupInUse,
            GroupError::Storage(cause) => Self::Storage(cause),
            GroupError::Broker(error) => error.into(),
        }
    }
}
