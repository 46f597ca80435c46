//! The protocol as a state machine, and a search through every state that it can reach.
//!
//! One replica (the *follower*) is modelled step by step, with another that rotates, a third that removes rows of the dead,
//! and the database between them. Whatever may happen between two steps happens somewhere in the search: pauses (nobody has
//! to take a step), messages that are lost or arrive late, clocks that run apart, a rotation by the follower itself, an orderly
//! stop. The decisions are the real ones: [`Until`], [`Barrier`], [`supersedes`].
//!
//! Invariant: *a request never uses memory that is older than the newest rotation that had been answered when the request
//! arrived.* A request arrives, asks whether memory may be believed, and looks into it. The worst moment to arrive is right
//! before the question, so the two are one step; and a look later than that finds nothing older, because memory never goes
//! back, which is checked as well. Each rule of the protocol is also removed in turn, and the search must find out.
//!
//! The clock ticks in seconds and the lease is two of them; in that time the follower's clock may miss one, which is more than
//! real clocks can and just what the barrier's wait, in whole seconds, allows for. Ages are kept instead of times, so there
//! is no end of time and the number of states is finite.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use super::{
    barrier::{Barrier, Peer, outwait},
    trust::Until,
};
use crate::registry::supersedes;

/// Rotations in one run.
const ROTATIONS: i8 = 2;
const LEASE: i8 = 2;
/// The follower's clock may miss one tick after so many that it has not missed.
const MISS_AFTER: i8 = 2;
/// Ages beyond which nothing changes any more.
const OLD: i8 = 3;
/// "Now" on either clock, when ages are turned into times for the real decisions.
const NOW: Duration = Duration::from_secs(1000);

/// A rule that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    Nothing,
    /// The lease counts from when the answer came.
    ClockBeforeQuestion,
    /// A rotation is answered right after its commit.
    Barrier,
    /// The barrier waits for exactly one lease.
    AllowanceForDrift,
    /// The barrier's clock is read before the commit.
    ClockAfterCommit,
    /// Memory is trusted although the heartbeat did not find the replica's row.
    Registration,
    /// What was read last wins.
    OrderOfRevisions,
    /// A revision is confirmed when it was heard of.
    ApplyingBeforeConfirming,
    /// A workspace's revision is read after its tokens.
    OneSnapshot,
    /// Memory is asked first, and whether it may be believed afterwards.
    TrustBeforeLookup,
    /// Rows are removed at first sight.
    WaitBeforeRemoval,
    /// At an orderly stop the row goes first.
    EndOfTrustBeforeRemoval,
}

/// What is held about the workspace: whose tokens are valid follows from how often it was rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Memory {
    content: i8,
    label: i8,
}

/// Where a heartbeat is. `age`: since the follower read its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Beat {
    None,
    Sent {
        age: i8,
    },
    /// The statement has its snapshot and has not updated the row yet.
    Snapshot {
        age: i8,
        revision: i8,
    },
    Answered {
        age: i8,
        revision: i8,
        registered: bool,
    },
    Read {
        age: i8,
        revision: i8,
        registered: bool,
        content: i8,
    },
    CaughtUp {
        age: i8,
        registered: bool,
    },
}

/// Where the other replica's rotation is. `age`: since it read its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Rotation {
    None,
    ClockedTooEarly { age: i8 },
    Committed { revision: i8 },
    Clocked { revision: i8, age: i8 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Life {
    Running,
    Stopping,
    Stopped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    /// The newest revision in the database, and the newest whose rotation was answered.
    database: i8,
    answered: i8,
    /// The follower's row: the revision that it has confirmed.
    row: Option<i8>,
    /// How long a third replica has seen that row unchanged.
    watched: Option<i8>,
    rotation: Rotation,
    life: Life,
    memory: Option<Memory>,
    applied: i8,
    /// How long the follower still trusts its memory, on its own clock.
    trust: i8,
    beat: Beat,
    /// A heartbeat that the follower has given up and that is still on its way.
    late: Option<i8>,
    /// A rotation by the follower itself that is committed and not carried over into memory yet.
    own: Option<i8>,
    /// Without [`Without::TrustBeforeLookup`]: a request that has looked: what had been answered, what it has seen.
    looked: Option<(i8, i8)>,
    ticks_since_miss: i8,
}

const START: State = State {
    database: 0,
    answered: 0,
    row: None,
    watched: None,
    rotation: Rotation::None,
    life: Life::Running,
    memory: None,
    applied: -1,
    trust: 0,
    beat: Beat::None,
    late: None,
    own: None,
    looked: None,
    ticks_since_miss: 0,
};

/// The time that was so many ticks ago.
fn ago(age: i8) -> Duration {
    NOW.saturating_sub(seconds(age))
}

fn seconds(ticks: i8) -> Duration {
    Duration::from_secs(ticks.unsigned_abs().into())
}

impl State {
    /// The follower's [`Until`], which is kept as what is left of it.
    fn until(self) -> Until {
        Until::after(ago(LEASE - self.trust), seconds(LEASE))
    }

    fn trusts(self) -> bool {
        self.until().holds(NOW)
    }

    fn remember(&mut self, content: i8, label: i8, without: Without) {
        let held = self.memory.map(|memory| memory.label.into());
        if without == Without::OrderOfRevisions || supersedes(label.into(), held) {
            self.memory = Some(Memory { content, label });
        }
    }

    /// Whether a request that arrives now would use what it must not; or one that has looked too early.
    fn violates(&self) -> bool {
        let memory = self.memory.map(|memory| (self.answered, memory.content));
        self.trusts() && [memory, self.looked].into_iter().flatten().any(|(answered, content)| content < answered)
    }

    /// A second passes; the follower's clock may miss it.
    fn tick(&self, missed: bool) -> Self {
        let mut next = *self;
        let older = |age: &mut i8| *age = (*age + 1).min(OLD);
        match &mut next.rotation {
            Rotation::Clocked { age, .. } | Rotation::ClockedTooEarly { age } => older(age),
            Rotation::None | Rotation::Committed { .. } => {}
        }
        next.watched.iter_mut().for_each(older);
        if missed {
            next.ticks_since_miss = 0;
            return next;
        }
        next.ticks_since_miss = (self.ticks_since_miss + 1).min(MISS_AFTER);
        next.trust = (self.trust - 1).max(0);
        match &mut next.beat {
            Beat::None => {}
            Beat::Sent { age }
            | Beat::Snapshot { age, .. }
            | Beat::Answered { age, .. }
            | Beat::Read { age, .. }
            | Beat::CaughtUp { age, .. } => *age = (*age + 1).min(LEASE),
        }
        next
    }

    fn successors(&self, without: Without) -> Vec<(&'static str, Self)> {
        if self.life == Life::Stopped {
            // Nobody trusts anything any more.
            return vec![];
        }
        let mut all = vec![("a second passes", self.tick(false))];
        if self.ticks_since_miss == MISS_AFTER {
            all.push(("a second passes that the follower's clock misses", self.tick(true)));
        }
        all.extend(self.of_the_rotation(without));
        all.extend(self.of_the_remover(without));
        all.extend(self.of_the_follower(without));
        all.extend(self.of_the_heartbeat(without));
        all.extend(self.of_a_request(without));
        all
    }

    fn of_the_rotation(&self, without: Without) -> Vec<(&'static str, Self)> {
        let state = *self;
        let committed = state.database + 1;
        match state.rotation {
            Rotation::None | Rotation::ClockedTooEarly { .. } if state.database == ROTATIONS => vec![],
            Rotation::None if without == Without::ClockAfterCommit => {
                vec![("rotation: clock", Self { rotation: Rotation::ClockedTooEarly { age: 0 }, ..state })]
            }
            Rotation::ClockedTooEarly { age } => {
                let rotation = Rotation::Clocked { revision: committed, age };
                vec![("rotation: commit", Self { database: committed, rotation, ..state })]
            }
            Rotation::None => {
                let rotation = Rotation::Committed { revision: committed };
                vec![("rotation: commit", Self { database: committed, rotation, ..state })]
            }
            Rotation::Committed { revision } => {
                vec![("rotation: clock", Self { rotation: Rotation::Clocked { revision, age: 0 }, ..state })]
            }
            Rotation::Clocked { revision, age } => {
                let barrier = Barrier { revision: revision.into(), committed_at: ago(age) };
                let lease = match without {
                    Without::AllowanceForDrift => seconds(LEASE).saturating_sub(Duration::from_millis(1)) * 4 / 5,
                    _ => seconds(LEASE),
                };
                let peers = state.row.map(|revision| Peer { id: String::new(), revision: revision.into(), lease });
                let over = barrier.is_over(Some(&peers), NOW);
                let answered = Self { answered: state.answered.max(revision), rotation: Rotation::None, ..state };
                if over || without == Without::Barrier { vec![("rotation: answered", answered)] } else { vec![] }
            }
        }
    }

    fn of_the_remover(&self, without: Without) -> Vec<(&'static str, Self)> {
        let state = *self;
        if state.row.is_none() {
            return vec![];
        }
        let long_enough = |age| seconds(age) >= outwait(seconds(LEASE)) || without == Without::WaitBeforeRemoval;
        match state.watched {
            None => vec![("a third replica looks at the row", Self { watched: Some(0), ..state })],
            Some(age) if long_enough(age) => {
                vec![("the row is removed", Self { row: None, watched: None, ..state })]
            }
            Some(_) => vec![],
        }
    }

    fn of_the_follower(&self, without: Without) -> Vec<(&'static str, Self)> {
        let state = *self;
        let mut all = vec![];
        if let Some(revision) = state.own {
            let mut next = Self { own: None, answered: state.answered.max(revision), ..state };
            next.remember(revision, revision, without);
            all.push(("follower's own rotation: in memory, answered", next));
        } else if state.life == Life::Running && state.memory.is_some() && state.database < ROTATIONS {
            let next = Self { database: state.database + 1, own: Some(state.database + 1), ..state };
            all.push(("follower's own rotation: commit", next));
        }
        let removal_first = without == Without::EndOfTrustBeforeRemoval;
        let end = |life| Self { life, trust: 0, beat: Beat::None, ..state };
        let remove = |life| Self { life, row: None, watched: None, beat: Beat::None, ..state };
        match state.life {
            Life::Running if removal_first => all.push(("stop: row removed", remove(Life::Stopping))),
            Life::Stopping if removal_first => all.push(("stop: trust ended", end(Life::Stopped))),
            Life::Running => all.push(("stop: trust ended", end(Life::Stopping))),
            Life::Stopping => all.push(("stop: row removed", remove(Life::Stopped))),
            Life::Stopped => {}
        }
        all
    }

    fn of_the_heartbeat(&self, without: Without) -> Vec<(&'static str, Self)> {
        let state = *self;
        let mut all = vec![];
        if let Some(applied) = state.late {
            let row = state.row.map(|_| applied);
            all.push(("a heartbeat arrives late", Self { late: None, row, watched: None, ..state }));
        }
        if state.beat != Beat::None {
            all.push(("heartbeat: given up", Self { beat: Beat::None, ..state }));
        }
        let with = |beat| Self { beat, ..state };
        match state.beat {
            Beat::None if state.life == Life::Running => all.push(("heartbeat: sent", with(Beat::Sent { age: 0 }))),
            Beat::None => {}
            Beat::Sent { age } => {
                all.push(("heartbeat: snapshot", with(Beat::Snapshot { age, revision: state.database })));
                if state.late.is_none() {
                    all.push(("heartbeat: given up", Self { late: Some(state.applied), ..with(Beat::None) }));
                }
            }
            Beat::Snapshot { age, revision } => {
                let confirmed = match without {
                    Without::ApplyingBeforeConfirming => revision,
                    _ => state.applied,
                };
                let beat = Beat::Answered { age, revision, registered: state.row.is_some() };
                let row = state.row.map(|_| confirmed);
                all.push(("heartbeat: row updated", Self { row, watched: None, ..with(beat) }));
            }
            Beat::Answered { age, revision, registered } => {
                let age = if without == Without::ClockBeforeQuestion { 0 } else { age };
                let beat = if revision == state.applied {
                    Beat::CaughtUp { age, registered }
                } else {
                    Beat::Read { age, revision, registered, content: state.database }
                };
                all.push(("heartbeat: changes read", with(beat)));
            }
            Beat::Read { age, revision, registered, content } => {
                let label = if without == Without::OneSnapshot { state.database } else { content };
                let mut next = Self { applied: revision, ..with(Beat::CaughtUp { age, registered }) };
                next.remember(content, label, without);
                all.push(("heartbeat: changes in memory", next));
            }
            Beat::CaughtUp { age, registered } => {
                if registered || without == Without::Registration {
                    let until = Until::after(ago(age), seconds(LEASE)).moment();
                    let trust = until.saturating_sub(NOW).as_secs() as i8;
                    all.push(("heartbeat: trust", Self { trust, ..with(Beat::None) }));
                }
                if !registered {
                    let next = Self { row: Some(state.applied), watched: None, ..with(Beat::None) };
                    all.push(("heartbeat: row made", next));
                }
            }
        }
        all
    }

    fn of_a_request(&self, without: Without) -> Vec<(&'static str, Self)> {
        match self.memory {
            Some(memory) if without == Without::TrustBeforeLookup => {
                let looked = Some((self.answered, memory.content));
                vec![("a request arrives and looks into memory", Self { looked, ..*self })]
            }
            _ => vec![],
        }
    }
}

/// Visits every state; the shortest way to a violation if there is one, else all states.
fn search(without: Without) -> Result<HashSet<State>, Vec<&'static str>> {
    let mut from: HashMap<State, Option<(&'static str, State)>> = HashMap::from([(START, None)]);
    let mut open = VecDeque::from([START]);
    while let Some(state) = open.pop_front() {
        if state.violates() {
            let way = std::iter::successors(from[&state], |(_, before)| from[before]).map(|(step, _)| step);
            let mut way: Vec<_> = way.collect();
            way.reverse();
            return Err(way);
        }
        for (step, next) in state.successors(without) {
            let back = next.memory.map(|memory| memory.content) < state.memory.map(|memory| memory.content);
            assert!(!back || without != Without::Nothing, "memory went back: {step}, {state:?}");
            from.entry(next).or_insert_with(|| {
                open.push_back(next);
                Some((step, state))
            });
        }
    }
    Ok(from.into_keys().collect())
}

#[test]
fn g2_no_request_uses_memory_older_than_what_was_answered_before_it() {
    let states = search(Without::Nothing).unwrap_or_else(|way| panic!("violated by: {way:#?}"));
    println!("{} states", states.len());
    // The search is worth something only if it gets to where things happen.
    let reached = |what: &str, is: &dyn Fn(&State) -> bool| assert!(states.iter().any(is), "never reached: {what}");
    reached("both rotations answered", &|it| it.answered == ROTATIONS);
    reached("answered although the follower never confirmed", &|it| it.answered == 2 && it.row == Some(0));
    reached("the follower trusts the newest", &|it| it.trust > 0 && it.memory.is_some_and(|it| it.content == 2));
    reached("trust in old memory during a rotation", &|it| {
        it.trust > 0 && it.answered < it.database && it.memory.is_some_and(|memory| memory.content < it.database)
    });
    reached("trusted by memory that is newer than what was confirmed", &|it| {
        it.trust > 0 && it.memory.is_some_and(|memory| memory.content > it.applied)
    });
    reached("removed while it lives", &|it| it.life == Life::Running && it.row.is_none() && it.applied >= 0);
    // Liveness, as far as safety can tell it: from every state in which the rotation waits, time alone ends the wait.
    for state in states.iter().filter(|state| matches!(state.rotation, Rotation::Clocked { .. })) {
        let later = (0..OLD).fold(*state, |state, _| state.tick(false));
        assert!(!later.of_the_rotation(Without::Nothing).is_empty(), "waits for ever: {state:?}");
    }
}

#[test]
fn g2_each_rule_is_needed() {
    for without in [
        Without::ClockBeforeQuestion,
        Without::Barrier,
        Without::AllowanceForDrift,
        Without::ClockAfterCommit,
        Without::Registration,
        Without::OrderOfRevisions,
        Without::ApplyingBeforeConfirming,
        Without::OneSnapshot,
        Without::TrustBeforeLookup,
        Without::WaitBeforeRemoval,
        Without::EndOfTrustBeforeRemoval,
    ] {
        let way = search(without).expect_err(&format!("{without:?} was not missed"));
        println!("without {without:?}: {way:#?}");
    }
}
