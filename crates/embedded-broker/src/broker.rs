//! The broker as its owner sees it: start, topics, cut-off, shutdown.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;

use crate::Scope;

/// Where the time comes from; passed in so that tests can set it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A principal that may sign in now.
pub struct KnownPrincipal {
    /// The password that SCRAM and PLAIN prove.
    pub password: String,
    /// What it may touch.
    pub scope: Scope,
}

/// Who may sign in. Asked at every sign-in, so that there is one source of truth for valid tokens.
pub trait Principals: Send + Sync + 'static {
    /// The principal `name`, or `None` if there is none or it was cut off.
    fn find(&self, name: &str) -> Option<KnownPrincipal>;
}

/// What a broker needs to start.
pub struct BrokerConfig {
    /// Where segments, topics and committed offsets live.
    pub data_dir: PathBuf,
}

/// The running broker.
pub struct Broker;
