//! What can go wrong, in kinds that a caller may act on and sentences that a person can.

use std::time::Duration;

use crate::Address;

/// Why the cluster refused something that it was able to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A policy of the cluster forbids it (`create.topic.policy.class.name`, `alter.config.policy.class.name`).
    Policy,
    /// A quota of the cluster is used up.
    Quota,
    /// The name is taken.
    Exists,
    /// There is no such thing.
    NotFound,
    /// The name is not possible, or too similar to another one (Kafka takes `.` and `_` for the same).
    InvalidName,
    /// A setting has a value that Kafka does not take.
    InvalidSetting,
    /// The number of partitions is not possible.
    InvalidPartitions,
    /// The replication factor is not possible with the brokers that are there.
    InvalidReplication,
    /// It is in use (a group with members).
    InUse,
    /// Any other reason, with Kafka's error code.
    Other(i16),
}

/// What went wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No connection. Nothing was asked or changed.
    #[error("cannot reach Kafka at {address}: {reason}; check the address, the network and that the broker runs")]
    Unreachable {
        /// Of the broker, or of all that were tried.
        address: String,
        /// What was seen.
        reason: String,
        /// Every address of that name refuses connections: nobody listens there, so nobody is served either.
        port_closed: bool,
    },
    /// The server's certificate is not believed.
    #[error(
        "{address} shows a certificate that is not accepted: {reason}; check the CA file and the names in the certificate"
    )]
    Certificate {
        /// Of the broker.
        address: Address,
        /// What is wrong with it.
        reason: String,
    },
    /// Twinkey's own sign-in was refused.
    #[error("{address} refuses the sign-in of {user} by {mechanism}: {reason}; check user, password and mechanism")]
    SignIn {
        /// Of the broker.
        address: Address,
        /// Whose sign-in.
        user: String,
        /// By which mechanism.
        mechanism: &'static str,
        /// The broker's words.
        reason: String,
    },
    /// Twinkey's own account may not do this.
    #[error("Kafka does not let Twinkey's account {what}{}; make the account a super user or grant it what `twinkey broker check` lists", words(.message))]
    NotAuthorised {
        /// What was tried.
        what: String,
        /// The broker's words, possibly none.
        message: String,
    },
    /// The cluster has no authorizer, so that rights mean nothing on it.
    #[error(
        "the cluster has no authorizer: set authorizer.class.name on every broker; without it every user may do everything"
    )]
    NoAuthorizer,
    /// The cluster refused.
    #[error("Kafka refuses to {what}: {}", reason(*.refusal, .message))]
    Refused {
        /// What was tried.
        what: String,
        /// In a word.
        refusal: Refusal,
        /// The broker's words, possibly none.
        message: String,
    },
    /// A request was sent and its answer did not come: it may have been, or may yet be, carried out.
    #[error("it is not known whether Kafka was able to {what}: {address} did not answer ({reason})")]
    UnknownOutcome {
        /// What was ordered.
        what: String,
        /// Who did not answer.
        address: Address,
        /// What was seen instead.
        reason: String,
    },
    /// The cluster said that it cannot do this now, for longer than it was tried again.
    #[error("Kafka cannot {what} at the moment ({message}); nothing was changed, try again later")]
    Temporary {
        /// What was tried.
        what: String,
        /// The broker's words, or the name of its error.
        message: String,
    },
    /// The broker does not have an API in a version that Twinkey speaks.
    #[error("{address} cannot {what} in a way that Twinkey speaks; Apache Kafka 3.8 or newer is needed")]
    Version {
        /// Of the broker.
        address: Address,
        /// What was tried.
        what: String,
    },
    /// An answer that makes no sense.
    #[error("{address} answers in a way that Twinkey does not understand: {reason}; is it Apache Kafka?")]
    Protocol {
        /// Of the broker.
        address: Address,
        /// What was seen.
        reason: String,
    },
    /// Not done within the time that the caller gave.
    #[error("{what} within {} ms{}", .bound.as_millis(), words(.reason))]
    Late {
        /// What was waited for.
        what: String,
        /// What was seen last, possibly nothing.
        reason: String,
        /// The caller's bound.
        bound: Duration,
    },
    /// Another installation of Twinkey has claimed the principals of this prefix.
    #[error(
        "the principals {prefix}… of this cluster belong to another installation of Twinkey ({}): choose another \
         --kafka-principal-prefix, or, if that installation is gone, release its claim", .others.join(", ")
    )]
    Claimed {
        /// The prefix of the principals' names.
        prefix: String,
        /// The ids of the others.
        others: Vec<String>,
    },
}

impl Error {
    /// Whether nothing was changed, so that trying again is safe and may help.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Temporary { .. })
    }

    /// Whether an order may have been, or may yet be, carried out.
    pub fn is_unknown_outcome(&self) -> bool {
        matches!(self, Self::UnknownOutcome { .. })
    }

    /// Why the cluster refused, if that is what happened.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(*refusal),
            _ => None,
        }
    }

    /// How much an error tells when several brokers fail in different ways: a refused sign-in says more than a
    /// connection that did not come about.
    pub(crate) fn weight(&self) -> u8 {
        match self {
            Self::Unreachable { .. } => 0,
            Self::Version { .. } | Self::Protocol { .. } => 1,
            Self::Certificate { .. } => 2,
            _ => 3,
        }
    }
}

/// The broker's words in brackets, if there are any.
fn words(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}

fn reason(refusal: Refusal, message: &str) -> String {
    let plain = match refusal {
        Refusal::Policy => "a policy of the cluster forbids it",
        Refusal::Quota => "a quota of the cluster is used up, try again later",
        Refusal::Exists => "the name is taken",
        Refusal::NotFound => "there is no such thing",
        Refusal::InvalidName => "the name is not possible",
        Refusal::InvalidSetting => "a setting has a value that Kafka does not take",
        Refusal::InvalidPartitions => "the number of partitions is not possible",
        Refusal::InvalidReplication => "the replication factor is not possible with the brokers that are there",
        Refusal::InUse => "it is in use",
        Refusal::Other(code) => return format!("error {code}{}", words(message)),
    };
    format!("{plain}{}", words(message))
}
