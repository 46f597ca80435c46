//! A clock that nobody can set: how long something took, on this machine.

use std::{sync::Arc, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// Tells how much time has passed since some fixed moment of this machine; never goes back. Passed in, so that tests can
/// hold it still and move it.
pub type Monotonic = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The time since this machine was started, for `serve`.
///
/// Not `Instant`, which reads `CLOCK_MONOTONIC`: that clock stops while the machine sleeps, so a replica that wakes up
/// would believe that no time has passed and would trust what it knew when it fell asleep.
pub fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}
