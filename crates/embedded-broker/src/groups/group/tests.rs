//! The rules of the state machine, one by one; time is only ever passed in.

use tokio::sync::oneshot::{self, error::TryRecvError};
use uuid::Uuid;

use super::*;
use crate::groups::{
    Join, Synced,
    subscription::{self, metadata},
};

impl Group {
    /// What holds between any two calls.
    pub(in crate::groups) fn check_invariants(&self) {
        let waiting = self.members.values().any(|member| member.join.is_some());
        let syncing = self.members.values().any(|member| member.sync.is_some());
        match self.state {
            State::Empty => assert!(self.members.is_empty() && self.leader.is_empty()),
            State::PreparingRebalance => assert!(!self.members.is_empty() && !syncing && self.phase_deadline.is_some()),
            State::CompletingRebalance => assert!(!waiting && self.phase_deadline.is_some()),
            State::Stable => assert!(!waiting && !syncing),
            State::Dead => unreachable!("a dead group is not kept"),
        }
        if matches!(self.state, State::CompletingRebalance | State::Stable) {
            assert!(self.members.contains_key(&self.leader), "the leader is a member");
            assert!(self.candidates().contains(&*self.protocol), "all support the protocol");
        }
        let owners: BTreeSet<_> = self.instances.values().collect();
        let statics: BTreeSet<_> =
            self.members.iter().filter(|(_, m)| m.instance_id.is_some()).map(|(id, _)| id).collect();
        assert_eq!(owners, statics, "instance ids and static members correspond");
        assert!(self.pending.keys().all(|id| !self.members.contains_key(id)));
    }

    pub(in crate::groups) fn generation(&self) -> i32 {
        self.generation
    }
}

type JoinAnswer = oneshot::Receiver<Result<Joined, GroupError>>;
type SyncAnswer = oneshot::Receiver<Result<Synced, GroupError>>;

/// A consumer that wants topic `t`, with a session of 10 s and a rebalance time-out of 60 s.
pub(in crate::groups) fn consumer(member_id: &str) -> Join {
    Join {
        member_id: member_id.to_owned(),
        instance_id: None,
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        principal: "p".to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer".to_owned(),
        protocols: vec![("range".to_owned(), metadata(&["t"]))],
        needs_known_id: false,
        can_skip_assignment: false,
    }
}

fn static_consumer(instance_id: &str) -> Join {
    Join { instance_id: Some(instance_id.to_owned()), ..consumer("") }
}

/// A group and the time.
struct Bench {
    group: Group,
    now: Instant,
    ids: u128,
}

fn bench() -> Bench {
    Bench { group: Group::new(), now: Instant::now(), ids: 0 }
}

impl Bench {
    fn join(&mut self, join: Join) -> JoinAnswer {
        self.ids += 1;
        let (reply, answer) = oneshot::channel();
        self.group.join(self.now, Uuid::from_u128(self.ids), join, reply);
        self.group.check_invariants();
        answer
    }

    fn sync(&mut self, joined: &Joined, assignments: &[(&str, &str)]) -> SyncAnswer {
        let (reply, answer) = oneshot::channel();
        let sync = Sync {
            caller: caller(joined),
            assignments: assignments.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned().into())).collect(),
            ..Sync::default()
        };
        self.group.sync(self.now, sync, reply);
        self.group.check_invariants();
        answer
    }

    /// Lets time pass, and does on the way what is due.
    fn pass(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        while let Some(deadline) = self.group.next_deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            self.group.tick(self.now);
            self.group.check_invariants();
        }
        self.now = until;
    }

    /// A stable group of these members, the leader first.
    fn stable(&mut self, joins: Vec<Join>) -> Vec<Joined> {
        let mut answers: Vec<JoinAnswer> = joins.into_iter().map(|join| self.join(join)).collect();
        self.pass(1_000);
        let mut joined: Vec<Joined> = answers.iter_mut().map(ok).collect();
        joined.sort_by_key(|joined| joined.leader != joined.member_id);
        let names: Vec<(&str, &str)> = joined.iter().map(|joined| (&*joined.member_id, &*joined.member_id)).collect();
        let mut syncs: Vec<SyncAnswer> = joined.iter().map(|joined| self.sync(joined, &names)).collect();
        for (sync, joined) in syncs.iter_mut().zip(&joined) {
            assert_eq!(ok(sync).assignment, joined.member_id, "everyone gets its own assignment");
        }
        assert_eq!(self.group.state, State::Stable);
        joined
    }

    fn heartbeat(&mut self, joined: &Joined) -> Result<(), GroupError> {
        self.group.heartbeat(self.now, &caller(joined))
    }

    fn leave(&mut self, member_id: &str) -> Result<(), GroupError> {
        let leaver = Leaver { member_id: member_id.to_owned(), instance_id: None };
        let result = self.group.leave(self.now, &[leaver]).remove(0);
        self.group.check_invariants();
        result
    }
}

pub(in crate::groups) fn caller(joined: &Joined) -> Caller {
    Caller { generation: joined.generation, member_id: joined.member_id.clone(), instance_id: None }
}

fn ok<T>(answer: &mut oneshot::Receiver<Result<T, GroupError>>) -> T {
    answer.try_recv().expect("is answered").expect("is not refused")
}

fn refused<T: std::fmt::Debug>(answer: &mut oneshot::Receiver<Result<T, GroupError>>) -> GroupError {
    answer.try_recv().expect("is answered").expect_err("is refused")
}

fn waits<T: std::fmt::Debug>(answer: &mut oneshot::Receiver<Result<T, GroupError>>) -> bool {
    matches!(answer.try_recv(), Err(TryRecvError::Empty))
}

#[test]
fn a_member_gets_an_id_first_and_a_single_consumer_starts_within_a_tenth_of_a_second() {
    let mut bench = bench();
    let error = refused(&mut bench.join(Join { needs_known_id: true, ..consumer("") }));
    let GroupError::MemberIdRequired(id) = error else { panic!("{error}") };
    assert!(id.starts_with("client-"));
    let mut answer = bench.join(Join { needs_known_id: true, ..consumer(&id) });
    assert!(waits(&mut answer));
    bench.pass(100);
    let joined = ok(&mut answer);
    assert_eq!((joined.generation, &joined.leader, &joined.member_id), (1, &id, &id));
    assert_eq!(joined.members.len(), 1);
    assert_eq!(ok(&mut bench.sync(&joined, &[(&id, "all")])).assignment, "all");
    assert_eq!(bench.heartbeat(&joined), Ok(()));
}

#[test]
fn an_id_that_nobody_comes_back_with_expires() {
    let mut bench = bench();
    refused(&mut bench.join(Join { needs_known_id: true, ..consumer("") }));
    assert!(!bench.group.is_deserted());
    bench.pass(10_000);
    assert!(bench.group.is_deserted());
    assert_eq!(bench.group.next_deadline(), None);
}

#[test]
fn members_that_start_together_share_one_rebalance() {
    let mut bench = bench();
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(bench.join(consumer("")));
        bench.pass(80);
    }
    bench.pass(100);
    let joined: Vec<Joined> = answers.iter_mut().map(ok).collect();
    assert!(joined.iter().all(|joined| joined.generation == 1));
    let leaders: Vec<&Joined> = joined.iter().filter(|joined| joined.member_id == joined.leader).collect();
    assert_eq!(leaders.len(), 1);
    assert_eq!(leaders[0].members.len(), 5);
    assert!(joined.iter().filter(|joined| joined.member_id != joined.leader).all(|joined| joined.members.is_empty()));
}

#[test]
fn the_first_rebalance_does_not_wait_for_ever_for_more() {
    let mut bench = bench();
    let mut first = bench.join(consumer(""));
    let mut more = Vec::new();
    for _ in 0..19 {
        bench.pass(50);
        more.push(bench.join(consumer("")));
    }
    assert!(waits(&mut first));
    bench.pass(50);
    assert_eq!(ok(&mut first).generation, 1);
}

#[test]
fn a_newcomer_makes_the_others_join_again() {
    let mut bench = bench();
    let first = bench.stable(vec![consumer("")]).remove(0);
    let mut second = bench.join(consumer(""));
    assert!(waits(&mut second));
    assert_eq!(bench.heartbeat(&first), Err(GroupError::RebalanceInProgress));
    assert_eq!(refused(&mut bench.sync(&first, &[])), GroupError::RebalanceInProgress);
    let mut again = bench.join(consumer(&first.member_id));
    let (first, second) = (ok(&mut again), ok(&mut second));
    assert_eq!((first.generation, second.generation), (2, 2));
    assert_eq!(first.leader, first.member_id, "the leader is kept");
    let mut waiting = bench.sync(&second, &[]);
    assert!(waits(&mut waiting), "for the leader");
    ok(&mut bench.sync(&first, &[(&second.member_id, "half")]));
    assert_eq!(ok(&mut waiting).assignment, "half");
    assert_eq!(ok(&mut bench.sync(&second, &[])).assignment, "half", "a repeated sync is answered the same");
}

#[test]
fn requests_of_the_wrong_member_or_generation_are_refused() {
    let mut bench = bench();
    let joined = bench.stable(vec![consumer("")]).remove(0);
    let stranger = Joined { member_id: "stranger".to_owned(), ..joined.clone() };
    let stale = Joined { generation: 0, ..joined.clone() };
    assert_eq!(bench.heartbeat(&stranger), Err(GroupError::UnknownMember));
    assert_eq!(bench.heartbeat(&stale), Err(GroupError::IllegalGeneration));
    assert_eq!(refused(&mut bench.sync(&stranger, &[])), GroupError::UnknownMember);
    assert_eq!(refused(&mut bench.sync(&stale, &[])), GroupError::IllegalGeneration);
    assert_eq!(refused(&mut bench.join(consumer("stranger"))), GroupError::UnknownMember);
    assert_eq!(bench.leave("stranger"), Err(GroupError::UnknownMember));
}

#[test]
fn protocols_must_have_something_in_common_and_the_majority_decides() {
    let mut bench = bench();
    let with = |names: &[&str]| Join {
        protocols: names.iter().map(|name| ((*name).to_owned(), metadata(&["t"]))).collect(),
        ..consumer("")
    };
    assert_eq!(refused(&mut bench.join(with(&[]))), GroupError::InconsistentProtocol);
    let other = Join { protocol_type: String::new(), ..consumer("") };
    assert_eq!(refused(&mut bench.join(other)), GroupError::InconsistentProtocol);
    let mut answers =
        [bench.join(with(&["a", "b", "c"])), bench.join(with(&["b", "a"])), bench.join(with(&["b", "x", "a"]))];
    assert_eq!(refused(&mut bench.join(with(&["c", "x"]))), GroupError::InconsistentProtocol);
    let other = Join { protocol_type: "connect".to_owned(), ..with(&["a"]) };
    assert_eq!(refused(&mut bench.join(other)), GroupError::InconsistentProtocol);
    bench.pass(100);
    let joined: Vec<Joined> = answers.iter_mut().map(ok).collect();
    assert!(joined.iter().all(|joined| joined.protocol == "b"));
    let (reply, mut answer) = oneshot::channel();
    let sync = Sync { caller: caller(&joined[0]), protocol: Some("a".to_owned()), ..Sync::default() };
    bench.group.sync(bench.now, sync, reply);
    assert_eq!(refused(&mut answer), GroupError::InconsistentProtocol);
}

#[test]
fn session_time_outs_are_bounded_and_memory_too() {
    let mut bench = bench();
    for millis in [i32::MIN, 0, 5_999, 1_800_001, i32::MAX] {
        let join = Join { session_timeout_ms: millis, ..consumer("") };
        assert_eq!(refused(&mut bench.join(join)), GroupError::InvalidSessionTimeout, "{millis}");
    }
    let fat = |bytes: usize| Join { protocols: vec![("range".to_owned(), vec![0; bytes].into())], ..consumer("") };
    assert_eq!(refused(&mut bench.join(fat(limits::METADATA_OF_MEMBER))), GroupError::Full);
    let answers: Vec<JoinAnswer> = (0..40).map(|_| bench.join(fat(limits::METADATA_OF_MEMBER - 5))).collect();
    let refused = answers.into_iter().filter_map(|mut answer| answer.try_recv().ok()).count();
    assert_eq!(refused, 40 - limits::METADATA_OF_GROUP / limits::METADATA_OF_MEMBER);
}

#[test]
fn a_group_takes_only_so_many_members_and_ids() {
    let mut bench = bench();
    for _ in 0..limits::MEMBERS {
        let (reply, mut answer) = oneshot::channel();
        bench.ids += 1;
        let join = Join { needs_known_id: true, ..consumer("") };
        bench.group.join(bench.now, Uuid::from_u128(bench.ids), join, reply);
        assert!(matches!(refused(&mut answer), GroupError::MemberIdRequired(_)));
    }
    assert_eq!(refused(&mut bench.join(consumer(""))), GroupError::Full);
    bench.pass(10_000);
    assert!(waits(&mut bench.join(consumer(""))), "there is room again");
}

#[test]
fn who_is_silent_is_dropped_and_the_others_rebalance() {
    let mut bench = bench();
    let members = bench.stable(vec![consumer(""), consumer("")]);
    bench.pass(9_000);
    assert_eq!(bench.heartbeat(&members[0]), Ok(()));
    bench.pass(999);
    assert_eq!(bench.heartbeat(&members[0]), Ok(()));
    bench.pass(2);
    assert_eq!(bench.heartbeat(&members[0]), Err(GroupError::RebalanceInProgress));
    assert_eq!(bench.heartbeat(&members[1]), Err(GroupError::UnknownMember));
    let joined = ok(&mut bench.join(consumer(&members[0].member_id)));
    assert_eq!(joined.members.len(), 1);
}

#[test]
fn who_does_not_join_again_is_dropped_when_the_rebalance_times_out() {
    let mut bench = bench();
    let members = bench.stable(vec![consumer(""), consumer("")]);
    let mut newcomer = bench.join(consumer(""));
    let mut again = bench.join(consumer(&members[0].member_id));
    for _ in 0..59 {
        bench.pass(1_000);
        // Alive, but busy.
        assert_eq!(bench.heartbeat(&members[1]), Err(GroupError::RebalanceInProgress));
    }
    assert!(waits(&mut newcomer) && waits(&mut again));
    bench.pass(1_000);
    assert_eq!(ok(&mut again).generation, 2);
    assert_eq!(ok(&mut newcomer).generation, 2);
    assert_eq!(bench.heartbeat(&members[1]), Err(GroupError::UnknownMember));
}

#[test]
fn a_leader_that_does_not_assign_is_dropped_and_the_others_go_on() {
    let mut bench = bench();
    let mut answers = [bench.join(consumer("")), bench.join(consumer(""))];
    bench.pass(100);
    let joined: Vec<Joined> = answers.iter_mut().map(ok).collect();
    let (leader, follower) =
        if joined[0].leader == joined[0].member_id { (&joined[0], &joined[1]) } else { (&joined[1], &joined[0]) };
    let mut waiting = bench.sync(follower, &[]);
    for _ in 0..59 {
        bench.pass(1_000);
        assert_eq!(bench.heartbeat(leader), Ok(()));
    }
    assert!(waits(&mut waiting));
    bench.pass(1_000);
    assert_eq!(refused(&mut waiting), GroupError::RebalanceInProgress);
    assert_eq!(bench.heartbeat(leader), Err(GroupError::UnknownMember));
    let joined = ok(&mut bench.join(consumer(&follower.member_id)));
    assert_eq!(joined.leader, follower.member_id);
}

#[test]
fn leaving_takes_effect_at_once_also_amid_a_rebalance() {
    let mut bench = bench();
    let members = bench.stable(vec![consumer(""), consumer(""), consumer("")]);
    assert_eq!(bench.leave(&members[2].member_id), Ok(()));
    let mut waiting = bench.join(consumer(&members[0].member_id));
    assert!(waits(&mut waiting));
    assert_eq!(bench.leave(&members[1].member_id), Ok(()));
    assert_eq!(ok(&mut waiting).members.len(), 1);
    assert_eq!(bench.leave(&members[0].member_id), Ok(()));
    assert_eq!(bench.group.state, State::Empty);
    assert!(bench.group.is_deserted());
}

#[test]
fn several_leave_in_one_rebalance_and_administrators_name_instances() {
    let mut bench = bench();
    let members = bench.stable(vec![static_consumer("a"), static_consumer("b"), consumer("")]);
    let leavers = [
        Leaver { member_id: String::new(), instance_id: Some("a".to_owned()) },
        Leaver { member_id: "wrong".to_owned(), instance_id: Some("b".to_owned()) },
        Leaver { member_id: String::new(), instance_id: Some("c".to_owned()) },
        Leaver::default(),
    ];
    let results = bench.group.leave(bench.now, &leavers);
    let unknown = Err(GroupError::UnknownMember);
    assert_eq!(results, [Ok(()), Err(GroupError::FencedInstance), unknown.clone(), unknown]);
    assert_eq!(bench.group.members.len(), 2);
    assert_eq!(bench.group.generation, members[0].generation);
    assert_eq!(bench.group.state, State::PreparingRebalance);
}

#[test]
fn a_static_member_that_restarts_keeps_its_place_without_a_rebalance() {
    let mut bench = bench();
    let members = bench.stable(vec![static_consumer("a"), static_consumer("b")]);
    for member in &members {
        let instance_id = bench.group.members[&member.member_id].instance_id.clone();
        let is_leader = member.leader == member.member_id;
        // It owns nothing any more, which its metadata says: not a reason to rebalance.
        let mut bytes = metadata(&["t"]).to_vec();
        bytes.extend(b"other user data");
        let join = Join {
            instance_id: instance_id.clone(),
            protocols: vec![("range".to_owned(), bytes.into())],
            ..consumer("")
        };
        let joined = ok(&mut bench.join(join));
        assert_eq!(joined.generation, 1);
        assert_ne!(joined.member_id, member.member_id);
        // An older client that leads must not assign anew, so it is told that someone else leads.
        assert!(joined.members.is_empty() && joined.leader != joined.member_id, "leader: {is_leader}");
        assert_eq!(ok(&mut bench.sync(&joined, &[])).assignment, member.member_id, "the assignment of its older self");
        let twin = Caller { instance_id: instance_id.clone(), ..caller(member) };
        assert_eq!(bench.group.heartbeat(bench.now, &twin), Err(GroupError::FencedInstance));
        assert_eq!(bench.group.check_commit(bench.now, &twin), Err(GroupError::FencedInstance));
        let again = Join { instance_id, ..consumer(&member.member_id) };
        assert_eq!(refused(&mut bench.join(again)), GroupError::FencedInstance);
    }
    assert_eq!((bench.group.state, bench.group.generation), (State::Stable, 1));
}

#[test]
fn a_static_leader_that_restarts_is_told_to_skip_the_assignment() {
    let mut bench = bench();
    let leader = bench.stable(vec![static_consumer("a"), consumer("")]).remove(0);
    // Of those that wait the one whose id sorts first leads, and "a-…" comes before "client-…".
    let instance_id = bench.group.members[&leader.member_id].instance_id.clone().expect("the static one leads");
    let joined = ok(&mut bench.join(Join { can_skip_assignment: true, ..static_consumer(&instance_id) }));
    assert!(joined.skip_assignment);
    assert_eq!(joined.leader, joined.member_id);
    assert_eq!(joined.members.len(), 2);
}

#[test]
fn a_static_member_that_restarts_with_other_topics_rebalances() {
    let mut bench = bench();
    let members = bench.stable(vec![static_consumer("a"), static_consumer("b")]);
    let other = Join { protocols: vec![("range".to_owned(), metadata(&["t", "u"]))], ..static_consumer("a") };
    assert!(waits(&mut bench.join(other)));
    assert_eq!(bench.group.state, State::PreparingRebalance);
    assert_eq!(members.len(), 2);
}

#[test]
fn the_older_of_two_twins_that_wait_is_fenced() {
    let mut bench = bench();
    let mut older = bench.join(static_consumer("a"));
    let mut newer = bench.join(static_consumer("a"));
    assert_eq!(refused(&mut older), GroupError::FencedInstance);
    bench.pass(100);
    let joined = ok(&mut newer);
    assert_eq!(joined.members.len(), 1);

    // Between join and sync the leader may already have assigned to the older one: all join again.
    let mut newest = bench.join(static_consumer("a"));
    assert_eq!(ok(&mut newest).generation, 2);
}

#[test]
fn static_members_outlive_a_rebalance_that_they_miss_until_their_session_ends() {
    let mut bench = bench();
    let short = |join: Join| Join { rebalance_timeout_ms: 2_000, ..join };
    let members = bench.stable(vec![short(static_consumer("a")), short(consumer(""))]);
    let dynamic = members.iter().find(|member| bench.group.members[&member.member_id].instance_id.is_none());
    let dynamic = dynamic.expect("there is one").clone();
    let mut again = bench
        .join(Join { protocols: vec![("range".to_owned(), metadata(&["u"]))], ..short(consumer(&dynamic.member_id)) });
    bench.pass(2_000);
    let joined = ok(&mut again);
    assert_eq!(joined.members.len(), 2, "the static one keeps its place");
    ok(&mut bench.sync(&joined, &[]));
    bench.pass(1_999);
    assert_eq!(bench.heartbeat(&joined), Ok(()));
    bench.pass(1);
    assert_eq!(bench.heartbeat(&joined), Err(GroupError::RebalanceInProgress), "it did not sync either");
}

#[test]
fn only_static_members_that_do_not_come_back_end_by_their_sessions() {
    let mut bench = bench();
    let short = |join: Join| Join { rebalance_timeout_ms: 1_000, ..join };
    bench.stable(vec![short(static_consumer("a")), short(static_consumer("b"))]);
    let leaver = Leaver { member_id: String::new(), instance_id: Some("a".to_owned()) };
    assert_eq!(bench.group.leave(bench.now, &[leaver]), [Ok(())]);
    bench.pass(5_000);
    assert_eq!(bench.group.state, State::PreparingRebalance);
    bench.pass(10_000);
    assert_eq!(bench.group.state, State::Empty);
}

#[test]
fn a_leader_that_joins_again_has_everything_assigned_anew_and_a_follower_does_not() {
    let mut bench = bench();
    let members = bench.stable(vec![consumer(""), consumer("")]);
    let follower = ok(&mut bench.join(consumer(&members[1].member_id)));
    assert_eq!(follower.generation, 1);
    assert!(waits(&mut bench.join(consumer(&members[0].member_id))));
    assert_eq!(bench.group.state, State::PreparingRebalance);
}

#[test]
fn a_lost_answer_to_a_join_can_be_asked_for_again() {
    let mut bench = bench();
    let mut answer = bench.join(consumer(""));
    bench.pass(100);
    let joined = ok(&mut answer);
    let again = ok(&mut bench.join(consumer(&joined.member_id)));
    assert_eq!(joined, again);
}

#[test]
fn a_client_that_is_gone_while_it_waits_does_not_hold_up_the_others() {
    let mut bench = bench();
    let first = bench.stable(vec![consumer("")]).remove(0);
    // A client that does not know its id cannot come back.
    drop(bench.join(consumer("")));
    bench.group.abandon(bench.now);
    assert_eq!(bench.group.members.len(), 1);
    // One that knows its id keeps its place for a session.
    let mut waiting = bench.join(consumer(&first.member_id));
    let second = ok(&mut waiting);
    ok(&mut bench.sync(&second, &[]));
    let GroupError::MemberIdRequired(id) = refused(&mut bench.join(Join { needs_known_id: true, ..consumer("") }))
    else {
        panic!("an id is required");
    };
    drop(bench.join(consumer(&id)));
    bench.group.abandon(bench.now);
    let mut waiting = bench.join(consumer(&first.member_id));
    assert!(waits(&mut waiting));
    bench.pass(10_000);
    assert_eq!(ok(&mut waiting).members.len(), 1);
}

#[test]
fn a_first_join_whose_client_is_silently_gone_ends() {
    let mut bench = bench();
    let busy = Join { rebalance_timeout_ms: i32::MAX, ..consumer("") };
    let first = bench.stable(vec![busy]).remove(0);
    let mut lost = bench.join(consumer(""));
    for _ in 0..299 {
        bench.pass(1_000);
        assert_eq!(bench.heartbeat(&first), Err(GroupError::RebalanceInProgress));
    }
    assert!(waits(&mut lost));
    bench.pass(1_000);
    assert_eq!(refused(&mut lost), GroupError::UnknownMember);
}

#[test]
fn commits_follow_kafkas_rules() {
    let mut bench = bench();
    let simple = Caller { generation: -1, ..Caller::default() };
    assert_eq!(bench.group.check_commit(bench.now, &simple), Ok(()), "an empty group");
    let member = bench.stable(vec![consumer("")]).remove(0);
    let now = bench.now;
    assert_eq!(bench.group.check_commit(now, &simple), Err(GroupError::UnknownMember));
    assert_eq!(bench.group.check_commit(now, &caller(&member)), Ok(()));
    let mut with = |generation: i32, id: &str| {
        bench.group.check_commit(now, &Caller { generation, member_id: id.to_owned(), instance_id: None })
    };
    assert_eq!(with(0, &member.member_id), Err(GroupError::IllegalGeneration));
    assert_eq!(with(-1, &member.member_id), Err(GroupError::IllegalGeneration));
    assert_eq!(with(1, "stranger"), Err(GroupError::UnknownMember));

    let mut newcomer = bench.join(consumer(""));
    assert_eq!(bench.group.state, State::PreparingRebalance);
    assert_eq!(bench.group.check_commit(now, &caller(&member)), Ok(()), "what it owned is still its own");
    let member = ok(&mut bench.join(consumer(&member.member_id)));
    let newcomer = ok(&mut newcomer);
    assert_eq!(bench.group.state, State::CompletingRebalance);
    assert_eq!(bench.group.check_commit(now, &caller(&member)), Err(GroupError::RebalanceInProgress));
    assert_eq!(bench.group.check_commit(now, &caller(&newcomer)), Err(GroupError::RebalanceInProgress));
    ok(&mut bench.sync(&member, &[]));
    assert_eq!(bench.group.check_commit(now, &caller(&newcomer)), Ok(()));
}

#[test]
fn a_commit_is_a_sign_of_life() {
    let mut bench = bench();
    let member = bench.stable(vec![consumer("")]).remove(0);
    for _ in 0..5 {
        bench.pass(9_000);
        assert_eq!(bench.group.check_commit(bench.now, &caller(&member)), Ok(()));
    }
}

#[test]
fn a_principal_that_is_cut_off_takes_its_members_along_at_once() {
    let mut bench = bench();
    let with = |principal: &str, join: Join| Join { principal: principal.to_owned(), ..join };
    let kept =
        bench.stable(vec![with("kept", consumer("")), with("cut", consumer("")), with("cut", static_consumer("s"))]);
    refused(&mut bench.join(with("cut", Join { needs_known_id: true, ..consumer("") })));
    bench.group.remove_principal(bench.now, "cut");
    bench.group.check_invariants();
    let (id, _) = bench.group.members.iter().next().expect("one is left");
    let kept = kept.into_iter().find(|joined| joined.member_id == *id).expect("it is one of them");
    assert_eq!(bench.group.members.len(), 1);
    assert_eq!(ok(&mut bench.join(with("kept", consumer(&kept.member_id)))).members.len(), 1, "nobody is waited for");
    let mut waiting = bench.join(with("cut", consumer("")));
    bench.group.remove_principal(bench.now, "cut");
    assert_eq!(refused(&mut waiting), GroupError::UnknownMember);
}

#[test]
fn subscriptions_are_known_and_what_cannot_be_read_counts_as_one() {
    let mut bench = bench();
    bench.stable(vec![consumer("")]);
    assert!(bench.group.is_of_consumers());
    assert!(bench.group.is_subscribed_to("t"));
    assert!(!bench.group.is_subscribed_to("u"));
    let unreadable = Join { protocols: vec![("range".to_owned(), vec![1].into())], ..consumer("") };
    assert_eq!(subscription::topics(&[1]), None);
    let _answer = bench.join(unreadable);
    assert!(bench.group.is_subscribed_to("u"));
}
