//! Randomness, passed in so that tests can seed it.

use std::sync::{Mutex, PoisonError};

use rand::{CryptoRng, RngExt, SeedableRng, rngs::StdRng};

/// A shared, cryptographically secure source of randomness.
pub struct Random(Mutex<StdRng>);

impl Random {
    /// Seeded by the operating system.
    pub fn from_system() -> Self {
        Self(Mutex::new(rand::make_rng()))
    }

    /// The same sequence at every start: for tests only.
    pub fn from_seed(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Lends the generator.
    pub fn with<T>(&self, use_it: impl FnOnce(&mut dyn CryptoRng) -> T) -> T {
        use_it(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        self.with(|rng| rng.random())
    }

    /// A public id: 16 lower-case letters and digits (82 bits), safe in URLs, file names and Kafka principals.
    pub fn id(&self) -> String {
        const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        self.with(|rng| (0..16).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect())
    }
}
