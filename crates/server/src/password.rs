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
/// How many strangers may wait for their turn. More are sent away, because a queue that is as long as an attack is of no use.
const WAITING: usize = 32;
/// The shortest password, in characters.
const LENGTH_MIN: usize = 8;
/// The longest, in bytes.
const LENGTH_MAX: usize = 1000;

/// Hashes and verifies passwords, a bounded number at a time.
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// For users at places where they are signed in, so that a crowd of strangers does not keep them out.
    at_home: Arc<Semaphore>,
    /// Room for those who are being served and those who wait.
    strangers: Semaphore,
    /// Verified against when the account does not exist, so that the answer takes as long as for one that does. Made by the
    /// first verification, whichever account that is for.
    decoy: Arc<OnceLock<String>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(CONCURRENT)),
            at_home: Arc::new(Semaphore::new(1)),
            strangers: Semaphore::new(CONCURRENT + WAITING),
            decoy: Arc::default(),
        }
    }
}

impl Passwords {
    /// The PHC string of `password`, to be stored.
    pub async fn hash(&self, password: Zeroizing<String>, random: &Random) -> String {
        let salt = random.bytes();
        blocking(&self.permits, move || hash(&password, salt)).await
    }

    /// Whether `password` is the one behind `stored`; without an account always false, after the same work. `None`: too many
    /// wait already.
    pub async fn verify(&self, password: Zeroizing<String>, stored: Option<String>, at_home: bool) -> Option<bool> {
        let _room = if at_home { None } else { Some(self.strangers.try_acquire().ok()?) };
        let permits = if at_home { &self.at_home } else { &self.permits };
        let known = stored.is_some();
        let decoy = self.decoy.clone();
        let matches = blocking(permits, move || {
            let decoy = decoy.get_or_init(|| hash("no account has this password", [0; 16]));
            PasswordHash::new(stored.as_ref().unwrap_or(decoy))
                .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
        });
        Some(matches.await && known)
    }
}

/// Whether a new password will do, and if not, why.
pub fn check_new(password: &str) -> Result<(), String> {
    if password.chars().count() < LENGTH_MIN {
        return Err(format!("The password must have at least {LENGTH_MIN} characters"));
    }
    if password.len() > LENGTH_MAX {
        return Err(format!("The password may have at most {LENGTH_MAX} bytes"));
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(permits: &Arc<Semaphore>, work: impl FnOnce() -> T + Send + 'static) -> T {
    let permit = permits.clone().acquire_owned().await.expect("the semaphore is never closed");
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    })
    .await
    .expect("hashing does not panic")
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
        let verify = async |password: &str, stored| {
            passwords.verify(password.to_owned().into(), stored, false).await.expect("room")
        };
        assert!(verify("correct", Some(stored.clone())).await);
        assert!(!verify("wrong", Some(stored)).await);
        assert!(!verify("no account has this password", None).await);
    }

    /// A thousand at the same time: most are sent away at once, and a user at home is served all the same.
    #[tokio::test]
    async fn the_work_for_strangers_is_bounded() {
        let passwords = Arc::new(Passwords::default());
        let stored = passwords.hash("correct".to_owned().into(), &Random::from_seed(1)).await;
        let strangers: Vec<_> = (0..1000)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.verify("guess".to_owned().into(), None, false).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(passwords.verify("correct".to_owned().into(), Some(stored), true).await, Some(true));
        let answers = futures::future::join_all(strangers).await;
        let served = answers.into_iter().filter(|answer| answer.as_ref().expect("no panic").is_some()).count();
        assert!((1..100).contains(&served), "{served}");
    }
}
