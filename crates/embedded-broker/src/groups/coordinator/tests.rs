//! The coordinator with paused time: waiting, dropping, commits, and a random interleaving of everything.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicI64, Ordering},
};

use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;
use crate::groups::{
    State,
    group::tests::{caller, consumer},
};

const GROUP: &str = "w-group";

fn scope() -> Scope {
    Scope::of_workspace("w")
}

/// A clock that tests set, in seconds since 1970.
fn clock(seconds: &Arc<AtomicI64>) -> Clock {
    let seconds = Arc::clone(seconds);
    Arc::new(move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).expect("in range"))
}

struct Bench {
    dir: TempDir,
    seconds: Arc<AtomicI64>,
    coordinator: Arc<GroupCoordinator>,
}

fn bench() -> Bench {
    let dir = tempfile::tempdir().expect("temporary directory");
    let seconds = Arc::new(AtomicI64::new(1_800_000_000));
    let coordinator = Arc::new(GroupCoordinator::open(dir.path(), clock(&seconds)).expect("opens"));
    Bench { dir, seconds, coordinator }
}

impl Bench {
    /// As after a kill: nothing is closed in good order but what the drop of the parts does.
    fn reopen(&mut self) {
        self.coordinator = Arc::new(GroupCoordinator::open(self.dir.path(), clock(&self.seconds)).expect("opens"));
    }

    fn join(&self, join: Join) -> JoinHandle<Result<Joined, GroupError>> {
        let coordinator = Arc::clone(&self.coordinator);
        tokio::spawn(async move { coordinator.join(&scope(), GROUP, join).await })
    }

    fn sync(&self, sync: Sync) -> JoinHandle<Result<Synced, GroupError>> {
        let coordinator = Arc::clone(&self.coordinator);
        tokio::spawn(async move { coordinator.sync(GROUP, sync).await })
    }

    async fn member(&self) -> Joined {
        let joined = self.join(consumer("")).await.expect("runs").expect("joins");
        let sync = Sync { caller: caller(&joined), ..Sync::default() };
        self.sync(sync).await.expect("runs").expect("syncs");
        joined
    }

    fn commit(&self, caller: &Caller, partition: i32, offset: i64) -> Result<(), GroupError> {
        self.coordinator.commit(&scope(), GROUP, caller, vec![("w-t".to_owned(), partition, committed(offset))])
    }

    fn offset(&self, partition: i32) -> Option<i64> {
        self.coordinator.committed(GROUP, "w-t", &[partition]).remove(0).map(|committed| committed.offset)
    }

    fn listed(&self) -> Vec<(String, State)> {
        self.coordinator.list(&scope()).into_iter().map(|listing| (listing.group_id, listing.state)).collect()
    }
}

fn committed(offset: i64) -> Committed {
    Committed::new(Uuid::from_u128(1), offset, -1, String::new())
}

fn simple() -> Caller {
    Caller { generation: -1, ..Caller::default() }
}

/// Lets every task run until it waits.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn groups_appear_with_their_first_member_and_vanish_with_their_last() {
    let bench = bench();
    let member = bench.member().await;
    assert_eq!(bench.listed(), [(GROUP.to_owned(), State::Stable)]);
    assert!(bench.coordinator.list(&Scope::of_workspace("other")).is_empty());
    let leaver = Leaver { member_id: member.member_id.clone(), instance_id: None };
    assert_eq!(bench.coordinator.leave(GROUP, &[leaver]), [Ok(())]);
    assert!(bench.listed().is_empty());
    assert_eq!(bench.coordinator.describe(GROUP).state, State::Dead);
    assert_eq!(bench.coordinator.heartbeat(GROUP, &caller(&member)), Err(GroupError::UnknownMember));
    assert_eq!(bench.join(consumer("known")).await.expect("runs"), Err(GroupError::UnknownMember));
    assert!(bench.listed().is_empty(), "a refused join leaves no group behind");
}

#[tokio::test(start_paused = true)]
async fn a_single_member_starts_at_once_and_is_dropped_by_the_timer_when_it_is_silent() {
    let bench = bench();
    settle().await;
    let start = Instant::now();
    bench.member().await;
    assert!(start.elapsed() < Duration::from_millis(150), "of the paused clock: the timer did not oversleep");
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(bench.listed().len(), 1);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert!(bench.listed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_join_leaves_the_group_as_if_it_had_not_been() {
    let bench = bench();
    let first = bench.member().await;
    let waiting = bench.join(consumer(""));
    settle().await;
    assert_eq!(bench.coordinator.describe(GROUP).members.len(), 2);
    waiting.abort();
    settle().await;
    assert_eq!(bench.coordinator.describe(GROUP).members.len(), 1);
    let again = bench.join(consumer(&first.member_id)).await.expect("runs").expect("joins at once");
    assert_eq!(again.members.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_newer_join_of_the_same_member_takes_the_place_of_the_older() {
    let bench = bench();
    let first = bench.join(consumer(""));
    let second = bench.join(consumer(""));
    let joined = first.await.expect("runs").expect("joins");
    second.await.expect("runs").expect("joins");
    // This makes the group wait for the second member.
    let changed = Join { protocols: vec![("range".to_owned(), "other".into())], ..consumer(&joined.member_id) };
    let older = bench.join(changed.clone());
    settle().await;
    let newer = bench.join(changed);
    assert_eq!(older.await.expect("runs"), Err(GroupError::RebalanceInProgress));
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(newer.await.expect("runs").expect("joins").generation, 2);
}

#[tokio::test(start_paused = true)]
async fn commits_of_members_and_of_others_are_stored_and_survive() {
    let mut bench = bench();
    let stranger = Caller { generation: 3, member_id: "m".to_owned(), instance_id: None };
    assert_eq!(bench.commit(&stranger, 0, 1), Err(GroupError::IllegalGeneration));
    assert_eq!(bench.commit(&simple(), 0, 1), Ok(()));
    assert_eq!(bench.listed(), [(GROUP.to_owned(), State::Empty)]);
    assert_eq!(bench.commit(&stranger, 0, 1), Err(GroupError::UnknownMember));
    let member = bench.member().await;
    assert_eq!(bench.commit(&simple(), 0, 2), Err(GroupError::UnknownMember));
    assert_eq!(bench.commit(&caller(&member), 0, 2), Ok(()));
    bench.reopen();
    assert_eq!(bench.offset(0), Some(2));
    assert_eq!(bench.offset(1), None);
    assert_eq!(bench.listed(), [(GROUP.to_owned(), State::Empty)]);
    assert_eq!(bench.commit(&caller(&member), 0, 3), Err(GroupError::UnknownMember));
}

#[tokio::test(start_paused = true)]
async fn only_groups_without_members_can_be_deleted() {
    let mut bench = bench();
    assert_eq!(bench.coordinator.delete(GROUP), Err(GroupError::UnknownGroup));
    let member = bench.member().await;
    assert_eq!(bench.commit(&caller(&member), 0, 2), Ok(()));
    assert_eq!(bench.coordinator.delete(GROUP), Err(GroupError::NotEmpty));
    bench.coordinator.remove_principal("p");
    assert_eq!(bench.coordinator.describe(GROUP).state, State::Empty);
    assert_eq!(bench.coordinator.delete(GROUP), Ok(()));
    bench.reopen();
    assert_eq!(bench.offset(0), None);
    assert_eq!(bench.coordinator.delete(GROUP), Err(GroupError::UnknownGroup));
}

#[tokio::test(start_paused = true)]
async fn offsets_of_subscribed_topics_cannot_be_deleted() {
    let bench = bench();
    let of = |topic: &str| vec![(topic.to_owned(), vec![0, 1])];
    assert_eq!(bench.coordinator.delete_offsets(GROUP, &of("w-t")), Err(GroupError::UnknownGroup));
    let member = bench.member().await;
    bench.commit(&caller(&member), 0, 2).expect("commits");
    assert_eq!(bench.coordinator.delete_offsets(GROUP, &of("t")), Ok(vec![Err(GroupError::Subscribed)]));
    assert_eq!(bench.coordinator.delete_offsets(GROUP, &of("w-t")), Ok(vec![Ok(())]));
    assert_eq!(bench.offset(0), None);
    bench.coordinator.remove_principal("p");
    assert!(bench.listed().is_empty());
    bench.commit(&simple(), 0, 2).expect("commits");
    assert_eq!(bench.coordinator.delete_offsets(GROUP, &of("w-t")), Ok(vec![Ok(())]));
    assert!(bench.listed().is_empty(), "a group without members and offsets is none");

    let connect = Join { protocol_type: "connect".to_owned(), ..consumer("") };
    bench.join(connect).await.expect("runs").expect("joins");
    assert_eq!(bench.coordinator.delete_offsets(GROUP, &of("w-t")), Err(GroupError::NotEmpty));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_topic_takes_its_offsets_along() {
    let bench = bench();
    bench.commit(&simple(), 0, 2).expect("commits");
    bench.coordinator.forget_topic("w-other");
    assert_eq!(bench.offset(0), Some(2));
    bench.coordinator.forget_topic("w-t");
    assert_eq!(bench.offset(0), None);
    assert!(bench.listed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn unused_offsets_expire_after_a_week() {
    let bench = bench();
    let member = bench.member().await;
    bench.commit(&caller(&member), 0, 2).expect("commits");
    let week = 7 * 24 * 3_600;
    bench.seconds.fetch_add(2 * week, Ordering::SeqCst);
    let heartbeat = |_| bench.coordinator.heartbeat(GROUP, &caller(&member)).expect("is a member");
    for beat in 0..3 {
        tokio::time::sleep(Duration::from_secs(9)).await;
        heartbeat(beat);
    }
    assert_eq!(bench.offset(0), Some(2), "never while the group has members");
    bench.coordinator.remove_principal("p");
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(bench.offset(0), Some(2));
    bench.seconds.fetch_add(week, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(bench.offset(0), None);
    assert!(bench.listed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_long_journal_is_rewritten_while_commits_go_on() {
    let mut bench = bench();
    let path = bench.dir.path().join("groups/offsets.journal");
    let note = "n".repeat(4_000);
    for offset in 0..1_100 {
        let committed = Committed::new(Uuid::from_u128(1), offset, -1, note.clone());
        let offsets = vec![("w-t".to_owned(), 0, committed)];
        bench.coordinator.commit(&scope(), GROUP, &simple(), offsets).expect("commits");
    }
    let before = fs::metadata(&path).expect("exists").len();
    tokio::time::sleep(MAINTENANCE * 2).await;
    while bench.coordinator.inner.lock().rewriting {
        tokio::task::yield_now().await;
    }
    assert!(fs::metadata(&path).expect("exists").len() < before / 100);
    bench.commit(&simple(), 1, 5).expect("commits");
    bench.reopen();
    assert_eq!((bench.offset(0), bench.offset(1)), (Some(1_099), Some(5)));
}

#[tokio::test(start_paused = true)]
async fn group_ids_and_groups_are_bounded() {
    let bench = bench();
    for id in ["", &"w".repeat(limits::ID_BYTES + 1)] {
        assert_eq!(bench.coordinator.join(&scope(), id, consumer("")).await, Err(GroupError::InvalidGroupId));
    }
    let map: BTreeMap<String, i32> =
        ["a-1", "w-1", "w-2", "w-3", "w", "w.1", "x-1"].into_iter().map(|id| (id.to_owned(), 0)).collect();
    for id in ["w-0", "w-2", "w-9"] {
        assert_eq!(neighbours(&map, &scope(), id), 3, "{id}");
    }
}

/// What one simulated client is doing.
enum Doing {
    Nothing,
    Joins(JoinHandle<Result<Joined, GroupError>>),
    HasJoined(Joined),
    Syncs(Joined, JoinHandle<Result<Synced, GroupError>>),
    Works(Joined),
}

struct Client {
    /// The id that it was given, if any.
    member_id: String,
    instance_id: Option<String>,
    principal: &'static str,
    known_id: bool,
    doing: Doing,
}

impl Client {
    fn new(index: usize) -> Self {
        Self {
            member_id: String::new(),
            instance_id: (index.is_multiple_of(3)).then(|| format!("static-{index}")),
            principal: if index.is_multiple_of(2) { "even" } else { "odd" },
            known_id: index % 5 != 1,
            doing: Doing::Nothing,
        }
    }

    fn caller(&self, joined: &Joined) -> Caller {
        Caller { instance_id: self.instance_id.clone(), ..caller(joined) }
    }

    /// The process is gone; nobody tells the broker but the connection.
    fn crash(&mut self) {
        match std::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Joins(handle) => handle.abort(),
            Doing::Syncs(_, handle) => handle.abort(),
            _ => {}
        }
        self.member_id.clear();
    }
}

/// What was seen of each generation.
#[derive(Default)]
struct Seen {
    generation: i32,
    leaders: HashMap<i32, String>,
    commits: HashMap<i32, i64>,
    next_offset: i64,
}

/// Does the next thing that a client would do by itself.
async fn step(bench: &Bench, client: &mut Client, seen: &mut Seen) {
    match std::mem::replace(&mut client.doing, Doing::Nothing) {
        Doing::Nothing => {
            let join = Join {
                instance_id: client.instance_id.clone(),
                principal: client.principal.to_owned(),
                needs_known_id: client.known_id,
                can_skip_assignment: client.known_id,
                ..consumer(&client.member_id)
            };
            client.doing = Doing::Joins(bench.join(join));
        }
        Doing::Joins(handle) if !handle.is_finished() => client.doing = Doing::Joins(handle),
        Doing::Joins(handle) => match handle.await.expect("runs") {
            Ok(joined) => {
                assert!(joined.generation > 0);
                let leads = joined.leader == joined.member_id && !joined.skip_assignment;
                if leads && let Some(other) = seen.leaders.insert(joined.generation, joined.member_id.clone()) {
                    assert_eq!(other, joined.member_id, "a generation has one leader");
                }
                assert_eq!(leads || joined.skip_assignment, !joined.members.is_empty());
                client.member_id.clone_from(&joined.member_id);
                client.doing = Doing::HasJoined(joined);
            }
            Err(GroupError::MemberIdRequired(id)) => client.member_id = id,
            Err(GroupError::RebalanceInProgress) => {}
            Err(GroupError::UnknownMember | GroupError::FencedInstance) => client.member_id.clear(),
            Err(error) => panic!("{error}"),
        },
        Doing::HasJoined(joined) => {
            let of = |id: &str| bytes::Bytes::from(format!("{}:{}:{id}", joined.generation, joined.member_id));
            let leads = !joined.skip_assignment;
            let assignments = joined.members.iter().filter(|_| leads);
            let assignments = assignments.map(|member| (member.member_id.clone(), of(&member.member_id))).collect();
            let sync = Sync { caller: client.caller(&joined), assignments, ..Sync::default() };
            client.doing = Doing::Syncs(joined, bench.sync(sync));
        }
        Doing::Syncs(joined, handle) if !handle.is_finished() => client.doing = Doing::Syncs(joined, handle),
        Doing::Syncs(joined, handle) => match handle.await.expect("runs") {
            Ok(synced) => {
                let text = String::from_utf8(synced.assignment.to_vec()).expect("text");
                let prefix = format!("{}:{}:", joined.generation, seen.leaders[&joined.generation]);
                assert!(text.starts_with(&prefix), "{text:?} is of one generation and one leader, {prefix}");
                if client.instance_id.is_none() {
                    assert_eq!(text, prefix + &joined.member_id);
                }
                client.doing = Doing::Works(joined);
            }
            Err(GroupError::RebalanceInProgress) => {}
            Err(_) => client.member_id.clear(),
        },
        Doing::Works(joined) => match bench.coordinator.heartbeat(GROUP, &client.caller(&joined)) {
            Ok(()) => client.doing = Doing::Works(joined),
            Err(GroupError::RebalanceInProgress) => {}
            Err(_) => client.member_id.clear(),
        },
    }
}

fn check(bench: &Bench, seen: &mut Seen) {
    let parts = bench.coordinator.inner.lock();
    if let Some(group) = parts.groups.get(GROUP) {
        group.check_invariants();
        assert!(group.generation() >= seen.generation, "the generation never goes down");
        seen.generation = group.generation();
    }
}

async fn run(actions: Vec<(u8, usize, u16)>) {
    let mut bench = bench();
    let mut clients: Vec<Client> = (0..6).map(Client::new).collect();
    let mut seen = Seen::default();
    // An offset keeps the group, and with it the generation, while it is empty.
    bench.commit(&simple(), 99, 1).expect("commits");
    for (action, who, amount) in actions {
        let client = &mut clients[who % 6];
        match action {
            0..=9 => step(&bench, client, &mut seen).await,
            10 => client.crash(),
            11 => {
                let leaver = Leaver { member_id: client.member_id.clone(), instance_id: client.instance_id.clone() };
                bench.coordinator.leave(GROUP, &[leaver]);
                client.crash();
            }
            12 => tokio::time::sleep(Duration::from_millis(u64::from(amount))).await,
            13 => bench.coordinator.remove_principal(if who.is_multiple_of(2) { "even" } else { "odd" }),
            _ => {
                if let Doing::Works(joined) | Doing::HasJoined(joined) = &client.doing {
                    seen.next_offset += 1;
                    let partition = i32::from(amount % 4);
                    if bench.commit(&client.caller(joined), partition, seen.next_offset).is_ok() {
                        seen.commits.insert(partition, seen.next_offset);
                    }
                }
            }
        }
        settle().await;
        check(&bench, &mut seen);
    }

    // Whoever goes on gets to work: nobody waits for ever, whatever happened before.
    for _ in 0..80 {
        for client in &mut clients {
            step(&bench, client, &mut seen).await;
            settle().await;
        }
        check(&bench, &mut seen);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let generations: Vec<i32> = clients
        .iter()
        .map(|client| if let Doing::Works(joined) = &client.doing { joined.generation } else { -1 })
        .collect();
    assert!(
        generations.iter().all(|generation| *generation == seen.generation),
        "{generations:?} of {}",
        seen.generation
    );
    assert_eq!(bench.coordinator.describe(GROUP).members.len(), clients.len());

    // And when all fall silent, the group empties by itself.
    tokio::time::sleep(Duration::from_secs(400)).await;
    assert_eq!(bench.listed(), [(GROUP.to_owned(), State::Empty)]);

    bench.reopen();
    for (partition, offset) in seen.commits {
        assert_eq!(bench.offset(partition), Some(offset), "an acknowledged commit is found again");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn any_interleaving_keeps_the_invariants(actions in proptest::collection::vec((0_u8..17, 0_usize..6, 0_u16..15_000), 0..150)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(run(actions));
    }
}
