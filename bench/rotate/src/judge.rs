//! What is known of the rotations, and what each use of a token means in the light of it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use twinkey_api::token_pair::Slot;
use twinkey_testkit::Api;

/// The valid tokens.
#[derive(Clone)]
pub struct Pair {
    /// How often the workspace has been rotated.
    pub generation: i64,
    /// Token 1.
    pub current: String,
    /// Token 2.
    pub next: String,
}

/// A token, as a client holds it.
#[derive(Clone)]
pub struct Held {
    pub value: String,
    /// The generation at which it was taken.
    pub taken: i64,
    /// The generation whose rotation it does not survive.
    pub dies: i64,
}

/// A client's place in the row of those that are waited for: the death of the token that it has used with success.
pub type Seat = Arc<AtomicI64>;

/// Counts uses by what they mean.
pub struct Judge {
    pub api: Api,
    pub workspace: String,
    /// The generation to which the newest rotation leads that was asked for.
    pub begun: AtomicI64,
    /// The same of the newest one that was answered.
    pub answered: AtomicI64,
    pair: Mutex<Pair>,
    seats: Mutex<Vec<Seat>>,
    /// Accepted, and nothing to be said about it.
    valid: AtomicU64,
    /// Accepted after the token had been promoted: the rotation was not noticed.
    promoted: AtomicU64,
    /// Refused, sent after the answer of the rotation.
    refused: AtomicU64,
    /// Refused, sent while the rotation was under way.
    refused_meanwhile: AtomicU64,
    /// Accepted although sent after the answer: what must not be.
    dead_accepted: AtomicU64,
    /// Refused although the token was valid: what must not be either.
    errors: AtomicU64,
}

impl Judge {
    pub fn new(api: Api, workspace: String, pair: Pair) -> Self {
        let generation = || AtomicI64::new(pair.generation);
        let (begun, answered) = (generation(), generation());
        let zero = AtomicU64::default;
        Self {
            api,
            workspace,
            begun,
            answered,
            pair: Mutex::new(pair),
            seats: Mutex::default(),
            valid: zero(),
            promoted: zero(),
            refused: zero(),
            refused_meanwhile: zero(),
            dead_accepted: zero(),
            errors: zero(),
        }
    }

    pub fn pair(&self) -> Pair {
        self.pair.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, pair: Pair) {
        *self.pair.lock().unwrap_or_else(PoisonError::into_inner) = pair;
    }

    /// The token that is in a slot now.
    pub fn take(&self, slot: Slot) -> Held {
        let pair = self.pair();
        let (value, lives) = match slot {
            Slot::Current => (pair.current, 1),
            Slot::Next => (pair.next, 2),
        };
        Held { value, taken: pair.generation, dies: pair.generation + lives }
    }

    pub fn seat(&self) -> Seat {
        let seat = Seat::default();
        self.seats.lock().unwrap_or_else(PoisonError::into_inner).push(seat.clone());
        seat
    }

    /// Waits until each client has used a token of this generation; `false` if one has not in time.
    pub async fn all_at_work(&self, patience: Duration) -> bool {
        let (deadline, generation) = (Instant::now() + patience, self.pair().generation);
        loop {
            let seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (ones, twos) = seats.split_at(seats.len() / 2);
            let at = |seats: &[Seat], dies| seats.iter().all(|seat| seat.load(Ordering::Relaxed) == dies);
            if at(ones, generation + 1) && at(twos, generation + 2) {
                return true;
            }
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Judges one use, which was sent when `answered` was as given. Whether the client should take another token.
    pub fn judge(&self, held: &Held, seat: &Seat, answered: i64, outcome: Result<(), String>) -> bool {
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        match outcome {
            Ok(()) if answered >= held.dies => {
                count(&self.dead_accepted);
                false
            }
            Ok(()) => {
                seat.store(held.dies, Ordering::Relaxed);
                count(&self.valid);
                let promoted = answered > held.taken;
                if promoted {
                    count(&self.promoted);
                }
                promoted
            }
            Err(_) if answered >= held.dies => {
                count(&self.refused);
                true
            }
            Err(_) if self.begun.load(Ordering::SeqCst) >= held.dies => {
                count(&self.refused_meanwhile);
                true
            }
            Err(error) => {
                if count(&self.errors) < 10 {
                    eprintln!("a valid token was refused: {error}");
                }
                true
            }
        }
    }

    pub fn seen(&self) -> Value {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "valid": read(&self.valid), "promoted": read(&self.promoted), "refused": read(&self.refused),
            "refusedMeanwhile": read(&self.refused_meanwhile), "deadAccepted": read(&self.dead_accepted),
            "errors": read(&self.errors),
        })
    }
}
