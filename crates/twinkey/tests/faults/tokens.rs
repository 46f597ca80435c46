//! The tokens that the run has seen, and the judge over every use of them.
//!
//! A use is judged by when it was *sent* and answered, against when the rotation that ended the token was sent and answered.
//! Both are taken outside the system under test, with one clock, so that no verdict depends on how fast anything is.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use twinkey_testkit::kafka::Credentials;

use crate::journal::Journal;

/// Dead tokens that are tried again and again. The newest are the ones that a fault could bring back.
const TRIED: usize = 6;

/// Where a token is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A replica of Twinkey, numbered from 1.
    Replica(usize),
    /// A node of Kafka, numbered from 1.
    Node(usize),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replica(number) => write!(f, "replica {number}"),
            Self::Node(number) => write!(f, "node {number}"),
        }
    }
}

/// One SDK token.
pub struct Token {
    /// Its public id.
    pub id: String,
    /// Itself.
    pub value: String,
    /// What the API gave for it.
    pub credentials: Credentials,
    life: Mutex<Life>,
}

/// What is known about a token's validity.
#[derive(Default)]
struct Life {
    /// Since when a rotation is under way that may end it.
    doomed: Option<Instant>,
    /// Since when each part must refuse it.
    dead: BTreeMap<Part, Instant>,
    /// When the newest accepted use was sent, by part: what is learned of its death later is held against that.
    accepted: BTreeMap<Part, Instant>,
    /// Nodes that may not know it yet: the rotation that made it named them as open.
    unknown_to: BTreeSet<usize>,
    /// Since when even those have shown that they know it.
    known: Option<Instant>,
}

impl Token {
    /// A token that was revealed just now. `unknown_to` are the nodes that its rotation could not reach.
    pub fn new(id: String, value: String, credentials: Credentials, unknown_to: &[usize]) -> Self {
        let life = Life { unknown_to: unknown_to.iter().copied().collect(), ..Life::default() };
        Self { id, value, credentials, life: Mutex::new(life) }
    }

    /// A rotation that would end it is about to be sent.
    pub fn doom(&self) {
        self.life().doomed.get_or_insert_with(Instant::now);
    }

    /// That rotation is known to have changed nothing.
    pub fn spare(&self) {
        self.life().doomed = None;
    }

    /// Whether it may be dead already.
    pub fn is_doomed(&self) -> bool {
        self.life().doomed.is_some()
    }

    /// Whether `part` must refuse it.
    pub fn is_dead_on(&self, part: Part) -> bool {
        self.life().dead.contains_key(&part)
    }

    /// From when on `part` must refuse it.
    pub fn died_on(&self, part: Part) -> Option<Instant> {
        self.life().dead.get(&part).copied()
    }

    /// Every broker has shown that it knows what the rotation changed, so that they know this token too.
    pub fn known_everywhere(&self) {
        self.life().known.get_or_insert_with(Instant::now);
    }

    /// From `at` on `parts` must refuse it.
    pub fn died(&self, parts: impl IntoIterator<Item = Part>, at: Instant, journal: &Journal) {
        for part in parts {
            let mut life = self.life();
            let since = *life.dead.entry(part).or_insert(at);
            let last = life.accepted.get(&part).copied();
            drop(life);
            if let Some(sent) = last.filter(|sent| *sent > since) {
                self.wrongly_accepted(part, sent, since, journal);
            }
        }
    }

    /// It was accepted: a use that was sent at `sent` had the effect that only a valid token has.
    pub fn was_accepted(&self, part: Part, sent: Instant, journal: &Journal) {
        let mut life = self.life();
        let newest = life.accepted.entry(part).or_insert(sent);
        *newest = sent.max(*newest);
        let since = life.dead.get(&part).copied();
        drop(life);
        if let Some(since) = since.filter(|since| sent > *since) {
            self.wrongly_accepted(part, sent, since, journal);
        }
    }

    /// It was refused for what it is, by `part` in these words.
    pub fn was_refused(&self, part: Part, sent: Instant, words: &str, journal: &Journal) {
        let life = self.life();
        let (doomed, dead) = (life.doomed.is_some(), life.dead.get(&part).copied());
        // A broker takes its time to refuse: what was sent before counts, whenever the answer comes.
        let before = life.known.is_none_or(|known| sent < known);
        let excused = before && matches!(part, Part::Node(number) if life.unknown_to.contains(&number));
        drop(life);
        if dead.is_some_and(|since| sent > since) {
            journal.count(match part {
                Part::Replica(_) => "uses of a dead token refused by replicas",
                Part::Node(_) => "uses of a dead token refused by brokers",
            });
        } else if excused && !doomed && dead.is_none() {
            journal.count("refusals of a fresh token by a broker that the answer named as open");
        } else if !doomed && dead.is_none() {
            let sent = journal.ms(sent);
            journal.violation(format!("{part} refused the valid token {}, sent at {sent}: {words}", self.id));
        }
    }

    fn wrongly_accepted(&self, part: Part, sent: Instant, since: Instant, journal: &Journal) {
        let (sent, since) = (journal.ms(sent), journal.ms(since));
        journal.violation(format!("{part} accepted {}, sent at {sent}, which was dead there since {since}", self.id));
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The two valid tokens and the dead ones.
pub struct Tokens {
    state: Mutex<Known>,
}

struct Known {
    generation: i64,
    pair: [Arc<Token>; 2],
    dead: VecDeque<Arc<Token>>,
    /// The ids of all that ever were valid and are no longer.
    all_dead: BTreeSet<String>,
}

impl Tokens {
    /// What a workspace has: Token 1, Token 2.
    pub fn new(generation: i64, pair: [Arc<Token>; 2]) -> Self {
        Self { state: Mutex::new(Known { generation, pair, dead: VecDeque::new(), all_dead: BTreeSet::new() }) }
    }

    /// How often the workspace has been rotated, as far as is known.
    pub fn generation(&self) -> i64 {
        self.known().generation
    }

    /// Token 1.
    pub fn current(&self) -> Arc<Token> {
        self.known().pair[0].clone()
    }

    /// Token 2.
    pub fn next(&self) -> Arc<Token> {
        self.known().pair[1].clone()
    }

    /// Dead tokens, newest first.
    pub fn dead(&self) -> Vec<Arc<Token>> {
        self.known().dead.iter().cloned().collect()
    }

    /// Whether a token with this id was valid once and is dead now.
    pub fn was_valid(&self, id: &str) -> bool {
        self.known().all_dead.contains(id)
    }

    /// A rotation took effect and this is the fresh Token 2. Gives the former Token 1.
    pub fn rotated(&self, fresh: Arc<Token>) -> Arc<Token> {
        let mut known = self.known();
        let [current, next] = known.pair.clone();
        known.pair = [next, fresh];
        known.generation += 1;
        known.dead.push_front(current.clone());
        known.dead.truncate(TRIED);
        known.all_dead.insert(current.id.clone());
        current
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
