//! One run: what is under test, what is known about it, and which faults are under way.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    faults::{Fault, Trouble},
    installation::Installation,
    journal::Journal,
    records::Records,
    tokens::{Part, Tokens},
};

/// No part of the system has to be this fast; one that has not answered by now lacks the processor.
pub const STARVED: Duration = Duration::from_secs(2);

/// Shared by everything that goes on in a run.
pub struct Run {
    /// What is under test.
    pub installation: Arc<Installation>,
    /// Its tokens.
    pub tokens: Tokens,
    /// What was produced.
    pub records: Records,
    /// What happened.
    pub journal: Journal,
    /// Held during a rotation and all that is learned of it.
    pub rotating: tokio::sync::Mutex<Rotating>,
    windows: Mutex<Vec<Window>>,
}

/// What is known of the last rotation.
#[derive(Default)]
pub struct Rotating {
    /// It is neither known to have taken effect nor known not to have.
    pub uncertain: bool,
}

/// From before a fault begins until everything is in order again.
struct Window {
    fault: Fault,
    until: Option<Instant>,
}

impl Run {
    /// A run without faults so far.
    pub fn new(installation: Arc<Installation>, tokens: Tokens, journal: Journal) -> Arc<Self> {
        let (records, rotating, windows) = (Records::default(), tokio::sync::Mutex::default(), Mutex::default());
        Arc::new(Self { installation, tokens, records, journal, rotating, windows })
    }

    /// These faults are about to happen.
    pub fn open(&self, faults: impl Iterator<Item = Fault>) {
        self.windows().extend(faults.map(|fault| Window { fault, until: None }));
    }

    /// Everything is in order again: from now on nothing is explained any more.
    pub fn close(&self) {
        for window in &mut *self.windows() {
            window.until.get_or_insert_with(Instant::now);
        }
    }

    /// Whether any fault that fits was under way at any time since `sent`.
    pub fn faulty(&self, sent: Instant, fits: impl Fn(Fault) -> bool) -> bool {
        let mut windows = self.windows();
        let old = windows.len().saturating_sub(8);
        windows.drain(..old);
        windows.iter().any(|window| fits(window.fault) && window.until.is_none_or(|until| until > sent))
    }

    /// A request with a valid token that was sent at `sent` has met trouble: counted if a fault explains it, or if it took
    /// so long that it tells of the machine.
    pub fn met(&self, trouble: Trouble, part: Part, kafka: bool, sent: Instant, words: &str) {
        let kind = match part {
            Part::Replica(_) => "the API",
            Part::Node(_) => "Kafka",
        };
        if self.faulty(sent, |fault| fault.explains(part, trouble, kafka)) {
            self.journal.count(&format!("uses of {kind} that met trouble which the fault explains: {trouble:?}"));
        } else if sent.elapsed() > STARVED {
            self.journal.note(format!("{part}: {trouble:?} after {} ms: {words}", sent.elapsed().as_millis()));
            self.journal
                .count(&format!("uses of {kind} that met trouble because the machine is too busy: {trouble:?}"));
        } else {
            let sent = self.journal.ms(sent);
            self.journal
                .violation(format!("{part}: a request sent at {sent} met {trouble:?} without a reason: {words}"));
        }
    }

    fn windows(&self) -> MutexGuard<'_, Vec<Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
