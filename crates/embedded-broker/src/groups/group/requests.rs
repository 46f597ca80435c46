//! `SyncGroup`, `Heartbeat`, `LeaveGroup`, and who may commit.

use bytes::Bytes;
use tokio::time::Instant;

use super::{Group, State};
use crate::groups::{
    GroupError, limits,
    member::{SyncReply, Synced},
};

/// As whom a request speaks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caller {
    /// -1 for who is not a member.
    pub generation: i32,
    /// Empty for who is not a member.
    pub member_id: String,
    pub instance_id: Option<String>,
}

/// A member that wants its assignment, and the leader's assignments for all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sync {
    pub caller: Caller,
    /// What the member thinks was agreed on (KIP-559), where it says so.
    pub protocol_type: Option<String>,
    pub protocol: Option<String>,
    /// By member id; empty but for the leader.
    pub assignments: Vec<(String, Bytes)>,
}

/// A member that is to leave: by itself, or as an administrator names it by its instance id alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Leaver {
    pub member_id: String,
    pub instance_id: Option<String>,
}

impl Group {
    /// Whether there is this member, and whether it still owns its instance id.
    pub(super) fn check_member(&self, member_id: &str, instance_id: Option<&str>) -> Result<(), GroupError> {
        if let Some(instance_id) = instance_id {
            match self.instances.get(instance_id) {
                None => return Err(GroupError::UnknownMember),
                Some(owner) if owner != member_id => return Err(GroupError::FencedInstance),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) { Ok(()) } else { Err(GroupError::UnknownMember) }
    }

    fn check_caller(&self, caller: &Caller) -> Result<(), GroupError> {
        self.check_member(&caller.member_id, caller.instance_id.as_deref())?;
        if caller.generation == self.generation { Ok(()) } else { Err(GroupError::IllegalGeneration) }
    }

    /// Gives a member its assignment, at once or when the leader has sent it.
    pub(crate) fn sync(&mut self, now: Instant, sync: Sync, reply: SyncReply) {
        if let Err(error) = self.check_sync(&sync) {
            let _ = reply.send(Err(error));
            return;
        }
        let id = sync.caller.member_id;
        let completes = self.state == State::CompletingRebalance && self.leader == id;
        if let Some(member) = self.members.get_mut(&id) {
            member.must_sync = false;
            // An older sync of the same member loses its channel, and is told to join again.
            member.sync = Some(reply);
        }
        if completes {
            for (member_id, assignment) in sync.assignments {
                if let Some(member) = self.members.get_mut(&member_id) {
                    member.assignment = assignment;
                }
            }
            self.state = State::Stable;
        }
        if self.state == State::Stable {
            for member in self.members.values_mut() {
                let assignment = member.assignment.clone();
                let (protocol_type, protocol) = (self.protocol_type.clone(), self.protocol.clone());
                member.answer_sync(now, Ok(Synced { protocol_type, protocol, assignment }));
            }
        }
        if self.members.values().all(|member| !member.must_sync) {
            self.phase_deadline = None;
        }
    }

    fn check_sync(&self, sync: &Sync) -> Result<(), GroupError> {
        self.check_caller(&sync.caller)?;
        let differs = |said: &Option<String>, agreed: &str| said.as_deref().is_some_and(|said| said != agreed);
        if self.state == State::PreparingRebalance {
            return Err(GroupError::RebalanceInProgress);
        }
        if differs(&sync.protocol_type, &self.protocol_type) || differs(&sync.protocol, &self.protocol) {
            return Err(GroupError::InconsistentProtocol);
        }
        let bytes: usize = sync.assignments.iter().map(|(id, assignment)| id.len() + assignment.len()).sum();
        if bytes > limits::ASSIGNMENTS {
            return Err(GroupError::InvalidRequest);
        }
        Ok(())
    }

    /// A sign of life; an error tells the member what to do.
    pub(crate) fn heartbeat(&mut self, now: Instant, caller: &Caller) -> Result<(), GroupError> {
        self.check_caller(caller)?;
        self.renew(now, &caller.member_id);
        if self.state == State::PreparingRebalance { Err(GroupError::RebalanceInProgress) } else { Ok(()) }
    }

    /// Removes members at their wish or an administrator's; one rebalance for all of them.
    pub(crate) fn leave(&mut self, now: Instant, leavers: &[Leaver]) -> Vec<Result<(), GroupError>> {
        let before = self.members.len();
        let results = leavers.iter().map(|leaver| self.leave_one(now, leaver)).collect();
        if self.members.len() < before {
            self.rebalance(now);
        }
        results
    }

    fn leave_one(&mut self, now: Instant, leaver: &Leaver) -> Result<(), GroupError> {
        if self.pending.remove(&leaver.member_id).is_some() {
            self.complete_join_if_all_joined(now);
            return Ok(());
        }
        let id = match (&leaver.instance_id, leaver.member_id.as_str()) {
            (Some(instance_id), "") => self.instances.get(instance_id).cloned().ok_or(GroupError::UnknownMember)?,
            (instance_id, member_id) => {
                self.check_member(member_id, instance_id.as_deref())?;
                member_id.to_owned()
            }
        };
        self.remove_member(now, &id);
        Ok(())
    }

    /// Whether `caller` may commit offsets now; if it is a member, that is a sign of life too.
    ///
    /// This is Kafka's `ClassicGroup.validateOffsetCommit` (3.7 to 4.x): who is not a member may commit only while the
    /// group is empty; a member may with the current generation, also while a rebalance is prepared (it learns of that by
    /// its heartbeat), but not between the join and the sync of the next generation, where it does not own anything yet.
    pub(crate) fn check_commit(&mut self, now: Instant, caller: &Caller) -> Result<(), GroupError> {
        if caller.generation < 0 && self.state == State::Empty {
            return Ok(());
        }
        if caller.generation < 0 && caller.member_id.is_empty() && caller.instance_id.is_none() {
            return Err(GroupError::UnknownMember);
        }
        self.check_caller(caller)?;
        self.renew(now, &caller.member_id);
        if self.state == State::CompletingRebalance { Err(GroupError::RebalanceInProgress) } else { Ok(()) }
    }

    fn renew(&mut self, now: Instant, member_id: &str) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.renew(now);
        }
    }
}
