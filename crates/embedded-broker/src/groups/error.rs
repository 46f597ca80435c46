//! Why the coordinator refuses.

/// A refusal of the group coordinator, with the protocol's number for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GroupError {
    /// The caller may not know whether there is such a group.
    #[error("the group is outside of what this principal may use")]
    NotAuthorized,
    /// The topic of an offset is outside of the caller's scope.
    #[error("the topic is outside of what this principal may use")]
    TopicNotAuthorized,
    /// There is no such topic or partition.
    #[error("no such topic or partition")]
    UnknownTopic,
    /// A group id that no group may have.
    #[error("not a valid group id")]
    InvalidGroupId,
    /// There is no such group.
    #[error("no such group")]
    UnknownGroup,
    /// The member is not, or no longer, in the group.
    #[error("no such member")]
    UnknownMember,
    /// A generation that is not the current one.
    #[error("not the current generation")]
    IllegalGeneration,
    /// The member has to join again.
    #[error("a rebalance is in progress")]
    RebalanceInProgress,
    /// A newer member took over this `group.instance.id` (KIP-345).
    #[error("another member uses this instance id")]
    FencedInstance,
    /// No protocol that all members support, or another protocol type.
    #[error("the members have no protocol in common")]
    InconsistentProtocol,
    /// The session time-out is out of bounds.
    #[error("the session time-out is out of bounds")]
    InvalidSessionTimeout,
    /// The member has to join again with this id (KIP-394).
    #[error("join again with the member id {0}")]
    MemberIdRequired(String),
    /// A bound on members, their metadata or groups was reached.
    #[error("the group is full")]
    Full,
    /// A request that no correct client sends.
    #[error("an invalid request")]
    InvalidRequest,
    /// The group has members.
    #[error("the group is not empty")]
    NotEmpty,
    /// The group has members that are subscribed to the topic.
    #[error("the group is subscribed to the topic")]
    Subscribed,
    /// The metadata of an offset is too long.
    #[error("the offset's metadata is too long")]
    MetadataTooLarge,
    /// Too many offsets for one group.
    #[error("too many offsets")]
    TooManyOffsets,
    /// The journal could not be written; a later attempt may succeed.
    #[error("the offsets could not be stored")]
    NotStored,
}

impl GroupError {
    /// The error code of the Kafka protocol.
    pub(crate) fn code(&self) -> i16 {
        match self {
            Self::UnknownTopic => 3,
            Self::MetadataTooLarge => 12,
            // COORDINATOR_NOT_AVAILABLE is what Kafka answers if the offsets log cannot be written; clients retry it.
            Self::NotStored => 15,
            Self::IllegalGeneration => 22,
            Self::InconsistentProtocol => 23,
            Self::InvalidGroupId => 24,
            Self::UnknownMember => 25,
            Self::InvalidSessionTimeout => 26,
            Self::RebalanceInProgress => 27,
            Self::TooManyOffsets => 28,
            Self::TopicNotAuthorized => 29,
            Self::NotAuthorized => 30,
            Self::InvalidRequest => 42,
            Self::NotEmpty => 68,
            Self::UnknownGroup => 69,
            Self::MemberIdRequired(_) => 79,
            Self::Full => 81,
            Self::FencedInstance => 82,
            Self::Subscribed => 86,
        }
    }
}

/// The error code of a result: 0 where it is `Ok`.
pub(crate) fn code_of<T>(result: &Result<T, GroupError>) -> i16 {
    result.as_ref().err().map_or(0, GroupError::code)
}
