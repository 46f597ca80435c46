//! When nobody can believe in what was true before a commit any more.

use std::time::Duration;

/// A replica as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its id.
    pub id: String,
    /// The newest revision that it has said to hold in memory.
    pub revision: i64,
    /// How long it trusts its memory.
    pub lease: Duration,
}

/// Waits out a commit: over when every replica has confirmed its revision, has gone, or can no longer be trusting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Barrier {
    /// The revision of the commit.
    pub revision: i64,
    /// On the waiting replica's monotonic clock, read after the commit was acknowledged.
    pub committed_at: Duration,
}

impl Barrier {
    /// Whether nobody among `peers`, which were read after the commit, can answer from older memory any more. `None`: they
    /// could not be read, so any lease that is allowed may be running.
    pub fn is_over<'a>(&self, peers: Option<impl IntoIterator<Item = &'a Peer>>, now: Duration) -> bool {
        let waited = |lease| now >= self.committed_at + outwait(lease);
        match peers {
            Some(peers) => peers.into_iter().all(|peer| peer.revision >= self.revision || waited(peer.lease)),
            None => waited(super::LEASE_MAX),
        }
    }
}

/// How long to wait here until a lease that began no later is over everywhere.
///
/// Clocks are not set, but they are slewed: Linux lets nobody (`adjtimex`) make one more than 10 % faster or slower than it
/// is, and chrony uses much of that. 1.1 / 0.9 is 1.22. The millisecond covers the granularity of any clock.
pub fn outwait(lease: Duration) -> Duration {
    lease * 5 / 4 + Duration::from_millis(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn peer(revision: i64, lease: Duration) -> Peer {
        Peer { id: "b".into(), revision, lease }
    }

    #[test]
    fn over_when_all_have_confirmed_or_their_own_lease_is_over() {
        let barrier = Barrier { revision: 7, committed_at: 10 * SECOND };
        let over = |peers: &[Peer], now| barrier.is_over(Some(peers), now);
        assert!(over(&[], 10 * SECOND));
        assert!(over(&[peer(7, SECOND), peer(8, SECOND)], 10 * SECOND));
        let behind = [peer(7, 2 * SECOND), peer(6, SECOND)];
        assert!(!over(&behind, 10 * SECOND + SECOND * 5 / 4));
        assert!(over(&behind, 10 * SECOND + SECOND * 5 / 4 + Duration::from_millis(1)));
        assert!(!over(&[peer(6, 2 * SECOND)], 12 * SECOND), "a longer lease is waited for longer");
    }

    #[test]
    fn without_the_peers_the_longest_lease_counts() {
        let barrier = Barrier { revision: 7, committed_at: 10 * SECOND };
        let over = |now| barrier.is_over(None::<&[Peer]>, now);
        assert!(!over(10 * SECOND + crate::replicas::LEASE_MAX));
        assert!(over(10 * SECOND + outwait(crate::replicas::LEASE_MAX)));
    }
}
