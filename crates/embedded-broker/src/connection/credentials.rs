//! What SCRAM needs of passwords: salts, and keys that are derived once.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use tokio::{sync::Semaphore, task::spawn_blocking};
use twinkey_kafka_wire::scram::{ITERATIONS, Keys, Mechanism, keyed_hash};

/// How many derived keys are kept; about 200 bytes each.
const CACHED: usize = 20_000;

/// Salts and keys. Keys are derived on blocking threads (milliseconds each) and kept, so that a storm of reconnecting
/// clients costs no derivations.
pub(crate) struct Credentials {
    /// Fresh at each start. Salts come from it for known and unknown users alike, so that they tell nothing.
    secret: [u8; 32],
    known: Pool,
    /// Unknown users take the same way with a password that nobody has, in a pool of their own: strangers can neither
    /// push keys of known users out nor make them wait.
    unknown: Pool,
}

struct Pool {
    cache: Mutex<Cache>,
    derivations: Semaphore,
}

#[derive(Default)]
struct Cache {
    keys: HashMap<(String, Mechanism), Cached>,
    order: VecDeque<(String, Mechanism)>,
}

struct Cached {
    /// Of the password that the keys were derived from.
    fingerprint: Vec<u8>,
    keys: Keys,
}

impl Credentials {
    /// Credentials with a secret of their own.
    pub(crate) fn new() -> Self {
        let pool = |parallel| Pool { cache: Mutex::default(), derivations: Semaphore::new(parallel) };
        Self { secret: rand::random(), known: pool(2), unknown: pool(1) }
    }

    /// The salt of `user`, the same at each sign-in, whether or not there is such a user.
    pub(crate) fn salt(&self, mechanism: Mechanism, user: &str) -> Vec<u8> {
        keyed_hash(&self.secret, mechanism.name(), user)
    }

    /// The keys of `user` with `password`; `None` is the password that nobody has.
    pub(crate) async fn keys(&self, mechanism: Mechanism, user: &str, password: Option<&str>) -> Keys {
        let nobodys = || keyed_hash(&self.secret, "nobody", user).escape_ascii().to_string();
        let (pool, password) = match password {
            Some(password) => (&self.known, password.to_owned()),
            None => (&self.unknown, nobodys()),
        };
        let id = (user.to_owned(), mechanism);
        let fingerprint = keyed_hash(&self.secret, "password", &password);
        if let Some(keys) = pool.cached(&id, &fingerprint) {
            return keys;
        }
        let _permit = pool.derivations.acquire().await;
        // Another connection of the same client may have derived them while this one waited.
        if let Some(keys) = pool.cached(&id, &fingerprint) {
            return keys;
        }
        let salt = self.salt(mechanism, user);
        let keys = spawn_blocking(move || Keys::derive(mechanism, &password, &salt, ITERATIONS))
            .await
            .expect("a derivation neither panics nor is aborted");
        pool.insert(id, Cached { fingerprint, keys: keys.clone() });
        keys
    }

    /// Drops the keys of a principal that was cut off.
    pub(crate) fn forget(&self, user: &str) {
        let mut cache = self.known.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.keys.retain(|(name, _), _| name != user);
        cache.order.retain(|(name, _)| name != user);
    }
}

impl Pool {
    fn cached(&self, id: &(String, Mechanism), fingerprint: &[u8]) -> Option<Keys> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.keys.get(id).filter(|cached| cached.fingerprint == fingerprint).map(|cached| cached.keys.clone())
    }

    fn insert(&self, id: (String, Mechanism), cached: Cached) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.keys.insert(id.clone(), cached).is_none() {
            cache.order.push_back(id);
        }
        while cache.keys.len() > CACHED
            && let Some(oldest) = cache.order.pop_front()
        {
            cache.keys.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keys_are_kept_until_the_password_changes_or_the_principal_is_cut_off() {
        let credentials = Credentials::new();
        let kept =
            |user: &str| credentials.known.cache.lock().unwrap().keys.keys().filter(|(name, _)| name == user).count();
        credentials.keys(Mechanism::Sha256, "tk-1", Some("secret")).await;
        credentials.keys(Mechanism::Sha512, "tk-1", Some("secret")).await;
        credentials.keys(Mechanism::Sha256, "tk-1", Some("other")).await;
        credentials.keys(Mechanism::Sha256, "tk-2", Some("secret")).await;
        credentials.keys(Mechanism::Sha256, "tk-3", None).await;
        assert_eq!((kept("tk-1"), kept("tk-2"), kept("tk-3")), (2, 1, 0));
        credentials.forget("tk-1");
        assert_eq!((kept("tk-1"), kept("tk-2")), (0, 1));
        let order = credentials.known.cache.lock().unwrap().order.len();
        assert_eq!(order, 1);
    }

    #[test]
    fn salts_are_stable_and_differ_by_user_and_mechanism() {
        let credentials = Credentials::new();
        let salt = |mechanism, user| credentials.salt(mechanism, user);
        assert_eq!(salt(Mechanism::Sha256, "a"), salt(Mechanism::Sha256, "a"));
        assert_ne!(salt(Mechanism::Sha256, "a"), salt(Mechanism::Sha256, "b"));
        assert_ne!(salt(Mechanism::Sha256, "a"), salt(Mechanism::Sha512, "a"));
        assert_ne!(salt(Mechanism::Sha256, "a"), Credentials::new().salt(Mechanism::Sha256, "a"));
    }
}
