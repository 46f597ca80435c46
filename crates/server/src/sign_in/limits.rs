//! How often somebody may try to sign in before he has to wait.
//!
//! Three things are counted, and only attempts that fail count: what one address tries on one account, what one address tries
//! on all accounts, and what all strange addresses together try on one account. Somebody who attacks an account from elsewhere
//! uses up the third, which does not count for addresses where the account is signed in already: so a user is not locked
//! out of the place where he works.
//!
//! Each replica counts by itself, in memory: with three replicas an attacker has three times as many attempts. An unknown
//! account is counted like any other.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;

/// Ten wrong passwords from one place, then two a minute.
const ADDRESS_AND_ACCOUNT: Rate = Rate { burst: 10, every: 30_000 };
/// For addresses behind which there are many people.
const ADDRESS: Rate = Rate { burst: 50, every: 5_000 };
/// For an attack from many addresses.
const ACCOUNT: Rate = Rate { burst: 100, every: 10_000 };
/// How many places or accounts are remembered for each of the three. The memory is bounded, whatever is tried.
const REMEMBERED: usize = 50_000;

/// So many at once, and then one each so many milliseconds.
#[derive(Clone, Copy)]
struct Rate {
    burst: i64,
    every: i64,
}

/// What was tried lately.
pub struct Limits {
    hasher: RandomState,
    address_and_account: Buckets,
    address: Buckets,
    account: Buckets,
}

/// An attempt that was let through. It counts as failed unless it is given back.
pub struct Attempt<'a> {
    limits: &'a Limits,
    keys: [Option<u64>; 3],
}

impl Default for Limits {
    fn default() -> Self {
        let buckets = |rate| Buckets { rate, full_again: Mutex::default() };
        Self {
            hasher: RandomState::new(),
            address_and_account: buckets(ADDRESS_AND_ACCOUNT),
            address: buckets(ADDRESS),
            account: buckets(ACCOUNT),
        }
    }
}

impl Limits {
    /// Lets an attempt through, or says for how many seconds to wait. `at_home`: the account is signed in there already.
    pub fn attempt(&self, now: Timestamp, address: IpAddr, email: &str, at_home: bool) -> Result<Attempt<'_>, u64> {
        let (now, place) = (now.as_millisecond(), network(address));
        let mut attempt = Attempt { limits: self, keys: [None; 3] };
        // In this order: who is stopped by the first does not use up the others, on which his neighbours depend.
        let keys = [
            Some(self.hasher.hash_one((place, email))),
            Some(self.hasher.hash_one(place)),
            (!at_home).then(|| self.hasher.hash_one(email)),
        ];
        for (at, key) in keys.into_iter().enumerate() {
            let Some(key) = key else { continue };
            if let Err(wait) = self.all()[at].take(key, now) {
                attempt.give_back();
                return Err(wait);
            }
            attempt.keys[at] = Some(key);
        }
        Ok(attempt)
    }

    fn all(&self) -> [&Buckets; 3] {
        [&self.address_and_account, &self.address, &self.account]
    }
}

impl Attempt<'_> {
    /// It succeeded, or was not made: it does not count.
    pub fn give_back(self) {
        for (buckets, key) in self.limits.all().into_iter().zip(self.keys) {
            if let Some(key) = key {
                buckets.give_back(key);
            }
        }
    }
}

/// For each key the time at which it may use its whole burst again. (The generic cell rate algorithm; crates for it cannot
/// give back, and have clocks of their own.)
struct Buckets {
    rate: Rate,
    full_again: Mutex<HashMap<u64, i64>>,
}

impl Buckets {
    fn take(&self, key: u64, now: i64) -> Result<(), u64> {
        let Rate { burst, every } = self.rate;
        let mut full_again = self.full_again.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back must not make anybody wait for longer than an empty bucket takes.
        let at = full_again.get(&key).copied().unwrap_or(now).clamp(now, now + burst * every);
        let wait = at - (now + (burst - 1) * every);
        if wait > 0 {
            return Err((wait as u64).div_ceil(1000));
        }
        if full_again.len() >= REMEMBERED {
            forget(&mut full_again, now);
        }
        full_again.insert(key, at + every);
        Ok(())
    }

    fn give_back(&self, key: u64) {
        let mut full_again = self.full_again.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = full_again.get_mut(&key) {
            *at -= self.rate.every;
        }
    }
}

/// Makes room: what is full again need not be remembered, and if that is not enough, the quarter that has tried least.
fn forget(full_again: &mut HashMap<u64, i64>, now: i64) {
    full_again.retain(|_, at| *at > now);
    if full_again.len() > REMEMBERED * 3 / 4 {
        let mut times: Vec<i64> = full_again.values().copied().collect();
        let quarter = times.len() / 4;
        let least = *times.select_nth_unstable(quarter).1;
        let mut too_many = full_again.len() - REMEMBERED / 2;
        full_again.retain(|_, at| {
            let goes = *at <= least && too_many > 0;
            too_many -= usize::from(goes);
            !goes
        });
    }
}

/// Of an IPv6 address the first half: whoever has one has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const HOME: &str = "192.0.2.1";
    const ELSEWHERE: &str = "198.51.100.7";

    fn at(address: &str) -> IpAddr {
        address.parse().expect("an address")
    }

    fn fail(limits: &Limits, now: Timestamp, address: &str, email: &str) -> Result<(), u64> {
        limits.attempt(now, at(address), email, false).map(drop)
    }

    #[test]
    fn a_thousand_wrong_passwords_take_hours_and_cost_others_nothing() {
        let (limits, start) = (Limits::default(), Timestamp::UNIX_EPOCH);
        let mut now = start;
        for _ in 0..1000 {
            while let Err(wait) = fail(&limits, now, ELSEWHERE, "ada@example.org") {
                now += SignedDuration::from_secs(wait as i64);
            }
        }
        assert!(now.duration_since(start) > SignedDuration::from_hours(8), "{now}");
        assert_eq!(fail(&limits, now, HOME, "ada@example.org"), Ok(()));
        assert_eq!(fail(&limits, now, ELSEWHERE, "bob@example.org"), Ok(()));
    }

    #[test]
    fn an_attack_from_everywhere_does_not_lock_a_user_out_at_home() {
        let (limits, now) = (Limits::default(), Timestamp::UNIX_EPOCH);
        for number in 0..1000 {
            let address = format!("2001:db8:{number:x}::1");
            assert_eq!(fail(&limits, now, &address, "ada@example.org").is_ok(), number < ACCOUNT.burst, "{number}");
        }
        assert!(limits.attempt(now, at(HOME), "ada@example.org", false).is_err());
        assert!(limits.attempt(now, at(HOME), "ada@example.org", true).is_ok());
    }

    #[test]
    fn all_addresses_of_one_network_are_one() {
        let (limits, now) = (Limits::default(), Timestamp::UNIX_EPOCH);
        let allowed = (0..1000).filter(|number| {
            let (address, email) = (format!("2001:db8::{number:x}"), format!("user{number}@example.org"));
            fail(&limits, now, &address, &email).is_ok()
        });
        assert_eq!(allowed.count() as i64, ADDRESS.burst);
    }

    #[test]
    fn what_succeeds_does_not_count() {
        let (limits, now) = (Limits::default(), Timestamp::UNIX_EPOCH);
        for _ in 0..10_000 {
            limits.attempt(now, at(HOME), "ada@example.org", false).unwrap_or_else(|_| panic!("refused")).give_back();
        }
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_those_who_tried_most() {
        let (limits, now) = (Limits::default(), Timestamp::UNIX_EPOCH);
        while fail(&limits, now, HOME, "ada@example.org").is_ok() {}
        for number in 0..3 * REMEMBERED {
            let address = format!("2001:db8:{:x}:{:x}::1", number >> 16, number & 0xffff);
            let _ = fail(&limits, now, &address, "ada@example.org");
        }
        for buckets in limits.all() {
            assert!(buckets.full_again.lock().expect("no panic").len() <= REMEMBERED);
        }
        assert!(fail(&limits, now, HOME, "ada@example.org").is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let (limits, later) = (Limits::default(), Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1000));
        while fail(&limits, later, HOME, "ada@example.org").is_ok() {}
        let wait = fail(&limits, Timestamp::UNIX_EPOCH, HOME, "ada@example.org").expect_err("refused");
        assert!(wait <= (ADDRESS_AND_ACCOUNT.every / 1000) as u64, "{wait}");
    }
}
