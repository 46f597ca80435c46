//! Where the time comes from.

use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time; passed in so that tests can set it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
