//! The clients that this server has seen lately, and their sums since the last flush.
//!
//! Bounded: [`CLIENTS_MAX`] for each token and [`TOTAL_MAX`] in all. What comes beyond that is counted in one further client
//! for each token, the *others*, so that a verdict still sees that the token is used, only not by whom.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
};

use jiff::Timestamp;
use twinkey_embedded_broker::Meter;

use super::identity::{Identity, Seen};

/// How many clients of a token are told apart.
pub const CLIENTS_MAX: usize = 200;
/// How many clients this server tells apart in all, about 500 bytes each.
pub const TOTAL_MAX: usize = 100_000;
/// Locks, so that tokens rarely wait for one another.
const SHARDS: usize = 32;

/// One client of one token, with what is not stored yet.
#[derive(Debug)]
pub struct Client {
    /// The token's public id.
    pub token_id: String,
    /// Whose token it is.
    pub workspace_id: String,
    /// Who it is; `None`: all those beyond the bounds.
    pub identity: Option<Identity>,
    first_seen: i64,
    requests: AtomicU64,
    bytes: AtomicU64,
    refused: AtomicU64,
    used_at: AtomicI64,
    fetched_at: AtomicI64,
    refused_at: AtomicI64,
}

/// What a client has done since it was asked for the last time. Times are milliseconds since the epoch, 0: never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// Requests that were answered.
    pub requests: u64,
    /// Bytes back and forth.
    pub bytes: u64,
    /// Uses that were refused, because the token was dead.
    pub refused: u64,
    /// The last use.
    pub used_at: i64,
    /// When broker credentials were last given out.
    pub fetched_at: i64,
    /// The last refusal.
    pub refused_at: i64,
}

impl Client {
    fn new(token_id: &str, workspace_id: &str, identity: Option<Identity>, now: Timestamp) -> Self {
        Self {
            token_id: token_id.to_owned(),
            workspace_id: workspace_id.to_owned(),
            identity,
            first_seen: now.as_millisecond(),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            used_at: AtomicI64::new(0),
            fetched_at: AtomicI64::new(0),
            refused_at: AtomicI64::new(0),
        }
    }

    /// Since when this server knows it; milliseconds since the epoch.
    pub fn first_seen(&self) -> i64 {
        self.first_seen
    }

    /// Adds bytes of an answer; when it was is known already.
    pub fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Notes that it was given broker credentials.
    pub fn fetched(&self, now: Timestamp) {
        self.fetched_at.store(now.as_millisecond(), Ordering::Relaxed);
    }

    /// Notes uses that were refused.
    pub fn refused(&self, count: u64, now: Timestamp) {
        self.refused_at.fetch_max(now.as_millisecond(), Ordering::Relaxed);
        self.refused.fetch_add(count, Ordering::Relaxed);
    }

    /// What is new, and from then on no longer is; `None`: nothing.
    pub fn take(&self) -> Option<Sums> {
        let sums = Sums {
            requests: self.requests.swap(0, Ordering::Relaxed),
            bytes: self.bytes.swap(0, Ordering::Relaxed),
            refused: self.refused.swap(0, Ordering::Relaxed),
            used_at: self.used_at.swap(0, Ordering::Relaxed),
            fetched_at: self.fetched_at.swap(0, Ordering::Relaxed),
            refused_at: self.refused_at.swap(0, Ordering::Relaxed),
        };
        let nothing = Sums { requests: 0, bytes: 0, refused: 0, used_at: 0, fetched_at: 0, refused_at: 0 };
        (sums != nothing).then_some(sums)
    }

    /// What could not be stored is new again.
    pub fn give_back(&self, sums: &Sums) {
        self.requests.fetch_add(sums.requests, Ordering::Relaxed);
        self.bytes.fetch_add(sums.bytes, Ordering::Relaxed);
        self.refused.fetch_add(sums.refused, Ordering::Relaxed);
        self.used_at.fetch_max(sums.used_at, Ordering::Relaxed);
        self.fetched_at.fetch_max(sums.fetched_at, Ordering::Relaxed);
        self.refused_at.fetch_max(sums.refused_at, Ordering::Relaxed);
    }

    fn is_stored(&self) -> bool {
        [&self.used_at, &self.fetched_at, &self.refused_at].iter().all(|it| it.load(Ordering::Relaxed) == 0)
            && [&self.requests, &self.bytes, &self.refused].iter().all(|it| it.load(Ordering::Relaxed) == 0)
    }
}

impl Meter for Client {
    fn count(&self, requests: u64, bytes: u64, now: Timestamp) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.used_at.store(now.as_millisecond(), Ordering::Relaxed);
    }
}

#[derive(Default)]
struct OfToken {
    clients: HashMap<u64, Arc<Client>>,
    others: Option<Arc<Client>>,
}

impl OfToken {
    fn all(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.values().chain(&self.others)
    }
}

/// All clients that this server has seen lately.
pub struct Clients {
    shards: [RwLock<HashMap<String, OfToken>>; SHARDS],
    /// Keyed at random, so that nobody can make up clients that are taken for one another.
    hasher: RandomState,
    /// How many are told apart.
    total: AtomicUsize,
    /// How often a client was not told apart from others, since the last flush.
    pub merged: AtomicU64,
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| RwLock::default()),
            hasher: RandomState::new(),
            total: AtomicUsize::new(0),
            merged: AtomicU64::new(0),
        }
    }
}

impl Clients {
    /// The client of a token, named with its workspace; takes memory only the first time.
    pub fn find(&self, token: (&str, &str), seen: Seen<'_>, now: Timestamp) -> Arc<Client> {
        self.find_by(token, self.hasher.hash_one(seen), || seen.into(), now)
    }

    /// The same for what was kept of a client.
    pub fn find_kept(&self, token: (&str, &str), identity: Identity, now: Timestamp) -> Arc<Client> {
        self.find_by(token, self.hasher.hash_one(&identity), || identity, now)
    }

    fn find_by(
        &self,
        (token_id, workspace_id): (&str, &str),
        key: u64,
        identity: impl FnOnce() -> Identity,
        now: Timestamp,
    ) -> Arc<Client> {
        let shard = &self.shards[self.hasher.hash_one(token_id) as usize % SHARDS];
        {
            let tokens = shard.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(client) = tokens.get(token_id).and_then(|token| token.clients.get(&key)) {
                return client.clone();
            }
        }
        let mut tokens = shard.write().unwrap_or_else(PoisonError::into_inner);
        let token = tokens.entry(token_id.to_owned()).or_default();
        if let Some(client) = token.clients.get(&key) {
            return client.clone();
        }
        if token.clients.len() < CLIENTS_MAX && self.total.load(Ordering::Relaxed) < TOTAL_MAX {
            let client = Arc::new(Client::new(token_id, workspace_id, Some(identity()), now));
            token.clients.insert(key, client.clone());
            self.total.fetch_add(1, Ordering::Relaxed);
            return client;
        }
        self.merged.fetch_add(1, Ordering::Relaxed);
        let others = || Arc::new(Client::new(token_id, workspace_id, None, now));
        token.others.get_or_insert_with(others).clone()
    }

    /// How many clients are told apart just now.
    pub fn len(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes from every client what is new.
    pub fn take_all(&self) -> Vec<(Arc<Client>, Sums)> {
        let mut taken = Vec::new();
        for shard in &self.shards {
            let tokens = shard.read().unwrap_or_else(PoisonError::into_inner);
            let clients = tokens.values().flat_map(OfToken::all);
            taken.extend(clients.filter_map(|client| Some((client.clone(), client.take()?))));
        }
        taken
    }

    /// Forgets every client that is stored and that no connection holds: the database knows it, and it is made anew when it
    /// comes again. So the bounds are those of one period between two flushes.
    pub fn forget_stored(&self) {
        for shard in &self.shards {
            let mut tokens = shard.write().unwrap_or_else(PoisonError::into_inner);
            tokens.retain(|_, token| {
                let before = token.clients.len();
                // Nobody can get hold of it meanwhile: that takes this lock.
                let keep = |client: &Arc<Client>| Arc::strong_count(client) > 1 || !client.is_stored();
                token.clients.retain(|_, client| keep(client));
                self.total.fetch_sub(before - token.clients.len(), Ordering::Relaxed);
                token.others = token.others.take().filter(keep);
                token.all().next().is_some()
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use twinkey_api::usage::Via;

    use super::*;

    fn seen(agent: &str) -> Seen<'_> {
        Seen { via: Via::Api, address: [127, 0, 0, 1].into(), agent: agent.as_bytes(), software: ("", "") }
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).expect("in range")
    }

    #[test]
    fn b1_too_many_clients_of_one_token_are_counted_together_and_do_not_touch_another_token() {
        let clients = Clients::default();
        for number in 0..3 * CLIENTS_MAX {
            let agent = format!("agent {number}");
            clients.find(("a", "w"), seen(&agent), at(1)).count(1, 10, at(1));
        }
        clients.find(("b", "w"), seen("agent"), at(1)).count(1, 10, at(1));
        assert_eq!(clients.len(), CLIENTS_MAX + 1);
        assert_eq!(clients.merged.load(Ordering::Relaxed), 2 * CLIENTS_MAX as u64);
        let taken = clients.take_all();
        let others: Vec<_> = taken.iter().filter(|(client, _)| client.identity.is_none()).collect();
        assert_eq!(others.len(), 1);
        assert_eq!((others[0].0.token_id.as_str(), others[0].1.requests), ("a", 2 * CLIENTS_MAX as u64));
        drop(taken);
        clients.forget_stored();
        assert!(clients.is_empty());
    }

    #[test]
    fn b1_what_a_connection_holds_is_not_forgotten() {
        let clients = Clients::default();
        let held = clients.find(("a", "w"), seen("consumer"), at(1));
        held.count(1, 1, at(1));
        clients.find(("a", "w"), seen("once"), at(1)).count(1, 1, at(1));
        drop(clients.take_all());
        clients.forget_stored();
        assert_eq!(clients.len(), 1);
        held.count(2, 2, at(5));
        let taken = clients.take_all();
        assert_eq!(taken.len(), 1);
        assert_eq!((taken[0].1.requests, taken[0].1.used_at), (2, 5));
        taken[0].0.give_back(&taken[0].1);
        assert_eq!(clients.take_all()[0].1, taken[0].1, "what was not stored is new again");
    }

    #[derive(Debug, Clone)]
    enum Step {
        Use { token: u8, agent: u8, bytes: u8 },
        Take { stored: bool },
        Forget,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0..4_u8, any::<u8>(), any::<u8>()).prop_map(|(token, agent, bytes)| Step::Use { token, agent, bytes }),
            1 => any::<bool>().prop_map(|stored| Step::Take { stored }),
            1 => Just(Step::Forget),
        ]
    }

    proptest! {
        /// Whatever is counted, flushed in part and forgotten: no use is lost or counted twice, and the bounds hold.
        #[test]
        fn b1_no_use_is_lost_or_counted_twice(steps in prop::collection::vec(step(), 0..2000)) {
            let clients = Clients::default();
            let (mut counted, mut stored) = ([0_u64; 4], [0_u64; 4]);
            let mut take = |clients: &Clients, keep: bool| {
                for (client, sums) in clients.take_all() {
                    if keep {
                        stored[client.token_id.parse::<usize>().expect("a number")] += sums.requests + sums.bytes;
                    } else {
                        client.give_back(&sums);
                    }
                }
            };
            for step in steps {
                match step {
                    Step::Use { token, agent, bytes } => {
                        let agent = format!("agent {agent}");
                        let client = clients.find((&token.to_string(), "w"), seen(&agent), at(1));
                        client.count(1, bytes.into(), at(1));
                        counted[usize::from(token)] += 1 + u64::from(bytes);
                    }
                    Step::Take { stored } => take(&clients, stored),
                    Step::Forget => clients.forget_stored(),
                }
                prop_assert!(clients.len() <= 4 * CLIENTS_MAX);
            }
            take(&clients, true);
            prop_assert_eq!(stored, counted);
            clients.forget_stored();
            prop_assert!(clients.is_empty());
        }
    }

    #[test]
    fn b1_counting_at_the_same_time_loses_nothing() {
        let clients = Clients::default();
        let (mut stored, mut tokens) = (0, HashSet::new());
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let clients = &clients;
                scope.spawn(move || {
                    for number in 0..20_000 {
                        let agent = format!("agent {}", (number * 7 + thread) % 300);
                        clients.find(("a", "w"), seen(&agent), at(1)).count(1, 0, at(1));
                    }
                });
            }
            for _ in 0..50 {
                for (client, sums) in clients.take_all() {
                    stored += sums.requests;
                    tokens.insert(client.token_id.clone());
                }
                clients.forget_stored();
            }
        });
        stored += clients.take_all().iter().map(|(_, sums)| sums.requests).sum::<u64>();
        assert_eq!(stored, 80_000);
    }
}
