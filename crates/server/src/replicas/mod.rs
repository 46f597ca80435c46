//! Several servers on one database: who may answer from memory, and when a change is known to all.

pub mod barrier;
pub mod catch_up;
pub mod clock;
pub mod trust;

#[cfg(test)]
mod model;

use std::time::Duration;

/// The longest lease that may be set.
pub const LEASE_MAX: Duration = Duration::from_secs(2);
