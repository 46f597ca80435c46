//! What happened and when, what was counted, and what must not have happened.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// So many of the last events are told when a run fails.
const KEPT: usize = 300;
/// A defect shows itself in every use; the first few tell all.
const VIOLATIONS: usize = 20;

/// The record of one run. All times are milliseconds of a monotonic clock since its start.
pub struct Journal {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    events: VecDeque<String>,
    violations: Vec<String>,
    counts: BTreeMap<String, u64>,
    times: BTreeMap<&'static str, Vec<Duration>>,
}

impl Journal {
    /// Begins now.
    pub fn new() -> Self {
        Self { started: Instant::now(), state: Mutex::default() }
    }

    /// An instant as the journal tells it.
    pub fn ms(&self, at: Instant) -> u128 {
        at.saturating_duration_since(self.started).as_millis()
    }

    /// Remembers an event.
    pub fn note(&self, text: impl AsRef<str>) {
        let line = format!("{:>8} {}", self.ms(Instant::now()), text.as_ref());
        let mut state = self.lock();
        state.events.push_back(line);
        if state.events.len() > KEPT {
            state.events.pop_front();
        }
    }

    /// Something happened that must never happen. The round goes on to its end, so that more of it is seen.
    pub fn violation(&self, text: impl AsRef<str>) {
        self.note(format!("!!! {}", text.as_ref()));
        let line = format!("{:>8} {}", self.ms(Instant::now()), text.as_ref());
        let mut state = self.lock();
        if state.violations.len() < VIOLATIONS {
            state.violations.push(line);
        }
    }

    /// Whether anything happened that must not.
    pub fn is_clean(&self) -> bool {
        self.lock().violations.is_empty()
    }

    /// Counts one more of these.
    pub fn count(&self, what: &str) {
        let mut state = self.lock();
        match state.counts.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(state.counts.insert(what.to_owned(), 1)),
        }
    }

    /// How many of these were counted.
    pub fn counted(&self, what: &str) -> u64 {
        self.lock().counts.get(what).copied().unwrap_or_default()
    }

    /// Remembers how long something took.
    pub fn took(&self, what: &'static str, time: Duration) {
        self.lock().times.entry(what).or_default().push(time);
    }

    /// Counts and times as a table.
    pub fn figures(&self) -> String {
        let mut state = self.lock();
        let mut text = String::new();
        for (what, count) in &state.counts {
            let _ = writeln!(text, "{count:>9}  {what}");
        }
        for (what, times) in &mut state.times {
            times.sort_unstable();
            let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_millis();
            let (count, median, p99, most) = (times.len(), at(50), at(99), at(100));
            let _ = writeln!(text, "{count:>9}  × {what}: median {median} ms, p99 {p99} ms, most {most} ms");
        }
        text
    }

    /// The story of a failed run.
    pub fn story(&self) -> String {
        let state = self.lock();
        let mut text = String::from("Events (ms since the start):\n");
        for line in &state.events {
            let _ = writeln!(text, "{line}");
        }
        let _ = writeln!(text, "\nWhat must not happen, and did:");
        for line in &state.violations {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
