//! `JoinGroup`.

use tokio::time::Instant;
use uuid::Uuid;

use super::{Group, Pending, State};
use crate::groups::{
    GroupError, limits,
    member::{Join, JoinReply, Joined, Member},
};

impl Group {
    /// Lets a member join; `reply` is answered now or when the rebalance completes. `uuid` makes a new member's id.
    pub(crate) fn join(&mut self, now: Instant, uuid: Uuid, join: Join, reply: JoinReply) {
        match self.try_join(now, uuid, join) {
            Outcome::Now(answer) => {
                // Whoever does not wait any more needs no answer.
                let _ = reply.send(*answer);
            }
            Outcome::Waits(id) => {
                if let Some(member) = self.members.get_mut(&id) {
                    // An older join of the same member loses its channel, and is told to join again.
                    member.join = Some(reply);
                }
                self.rebalance(now);
            }
            Outcome::New(id, join) => {
                if let Some(instance_id) = &join.instance_id {
                    self.instances.insert(instance_id.clone(), id.clone());
                }
                if self.members.is_empty() {
                    self.protocol_type.clone_from(&join.protocol_type);
                }
                self.members.insert(id, Member::new(now, *join, reply));
                self.extend_initial_delay(now);
                self.rebalance(now);
            }
        }
    }

    fn try_join(&mut self, now: Instant, uuid: Uuid, join: Join) -> Outcome {
        if let Err(error) = self.admit(&join) {
            return Outcome::error(error);
        }
        if !join.member_id.is_empty() {
            return self.join_known(now, join);
        }
        let id = join.fresh_member_id(uuid);
        if let Some(old_id) = join.instance_id.as_ref().and_then(|instance_id| self.instances.get(instance_id)) {
            let old_id = old_id.clone();
            return self.replace_static(now, &old_id, id, join);
        }
        if join.needs_known_id && join.instance_id.is_none() {
            let deadline = now + join.session_timeout();
            self.pending.insert(id.clone(), Pending { principal: join.principal, deadline });
            self.extend_initial_delay(now);
            return Outcome::error(GroupError::MemberIdRequired(id));
        }
        Outcome::New(id, Box::new(join))
    }

    /// Whether there is room for the member and whether it has a protocol in common with the others.
    fn admit(&self, join: &Join) -> Result<(), GroupError> {
        join.check()?;
        let known = self.members.contains_key(&join.member_id)
            || self.pending.contains_key(&join.member_id)
            || join.instance_id.as_ref().is_some_and(|id| self.instances.contains_key(id));
        if !known && self.members.len() + self.pending.len() >= limits::MEMBERS {
            return Err(GroupError::Full);
        }
        if self.metadata_bytes() + join.metadata_bytes() > limits::METADATA_OF_GROUP {
            return Err(GroupError::Full);
        }
        let consistent = if self.members.is_empty() {
            !join.protocol_type.is_empty() && !join.protocols.is_empty()
        } else {
            let candidates = self.candidates();
            self.protocol_type == join.protocol_type
                && join.protocols.iter().any(|(name, _)| candidates.contains(&**name))
        };
        if consistent { Ok(()) } else { Err(GroupError::InconsistentProtocol) }
    }

    fn join_known(&mut self, now: Instant, join: Join) -> Outcome {
        let id = join.member_id.clone();
        if join.instance_id.is_none() && self.pending.remove(&id).is_some() {
            return Outcome::New(id, Box::new(join));
        }
        if let Err(error) = self.check_member(&id, join.instance_id.as_deref()) {
            return Outcome::error(error);
        }
        let is_leader = self.leader == id;
        let Some(member) = self.members.get_mut(&id) else {
            return Outcome::error(GroupError::UnknownMember);
        };
        let unchanged = member.protocols == join.protocols;
        let answered_now = match self.state {
            // It may not have got the first answer.
            State::CompletingRebalance => unchanged,
            // The leader joins again to have everything assigned anew, for example because a topic has grown.
            State::Stable => unchanged && !is_leader,
            _ => false,
        };
        member.update(now, join);
        if answered_now { Outcome::Now(Box::new(Ok(self.joined(&id)))) } else { Outcome::Waits(id) }
    }

    /// A static member has come back without its id: the new twin takes the place of the old (KIP-345).
    fn replace_static(&mut self, now: Instant, old_id: &str, id: String, join: Join) -> Outcome {
        let Some(mut member) = self.members.remove(old_id) else {
            return Outcome::error(GroupError::UnknownMember);
        };
        member.answer_join(now, Err(GroupError::FencedInstance));
        member.answer_sync(now, Err(GroupError::FencedInstance));
        // Kafka looks only at the chosen protocol here, so that a changed subscription goes unnoticed until some other
        // rebalance.
        let same = member.has_same_subscription(&join.protocol_type, &join.protocols);
        let can_skip = join.can_skip_assignment;
        if let Some(instance_id) = &member.instance_id {
            self.instances.insert(instance_id.clone(), id.clone());
        }
        member.update(now, join);
        self.members.insert(id.clone(), member);
        let was_leader = self.leader == old_id;
        if was_leader {
            self.leader.clone_from(&id);
        }
        if self.state != State::Stable || !same || self.select_protocol() != self.protocol {
            return Outcome::Waits(id);
        }
        // No rebalance: it goes on with the assignment that its older self had. A leader that came back must not assign
        // anew, since the others would not learn of it: newer clients are told so (KIP-814), older ones are told that
        // someone else leads.
        let mut joined = self.joined(&id);
        if was_leader && can_skip {
            joined.skip_assignment = true;
        } else if was_leader {
            old_id.clone_into(&mut joined.leader);
            joined.members = Vec::new();
        }
        Outcome::Now(Box::new(Ok(joined)))
    }
}

/// What becomes of a join.
enum Outcome {
    /// It is answered at once.
    Now(Box<Result<Joined, GroupError>>),
    /// The member with this id waits for the rebalance.
    Waits(String),
    /// A new member with this id waits for the rebalance.
    New(String, Box<Join>),
}

impl Outcome {
    fn error(error: GroupError) -> Self {
        Self::Now(Box::new(Err(error)))
    }
}
