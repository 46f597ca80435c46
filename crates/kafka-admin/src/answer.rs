//! From Kafka's error codes to [`Error`].

use kafka_protocol::error::ResponseError as Code;

use crate::{Address, Error, Refusal};

/// What one result in an answer means. `order`: the request was meant to change something.
pub(crate) fn judge(code: i16, message: Option<&str>, what: &str, address: &Address, order: bool) -> Result<(), Error> {
    if code == 0 {
        return Ok(());
    }
    let what = what.to_owned();
    let said = message.unwrap_or_default().trim().to_owned();
    let refused = |refusal| Error::Refused { what: what.clone(), refusal, message: said.clone() };
    let Some(known) = Code::try_from_code(code) else {
        return Err(refused(Refusal::Other(code)));
    };
    let named = || if said.is_empty() { format!("{known:?}") } else { format!("{known:?}: {said}") };
    Err(match known {
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => Error::NotAuthorised { what, message: said },
        Code::SecurityDisabled => Error::NoAuthorizer,
        Code::UnsupportedVersion => Error::Version { address: address.clone(), what },
        // The broker gave up on the controller, or does not know what became of the order: it may still be in a queue.
        Code::RequestTimedOut | Code::UnknownServerError | Code::NetworkException if order => {
            Error::UnknownOutcome { what, address: address.clone(), reason: named() }
        }
        // Each of these is said instead of doing it, or after the order was given up for good.
        Code::NotController
        | Code::RequestTimedOut
        | Code::UnknownServerError
        | Code::NetworkException
        | Code::LeaderNotAvailable
        | Code::NotLeaderOrFollower
        | Code::BrokerNotAvailable
        | Code::ReplicaNotAvailable
        | Code::CoordinatorNotAvailable
        | Code::CoordinatorLoadInProgress
        | Code::NotCoordinator
        | Code::ConcurrentTransactions
        | Code::NotEnoughReplicas
        | Code::KafkaStorageError => Error::Temporary { what, message: named() },
        Code::PolicyViolation => refused(Refusal::Policy),
        Code::ThrottlingQuotaExceeded => refused(Refusal::Quota),
        Code::TopicAlreadyExists | Code::DuplicateResource => refused(Refusal::Exists),
        Code::UnknownTopicOrPartition | Code::UnknownTopicId | Code::ResourceNotFound | Code::GroupIdNotFound => {
            refused(Refusal::NotFound)
        }
        Code::InvalidTopicException => refused(Refusal::InvalidName),
        Code::InvalidConfig => refused(Refusal::InvalidSetting),
        Code::InvalidPartitions => refused(Refusal::InvalidPartitions),
        Code::InvalidReplicationFactor | Code::InvalidReplicaAssignment => refused(Refusal::InvalidReplication),
        Code::NonEmptyGroup => refused(Refusal::InUse),
        _ => Error::Refused { what, refusal: Refusal::Other(code), message: named() },
    })
}
