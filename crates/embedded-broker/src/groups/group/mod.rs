//! One consumer group as a state machine: Kafka's classic protocol (KIP-62, KIP-345, KIP-394).
//!
//! It touches no socket, no clock and no disk: each call says what time it is, and what a member waits for goes through
//! a oneshot channel. What the calls do is Kafka's `GroupMetadataManager` and `ClassicGroup` of 3.7 to 4.x, except where a
//! comment says why not. The requests are in [`joining`] and [`requests`]; here is what they have in common: generations,
//! rebalances and time-outs.
//!
//! Invariants: a stable group has exactly one leader, which is a member; the generation never goes down; whoever waits is
//! answered by a deadline that [`Group::next_deadline`] knows; there is always a protocol that all members support.

mod description;
mod joining;
mod requests;
#[cfg(test)]
pub(super) mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    GroupError, limits,
    member::{CONSUMER, Joined, JoinedMember, Member},
    subscription,
};
pub(crate) use description::{Description, Listing};
pub(crate) use requests::{Caller, Leaver, Sync};

/// Where a group is in its cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No members.
    Empty,
    /// Members are asked to join the next generation.
    PreparingRebalance,
    /// All have joined; the leader has yet to send the assignment.
    CompletingRebalance,
    /// Everyone has or can fetch its assignment.
    Stable,
    /// There is no such group.
    Dead,
}

impl State {
    /// The name in the protocol.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

/// Someone who was given a member id and has yet to come back with it.
#[derive(Debug)]
struct Pending {
    principal: String,
    deadline: Instant,
}

/// A consumer group.
#[derive(Debug)]
pub(crate) struct Group {
    state: State,
    generation: i32,
    protocol_type: String,
    protocol: String,
    leader: String,
    members: BTreeMap<String, Member>,
    /// Member ids by instance id.
    instances: BTreeMap<String, String>,
    pending: BTreeMap<String, Pending>,
    /// Until when the current phase may last: joining in `PreparingRebalance`, syncing after it.
    phase_deadline: Option<Instant>,
    /// In the first rebalance of an empty group: until when at most it waits for more members.
    initial_until: Option<Instant>,
}

impl Group {
    /// A group without members.
    pub(super) fn new() -> Self {
        Self {
            state: State::Empty,
            generation: 0,
            protocol_type: String::new(),
            protocol: String::new(),
            leader: String::new(),
            members: BTreeMap::new(),
            instances: BTreeMap::new(),
            pending: BTreeMap::new(),
            phase_deadline: None,
            initial_until: None,
        }
    }

    /// Whether nobody is in it or was invited to join.
    pub(super) fn is_deserted(&self) -> bool {
        self.members.is_empty() && self.pending.is_empty()
    }

    /// Whether it has members.
    pub(super) fn has_members(&self) -> bool {
        !self.members.is_empty()
    }

    /// When [`Group::tick`] has something to do next.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let members = self.members.values().filter_map(Member::expires_at);
        let pending = self.pending.values().map(|pending| pending.deadline);
        members.chain(pending).chain(self.phase_deadline).min()
    }

    /// Does what the time asks for: drops who was silent for too long, ends phases that took too long.
    pub(super) fn tick(&mut self, now: Instant) {
        self.pending.retain(|_, pending| pending.deadline > now);
        let silent = |member: &Member| member.expires_at().is_some_and(|deadline| deadline <= now);
        self.remove_members(now, silent);
        if self.phase_deadline.is_some_and(|deadline| deadline <= now) {
            self.phase_deadline = None;
            match self.state {
                State::PreparingRebalance => self.complete_join(now),
                // Who has joined and then neither syncs nor leaves holds partitions that nobody reads.
                State::CompletingRebalance | State::Stable => self.remove_members(now, |member| member.must_sync),
                State::Empty | State::Dead => {}
            }
        }
        self.complete_join_if_all_joined(now);
    }

    /// Drops the members that `principal` joined as, and the ids that it was given.
    pub(super) fn remove_principal(&mut self, now: Instant, principal: &str) {
        self.pending.retain(|_, pending| pending.principal != principal);
        self.remove_members(now, |member| member.principal == principal);
        self.complete_join_if_all_joined(now);
    }

    /// Takes note that clients stopped waiting. Those that can come back keep their place for a session time-out.
    pub(super) fn abandon(&mut self, now: Instant) {
        for member in self.members.values_mut() {
            member.abandon(now);
        }
        self.remove_members(now, |member| !member.can_return());
    }

    /// The topics that the members are subscribed to; `None` if the group is of consumers and cannot be understood.
    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        self.members.values().flat_map(|member| &member.protocols).any(|(_, metadata)| {
            // What cannot be read might be a subscription, and then its offsets are in use.
            subscription::topics(metadata).is_none_or(|topics| topics.contains(topic))
        })
    }

    /// Whether it is used by ordinary consumers.
    pub(super) fn is_of_consumers(&self) -> bool {
        self.protocol_type == CONSUMER
    }

    fn metadata_bytes(&self) -> usize {
        self.members.values().map(Member::metadata_bytes).sum()
    }

    /// Removes every member for which `leaves` holds, and lets the others rebalance, once.
    fn remove_members(&mut self, now: Instant, leaves: impl Fn(&Member) -> bool) {
        let ids: Vec<String> =
            self.members.iter().filter(|(_, member)| leaves(member)).map(|(id, _)| id.clone()).collect();
        for id in &ids {
            self.remove_member(now, id);
        }
        if !ids.is_empty() {
            self.rebalance(now);
        }
    }

    /// Removes one member. The caller starts the rebalance.
    fn remove_member(&mut self, now: Instant, id: &str) {
        let Some(mut member) = self.members.remove(id) else {
            return;
        };
        // If its client is there after all, this tells it to join again as a new member.
        member.answer_join(now, Err(GroupError::UnknownMember));
        member.answer_sync(now, Err(GroupError::UnknownMember));
        if let Some(instance_id) = &member.instance_id {
            self.instances.remove(instance_id);
        }
    }

    /// Begins a rebalance, or goes on with the one that runs.
    fn rebalance(&mut self, now: Instant) {
        match self.state {
            State::PreparingRebalance | State::Dead => {
                return self.complete_join_if_all_joined(now);
            }
            State::CompletingRebalance => {
                for member in self.members.values_mut() {
                    member.assignment = Bytes::new();
                    member.answer_sync(now, Err(GroupError::RebalanceInProgress));
                }
            }
            State::Empty => {
                self.initial_until = Some(now + limits::INITIAL_DELAY_IN_ALL.min(self.rebalance_timeout()));
            }
            State::Stable => {}
        }
        for member in self.members.values_mut() {
            member.must_sync = false;
        }
        self.state = State::PreparingRebalance;
        self.phase_deadline = Some(now + self.rebalance_timeout());
        self.extend_initial_delay(now);
        self.complete_join_if_all_joined(now);
    }

    /// In the first rebalance: waits a little for those that come together with the one that came now.
    fn extend_initial_delay(&mut self, now: Instant) {
        if let Some(until) = self.initial_until {
            self.phase_deadline = Some(until.min(now + limits::INITIAL_DELAY));
        }
    }

    /// The longest that any member asked for.
    fn rebalance_timeout(&self) -> Duration {
        self.members.values().map(|member| member.rebalance_timeout).max().unwrap_or_default()
    }

    fn complete_join_if_all_joined(&mut self, now: Instant) {
        let all = self.pending.is_empty() && self.members.values().all(|member| member.join.is_some());
        // An empty group waits for nobody, not even for who was given an id: he begins a new rebalance.
        let nobody = self.members.is_empty();
        if self.state == State::PreparingRebalance && ((all && self.initial_until.is_none()) || nobody) {
            self.complete_join(now);
        }
    }

    /// Ends the joining: the members that wait make up the next generation, the others are dropped. Static members keep
    /// their place until their session time-out (KIP-345).
    fn complete_join(&mut self, now: Instant) {
        let late = |member: &Member| member.join.is_none() && member.instance_id.is_none();
        let late: Vec<String> =
            self.members.iter().filter(|(_, member)| late(member)).map(|(id, _)| id.clone()).collect();
        for id in &late {
            self.remove_member(now, id);
        }
        self.initial_until = None;
        if self.members.is_empty() {
            self.generation = self.generation.saturating_add(1);
            self.state = State::Empty;
            self.protocol.clear();
            self.leader.clear();
            self.phase_deadline = None;
            return;
        }
        // The leader is kept as long as it joins, so that assignors that remember things go on doing so.
        if self.members.get(&self.leader).is_none_or(|leader| leader.join.is_none()) {
            let Some((id, _)) = self.members.iter().find(|(_, member)| member.join.is_some()) else {
                // Only static members that have not come back: session time-outs will tell whether they live.
                self.phase_deadline = Some(now + self.rebalance_timeout());
                return;
            };
            self.leader = id.clone();
        }
        self.generation = self.generation.saturating_add(1);
        self.protocol = self.select_protocol();
        self.state = State::CompletingRebalance;
        self.phase_deadline = Some(now + self.rebalance_timeout());
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let answer = self.joined(&id);
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = Bytes::new();
                member.must_sync = true;
                member.answer_join(now, Ok(answer));
            }
        }
    }

    /// What a member is told of the current generation.
    fn joined(&self, id: &str) -> Joined {
        let members = if self.leader == id { self.joined_members() } else { Vec::new() };
        Joined {
            member_id: id.to_owned(),
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members,
            skip_assignment: false,
        }
    }

    fn joined_members(&self) -> Vec<JoinedMember> {
        let member = |(id, member): (&String, &Member)| JoinedMember {
            member_id: id.clone(),
            instance_id: member.instance_id.clone(),
            metadata: member.metadata(&self.protocol),
        };
        self.members.iter().map(member).collect()
    }

    /// The protocols that all members support.
    fn candidates(&self) -> BTreeSet<&str> {
        let mut members = self.members.values();
        let Some(first) = members.next() else {
            return BTreeSet::new();
        };
        let mut candidates: BTreeSet<&str> = first.protocols.iter().map(|(name, _)| &**name).collect();
        for member in members {
            candidates.retain(|name| member.supports(name));
        }
        candidates
    }

    /// Each member votes for the first of its protocols that all support.
    fn select_protocol(&self) -> String {
        let candidates = self.candidates();
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            if let Some((name, _)) = member.protocols.iter().find(|(name, _)| candidates.contains(&**name)) {
                *votes.entry(name).or_default() += 1;
            }
        }
        votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(name, _)| name.to_owned()).unwrap_or_default()
    }
}
