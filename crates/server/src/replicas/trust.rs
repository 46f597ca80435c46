//! How long a replica may answer from memory: a lease that it gives itself, from before it asked the database.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The moment, on this replica's monotonic clock, at which it stops believing what it holds in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Until(Duration);

impl Until {
    /// Never trusted.
    pub const NEVER: Self = Self(Duration::ZERO);

    /// What a question to the database earns once memory has caught up with its answer. `asked_at` was read *before* the
    /// question was sent: when the answer was true is not known better than "not before".
    pub fn after(asked_at: Duration, lease: Duration) -> Self {
        Self(asked_at + lease)
    }

    /// Whether memory may still be believed.
    pub fn holds(self, now: Duration) -> bool {
        now < self.0
    }

    /// The moment itself.
    pub fn moment(self) -> Duration {
        self.0
    }
}

/// The trust of a running replica, as requests see it: one atomic number.
pub struct Trust(AtomicU64);

impl Default for Trust {
    fn default() -> Self {
        Self(AtomicU64::new(nanoseconds(Until::NEVER)))
    }
}

impl Trust {
    /// Sets how long memory may be believed. Whoever calls this has brought memory up to date before.
    pub fn set(&self, until: Until) {
        // Release: whoever sees the new moment sees the memory that earned it.
        self.0.store(nanoseconds(until), Ordering::Release);
    }

    /// Ends it: from here on requests ask the database.
    pub fn end(&self) {
        self.set(Until::NEVER);
    }

    /// Whether memory may be believed. The question must come *before* the look into memory, and the clock is read after
    /// the moment was: a request that was held up in between then has old memory only if it was there in time.
    pub fn holds(&self, now: impl FnOnce() -> Duration) -> bool {
        let until = Until(Duration::from_nanos(self.0.load(Ordering::Acquire)));
        until.holds(now())
    }
}

/// 584 years from the start of the machine fit.
fn nanoseconds(until: Until) -> u64 {
    u64::try_from(until.0.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_from_the_question_and_for_one_lease() {
        let (trust, second) = (Trust::default(), Duration::from_secs(1));
        assert!(!trust.holds(|| Duration::ZERO));
        trust.set(Until::after(10 * second, second));
        assert!(trust.holds(|| Duration::from_millis(10_999)));
        assert!(!trust.holds(|| 11 * second));
        trust.end();
        assert!(!trust.holds(|| Duration::ZERO));
    }
}
