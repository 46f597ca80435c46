//! Passwords of people: Argon2id, off the asynchronous threads because it is slow on purpose.

use std::sync::{Arc, OnceLock};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::random::Random;

/// How many hashes are computed at the same time. Each takes 19 MiB and a core; more would only let strangers use up both.
const CONCURRENT: usize = 2;

/// Hashes and verifies passwords, a bounded number at a time.
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// Verified against when the account does not exist, so that the answer takes as long as for one that does. Made by the
    /// first verification, whichever account that is for.
    decoy: Arc<OnceLock<String>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(CONCURRENT)), decoy: Arc::default() }
    }
}

impl Passwords {
    /// The PHC string of `password`, to be stored.
    pub async fn hash(&self, password: Zeroizing<String>, random: &Random) -> String {
        let salt = random.bytes();
        self.blocking(move || hash(&password, salt)).await
    }

    /// Whether `password` is the one behind `stored`; without an account always false, after the same work.
    pub async fn verify(&self, password: Zeroizing<String>, stored: Option<String>) -> bool {
        let known = stored.is_some();
        let decoy = self.decoy.clone();
        let matches = self
            .blocking(move || {
                let decoy = decoy.get_or_init(|| hash("no account has this password", [0; 16]));
                PasswordHash::new(stored.as_ref().unwrap_or(decoy))
                    .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
            })
            .await;
        matches && known
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let permit = self.permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await
        .expect("hashing does not panic")
    }
}

fn hash(password: &str, salt: [u8; 16]) -> String {
    Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .expect("the default parameters and a salt of 16 bytes are valid")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn verifies_the_right_password_only() {
        let random = Random::from_seed(1);
        let passwords = Passwords::default();
        let stored = passwords.hash("correct".to_owned().into(), &random).await;
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(passwords.verify("correct".to_owned().into(), Some(stored.clone())).await);
        assert!(!passwords.verify("wrong".to_owned().into(), Some(stored)).await);
        assert!(!passwords.verify("no account has this password".to_owned().into(), None).await);
    }
}
