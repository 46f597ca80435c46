//! Who uses which token: counted in memory, added to the database in batches, read back for people and for the verdict on
//! a rotation.
//!
//! A *client* is a token, an address, and what the program there calls itself. On the hot path it is looked up in
//! [`clients`] and a few numbers are added up. [`flush`] carries the sums over into the table, where those of all replicas come
//! together; [`report`] reads them and adds what only the broker knows, and [`verdict`] judges whether Token 1 may go. The same flush
//! adds to the sums by the minute and by the hour that [`timeline`] shows.
//! Use of a dead token takes the same way, and raises an [`alarm`].

pub mod alarm;
pub mod clients;
pub mod flush;
pub mod identity;
pub mod overview;
pub mod report;
pub mod sign_ins;
pub mod timeline;
pub mod verdict;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use twinkey_api::WorkspaceId;
use twinkey_embedded_broker::ConnectionInfo;

use self::{clients::Clients, identity::Identity, report::members::Members};

/// Names without a principal that are remembered until the next flush; further ones are dropped, and that is counted.
const UNKNOWN_MAX: usize = 256;

/// What stands in the place of the workspace of a token whose workspace was deleted. It is no id: a workspace of the same id may exist
/// again, and has nothing to do with that token.
pub const DELETED: &str = "";

/// What this server has seen and not yet stored.
#[derive(Default)]
pub struct Usage {
    /// The uses.
    pub clients: Clients,
    /// Sign-ins with names of principals that there are not, or not any more. Only the database knows which.
    unknown: Mutex<HashMap<(String, Identity), u64>>,
    /// What a cluster has shown last: of which workspace, and when, by the monotonic clock.
    members: tokio::sync::Mutex<Option<(WorkspaceId, Duration, Arc<Members>)>>,
    /// One flush at a time.
    flushing: tokio::sync::Mutex<flush::State>,
}

impl Usage {
    /// Notes a sign-in with a name that has no principal, to be looked up later.
    fn note_unknown(&self, attempt: &ConnectionInfo) {
        self.add_unknown((attempt.principal.clone(), Identity::of_connection(attempt)), 1);
    }

    fn add_unknown(&self, key: (String, Identity), more: u64) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        let room = unknown.len() < UNKNOWN_MAX;
        if let Some(count) = unknown.get_mut(&key) {
            *count += more;
        } else if room {
            unknown.insert(key, more);
        }
    }

    /// What could not be looked up is tried again.
    fn give_unknown_back(&self, unknown: HashMap<(String, Identity), u64>) {
        for (key, count) in unknown {
            self.add_unknown(key, count);
        }
    }

    fn take_unknown(&self) -> HashMap<(String, Identity), u64> {
        std::mem::take(&mut *self.unknown.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The client of the request that a connection has just carried, so that its answer can be added to the same sums.
#[derive(Clone, Default)]
pub struct LastClient(Arc<Mutex<Option<Arc<clients::Client>>>>);

impl LastClient {
    /// Set by whoever has authenticated the request.
    pub fn set(&self, client: Arc<clients::Client>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
    }

    /// The client of the last request, if it was authenticated by an SDK token.
    pub fn take(&self) -> Option<Arc<clients::Client>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
