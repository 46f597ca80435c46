//! What was produced, acknowledged and read. Each attempt has a number of its own, which is the record's value.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::tokens::{Part, Token};

/// All attempts to produce, and what became of them.
#[derive(Default)]
pub struct Records {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    attempts: Vec<Attempt>,
    topics: BTreeMap<&'static str, Topic>,
}

struct Attempt {
    token: Arc<Token>,
    part: Part,
    sent: Instant,
}

#[derive(Default)]
struct Topic {
    /// Offset and number, as acknowledged, until they were found.
    acknowledged: Vec<(i64, usize)>,
    /// Up to here the reader has read.
    read: Vec<usize>,
    /// Up to here what was read is verified.
    verified: usize,
}

impl Records {
    /// An attempt that is about to be sent; its number.
    pub fn begin(&self, token: &Arc<Token>, part: Part, sent: Instant) -> usize {
        let mut state = self.lock();
        state.attempts.push(Attempt { token: token.clone(), part, sent });
        state.attempts.len() - 1
    }

    /// It was acknowledged.
    pub fn acknowledged(&self, topic: &'static str, offset: i64, number: usize) {
        self.lock().topics.entry(topic).or_default().acknowledged.push((offset, number));
    }

    /// When the newest of these records was sent.
    pub fn newest(&self, values: &[String]) -> Option<Instant> {
        let state = self.lock();
        values.iter().filter_map(|value| state.attempts.get(value.parse::<usize>().ok()?)).map(|it| it.sent).max()
    }

    /// The offset that the reader reads next.
    pub fn position(&self, topic: &'static str) -> i64 {
        self.lock().topics.entry(topic).or_default().read.len() as i64
    }

    /// The reader has read these from `offset` on.
    pub fn read(&self, topic: &'static str, offset: i64, values: &[String]) {
        let mut state = self.lock();
        let read = &mut state.topics.entry(topic).or_default().read;
        if offset == read.len() as i64 {
            read.extend(values.iter().map(|value| value.parse::<usize>().expect("the number of an attempt")));
        }
    }

    /// How many acknowledged records the reader has not come to.
    pub fn unread(&self) -> usize {
        let state = self.lock();
        let unread = |topic: &Topic| {
            let read = topic.read.len() as i64;
            topic.acknowledged.iter().filter(|(offset, _)| *offset >= read).count()
        };
        state.topics.values().map(unread).sum()
    }

    /// Every acknowledged record that the reader has come to is where it was acknowledged, none stands twice, and none was
    /// appended with a token that was dead when it was sent. Sentences about what is wrong.
    pub fn verify(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let state = &mut *self.lock();
        for (name, topic) in &mut state.topics {
            let read = &topic.read;
            topic.acknowledged.retain(|(offset, number)| {
                match read.get(usize::try_from(*offset).unwrap_or_default()) {
                    Some(found) => {
                        if found != number {
                            wrong.push(format!(
                                "{name}: record {number} was acknowledged at {offset}, where {found} stands"
                            ));
                        }
                        false
                    }
                    None => true,
                }
            });
            for number in &read[topic.verified..] {
                let Some(attempt) = state.attempts.get(*number) else {
                    wrong.push(format!("{name}: nobody produced {number}"));
                    continue;
                };
                if attempt.token.died_on(attempt.part).is_some_and(|since| attempt.sent > since) {
                    wrong.push(format!("{name}: record {number} was appended by {}, with a dead token", attempt.part));
                }
            }
            let fresh: HashSet<_> = read[topic.verified..].iter().collect();
            if fresh.len() < read.len() - topic.verified
                || read[..topic.verified].iter().rev().take(1_000).any(|number| fresh.contains(number))
            {
                wrong.push(format!("{name}: a record stands twice"));
            }
            topic.verified = read.len();
        }
        wrong
    }

    /// How many records were verified.
    pub fn verified(&self) -> usize {
        self.lock().topics.values().map(|topic| topic.verified).sum()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
