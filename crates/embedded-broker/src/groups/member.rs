//! One member of a group, and what it asks and is answered.

use std::time::Duration;

use bytes::Bytes;
use tokio::{sync::oneshot, time::Instant};
use uuid::Uuid;

use super::{GroupError, limits, subscription};

/// The protocol type of ordinary consumers.
pub(super) const CONSUMER: &str = "consumer";

/// A wish to join, as a client sends it.
#[derive(Debug, Clone)]
pub(crate) struct Join {
    /// Empty at the first attempt.
    pub member_id: String,
    /// `group.instance.id` of a static member (KIP-345).
    pub instance_id: Option<String>,
    /// `client.id`, which the member id begins with.
    pub client_id: String,
    /// Where the client is, as DescribeGroups shows it.
    pub client_host: String,
    /// Who asks; see [`super::GroupCoordinator::remove_principal`].
    pub principal: String,
    /// How long the member may be silent.
    pub session_timeout_ms: i32,
    /// How long a rebalance waits for this member to join again.
    pub rebalance_timeout_ms: i32,
    /// `consumer`, `connect`, …
    pub protocol_type: String,
    /// The assignors that the member supports, in its order of preference, with what each needs to know of it.
    pub protocols: Vec<(String, Bytes)>,
    /// Whether the client must come back with the id that it is given (KIP-394: JoinGroup v4 and newer).
    pub needs_known_id: bool,
    /// Whether the client understands that a leader may skip the assignment (KIP-814: JoinGroup v9 and newer).
    pub can_skip_assignment: bool,
}

impl Join {
    /// Refuses what is out of bounds before anything is stored.
    pub(super) fn check(&self) -> Result<(), GroupError> {
        if !(limits::SESSION_TIMEOUT_MS).contains(&self.session_timeout_ms) {
            return Err(GroupError::InvalidSessionTimeout);
        }
        if self.protocols.len() > limits::PROTOCOLS
            || self.instance_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > limits::ID_BYTES)
            || self.protocol_type.len() > limits::ID_BYTES
        {
            return Err(GroupError::InvalidRequest);
        }
        if self.metadata_bytes() > limits::METADATA_OF_MEMBER {
            return Err(GroupError::Full);
        }
        Ok(())
    }

    /// The bytes that this member's protocols take.
    pub(super) fn metadata_bytes(&self) -> usize {
        bytes_of(&self.protocols)
    }

    /// A member id: the instance id or else the client id, and something that nobody can guess.
    pub(super) fn fresh_member_id(&self, uuid: Uuid) -> String {
        let name = self.instance_id.as_deref().unwrap_or(&self.client_id);
        let end = name.floor_char_boundary(limits::ID_BYTES);
        format!("{}-{uuid}", &name[..end])
    }

    pub(super) fn session_timeout(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.session_timeout_ms).unwrap_or(0))
    }

    /// At least a millisecond, so that a rebalance that is put off again never spins.
    fn rebalance_timeout(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.rebalance_timeout_ms.max(1)).unwrap_or(1))
    }
}

/// The answer to a join: the member is in the new generation and must sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Joined {
    pub member_id: String,
    pub generation: i32,
    pub protocol_type: String,
    pub protocol: String,
    pub leader: String,
    /// Every member, for the leader; empty for the others.
    pub members: Vec<JoinedMember>,
    /// Whether the leader need not compute an assignment (KIP-814).
    pub skip_assignment: bool,
}

/// What the leader learns of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinedMember {
    pub member_id: String,
    pub instance_id: Option<String>,
    pub metadata: Bytes,
}

/// The answer to a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synced {
    pub protocol_type: String,
    pub protocol: String,
    pub assignment: Bytes,
}

/// Where the answer to a waiting join goes.
pub(super) type JoinReply = oneshot::Sender<Result<Joined, GroupError>>;
/// Where the answer to a waiting sync goes.
pub(super) type SyncReply = oneshot::Sender<Result<Synced, GroupError>>;

/// A member of a group.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) principal: String,
    session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    pub(super) protocols: Vec<(String, Bytes)>,
    pub(super) assignment: Bytes,
    pub(super) join: Option<JoinReply>,
    pub(super) sync: Option<SyncReply>,
    /// Whether the client can name this member: false until the first answer of clients before KIP-394.
    knows_id: bool,
    /// Whether it has not yet got an answer to its first join.
    is_new: bool,
    /// Whether it has to sync in this generation and has not.
    pub(super) must_sync: bool,
    deadline: Instant,
}

impl Member {
    /// A member whose join waits for the rebalance.
    ///
    /// It cannot send heartbeats while it waits, hence a longer first time-out: without any, a client that is gone
    /// and whose connection nobody closed would stay for ever.
    pub(super) fn new(now: Instant, join: Join, reply: JoinReply) -> Self {
        Self {
            session_timeout: join.session_timeout(),
            rebalance_timeout: join.rebalance_timeout(),
            knows_id: !join.member_id.is_empty(),
            instance_id: join.instance_id,
            client_id: join.client_id,
            client_host: join.client_host,
            principal: join.principal,
            protocols: join.protocols,
            assignment: Bytes::new(),
            join: Some(reply),
            sync: None,
            is_new: true,
            must_sync: false,
            deadline: now + limits::NEW_MEMBER_TIMEOUT,
        }
    }

    /// Takes over what a member that joins again says of itself.
    pub(super) fn update(&mut self, now: Instant, join: Join) {
        self.session_timeout = join.session_timeout();
        self.rebalance_timeout = join.rebalance_timeout();
        self.client_id = join.client_id;
        self.client_host = join.client_host;
        self.principal = join.principal;
        self.protocols = join.protocols;
        self.deadline = now + if self.is_new { limits::NEW_MEMBER_TIMEOUT } else { self.session_timeout };
    }

    /// Forgets answers that nobody waits for any more, because the client is gone. From now on it counts as silent.
    pub(super) fn abandon(&mut self, now: Instant) {
        if self.join.take_if(|reply| reply.is_closed()).is_some()
            || self.sync.take_if(|reply| reply.is_closed()).is_some()
        {
            self.renew(now);
        }
    }

    /// Whether a client could still come back for this member.
    pub(super) fn can_return(&self) -> bool {
        self.knows_id || self.instance_id.is_some() || self.join.is_some()
    }

    /// It was heard of.
    pub(super) fn renew(&mut self, now: Instant) {
        self.deadline = now + self.session_timeout;
    }

    /// When the member is taken for dead unless it is heard of: never while it waits for an answer of ours, except at
    /// its first join.
    pub(super) fn expires_at(&self) -> Option<Instant> {
        let waits = self.join.is_some() || self.sync.is_some();
        (!waits || self.is_new).then_some(self.deadline)
    }

    pub(super) fn answer_join(&mut self, now: Instant, answer: Result<Joined, GroupError>) {
        if let Some(reply) = self.join.take() {
            self.is_new = false;
            self.knows_id = true;
            self.renew(now);
            // A client that is gone meanwhile is found by its session time-out.
            let _ = reply.send(answer);
        }
    }

    pub(super) fn answer_sync(&mut self, now: Instant, answer: Result<Synced, GroupError>) {
        if let Some(reply) = self.sync.take() {
            self.renew(now);
            let _ = reply.send(answer);
        }
    }

    pub(super) fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }

    /// What the assignor `protocol` is told of this member.
    pub(super) fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols
            .iter()
            .find(|(name, _)| name == protocol)
            .map(|(_, metadata)| metadata.clone())
            .unwrap_or_default()
    }

    /// Whether `protocols` would not change the assignment of a static member that comes back. Consumers put what they
    /// own into their metadata, and one that was restarted owns nothing: so the topics are compared, not the bytes.
    pub(super) fn has_same_subscription(&self, protocol_type: &str, protocols: &[(String, Bytes)]) -> bool {
        protocols.len() == self.protocols.len()
            && self.protocols.iter().zip(protocols).all(|((name, old), (new_name, new))| {
                let same = match (subscription::topics(old), subscription::topics(new)) {
                    (Some(old), Some(new)) if protocol_type == CONSUMER => old == new,
                    _ => old == new,
                };
                name == new_name && same
            })
    }

    pub(super) fn metadata_bytes(&self) -> usize {
        bytes_of(&self.protocols)
    }
}

fn bytes_of(protocols: &[(String, Bytes)]) -> usize {
    protocols.iter().map(|(name, metadata)| name.len() + metadata.len()).sum()
}
